"""python main.py explain: what a reader is told of a loan, and what never is."""

import csv
import io
import re
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from warehouse.catalog import attach
from warehouse.errors import UserError
from warehouse.explain import GROUPS, explain


def page(datamart: Path, loan_id: str) -> str:
    console = Console(file=io.StringIO(), width=140)
    explain(datamart, loan_id, console)
    return console.file.getvalue()


@pytest.fixture
def con(tiny):
    with duckdb.connect() as con:
        attach(con, tiny / "current")
        yield con


def loan_where(con, condition: str) -> str:
    found = con.execute(
        f"select min(loan_id) from gold.feature_store where {condition}"
    ).fetchone()[0]
    assert found, f"no loan of the tiny set where {condition}"
    return found


def test_a_value_is_followed_to_the_row_of_the_file_it_stands_in(con, tiny, tiny_data):
    loan_id = loan_where(con, "annual_income is not null and financials_age_days > 0")
    said = page(tiny, loan_id)
    found = re.search(r"features_financials.csv, data row ([\d,]+), load (\d)", said)
    with (tiny_data / "features_financials.csv").open() as file:
        lines = list(csv.DictReader(file))
    raw = lines[int(found[1].replace(",", "")) - 1]
    customer = con.execute(
        "select customer_id from gold.feature_store where loan_id = ?", [loan_id]
    ).fetchone()[0]
    assert raw["Customer_ID"] == customer
    assert re.search(rf"annual_income +{re.escape(raw['Annual_Income'])} ", said)


def test_cleaning_says_what_it_did_and_why_a_value_is_missing(con, tiny):
    said = page(tiny, loan_where(con, "age is null and attributes_snapshot_date is not null"))
    assert re.search(r"age +\S+ +– +(not possible|a filler|not a number): unknown", said)


def test_null_groups_say_why(con, tiny):
    for group in GROUPS:
        reason = f"{group.name}_null_reason"
        for (kind,) in con.execute(
            f"select distinct {reason} from gold.feature_store where {reason} is not null"
        ).fetchall():
            assert f"Nothing: {kind}," in page(tiny, loan_where(con, f"{reason} = '{kind}'"))


def test_windows_say_on_which_months_they_rest(con, tiny):
    said = page(tiny, loan_where(con, "clickstream_months_all between 4 and 5"))
    assert re.search(r"Window 3m rests on \d snapshots?: 202", said)
    assert re.search(r"Window all rests on [45] snapshots: 20\d\d-\d\d-01 to 20", said)


def test_earlier_loans_are_listed_as_they_stood(con, tiny):
    said = page(tiny, loan_where(con, "earlier_loans = 2"))
    history = said.split("Loan history")[1].split("Not used")[0]
    assert len(re.findall(r"^ +CUS_", history, flags=re.MULTILINE)) == 2
    assert "earlier_loans: 2" in history


def test_rows_of_the_future_are_counted_per_source(con, tiny):
    loan_id, customer, applied = con.execute(
        "select loan_id, customer_id, application_date from gold.feature_store"
        " order by application_date limit 1"
    ).fetchone()
    said = page(tiny, loan_id).split("Not used")[1]
    for group in GROUPS:
        count, first = con.execute(
            f"select count(*), min(snapshot_date) from silver.{group.silver}"
            " where customer_id = ? and snapshot_date > ?",
            [customer, applied],
        ).fetchone()
        assert re.search(rf"{group.source} +{count:,} +{first or '–'}", said)


def test_labels_come_with_their_maturity(con, tiny):
    said = page(tiny, loan_where(con, "application_date < '2024-01-01'")).split("Labels")[1]
    definitions = con.execute(
        "select distinct label_definition from gold.label_maturity"
    ).fetchall()
    assert all(name in said for (name,) in definitions)
    assert re.search(r"closed +202\d-\d\d-\d\d", said)


def test_no_page_names_a_person(con, tiny, tiny_data):
    with (tiny_data / "features_attributes.csv").open() as file:
        persons = {
            row["Customer_ID"]: {row["Name"], row["SSN"]} - {""} for row in csv.DictReader(file)
        }
    for loan_id, customer in con.execute(
        "select loan_id, customer_id from gold.feature_store order by loan_id limit 25"
    ).fetchall():
        said = page(tiny, loan_id)
        assert not [name for name in persons.get(customer, ()) if name in said]


def test_an_unknown_loan_is_said_to_be_unknown(tiny):
    with pytest.raises(UserError, match=r"loan 'no such' is none of the \d+ loans of .*, such as"):
        page(tiny, "no such")
