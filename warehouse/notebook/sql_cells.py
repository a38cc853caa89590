"""SQL cells in Jupyter: %sql, %%sql and %%chart over one connection, with completion."""

import re
from typing import TYPE_CHECKING, Any

import duckdb
from jinja2 import StrictUndefined, Template, TemplateError

from warehouse.notebook.charts import draw
from warehouse.notebook.completion import Completer
from warehouse.notebook.connection import NotebookError

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell


def offer_sql_cells(shell: "InteractiveShell", con: duckdb.DuckDBPyConnection) -> None:
    """Bring %sql, %%sql, %%chart and completion to a notebook, all over this connection.

    {{name}} in a cell is the value of a variable of the notebook; frames are tables by their names.
    """
    import pandas as pd
    from IPython.core.magic import no_var_expand

    pd.set_option("display.max_colwidth", 150)
    con.execute("set python_scan_all_frames = true")

    @no_var_expand
    def sql(line: str, cell: str = "") -> "pd.DataFrame":
        """%sql QUERY on one line, or %%sql and the query below: its result as a data frame."""
        try:
            query = Template(f"{line}\n{cell}", undefined=StrictUndefined)
            return con.execute(query.render(shell.user_ns)).df()
        except (duckdb.Error, TemplateError) as error:
            raise NotebookError(str(error)) from error

    @no_var_expand
    def chart(line: str, cell: str) -> Any:
        """%%chart [line|bar|area|scatter|hist]: run the SQL below and draw its result."""
        return draw(sql("", cell), line.strip() or "line")

    shell.register_magic_function(sql, "line_cell", "sql")  # type: ignore[arg-type]
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
