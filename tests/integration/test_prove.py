"""The leakage proof: what leaks is named, what does not leak passes."""

import csv
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from tests.pit_support import build, copy_project, land, publish
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.proof.prove import ROWS, compile_models, prove, show

MONTHS = ["2023-09", "2024-03"]
FINANCIALS = "models/gold/financials_features.sql"
ANCHOR = "{{ provenance('financials') }}"

# One feature a leak: what a careless author might write as a column of the financials.
FEATURE_LEAKS = {
    "future_month_in_a_window": """(
        select avg(c.fe_1) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date > joined.application_date - interval 3 month
            and c.snapshot_date <= joined.application_date + interval 1 month
    )""",
    "mean_of_the_whole_history": """(
        select avg(c.fe_2) from {{ ref('clickstream') }} as c
        where c.customer_id = joined.customer_id
    )""",
    "rank_over_all_loans": "rank() over (order by joined.outstanding_debt, joined.loan_id)",
    "fill_that_knows_the_target": """coalesce(joined.interest_rate - joined.interest_rate, (
        select avg(r.days_past_due) from {{ ref('loan_repayments') }} as r where r.mob = 6
    ))""",
    "join_on_the_label_date": """(
        select max(c.fe_3) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date = joined.application_date + interval 6 month
    )""",
    "repayment_after_the_application": """(
        select sum(r.paid_amt) from {{ ref('loan_repayments') }} as r
        where r.loan_id = joined.loan_id
    )""",
    "scaled_by_minimum_and_maximum_of_all": """(
        cast(joined.credit_utilization_ratio as double)
        - min(joined.credit_utilization_ratio) over ()
    ) / (
        max(joined.credit_utilization_ratio) over () - min(joined.credit_utilization_ratio) over ()
    )""",
    "filled_with_the_first_value_to_come": """coalesce(
        case when false then 0.0 end,
        (
            select arg_min(c.fe_1, c.snapshot_date) from {{ ref('clickstream') }} as c
            where
                c.customer_id = joined.customer_id
                and c.snapshot_date >= joined.application_date + interval 1 day
        )
    )""",
    "average_of_its_occupation_over_all_time": """(
        select avg(a.age) from {{ ref('customer_attributes') }} as a
        where a.occupation = (
            select any_value(b.occupation) from {{ ref('customer_attributes') }} as b
            where b.customer_id = joined.customer_id and b.snapshot_date <= joined.application_date
        )
    )""",
    "number_of_rows_in_quarantine": """(
        select count(*) from {{ ref('set_aside_rows') }} as s
        where s.source = 'feature_clickstream' or s.fate <> ''
    )""",
    "read_from_bronze_past_silver": """(
        select max(b.fe_1) from {{ source('bronze', 'feature_clickstream') }} as b
        where trim(b."Customer_ID") = joined.customer_id
    )""",
    "number_of_nulls_still_to_come": """(
        select count(*) filter (where c.fe_1 is null) from {{ ref('clickstream') }} as c
        where c.customer_id = joined.customer_id
    )""",
    "number_of_later_rows": """(
        select count(*) from {{ ref('clickstream') }} as c
        where c.customer_id = joined.customer_id and c.snapshot_date > joined.application_date
    )""",
    "row_number_without_an_order": "row_number() over ()",
}

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
}


MY_SCORES = """
select loan_id, application_date, count(*) over () as loans_there_are
from {{ ref('feature_store') }}
"""
# The first row there is, which is another one when the rows come in another order.
FIRST_COME = """(
    select first(c.fe_1) from {{ ref('clickstream') }} as c
    where c.customer_id = joined.customer_id and c.snapshot_date <= joined.application_date
) as first_come, """


# What depends on when it is asked, not on what was known: (name, SQL).
ASKED_TODAY = {
    "days_since_the_application": "cast(current_date - joined.application_date as integer)",
    "years_ago": "year(now()) - year(joined.application_date)",
    "loads_so_far": "(select max(l.load_id) from {{ source('bronze', 'loads') }} as l)",
}
ONE_DAY_TOO_FAR = """(
    select count(*) from {{ ref('clickstream') }} as c
    where
        c.customer_id = joined.customer_id
        and c.snapshot_date <= joined.application_date + interval 1 day
) as one_day_too_far, """


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """One copy of the project for all tests here, so that dbt reads most of it only once."""
    return copy_project(tmp_path_factory.mktemp("project"))


