"""The pictures of report, deck and notebooks: SVG, drawn from the rows of `queries` and `baseline`.

One visual language: a colour means one thing everywhere (a layer, a feature group, or how bad
something is), rules are thin, figures stand beside what they count. In a notebook a picture that
ends a cell shows itself; without a theme it is drawn for one.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from typing import Any

from warehouse.reporting.drawing import (
    NOTEBOOK,
    Canvas,
    Days,
    Months,
    Picture,
    Scale,
    Theme,
    compact,
    inside,
    month,
    percents,
    polygon,
)

Row = dict[str, Any]

NARROW = 600  # below this width a picture is drawn for a phone
STEADY_PSI = 0.1  # below it a distribution counts as the same
# What becomes of a row, and how loud that is.
FATE_COLORS = {
    "known": "gold",
    "used": "silver",
    "landed": "bronze",
    "not_known": "faint",
    "seen_before": "faint",
    "duplicate": "faint",
    "superseded": "accent",
    "outside_scope": "muted",
    "quarantined": "bad",
}
# Why gold knows a row of silver not, where there is little room.
SHORT_REASONS = {"after_every_application": "too late", "no_application": "no loan"}


def beside(*pictures: Picture) -> Picture:
    """Pictures in one row, as one."""
    gap, parts, x = 28, [], 0.0
    for picture in pictures:
        parts.append(picture.replace("<svg ", f'<svg x="{x:g}" ', 1))
        x += _frame(picture)[0] + gap
    height = max(_frame(picture)[1] for picture in pictures)
    label = "; ".join(picture.label for picture in pictures)
    return Picture(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {x - gap:g} {height:g}"'
        f' width="{x - gap:g}" height="{height:g}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>",
        label,
    )


def _frame(picture: Picture) -> tuple[float, float]:
    """Width and height."""
    opening = picture[: picture.index(">")]
    width, height = (
        float(opening.split(f' {name}="')[1].split('"')[0]) for name in ("width", "height")
    )
    return width, height


# --- the ledger ---------------------------------------------------------------------------------

LAYERS = (("CSV FILE", "muted"), ("BRONZE", "bronze"), ("SILVER", "silver"), ("GOLD", "gold"))


def flow(
    ledger: Sequence[Row],
    gold: Sequence[tuple[str, str]],
    theme: Theme = NOTEBOOK,
    width: float = 860,
    size: float = 12.5,
) -> Picture:
    """The way of the rows from the files to gold: one lane per source, a ribbon as wide as the
    rows it carries, and a loud line for every row that left the way.

    gold: pairs of a figure and what it counts, shown with the last column.
    """
    is_narrow = width < NARROW
    sources = sorted({row["source"] for row in ledger})
    lanes = {source: [row for row in ledger if row["source"] == source] for source in sources}
    most = max((_read(rows) for rows in lanes.values()), default=1)
    canvas = Canvas(width, 0, theme, size)
    bar, line = 9.0, size * 1.45
    stops = (0.0, 0.3, 0.6, 1.0) if is_narrow else (0.0, 0.27, 0.54, 0.8)
    columns = [min(width * stop, width - bar) for stop in stops]
    for x, (name, role) in zip(columns, LAYERS, strict=True):
        x, anchor = (width, "end") if x + bar == width else (x, "start")
        canvas.text(x, size * 1.1, name, role, anchor, size=size * 0.86, weight=700)
    top = y = size * 2.6
    for source in sources:
        thick = max(5.0, 84 * _read(lanes[source]) / most)
        y = _lane(canvas, source, lanes[source], columns, y, thick, is_narrow)
    if not is_narrow:
        canvas.rect(columns[3], top, bar, y - top - 4, "gold", radius=2)
    canvas.height = y
    place = (top + y) / 2 - len(gold) * line * 1.05 + line
    for index, (figure, what) in enumerate(gold):
        if is_narrow:
            x, at = width * index / max(len(gold), 1), y + line
            canvas.height = y + 2.6 * line
        else:
            x, at = columns[3] + bar + 10, place + index * line * 2.5
        canvas.text(x, at, figure, size=size * 1.35, weight=700)
        canvas.text(x, at + line, what, "muted")
    return canvas.picture(
        "Rows from file to gold: "
        + "; ".join(
            f"{source}: {_read(lanes[source]):,} read, {_sum(lanes[source], 'used'):,} used"
            for source in sources
        )
    )


def _lane(
    canvas: Canvas,
    source: str,
    rows: Sequence[Row],
    columns: Sequence[float],
    y: float,
    thick: float,
    is_narrow: bool,
) -> float:
    """One source's way; returns where the next one begins."""
    size, line, bar = canvas.size, canvas.size * 1.45, 9.0
    read, *onwards = _read(rows), *(_sum(rows, fate) for fate in ("landed", "used", "known"))
    landed, used, _ = onwards
    canvas.text(columns[0], y + line * 1.1 - size * 0.5, source, weight=600)
    top = y + line * (2.1 if is_narrow else 1.1)
    heights = [max(count * thick / read, 3.0) if count else 0 for count in (read, *onwards)]
    words = (f"{read:,}", f"{landed:,} landed", f"{used:,} used")
    for index, (role, onward, text) in enumerate(
        zip(("muted", "bronze", "silver"), ("bronze", "silver", "gold"), words, strict=True)
    ):
        x, end = columns[index], columns[index + 1]
        canvas.rect(
            x + bar,
            top,
            end - x - bar,
            heights[index + 1],
            onward,
            opacity=0.28,
            tip=f"{source}: {text}",
        )
        canvas.rect(x, top, bar, heights[index], role, radius=2)
        if is_narrow:  # the head of the column says what is counted: with a word they would touch
            count = text.partition(" ")[0]
            canvas.text(x + (bar + 4 if index else 0), top - size * 0.5, count)
        elif index:
            canvas.text(x + bar + 4, top - size * 0.5, text)
        else:
            canvas.text(end - size, top - size * 0.5, text, "muted", anchor="end")
    if is_narrow:
        canvas.rect(columns[3], top, bar, heights[3], "gold", radius=2)
    y = top + thick + line
    left_late_first = sorted(rows, key=lambda row: row["layer"] != "gold")
    for row in left_late_first:
        if row["fate"] in ("read", "landed", "used", "known"):
            continue
        column = columns[{"bronze": 0, "silver": 1, "gold": 2}[row["layer"]]] + bar
        # on a phone there is no room to the right of the last column but one
        step, anchor = (-14, "end") if is_narrow and row["layer"] == "gold" else (14, "start")
        role = FATE_COLORS[row["fate"]]
        canvas.path(
            f"M{column:.1f},{top + 2:.1f} C{column:.1f},{y - 4:.1f}"
            f" {column:.1f},{y - 4:.1f} {column + step * 0.8:.1f},{y - 4:.1f}",
            stroke=role,
            width=1.6,
        )
        text = f"{row['row_count']:,} {_fate_text(row, is_narrow)}"
        small = size * (0.85 if is_narrow else 1)
        canvas.text(column + step, y, text, role, anchor, size=small)
        y += line
    return y + 2


