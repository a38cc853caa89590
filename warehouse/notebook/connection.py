"""One line in a notebook: `from warehouse.notebook.connection import connect; con = connect()`.

The connection shows the published run as bronze.*, silver.* and gold.*, in memory and for reading.
It resolves the link to the run once, so a run that publishes meanwhile neither breaks it nor mixes
two runs; connect() again to see the newest. In Jupyter it brings SQL cells as well:

    %%sql         a cell of SQL, its result a data frame; `df = %sql select ...` on one line
    %%chart line  a cell of SQL drawn: line, bar, area, scatter or hist; the first column is x
    %sqlplot      JupySQL's histogram, box plot and pie of a table
    Tab           completes schemas, tables and columns in SQL cells

The pictures of report and deck are functions of `warehouse.reporting.figures` over `warehouse.reporting.queries`: one
that ends a cell is shown.
"""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.base.catalog import LAYERS, attach
from warehouse.base.errors import UserError
from warehouse.base.paths import DATAMART_DIR
from warehouse.datamart.runs import Datamart
from warehouse.features.macros import create_macros
from warehouse.transform.compiled import COMPILED_FILE
from warehouse.transform.runner import DESCRIPTIONS_FILE

if TYPE_CHECKING:
    import pandas as pd
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.display import Image
    from matplotlib.axes import Axes

CHARTS = ("line", "bar", "area", "scatter", "hist")
CHART_DPI = 100


class NotebookError(UserError):
    """A UserError that a notebook shows as its one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"error: {self}"]


def connect(datamart_dir: Path | str | None = None) -> duckdb.DuckDBPyConnection:
    """A connection to the published run of a datamart, by default the project's own.

    It shows bronze.*, silver.*, gold.*, and features_as_of(date): the scoring set of a day.

    The environment variable WAREHOUSE_DATAMART_DIR names another default.

    Raises:
        UserError: nothing is published there yet.
    """
    root = Path(datamart_dir or os.environ.get("WAREHOUSE_DATAMART_DIR") or DATAMART_DIR)
    run_dir = Datamart(root.absolute()).current_run()
    if run_dir is None:
        raise NotebookError(f"no datamart in {root} yet: run `python main.py` first")
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    attach(con, run_dir)
    if (run_dir / COMPILED_FILE).exists():
        create_macros(con, run_dir)
    _describe(con, run_dir / DESCRIPTIONS_FILE)
    shell = _notebook_shell()
    if shell is not None:
        _offer_sql_cells(shell, con)
    return con


def tables(con: duckdb.DuckDBPyConnection) -> "pd.DataFrame":
    """What there is: every table of the three layers with its rows, columns and description."""
    import pandas as pd

    told = dict(
        con.execute(
            "select schema_name || '.' || view_name, comment from duckdb_views()"
        ).fetchall()
    )
    return pd.DataFrame(
        [
            {
                "table": name,
                "rows": con.execute(f"select count(*) from {_identifier(name)}").fetchone()[0],
                "columns": len(columns),
                "description": (told.get(name) or "").strip().split("\n")[0],
            }
            for name, columns in _tables(con).items()
        ]
    ).set_index("table")


def _identifier(name: str) -> str:
    schema, _, table = name.partition(".")
    return f'{schema}."{table}"'


def _describe(con: duckdb.DuckDBPyConnection, descriptions: Path) -> None:
    """Show dbt's descriptions as comments on tables and columns, where the run holds them."""
    if not descriptions.is_file():
        return
    tables = _tables(con)
    for name, told in json.loads(descriptions.read_text()).items():
        if name not in tables:
            continue
        view = _identifier(name)
        con.execute(f"comment on view {view} is {_quoted(told.get('description'))}")
        for column, text in told.get("columns", {}).items():
            if text and column in tables[name]:
                con.execute(f'comment on column {view}."{column}" is {_quoted(text)}')


def _quoted(text: str | None) -> str:
    return "'" + (text or "").replace("'", "''") + "'"


def _tables(con: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of each table of the layers, by its full name."""
    rows = con.execute(
        "select schema_name || '.' || table_name, list(column_name order by column_index)"
        " from duckdb_columns() where list_contains($1, schema_name)"
        " group by schema_name, table_name order by list_position($1, schema_name), table_name",
        [list(LAYERS)],
    ).fetchall()
    return dict(rows)


# SQL cells


def _notebook_shell() -> "InteractiveShell | None":
    """The running IPython, None outside of one. It is not imported for the question."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _offer_sql_cells(shell: "InteractiveShell", con: duckdb.DuckDBPyConnection) -> None:
    """Bring %sql, %%sql, %%chart and completion to the notebook, all over this connection."""
    from IPython.display import Image
    from IPython.utils.capture import capture_output

    shell.enable_matplotlib("inline")
    with _pyspark_hidden(), capture_output():  # JupySQL asks for packages that are not needed.
        shell.run_line_magic("load_ext", "sql")
        from sql.connection import ConnectionManager

    import pandas as pd

    pd.set_option("display.max_colwidth", 150)
    for setting in ("autopandas = True", "feedback = 0", "displaycon = False", "autolimit = 0"):
        shell.run_line_magic("config", f"SqlMagic.{setting}")
    ConnectionManager.set(con, displaycon=False, alias="datamart")

    def chart(line: str, cell: str) -> "Image":
        """%%chart [line|bar|area|scatter|hist]: run the SQL below and draw its result."""
        from matplotlib import pyplot

        axes = draw(con, cell, line.strip() or "line")
        with BytesIO() as png:
            axes.figure.savefig(png, dpi=CHART_DPI)
            pyplot.close(axes.figure)
            return Image(png.getvalue(), alt=axes.get_label())

    shell.register_magic_function(chart, "cell", "chart")
    completer = SqlCompleter(_tables(con))
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if not hasattr(m, "is_sql_matcher")]
    matchers.append(completer.matcher())


