"""The pictures of report, deck and notebooks: SVG, drawn from the rows of `queries`.

One visual language: a colour means one thing everywhere (a layer, a feature group, or how bad
something is), rules are thin, figures stand beside what they count. A theme says how a colour is
written: on a page as a CSS variable, so that light and dark follow the reader, in print as a hex
value.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from html import escape
from typing import Any

Row = dict[str, Any]

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
    "bad": "#b9362b",
    "bronze": "#a8642f",
    "silver": "#7c8b99",
    "gold": "#c9a227",
    "attributes": "#7a6a9b",
    "financials": "#1f5a8c",
    "clickstream": "#1b8a7f",
    "loan_history": "#b0603c",
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
    "bad": "#ef7d70",
    "bronze": "#cf8d57",
    "silver": "#a3b1bd",
    "gold": "#e0bf52",
    "attributes": "#a99bcb",
    "financials": "#6aaee0",
    "clickstream": "#45bdb0",
    "loan_history": "#dd9068",
}
# What becomes of a row, and how loud that is.
FATE_COLORS = {
    "used": "silver",
    "landed": "bronze",
    "seen_before": "faint",
    "duplicate": "faint",
    "superseded": "accent",
    "outside_scope": "muted",
    "quarantined": "bad",
}
PSI_LIMITS = (0.1, 0.25)


@dataclass(frozen=True)
class Theme:
    """How colours and letters are written."""

    is_css: bool
    font: str

    def color(self, role: str) -> str:
        """A role's colour as it stands in a style attribute."""
        return f"var(--{role})" if self.is_css else COLORS[role]


