"""How old what is served is: the scoring set, and the snapshots of each group."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from warehouse.base.catalog import quoted_name
from warehouse.serving.catalogue import SCORING_SET, Catalogue
from warehouse.serving.materialise import SETS_DIR
from warehouse.serving.repository import CATALOGUE_FILE
from warehouse.serving.stores import Served


@dataclass(frozen=True)
class GroupAge:
    """A group's age on a day: newest snapshot, its age and the median age in days, coverage."""

    group: str
    newest_snapshot: date | None
    newest_age_days: int | None
    median_age_days: float | None
    customers: int
    customers_with_snapshot: int


def show(console: Console, served: Served, folder: Path) -> None:
    """Print what is served from a repository's folder, and how old each group of it is today."""
    today = datetime.now(UTC).date()
    age = (today - date.fromisoformat(served.day)).days
    console.print(
        f"served: {served.customers:,} customers as of {served.day} ({age:,} days ago), run"
        f" {served.run_id}, materialised {served.materialised_at} UTC"
    )
    table = Table("group", "newest snapshot", "days old", "median days old", "customers with one")
    catalogue = Catalogue.load(folder / CATALOGUE_FILE)
    for found in group_ages(catalogue, folder / SETS_DIR / served.scoring_set, today):
        share = found.customers_with_snapshot / max(found.customers, 1)
        table.add_row(
            found.group,
            str(found.newest_snapshot or "none"),
            _count(found.newest_age_days),
            _count(found.median_age_days),
            f"{found.customers_with_snapshot:,} ({share:.0%})",
        )
    console.print(table)


def _count(days: float | None) -> str:
    return "" if days is None else f"{days:,.0f}"


def group_ages(
    catalogue: Catalogue, scoring_set: Path, today: date | None = None
) -> list[GroupAge]:
    """Return how old each group's snapshots in a scoring set are today (UTC)."""
    today = today or datetime.now(UTC).date()
    ages = []
    with duckdb.connect() as con:
        for group in catalogue.groups:
            if group.name == SCORING_SET:
                continue
            column = quoted_name(group.date_column)
            row = con.execute(
                f"select max({column}), date '{today}' - max({column}),"
                f" median(date '{today}' - {column}), count(*), count({column})"
                " from read_parquet(?)",
                [str(scoring_set)],
            ).fetchone()
            assert row is not None  # an aggregate has one row
            ages.append(GroupAge(group.name, *row))
    return ages