@contextmanager
def planted(project: Path, *changes: tuple[str, str, str]) -> Iterator[None]:
    """Change (file, old, new) in the copy of the project; afterwards it is as it was."""
    before = {file: (project / file).read_text() for file, _, _ in changes}
    try:
        for file, old, new in changes:
            text = (project / file).read_text()
            assert old in text, f"{file} no longer has {old!r}"
            (project / file).write_text(text.replace(old, new))
        yield
    finally:
        for file, text in before.items():
            (project / file).write_text(text)


def test_every_planted_leak_is_caught_and_named_and_nothing_else_is(tiny, project):
    leaks = "".join(f"{sql} as {name},\n        " for name, sql in FEATURE_LEAKS.items())
    with planted(project, (FINANCIALS, ANCHOR, leaks + ANCHOR)):
        result = prove(tiny, project, MONTHS)

    assert result["outcome"] == "failed"
    console = Console(file=io.StringIO(), width=160)
    show(result, console)
    for name in FEATURE_LEAKS:
        assert name in console.file.getvalue()
    assert "Failed: " in console.file.getvalue()
    found = [d for d in result["differences"] if d["table"] == "gold.feature_store"]
    assert {d["column"] for d in found} == set(FEATURE_LEAKS)
    for difference in found:
        assert difference["month"] in MONTHS
        assert difference["variant"] in ("truncated", "nonsense")
        assert difference["rows"] > 0
        assert difference["example_loan_id"].startswith("CUS_")


def test_leaks_in_labels_and_silver_and_the_training_set_are_caught(tiny, project):
    with planted(project, *((file, old, new) for file, old, new in OTHER_LEAKS.values())):
        result = prove(tiny, project, ["2024-03"])

    assert {(d["table"], d["column"]) for d in result["differences"]} == {
        ("gold.label_store", "days_past_due"),
        ("gold.training_set", "days_past_due"),
        ("gold.feature_store", "age"),
        ("gold.training_set", "age"),
        ("gold.training_set", "income_rank"),
    }


def test_order_of_input_and_a_users_own_table_of_loans_are_looked_at(tiny, project):
    mine = project / "models/gold/my_scores.sql"
    mine.write_text(MY_SCORES)
    unsorted = ("models/silver/clickstream.sql", "order by customer_id, snapshot_date", "")
    with planted(project, (FINANCIALS, ANCHOR, FIRST_COME + ANCHOR), unsorted):
        result = prove(tiny, project, ["2024-03"])
    mine.unlink()

    found = {(d["table"], d["column"], d["variant"]) for d in result["differences"]}
    assert ("gold.feature_store", "first_come", "shuffled") in found
    assert {column for _, column, _ in found} == {"first_come", "loans_there_are"}
    assert ("gold.my_scores", "loans_there_are", "truncated") in found


def test_what_depends_on_the_day_it_is_asked_is_caught(tiny, project):
    columns = "".join(f"{sql} as {name}, " for name, sql in ASKED_TODAY.items())
    with planted(project, (FINANCIALS, ANCHOR, columns + ANCHOR)):
        result = prove(tiny, project, ["2024-03"])

    found = {(d["column"], d["variant"]) for d in result["differences"]}
    assert {column for column, _ in found} == set(ASKED_TODAY)
    assert ("days_since_the_application", "shuffled") in found
    assert ("loads_so_far", "shuffled") not in found


def test_a_leak_of_a_day_is_caught_where_applications_come_on_any_day(tiny_data, project, tmp_path):
    """Most loans of a month begin on the 12th, one on its last day, before the snapshots."""
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
    publish(mart, mart / "run", build(mart / "run"))

    with planted(project, (FINANCIALS, ANCHOR, ONE_DAY_TOO_FAR + ANCHOR)):
        result = prove(mart, project, ["2023-10"])

    assert {d["column"] for d in result["differences"]} == {"one_day_too_far"}
    assert {d["example_loan_id"] for d in result["differences"]} == {late}