WEB = Theme(is_css=True, font="inherit")
PRINT = Theme(is_css=False, font="Source Sans Pro")


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
        """Add a rectangle; tip is shown when a page's reader points at it."""
        self._add(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}"'
            f' height="{max(height, 0):.1f}"'
            + (f' rx="{radius}"' if radius else "")
            + f' style="fill:{self.theme.color(fill)}"{_opacity(opacity)}',
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
        tip: str = "",
    ) -> None:
        """Add a path."""
        style = f"fill:{self.theme.color(fill) if fill else 'none'}"
        if stroke:
            style += (
                f";stroke:{self.theme.color(stroke)};stroke-width:{width};stroke-linejoin:round"
            )
        self._add(f'<path d="{d}" style="{style}"{_opacity(opacity)}', "path", tip)

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
            f' style="fill:{self.theme.color(fill)}">{escape(text)}</text>'
        )

    def svg(self, label: str) -> str:
        """The picture; label says in words what it shows."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}"'
            f' width="{self.width:g}" height="{self.height:g}" role="img"'
            f' aria-label="{escape(label)}" font-family="{self.theme.font}">'
            f"{''.join(self.parts)}</svg>"
        )

    def _add(self, opening: str, tag: str, tip: str = "") -> None:
        if tip and self.theme.is_css:
            self.parts.append(f"{opening}><title>{escape(tip)}</title></{tag}>")
        else:
            self.parts.append(f"{opening}/>")


def _opacity(opacity: float) -> str:
    return "" if opacity == 1 else f' opacity="{opacity:g}"'


def text_width(text: str, size: float) -> float:
    """About how wide a text is in the widest of the usual sans-serifs."""
    return size * sum(
        0.3 if c in " .,:;'il|!()" else 0.68 if c in "mwMW%@_" else 0.57 for c in text
    )


def month(day: date, is_long: bool = False) -> str:
    """2024-07-01 as Jul 24."""
    return f"{day:%B %Y}" if is_long else f"{day:%b %y}"


def compact(value: float) -> str:
    """A number in few characters: 12,500; 215 k; 27.1 m."""
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.1f} m"
    if abs(value) >= 1e5:
        return f"{value / 1e3:,.0f} k"
    return f"{value:,.0f}"


# --- the ledger ---------------------------------------------------------------------------------

LAYER_NAMES = ("CSV file", "bronze", "silver", "gold")


def flow(
    ledger: Sequence[Row],
    gold: Sequence[tuple[str, str]],
    theme: Theme,
    width: float = 860,
    size: float = 12.5,
) -> str:
    """The way of the rows from the files to gold: one lane per source, a ribbon as wide as the
    rows it carries, and a loud strip for every row that left the way.

    gold: pairs of a figure and what it counts, shown in the last column.
    """
    sources = sorted({row["source"] for row in ledger})
    lanes = {source: [row for row in ledger if row["source"] == source] for source in sources}
    most = max((_read(rows) for rows in lanes.values()), default=1)
    thick = {source: max(5.0, 84 * _read(rows) / most) for source, rows in lanes.items()}
    left = {
        source: [row for row in rows if row["fate"] not in ("read", "landed", "used")]
        for source, rows in lanes.items()
    }
    line = size * 1.45
    heights = {
        source: thick[source] + 2 * line + line * len(left[source]) + 6 for source in sources
    }
    top = size * 2.6
    height = top + sum(heights.values()) + 4
    canvas = Canvas(width, height, theme, size)
    x_file, x_bronze, x_silver, x_gold = 0.0, width * 0.27, width * 0.54, width * 0.80
    bar = 9.0
    columns = (x_file, x_bronze, x_silver, x_gold)
    for x, name, role in zip(
        columns, LAYER_NAMES, ("muted", "bronze", "silver", "gold"), strict=True
    ):
        canvas.text(x, size * 1.1, name.upper(), role, size=size * 0.86, weight=700)
    gold_height = height - top - 4
    canvas.rect(x_gold, top, bar, gold_height, "gold", radius=2)
    y = top
    for source in sources:
        rows = lanes[source]
        read = _read(rows)
        landed = _sum(rows, "landed")
        used = _sum(rows, "used")
        t = thick[source]
        scale = t / read if read else 0
        t_bronze = max(landed * scale, 3.0) if landed else 0
        t_used = max(used * scale, 3.0) if used else 0
        y_lane = y + line * 1.1
        canvas.text(x_file, y_lane - size * 0.5, source, weight=600)
        canvas.text(x_bronze - size, y_lane - size * 0.5, f"{read:,}", "muted", anchor="end")
        canvas.rect(x_file, y_lane, bar, t, "muted", radius=2)
        canvas.path(
            _ribbon(x_file + bar, y_lane, t_bronze, x_bronze, y_lane),
            "bronze",
            opacity=0.28,
            tip=f"{source}: {landed:,} rows landed",
        )
        canvas.rect(x_bronze, y_lane, bar, t_bronze, "bronze", radius=2)
        canvas.text(x_bronze + bar + 4, y_lane - size * 0.5, f"{landed:,} landed")
        canvas.path(
            _ribbon(x_bronze + bar, y_lane, t_used, x_silver, y_lane),
            "silver",
            opacity=0.3,
            tip=f"{source}: {used:,} rows used",
        )
        canvas.rect(x_silver, y_lane, bar, t_used, "silver", radius=2)
        canvas.text(x_silver + bar + 4, y_lane - size * 0.5, f"{used:,} used")
        canvas.path(_ribbon(x_silver + bar, y_lane, t_used, x_gold, y_lane), "gold", opacity=0.26)
        y_note = y_lane + t + line
        for row in left[source]:
            at_bronze = row["fate"] == "seen_before"
            x = (x_file if at_bronze else x_bronze) + bar + 14
            role = FATE_COLORS[row["fate"]]
            canvas.path(
                f"M{x - 14:.1f},{y_lane + 2:.1f} C{x - 14:.1f},{y_note - 4:.1f}"
                f" {x - 14:.1f},{y_note - 4:.1f} {x - 3:.1f},{y_note - 4:.1f}",
                stroke=role,
                width=1.6,
            )
            canvas.text(x, y_note, f"{row['row_count']:,} {_fate_text(row)}", role)
            y_note += line
        y += heights[source]
    y_text = top + gold_height / 2 - (len(gold) * line * 2.1) / 2 + line
    for figure, what in gold:
        canvas.text(x_gold + bar + 10, y_text, figure, size=size * 1.35, weight=700)
        canvas.text(x_gold + bar + 10, y_text + line, what, "muted")
        y_text += line * 2.3
    return canvas.svg(
        "Rows from file to gold: "
        + "; ".join(
            f"{source}: {_read(lanes[source]):,} read, {_sum(lanes[source], 'used'):,} used"
            for source in sources
        )
    )


def _fate_text(row: Row) -> str:
    fate = row["fate"].replace("_", " ")
    reason = (row["reason"] or "").replace("_", " ")
    return (
        fate if row["fate"] in ("duplicate", "superseded", "seen_before") else f"{fate}: {reason}"
    )


def _read(rows: Sequence[Row]) -> int:
    return sum(row["row_count"] for row in rows if row["layer"] == "file")


def _sum(rows: Sequence[Row], fate: str) -> int:
    return sum(row["row_count"] for row in rows if row["fate"] == fate)


def _ribbon(
    x1: float, y1: float, height1: float, x2: float, y2: float, height2: float | None = None
) -> str:
    """A band from (x1, y1) to (x2, y2), as tall as height at each end."""
    height2 = height1 if height2 is None else height2
    middle = (x1 + x2) / 2
    return (
        f"M{x1:.1f},{y1:.1f} C{middle:.1f},{y1:.1f} {middle:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
        f" L{x2:.1f},{y2 + height2:.1f} C{middle:.1f},{y2 + height2:.1f}"
        f" {middle:.1f},{y1 + height1:.1f} {x1:.1f},{y1 + height1:.1f} Z"
    )


# --- by month of application --------------------------------------------------------------------


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
        every = max(1, math.ceil(text_width("Mmm 00", canvas.size) * 1.35 / self.step))
        every = next((n for n in (1, 2, 3, 6, 12, 24) if n >= every), every)
        for index, day in enumerate(self.months):
            if index % every:
                continue
            size = canvas.size * 0.92
            is_cut = self.middle(day) + text_width(month(day), size) / 2 > canvas.width
            x, anchor = (canvas.width, "end") if is_cut else (self.middle(day), "middle")
            canvas.text(x, y, month(day), "muted", anchor, size=size)


def cohort_rate(
    rows: Sequence[Row], theme: Theme, width: float = 860, height: float = 240, size: float = 12.5
) -> str:
    """Default rate by month of application with its 95% band, and the rate over all."""
    canvas = Canvas(width, height, theme, size)
    known = [row for row in rows if row["rate"] is not None]
    if not known:
        canvas.text(0, size * 2, "No label is known yet.", "muted")
        return canvas.svg("No label is known yet")
    overall = sum(row["defaults"] for row in known) / sum(row["labelled"] for row in known)
    top, bottom, left = size * 1.2, height - size * 2, size * 3.2
    highest = min(1.0, max(0.1, math.ceil(max(row["upper"] for row in known) * 10) / 10))
    axis = Months([row["cohort"] for row in rows], left, width - left - size * 4.2)

    def y(rate: float) -> float:
        return bottom - (bottom - top) * rate / highest

    for tick in range(round(highest * 10) + 1):
        if highest > 0.5 and tick % 2:
            continue
        canvas.line(left, y(tick / 10), width - size * 4.2, y(tick / 10))
        canvas.text(left - 6, y(tick / 10) + size * 0.35, f"{tick * 10}%", "muted", "end")
    band = [(axis.middle(row["cohort"]), y(row["upper"])) for row in known]
    band += [(axis.middle(row["cohort"]), y(row["lower"])) for row in reversed(known)]
    canvas.path(_polygon(band) + "Z", "accent", opacity=0.16)
    canvas.line(axis.x, y(overall), axis.x + axis.width, y(overall), "ink", 1, "3 3")
    canvas.text(axis.x + axis.width + 5, y(overall) - 3, f"{overall:.1%}", weight=700)
    canvas.text(
        axis.x + axis.width + 5, y(overall) + size * 0.9, "overall", "muted", size=size * 0.9
    )
    canvas.path(
        _polygon([(axis.middle(row["cohort"]), y(row["rate"])) for row in known]), stroke="accent"
    )
    for row in known:
        is_off = not row["lower"] <= overall <= row["upper"]
        canvas.circle(
            axis.middle(row["cohort"]),
            y(row["rate"]),
            3.2,
            "bad" if is_off else "accent",
            "paper",
            tip=f"{month(row['cohort'], True)}: {row['defaults']:,} of {row['labelled']:,} ="
            f" {row['rate']:.1%} (95%: {row['lower']:.1%} to {row['upper']:.1%})",
        )
    axis.label(canvas, height - size * 0.4)
    return canvas.svg(
        f"Default rate by month of application, {overall:.1%} over all, between"
        f" {min(row['rate'] for row in known):.1%} and {max(row['rate'] for row in known):.1%}"
    )


def _polygon(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in points)


MATURITY_COLORS = {
    "closed": "accent",
    "open": "faint",
    "missing_repayment_month": "bad",
    "days_past_due_unknown": "warn",
    "term_shorter_than_window": "muted",
}


def maturity(
    rows: Sequence[Row], theme: Theme, width: float = 860, height: float = 170, size: float = 12.5
) -> str:
    """Loans by month of application, and whether their label is known."""
    canvas = Canvas(width, height, theme, size)
    months = sorted({row["cohort"] for row in rows})
    kinds = [kind for kind in MATURITY_COLORS if any(row["maturity"] == kind for row in rows)]
    left, top, bottom = size * 3.2, size * 2.4, height - size * 2
    axis = Months(months, left, width - left)
    totals = {day: sum(row["loans"] for row in rows if row["cohort"] == day) for day in months}
    most = max(totals.values(), default=1)
    x = left
    for kind in kinds:
        count = sum(row["loans"] for row in rows if row["maturity"] == kind)
        text = f"{kind.replace('_', ' ')} {count:,}"
        canvas.rect(x, size * 0.3, size * 0.8, size * 0.8, MATURITY_COLORS[kind], radius=2)
        canvas.text(x + size * 1.15, size, text)
        x += text_width(text, size) + size * 2.4
    canvas.text(left - 6, top + size * 0.7, f"{most:,}", "muted", "end")
    canvas.line(left, bottom, width, bottom)
    for day in months:
        y = bottom
        for kind in kinds:
            loans = sum(
                row["loans"] for row in rows if row["cohort"] == day and row["maturity"] == kind
            )
            tall = (bottom - top) * loans / most
            y -= tall
            if loans:
                canvas.rect(
                    axis.left(day) + axis.step * 0.1,
                    y,
                    axis.step * 0.8,
                    tall,
                    MATURITY_COLORS[kind],
                    tip=f"{month(day, True)}: {loans:,} {kind.replace('_', ' ')}",
                )
    axis.label(canvas, height - size * 0.4)
    return canvas.svg(f"Label maturity of {sum(totals.values()):,} loans by month of application")


# A loan without an earlier one is nobody's mistake.
NO_EARLIER_LOAN = "no earlier loan"
REASON_COLORS = {
    None: "good",
    NO_EARLIER_LOAN: "faint",
    "no_history_yet": "bad",
    "quarantined": "warn",
    "expired": "loan_history",
    "not_yet_known": "muted",
    "no_customer": "ink",
}


def presence(rows: Sequence[Row], theme: Theme, width: float = 860, size: float = 12.5) -> str:
    """Share of loans with a value per feature group and month; the rest in its reason's colour."""
    rows = [
        row | {"reason": NO_EARLIER_LOAN}
        if (row["feature_group"], row["reason"]) == ("loan_history", "no_history_yet")
        else row
        for row in rows
    ]
    months = sorted({row["cohort"] for row in rows})
    groups = list(dict.fromkeys(row["feature_group"] for row in rows))
    tall = size * 2.9
    top, left = size * 2.4, size * 8
    height = top + tall * len(groups) + size * 2
    canvas = Canvas(width, height, theme, size)
    axis = Months(months, left, width - left)
    x = left
    shown = [reason for reason in REASON_COLORS if any(row["reason"] == reason for row in rows)]
    for reason in shown:
        text = "has a value" if reason is None else reason.replace("_", " ")
        canvas.rect(x, size * 0.3, size * 0.8, size * 0.8, REASON_COLORS[reason], radius=2)
        canvas.text(x + size * 1.15, size, text)
        x += text_width(text, size) + size * 2.4
    gaps = []
    for index, group in enumerate(groups):
        y = top + index * tall
        canvas.text(0, y + tall * 0.58, group.replace("_", " "), weight=600)
        for day in months:
            cell = [row for row in rows if row["feature_group"] == group and row["cohort"] == day]
            total = sum(row["loans"] for row in cell)
            y_part = y + tall - 3
            for reason in shown:
                loans = sum(row["loans"] for row in cell if row["reason"] == reason)
                if not loans:
                    continue
                part = (tall - 5) * loans / total
                y_part -= part
                canvas.rect(
                    axis.left(day) + 0.75,
                    y_part,
                    axis.step - 1.5,
                    part,
                    REASON_COLORS[reason],
                    opacity={None: 0.55, NO_EARLIER_LOAN: 0.4}.get(reason, 0.95),
                    tip=f"{group}, {month(day, True)}: {loans:,} of {total:,}"
                    f" {'with a value' if reason is None else reason.replace('_', ' ')}",
                )
            if not any(row["reason"] in (None, NO_EARLIER_LOAN) for row in cell):
                gaps.append(f"{group} {month(day)}")
    axis.label(canvas, height - size * 0.5)
    return canvas.svg(
        "Loans with a value by feature group and month of application; months with none: "
        + (", ".join(gaps) or "none")
    )


