"""The leakage proof: what leaks is named, what does not leak passes, and it can be stopped."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from tests.support.compiled import compiled_project
from tests.support.leaks import (
    ANCHOR,
    ATTRIBUTES,
    FEATURE_LEAKS,
    NO_LEAKS,
    SECOND_CLOCK_LEAKS,
    copy_narrow_project,
    features,
    planted,
)
from tests.support.project import user_environment
from tests.support.tiny import build_compiled, land, publish
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.proof.compare import ROWS
from warehouse.proof.console import show
from warehouse.proof.prove import Event, ProofStopped, prove
from warehouse.transform.compiled import compile_project

MONTHS = ["2024-08"]

# Leaks elsewhere: (file, old, new).
OTHER_LEAKS = {
    "label of the last month seen, not of the month asked for": (
        "models/gold/label_store.sql",
        "        days_past_due,\n",
        "        (select max(r.days_past_due) from {{ ref('loan_repayments') }} as r"
        " where r.loan_id = label_maturity.loan_id) as days_past_due,\n",
    ),
    "gaps filled in silver with the mean over all time": (
        "models/silver/customer_attributes.sql",
        "age_cleaned as age,",
        "coalesce(age_cleaned, cast(avg(age_cleaned) over () as integer)) as age,",
    ),
    "scaled in the training set": (
        "models/gold/training_set.sql",
        "        labels.label_definition,\n",
        "        percent_rank() over (order by features.annual_income) as income_rank,\n"
        "        labels.label_definition,\n",
    ),
    "rows in another order than they came": (
        "models/silver/clickstream.sql",
        "order by customer_id, snapshot_date, load_id",
        "",
    ),
}
# What depends on the order of the rows, or on when it is asked, not on what was known.
OTHER_FEATURES = {
    "first_come": """(
        select first(c.fe_1) from {{ ref('clickstream') }} as c
        where c.customer_id = joined.customer_id and c.snapshot_date <= joined.application_date
    )""",
    "days_since_the_application": "cast(current_date - joined.application_date as integer)",
    "years_ago": "year(now()) - year(joined.application_date)",
    "loads_so_far": "(select max(l.load_id) from {{ source('bronze', 'loads') }} as l)",
}
MY_SCORES = """
select loan_id, application_date, count(*) over () as loans_there_are
from {{ ref('feature_store') }}
"""
ONE_DAY_TOO_FAR = {
    "one_day_too_far": """(
        select count(*) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date <= joined.application_date + interval 1 day
    )"""
}
FINANCIALS_COME_LATE = (
    "models/bronze/_bronze.yml",
    "{file: features_financials.csv}",
    "{file: features_financials.csv, delay_days: 45}",
)
ONLY_REPAID_LOANS = (
    "models/gold/loan_applications.sql",
    "    group by repayments.loan_id\n",
    "    group by repayments.loan_id\n    having count(*) > 3\n",
)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A narrow copy of the project, for tests that do not need the width."""
    return copy_narrow_project(tmp_path_factory.mktemp("narrow"))


@pytest.fixture(scope="module")
def published(tiny, tmp_path_factory) -> Path:
    """A datamart of full width in which one published value is not what the models make."""
    root = tmp_path_factory.mktemp("published")
    run_dir = root / "runs" / "full"
    shutil.copytree(tiny / "current" / "bronze", run_dir / "bronze")
    build_compiled(run_dir, compiled_project())
    publish(root, run_dir, compiled_project())
    path = run_dir / "gold" / "feature_store.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table features as from '{path}'")
        con.execute(
            "update features set age = age + 1"
            " where loan_id = (select min(loan_id) from features where age is not null)"
        )
        con.execute(f"copy features to '{path}' (format parquet)")
    return root


def found_in(result: dict, table: str) -> dict[str, set[str]]:
    """The columns of a table that differ, each with the kinds of builds that show it."""
    found: dict[str, set[str]] = {}
    for difference in result["differences"]:
        if difference["table"] == table:
            found.setdefault(difference["column"], set()).add(difference["variant"])
    return found


