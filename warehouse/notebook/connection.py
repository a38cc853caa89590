"""One line in a notebook: `from warehouse.notebook.connection import connect; con = connect()`.

The connection shows the published run as bronze.*, silver.* and gold.*, and the user's own tables
as lab.*, in memory and for reading. It finds the run once, so a run that is published meanwhile
neither breaks it nor mixes two runs; connect() again to see the newest. In Jupyter it brings SQL
cells as well:

    %%sql         a cell of SQL, its result a data frame; `df = %sql select ...` on one line
    %%chart line  a cell of SQL as a chart: line, bar, area, scatter or hist; the first column is x
    Tab           completes schemas, tables and columns in SQL cells
"""

import atexit
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from warehouse.base.catalog import attach, attach_lab, quoted_name, quoted_text
from warehouse.base.errors import UserError
from warehouse.base.layout import LAYERS, Datamart
from warehouse.base.paths import DATAMART_DIR
from warehouse.features.macros import create_macros
from warehouse.transform.compiled import COMPILED_FILE
from warehouse.transform.runner import DESCRIPTIONS_FILE

if TYPE_CHECKING:
    import pandas as pd

SCHEMAS = (*LAYERS, "lab")


class NotebookError(UserError):
    """A UserError that a notebook shows as its one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"error: {self}"]


def connect(datamart_dir: Path | str | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection to the published run of a datamart, by default the project's own.

    It shows bronze.*, silver.*, gold.*, lab.*, and features_as_of(date): the scoring set of a day.
    The environment variable WAREHOUSE_DATAMART_DIR names another default.

    Raises:
        UserError: nothing is published there yet.
    """
    root = Path(datamart_dir or os.environ.get("WAREHOUSE_DATAMART_DIR") or DATAMART_DIR)
    datamart = Datamart(root.absolute())
    run_dir = datamart.current_run()
    if run_dir is None:
        raise NotebookError(f"no datamart in {root} yet: run `python main.py` first")
    con = duckdb.connect()
    atexit.register(con.close)  # else DuckDB complains of the Python function it still holds
    con.execute("set TimeZone = 'UTC'")
    attach(con, run_dir)
    for table, reason in attach_lab(con, datamart.lab).items():
        warnings.warn(f"lab.{table} cannot be read: {reason}", stacklevel=2)
    if (run_dir / COMPILED_FILE).exists():
        create_macros(con, run_dir)
    _describe(con, run_dir / DESCRIPTIONS_FILE)
    _describe_features(con)
    if "IPython" in sys.modules and (shell := sys.modules["IPython"].get_ipython()):
        from warehouse.notebook.sql_cells import offer_sql_cells
        from warehouse.reporting.theme import enable_in_notebooks

        enable_in_notebooks()
        offer_sql_cells(shell, con)
    return con


def tables(con: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Return every table of a connection, with its rows, columns and description."""
    import pandas as pd

    found = con.execute(
        "select schema_name, view_name, comment from duckdb_views()"
        " where list_contains($1, schema_name)"
        " order by list_position($1, schema_name), view_name",
        [list(SCHEMAS)],
    ).fetchall()
    rows = []
    for schema, name, comment in found:
        relation = con.sql(f"select * from {schema}.{quoted_name(name)}")
        rows.append(
            {
                "table": f"{schema}.{name}",
                "rows": relation.shape[0],
                "columns": relation.shape[1],
                "description": (comment or "").strip().split("\n")[0],
            }
        )
    return pd.DataFrame(rows).set_index("table")


def _describe(con: duckdb.DuckDBPyConnection, descriptions: Path) -> None:
    """Show dbt's descriptions as comments on tables and columns, where the run holds them."""
    if not descriptions.is_file():
        return
    columns = set(
        con.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns()"
        ).fetchall()
    )
    shown = {table for table, _ in columns}
    for table, texts in json.loads(descriptions.read_text(encoding="utf-8")).items():
        if table not in shown:
            continue
        schema, _, name = table.partition(".")
        view = f"{schema}.{quoted_name(name)}"
        con.execute(f"comment on view {view} is {quoted_text(texts.get('description') or '')}")
        for column, text in texts.get("columns", {}).items():
            if text and (table, column) in columns:
                con.execute(
                    f"comment on column {view}.{quoted_name(column)} is {quoted_text(text)}"
                )


def _describe_features(con: duckdb.DuckDBPyConnection) -> None:
    """Show the catalogue's descriptions on the features that no yml names one by one."""
    try:
        features = con.execute(
            "select table_name, column_name, description"
            " from duckdb_columns() inner join gold.feature_catalog on column_name = feature"
            " where schema_name = 'gold' and comment is null and description is not null"
        ).fetchall()
    except duckdb.CatalogException:  # a build without the catalogue
        return
    comments = [
        f"comment on column gold.{quoted_name(table)}.{quoted_name(column)} is {quoted_text(text)}"
        for table, column, text in features
    ]
    con.execute("; ".join(comments or ["select 1"]))
