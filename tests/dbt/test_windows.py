"""Every feature of every loan against plain loops (oracle.py): on random rows, on the tiny set,
and on the real one where REAL_DATAMART names a datamart built from it."""

import math
import os
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.compiled import compiled_model, compiled_project
from tests.support.oracle import Row, as_of, known_at, loan_history, months_between, window
from tests.support.tiny import build_compiled, land_with_corrections
from warehouse.base.catalog import attach
from warehouse.base.rows import rows_of

WINDOWS = {"3m": 3, "6m": 6, "12m": 12, "all": None}
COUNTERS = [f"fe_{i}" for i in range(1, 21)]
RATIOS = {
    "debt_to_income_ratio": ("outstanding_debt", "annual_income"),
    "emi_to_salary_ratio": ("total_emi_per_month", "monthly_inhand_salary"),
    "invested_to_salary_ratio": ("amount_invested_monthly", "monthly_inhand_salary"),
    "balance_to_salary_ratio": ("monthly_balance", "monthly_inhand_salary"),
    "delayed_payments_per_loan": ("num_of_delayed_payment", "num_of_loan"),
}
NOT_FEATURES = {
    *("customer_id", "snapshot_date", "cleaning_actions", "known_from", "known_until", "arrival"),
    *("load_id", "source_file", "row_number", "is_ssn_valid"),
}
SPINE = ("loan_id", "customer_id", "application_date", "loan_amt", "tenure")


def by_customer(rows: list[Row]) -> dict[str, list[Row]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["customer_id"]].append(row)
    return grouped


def snapshot(loan: Row, rows: list[Row], columns: list[str], group: str) -> Row:
    """The values and the provenance of a group that takes one snapshot over."""
    spine = [{name: loan[name] for name in ("customer_id", "application_date")}]
    won = as_of(spine, rows, ["customer_id"], columns, "application_date", "snapshot_date")[0]
    used = won["winning_date"] and won["winning_date"].date()
    return {name: won[name] for name in columns} | {
        f"{group}_snapshot_date": used,
        f"{group}_age_days": (loan["application_date"] - used).days if used else None,
    }


def clickstream(loan: Row, rows: list[Row], counters: list[str]) -> Row:
    """The values at the application and the windows over the customer's own past."""
    expected = snapshot(loan, rows, counters, "clickstream")
    known = [row for row in rows if row["snapshot_date"] <= loan["application_date"]]
    ages = [months_between(row["snapshot_date"], loan["application_date"]) for row in known]
    for name, months in WINDOWS.items():
        for counter in counters:
            readings = [(age, row[counter]) for age, row in zip(ages, known, strict=True)]
            found, now = window(readings, months), expected[counter]
            expected[f"clickstream_months_{name}"] = found["months"]
            for kind in ("count", "sum", "mean", "sd", "trend"):
                expected[f"{counter}_{kind}_{name}"] = found[kind]
            has_change = now is not None and found["mean"] is not None
            expected[f"{counter}_change_{name}"] = now - found["mean"] if has_change else None
    return expected


def financials(loan: Row, rows: list[Row], columns: list[str]) -> Row:
    """The values taken over, the ratios, and how many loans of each kind."""
    expected = snapshot(loan, rows, columns, "financials")
    for name, (above, below) in RATIOS.items():
        a, b = expected[above], expected[below]
        expected[name] = float(a) / float(b) if a is not None and b else None
    kinds = expected.pop("loan_kinds")
    for kind in (
        "auto", "credit_builder", "debt_consolidation", "home_equity", "mortgage", "payday",
        "personal", "student", "not_specified",
    ):  # fmt: skip
        expected[f"num_{kind}_loans"] = None if kinds is None else kinds.count(kind)
    return expected


def terms(loan: Row, known: Row) -> Row:
    """The ratios of the terms asked for and the finances known at the application."""
    amount, tenure = loan["loan_amt"], loan["tenure"]
    salary, income = known["monthly_inhand_salary"], known["annual_income"]
    return {
        "installment_to_salary_ratio": float(amount) / tenure / float(salary) if salary else None,
        "loan_to_income_ratio": float(amount) / float(income) if income else None,
    }


