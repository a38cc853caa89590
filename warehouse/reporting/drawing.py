"""What the pictures of `figures` are made of: colours and themes, the SVG canvas, the axes.

A theme says how a colour is written: on a page as a CSS variable, so that light and dark follow
the reader, in print and in a notebook as a hex value.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any
from urllib.parse import quote

COLORS = {
    "ink": "#16222e",
    "muted": "#5d6b78",
    "faint": "#a9b4be",
    "line": "#dde3e8",
    "panel": "#f3f5f7",
    "paper": "#ffffff",
    "accent": "#1f5a8c",
    "good": "#1e7a5a",
    "warn": "#c98a12",
    "warn-ink": "#8a5c00",
    "bad": "#b9362b",
    "bronze": "#a8642f",
    "bronze-ink": "#95531f",
    "silver": "#7c8b99",
    "silver-ink": "#5b6a78",
    "gold": "#c9a227",
    "gold-ink": "#7b6210",
    "attributes": "#736391",
    "financials": "#1f5a8c",
    "clickstream": "#1b8a7f",
    "clickstream-ink": "#12746b",
    "loan_history": "#b0603c",
    "loan_history-ink": "#9c4f2d",
}
DARK_COLORS = COLORS | {
    "ink": "#e6ebf0",
    "muted": "#9fadb9",
    "faint": "#66737f",
    "line": "#2c3843",
    "panel": "#1b242d",
    "paper": "#131a21",
    "accent": "#6aaee0",
    "good": "#4dbb92",
    "warn": "#e3b04b",
    "warn-ink": "#e3b04b",
    "bad": "#ef7d70",
    "bronze": "#cf8d57",
    "bronze-ink": "#cf8d57",
    "silver": "#a3b1bd",
    "silver-ink": "#a3b1bd",
    "gold": "#e0bf52",
    "gold-ink": "#e0bf52",
    "attributes": "#a99bcb",
    "financials": "#6aaee0",
    "clickstream": "#45bdb0",
    "clickstream-ink": "#45bdb0",
    "loan_history": "#dd9068",
    "loan_history-ink": "#dd9068",
}
# Letters need more contrast than areas do.
INKS = {role.removesuffix("-ink"): role for role in COLORS if role.endswith("-ink")} | {
    "faint": "muted"
}
SANS = (
    "'Source Sans 3','Source Sans Pro',system-ui,-apple-system,'Segoe UI',Roboto,"
    "'Helvetica Neue',Arial,sans-serif"
)


@dataclass(frozen=True)
class Theme:
    """How colours and letters are written.

    letter: how wide its letters are, against the widest of the usual sans-serifs; margin: paper
    around a picture that brings its own; has_tips: parts tell more when pointed at.
    """

    is_css: bool
    font: str
    letter: float = 1
    margin: float = 0
    has_tips: bool = False

    def color(self, role: str) -> str:
        """A role's colour as it stands in a style attribute."""
        return f"var(--{role})" if self.is_css else COLORS[role]


WEB = Theme(is_css=True, font="inherit", has_tips=True)
PHONE = Theme(is_css=True, font="inherit")
PRINT = Theme(is_css=False, font="Source Sans Pro", letter=0.84)
NOTEBOOK = Theme(is_css=False, font=SANS, margin=12)


class Picture(str):
    """An SVG; as the last line of a notebook's cell it is shown, with its label for the blind."""

    label: str

    def __new__(cls, svg: str, label: str) -> "Picture":
        """The SVG's source, and in words what it shows."""
        picture = super().__new__(cls, svg)
        picture.label = label
        return picture

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        # An img, because notebooks that were not run here show no SVG of their own.
        source = quote(self, safe=" /:;=,.()'")
        return {"text/html": f'<img alt="{escape(self.label)}" src="data:image/svg+xml,{source}">'}

    def __repr__(self) -> str:
        return self.label


