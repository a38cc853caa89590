"""Measures how well each feature group ranks defaults, by one light model a group."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from warehouse.base.catalog import attach
from warehouse.base.files import read_json, write_json
from warehouse.base.layout import GROUP_POWER_FILE
from warehouse.modelling.baseline import default_risk, judge, logistic, one_thread, scorecard
from warehouse.modelling.data import CLICKSTREAM, Split, split_by_date, with_history
from warehouse.modelling.judging import auc, auc_interval, caught

RESAMPLES = 200
EVERY = "all groups"

Row = dict[str, Any]


def group_power(run_dir: Path) -> list[Row]:
    """Return what `measure` finds in a published run; the result is kept in the run's folder."""
    file = run_dir / GROUP_POWER_FILE
    rows: list[Row] | None = read_json(file)
    if rows is None:
        with duckdb.connect() as con:
            attach(con, run_dir)
            rows = measure(con)
        write_json(file, rows)
    return rows


@one_thread
def measure(con: duckdb.DuckDBPyConnection) -> list[Row]:
    """Train and test a model a group, on all groups, and on a careless join; return a row each.

    Trained on loans whose label was known on the first day of the test, tested on the later loans
    that have a clickstream. A row has its name; feature_group, what the model reads ("without": all
    groups, tested on loans without a clickstream; "careless join": later months are joined too);
    is_honest; the AUC with its 95 % interval; kept, the AUC that the careless one keeps in use;
    caught_in_fifth, the share of all defaults among the riskiest fifth; rate_in_fifth, the default
    rate there. Empty where too few loans have a label for a test on later ones.
    """
    split = split_by_date(con, labels_known_by_test=True)
    if min(split.train["label"].nunique(), split.test["label"].nunique()) < 2:
        return []
    columns, found = split.columns, []
    for group in sorted({*columns.numbers, *columns.categories}):
        model = logistic(columns.numbers.get(group, []), columns.categories.get(group, []), [])
        model.fit(split.train, split.train["label"])
        found.append(_power(group.replace("_", " "), group, model, split, split.test))
    for window, name in _windows(con, columns.counters[0]):
        train, test = (
            with_history(con, rows, columns, "gold.training_set", window)
            for rows in (split.train, split.test)
        )
        model = logistic([], [], columns.evidence).fit(train, train["label"])
        found.append(_power(f"{CLICKSTREAM}, {name}", CLICKSTREAM, model, split, test))
    model = scorecard(columns).fit(split.train, split.train["label"])
    every = _power(EVERY, EVERY, model, split, split.test)
    found.append(every)
    if split.test_without_clickstream["label"].nunique() == 2:
        name = f"without {CLICKSTREAM}"
        found.append(_power(name, "without", model, split, split.test_without_clickstream))
    return [*found, every | _careless(con, split)]


def _windows(con: duckdb.DuckDBPyConnection, counter: str) -> list[tuple[str, str]]:
    """Return the windows of the clickstream's sums, shortest first, and what they are called."""
    start = f"{counter}_sum_"
    columns = con.table("gold.training_set").columns
    windows = {name.removeprefix(start) for name in columns if name.startswith(start)} - {"all"}
    months = sorted(int(window.removesuffix("m")) for window in windows)
    named = [(f"{number}m", f"{number} months") for number in months]
    return [("", "latest month"), *named, ("all", "all months")]


def _power(name: str, group: str, model: Any, split: Split, test: pd.DataFrame) -> Row:
    label, risk = test["label"].to_numpy(), default_risk(model, test)
    low, high = auc_interval(label, risk, RESAMPLES)
    in_fifth, rate = caught(label, risk)
    return {
        "name": name,
        "feature_group": group,
        "is_honest": True,
        "auc": auc(label, risk),
        "auc_low": low,
        "auc_high": high,
        "train_loans": len(split.train),
        "test_loans": len(test),
        "first_test": test["application_date"].min().date().isoformat(),
        "last_test": test["application_date"].max().date().isoformat(),
        "caught_in_fifth": in_fifth,
        "rate_in_fifth": rate,
        "kept": None,
    }


def _careless(con: duckdb.DuckDBPyConnection, split: Split) -> Row:
    """Return the power that all groups seem to have when later months are joined as well."""
    loans = con.table("gold.loan_applications").set_alias("loans")
    months = con.table("silver.clickstream").set_alias("months")
    joined = loans.join(months, "loans.customer_id = months.customer_id")
    joined.project("loans.loan_id, months.*").create_view("careless_join")
    judged = judge(con, scorecard(split.columns), split, "careless_join")
    return {
        "name": "careless join",
        "feature_group": "careless join",
        "is_honest": False,
        "auc": judged["shown"],
        "auc_low": judged["low"],
        "auc_high": judged["high"],
        "kept": judged["kept"],
    }
