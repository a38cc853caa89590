"""SQL cells in Jupyter: %sql, %%sql and %%chart over one connection, with completion."""

import contextlib
import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.notebook.charts import draw
from warehouse.notebook.completion import Completer

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

SQL_MAGIC_SETTINGS = ("autopandas = True", "feedback = 0", "displaycon = False", "autolimit = 0")


def offer_sql_cells(shell: "InteractiveShell", con: duckdb.DuckDBPyConnection) -> None:
    """Bring %sql, %%sql, %%chart and completion to a notebook, all over this connection."""
    import pandas as pd
    from IPython.utils.capture import capture_output

    with _pyspark_hidden(), capture_output():  # JupySQL reports packages that are not needed
        shell.run_line_magic("load_ext", "sql")
        from sql.connection import ConnectionManager
    for setting in SQL_MAGIC_SETTINGS:
        shell.run_line_magic("config", f"SqlMagic.{setting}")
    ConnectionManager.set(con, displaycon=False, alias="datamart")
    pd.set_option("display.max_colwidth", 150)

    def chart(line: str, cell: str) -> Any:
        """%%chart [line|bar|area|scatter|hist]: run the SQL below and draw its result."""
        return draw(con, cell, line.strip() or "line")

    shell.register_magic_function(chart, "cell", "chart")  # type: ignore[arg-type]
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if not hasattr(m, "is_sql_matcher")]
    matchers.append(sql_matcher(Completer.of(con)))


def sql_matcher(completer: Completer) -> Any:
    """Return a completer in the form that IPython asks for."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> dict[str, Any]:
        if not is_sql(context.full_text, context.cursor_line):
            return {"completions": []}
        word = re.findall(r"[\w.]*$", context.text_until_cursor)[0]
        found = completer.suggestions(context.full_text, word)
        return {
            "completions": [SimpleCompletion(text=text, type=kind) for text, kind in found],
            "matched_fragment": word,
            "ordered": True,
            "suppress": True,
        }

    matcher.is_sql_matcher = True
    return matcher


def is_sql(cell: str, line_number: int) -> bool:
    """Return whether a line of a cell is SQL: in a %%sql or %%chart cell, or after %sql."""
    if re.match(r"\s*%%(sql|chart)\b", cell):
        return line_number > 0 or "%%sql" in cell.split("\n", 1)[0]
    lines = cell.split("\n")
    return line_number < len(lines) and "%sql " in lines[line_number]


@contextlib.contextmanager
def _pyspark_hidden() -> Iterator[None]:
    """Hide PySpark while JupySQL loads: without the extras of Spark Connect it fails on it."""
    names = [name for name in sys.modules if name.partition(".")[0] == "pyspark"]
    loaded = {name: sys.modules.pop(name) for name in names}
    sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pyspark"]
        sys.modules.update(loaded)
