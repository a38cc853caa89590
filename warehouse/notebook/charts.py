"""%%chart: the result of a query as a chart."""

from typing import TYPE_CHECKING, Any

from warehouse.notebook.connection import NotebookError

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("line", "bar", "area", "scatter", "hist")


def draw(frame: "pd.DataFrame", kind: str = "line") -> Any:
    """Return a frame as an Altair chart: the first column is x, every other a series.

    A histogram takes the first column alone.

    Raises:
        UserError: there is no such kind of chart, or nothing to draw.
    """
    import altair as alt

    if kind not in KINDS:
        raise NotebookError(f"%%chart draws {', '.join(KINDS)}; found {kind!r}")
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
