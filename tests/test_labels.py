"""Labels and null reasons against plain loops (oracle.py), on random rows and on the tiny set."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle import Row, maturity, null_reason
from tests.pit_support import copy_project
from warehouse.base.catalog import attach
from warehouse.transform.compiled import compile_project

JUDGED = ("maturity", "matures_on", "days_past_due", "label")
RULE = {"boundary": "strict", "delay_days": 20, "max_age_days": 70}


def table(con: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def check_labels(con: duckdb.DuckDBPyConnection, found: list[Row]) -> None:
    """Every loan by every definition, once, as the rule's text has it."""
    definitions = table(con, "select * from gold.label_definitions")
    loans = table(con, "select * from gold.loan_applications")
    repayments = table(con, "select * from silver.loan_repayments")
    expected = {
        (loan["loan_id"], definition["label_definition"]): maturity(loan, definition, repayments)
        for loan in loans
        for definition in definitions
    }
    by_key = {(row["loan_id"], row["label_definition"]): row for row in found}
    assert len(found) == len(by_key)
    assert {key: {name: row[name] for name in JUDGED} for key, row in by_key.items()} == expected
    assert all(row["known_on"] == row["matures_on"] for row in found)


def test_every_label_of_the_tiny_set(tiny):
    with duckdb.connect() as con:
        attach(con, tiny / "current")
        check_labels(con, table(con, "select * from gold.label_maturity"))


@pytest.fixture
def tables() -> duckdb.DuckDBPyConnection:
    """Empty tables of the kinds that labels and reasons are read from."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(
            """
            create schema silver;
            create schema gold;
            create table gold.loan_applications
                (loan_id varchar, customer_id varchar, application_date date);
            create table gold.label_definitions (
                label_definition varchar, min_days_past_due integer, months_on_book integer,
                observed varchar
            );
            create table silver.loan_repayments (
                loan_id varchar, customer_id varchar, loan_start_date date, snapshot_date date,
                mob integer, days_past_due integer, balance decimal(18, 2), tenure integer
            );
            create table silver.customer_attributes
                (customer_id varchar, snapshot_date date, age integer, occupation varchar);
            create table silver.set_aside_rows (
                source varchar, load_id integer, row_number bigint, customer_id varchar,
                snapshot_date date, loan_start_date date, fate varchar, reason varchar
            );
            insert into gold.label_definitions values
                ('at', 30, 2, 'at_month'), ('ever', 30, 2, 'ever_within'),
                ('ever_1', 60, 1, 'ever_within')
            """
        )
        yield con


def fill(con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: list[tuple]) -> None:
    con.execute(f"delete from {name}")
    for row in rows:
        marks = ", ".join("?" * len(row))
        con.execute(f"insert into {name} ({columns}) values ({marks})", row)


DAYS = st.sampled_from(
    [
        date.fromisoformat(day)
        for day in (
            *("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01", "2024-02-29"),
            *("2024-03-01", "2024-03-02", "2024-03-31", "2024-04-01"),
        )
    ]
)
LOANS = st.dictionaries(st.sampled_from("xyz"), DAYS, min_size=1)
REPAYMENTS = st.dictionaries(
    st.tuples(st.sampled_from("xyz"), DAYS),
    st.tuples(
        st.sampled_from([0, 1, 1, 2, 2, 3]),
        st.sampled_from([0, 29, 30, 61, None]),
        st.sampled_from([None, 1, 10]),
    ),
    min_size=1,
    max_size=14,
)


def test_labels_are_right_on_any_repayments(tables, tiny_queries):
    sql = tiny_queries.model("label_maturity").sql

    @settings(max_examples=150, deadline=None, database=None)
    @given(LOANS, REPAYMENTS)
    def holds(loans, repayments):
        fill(
            tables,
            "gold.loan_applications",
            "loan_id, customer_id, application_date",
            [(loan, "a", day) for loan, day in loans.items()],
        )
        fill(
            tables,
            "silver.loan_repayments",
            "loan_id, snapshot_date, mob, days_past_due, tenure",
            [(*key, *values) for key, values in repayments.items()],
        )
        check_labels(tables, table(tables, sql))

    holds()


@pytest.fixture(scope="module")
def ruled(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The SQL of two groups where every source is strict, comes late and grows old."""
    changes = [
        ("models/bronze/_bronze.yml", "boundary: inclusive", "boundary: strict"),
        ("models/bronze/_bronze.yml", "delay_days: 0", "delay_days: 20"),
        ("models/bronze/_bronze.yml", "max_age_days: null", "max_age_days: 70"),
    ]
    project = copy_project(tmp_path_factory.mktemp("ruled"), changes)
    queries = compile_project(project, tiny / "current")
    return {name: queries.model(f"{name}_features").sql for name in ("attributes", "loan_history")}