def _fate_text(row: Row, is_narrow: bool) -> str:
    fate = row["fate"].replace("_", " ")
    reason = (row["reason"] or "").replace("_", " ")
    if row["fate"] == "not_known":
        return SHORT_REASONS.get(row["reason"], reason) if is_narrow else reason
    return (
        fate if row["fate"] in ("duplicate", "superseded", "seen_before") else f"{fate}: {reason}"
    )


def _read(rows: Sequence[Row]) -> int:
    return sum(row["row_count"] for row in rows if row["layer"] == "file")


def _sum(rows: Sequence[Row], fate: str) -> int:
    return sum(row["row_count"] for row in rows if row["fate"] == fate)


# --- by month of application --------------------------------------------------------------------


def cohort_rate(
    rows: Sequence[Row],
    theme: Theme = NOTEBOOK,
    width: float = 860,
    height: float = 240,
    size: float = 12.5,
) -> Picture:
    """Default rate by month of application with its 95% band, and the rate over all.

    A month whose band leaves the overall rate out is a ring.
    """
    canvas = Canvas(width, height, theme, size)
    known = [row for row in rows if row["rate"] is not None]
    if not known:
        canvas.text(0, size * 2, "No label is known yet.", "muted")
        return canvas.picture("No label is known yet")
    overall = sum(row["defaults"] for row in known) / sum(row["labelled"] for row in known)
    left, right = size * 3.2, width - size * 4.2
    highest = min(1.0, max(0.1, math.ceil(max(row["upper"] for row in known) * 10) / 10))
    axis = Months([row["cohort"] for row in rows], left, right - left)
    y = Scale(0, highest, height - size * 2, size * 1.2)
    y.grid_up(canvas, left, right, percents)
    band = [(axis.middle(row["cohort"]), y(row["upper"])) for row in known]
    band += [(axis.middle(row["cohort"]), y(row["lower"])) for row in reversed(known)]
    canvas.path(polygon(band) + "Z", "accent", opacity=0.16)
    canvas.line(left, y(overall), right, y(overall), "ink", 1, "3 3")
    canvas.text(right + 5, y(overall) - 3, f"{overall:.1%}", weight=700)
    canvas.text(right + 5, y(overall) + size * 0.9, "overall", "muted", size=size * 0.9)
    canvas.path(
        polygon([(axis.middle(row["cohort"]), y(row["rate"])) for row in known]), stroke="accent"
    )
    for row in known:
        is_off = not row["lower"] <= overall <= row["upper"]
        canvas.circle(
            axis.middle(row["cohort"]),
            y(row["rate"]),
            4.4 if is_off else 3.2,
            *(("paper", "bad") if is_off else ("accent", "paper")),
            tip=f"{month(row['cohort'], True)}: {row['defaults']:,} of {row['labelled']:,} ="
            f" {row['rate']:.1%} (95%: {row['lower']:.1%} to {row['upper']:.1%})",
        )
    axis.label(canvas, height - size * 0.4)
    return canvas.picture(
        f"Default rate by month of application, {overall:.1%} over all, between"
        f" {min(row['rate'] for row in known):.1%} and {max(row['rate'] for row in known):.1%}"
    )


MATURITY_COLORS = {
    "closed": "accent",
    "open": "faint",
    "missing_repayment_month": "bad",
    "days_past_due_unknown": "warn",
    "term_shorter_than_window": "muted",
}