# --- drift --------------------------------------------------------------------------------------


def drift(rows: Sequence[Row], theme: Theme, width: float = 860, size: float = 11.5) -> str:
    """PSI by feature and month, louder with the shift; grey where chance gives as much."""
    months = sorted({row["application_month"] for row in rows})
    features = list(dict.fromkeys((row["feature_group"], row["feature"]) for row in rows))
    groups = list(dict.fromkeys(group for group, _ in features))
    tall, gap = size * 1.35, size * 1.5
    left, top = size * 17, size * 2.2
    height = top + tall * len(features) + gap * len(groups) + size * 2
    canvas = Canvas(width, height, theme, size)
    axis = Months(months, left, width - left)
    x = left
    for role, opacity, text in (
        ("good", 0.22, f"PSI below {PSI_LIMITS[0]}"),
        ("warn", 0.75, f"{PSI_LIMITS[0]} to {PSI_LIMITS[1]}"),
        ("bad", 0.95, f"{PSI_LIMITS[1]} and more"),
        ("faint", 0.35, "above the limit, but no more than chance gives so few loans"),
    ):
        canvas.rect(x, size * 0.2, size * 0.8, size * 0.8, role, opacity, radius=2)
        canvas.text(x + size * 1.15, size * 0.95, text)
        x += text_width(text, size) + size * 2.2
    by_cell = {(row["feature"], row["application_month"]): row for row in rows}
    y = top
    for group in groups:
        y += gap
        canvas.text(0, y - size * 0.35, group.replace("_", " "), group, weight=700)
        for feature in [name for owner, name in features if owner == group]:
            canvas.text(left - 8, y + tall * 0.75, feature, "ink", "end")
            for day in months:
                row = by_cell.get((feature, day))
                if row is None or row["psi"] is None:
                    continue
                role, opacity = _psi_color(row)
                canvas.rect(
                    axis.left(day) + 0.6,
                    y + 0.6,
                    axis.step - 1.2,
                    tall - 1.2,
                    role,
                    opacity,
                    tip=f"{feature}, {month(day, True)}: PSI {row['psi']:.3f}"
                    f" (by chance about {row['psi_by_chance']:.3f}),"
                    f" {row['null_rate']:.0%} unknown",
                )
            y += tall
    axis.label(canvas, height - size * 0.5)
    drifted = {row["feature"] for row in rows if row["is_drifted"]}
    return canvas.svg(
        f"Population stability index of {len(features)} features by month;"
        f" drifted: {', '.join(sorted(drifted)) or 'none'}"
    )


