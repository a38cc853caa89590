"""The SQL that dbt compiles from the project, for tests that run a model over rows of their own."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from warehouse.base.paths import DBT_DIR
from warehouse.transform.compiled import CompiledProject, compile_project


@cache
def compiled_project() -> CompiledProject:
    """Compile the models of the project, once a test session."""
    with TemporaryDirectory() as folder:
        return compile_project(DBT_DIR, Path(folder), Path(folder) / "target")


def compiled_model(name: str) -> str:
    """Return the compiled SQL of a model."""
    return compiled_project().model(name).sql


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts."""
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