def maturity(
    rows: Sequence[Row],
    theme: Theme = NOTEBOOK,
    width: float = 860,
    height: float = 190,
    size: float = 12.5,
) -> Picture:
    """Loans by month of application, and whether their label is known."""
    canvas = Canvas(width, height, theme, size)
    months = sorted({row["cohort"] for row in rows})
    count: dict[tuple[date, str], int] = {
        (row["cohort"], row["maturity"]): row["loans"] for row in rows
    }
    kinds = [kind for kind in MATURITY_COLORS if any(row["maturity"] == kind for row in rows)]
    totals = {kind: sum(row["loans"] for row in rows if row["maturity"] == kind) for kind in kinds}
    left = size * 3.2
    top = canvas.legend(
        0, [(MATURITY_COLORS[k], 1, f"{k.replace('_', ' ')} {totals[k]:,}") for k in kinds]
    )
    most = max((sum(count.get((day, kind), 0) for kind in kinds) for day in months), default=1)
    axis = Months(months, left, width - left)
    y = Scale(0, most, height - size * 2, top + size * 0.3)
    y.grid_up(canvas, left, width, lambda value: f"{value:,.0f}", most=3)
    for day in months:
        below = 0
        for kind in kinds:
            loans = count.get((day, kind), 0)
            if loans:
                canvas.rect(
                    axis.left(day) + axis.step * 0.1,
                    y(below + loans),
                    axis.step * 0.8,
                    y(below) - y(below + loans),
                    MATURITY_COLORS[kind],
                    tip=f"{month(day, True)}: {loans:,} {kind.replace('_', ' ')}",
                )
            below += loans
    axis.label(canvas, height - size * 0.4)
    return canvas.picture(
        f"Label maturity of {sum(totals.values()):,} loans by month of application: "
        + ", ".join(f"{totals[kind]:,} {kind.replace('_', ' ')}" for kind in kinds)
    )


# A loan without an earlier one is nobody's mistake.
NO_EARLIER_LOAN = "no earlier loan"
REASON_COLORS: dict[str | None, tuple[str, float]] = {
    None: ("good", 0.55),
    NO_EARLIER_LOAN: ("faint", 0.4),
    "no_history_yet": ("bad", 0.95),
    "quarantined": ("warn", 0.95),
    "expired": ("loan_history", 0.95),
    "not_yet_known": ("muted", 0.95),
    "no_customer": ("ink", 0.95),
}


def presence(
    rows: Sequence[Row], theme: Theme = NOTEBOOK, width: float = 860, size: float = 12.5
) -> Picture:
    """Share of loans with a value per feature group and month; the rest in its reason's colour."""
    rows = [
        row | {"reason": NO_EARLIER_LOAN}
        if (row["feature_group"], row["reason"]) == ("loan_history", "no_history_yet")
        else row
        for row in rows
    ]
    months = sorted({row["cohort"] for row in rows})
    groups = list(dict.fromkeys(row["feature_group"] for row in rows))
    shown = [reason for reason in REASON_COLORS if any(row["reason"] == reason for row in rows)]
    canvas = Canvas(width, 0, theme, size)
    tall, left = size * 2.9, size * 8
    top = size * 0.6 + canvas.legend(
        0 if width < NARROW else left, [(*REASON_COLORS[r], _reason_text(r)) for r in shown]
    )
    canvas.height = top + tall * len(groups) + size * 2
    axis = Months(months, left, width - left)
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
                role, opacity = REASON_COLORS[reason]
                canvas.rect(
                    axis.left(day) + 0.75,
                    y_part,
                    axis.step - 1.5,
                    part,
                    role,
                    opacity,
                    tip=f"{group}, {month(day, True)}: {loans:,} of {total:,}"
                    f" {_reason_text(reason)}",
                )
            if not any(row["reason"] in (None, NO_EARLIER_LOAN) for row in cell):
                gaps.append(f"{group} {month(day)}")
    axis.label(canvas, canvas.height - size * 0.5)
    return canvas.picture(
        "Loans with a value by feature group and month of application; months with none: "
        + (", ".join(gaps) or "none")
    )


def _reason_text(reason: str | None) -> str:
    return "with a value" if reason is None else reason.replace("_", " ")


# --- drift --------------------------------------------------------------------------------------


def drift(rows: Sequence[Row], theme: Theme = NOTEBOOK, width: float = 860) -> Picture:
    """PSI by feature and month, louder with the shift; grey where chance gives as much."""
    months = sorted({row["application_month"] for row in rows})
    features = list(dict.fromkeys((row["feature_group"], row["feature"]) for row in rows))
    groups = list(dict.fromkeys(group for group, _ in features))
    size = 10 if width < NARROW else 11.5
    canvas = Canvas(width, 0, theme, size)
    tall, gap = size * 1.35, size * 1.5
    left = 8 + canvas.widest([feature for _, feature in features], size)
    top = size * 0.6 + canvas.legend(
        0,
        (
            (*PSI_COLORS["steady"], f"PSI below {STEADY_PSI}"),
            (*PSI_COLORS["moved"], f"{STEADY_PSI} and more"),
            (*PSI_COLORS["drifted"], "drifted"),
            (*PSI_COLORS["chance"], "above, but by chance so few loans give as much"),
        ),
    )
    canvas.height = top + tall * len(features) + gap * len(groups) + size * 2
    axis = Months(months, left, width - left)
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
                role, opacity = PSI_COLORS[_psi_state(row)]
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
    axis.label(canvas, canvas.height - size * 0.5)
    drifted = {row["feature"] for row in rows if row["is_drifted"]}
    return canvas.picture(
        f"Population stability index of {len(features)} features by month;"
        f" drifted: {', '.join(sorted(drifted)) or 'none'}"
    )


PSI_COLORS = {
    "steady": ("good", 0.22),
    "moved": ("warn", 0.75),
    "drifted": ("bad", 0.95),
    "chance": ("faint", 0.75),
}


def _psi_state(row: Row) -> str:
    if row["is_drifted"]:
        return "drifted"
    if row["psi"] < STEADY_PSI:
        return "steady"
    return "chance" if row["psi"] < 3 * (row["psi_by_chance"] or 0) else "moved"


# --- predictive power ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranked:
    """One line of a ranking: a name, its value and how the value is written."""

    name: str
    value: float
    text: str
    role: str
    tip: str = ""