def _psi_color(row: Row) -> tuple[str, float]:
    if row["psi"] < PSI_LIMITS[0]:
        return "good", 0.22
    if row["psi"] < 3 * (row["psi_by_chance"] or 0):
        return "faint", 0.35
    return ("warn", 0.75) if row["psi"] < PSI_LIMITS[1] else ("bad", 0.95)


# --- predictive power ---------------------------------------------------------------------------


def power(
    rows: Sequence[Row], theme: Theme, width: float = 860, size: float = 12.5, low: float = 0.5
) -> str:
    """Out-of-time AUC of single features, folded so that further right is always more telling."""
    rows = [row for row in rows if row["strength"] is not None]
    tall = size * 1.75
    left, right = size * 16, size * 12
    height = tall * len(rows) + size * 2.4
    canvas = Canvas(width, height, theme, size)
    high = max(0.6, math.ceil(max((row["strength"] for row in rows), default=0.6) * 20) / 20)

    def x(value: float) -> float:
        return left + (width - left - right) * (value - low) / (high - low)

    ticks = round((high - low) * 20)
    for tick in range(0, ticks + 1, 1 if ticks <= 6 else 2):
        value = low + tick / 20
        canvas.line(x(value), 0, x(value), height - size * 2)
        canvas.text(x(value), height - size * 0.6, f"{value:.2f}", "muted", "middle")
    for index, row in enumerate(rows):
        y = tall * index + tall / 2
        role = row["feature_group"]
        canvas.text(left - 8, y + size * 0.34, row["feature"], "ink", "end")
        canvas.line(x(low), y, x(row["strength"]), y, role, 2.2)
        canvas.circle(
            x(row["strength"]),
            y,
            4,
            role,
            tip=f"{row['feature']}: AUC {row['auc']:.3f} on {row['auc_loans']:,} loans",
        )
        arrow = "higher = riskier" if row["auc"] >= 0.5 else "lower = riskier"
        canvas.text(x(row["strength"]) + 9, y + size * 0.34, f"{row['strength']:.3f}", weight=600)
        canvas.text(width, y + size * 0.34, arrow, "muted", "end", size=size * 0.9)
    return canvas.svg(
        "Out-of-time AUC of single features: "
        + ", ".join(f"{row['feature']} {row['strength']:.3f}" for row in rows[:5])
    )


