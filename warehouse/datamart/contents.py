"""Reads the figures of a built run for its manifest, and hashes that show what has changed."""

from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach, files_of, read_parquet, set_memory
from warehouse.base.files import read_json
from warehouse.base.rows import one_row, rows_of

ROWS = """
    select source, layer, fate, coalesce(reason, '') as reason, sum(row_count)::bigint as rows
    from gold.row_ledger
    group by all
    order by all
"""

LABELS = """
    select
        label_definition as definition,
        count(*) as loans,
        count(label) as closed,
        coalesce(sum(label), 0)::bigint as defaults,
    from gold.label_maturity
    group by all
    order by all
"""

COUNTS = """
    select
        (select count(*) from gold.feature_store) as loans,
        (select count(*) from gold.training_set) as training_rows,
"""

# The last day that the run vouches for in every source (silver.watermarks): applications up to it
# are closed. Null when a source has no watermark yet, and when there is no source.
CLOSED_UNTIL = """
    select case when count(*) = count(watermark) then min(watermark) end
    from (
        select sources.source, max(watermarks.watermark) as watermark
        from (select unnest($1::varchar[]) as source) as sources
        left join silver.watermarks as watermarks on sources.source = watermarks.source
        group by sources.source
    )
"""

# A month is closed when all of it is on or before the day in $1.
APPLICATION_MONTHS = """
    with columns as (
        select string_agg(column_name || ' ' || column_type, ', ') as names
        from (describe gold.feature_store)
    ),

    hashed_rows as (
        select
            cast(date_trunc('month', application_date) as date) as month,
            cast(hash(feature_store) as varchar) as row_hash,
        from gold.feature_store
        {condition}
    )

    select
        strftime(month, '%Y-%m') as month,
        count(*) as applications,
        sha256(any_value(names) || string_agg(row_hash, ' ' order by row_hash)) as sha256,
        coalesce(last_day(month) <= $1, false) as is_closed,
    from hashed_rows
    cross join columns
    group by month
    order by month
"""

TABLE_HASH = """
    with columns as (
        select string_agg(column_name || ' ' || column_type, ', ') as names
        from (describe {table})
    ),

    rows as (
        select string_agg(row_hash, ' ' order by row_hash) as hashes
        from (select cast(hash(t) as varchar) as row_hash from {table} as t)
    )

    select sha256(names || coalesce(hashes, ''))
    from columns
    cross join rows
"""


def contents(run_dir: Path, sources: list[str], memory_limit: str | None = None) -> dict[str, Any]:
    """Return the figures of a built run for its manifest.

    `sources` are those of the warehouse, all of which must have a watermark for an application to
    be closed.
    """
    with _connect(run_dir, memory_limit) as con:
        closed_until = one_row(con, CLOSED_UNTIL, [sources])[0]
        return {
            "rows": rows_of(con, ROWS),
            "labels": rows_of(con, LABELS),
            **rows_of(con, COUNTS)[0],
            "application_months": rows_of(
                con, APPLICATION_MONTHS.format(condition=""), [closed_until]
            ),
            "training_set_sha256": table_hash(con, "gold.training_set"),
        }


def changed_closed_months(
    run_dir: Path, previous_run: Path, months: list[dict[str, Any]]
) -> list[str]:
    """Return the closed months of the previous run whose applications have other features now.

    Loans that are new in a closed month are no change of those that were there. `months` are the
    `application_months` of the run.
    """
    before = (read_json(previous_run / "manifest.json") or {}).get("application_months", [])
    now = {month["month"]: month["sha256"] for month in months}
    suspects = {
        month["month"]: month["sha256"]
        for month in before
        if month["is_closed"] and month["sha256"] != now.get(month["month"])
    }
    if not suspects:
        return []
    previous = read_parquet(*files_of(previous_run.resolve() / "gold", "feature_store"))
    same_loans = f"where loan_id in (select loan_id from {previous})"
    with _connect(run_dir) as con:
        again = rows_of(con, APPLICATION_MONTHS.format(condition=same_loans), [None])
    of_same_loans = {month["month"]: month["sha256"] for month in again}
    return [month for month, sha256 in suspects.items() if of_same_loans.get(month) != sha256]


def table_hash(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return the sha256 of a table's columns and rows, whatever the order of the rows.

    Duplicate rows count. Each row goes in as DuckDB's own 64-bit hash of it, so hashes compare
    between runs of one release of DuckDB; a manifest names its release.
    """
    return str(one_row(con, TABLE_HASH.format(table=table))[0])


def _connect(run_dir: Path, memory_limit: str | None = None) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    set_memory(con, run_dir, memory_limit)
    attach(con, run_dir)
    return con
