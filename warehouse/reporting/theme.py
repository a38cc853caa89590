"""The one look of report, deck and notebooks: colours, letters, and how a chart becomes a picture.

A chart names its colours in their light form. On a page and in the SVG of a README a rule of CSS a
colour (`dark_rules`) exchanges them where the reader prefers dark.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import vl_convert

COLORS = {
    "ink": "#16222e",
    "muted": "#5d6b78",
    "faint": "#a9b4be",
    "faint-soft": "#d3d9de",
    "line": "#dde3e8",
    "panel": "#f3f5f7",
    "paper": "#ffffff",
    "accent": "#1f5a8c",
    "good": "#1e7a5a",
    "good-soft": "#cde3d9",
    "warn": "#c98a12",
    "warn-ink": "#8a5c00",
    "bad": "#b9362b",
    "bronze": "#a8642f",
    "bronze-ink": "#95531f",
    "silver": "#7c8b99",
    "silver-ink": "#5b6a78",
    "gold": "#c9a227",
    "gold-ink": "#7b6210",
    "violet": "#736391",
    "teal": "#1b8a7f",
    "teal-ink": "#12746b",
    "rust": "#b0603c",
    "rust-ink": "#9c4f2d",
}
DARK_COLORS = {
    "ink": "#e6ebf0",
    "muted": "#9fadb9",
    "faint": "#66737f",
    "faint-soft": "#3a4550",
    "line": "#2c3843",
    "panel": "#1b242d",
    "paper": "#131a21",
    "accent": "#6aaee0",
    "good": "#4dbb92",
    "good-soft": "#21473b",
    "warn": "#e3b04b",
    "warn-ink": "#e3b04b",
    "bad": "#ef7d70",
    "bronze": "#cf8d57",
    "bronze-ink": "#cf8d57",
    "silver": "#a3b1bd",
    "silver-ink": "#a3b1bd",
    "gold": "#e0bf52",
    "gold-ink": "#e0bf52",
    "violet": "#a99bcb",
    "teal": "#45bdb0",
    "teal-ink": "#45bdb0",
    "rust": "#dd9068",
    "rust-ink": "#dd9068",
}
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
    axis: dict[str, Any] = {
        "labelFontSize": font_size,
        "titleFontSize": font_size,
        "titleFontWeight": "normal",
    }
    return chart.properties(**size).configure(
        font=font,
        background=COLORS["paper"],
        padding={"left": 2, "right": 4, "top": 4, "bottom": 4},
        view=alt.ViewConfig(stroke=None),
        axis=alt.AxisConfig(
            **axis,
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


def svg_for_readers(chart: Any) -> str:
    """Draw a chart as an SVG that follows the reader's choice of light or dark."""
    start, rest = svg(chart).split(">", 1)
    return f"{start}><style>{dark_rules()}</style>{rest}"


def page_script() -> str:
    """Return the script that draws Vega-Lite charts in a page, with all that it needs."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGALITE_VERSION)


def dark_rules(scope: str = "") -> str:
    """Return CSS that exchanges each colour of a chart below `scope` where dark is preferred."""
    rules = "".join(
        f'{scope} [{part}="{light}"]{{{part}:{DARK_COLORS[role]}}}'
        for light, role in _roles().items()
        for part in ("fill", "stroke")
    )
    return f"@media(prefers-color-scheme:dark){{{rules}}}"


def css_variables(colors: Mapping[str, str]) -> str:
    """Return the colours as CSS declarations, --name:value;."""
    return "".join(f"--{name}:{value};" for name, value in colors.items())


def _roles() -> dict[str, str]:
    return {value: role for role, value in COLORS.items()}


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