CUSTOMERS = st.sampled_from(["a", "b", None])
SPINE = st.lists(st.tuples(CUSTOMERS, DAYS), min_size=1, max_size=5)
DATED = st.lists(st.tuples(CUSTOMERS, DAYS), max_size=4, unique=True)


def reasons(con: duckdb.DuckDBPyConnection, sql: str, group: str) -> dict[str, Any]:
    return {row["loan_id"]: row[f"{group}_null_reason"] for row in table(con, sql)}


def test_reasons_are_right_on_any_rows(tables, ruled):
    @settings(max_examples=100, deadline=None, database=None)
    @given(SPINE, DATED, DATED)
    def holds(loans, good, bad):
        spine = [(str(number), *loan) for number, loan in enumerate(loans)]
        fill(tables, "gold.loan_applications", "loan_id, customer_id, application_date", spine)
        fill(tables, "silver.customer_attributes", "customer_id, snapshot_date", good)
        rows = [("features_attributes", *row, "quarantined") for row in bad]
        fill(tables, "silver.set_aside_rows", "source, customer_id, snapshot_date, fate", rows)
        good_rows, bad_rows = (
            [{"customer_id": customer, "snapshot_date": day} for customer, day in dated]
            for dated in (good, bad)
        )
        expected = {
            number: null_reason(
                {"customer_id": customer, "application_date": day}, good_rows, bad_rows, RULE
            )
            for number, customer, day in spine
        }
        assert reasons(tables, ruled["attributes"], "attributes") == expected

    holds()


def test_reasons_of_the_loan_history_look_at_earlier_loans_alone(tables, ruled):
    rows = st.lists(st.tuples(CUSTOMERS, DAYS, DAYS | st.none()), max_size=4)

    @settings(max_examples=100, deadline=None, database=None)
    @given(SPINE, rows, rows)
    def holds(loans, good, bad):
        good = {
            (customer, day): (began if began and began <= day else day)
            for customer, day, began in good
        }
        spine = [(str(number), *loan) for number, loan in enumerate(loans)]
        fill(tables, "gold.loan_applications", "loan_id, customer_id, application_date", spine)
        fill(
            tables,
            "silver.loan_repayments",
            "loan_id, customer_id, snapshot_date, loan_start_date, mob",
            [(f"L{n}", *key, began, 1) for n, (key, began) in enumerate(good.items())],
        )
        fill(
            tables,
            "silver.set_aside_rows",
            "source, customer_id, snapshot_date, loan_start_date, fate",
            [("lms_loan_daily", *row, "quarantined") for row in bad],
        )
        good_rows = [
            {"customer_id": customer, "snapshot_date": day, "began": began}
            for (customer, day), began in good.items()
        ]
        bad_rows = [
            {"customer_id": customer, "snapshot_date": day, "began": began or day}
            for customer, day, began in bad
        ]
        expected = {
            number: null_reason(
                {"customer_id": customer, "application_date": applied},
                [row for row in good_rows if row["began"] < applied],
                [row for row in bad_rows if row["began"] < applied],
                RULE,
            )
            for number, customer, applied in spine
        }
        assert reasons(tables, ruled["loan_history"], "loan_history") == expected

    holds()
