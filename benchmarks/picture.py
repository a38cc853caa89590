"""The benchmarks as a chart: the join with its peers, and growth with the sizing model."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from benchmarks.results import Part
from warehouse.reporting.charts.base import data
from warehouse.reporting.theme import COLORS, SERIES, styled, svg_for_readers

TITLES = {
    "joins": "Point-in-time join: CPU seconds",
    "growth": "A first run: CPU seconds",
}


def picture(parts: Sequence[Part]) -> str:
    """Return an SVG of the series of the parts `joins` and `growth`, as far as they are there."""
    by_name = {part.name: part for part in parts if part.series}
    panels = [_panel(TITLES[name], by_name[name].series) for name in TITLES if name in by_name]
    chart = alt.hconcat(
        *panels,
        spacing=40,
        description="CPU seconds by the size of the data, both axes logarithmic",
    ).resolve_scale(color="independent")
    return svg_for_readers(styled(chart, width=None))


def _panel(title: str, series: dict[str, list[tuple[float, float]]]) -> Any:
    """Draw one line a series over sizes in real sets; both axes are logarithmic."""
    rows = [
        {"name": _with_seconds(name, line), "size": size, "seconds": seconds, "own": place == 0}
        for place, (name, line) in enumerate(series.items())
        for size, seconds in line
    ]
    names = list(dict.fromkeys(row["name"] for row in rows))
    others = [role for role in SERIES if role != "accent"]
    colors = [COLORS["accent"]] + [COLORS[others[place % 7]] for place in range(len(names) - 1)]
    sizes = sorted({row["size"] for row in rows})
    base = alt.Chart(data(rows), title=alt.Title(title, anchor="start", fontSize=13)).encode(
        x=alt.X(
            "size:Q",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(title=None, values=sizes, labelExpr="'x' + datum.value", grid=False),
        ),
        y=alt.Y("seconds:Q", scale=alt.Scale(type="log"), axis=alt.Axis(title=None, format="~g")),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=names, range=colors),
            legend=alt.Legend(orient="bottom", columns=2),
        ),
        strokeWidth=alt.condition("datum.own", alt.value(2.6), alt.value(1.3)),
    )
    return alt.layer(base.mark_line(), base.mark_point(filled=True, size=28)).properties(
        width=320, height=240
    )


def _with_seconds(name: str, line: list[tuple[float, float]]) -> str:
    last = line[-1][1]
    return f"{name}, {last:,.0f} s" if last >= 100 else f"{name}, {last:.3g} s"