def group_power(
    rows: Sequence[Row], theme: Theme, width: float = 860, size: float = 12.5, tall: float = 0
) -> str:
    """Out-of-time AUC of a light model per set of features.

    rows: name, auc, lower, upper, role (a colour), note.
    """
    tall = tall or size * 2.4
    left, right = size * 17, size * 1
    height = tall * len(rows) + size * 2.2
    canvas = Canvas(width, height, theme, size)

    def x(value: float) -> float:
        return left + (width - left - right) * (value - 0.5) / 0.5

    for tick in range(6):
        value = 0.5 + tick / 10
        canvas.line(x(value), 0, x(value), height - size * 1.9)
        anchor = "end" if tick == 5 else "middle"
        canvas.text(x(value), height - size * 0.5, f"{value:.1f}", "muted", anchor)
    for index, row in enumerate(rows):
        y = tall * index + tall * 0.5
        thick = tall * 0.52
        canvas.text(
            left - 9,
            y + (size * 0.34 if not row["note"] else -size * 0.1),
            row["name"],
            anchor="end",
            weight=600,
        )
        if row["note"]:
            canvas.text(left - 9, y + size * 0.85, row["note"], "muted", "end", size=size * 0.84)
        canvas.rect(x(0.5), y - thick / 2, x(row["auc"]) - x(0.5), thick, row["role"], 0.85, 2)
        canvas.line(x(row["lower"]), y, x(row["upper"]), y, "ink", 1.1)
        for end in ("lower", "upper"):
            canvas.line(x(row[end]), y - 3, x(row[end]), y + 3, "ink", 1.1)
        outside = x(row["upper"]) + 6 + text_width("0.000", size * 1.1) < width
        canvas.text(
            x(row["upper"]) + 6 if outside else x(row["lower"]) - 6,
            y + size * 0.38,
            f"{row['auc']:.3f}",
            "ink" if outside else "paper",
            "start" if outside else "end",
            size=size * 1.1,
            weight=700,
        )
    return canvas.svg(
        "Out-of-time AUC: " + ", ".join(f"{row['name']} {row['auc']:.3f}" for row in rows)
    )


# --- runs ---------------------------------------------------------------------------------------

STEP_COLORS = {
    "inspect": "muted",
    "land": "bronze",
    "build": "silver",
    "summarise": "gold",
    "publish": "good",
}


def timings(rows: Sequence[Row], theme: Theme, width: float = 860, size: float = 12.5) -> str:
    """Seconds per step of the last runs, the latest at the bottom."""
    tall = size * 1.9
    left, right = size * 12.5, size * 5
    top = size * 2.2
    height = top + tall * len(rows) + 4
    canvas = Canvas(width, height, theme, size)
    most = max((row["total"] for row in rows), default=1)
    steps = list(dict.fromkeys(step for row in rows for step in row["seconds"]))
    x = left
    for step in steps:
        canvas.rect(
            x, size * 0.2, size * 0.8, size * 0.8, STEP_COLORS.get(step, "accent"), radius=2
        )
        canvas.text(x + size * 1.15, size * 0.95, step)
        x += text_width(step, size) + size * 2.4
    for index, row in enumerate(rows):
        y = top + tall * index
        is_last = index == len(rows) - 1
        canvas.text(
            0,
            y + tall * 0.6,
            row["run_id"],
            "ink" if is_last else "muted",
            weight=700 if is_last else 400,
        )
        x = left
        for step, seconds in row["seconds"].items():
            wide = (width - left - right) * seconds / most
            canvas.rect(
                x,
                y + 2,
                wide,
                tall - 6,
                STEP_COLORS.get(step, "accent"),
                opacity=1 if is_last else 0.6,
                tip=f"{step}: {seconds:.1f} s",
            )
            x += wide
        canvas.text(x + 6, y + tall * 0.6, f"{row['total']:.1f} s", weight=600)
    return canvas.svg(
        "Seconds per run: " + ", ".join(f"{row['run_id']} {row['total']:.1f}" for row in rows)
    )


# --- pictures of the deck -----------------------------------------------------------------------