def test_leaks_of_both_clocks_are_named_and_what_is_none_is_not(two_clocks, project):
    """By event time and by what was known, planted together: one proof names each of them."""
    with planted(project, features(FEATURE_LEAKS | SECOND_CLOCK_LEAKS | NO_LEAKS)):
        result = prove(two_clocks, project, MONTHS)

    assert result["outcome"] == "failed"
    console = Console(file=io.StringIO(), width=160)
    show(result, console)
    assert "Failed: " in console.file.getvalue()
    found = found_in(result, "gold.feature_store")
    assert set(found) == FEATURE_LEAKS.keys() | SECOND_CLOCK_LEAKS.keys()
    for name in SECOND_CLOCK_LEAKS:
        assert found[name] == {"truncated", "nonsense"}
    assert found_in(result, "gold.label_store") == {}
    for difference in result["differences"]:
        assert difference["column"] in console.file.getvalue()
        assert difference["month"] in MONTHS
        assert difference["variant"] in ("truncated", "nonsense")
        assert difference["rows"] > 0
        assert difference["example_loan_id"].startswith("CUS_")


def test_leaks_in_labels_silver_training_set_and_a_users_own_table_are_named(tiny, project):
    mine = project / "models/gold/my_scores.sql"
    mine.write_text(MY_SCORES)
    with planted(project, *OTHER_LEAKS.values(), ONLY_REPAID_LOANS, features(OTHER_FEATURES)):
        result = prove(tiny, project, ["2024-03"])
    mine.unlink()

    found = {(d["table"], d["column"], d["variant"]) for d in result["differences"]}
    assert {(table, column) for table, column, _ in found if column != ROWS} == {
        ("gold.label_store", "days_past_due"),
        ("gold.training_set", "income_rank"),
        ("gold.my_scores", "loans_there_are"),
        *(
            (f"gold.{table}", column)
            for table, column in product(
                ("feature_store", "training_set"), ("age", "days_past_due", *OTHER_FEATURES)
            )
            if (table, column) != ("feature_store", "days_past_due")
        ),
    }
    assert {
        ("gold.feature_store", ROWS, "truncated"),  # loans that only their future shows
        ("gold.feature_store", "first_come", "shuffled"),
        ("gold.feature_store", "days_since_the_application", "shuffled"),
        ("gold.feature_store", "loads_so_far", "truncated"),
        ("gold.my_scores", "loans_there_are", "truncated"),
    } <= found