def _ranking(
    lines: Sequence[Ranked],
    low: float,
    high: float,
    ticks: str,
    below: str,
    label: str,
    theme: Theme,
    width: float,
) -> Picture:
    """Names with their values from low to high; below says what the axis is."""
    size = 10.5 if width < NARROW else 12.5
    tall = size * 1.75
    canvas = Canvas(width, tall * len(lines) + size * 4, theme, size)
    left = 8 + canvas.widest([line.name for line in lines])
    right = width - 14 - canvas.widest([line.text for line in lines])
    bottom = tall * len(lines)
    x = Scale(low, high, left, right)
    x.grid_across(canvas, 0, bottom, lambda value: f"{value:{ticks}}")
    for index, line in enumerate(lines):
        y = tall * (index + 0.5)
        canvas.text(left - 8, y + size * 0.34, line.name, "ink", "end")
        canvas.line(x(low), y, x(line.value), y, line.role, 2.2)
        canvas.circle(x(line.value), y, 4, line.role, tip=line.tip)
        canvas.text(x(line.value) + 9, y + size * 0.34, line.text, weight=600)
    canvas.text(width if width < NARROW else right, bottom + size * 2.9, below, "muted", "end")
    return canvas.picture(label)


def power(rows: Sequence[Row], theme: Theme = NOTEBOOK, width: float = 860) -> Picture:
    """Out-of-time AUC of single features, folded so that further right is always more telling."""
    rows = [row for row in rows if row["strength"] is not None]
    lines = [
        Ranked(
            row["feature"],
            row["strength"],
            f"{row['strength']:.3f} {'↑' if row['auc'] >= 0.5 else '↓'}",
            row["feature_group"],
            f"{row['feature']}: AUC {row['auc']:.3f} on {row['auc_loans']:,} loans",
        )
        for row in rows
    ]
    return _ranking(
        lines,
        0.5,
        max(0.6, math.ceil(max((line.value for line in lines), default=0.6) * 20) / 20),
        ".2f",
        "AUC alone; riskier: ↑ the higher, ↓ the lower",
        "Out-of-time AUC of single features: "
        + ", ".join(f"{line.name} {line.value:.3f}" for line in lines[:5]),
        theme,
        width,
    )


def importance(rows: Sequence[Row], theme: Theme = NOTEBOOK, width: float = 860) -> Picture:
    """AUC lost when a factor is shuffled, largest first (baseline.importance)."""
    lines = [
        Ranked(row["factor"], max(row["lost"], 0), f"{row['lost']:.3f}", "accent") for row in rows
    ]
    return _ranking(
        lines,
        0,
        max((line.value for line in lines), default=0) or 0.1,
        ".2f",
        "AUC lost when the factor is shuffled between the loans",
        "AUC lost when a factor is shuffled: "
        + ", ".join(f"{line.name} {line.text}" for line in lines[:5]),
        theme,
        width,
    )


def group_power(
    rows: Sequence[Row],
    theme: Theme = NOTEBOOK,
    width: float = 860,
    size: float = 12.5,
    tall: float = 30,
) -> Picture:
    """Out-of-time AUC of a light model per set of features (queries.group_power)."""
    canvas = Canvas(width, tall * len(rows) + size * 2.2, theme, size)
    small = size * 0.86
    left = 9 + max(
        canvas.widest([row["name"] for row in rows], size),
        canvas.widest([row["note"] for row in rows], small),
    )
    lowest = min((row["lower"] for row in rows), default=0.5)
    x = Scale(min(0.5, math.floor(lowest * 10) / 10), 1, left, width - canvas.text_width("0.000"))
    bottom = tall * len(rows)
    x.grid_across(canvas, 0, bottom, lambda value: f"{value:.1f}")
    for index, row in enumerate(rows):
        y = tall * (index + 0.5)
        thick = tall * 0.52
        up = -size * 0.1 if row["note"] else size * 0.34
        canvas.text(left - 9, y + up, row["name"], anchor="end", weight=600)
        canvas.text(left - 9, y + size * 0.9, row["note"], "muted", "end", size=small)
        ends = sorted((x(0.5), x(row["auc"])))
        canvas.rect(ends[0], y - thick / 2, ends[1] - ends[0], thick, row["role"], 0.85, 2)
        canvas.line(x(row["lower"]), y, x(row["upper"]), y, "ink", 1.1)
        for end in ("lower", "upper"):
            canvas.line(x(row[end]), y - 3, x(row[end]), y + 3, "ink", 1.1)
        text = f"{row['auc']:.3f}"
        at = x(row["upper"]) + 6
        canvas.rect(
            at - 2, y - size * 0.6, canvas.text_width(text, size * 1.1), size * 1.2, "paper"
        )
        canvas.text(at, y + size * 0.38, text, size=size * 1.1, weight=700)
    return canvas.picture(
        "Out-of-time AUC: " + ", ".join(f"{row['name']} {row['auc']:.3f}" for row in rows)
    )


# --- credit models ------------------------------------------------------------------------------

MODEL_COLORS = ("accent", "loan_history", "clickstream", "muted")


@dataclass(frozen=True)
class Curve:
    """A line through points of shares, both from 0 to 1."""

    name: str
    role: str
    points: Sequence[tuple[float, float]]
    has_dots: bool = False