def money(rows: Sequence[Row], label_month: int, theme: Theme, width: float, height: float) -> str:
    """Unpaid money by month on book, from the decision to the end of the term."""
    canvas = Canvas(width, height, theme, 12)
    left, right, top, bottom = 46.0, 22.0, 30.0, height - 46
    last = max(row["mob"] for row in rows)
    most = float(max(row["overdue"] for row in rows)) or 1.0
    step = 10 ** math.floor(math.log10(most))
    step = next(s for s in (step / 5, step / 2, step, step * 2) if most / s <= 6)

    def x(mob: float) -> float:
        return left + (width - left - right) * mob / last

    def y(value: float) -> float:
        return bottom - (bottom - top) * value / (most * 1.06)

    for tick in range(int(most * 1.06 / step) + 1):
        canvas.line(left, y(tick * step), width - right, y(tick * step))
        text = "0" if tick == 0 else compact(tick * step)
        canvas.text(left - 7, y(tick * step) + 4, text, "muted", "end")
    points = [(x(row["mob"]), y(float(row["overdue"]))) for row in rows]
    canvas.path(_polygon([*points, (x(last), bottom), (x(0), bottom)]) + "Z", "bad", opacity=0.16)
    canvas.path(_polygon(points), stroke="bad", width=2.6)
    for row in rows:
        canvas.text(x(row["mob"]), bottom + 17, str(row["mob"]), "muted", "middle")
    canvas.text(
        (left + width - right) / 2, bottom + 36, "months since the application", "muted", "middle"
    )
    for mob, head, line, anchor in (
        (0, "the decision", "nothing is known of the loan", "start"),
        (label_month, "the label", "default or not is known", "end"),
    ):
        if mob > last:
            continue
        canvas.line(x(mob), top - 22, x(mob), bottom, "ink", 1.2)
        shift = 8 if anchor == "start" else -8
        canvas.text(x(mob) + shift, top - 12, head, anchor=anchor, weight=700, size=13)
        canvas.text(x(mob) + shift, top + 4, line, "muted", anchor)
    end = rows[-1]
    canvas.circle(x(last), y(float(end["overdue"])), 4.5, "bad", "paper")
    canvas.text(
        x(last) - 10,
        y(float(end["overdue"])) - 1,
        f"{compact(float(end['overdue']))} unpaid",
        "bad",
        "end",
        size=15,
        weight=700,
    )
    return canvas.svg(f"Unpaid money by month on book, {end['overdue']:,} at month {last}")


DIRT_COLORS = {
    "placeholder": "warn",
    "out_of_range": "bad",
    "inconsistent": "loan_history",
    "not_a_number": "attributes",
    "not_accepted": "attributes",
    "trailing underscore": "silver",
    "repaired": "good",
}
DIRT_NAMES = {
    "placeholder": "a filler: unknown",
    "out_of_range": "impossible: unknown",
    "inconsistent": "contradicts its row: unknown",
    "not_a_number": "not a number: unknown",
    "not_accepted": "no such value: unknown",
    "trailing underscore": "stray underscore: read without it",
    "repaired": "repaired from another column",
}


def dirt(rows: Sequence[Row], theme: Theme, width: float, height: float, shown: int = 16) -> str:
    """Dirty values per column, by what is wrong and what became of it."""
    canvas = Canvas(width, height, theme, 11.5)
    columns: dict[str, list[Row]] = {}
    for row in rows:
        columns.setdefault(row["column"], []).append(row)
    ordered = sorted(columns, key=lambda name: -sum(row["row_count"] for row in columns[name]))
    kinds = [kind for kind in DIRT_COLORS if any(row["reason"] == kind for row in rows)]
    x, y = 0.0, 9.0
    for kind in kinds:
        wide = text_width(DIRT_NAMES[kind], 11) + 26
        if x + wide > width:
            x, y = 0.0, y + 16
        canvas.rect(x, y - 8, 9, 9, DIRT_COLORS[kind], radius=2)
        canvas.text(x + 13, y, DIRT_NAMES[kind], size=11)
        x += wide
    top = y + 14
    left, right = 150.0, 150.0
    ordered, rest = ordered[:shown], ordered[shown:]
    tall = (height - top) / (len(ordered) + (1 if rest else 0))
    most = max((sum(row["row_count"] for row in columns[name]) for name in ordered), default=1)
    for index, name in enumerate(ordered):
        y = top + tall * index
        parts = sorted(columns[name], key=lambda row: list(DIRT_COLORS).index(row["reason"]))
        canvas.text(left - 8, y + tall * 0.5 + 4, name, "ink", "end")
        x = left
        for row in parts:
            wide = (width - left - right) * row["row_count"] / most
            canvas.rect(x, y + tall * 0.16, wide, tall * 0.68, DIRT_COLORS[row["reason"]])
            x += max(wide, 0.8)
        count = f"{sum(row['row_count'] for row in parts):,}"
        canvas.text(x + 6, y + tall * 0.5 + 4, count, weight=700)
        examples = [text for row in parts for text in row.get("examples", [])[:2]][:2]
        sample = " · ".join(text if len(text) <= 14 else text[:13] + "…" for text in examples)
        canvas.text(
            x + 12 + text_width(count, 11.5), y + tall * 0.5 + 4, sample, "muted", size=10.5
        )
    if rest:
        count = sum(row["row_count"] for name in rest for row in columns[name])
        canvas.text(
            left,
            top + tall * (len(ordered) + 0.5) + 4,
            f"and {count:,} in {', '.join(rest) if len(rest) < 3 else f'{len(rest)} more columns'}",
            "muted",
        )
    return canvas.svg("Dirty values per column")


