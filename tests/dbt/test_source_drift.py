"""A source that jumps against its own history is warned of, with figures; no other is."""

import duckdb
import pytest

from tests.support.compiled import compiled

TEST = "sources_keep_to_their_history"
JUMP_MONTH = "2024-06"  # far from the first and the last month of the sample


@pytest.fixture
def silver(sample):
    """The sample's silver tables, to be changed; all rows of one load, so every month is judged."""
    for table in (source.silver for source in compiled().project.sources):
        sample.execute(f"create table {table} as select * from silver.{table}")
        sample.execute(f"drop view silver.{table}")
        sample.execute(f"create view silver.{table} as select * from main.{table}")
    return sample


def warnings(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The messages of the test, oldest month first."""
    return [row["message"] for row in compiled().failures(con, TEST)]


def of_month(messages: list[str], source: str) -> list[str]:
    return [text for text in messages if text.startswith(f"{source} {JUMP_MONTH}: ")]


IN_MONTH = f"strftime(snapshot_date, '%Y-%m') = '{JUMP_MONTH}'"


def test_the_sample_warns_only_of_what_is_true(silver):
    """After 2025-01 there are no applications any more, so the profiles nearly stop."""
    messages = warnings(silver)
    assert [text.split(":")[0] for text in messages] == [
        "features_attributes 2025-02",
        "features_financials 2025-02",
    ]


@pytest.mark.parametrize(
    ("source", "change", "expected"),
    [
        (
            "feature_clickstream",
            f"delete from clickstream where {IN_MONTH} and hash(customer_id) % 5 < 3",
            ["rows, about 8", "expected"],
        ),
        (
            "feature_clickstream",
            f"insert into clickstream select c.* from clickstream as c, range(3) where {IN_MONTH}",
            ["rows, about 8", "expected"],
        ),
        ("lms_loan_daily", f"delete from loan_repayments where {IN_MONTH}", ["0 rows, about 6"]),
        (
            "features_financials",
            f"update customer_financials set annual_income = annual_income / 12 where {IN_MONTH}",
            ["mean of annual_income is 4", "was 5", "standard deviation"],
        ),
        (
            "feature_clickstream",
            f"update clickstream set fe_7 = fe_7 + 80 where {IN_MONTH}",
            ["mean of fe_7 is 1", "before (standard deviation "],
        ),
        (
            "features_attributes",
            f"update customer_attributes set occupation = null where {IN_MONTH} and age < 40",
            ["share without occupation is ", " %, was "],
        ),
        (
            "features_financials",
            f"update customer_financials set credit_mix = 'Bad' where {IN_MONTH}",
            ["share of credit_mix Bad is 100.0 %, was "],
        ),
        (
            "lms_loan_daily",
            f"update loan_repayments set due_amt = due_amt * 2 where {IN_MONTH}",
            ["mean of due_amt is 2000, was 1000 before"],
        ),
    ],
    ids=["fewer", "more", "none", "unit", "shift", "unknown", "category", "instalment"],
)
def test_a_jump_is_warned_of_with_its_figures(silver, source, change, expected):
    silver.execute(change)
    messages = of_month(warnings(silver), source)
    assert any(all(text in message for text in expected) for message in messages), messages


def test_small_changes_and_few_rows_warn_of_nothing(silver):
    usual = warnings(silver)
    silver.execute(f"update clickstream set fe_7 = fe_7 + 10 where {IN_MONTH}")
    silver.execute(f"delete from loan_repayments where {IN_MONTH} and hash(loan_id) % 5 = 0")
    silver.execute(f"update customer_attributes set age = age + 2 where {IN_MONTH}")
    silver.execute("delete from customer_financials where snapshot_date < '2023-01-01'")
    assert warnings(silver) == usual


def test_only_months_of_the_newest_load_are_judged(silver):
    """What an older load brought was warned of in its own run."""
    silver.execute(f"update clickstream set fe_7 = fe_7 + 80 where {IN_MONTH}")
    assert of_month(warnings(silver), "feature_clickstream")
    silver.execute("update clickstream set load_id = 2 where snapshot_date >= '2024-11-01'")
    assert not of_month(warnings(silver), "feature_clickstream")