def disagreements(found: Row, expected: Row) -> list[tuple[str, Any, Any]]:
    return [
        (name, found[name], value)
        for name, value in expected.items()
        if not is_same(found[name], value)
    ]


def is_same(found: Any, expected: Any) -> bool:
    if found is None or expected is None:
        return found is expected
    if isinstance(expected, float):
        return math.isclose(float(found), expected, rel_tol=1e-9, abs_tol=1e-7)
    return found == expected


class Silver:
    """The silver rows of a run by customer, and the features that plain loops make of them."""

    TABLES = ("customer_attributes", "customer_financials", "clickstream", "loan_repayments")

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        rows = [rows_of(con, f"select * from silver.{name}") for name in self.TABLES]
        self._rows = [by_customer(found) for found in rows]
        self._attributes, self._financials = (
            [column for column in found[0] if column not in NOT_FEATURES] for found in rows[:2]
        )

    def features(self, loan: Row) -> Row:
        """Return the values of all groups for a loan, of the rows known at its application."""
        attributes, finances, readings, repayments = (
            known_at(rows.get(loan["customer_id"], []), loan["application_date"])
            for rows in self._rows
        )
        found = financials(loan, finances, self._financials)
        return {
            **snapshot(loan, attributes, self._attributes, "attributes"),
            **found,
            **terms(loan, found),
            **clickstream(loan, readings, COUNTERS),
            **loan_history(loan["customer_id"], loan["application_date"], repayments),
        }


def check_all(run_dir: Path) -> int:
    """Compare every column of every loan of a run's feature store; returns how many values."""
    compared = 0
    with duckdb.connect() as con:
        attach(con, run_dir)
        silver = Silver(con)
        cursor = con.execute("select * from gold.feature_store")
        names = [column[0] for column in cursor.description]
        while values := cursor.fetchmany(500):
            for loan in (dict(zip(names, row, strict=True)) for row in values):
                expected = silver.features(loan)
                unchecked = set(loan) - set(expected) - set(SPINE)
                reasons = {name for name in unchecked if name.endswith("_null_reason")}
                assert unchecked - reasons == {"loan_history_age_days"}
                for reason in reasons:
                    used = loan[reason.replace("_null_reason", "_snapshot_date")]
                    assert (loan[reason] is None) == (used is not None)
                assert disagreements(loan, expected) == [], loan["loan_id"]
                compared += len(expected)
    return compared


def test_every_feature_of_every_loan_of_three_deliveries(tiny_data, tmp_path):
    run_dir = land_with_corrections(tiny_data, tmp_path)
    build_compiled(run_dir, compiled_project(), ["feature_store"])
    assert check_all(run_dir) > 80 * 500


@pytest.mark.long
@pytest.mark.skipif("REAL_DATAMART" not in os.environ, reason="REAL_DATAMART names no datamart")
def test_every_feature_of_every_loan_of_the_real_set():
    assert check_all(Path(os.environ["REAL_DATAMART"]) / "current") > 12_500 * 500


DAYS = st.builds(date, st.sampled_from([2022, 2023]), st.integers(1, 12), st.sampled_from([1, 15]))
CUSTOMERS = st.sampled_from("abc")
READINGS = st.dictionaries(
    st.tuples(CUSTOMERS, DAYS),
    st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=2),
    max_size=50,
)
LOANS = st.lists(st.tuples(st.none() | CUSTOMERS, DAYS), min_size=3, max_size=15)


@pytest.fixture(scope="module")
def random_tables():
    """A database with empty silver tables, and the SQL of the models that are tried on them."""
    counters = ", ".join(f"{name} integer" for name in COUNTERS)
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute(
            f"""
            create schema silver;
            create schema gold;
            create table gold.loan_applications
                (loan_id varchar, customer_id varchar, application_date date);
            create table silver.clickstream (
                customer_id varchar, snapshot_date date, {counters}, known_from timestamp,
                known_until timestamp
            );
            create table silver.loan_repayments (
                loan_id varchar, customer_id varchar, loan_start_date date, snapshot_date date,
                mob integer, days_past_due integer, balance decimal(18, 2), known_from timestamp,
                known_until timestamp
            );
            create table silver.set_aside_rows (
                source varchar, load_id integer, row_number bigint, customer_id varchar,
                snapshot_date date, loan_start_date date, fate varchar, reason varchar,
                known_from timestamp
            )
            """
        )
        yield con


