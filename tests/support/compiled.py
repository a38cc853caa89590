"""The SQL that dbt compiles from the project, for tests that run a model over rows of their own."""

from pathlib import Path
from typing import Any

import duckdb


def compiled_model(name: str) -> str:
    (path,) = Path("/tmp/lab/dbt_project/target/compiled/loan_default/models").rglob(f"{name}.sql")
    return path.read_text()


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