@dataclass
class Canvas:
    """An SVG in the making; 1 unit of it is 1 pt in print and about 1 px on a page."""

    width: float
    height: float
    theme: Theme
    size: float = 11
    parts: list[str] = field(default_factory=list)

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        opacity: float = 1,
        radius: float = 0,
        tip: str = "",
    ) -> None:
        """Add a rectangle; tip is shown when a page's reader points at it. Opacity 0: its edge."""
        style, edge = f"fill:{self.theme.color(fill)}", 0.0
        if not opacity:
            style, edge = f"fill:none;stroke:{self.theme.color(fill)};stroke-width:1.6", 0.8
        self._add(
            f'<rect x="{x + edge:.1f}" y="{y + edge:.1f}" width="{max(width - 2 * edge, 0):.1f}"'
            f' height="{max(height - 2 * edge, 0):.1f}"'
            + (f' rx="{radius}"' if radius else "")
            + f' style="{style}"{_opacity(opacity or 1)}',
            "rect",
            tip,
        )

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        stroke: str = "line",
        width: float = 1,
        dashes: str = "",
    ) -> None:
        """Add a line."""
        self._add(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
            f' style="stroke:{self.theme.color(stroke)};stroke-width:{width}"'
            + (f' stroke-dasharray="{dashes}"' if dashes else ""),
            "line",
        )

    def path(
        self,
        d: str,
        fill: str = "",
        stroke: str = "",
        width: float = 1.5,
        opacity: float = 1,
    ) -> None:
        """Add a path."""
        style = f"fill:{self.theme.color(fill) if fill else 'none'}"
        if stroke:
            style += (
                f";stroke:{self.theme.color(stroke)};stroke-width:{width};stroke-linejoin:round"
            )
        self._add(f'<path d="{d}" style="{style}"{_opacity(opacity)}', "path")

    def circle(
        self, x: float, y: float, radius: float, fill: str, stroke: str = "", tip: str = ""
    ) -> None:
        """Add a circle."""
        style = f"fill:{self.theme.color(fill)}"
        if stroke:
            style += f";stroke:{self.theme.color(stroke)};stroke-width:1.4"
        self._add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" style="{style}"', "circle", tip)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        fill: str = "ink",
        anchor: str = "start",
        size: float = 0,
        weight: int = 400,
    ) -> None:
        """Add a line of text; y is its baseline."""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
            f' font-size="{size or self.size:g}" font-weight="{weight}"'
            f' style="fill:{self.theme.color(INKS.get(fill, fill))}">{escape(text)}</text>'
        )

    def text_width(self, text: str, size: float = 0) -> float:
        """About how wide a text is here."""
        return text_width(text, size or self.size) * self.theme.letter

    def widest(self, texts: Sequence[str], size: float = 0) -> float:
        """The width of the widest text, 0 of none."""
        return max((self.text_width(text, size) for text in texts), default=0)

    def legend(self, left: float, entries: Sequence[tuple[str, float, str]]) -> float:
        """Say at the top what colours mean: role, opacity, words; returns where it ends."""
        size, x, y = self.size, left, self.size
        for role, opacity, words in entries:
            wide = self.text_width(words) + size * 1.15
            if x > left and x + wide > self.width:
                x, y = left, y + size * 1.5
            self.rect(x, y - size * 0.75, size * 0.8, size * 0.8, role, opacity, radius=2)
            self.text(x + size * 1.15, y, words)
            x += wide + size * 1.2
        return y + size * 0.9

    def picture(self, label: str) -> Picture:
        """The picture; label says in words what it shows."""
        margin = self.theme.margin
        width, height = self.width + 2 * margin, self.height + 2 * margin
        paper = (
            f'<rect x="{-margin:g}" y="{-margin:g}" width="{width:g}" height="{height:g}"'
            f' style="fill:{self.theme.color("paper")}"/>'
            if margin
            else ""
        )
        return Picture(
            f'<svg xmlns="http://www.w3.org/2000/svg"'
            f' viewBox="{-margin:g} {-margin:g} {width:g} {height:g}"'
            f' width="{width:g}" height="{height:g}" role="img"'
            f' aria-label="{escape(label)}" font-family="{self.theme.font}">'
            f"{paper}{''.join(self.parts)}</svg>",
            label,
        )

    def _add(self, opening: str, tag: str, tip: str = "") -> None:
        if tip and self.theme.has_tips:
            self.parts.append(f"{opening}><title>{escape(tip)}</title></{tag}>")
        else:
            self.parts.append(f"{opening}/>")