def test_a_source_that_comes_late_passes_with_what_it_says_of_rows_to_come(tiny, project):
    late = "file: feature_clickstream.csv"
    delayed = ("models/bronze/_bronze.yml", late, late + "\n            delay_days: 45")
    with planted(project, delayed):
        sql = compile_models(project, tiny / "current").model("clickstream_features").sql
        result = prove(tiny, project, ["2023-02"])

    with duckdb.connect() as con:
        attach(con, tiny / "current")
        reasons = con.execute(f"select distinct clickstream_null_reason from ({sql})").fetchall()
    assert ("not_yet_known",) in reasons
    assert result["differences"] == []


def test_a_loan_that_appears_only_with_its_future_is_caught(tiny, project):
    only_repaid = (
        "models/gold/loan_applications.sql",
        "    group by loan_id\n",
        "    group by loan_id\n    having count(*) > 3\n",
    )
    with planted(project, only_repaid):
        result = prove(tiny, project, ["2024-03"])

    truncated = {(d["table"], d["column"]) for d in result["differences"]}
    assert ("gold.feature_store", ROWS) in truncated


def test_the_project_as_it_is_passes_and_says_what_it_did(tiny, project):
    said: list[str] = []
    result = prove(tiny, project, ["2023-02", "2024-03", "2025-01"], said.append)

    assert result["differences"] == []
    assert result["outcome"] == "passed"
    assert result["months"] == ["2023-02", "2024-03", "2025-01"]
    assert result["builds"] == 2 * 3 + 3
    assert len(said) == 2 * 3 + 3
    assert result["rows_compared"] > 500
    assert json.loads((tiny / "proof.json").read_text()) == result
    assert not list(tiny.glob("proof_*/"))


def test_published_tables_that_are_not_what_the_models_make_are_named(tiny, tmp_path):
    shutil.copytree(tiny, tmp_path / "tiny", symlinks=True)
    root = tmp_path / "tiny"
    (root / "current").unlink()
    (root / "current").symlink_to(root / "runs" / "tiny")
    path = root / "current" / "gold" / "feature_store.parquet"
    with duckdb.connect() as con:
        con.execute(f"create table features as from '{path}'")
        con.execute(
            "update features set age = age + 1"
            " where loan_id = (select min(loan_id) from features where age is not null)"
        )
        con.execute(f"copy features to '{path}' (format parquet)")
    result = prove(root, months=["2024-03"])
    found = [(d["table"], d["column"], d["variant"], d["rows"]) for d in result["differences"]]
    assert found == [("gold.feature_store", "age", "published", 1)]


def test_a_folder_that_cannot_be_written_is_named(tiny, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tiny or mode != os.W_OK)
    with pytest.raises(UserError, match=f"{tiny} cannot be written"):
        prove(tiny)


def test_an_unknown_month_and_models_that_do_not_compile_are_named(tiny, project):
    with pytest.raises(UserError, match="'2031-01' is none of the data's: 2023-01 to "):
        prove(tiny, project, ["2031-01"])
    broken = (FINANCIALS, ANCHOR, "{{ no_such_macro() }}, " + ANCHOR)
    with (
        planted(project, broken),
        pytest.raises(UserError, match=r"dbt cannot compile .*financials_features"),
    ):
        prove(tiny, project, ["2024-03"])


def test_without_a_published_datamart_there_is_nothing_to_prove(tmp_path):
    with pytest.raises(UserError, match="holds no published datamart"):
        prove(tmp_path)


@pytest.mark.long
@pytest.mark.skipif("REAL_DATAMART" not in os.environ, reason="REAL_DATAMART names no datamart")
def test_the_real_set_is_proven_over_all_months():
    result = prove(Path(os.environ["REAL_DATAMART"]))
    assert result["outcome"] == "passed"
    assert len(result["months"]) == 34