def _shares(
    curves: Sequence[Curve], title: str, across: str, up: str, theme: Theme, has_diagonal: bool
) -> tuple[Canvas, Scale, Scale]:
    """Curves in a square from 0 to 1, with a legend and the names of the axes."""
    canvas = Canvas(400, 420, theme, 12)
    canvas.text(0, 12, title, size=14, weight=700)
    for index, curve in enumerate(curves):
        canvas.line(0, 28 + 17 * index, 14, 28 + 17 * index, curve.role, 2.4)
        canvas.text(20, 32 + 17 * index, curve.name)
    top = 38 + 17 * len(curves)
    x, y = Scale(0, 1, 38, 392), Scale(0, 1, 378, top + 18)
    canvas.text(0, top + 4, up, "muted")
    canvas.text(392, 415, across, "muted", "end")
    x.grid_across(canvas, y(1), y(0), percents)
    y.grid_up(canvas, x(0), x(1), percents, 5)
    if has_diagonal:
        canvas.line(x(0), y(0), x(1), y(1), "faint", 1.2, "4 3")
    for curve in curves:
        places = [(x(a), y(b)) for a, b in curve.points]
        canvas.path(polygon(places), stroke=curve.role, width=2)
        for place in places if curve.has_dots else ():
            canvas.circle(*place, 3.4, curve.role, "paper")
    return canvas, x, y


def roc(models: Mapping[str, Row], theme: Theme = NOTEBOOK) -> Picture:
    """ROC curves by name of the model: its AUC and points (baseline.roc)."""
    curves = [
        Curve(f"{name}: AUC {row['auc']:.3f}", role, row["points"])
        for role, (name, row) in zip(MODEL_COLORS, models.items(), strict=False)
    ]
    canvas, _, _ = _shares(
        curves,
        "ROC",
        "share of the repaid loans flagged",
        "share of the defaults flagged",
        theme,
        True,
    )
    return canvas.picture("ROC curves; " + ", ".join(curve.name for curve in curves))


def ks(rows: Sequence[Row], theme: Theme = NOTEBOOK) -> Picture:
    """Shares of defaults and repaid loans found, riskiest first, and their gap (baseline.found)."""
    curves = [
        Curve(name, role, [(row["share"], row[column]) for row in rows])
        for name, role, column in (
            ("defaults", "bad", "defaults"),
            ("repaid loans", "accent", "repaid"),
        )
    ]
    canvas, x, y = _shares(
        curves,
        "Kolmogorov-Smirnov",
        "share of the loans, riskiest first",
        "share found",
        theme,
        False,
    )
    most = max(rows, key=lambda row: row["defaults"] - row["repaid"])
    gap = most["defaults"] - most["repaid"]
    at = x(most["share"])
    canvas.line(at, y(most["defaults"]), at, y(most["repaid"]), "ink", 1.4)
    canvas.text(at + 6, y(most["repaid"] + gap / 2), f"KS {gap:.2f}", weight=700)
    return canvas.picture(f"Defaults and repaid loans found, riskiest first: KS {gap:.2f}")


def calibration(models: Mapping[str, Sequence[Row]], theme: Theme = NOTEBOOK) -> Picture:
    """Predicted against observed default rate by tenth of the scores (baseline.deciles)."""
    curves = [
        Curve(name, role, [(row["predicted"], row["observed"]) for row in rows], True)
        for role, (name, rows) in zip(MODEL_COLORS, models.items(), strict=False)
    ]
    canvas, _, _ = _shares(
        curves,
        "Calibration by tenth of the scores",
        "default rate predicted",
        "default rate observed",
        theme,
        True,
    )
    return canvas.picture(f"Predicted and observed default rate of {', '.join(models)} by tenth")


def lift(rows: Sequence[Row], theme: Theme = NOTEBOOK) -> Picture:
    """Default rate of each tenth of the loans over the average, riskiest first."""
    canvas = Canvas(400, 420, theme, 12)
    canvas.text(0, 12, "Lift", size=14, weight=700)
    canvas.text(0, 42, "default rate over the average", "muted")
    y = Scale(0, max(row["lift"] for row in rows) * 1.08, 378, 56)
    y.grid_up(canvas, 26, 400, lambda value: f"{value:g}")
    step = 374 / len(rows)
    for index, row in enumerate(rows):
        x = 26 + step * index
        canvas.rect(x + step * 0.12, y(row["lift"]), step * 0.76, y(0) - y(row["lift"]), "accent")
        canvas.text(x + step / 2, y(row["lift"]) - 4, f"{row['lift']:.1f}", anchor="middle")
        canvas.text(x + step / 2, 394, str(row["tenth"]), "muted", "middle")
    canvas.line(26, y(1), 400, y(1), "ink", 1, "4 3")
    canvas.text(400, 415, "tenth of the loans, riskiest first", "muted", "end")
    return canvas.picture(
        "Lift by tenth of the loans: " + ", ".join(f"{row['lift']:.1f}" for row in rows)
    )


# --- point-in-time joins ------------------------------------------------------------------------


def used_months(
    months: Sequence[date],
    used: Mapping[str, Sequence[bool]],
    application_date: date,
    label_date: date,
    right: str,
    theme: Theme = NOTEBOOK,
    width: float = 860,
) -> Picture:
    """One customer's months, a line per way to join: which of them each way puts into a feature.

    Filled: used. Red: dated after the application. right: the way whose name is in bold.
    """
    size, tall, top = 12.5, 34.0, 30.0
    canvas = Canvas(width, top + tall * len(used) + 26, theme, size)
    left = 16 + canvas.widest(list(used))
    x = Days(months[0], months[-1], left, width - left - 8)
    bottom = top + tall * len(used)
    for day, words, dashes in (
        (application_date, "application", ""),
        (label_date, "label known", "4 3"),
    ):
        canvas.line(x(day), top - 8, x(day), bottom, "ink", 1.4, dashes)
        place, anchor = inside(x(day), words, size, width)
        canvas.text(place, top - 14, words, anchor=anchor, weight=600)
    for index, (way, taken) in enumerate(used.items()):
        y = top + tall * (index + 0.5)
        weight = 700 if way == right else 400
        canvas.text(left - 16, y + size * 0.34, way, anchor="end", weight=weight)
        for day, is_used in zip(months, taken, strict=True):
            role = "bad" if day > application_date else "clickstream"
            canvas.circle(x(day), y, 5, role if is_used else "paper", role, tip=f"{day}")
    x.label(canvas, canvas.height - 5)
    after = {
        way: sum(u for u, day in zip(taken, months, strict=True) if day > application_date)
        for way, taken in used.items()
    }
    return canvas.picture(
        "Months after the application that go into a feature: "
        + ", ".join(f"{way} {count}" for way, count in after.items())
    )


