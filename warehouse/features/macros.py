"""The table macro features_as_of(date) of a notebook's connection."""

import tempfile
from datetime import date
from functools import lru_cache
from pathlib import Path

from duckdb import DuckDBPyConnection

from warehouse.features.scoring import build_scoring_set


def create_macros(con: DuckDBPyConnection, run_dir: Path) -> None:
    """Create features_as_of(date): the features of every customer known on that day.

    For a connection to which catalog.attach has attached the run:
    `from features_as_of(date '2024-03-01')`. One row a customer; the set of a day is built once
    and kept in a temporary folder as long as the connection has the function.
    """
    folder = tempfile.TemporaryDirectory(prefix="features_as_of_")

    @lru_cache
    def features_file(day: date) -> str:
        file = Path(folder.name) / str(day) / "features.parquet"
        file.parent.mkdir(exist_ok=True)
        build_scoring_set(run_dir, day, file)
        return str(file)

    con.create_function("features_file", features_file, ["DATE"], "VARCHAR")
    con.execute(
        "create or replace macro features_as_of(as_of_date) as table"
        " from read_parquet(features_file(cast(as_of_date as date)))"
    )
