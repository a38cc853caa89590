"""Rows of a published run's tables, for report and deck."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach

Row = dict[str, Any]


@dataclass(frozen=True)
class Tables:
    """Reads whole tables, such as gold.label_rates, as dicts in their own order."""

    con: duckdb.DuckDBPyConnection

    def __getitem__(self, name: str) -> list[Row]:
        """Return the rows of a table; none where the run does not have it."""
        try:
            cursor = self.con.execute(f"select * from {name}")
        except duckdb.CatalogException:
            return []
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def key_figures(self) -> Row:
        """Return the one row of gold.key_figures."""
        return next(iter(self["gold.key_figures"]), {})


@contextmanager
def open_tables(run_dir: Path) -> Iterator[Tables]:
    """Open the tables of a run for reading."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        yield Tables(con)