def shown_and_kept(
    rows: Sequence[Row], right: str, theme: Theme = NOTEBOOK, width: float = 860
) -> Picture:
    """The AUC that each way to join shows beside the one it keeps in use (baseline.judge).

    rows: name, shown, kept; right: the name of the honest way.
    """
    size, tall = 12.5, 34.0
    canvas = Canvas(width, 20 + tall * len(rows) + 40, theme, size)
    left = 12 + canvas.widest([row["name"] for row in rows], size)
    values = [row[which] for row in rows for which in ("shown", "kept")]
    texts = [f"shows {row['shown']:.3f}, keeps {row['kept']:.3f}" for row in rows]
    room = 0.04 + (max(values) - min(values)) * 0.1
    high = min(1.0, max(values) + room)
    x = Scale(min(values) - room, high, left, width - 16 - canvas.widest(texts, size))
    bottom = 20 + tall * len(rows)
    canvas.text(
        left, 11, "AUC on later loans; filled: as the build shows it, hollow: in use", "muted"
    )
    x.grid_across(canvas, 20, bottom, lambda value: f"{value:.2f}")
    for index, (row, text) in enumerate(zip(rows, texts, strict=True)):
        y = 20 + tall * (index + 0.5)
        role, weight = ("good", 700) if row["name"] == right else ("bad", 400)
        canvas.text(left - 12, y + size * 0.34, row["name"], anchor="end", weight=weight)
        canvas.line(x(row["shown"]), y, x(row["kept"]), y, "faint", 2.4)
        canvas.circle(x(row["shown"]), y, 6, role, role)
        if row["name"] != right:
            canvas.circle(x(row["kept"]), y, 6, "paper", role)
        canvas.text(x(max(row["shown"], row["kept"])) + 12, y + size * 0.34, text)
    return canvas.picture(
        "; ".join(f"{row['name']} {text}" for row, text in zip(rows, texts, strict=True))
    )


# --- runs ---------------------------------------------------------------------------------------

STEP_COLORS = {
    "inspect": "accent",
    "land": "bronze",
    "build": "silver",
    "summarise": "gold",
    "report": "muted",
    "publish": "good",
}


def timings(
    rows: Sequence[Row], theme: Theme = NOTEBOOK, width: float = 860, size: float = 12.5
) -> Picture:
    """Seconds per step of the last runs, the latest at the bottom."""
    canvas = Canvas(width, 0, theme, size)
    steps = list(dict.fromkeys(step for row in rows for step in row["seconds"]))
    tall = size * 1.9
    left = 10 + canvas.widest([row["run_id"] for row in rows], size * 1.1)
    top = size * 0.5 + canvas.legend(0, [(STEP_COLORS.get(s, "accent"), 1, s) for s in steps])
    canvas.height = top + tall * len(rows) + 4
    most = max((row["total"] for row in rows), default=1) or 1
    wide = Scale(0, most, 0, width - left - size * 5)
    for index, row in enumerate(rows):
        y = top + tall * index
        is_last = index == len(rows) - 1
        role, weight = ("ink", 700) if is_last else ("muted", 400)
        canvas.text(0, y + tall * 0.6, row["run_id"], role, weight=weight)
        x = left
        for step, seconds in row["seconds"].items():
            canvas.rect(
                x,
                y + 2,
                wide(seconds),
                tall - 6,
                STEP_COLORS.get(step, "accent"),
                opacity=1 if is_last else 0.6,
                tip=f"{step}: {seconds:.1f} s",
            )
            x += wide(seconds)
        canvas.text(x + 6, y + tall * 0.6, f"{row['total']:.1f} s", weight=600)
    return canvas.picture(
        "Seconds per run: " + ", ".join(f"{row['run_id']} {row['total']:.1f}" for row in rows)
    )


# --- pictures of the deck -----------------------------------------------------------------------


def money(
    rows: Sequence[Row],
    label_month: int,
    theme: Theme = NOTEBOOK,
    width: float = 616,
    height: float = 330,
) -> Picture:
    """Unpaid money by month on book, from the decision to the end of the term."""
    canvas = Canvas(width, height, theme, 12)
    last = max(row["mob"] for row in rows)
    x = Scale(0, last, 46, width - 22)
    y = Scale(0, (float(max(row["overdue"] for row in rows)) or 1.0) * 1.06, height - 46, 30)
    y.grid_up(canvas, x(0), x(last), compact)
    points = [(x(row["mob"]), y(float(row["overdue"]))) for row in rows]
    canvas.path(polygon([*points, (x(last), y(0)), (x(0), y(0))]) + "Z", "bad", opacity=0.16)
    canvas.path(polygon(points), stroke="bad", width=2.6)
    for row in rows:
        canvas.text(x(row["mob"]), y(0) + 17, str(row["mob"]), "muted", "middle")
    canvas.text(x(last / 2), y(0) + 36, "months since the application", "muted", "middle")
    for mob, head, line, anchor in (
        (0, "the decision", "nothing is known of the loan", "start"),
        (label_month, "the label", "default or not is known", "end"),
    ):
        if mob > last:
            continue
        canvas.line(x(mob), 8, x(mob), y(0), "ink", 1.2)
        shift = 8 if anchor == "start" else -8
        canvas.text(x(mob) + shift, 18, head, anchor=anchor, weight=700, size=13)
        canvas.text(x(mob) + shift, 34, line, "muted", anchor)
    end = rows[-1]
    unpaid = f"{compact(float(end['overdue']))} unpaid"
    canvas.circle(x(last), y(float(end["overdue"])), 4.5, "bad", "paper")
    canvas.text(
        x(last) - 10, y(float(end["overdue"])) - 1, unpaid, "bad", "end", size=15, weight=700
    )
    return canvas.picture(f"Unpaid money by month on book, {end['overdue']:,} at month {last}")


