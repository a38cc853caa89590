"""Rows of a published run's tables, for report and deck."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.rows import rows_of

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Reads whole tables, such as gold.label_rates, as dicts in their own order."""

    con: duckdb.DuckDBPyConnection

    def __getitem__(self, name: str) -> list[Row]:
        """Return the rows of a table; none where the run does not have it."""
        try:
            return rows_of(self.con, f"select * from {name}")
        except duckdb.CatalogException:
            return []

    def first(self, name: str, **where: Any) -> Row:
        """Return the first row of a table with these values, an empty one where there is none."""
        matching = (row for row in self[name] if where.items() <= row.items())
        return next(matching, {})


@contextmanager
def open_tables(run_dir: Path) -> Iterator[Tables]:
    """Open the tables of a run for reading."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        yield Tables(con)
