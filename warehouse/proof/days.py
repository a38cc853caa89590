"""The days at which the proof cuts: one a month."""

from datetime import date

from warehouse.proof.builder import PROVEN_MODELS, FullBuild
from warehouse.proof.variants import KNOWN_FROM, REAL
from warehouse.transform.compiled import connect_in_memory

# Of every month the day to cut at, from the views features, labels and source_rows.
DAYS = """
with applications as (
    select customer_id, application_date as day from features
),

days as (
    select day, count(*) as events
    from (
        select day from applications
        union all
        select label_date as day from labels
    )
    where day is not null
    group by day
),

next_rows as (
    select applications.day, min(rows.day) as next_day
    from applications
    inner join source_rows as rows
        on
            applications.customer_id = rows.customer_id
            and applications.day < rows.day
    group by applications.day, applications.customer_id, rows.source
),

waits as (
    select day, next_day, count(*) / pow(next_day - day, 2) as weight
    from next_rows
    group by day, next_day
),

weighed as (
    select days.day, days.events, round(coalesce(sum(waits.weight), 0), 6) as weight
    from days
    left join waits on waits.day <= days.day and days.day < waits.next_day
    group by days.day, days.events
)

select arg_max(day, (weight, events, day))
from weighed
group by date_trunc('month', day)
order by date_trunc('month', any_value(day))
"""


def days_to_cut(full: FullBuild) -> list[date]:
    """Return one day a month on which applications are made or labels fall due.

    It is the day after which rows of customers who applied by then come soonest: a feature that
    looks a day too far is found where there is something to see. Of equal days the busiest.
    """
    features, labels = (full.file(full.project.model(name).relation) for name in PROVEN_MODELS[:2])
    rows = " union all ".join(
        f"""select '{source.name}' as source, trim("{source.customer_column}") as customer_id,
        cast({KNOWN_FROM} as date) as day from '{full.bronze.file(source, REAL)}'"""
        for source in full.project.sources
    )
    con = connect_in_memory(threads=1)
    try:
        for name, query in {"features": f"from {features}", "labels": f"from {labels}"}.items():
            con.execute(f"create view {name} as {query}")
        con.execute(f"create view source_rows as {rows}")
        days = con.execute(DAYS).fetchall()
    finally:
        con.close()
    return [day for (day,) in days]