def timeline(row: Row, theme: Theme, width: float, height: float) -> str:
    """One loan: what was known on the day of its application, and what came later."""
    canvas = Canvas(width, height, theme, 12.5)
    months = sorted({*row["months"], *(item["date"] for item in row["repayments"])})
    left = 140.0
    axis = Months(months, left, width - left)
    day, label_day = row["application_date"], row["label_date"]
    x_day, x_label = axis.middle(day), axis.middle(label_day)
    top, bottom = 24.0, height - 24
    y_profile, y_click, tall, y_loan = top + 46, top + 132, 104.0, bottom - 44
    canvas.rect(left, top, x_day - left, bottom - top, "clickstream", 0.11, 3)
    canvas.rect(x_day, top, x_label - x_day, bottom - top, "warn", 0.13)
    canvas.text((left + x_day) / 2, top + 18, "known: features", "clickstream", "middle", 14, 700)
    canvas.text((x_day + x_label) / 2, top + 18, "label window", "warn", "middle", 14, 700)
    after = [date_ for date_ in row["months"] if date_ > day]
    for y, head, text, role in (
        (y_profile, "attributes, financials", "snapshot of that day", "muted"),
        (y_click, "clickstream, fe_10", "one reading a month,", "muted"),
        (y_click + 16, "", f"mean of the past {row['fe_10_mean_all']:,.0f}", "clickstream"),
        (y_loan, "repayments", "days past due", "muted"),
    ):
        canvas.text(0, y, head, weight=700)
        canvas.text(0, y + 16, text, role, size=12)
    canvas.rect(x_day - 6.5, y_profile - 7, 13, 13, "financials", radius=2)
    canvas.text(x_day - 14, y_profile + 4, "used", "financials", "end", weight=700)
    readings = [value for value in row["readings"] if value is not None]
    low, high = min(readings), max(readings)

    def y_of(value: float) -> float:
        return y_click + tall * (0.5 - (value - low) / ((high - low) or 1))

    canvas.line(
        left,
        y_of(row["fe_10_mean_all"]),
        x_day,
        y_of(row["fe_10_mean_all"]),
        "clickstream",
        1.4,
        "5 3",
    )
    for date_, value in zip(row["months"], row["readings"], strict=True):
        if value is None:
            continue
        if date_ <= day:
            canvas.circle(axis.middle(date_), y_of(value), 5, "clickstream")
        else:
            canvas.circle(axis.middle(date_), y_of(value), 4.2, "paper", "faint")
    if after:
        canvas.text(
            width,
            y_click + tall * 0.5 + 22,
            f"{len(after)} later months in the file: never used",
            "muted",
            "end",
        )
    box = min(22.0, axis.step - 1.6)
    for item in row["repayments"]:
        x, late = axis.middle(item["date"]), item["dpd"] or 0
        is_label = item["date"] == label_day
        role = "faint" if item["mob"] == 0 else "bad" if late >= 30 else "good"
        canvas.rect(x - box / 2, y_loan - 8, box, 19, role, 1 if is_label else 0.5, 3)
        canvas.text(x, y_loan + 5, str(late), "paper" if is_label else "ink", "middle", 10, 700)
    canvas.line(x_label, y_loan + 11, x_label, y_loan + 24, "bad", 1.6)
    canvas.text(
        x_label,
        y_loan + 37,
        f"the label: {row['days_past_due']} days past due, a default",
        "bad",
        "middle",
        13,
        700,
    )
    canvas.line(x_day, top - 6, x_day, bottom, "ink", 1.8)
    canvas.text(x_day, top - 11, f"application {day.day} {day:%b %Y}", "ink", "middle", 14, 700)
    axis.label(canvas, height - 6)
    return canvas.svg("Timeline of one loan: features before, window after, label at its end")


def lineage(
    nodes: Sequence[tuple[str, str]],
    edges: Sequence[tuple[str, str]],
    apart: Mapping[str, str],
    theme: Theme,
    width: float,
    height: float,
) -> str:
    """The models as boxes from left to right, each right of all it is made of.

    nodes: (layer, name); edges: (from name, to name); apart: models, each with a few words, that
    stand in a line of their own below the others, without the edges that lead to everything.
    """
    layer_of = {name: layer for layer, name in nodes if name not in apart}
    parents: dict[str, list[str]] = {name: [] for name in layer_of}
    for start, end in edges:
        if start in layer_of and end in layer_of:
            parents[end].append(start)
    columns = _columns(layer_of, parents)
    lanes = _lanes(columns, parents)
    size, tall = 11.5, 25.0
    wide = [max(text_width(name, size) for name in column) * 0.87 + 20 for column in columns]
    gap = (width - sum(wide)) / max(len(columns) - 1, 1)
    canvas = Canvas(width, height, theme, size)
    top, bottom = 24.0, height - (66 if apart else 0)
    slot = (bottom - top) / (max(lanes.values(), default=0) + 1)
    box = {
        name: (
            sum(wide[:index]) + gap * index,
            top + slot * (lanes[name] + 0.5) - tall / 2,
            wide[index],
        )
        for index, column in enumerate(columns)
        for name in column
    }
    for end, starts in sorted(parents.items()):
        for start in starts:
            x1, y1 = box[start][0] + box[start][2], box[start][1] + tall / 2
            x2, y2 = box[end][0], box[end][1] + tall / 2
            bend = (x2 - x1) / 2
            canvas.path(
                f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f}"
                f" {x2:.1f},{y2:.1f}",
                stroke="clickstream" if "clickstream" in start else "faint",
                width=2 if "clickstream" in start else 1.1,
            )
    for layer in ("bronze", "silver", "gold"):
        lefts = [box[name][0] for name, owner in layer_of.items() if owner == layer]
        if lefts:
            canvas.text(min(lefts), 12, layer.upper(), layer, size=12, weight=700)
    for name, (x, y, box_width) in box.items():
        _model_box(canvas, x, y, box_width, tall, layer_of[name], name)
    owner = {name: layer for layer, name in nodes}
    x = 0.0
    if apart:
        canvas.line(0, bottom + 10, width, bottom + 10)
        canvas.text(0, bottom + 29, "The ledger beside the line", weight=700, size=12.5)
        canvas.text(
            175,
            bottom + 29,
            "every row that is not used is named with a reason before silver reads the rest",
            "muted",
            size=12.5,
        )
    for name in (name for name in apart if name in owner):
        box_width = text_width(name, size) * 0.87 + 20
        _model_box(canvas, x, bottom + 41, box_width, tall, owner[name], name)
        x += box_width + 10
        about = apart[name]
        canvas.text(x, bottom + 57, about, "muted")
        x += text_width(about, size) * 0.85 + 20
    return canvas.svg("Lineage of the models from bronze to gold")