def _opacity(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{opacity:g}"'


def text_width(text: str, size: float) -> float:
    """About how wide a text is in the widest of the usual sans-serifs."""
    return size * sum(
        0.3 if c in " .,:;'il|!()" else 0.68 if c in "mwMW%@_" or c.isupper() else 0.6 for c in text
    )


def month(day: date, is_long: bool = False) -> str:
    """2024-07-01 as Jul 24."""
    return f"{day:%B %Y}" if is_long else f"{day:%b %y}"


def compact(value: float) -> str:
    """A number in few characters: 12,500; 215 k; 27.1 m."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f}".removesuffix(".0") + " m"
    if abs(value) >= 1e5:
        return f"{value / 1e3:,.0f} k"
    return f"{value:,.0f}"


# --- axes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """Where a value stands on a straight axis: low at start, high at end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Units of the canvas."""
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self, most: int = 6) -> list[float]:
        """Round values along the axis, at most so many steps."""
        span = self.high - self.low
        unit = 10 ** math.floor(math.log10(span))
        steps = (unit * factor for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10))
        step = next(step for step in steps if span / step <= most + 1e-9)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [step * number for number in range(first, last + 1)]

    def grid_up(
        self, canvas: Canvas, left: float, right: float, text: Callable[[float], str], most: int = 6
    ) -> None:
        """Lines across from left to right, each with its value at its left end."""
        for tick in self.ticks(most):
            canvas.line(left, self(tick), right, self(tick))
            canvas.text(left - 6, self(tick) + canvas.size * 0.35, text(tick), "muted", "end")

    def grid_across(
        self, canvas: Canvas, top: float, bottom: float, text: Callable[[float], str]
    ) -> None:
        """Lines up from bottom to top, as many as there is room for, each with its value below."""
        room = abs(self.end - self.start) / (2 * text_width(text(self.high), canvas.size))
        for tick in self.ticks(max(1, min(6, int(room)))):
            canvas.line(self(tick), top, self(tick), bottom)
            place = inside(self(tick), text(tick), canvas.size, canvas.width)
            canvas.text(place[0], bottom + canvas.size * 1.35, text(tick), "muted", place[1])


def inside(x: float, text: str, size: float, width: float) -> tuple[float, str]:
    """Where a text that should have its middle at x begins or ends, so that it is not cut."""
    half = text_width(text, size) / 2
    if x + half > width:
        return width, "end"
    return (0.0, "start") if x - half < 0 else (x, "middle")


def percents(value: float) -> str:
    """0.2 as 20%."""
    return f"{value:.0%}"


@dataclass
class Months:
    """The horizontal axis that the pictures by month of application share."""

    months: list[date]
    x: float
    width: float

    @property
    def step(self) -> float:
        """Width of one month."""
        return self.width / max(len(self.months), 1)

    def left(self, day: date) -> float:
        """Where a month begins."""
        return self.x + self.months.index(day) * self.step

    def middle(self, day: date) -> float:
        """The middle of a month."""
        return self.left(day) + self.step / 2

    def label(self, canvas: Canvas, y: float) -> None:
        """Write as many months as fit, the first always."""
        size = canvas.size * 0.92
        for day in self.months[:: _every(canvas.size, self.step)]:
            x, anchor = inside(self.middle(day), month(day), size, canvas.width)
            canvas.text(x, y, month(day), "muted", anchor, size=size)


@dataclass(frozen=True)
class Days:
    """A horizontal axis on which every day has its place."""

    first: date
    last: date
    x: float
    width: float

    def __call__(self, day: date) -> float:
        """Where a day stands."""
        return self.x + self.width * (day - self.first).days / max((self.last - self.first).days, 1)

    def label(self, canvas: Canvas, y: float) -> None:
        """Write as many first days of a month as fit."""
        ahead = self.first.day > 1
        months = [
            date(self.first.year + place // 12, place % 12 + 1, 1)
            for place in range(
                self.first.month - 1 + ahead,
                12 * (self.last.year - self.first.year) + self.last.month,
            )
        ]
        step = self.width / max(len(months), 1)
        for day in months[:: _every(canvas.size, step)]:
            x, anchor = inside(self(day), month(day), canvas.size * 0.92, canvas.width)
            canvas.text(x, y, month(day), "muted", anchor, size=canvas.size * 0.92)


def _every(size: float, step: float) -> int:
    """Every which month is written where months are step apart."""
    fitting = math.ceil(text_width("Mmm 00", size) * 1.35 / step)
    return next((n for n in (1, 2, 3, 6, 12) if n >= fitting), 24)


def polygon(points: Sequence[tuple[float, float]]) -> str:
    """A path through points."""
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
