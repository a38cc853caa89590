"""How much each feature group tells about default, measured by one light model a group."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.modelling.baseline import default_risk, judge, logistic, one_thread, scorecard
from warehouse.modelling.data import CLICKSTREAM, Columns, Split, load, split_by_date, with_history
from warehouse.modelling.judging import auc, auc_interval, caught

FILE = "group_power.json"
RESAMPLES = 200
EVERY = "all groups"


@dataclass(frozen=True)
class Power:
    """The out-of-time AUC of one model, with its 95 % interval.

    feature_group: what it reads; "all groups" of the baseline, "without" of the same on loans that
    have no clickstream, "careless join" where later months are joined too. is_honest: whether it
    reads only what was known on the day of the application. kept: the AUC that the careless one
    keeps in use. caught_in_fifth: share of all defaults among the riskiest fifth; rate_in_fifth:
    default rate there.
    """

    name: str
    feature_group: str
    is_honest: bool
    auc: float
    auc_low: float
    auc_high: float
    train_loans: int
    test_loans: int
    first_test: str
    last_test: str
    caught_in_fifth: float
    rate_in_fifth: float
    kept: float | None = None


def group_power(run_dir: Path) -> list[dict[str, Any]]:
    """Return the power of each feature group of a published run, as rows of `Power`.

    Trained once a run: the result is kept in the run's folder. Empty where too few loans have a
    label for a test on later ones.
    """
    file = run_dir / FILE
    if file.exists():
        return list(json.loads(file.read_text(encoding="utf-8")))
    with duckdb.connect() as con:
        attach(con, run_dir)
        rows = [asdict(power) for power in measure(con)]
    new_file = file.with_suffix(".new")
    new_file.write_text(json.dumps(rows), encoding="utf-8")
    new_file.replace(file)
    return rows


@one_thread
def measure(con: duckdb.DuckDBPyConnection) -> list[Power]:
    """Train and test a model a group, on all groups, and on a careless join.

    Trained on loans whose label was known on the first day of the test, tested on the later loans
    that have a clickstream.
    """
    loans = load(con)
    split = split_by_date(loans, labels_known_by_test=True)
    if min(split.train["label"].nunique(), split.test["label"].nunique()) < 2:
        return []
    columns = loans.columns
    found = []
    for group in sorted({*columns.numbers, *columns.categories}):
        numbers, texts = columns.numbers.get(group, []), columns.categories.get(group, [])
        model = logistic(numbers, texts, [])
        found.append(_power(group.replace("_", " "), group, model, split, split.test))
    for window, name in _windows(con, columns):
        own = split if window == "all" else _of_window(con, split, window)
        model = logistic([], [], columns.evidence)
        found.append(_power(f"{CLICKSTREAM}, {name}", CLICKSTREAM, model, own, own.test))
    everything = scorecard(columns)
    found.append(_power(EVERY, EVERY, everything, split, split.test))
    if split.test_without_clickstream["label"].nunique() == 2:
        name = f"without {CLICKSTREAM}"
        found.append(_power(name, "without", everything, split, split.test_without_clickstream))
    found.append(_careless(con, split, found))
    return found


def _windows(con: duckdb.DuckDBPyConnection, columns: Columns) -> list[tuple[str, str]]:
    """Return the windows of the clickstream's sums, shortest first, and what they are called."""
    start = f"{columns.counters[0]}_sum_"
    names = [name for name in con.table("gold.training_set").columns if name.startswith(start)]
    windows = {name.removeprefix(start) for name in names} - {"all"}
    months = sorted(int(window.removesuffix("m")) for window in windows)
    named = [(f"{number}m", f"{number} months") for number in months]
    return [("", "latest month"), *named, ("all", "all months")]


def _of_window(con: duckdb.DuckDBPyConnection, split: Split, window: str) -> Split:
    """Return the split with the sums and counts of a window as the loans' history."""
    parts = ["loan_id"]
    for counter in split.columns.counters:
        total = f"{counter}_sum_{window}" if window else counter
        count = f"{counter}_count_{window}" if window else f"{counter} is not null"
        parts.append(f"cast({total} as double) as {counter}_sum_all")
        parts.append(f"cast({count} as double) as {counter}_count_all")
    history = con.table("gold.training_set").project(", ".join(parts)).df()
    train, test = (with_history(rows, history, split.columns) for rows in (split.train, split.test))
    return replace(split, train=train, test=test)


def _power(name: str, group: str, model: Any, split: Split, test: pd.DataFrame) -> Power:
    if not hasattr(model, "classes_"):
        model.fit(split.train, split.train["label"])
    label, risk = test["label"].to_numpy(), default_risk(model, test)
    low, high = auc_interval(label, risk, RESAMPLES)
    in_fifth, rate = caught(label, risk)
    first, last = test["application_date"].min(), test["application_date"].max()
    return Power(
        name=name,
        feature_group=group,
        is_honest=True,
        auc=auc(label, risk),
        auc_low=low,
        auc_high=high,
        train_loans=len(split.train),
        test_loans=len(test),
        first_test=first.date().isoformat(),
        last_test=last.date().isoformat(),
        caught_in_fifth=in_fifth,
        rate_in_fifth=rate,
    )


def _careless(con: duckdb.DuckDBPyConnection, split: Split, found: Sequence[Power]) -> Power:
    """Return the power that all groups seem to have when later months are joined as well."""
    honest = next((power for power in found if power.feature_group == EVERY), None)
    if honest is None:
        raise UserError("no model on all groups was trained")
    loans = con.table("gold.loan_applications").set_alias("loans")
    months = con.table("silver.clickstream").set_alias("months")
    joined = loans.join(months, "loans.customer_id = months.customer_id")
    joined.project("loans.loan_id, months.*").create_view("careless_join")
    judged = judge(con, scorecard(split.columns), split, "careless_join")
    changed = {
        "name": "careless join",
        "feature_group": "careless join",
        "is_honest": False,
        "auc": judged["shown"],
        "auc_low": judged["low"],
        "auc_high": judged["high"],
        "kept": judged["kept"],
    }
    return Power(**{**asdict(honest), **changed})