# Role and opacity differ in lightness too, and a repair is hollow: they are told apart in grey.
DIRT = {
    "placeholder": ("warn", 1, "a filler: unknown"),
    "out_of_range": ("bad", 1, "impossible: unknown"),
    "inconsistent": ("loan_history", 0.75, "contradicts its row: unknown"),
    "not_a_number": ("attributes", 1, "not a number: unknown"),
    "not_accepted": ("clickstream", 1, "no such value: unknown"),
    "no_amount_due": ("muted", 1, "nothing due to count by: unknown"),
    "trailing_underscore": ("silver", 0.4, "stray underscore: read without it"),
    "repaired": ("good", 0, "repaired from another column"),
}


def dirt(
    rows: Sequence[Row],
    theme: Theme = NOTEBOOK,
    width: float = 860,
    height: float = 360,
    shown: int = 16,
) -> Picture:
    """Dirty values per column, by what is wrong and what became of it, with raw values.

    rows: queries.cleaning and queries.stray_underscores.
    """
    canvas = Canvas(width, height, theme, 11.5)
    columns: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: list(DIRT).index(row["reason"])):
        columns.setdefault(row["column"], []).append(row)
    count = {name: sum(row["row_count"] for row in parts) for name, parts in columns.items()}
    ordered = sorted(columns, key=lambda name: (-count[name], name))
    top = canvas.legend(0, [entry for kind, entry in DIRT.items() if _is_there(rows, kind)])
    left, right = 150.0, 150.0
    ordered, rest = ordered[:shown], ordered[shown:]
    tall = (height - top) / (len(ordered) + bool(rest) or 1)
    wide = Scale(0, max(count.values(), default=1), 0, width - left - right)
    for index, name in enumerate(ordered):
        y = top + tall * index
        canvas.text(left - 8, y + tall * 0.5 + 4, name, "ink", "end")
        x = left
        for row in columns[name]:
            role, opacity, _ = DIRT[row["reason"]]
            canvas.rect(x, y + tall * 0.16, wide(row["row_count"]), tall * 0.68, role, opacity)
            x += max(wide(row["row_count"]), 0.8)
        text = f"{count[name]:,}"
        canvas.text(x + 6, y + tall * 0.5 + 4, text, weight=700)
        each = 1 if len(columns[name]) > 1 else 2
        examples = [value for row in columns[name] for value in row["examples"][:each]][:2]
        sample = " · ".join(value if len(value) <= 14 else value[:13] + "…" for value in examples)
        canvas.text(
            x + 15 + 1.1 * canvas.text_width(text), y + tall * 0.5 + 4, sample, "muted", size=10.8
        )
    if rest:
        names = ", ".join(rest) if len(rest) < 3 else f"{len(rest)} more columns"
        text = f"and {sum(count[name] for name in rest):,} in {names}"
        canvas.text(left, top + tall * (len(ordered) + 0.5) + 4, text, "muted")
    return canvas.picture(
        "Dirty values per column: " + ", ".join(f"{name} {count[name]:,}" for name in ordered[:5])
    )


def _is_there(rows: Sequence[Row], reason: str) -> bool:
    return any(row["reason"] == reason for row in rows)