def applications(con: duckdb.DuckDBPyConnection, loans: list[tuple[str | None, date]]) -> None:
    con.execute("delete from gold.loan_applications")
    con.executemany(
        "insert into gold.loan_applications values (?, ?, ?)",
        [(f"loan {i}", *loan) for i, loan in enumerate(loans)],
    )


def test_windows_are_right_on_any_readings(random_tables):
    con, sql = random_tables, compiled_model("clickstream_features")
    used = ["fe_1", "fe_20"]

    @settings(max_examples=6, deadline=None, database=None)
    @given(LOANS, READINGS)
    def holds(loans, readings):
        applications(con, loans)
        con.execute("delete from silver.clickstream")
        for (customer, day), values in readings.items():
            con.execute(
                "insert into silver.clickstream"
                " (customer_id, snapshot_date, fe_1, fe_20, known_from) values (?, ?, ?, ?, ?)",
                [customer, day, *values, day],
            )
        rows = by_customer(rows_of(con, "select * from silver.clickstream"))
        found = rows_of(con, sql)
        assert len(found) == len(loans)
        for loan in found:
            expected = clickstream(loan, rows.get(loan["customer_id"], []), used)
            # next to values of two thousand millions the last digits of a float are gone
            for name, value, wanted in disagreements(loan, expected):
                assert value is not None, name
                assert wanted is not None, name
                assert math.isclose(value, wanted, rel_tol=1e-6, abs_tol=64), name

    holds()


OWNERS = dict(zip("uvwxyz", "aaaabb", strict=True))
REPAYMENTS = st.dictionaries(
    st.tuples(st.sampled_from("uvwxyz"), st.integers(0, 11)),
    st.tuples(st.none() | st.sampled_from([0, 0, 30, 61]), st.none() | st.integers(0, 9)),
    max_size=40,
)


def test_loan_history_is_right_on_any_repayments(random_tables):
    con, sql = random_tables, compiled_model("loan_history_features")

    @settings(max_examples=25, deadline=None, database=None)
    @given(LOANS, REPAYMENTS, st.dictionaries(st.sampled_from("uvwxyz"), DAYS))
    def holds(loans, repayments, starts):
        applications(con, loans)
        con.execute("delete from silver.loan_repayments")
        for (loan_id, month), (days_past_due, balance) in repayments.items():
            began = starts.get(loan_id, date(2022, 6, 1))
            year, index = divmod(began.year * 12 + began.month - 1 + month, 12)
            day = max(date(year, index + 1, 1), began)
            con.execute(
                "insert into silver.loan_repayments values (?, ?, ?, ?, ?, ?, ?, ?, null)",
                [loan_id, OWNERS[loan_id], began, day, month, days_past_due, balance, day],
            )
        rows = rows_of(con, "select * from silver.loan_repayments")
        found = rows_of(con, sql)
        assert len(found) == len(loans)
        for loan in found:
            expected = loan_history(loan["customer_id"], loan["application_date"], rows)
            assert disagreements(loan, expected) == []

    holds()


def test_months_without_any_clickstream_are_flagged(sample_datamart):
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        empty = con.execute(
            "select date_trunc('month', application_date)::date from gold.training_set"
            " group by 1, split having count(clickstream_snapshot_date) = 0 order by 1"
        ).fetchall()
        flagged = con.execute(
            "select application_month from gold.split_summary"
            " where list_contains(missing_sources, 'clickstream') order by 1"
        ).fetchall()
        counts = con.execute(
            "select (select sum(loans) from gold.split_summary),"
            " (select count(*) from gold.training_set)"
        ).fetchone()
        assert flagged == empty
        assert counts[0] == counts[1] > 0
