"""Every raw row has one fate at every layer; effects of late rows and corrections are counted."""

from collections import Counter
from datetime import date

import pytest

from tests.support.bronze import land_rows
from tests.support.compiled import built, compiled, rows_of

ATTRIBUTES, LOANS = "features_attributes", "lms_loan_daily"


def attributes(customer: str, day: str, age: str, **others: str) -> dict[str, str]:
    return {
        "Customer_ID": customer,
        "snapshot_date": day,
        "Age": age,
        "Occupation": "Lawyer",
    } | others


def loan(loan_id: str, customer: str, applied: str, day: str, **others: str) -> dict[str, str]:
    months = (date.fromisoformat(day).year - date.fromisoformat(applied).year) * 12
    months += date.fromisoformat(day).month - date.fromisoformat(applied).month
    return {
        "loan_id": loan_id,
        "Customer_ID": customer,
        "loan_start_date": applied,
        "snapshot_date": day,
        "tenure": "10",
        "loan_amt": "10000",
        "installment_num": str(months),
        "due_amt": "1000" if months else "0",
        "overdue_amt": "0",
        "balance": "5000",
    } | others


@pytest.fixture(scope="module")
def con(tmp_path_factory):
    """Two loads: the second corrects an age twice over, brings a late row, and repeats one."""
    run_dir = tmp_path_factory.mktemp("ledger")
    land_rows(
        run_dir,
        1,
        "2024-02-15",
        {
            ATTRIBUTES: [
                attributes("a", "2024-01-01", "30"),
                attributes("a", "2024-01-01", "30"),
                attributes("b", "2024-01-01", "40"),
                attributes("b", "2024-02-01", "40"),
                attributes("c", "2024-01-01", "_"),
                attributes("stranger", "2024-01-01", "50"),
                attributes("a", "", "30"),
            ],
            LOANS: [
                loan("A", "a", "2024-02-01", "2024-02-01"),
                loan("B", "b", "2024-01-01", "2024-01-01"),
            ],
        },
    )
    land_rows(
        run_dir,
        2,
        "2024-03-15 08:00:00",
        {
            ATTRIBUTES: [attributes("a", "2024-01-01", "31"), attributes("c", "2024-01-15", "60")],
            LOANS: [
                loan("A", "a", "2024-02-01", "2024-03-01"),
                loan("B", "b", "2024-01-01", "2024-01-01", balance="4000"),
                loan("C", "c", "2024-02-01", "2024-02-01"),
                loan("B2", "b", "2024-03-01", "2024-03-01"),
            ],
        },
    )
    for other in ("features_financials", "feature_clickstream"):
        row = {"Customer_ID": "stranger", "snapshot_date": "2024-01-01"}
        land_rows(run_dir, 1, "2024-02-15", {other: [row]})
    with built(run_dir, "row_ledger", "knowledge_effects", "quarantine") as connection:
        yield connection


def fates(con, layer: str, source: str) -> Counter:
    rows = rows_of(con, f"from gold.row_ledger where layer = '{layer}' and source = '{source}'")
    return Counter({(r["load_id"], r["fate"], r["reason"]): r["row_count"] for r in rows})


def test_late_rows_and_corrections_show_in_silver(con):
    assert fates(con, "silver", ATTRIBUTES) == {
        (1, "used", None): 5,
        (1, "duplicate", "same_content"): 1,
        (1, "quarantined", "invalid_snapshot_date"): 1,
        (2, "used", "correction"): 1,
        (2, "used", "late"): 1,
    }


def test_gold_says_what_no_application_could_know_and_why(con):
    assert fates(con, "gold", ATTRIBUTES) == {
        (1, "known", None): 4,
        (1, "not_known", "no_application"): 1,
        (2, "not_known", "known_too_late"): 2,
    }


def test_a_replaced_repayment_counts_where_an_application_knew_it(con):
    """Loan B2 looked at the first version of loan B's row, before it was corrected."""
    assert fates(con, "gold", LOANS)[1, "known", None] == 2
    assert fates(con, "gold", LOANS)[2, "known", None] == 4


@pytest.mark.parametrize("test", ["ledger_balances", "every_bronze_row_has_exactly_one_fate"])
def test_the_ledger_adds_up(con, test):
    assert compiled().failures(con, test) == []


def test_a_row_without_a_fate_or_with_two_is_named(con):
    con.execute("create temp table kept as from silver.customer_attributes")
    try:
        con.execute("delete from silver.customer_attributes where customer_id = 'b'")
        con.execute("insert into silver.customer_attributes from kept where customer_id = 'a'")
        found = compiled().failures(con, "every_bronze_row_has_exactly_one_fate")
    finally:
        con.execute("delete from silver.customer_attributes")
        con.execute("insert into silver.customer_attributes from kept")
    assert Counter(row["problem"] for row in found) == {"no fate": 2, "two fates": 1}


def test_what_a_retroactive_reading_would_have_changed_is_counted(con):
    """The age of loan A (30 to 31), and age and occupation of loan C, whose customer had no age."""
    effects = {row["source"]: row for row in rows_of(con, "from gold.knowledge_effects")}
    found = effects[ATTRIBUTES]
    assert (found["corrections"], found["late_rows"]) == (1, 1)
    assert (found["applications_changed"], found["values_changed"]) == (2, 2)
    assert effects[LOANS]["corrections"] == 1
    assert (effects[LOANS]["applications_changed"], effects[LOANS]["values_changed"]) == (1, 1)
    assert effects["feature_clickstream"]["corrections"] == 0
