"""Leaks that a careless author might write, to be planted in a copy of the dbt project."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.compiled import NARROW
from warehouse.base.paths import DBT_DIR
from warehouse.transform.dbt_options import shared_target

Change = tuple[str, str, str]  # file below the project, old text, new text

ATTRIBUTES = "models/gold/attributes_features.sql"
ANCHOR = "        {{ provenance('attributes') }}\n"

# One feature a leak, by event time: the future of the loan, or of all loans.
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
    "rank_over_all_loans": "rank() over (order by joined.age, joined.loan_id)",
    "fill_that_knows_the_target": """coalesce(joined.age - joined.age, (
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
    "scaled_by_minimum_and_maximum_of_all": """
        (joined.age - min(joined.age) over ()) * 1.0
        / (max(joined.age) over () - min(joined.age) over ())
    """,
    "average_of_its_occupation_over_all_time": """(
        select avg(a.age) from {{ ref('customer_attributes') }} as a
        where a.occupation = joined.occupation
    )""",
    "number_of_rows_in_quarantine": "(select count(*) from {{ ref('set_aside_rows') }})",
    "read_from_bronze_past_silver": """(
        select max(b.fe_1) from {{ source('bronze', 'feature_clickstream') }} as b
        where trim(b."Customer_ID") = joined.customer_id
    )""",
    "number_of_later_rows": """(
        select count(*) from {{ ref('clickstream') }} as c
        where c.customer_id = joined.customer_id and c.snapshot_date > joined.application_date
    )""",
}

# What is no leak: known on the day, of the loans of the day.
NO_LEAKS = {
    "rank_among_the_applications_of_the_day": """
        rank() over (partition by joined.application_date order by joined.age, joined.loan_id)
    """,
}

# By knowledge time: rows dated by the application, learnt after it.
SECOND_CLOCK_LEAKS = {
    "read_without_known_from": """(
        select sum(c.fe_1) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date <= joined.application_date
            and c.arrival in ('on_time', 'late')
    )""",
    "current_version": """(
        select sum(c.fe_1) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date <= joined.application_date
            and c.known_until is null
            and c.arrival <> 'late'
    )""",
    "was_corrected_later": """(
        select count(c.known_until) from {{ ref('clickstream') }} as c
        where
            c.customer_id = joined.customer_id
            and c.snapshot_date <= joined.application_date
            and c.known_from <= joined.application_date
    )""",
}


def copy_narrow_project(folder: Path) -> Path:
    """Copy the dbt project, with what is parsed of it, and narrow it for what needs no width.

    The variables are replaced where they are read: were they others, dbt would parse all again.
    """
    project = folder / "dbt_project"
    shutil.copytree(DBT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    if shared_target().is_dir():
        shutil.copytree(shared_target(), shared_target(project))
    for file in (
        project / "macros/clickstream.sql",
        project / "models/gold/clickstream_features.sql",
    ):
        text = file.read_text()
        for name, value in NARROW.items():
            text = text.replace(f"var('{name}')", str(value).replace("None", "none"))
        file.write_text(text)
    return project


def leave_out_windows(project: Path) -> None:
    """Leave two windows of four in a copy of the dbt project: half as many features."""
    file, windows = project / "dbt_project.yml", "{3m: 3, 6m: 6, 12m: 12, all: null}"
    text = file.read_text()
    assert windows in text
    file.write_text(text.replace(windows, "{3m: 3, all: null}"))


def features(leaks: dict[str, str]) -> Change:
    """Return the change that adds features to attributes_features, each as its name says."""
    added = "".join(f"        {sql} as {name},\n" for name, sql in leaks.items())
    return ATTRIBUTES, ANCHOR, added + ANCHOR


@contextmanager
def planted(project: Path, *changes: Change) -> Iterator[None]:
    """Make changes in a copy of the project; afterwards it is as it was."""
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
