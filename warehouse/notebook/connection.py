"""One line in a notebook: `from warehouse.notebook.connection import connect; con = connect()`.

The connection shows the published run as bronze.*, silver.* and gold.*, and the user's own tables
as lab.*, in memory and for reading. It finds the run once, so a run that is published meanwhile
neither breaks it nor mixes two runs; connect() again to see the newest. In Jupyter it brings SQL
cells as well:

    %%sql         a cell of SQL, its result a data frame; `df = %sql select ...` on one line
    %%chart line  a cell of SQL as a chart: line, bar, area, scatter or hist; the first column is x
    Tab           completes schemas, tables and columns in SQL cells

keep(con, "scores", frame) writes a table of your own, lab.scores.
"""

import atexit
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


class NotebookError(UserError):
    """A UserError that a notebook shows as its message, without a traceback."""

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
    con.execute(f"set variable lab_dir = {quoted_text(str(datamart.lab))}")
    attach(con, run_dir)
    for table, reason in attach_lab(con, datamart.lab).items():
        warnings.warn(f"lab.{table} cannot be read: {reason}", stacklevel=2)
    if (run_dir / COMPILED_FILE).exists():
        create_macros(con, run_dir)
    _describe(con, run_dir / DESCRIPTIONS_FILE)
    if shell := _notebook():
        from warehouse.notebook.sql_cells import offer_sql_cells
        from warehouse.reporting.theme import enable_in_notebooks

        enable_in_notebooks()
        offer_sql_cells(shell, con)
    return con


def _notebook() -> Any:
    """Return the shell of the notebook that this runs in, None outside of one."""
    try:
        from IPython.core.getipython import get_ipython
    except ImportError:
        return None
    return get_ipython()


def keep(con: duckdb.DuckDBPyConnection, name: str, rows: "pd.DataFrame") -> None:
    """Write rows as the user's own table lab.<name>, in the place of an older one.

    The table shows in this connection at once; no run of the warehouse touches it.
    """
    ((folder,),) = con.execute("select getvariable('lab_dir')").fetchall()
    lab = Path(folder)
    lab.mkdir(exist_ok=True)
    file, new_file = lab / f"{name}.parquet", lab / f".{name}.new"
    con.from_df(rows).write_parquet(str(new_file))
    new_file.replace(file)
    attach_lab(con, lab)


def tables(con: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """Return every table of a connection, with its rows, columns and description."""
    import pandas as pd

    found = con.execute(
        "select schema_name || '.' || view_name, coalesce(comment, '') from duckdb_views()"
        " where list_contains($1, schema_name)"
        " order by list_position($1, schema_name), view_name",
        [[*LAYERS, "lab"]],
    ).fetchall()
    rows = [
        (name, *con.sql(f"from {_quoted(name)}").shape, comment.strip().split("\n")[0])
        for name, comment in found
    ]
    listed = pd.DataFrame(rows, columns=["table", "rows", "columns", "description"])
    return listed.set_index("table")


def _describe(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    """Show descriptions as comments: dbt's, where the run holds them, then the catalogue's."""
    columns = con.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns()"
    ).fetchall()
    shown = {table for table, _ in columns}
    notes = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    texts = {(table, ""): note.get("description") for table, note in notes.items()}
    if "gold.feature_catalog" in shown:
        features = con.execute("select feature, description from gold.feature_catalog").fetchall()
        gold = [table for table in shown if table.startswith("gold.")]
        texts |= {(table, name): text for table in gold for name, text in features}
    for table, note in notes.items():
        texts |= {(table, name): text for name, text in note["columns"].items() if text}
    comments = [
        f"comment on view {_quoted(table)} is {quoted_text(texts[table, ''] or '')}"
        for table in sorted(notes.keys() & shown)
    ] + [
        f"comment on column {_quoted(table)}.{quoted_name(name)} is {quoted_text(text)}"
        for table, name in columns
        if (text := texts.get((table, name)))
    ]
    if comments:
        con.execute("; ".join(comments))


def _quoted(table: str) -> str:
    schema, _, name = table.partition(".")
    return f"{schema}.{quoted_name(name)}"
