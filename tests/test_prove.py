"""The leakage proof: what leaks is named, what does not leak passes."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pit_support import copy_project
from rich.console import Console

from warehouse.errors import UserError
from warehouse.prove import ROWS, prove, show

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
