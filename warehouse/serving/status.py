"""Shows the age of the served scoring set and of the snapshots of each group."""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.base.catalog import quoted_name
from warehouse.base.rows import one_row
from warehouse.serving.history import SETS_DIR
from warehouse.serving.stores import Served


def show(console: Console, served: Served, folder: Path) -> None:
    """Print what is served from a repository's folder, and how old each group of it is today."""
    today = datetime.now(UTC).date()
    age = (today - date.fromisoformat(served.day)).days
    console.print(
        f"served: {served.customers:,} customers as of {served.day} ({age:,} days ago), run"
        f" {served.run_id}, materialised {served.materialised_at} UTC"
    )
    table = Table("group", "newest snapshot", "days old", "median days old", "customers with one")
    with duckdb.connect() as con:
        con.from_parquet(str(folder / SETS_DIR / served.scoring_set)).create_view("scoring_set")
        suffix = "_snapshot_date"
        for column, *_ in con.execute("describe scoring_set").fetchall():
            if column.endswith(suffix):
                days = f"date '{today}' - {quoted_name(column)}"
                query = f"max({quoted_name(column)}), min({days}), median({days}), count({days})"
                newest, *ages, known = one_row(con, f"select {query} from scoring_set")
                table.add_row(
                    column.removesuffix(suffix),
                    str(newest or "none"),
                    *("" if days is None else f"{days:,.0f}" for days in ages),
                    f"{known:,} ({known / max(served.customers, 1):.0%})",
                )
    console.print(table)
