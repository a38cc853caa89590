"""%%chart: the result of a query as a chart."""

from typing import TYPE_CHECKING, Any

import duckdb

from warehouse.notebook.connection import NotebookError

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("line", "bar", "area", "scatter", "hist")
SIZE = {"width": 560, "height": 280}


def draw(con: duckdb.DuckDBPyConnection, sql: str, kind: str = "line") -> Any:
    """Return a query's result as an Altair chart: the first column is x, every other a series.

    A histogram takes the first column alone.

    Raises:
        UserError: there is no such kind of chart, or nothing to draw.
    """
    import altair as alt

    if kind not in KINDS:
        raise NotebookError(f"%%chart draws {', '.join(KINDS)}; found {kind!r}")
    frame = con.execute(sql).df()
    if frame.empty:
        raise NotebookError("the query returns no row: nothing to draw")
    alt.data_transformers.disable_max_rows()
    x, *series = (str(column) for column in frame.columns)
    chart = alt.Chart(_long(frame, x, series)).properties(
        **SIZE, description=f"{kind} chart: {', '.join(series) or 'count'} by {x}"
    )
    x_title = alt.X("x", title=x)
    if kind == "hist":
        return chart.mark_bar().encode(alt.X("x:Q", title=x).bin(maxbins=30), alt.Y("count()"))
    if kind == "bar":
        x_title = alt.X("x:N", title=x, sort=None)
    marks = {"line": chart.mark_line, "area": chart.mark_area, "scatter": chart.mark_circle}
    encoded = marks.get(kind, chart.mark_bar)().encode(
        x_title, alt.Y("value:Q", title=series[0] if len(series) == 1 else None)
    )
    if len(series) == 1:
        return encoded
    encoded = encoded.encode(alt.Color("series:N", sort=series, title=None))
    return encoded.encode(alt.XOffset("series:N", sort=series)) if kind == "bar" else encoded


def _long(frame: "pd.DataFrame", x: str, series: list[str]) -> "pd.DataFrame":
    """Return columns x, series, value: one row per row and series of the frame."""
    frame = frame.rename(columns={x: "x"})
    if not series:
        return frame
    return frame.melt("x", series, var_name="series", value_name="value")
