"""python main.py explain: where values come from, which version counted, what came too late."""

import csv
import io
import re
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.features.explain import explain
from warehouse.transform.compiled import CompiledProject


def page(datamart: Path, loan_id: str) -> str:
    console = Console(file=io.StringIO(), width=200)
    explain(datamart, loan_id, console)
    return console.file.getvalue()


def section(text: str, heading: str) -> str:
    """The lines from a heading to the next one."""
    lines = text.splitlines()
    start = lines.index(heading)
    length = next(
        (n for n, line in enumerate(lines[start + 2 :]) if re.fullmatch(r"[A-Z][a-z ,]+", line)),
        len(lines),
    )
    return "\n".join(lines[start : start + 2 + length])


@pytest.fixture
def con(two_clocks):
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, two_clocks / "current")
        yield con


def loan_where(con, condition: str) -> str:
    (found,) = con.execute(
        f"select min(loan_id) from gold.feature_store where {condition}"
    ).fetchone()
    assert found, f"no loan of the tiny set where {condition}"
    return found


def test_a_value_is_followed_to_its_row_in_the_file(con, two_clocks, tiny_data):
    loan_id = loan_where(con, "annual_income is not null and financials_age_days > 0")
    text = page(two_clocks, loan_id)
    found = re.search(r"features_financials.csv, data row ([\d,]+), load (\d), landed 20", text)
    with (tiny_data / "features_financials.csv").open() as file:
        raw = list(csv.DictReader(file))[int(found[1].replace(",", "")) - 1]
    (customer,) = con.execute(
        "select customer_id from gold.feature_store where loan_id = ?", [loan_id]
    ).fetchone()
    assert raw["Customer_ID"] == customer
    assert re.search(rf"annual_income +{re.escape(raw['Annual_Income'])} ", text)


def test_cleaning_says_what_it_did_and_why_a_value_is_missing(con, two_clocks):
    text = page(two_clocks, loan_where(con, "age is null and attributes_snapshot_date is not null"))
    assert re.search(
        r"age +\S+ +– +(A number outside|A filler|A text where)[^\n]*, made null", text
    )


def test_null_groups_say_why(con, two_clocks):
    for source in CompiledProject.load(two_clocks / "current").sources:
        reason = f"{source.group}_null_reason"
        for (kind,) in con.execute(
            f"select distinct {reason} from gold.feature_store where {reason} is not null"
        ).fetchall():
            text = page(two_clocks, loan_where(con, f"{reason} = '{kind}'"))
            heading = source.group.replace("_", " ").capitalize()
            assert f"Nothing: {kind}," in section(text, heading)


def test_versions_say_which_one_was_used_and_what_came_too_late(con, two_clocks):
    """A loan of the summer of 2024, whose spring was corrected in October."""
    loan_id, snapshot_date, row_number = con.execute(
        """
        select store.loan_id, corrected.snapshot_date, corrected.row_number
        from gold.feature_store as store
        inner join silver.clickstream as corrected
            on
                store.customer_id = corrected.customer_id
                and corrected.arrival = 'correction'
                and corrected.snapshot_date = store.clickstream_snapshot_date
        where store.application_date < '2024-10-05'
        order by all
        limit 1
        """
    ).fetchone()
    text = section(page(two_clocks, loan_id), "Clickstream")
    file = "feature_clickstream.csv"
    assert re.search(
        rf"{snapshot_date} .*correction +2024-10-05 06:00:00 +– +came too late +{file}"
        rf" +{row_number} +2",
        text,
    )
    assert re.search(
        rf"{snapshot_date} .*on time +{snapshot_date} +2024-10-05 06:00:00 +used +{file}"
        rf" +{row_number} +1",
        text,
    )


def test_a_version_replaced_before_the_application_is_marked(con, two_clocks):
    (loan_id,) = con.execute(
        "select min(loan_id) from gold.feature_store as store inner join silver.clickstream"
        " as corrected using (customer_id) where corrected.arrival = 'correction'"
        " and application_date > '2024-10-05'"
    ).fetchone()
    text = section(page(two_clocks, loan_id), "Clickstream")
    assert re.search(r"correction +2024-10-05 06:00:00 +– +known", text)
    assert re.search(r"on time +\S+ +2024-10-05 06:00:00 +replaced before", text)


def test_rows_not_known_are_counted_by_reason(con, two_clocks):
    loan_id, customer, applied = con.execute(
        "select loan_id, customer_id, application_date from gold.feature_store"
        " order by application_date, loan_id limit 1"
    ).fetchone()
    text = page(two_clocks, loan_id).split("Not used")[1]
    for source in CompiledProject.load(two_clocks / "current").sources:
        count, first = con.execute(
            f"select count(*), min(snapshot_date) from {source.silver_relation}"
            " where customer_id = ? and snapshot_date > ?",
            [customer, applied],
        ).fetchone()
        words = rf" +dated later +{count:,} +{first}" if count else ""
        assert re.search(rf"{source.name}{words}", text)


def test_rows_in_quarantine_are_named_with_their_reason(con, two_clocks):
    loan_id, reason, file, row_number = con.execute(
        "select loan_id, reason, source_file, row_number from silver.quarantine"
        " inner join gold.loan_applications using (customer_id) order by all limit 1"
    ).fetchone()
    text = page(two_clocks, loan_id)
    assert re.search(rf"{reason} .*{re.escape(file)} +{row_number:,}", text)


def test_earlier_loans_are_listed_with_their_rows(con, two_clocks):
    loan_id = loan_where(con, "earlier_loans = 2")
    history = section(page(two_clocks, loan_id), "Loan history")
    loans = set(re.findall(r"^ +(CUS_\S+)", history, flags=re.MULTILINE))
    assert len(loans - {loan_id}) == 2
    assert re.search(r"earlier_loans +2", history)


def test_labels_come_with_their_maturity_and_the_day_they_are_known(con, two_clocks):
    loan_id = loan_where(con, "application_date < '2024-01-01'")
    text = page(two_clocks, loan_id).split("Labels")[1]
    labels = con.execute(
        "select label_definition, maturity, matures_on, known_on from gold.label_maturity"
        " where loan_id = ?",
        [loan_id],
    ).fetchall()
    assert any(maturity == "closed" for _, maturity, *_ in labels)
    for name, maturity, *days in labels:
        shown = [maturity.replace("_", " "), *(str(day or "–") for day in days)]
        assert re.search(rf"{re.escape(name)} +{' +'.join(shown)}", text), name


def test_no_page_names_a_person(con, two_clocks, tiny_data):
    with (tiny_data / "features_attributes.csv").open() as file:
        persons = {
            row["Customer_ID"]: {row["Name"], row["SSN"]} - {""} for row in csv.DictReader(file)
        }
    for loan_id, customer in con.execute(
        "select loan_id, customer_id from gold.feature_store order by loan_id limit 4"
    ).fetchall():
        text = page(two_clocks, loan_id)
        assert not [name for name in persons.get(customer, ()) if name in text]


def test_an_unknown_loan_is_named(two_clocks):
    with pytest.raises(UserError, match=r"loan 'no such' is not among the \d+ loans of .*such as"):
        page(two_clocks, "no such")