def _model_box(
    canvas: Canvas, x: float, y: float, width: float, height: float, layer: str, name: str
) -> None:
    canvas.rect(x, y, width, height, "paper", radius=3)
    canvas.rect(x, y, width, height, layer, 0.2, 3)
    canvas.rect(x, y, 4, height, layer, radius=1)
    canvas.text(x + 11, y + height / 2 + 4, name, weight=600)


def _columns(layer_of: dict[str, str], parents: dict[str, list[str]]) -> list[list[str]]:
    """Names by column: right of all parents, a layer right of the one before; few crossings."""
    rank: dict[str, int] = {}
    for layer in ("bronze", "silver", "gold"):
        floor = max(rank.values(), default=-1) + 1
        waiting = sorted(name for name, owner in layer_of.items() if owner == layer)
        while waiting:
            name = next(name for name in waiting if not set(parents[name]) & set(waiting))
            waiting.remove(name)
            rank[name] = max([floor, *(rank[parent] + 1 for parent in parents[name])])
    return [
        sorted(name for name in rank if rank[name] == position)
        for position in range(max(rank.values(), default=-1) + 1)
    ]


def _lanes(columns: list[list[str]], parents: dict[str, list[str]]) -> dict[str, float]:
    """The height of each box: that of its nearest parents, beside those that stand there, and
    half a lane off a line that passes."""
    column_of = {name: index for index, column in enumerate(columns) for name in column}
    lanes: dict[str, float] = {name: index for index, name in enumerate(columns[0])}
    for index, column in enumerate(columns[1:], start=1):
        passing = {
            lanes[parent]
            for name, own in parents.items()
            for parent in own
            if column_of[parent] < index < column_of[name]
        }

        def wanted(name: str) -> float:
            first = min((column_of[parent] for parent in parents[name]), default=0)
            near = [lanes[parent] for parent in parents[name] if column_of[parent] == first]
            return sum(near) / len(near) if near else max(lanes.values()) + 1

        taken: list[float] = []
        for name in sorted(column, key=lambda name: (wanted(name), name)):
            lane = wanted(name)
            if lane in passing:
                lane -= 0.5
            while any(abs(lane - other) < 0.7 for other in taken):
                lane += 0.5
            taken.append(lane)
            lanes[name] = lane
    return lanes


def rebuild(theme: Theme, width: float, height: float) -> str:
    """How the leakage proof works: three builds that must agree up to a month T."""
    canvas = Canvas(width, height, theme, 12.5)
    left, x_t, end = 0.0, width * 0.50, width * 0.74
    tall = 34.0
    ys = (38.0, 38.0 + (height - 70) / 2, height - 32 - 0.0)
    ys = (44.0, 44.0 + (height - 110) / 2, height - 66)
    texts = (
        ("the warehouse", "all rows of bronze"),
        ("without the future", "rows after T removed"),
        ("with a false future", "rows after T made nonsense"),
    )
    canvas.line(x_t, 10, x_t, height - 20, "ink", 1.6)
    canvas.text(x_t, height - 4, "month T", "ink", "middle", 13, 700)
    for index, (y, (head, line)) in enumerate(zip(ys, texts, strict=True)):
        canvas.text(left, y - 9, head, weight=700, size=13)
        canvas.text(left + text_width(head, 13) * 0.87 + 12, y - 9, line, "muted")
        canvas.rect(left, y, x_t - left, tall, "gold", 0.75, 3)
        canvas.text(left + 12, y + 22, "gold up to T", weight=600)
        if index == 0:
            canvas.rect(x_t, y, end - x_t, tall, "gold", 0.28, 3)
            canvas.text(x_t + 12, y + 22, "gold after T", "muted")
        elif index == 2:
            wide, seed = (end - x_t) / 22, 7
            for n in range(22):
                seed = (seed * 31 + 11) % 97
                canvas.rect(x_t + n * wide, y, wide * 0.82, tall, "bad", 0.15 + 0.6 * seed / 97)
        else:
            canvas.path(f"M{x_t},{y} H{end} V{y + tall} H{x_t}", stroke="faint", width=1.2)
    x = width * 0.80
    for first, second in ((0, 1), (1, 2)):
        y1, y2 = ys[first] + tall / 2, ys[second] + tall / 2
        canvas.path(
            f"M{end + 8:.1f},{y1:.1f} H{x:.1f} V{y2:.1f} H{end + 8:.1f}", stroke="good", width=1.6
        )
        canvas.circle(x, (y1 + y2) / 2, 13, "good")
        canvas.text(x, (y1 + y2) / 2 + 6, "=", "paper", "middle", 17, 700)
        canvas.text(x + 21, (y1 + y2) / 2 - 2, "byte for byte,", "good", weight=700)
        canvas.text(x + 21, (y1 + y2) / 2 + 14, "up to T", "good", weight=700)
    return canvas.svg("Three builds that must agree up to a month T")
