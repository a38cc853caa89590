"""The rows of a DuckDB query as plain values."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Parameters = Sequence[Any] | Mapping[str, Any]


def one_row(con: "DuckDBPyConnection", sql: str, parameters: Parameters = ()) -> tuple[Any, ...]:
    """Return the first row of a query that always has one."""
    row = con.execute(sql, parameters or None).fetchone()
    assert row is not None
    return tuple(row)


def rows_of(
    con: "DuckDBPyConnection", sql: str, parameters: Parameters = ()
) -> list[dict[str, Any]]:
    """Return the rows of a query as dicts."""
    cursor = con.execute(sql, parameters or None)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
