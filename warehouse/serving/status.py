"""How old what is served is: the scoring set, and the snapshots of each group."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from warehouse.base.catalog import quoted_name
from warehouse.serving.catalogue import SCORING_SET, Catalogue

SETS_DIR = "scoring_sets"


@dataclass(frozen=True)
class GroupAge:
    """A group's age on a day: newest snapshot, its age and the median age in days, coverage."""

    group: str
    newest_snapshot: date | None
    newest_age_days: int | None
    median_age_days: float | None
    customers: int
    customers_with_snapshot: int
    max_age_days: int | None


def group_ages(catalogue: Catalogue, scoring_set: Path, today: date | None = None) -> list[GroupAge]:
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
            ages.append(GroupAge(group.name, *row, group.max_age_days))
    return ages
