"""python main.py explain: what a reader is told of a loan, and what never is."""

import csv
import io
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from tests.pit_support import build, copy_project, publish
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.features.explain import GROUPS, explain


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


def test_labels_come_with_their_maturity_and_the_day_they_are_known(con, tiny):
    loan_id = loan_where(con, "application_date < '2024-01-01'")
    said = page(tiny, loan_id).split("Labels")[1]
    labels = con.execute(
        "select label_definition, maturity, matures_on, known_on from gold.label_maturity"
        " where loan_id = ?",
        [loan_id],
    ).fetchall()
    assert any(maturity == "closed" for _, maturity, *_ in labels)
    for name, maturity, *days in labels:
        shown = [maturity.replace("_", " "), *(str(day or "–") for day in days)]
        assert re.search(rf"{re.escape(name)} +{' +'.join(shown)}", said), name


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


def test_earlier_loans_and_windows_name_the_rows_they_come_from(con, tiny, tiny_data):
    loan_id = loan_where(con, "earlier_loans = 1 and clickstream_months_all > 3")
    said = page(tiny, loan_id)
    with (tiny_data / "lms_loan_daily.csv").open() as file:
        loans = list(csv.DictReader(file))
    with (tiny_data / "feature_clickstream.csv").open() as file:
        months = list(csv.DictReader(file))
    found = re.search(r"^ +(CUS_\S+) +\S+ +(\S+) +\d +([\d,]+) +\d", said, flags=re.MULTILINE)
    raw = loans[int(found[3].replace(",", "")) - 1]
    assert (raw["loan_id"], raw["snapshot_date"]) == (found[1], found[2])
    snapshots = re.findall(r"^ +(20\d\d-\d\d-01) +[\d,]+ +\d +([\d,]+)", said, flags=re.MULTILINE)
    assert len(snapshots) > 3
    assert all(months[int(n.replace(",", "")) - 1]["snapshot_date"] == day for day, n in snapshots)


def test_a_source_that_comes_late_is_explained_as_it_was_known(con, tiny, tmp_path):
    """The page asks for what was known in the source's own words, of earlier loans too."""
    late = "file: lms_loan_daily.csv"
    project = copy_project(
        tmp_path, [("models/bronze/_bronze.yml", late, late + "\n            delay_days: 31")]
    )
    run_dir = tmp_path / "mart" / "run"
    shutil.copytree(tiny / "current" / "bronze", run_dir / "bronze")
    publish(tmp_path / "mart", run_dir, build(run_dir, project))
    loan_id, used = con.execute(
        f"select loan_id, loan_history_snapshot_date from '{run_dir}/gold/feature_store.parquet'"
        " where earlier_loans = 1 order by loan_id limit 1"
    ).fetchone()
    history = page(tmp_path / "mart", loan_id).split("Loan history")[1].split("Not used")[0]
    (row,) = re.findall(r"^ +CUS_\S+ +\S+ +(\S+)", history, flags=re.MULTILINE)
    assert row == str(used)


def test_kinds_of_loans_are_shown_with_the_list_they_are_counted_from(con, tiny):
    said = page(tiny, loan_where(con, "num_payday_loans > 0"))
    assert re.search(r"Type_of_Loan in the file: .*Payday Loan", said)
    assert re.search(r"read as: .*payday", said)