@contextlib.contextmanager
def _pyspark_hidden() -> Iterator[None]:
    """While JupySQL loads: beside a PySpark without the extras of Spark Connect it fails to."""
    names = [name for name in sys.modules if name.partition(".")[0] == "pyspark"]
    loaded = {name: sys.modules.pop(name) for name in names}
    sys.modules["pyspark"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pyspark"]
        sys.modules.update(loaded)


def draw(con: duckdb.DuckDBPyConnection, sql: str, kind: str = "line") -> "Axes":
    """Draw what a query returns: its first column is x, every other a series.

    It is pandas' own plot in the colours of `figures`; the axes' label says in words what it is.

    Raises:
        UserError: there is no such kind of chart, or nothing to draw.
    """
    if kind not in CHARTS:
        raise NotebookError(f"%%chart knows {', '.join(CHARTS)}; found {kind!r}")
    frame = con.execute(sql).df()
    if frame.empty:
        raise NotebookError("the query returns no row: nothing to draw")
    from matplotlib import pyplot

    x, series = frame.columns[0], list(frame.columns[1:])
    with pyplot.rc_context(_house_style()):
        if kind == "hist":
            axes = frame.plot.hist(bins=30, alpha=0.8)
        elif kind == "scatter":
            axes = frame.plot(x=x, y=series, style="o", alpha=0.7)
        else:
            has_names = kind == "bar" and frame[x].map(lambda name: len(str(name))).max() > 12
            if kind == "bar" and hasattr(frame[x].iloc[0], "strftime"):
                frame[x], has_names = frame[x].map("{:%Y-%m-%d}".format), False
            kind = "barh" if has_names else kind
            turn = 60 if kind == "bar" and len(frame) > 8 else 0
            axes = frame.plot(kind=kind, x=x, y=series, legend=len(series) > 1, rot=turn)
            if has_names:
                axes.invert_yaxis()
            if kind.startswith("bar"):
                axes.grid(visible=False, axis="y" if has_names else "x")
    if kind != "hist" and len(series) == 1:
        (axes.set_xlabel if kind == "barh" else axes.set_ylabel)(series[0])
    axes.set_label(f"{kind} chart: {', '.join(map(str, series)) or x} by {x}")
    return axes


def _house_style() -> dict[str, Any]:
    """Settings of matplotlib that look like `figures`."""
    from cycler import cycler

    from warehouse.reporting.drawing import COLORS

    series = ("accent", "loan_history", "clickstream", "attributes", "muted")
    return {
        "axes.prop_cycle": cycler(color=[COLORS[role] for role in series]),
        "axes.edgecolor": COLORS["faint"],
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.figsize": (7.0, 3.6),
        "figure.constrained_layout.use": True,
        "grid.color": COLORS["line"],
        "legend.frameon": False,
        "text.color": COLORS["ink"],
        "axes.labelcolor": COLORS["muted"],
        "xtick.color": COLORS["muted"],
        "ytick.color": COLORS["muted"],
        "font.size": 9,
    }


# Completion

KEYWORDS = """
select from where group by order limit join left inner asof on using with as distinct count sum
avg min max median case when then else end and or not null is between like describe summarize
filter having qualify over partition union all
"""


@dataclass(frozen=True)
class SqlCompleter:
    """Schemas, tables and columns for the word before the cursor of a SQL cell."""

    tables: dict[str, list[str]]

    def suggestions(self, text: str, word: str) -> list[tuple[str, str]]:
        """What `word` may become in the SQL `text`, each with its kind, best first.

        Columns are those of the tables that the text names; before it names one, no column.
        """
        prefix, dot, _ = word.rpartition(".")
        named = [name for name in self.tables if re.search(rf"\b{re.escape(name)}\b", text)]
        columns = list(dict.fromkeys(c for name in named for c in self.tables[name]))
        schemas = sorted({name.partition(".")[0] for name in self.tables})
        if dot and prefix in schemas:
            found = [(name, "table") for name in self.tables]
        elif dot:
            found = [(f"{prefix}.{column}", "column") for column in columns]
        else:
            found = [(column, "column") for column in columns]
            found += [(f"{schema}.", "schema") for schema in schemas]
            found += [(name, "table") for name in self.tables]
            found += [(keyword, "keyword") for keyword in KEYWORDS.split()]
        return [(text, kind) for text, kind in found if text.startswith(word) and text != word]

    def matcher(self) -> Any:
        """This completer in the form that IPython asks for."""
        from IPython.core.completer import SimpleCompletion, context_matcher

        @context_matcher()
        def sql_matcher(context: Any) -> dict[str, Any]:
            if not is_sql(context.full_text, context.cursor_line):
                return {"completions": []}
            word = re.search(r"[\w.]*$", context.text_until_cursor)[0]
            found = self.suggestions(context.full_text, word)
            return {
                "completions": [SimpleCompletion(text=text, type=kind) for text, kind in found],
                "matched_fragment": word,
                "ordered": True,
                "suppress": True,
            }

        sql_matcher.is_sql_matcher = True
        return sql_matcher


def is_sql(cell: str, line_number: int) -> bool:
    """Whether a line of a cell is SQL: in a %%sql or %%chart cell, or after %sql."""
    if re.match(r"\s*%%(sql|chart)\b", cell):
        return line_number > 0 or "%%sql" in cell.split("\n", 1)[0]
    lines = cell.split("\n")
    return line_number < len(lines) and "%sql " in lines[line_number]
