"""What is in a built run: the figures that its manifest and its summary give."""

from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach


def contents(run_dir: Path) -> dict[str, Any]:
    """The figures of a built run that its summary and its manifest give."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        ledger = con.execute(
            "select source, layer, fate, coalesce(reason, '') as reason, sum(row_count)::bigint"
            " from gold.row_ledger group by all order by all"
        ).fetchall()
        labels = con.execute(
            "select label_definition, count(*), count(label), coalesce(sum(label), 0)::bigint"
            " from gold.label_maturity group by all order by all"
        ).fetchall()
        loans, training_rows = con.execute(
            "select (select count(*) from gold.feature_store),"
            " (select count(*) from gold.training_set)"
        ).fetchone()
        return {
            "rows": [
                dict(zip(("source", "layer", "fate", "reason", "rows"), row, strict=True))
                for row in ledger
            ],
            "labels": [
                dict(zip(("definition", "loans", "closed", "defaults"), row, strict=True))
                for row in labels
            ],
            "loans": loans,
            "training_rows": training_rows,
        }


def training_set_hash(run_dir: Path) -> str:
    """The `table_hash` of the training set."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        return table_hash(con, "gold.training_set")


def table_hash(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """The sha256 of a table's columns and rows, whatever the order of the rows.

    Rows count as often as they stand. Each goes in as DuckDB's own 64-bit hash of it, so hashes
    compare between runs of one release of DuckDB; a manifest names its release.
    """
    return con.execute(
        f"""
        with columns as (
            select string_agg(name || ' ' || type, ', ' order by position) as names
            from (
                select column_name as name, column_type as type, row_number() over () as position
                from (describe {table})
            )
        ),

        rows as (
            select string_agg(row_hash, ' ' order by row_hash) as hashes
            from (select cast(hash(t) as varchar) as row_hash from {table} as t)
        )

        select sha256(names || coalesce(hashes, ''))
        from columns
        cross join rows
        """
    ).fetchone()[0]
