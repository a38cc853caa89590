"""The days at which the proof cuts: one a month."""

from datetime import date

from warehouse.proof.builder import PROVEN_MODELS, FullBuild
from warehouse.proof.variants import KNOWN_FROM, REAL
from warehouse.transform.compiled import connect_in_memory

# Of every month the day to cut at, from the views features, labels and source_rows.
DAYS = """
with next_rows as (
    select features.application_date as day, min(source_rows.day) as next_day
    from features
    left join source_rows
        on
            features.customer_id = source_rows.customer_id
            and features.application_date < source_rows.day
    group by features.loan_id, features.application_date, source_rows.source
),

events as (
    select day, coalesce(1 / pow(next_day - day, 2), 0) as weight from next_rows
    union all
    select label_date as day, 0 as weight from labels
),

days as (
    select day, round(sum(weight), 6) as weight, count(*) as events
    from events
    where day is not null
    group by day
)

select arg_max(day, (weight, events, day))
from days
group by date_trunc('month', day)
order by date_trunc('month', any_value(day))
"""


def days_to_cut(full: FullBuild) -> list[date]:
    """Return one day a month on which applications are made or labels fall due.

    It is the day after which rows of those who applied on it come soonest: a feature that looks a
    day too far is found where there is something to see. Of equal days the busiest.
    """
    features, labels = (full.file(full.project.model(name).relation) for name in PROVEN_MODELS[:2])
    rows = " union all ".join(
        f"""select '{source.name}' as source, trim("{source.customer_column}") as customer_id,
        cast({KNOWN_FROM} as date) as day from {full.bronze.file(source, REAL)}"""
        for source in full.project.sources
    )
    views = {"features": f"from {features}", "labels": f"from {labels}", "source_rows": rows}
    with connect_in_memory(threads=1) as con:
        for name, query in views.items():
            con.execute(f"create view {name} as {query}")
        return [day for (day,) in con.execute(DAYS).fetchall()]