def timeline(row: Row, theme: Theme = NOTEBOOK, width: float = 860, height: float = 326) -> Picture:
    """One loan: what was known on the day of its application, and what came later."""
    canvas = Canvas(width, height, theme, 12.5)
    day, label_day = row["application_date"], row["label_date"]
    snapshots = {group: row[f"{group}_snapshot_date"] for group in ("attributes", "financials")}
    dates = [*row["months"], *(item["date"] for item in row["repayments"]), day, label_day]
    dates += [date_ for date_ in snapshots.values() if date_]
    heads = ("attributes, financials", "clickstream, fe_10", "repayments")
    left, top, bottom = 12 + 1.06 * canvas.widest(heads), 24.0, height - 24
    x = Days(min(dates), max(dates), left + 10, width - left - 24)
    y_profile, y_click, tall, y_loan = top + 46, top + 132, 104.0, bottom - 44
    canvas.rect(left, top, x(day) - left, bottom - top, "clickstream", 0.11, 3)
    canvas.rect(x(day), top, x(label_day) - x(day), bottom - top, "warn", 0.13)
    for begin, end, words, role in (
        (left, x(day), "known: features", "clickstream"),
        (x(day), x(label_day), "label window", "warn"),
    ):
        canvas.text((begin + end) / 2, top + 18, words, role, "middle", 14, 700)
    past = f"mean of the past {row['fe_10_mean_all']:,.0f}"
    for y, head, text, role in (
        (y_profile, heads[0], "the latest snapshot", "muted"),
        (y_click, heads[1], "one reading a month,", "muted"),
        (y_click + 16, "", past, "clickstream"),
        (y_loan, heads[2], "days past due", "muted"),
    ):
        canvas.text(0, y, head, weight=700)
        canvas.text(0, y + 16, text, role, size=12)
    canvas.line(x(day), top - 6, x(day), bottom, "ink", 1.8)
    for (group, date_), y in zip(snapshots.items(), (y_profile - 8, y_profile + 8), strict=True):
        if date_:
            canvas.rect(x(date_) - 6, y - 6, 12, 12, group, radius=2)
    if any(snapshots.values()):
        used = min(x(date_) for date_ in snapshots.values() if date_)
        canvas.text(used - 13, y_profile + 4, "used", "financials", "end", weight=700)
    readings = [value for value in row["readings"] if value is not None]
    low, high = min(readings), max(readings)
    y_of = Scale(low, high + (low == high), y_click + tall / 2, y_click - tall / 2)
    mean = y_of(row["fe_10_mean_all"])
    canvas.line(left, mean, x(day), mean, "clickstream", 1.4, "5 3")
    for date_, value in zip(row["months"], row["readings"], strict=True):
        if value is not None and date_ <= day:
            canvas.circle(x(date_), y_of(value), 5, "clickstream")
        elif value is not None:
            canvas.circle(x(date_), y_of(value), 4.2, "paper", "faint")
    after = sum(date_ > day for date_ in row["months"])
    if after:
        text = f"{after} later months in the file: never used"
        canvas.text(width, y_click + tall * 0.5 + 22, text, "muted", "end")
    places = sorted(x(item["date"]) for item in row["repayments"])
    box = min([22.0, *(b - a - 1.2 for a, b in pairwise(places))])
    for item in row["repayments"]:
        late, is_label = item["dpd"] or 0, item["date"] == label_day
        role = "faint" if item["mob"] == 0 else "bad" if late >= 30 else "good"
        canvas.rect(x(item["date"]) - box / 2, y_loan - 8, box, 19, "paper", radius=3)
        canvas.rect(x(item["date"]) - box / 2, y_loan - 8, box, 19, role, 1 if is_label else 0.5, 3)
        role = "paper" if is_label else "ink"
        canvas.text(x(item["date"]), y_loan + 5, str(late), role, "middle", 10.5, 600)
    canvas.line(x(label_day), y_loan + 11, x(label_day), y_loan + 24, "bad", 1.6)
    text = f"the label: {row['days_past_due']} days past due, a default"
    place, anchor = inside(x(label_day), text, 13, width)
    canvas.text(place, y_loan + 37, text, "bad", anchor, 13, 700)
    text = f"application {day.day} {day:%b %Y}"
    canvas.text(x(day), top - 11, text, "ink", "middle", 14, 700)
    x.label(canvas, height - 6)
    return canvas.picture("Timeline of one loan: features before, window after, label at its end")


def lineage(
    nodes: Sequence[tuple[str, str]],
    edges: Sequence[tuple[str, str]],
    apart: Mapping[str, str],
    theme: Theme = NOTEBOOK,
    width: float = 868,
    height: float = 328,
) -> Picture:
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
    tall = 25.0
    canvas = Canvas(width, height, theme, 11.5)
    wide = [max(canvas.text_width(name) for name in column) + 20 for column in columns]
    gap = (width - sum(wide)) / max(len(columns) - 1, 1)
    top, bottom = 18.0, height - (76 if apart else 0)
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
            is_followed = "clickstream" in start
            canvas.path(
                f"M{x1:.1f},{y1:.1f} C{x1 + bend:.1f},{y1:.1f} {x2 - bend:.1f},{y2:.1f}"
                f" {x2:.1f},{y2:.1f}",
                stroke="clickstream" if is_followed else "faint",
                width=2 if is_followed else 1.1,
            )
    for layer in ("bronze", "silver", "gold"):
        lefts = [box[name][0] for name, owner in layer_of.items() if owner == layer]
        if lefts:
            canvas.text(min(lefts), 12, layer.upper(), layer, size=12, weight=700)
    canvas.text(width, 12, "thick: the way of one clickstream reading", "clickstream", "end")
    for name, (x, y, box_width) in box.items():
        _model_box(canvas, x, y, box_width, tall, layer_of[name], name)
    if apart:
        canvas.line(0, bottom + 8, width, bottom + 8)
        head = "The ledger beside the line"
        canvas.text(0, bottom + 26, head, weight=700, size=12.5)
        canvas.text(
            canvas.text_width(head, 12.5) + 20,
            bottom + 26,
            "every row that is not used is named with a reason before silver reads the rest",
            "muted",
            size=12.5,
        )
    shown = [(layer, name) for layer, name in nodes if name in apart]
    x = 0.0
    for layer, name in sorted(shown, key=lambda node: list(apart).index(node[1])):
        box_width = canvas.text_width(name) + 20
        _model_box(canvas, x, bottom + 38, box_width, tall, layer, name)
        canvas.text(x + box_width + 9, bottom + 54, apart[name], "muted")
        x += width / max(len(shown), 1)
    return canvas.picture("Lineage of the models from bronze to gold")


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
            return sum(near) / len(near) if near else max(lanes.values()) + 1.5

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


def rebuild(theme: Theme = NOTEBOOK, width: float = 578, height: float = 330) -> Picture:
    """How the leakage proof works: three builds that must agree up to a month T."""
    canvas = Canvas(width, height, theme, 12.5)
    left, x_t, end = 0.0, width * 0.50, width * 0.74
    tall = 34.0
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
        canvas.text(left + canvas.text_width(head, 13) + 14, y - 9, line, "muted")
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
    return canvas.picture("Three builds that must agree up to a month T")