def test_a_leak_of_a_day_is_named_where_applications_come_on_any_day(
    tiny, tiny_data, project, tmp_path
):
    """Most loans of a month begin on the 12th, one on its last day, before the snapshots.

    A source that comes late is no leak: it differs nowhere.
    """
    data = tmp_path / "data"
    shutil.copytree(tiny_data, data)
    header, *loans = list(csv.reader((tiny_data / "lms_loan_daily.csv").open()))
    with (tiny_data / "feature_clickstream.csv").open() as file:
        seen = {row["Customer_ID"] for row in csv.DictReader(file)}
    starts, loan, customer = (
        header.index(name) for name in ("loan_start_date", "loan_id", "Customer_ID")
    )
    late = next(row[loan] for row in loans if row[starts] == "2023-10-01" and row[customer] in seen)
    for row in loans:
        for column in (starts, header.index("snapshot_date")):
            with suppress(ValueError, IndexError):
                days = timedelta(30 if row[loan] == late else 11)
                row[column] = str(date.fromisoformat(row[column]) + days)
    with (data / "lms_loan_daily.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *loans])
    mart = tmp_path / "mart"
    land(data, mart / "run")
    publish(mart, mart / "run", compiled_project())

    with planted(project, FINANCIALS_COME_LATE, features(ONE_DAY_TOO_FAR)):
        result = prove(mart, project, ["2023-10"])

    assert {d["column"] for d in result["differences"]} == {"one_day_too_far"}
    assert {d["example_loan_id"] for d in result["differences"]} == {late}


def test_the_project_as_it_is_has_no_leak_and_is_what_is_published(published):
    """At its full width; the published value that is another is the only difference."""
    events: list[Event] = []
    result = prove(published, months=["2025-01"], on_progress=events.append)

    found = [(d["table"], d["column"], d["variant"], d["rows"]) for d in result["differences"]]
    assert found == [("gold.feature_store", "age", "published", 1)]
    assert result["months"] == ["2025-01"]
    assert result["builds"] == 2 + 3
    assert len([event for event in events if " of 5: " in event.text]) == 5
    assert result["rows_compared"] > 300
    assert result["columns"] > 1000
    assert json.loads((published / "proof.json").read_text()) == result
    assert not list(published.glob("proof_*/full*"))


def test_a_proof_can_end_before_the_last_month(tiny, project, monkeypatch):
    """At the first month that differs, when somebody stops it, or because of an unknown month."""
    (tiny / "proof.json").unlink(missing_ok=True)
    leak = {"mean_of_the_whole_history": FEATURE_LEAKS["mean_of_the_whole_history"]}
    with planted(project, features(leak)):
        compiled = compile_project(project, tiny / "current")
    monkeypatch.setattr("warehouse.proof.prove.compile_project", lambda *_: compiled)

    def stop(event: Event) -> None:
        if event.differences:
            raise KeyboardInterrupt

    with pytest.raises(ProofStopped) as stopped:
        prove(tiny, project, ["2024-03"], stop, workers=1)
    assert stopped.value.result["outcome"] == "stopped"
    assert stopped.value.result["differences"]
    with pytest.raises(UserError, match="'2031-01' is not in the data: 2023-01 to "):
        prove(tiny, project, ["2031-01"])
    assert not (tiny / "proof.json").exists()

    months = ["2023-02", "2023-06", "2024-03"]
    result = prove(tiny, project, months, fail_fast=True, workers=1)
    assert result["outcome"] == "failed"
    assert result["months"] == months[:1]
    assert json.loads((tiny / "proof.json").read_text()) == result


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        (signal.SIGTERM, "building all of gold"),
        pytest.param(signal.SIGINT, "1 of ", marks=pytest.mark.long),
    ],
)
def test_a_signal_ends_the_command_at_once(published, wanted, after):
    command = [sys.executable, "main.py", "--datamart-dir", str(published), "prove"]
    process = subprocess.Popen(
        command,
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=user_environment() | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    next(line for line in process.stdout if after in line)
    process.send_signal(wanted)
    started = time.monotonic()
    output = process.communicate(timeout=60)[0]
    assert time.monotonic() - started < 20
    assert process.returncode == 130
    assert "Stopped: 0 columns differ so far" in output
    assert "Traceback" not in output
    assert not [path for path in published.glob("proof_*") if path.name != "proof_target"]


def test_a_folder_that_cannot_be_written_is_named(tiny, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tiny or mode != os.W_OK)
    with pytest.raises(UserError, match=f"{tiny} cannot be written"):
        prove(tiny)


def test_models_that_do_not_compile_are_named(tiny, project):
    broken = (ATTRIBUTES, ANCHOR, "{{ no_such_macro() }}, " + ANCHOR)
    with (
        planted(project, broken),
        pytest.raises(UserError, match=r"dbt cannot compile .*attributes_features"),
    ):
        prove(tiny, project, ["2024-03"])


def test_without_a_published_datamart_there_is_nothing_to_prove(tmp_path):
    with pytest.raises(UserError, match="holds no published datamart"):
        prove(tmp_path)


@pytest.mark.long
def test_corrections_and_late_rows_pass_in_every_month(two_clocks, project):
    result = prove(two_clocks, project)
    assert result["differences"] == []
    assert len(result["months"]) > 24


@pytest.mark.long
@pytest.mark.skipif("REAL_DATAMART" not in os.environ, reason="REAL_DATAMART names no datamart")
def test_the_real_set_is_proven_over_all_months():
    result = prove(Path(os.environ["REAL_DATAMART"]))
    assert result["outcome"] == "passed"
    assert len(result["months"]) == 34
