"""SQL cells in Jupyter: %sql, %%sql and %%chart over one connection, with completion."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
from jinja2 import StrictUndefined, Template, TemplateError

from warehouse.notebook.connection import NotebookError

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell

CHARTS = ("line", "bar", "area", "scatter", "hist")
KEYWORDS = """
    select keyword_name from duckdb_keywords()
    union
    select function_name from duckdb_functions()
    where function_type in ('aggregate', 'scalar') and regexp_full_match(function_name, '[a-z]+')
    order by all
"""


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


def draw(frame: "pd.DataFrame", kind: str = "line") -> Any:
    """Return a frame as an Altair chart: the first column is x, every other a series.

    A histogram takes the first column alone.

    Raises:
        UserError: there is no such kind of chart, or nothing to draw.
    """
    import altair as alt

    if kind not in CHARTS:
        raise NotebookError(f"%%chart draws {', '.join(CHARTS)}; found {kind!r}")
    if frame.empty:
        raise NotebookError("the query returns no row: nothing to draw")
    alt.data_transformers.disable_max_rows()
    x, *series = (str(column) for column in frame.columns)
    rows = frame.set_axis(["x", *series], axis=1)
    if series:
        rows = rows.melt("x", series, var_name="series", value_name="value")
    chart = alt.Chart(rows, width=560, height=280)
    chart.description = f"{kind} chart: {', '.join(series) or 'count'} by {x}"
    if kind == "hist":
        return chart.mark_bar().encode(alt.X("x:Q", title=x).bin(maxbins=30), alt.Y("count()"))
    marks = {"line": chart.mark_line, "area": chart.mark_area, "scatter": chart.mark_circle}
    encoded = marks.get(kind, chart.mark_bar)().encode(
        alt.X("x:N", title=x, sort=None) if kind == "bar" else alt.X("x", title=x),
        alt.Y("value:Q", title=series[0] if len(series) == 1 else None),
    )
    if len(series) == 1:
        return encoded
    encoded = encoded.encode(alt.Color("series:N", sort=series, title=None))
    return encoded.encode(alt.XOffset("series:N", sort=series)) if kind == "bar" else encoded


@dataclass(frozen=True)
class Completer:
    """Completes schemas, tables, columns and words of SQL.

    Attributes:
        tables: columns of each table, by its full name: {"gold.label_store": ["loan_id", ...]}.
        words: keywords and functions.
    """

    tables: dict[str, list[str]]
    words: tuple[str, ...] = ()

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection) -> "Completer":
        """Return the completer for what a connection shows."""
        tables = con.execute(
            "select schema_name || '.' || table_name as name,"
            " list(column_name order by column_index) from duckdb_columns()"
            " where schema_name <> 'main' and not internal group by name order by name"
        ).fetchall()
        return cls(dict(tables), tuple(word for (word,) in con.execute(KEYWORDS).fetchall()))

    def suggestions(self, text: str, word: str) -> list[tuple[str, str]]:
        """Return what `word` may become in the SQL `text`, each with its kind, best first.

        Columns are those of the tables that the text names; before it names one, no column.
        """
        prefix, dot, _ = word.rpartition(".")
        named = [name for name in self.tables if re.search(rf"\b{re.escape(name)}\b", text)]
        columns = list(dict.fromkeys(column for name in named for column in self.tables[name]))
        schemas = sorted({name.partition(".")[0] for name in self.tables})
        if dot and prefix in schemas:
            found = [(name, "table") for name in self.tables]
        elif dot:
            found = [(f"{prefix}.{column}", "column") for column in columns]
        else:
            found = [(column, "column") for column in columns]
            found += [(f"{schema}.", "schema") for schema in schemas]
            found += [(name, "table") for name in self.tables]
            found += [(keyword, "keyword") for keyword in self.words]
        return [(text, kind) for text, kind in found if text.startswith(word) and text != word]


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
