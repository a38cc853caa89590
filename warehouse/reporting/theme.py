"""The one look of report, deck and notebooks: colours, letters, and how a chart becomes a picture.

A chart names its colours in their light form. On a page a rule of CSS a colour (`page_colors`)
exchanges them where the reader prefers dark.
"""

from typing import Any

import altair as alt
import vl_convert

# role: colour on a light page, on a dark one
PALETTE = {
    "ink": ("#16222e", "#e6ebf0"),
    "muted": ("#5d6b78", "#9fadb9"),
    "faint": ("#a9b4be", "#66737f"),
    "faint-soft": ("#d3d9de", "#3a4550"),
    "line": ("#dde3e8", "#2c3843"),
    "panel": ("#f3f5f7", "#1b242d"),
    "paper": ("#ffffff", "#131a21"),
    "accent": ("#1f5a8c", "#6aaee0"),
    "good": ("#1e7a5a", "#4dbb92"),
    "good-soft": ("#cde3d9", "#21473b"),
    "warn": ("#c98a12", "#e3b04b"),
    "warn-ink": ("#8a5c00", "#e3b04b"),
    "bad": ("#b9362b", "#ef7d70"),
    "bronze": ("#a8642f", "#cf8d57"),
    "bronze-ink": ("#95531f", "#cf8d57"),
    "silver": ("#7c8b99", "#a3b1bd"),
    "silver-ink": ("#5b6a78", "#a3b1bd"),
    "gold": ("#c9a227", "#e0bf52"),
    "gold-ink": ("#7b6210", "#e0bf52"),
    "violet": ("#736391", "#a99bcb"),
    "teal": ("#1b8a7f", "#45bdb0"),
    "teal-ink": ("#12746b", "#45bdb0"),
    "rust": ("#b0603c", "#dd9068"),
    "rust-ink": ("#9c4f2d", "#dd9068"),
}
COLORS = {role: light for role, (light, _) in PALETTE.items()}
# Colours for groups and series, in the order in which they are given out.
SERIES = ("rust", "violet", "teal", "accent", "good", "muted", "warn", "gold")
SANS = (
    "'Source Sans 3','Source Sans Pro',system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Helvetica Neue',Arial,sans-serif"
)
JUPYTERLAB_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
VEGALITE_VERSION = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])


def series_colors(names: list[str]) -> dict[str, str]:
    """Give each name a colour of its own; the same names in the same order get the same ones."""
    return {name: COLORS[SERIES[place % len(SERIES)]] for place, name in enumerate(names)}


def styled(
    chart: Any,
    width: int | str | None = 640,
    height: int | alt.Step | None = None,
    font_size: float = 12,
    font: str = SANS,
) -> Any:
    """Return the chart in the house style.

    width: in pixels, "container" to fill the page, None for charts side by side; height: in pixels
    or a step per row; font_size: in pixels, of axes, legends and labels.
    """
    size = {name: value for name, value in {"width": width, "height": height}.items() if value}
    return chart.properties(**size).configure(
        font=font,
        background=COLORS["paper"],
        padding={"left": 2, "right": 4, "top": 4, "bottom": 4},
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            labelFontSize=font_size,
            titleFontSize=font_size,
            titleFontWeight="normal",
            labelColor=COLORS["muted"],
            titleColor=COLORS["muted"],
            gridColor=COLORS["line"],
            domain=False,
            ticks=False,
            labelPadding=6,
        ),
        axisY=alt.AxisConfig(labelLimit=round(17 * font_size)),
        legend=alt.LegendConfig(
            orient="top",
            title=None,
            labelFontSize=font_size,
            labelColor=COLORS["ink"],
            symbolType="square",
            symbolStrokeWidth=0,
            labelLimit=500,
            offset=8,
            columns=6,
        ),
        text=alt.MarkConfig(fontSize=font_size, color=COLORS["ink"]),
        line=alt.LineConfig(strokeWidth=1.6),
        bar=alt.BarConfig(cornerRadiusEnd=1),
    )


def svg(chart: Any) -> str:
    """Draw a chart as SVG, without a browser or the network."""
    return vl_convert.vegalite_to_svg(chart.to_dict(), vl_version=VEGALITE_VERSION)


def page_colors() -> str:
    """Return CSS: each colour as --role, light or dark as the reader prefers, in charts too."""
    light, dark = (
        "".join(f"--{role}:{pair[which]};" for role, pair in PALETTE.items()) for which in (0, 1)
    )
    charts = "".join(
        f'figure svg [{part}="{old}"]{{{part}:{new}}}'
        for old, new in PALETTE.values()
        for part in ("fill", "stroke")
    )
    return f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}{charts}}}"


def enable_in_notebooks() -> None:
    """Let notebooks show charts offline: interactive in JupyterLab, as a picture anywhere else.

    JupyterLab draws Vega-Lite by itself, up to version 5; the charts of this package mean the
    same in both versions.
    """

    def bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
        # the label of every mark would double the size of a saved notebook
        small = spec | {"config": spec.get("config", {}) | {"aria": False}}
        return {
            "application/vnd.vegalite.v5+json": spec | {"$schema": JUPYTERLAB_SCHEMA},
            "image/svg+xml": vl_convert.vegalite_to_svg(small, vl_version=VEGALITE_VERSION),
            "text/plain": spec.get("description", "a chart"),
        }

    alt.renderers.register("warehouse", bundle)
    alt.renderers.enable("warehouse")
