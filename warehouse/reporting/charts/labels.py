"""Charts of labels: rates by month, maturity, vintages, money overdue, splits."""

from collections import Counter
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    bold,
    chart_of,
    months,
    numbers,
    records,
    stacked_months,
    tips,
    words,
)
from warehouse.reporting.theme import COLORS, styled

MATURITY_COLORS = {
    "closed": "accent",
    "open": "faint",
    "repaid_early": "good",
    "stopped_past_due": "warn",
}
SPLIT_COLORS = {"train": "accent", "validation": "teal", "embargo": "faint", "test": "gold"}


def label_rates(rows: Rows) -> Any:
    """Draw default rates by month with their 95 % interval; rows of gold.label_rates, one label.

    A ring marks a month whose interval does not hold the overall rate.
    """
    known = [row for row in records(rows) if row["default_rate"] is not None]
    tooltip = tips(
        application_month="%B %Y|month",
        default_rate=".1%",
        rate_low=".1%|from",
        rate_high=".1%|to",
        labelled=",|labelled loans",
    )
    top = max((row["rate_high"] for row in known), default=1)
    low = numbers("rate_low", number=".0%").scale(domain=[0, min(top * 1.08, 1)])
    overall = chart_of(known[:1]).encode(y="overall_rate:Q")
    layers = [
        overall.mark_rule(color=COLORS["ink"], strokeDash=[3, 3]),
        *_band(known, months(), low, "rate_high", "default_rate", tooltip),
        bold(overall, "overall").encode(
            x=alt.value("width"), text=alt.Text("overall_rate:Q", format=".1%")
        ),
    ]
    outside = [row for row in known if row["is_outside"]]
    if outside:
        ring = chart_of(outside).encode(x=months(), y="default_rate:Q", tooltip=tooltip)
        ring = ring.mark_point(color=COLORS["bad"], fill=COLORS["paper"], size=90, opacity=1)
        layers.insert(-1, ring)
    description = "Default rate by month of application, 95 % interval"
    return styled(alt.layer(*layers, description=description), height=200)


def auc_by_month(rows: Rows) -> Any:
    """Draw how well scores rank, by month, with the 95 % interval.

    rows: month, auc, auc_low, auc_high, labels (their number), auc_so_far (a dashed line).
    """
    found = records(rows)
    tooltip = tips(month="%B %Y", auc=".3f|AUC", auc_low=".3f|from", auc_high=".3f|to", labels=",")
    low = min(row["auc_low"] for row in found)
    y = numbers("auc_low").scale(domain=[min(low, 0.5), 1], nice=False)
    so_far = chart_of(found).encode(x=months("month"), y="auc_so_far:Q")
    last = chart_of(found[-1:]).encode(x=months("month"), y="auc_so_far:Q")
    layers = [
        *_band(found, months("month"), y, "auc_high", "auc", tooltip),
        so_far.mark_line(color=COLORS["ink"], strokeDash=[3, 3]),
        bold(last.transform_calculate(text="'all so far'"), "text:N"),
    ]
    description = "AUC of the scores by the month in which their labels became known"
    return styled(alt.layer(*layers, description=description), height=220)


def _band(
    rows: list[Row], x: alt.X, low: alt.Y, high: str, middle: str, tooltip: list[alt.Tooltip]
) -> list[Any]:
    """Return a line with its points, and the interval around it."""
    base, blue = chart_of(rows).encode(x=x), COLORS["accent"]
    points = base.mark_point(color=blue, fill=blue, size=34, opacity=1, strokeWidth=1)
    return [
        base.mark_area(color=blue, opacity=0.16).encode(y=low, y2=f"{high}:Q"),
        base.mark_line(color=blue).encode(y=f"{middle}:Q"),
        points.encode(y=f"{middle}:Q", tooltip=tooltip),
    ]


def label_maturity(rows: Rows) -> Any:
    """Draw loans by month and state of their label; rows of gold.label_maturity_by_month."""
    found = records(rows)
    totals: Counter[str] = Counter()
    for row in found:
        totals[row["maturity"]] += row["loans"]
    order = sorted(totals, key=lambda name: (name != "closed", name != "open", name))
    texts = {name: f"{words(name)} {totals[name]:,}" for name in order}
    for row in found:
        row["kind"], row["place"] = texts[row["maturity"]], order.index(row["maturity"])
    colors = {texts[name]: COLORS[MATURITY_COLORS.get(name, "bad")] for name in order}
    description = "Loans by month of application and state of their label"
    chart = stacked_months(
        found, description, colors, maturity="|label", last_matures_on="%d %B %Y|matures on"
    )
    return styled(chart, height=160)


def splits(rows: Rows) -> Any:
    """Draw the training set by month and split; rows of gold.split_summary."""
    found = records(rows)
    there = [name for name in SPLIT_COLORS if any(row["split"] == name for row in found)]
    for row in found:
        row["kind"], row["place"] = row["split"], there.index(row["split"])
    colors = {name: COLORS[SPLIT_COLORS[name]] for name in there}
    description = "Labelled loans by month of application and split"
    chart = stacked_months(found, description, colors, split="", default_rate=".1%")
    return styled(chart, height=140)


def vintage_curves(rows: Rows) -> Any:
    """Draw the share ever past due by month on book, a line a vintage; rows of gold.vintage_curves.

    Newer vintages are darker.
    """
    found = records(rows)
    for row in found:
        year, month = row["vintage"][:4], int(row["vintage"][5:7])
        row["quarter"] = f"{year} Q{(month + 2) // 3}"
    days = found[0]["min_days_past_due"] if found else 30
    base = chart_of(found).encode(
        x=_months_on_book("month on book"),
        y=numbers("past_due_rate", number=".0%"),
        opacity=alt.Opacity(
            "quarter:O",
            sort=sorted({row["quarter"] for row in found}),
            scale=alt.Scale(range=[0.25, 1]),
            legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=2),
        ),
        tooltip=tips(
            quarter="|vintage",
            mob="d|month on book",
            past_due_rate=f".1%|ever {days} days past due",
            loans=",",
        ),
    )
    chart = alt.layer(
        base.mark_line(color=COLORS["accent"]),
        base.mark_point(color=COLORS["accent"], filled=True, size=16),
        description=f"Share of loans ever {days} days past due, by month on book",
    )
    return styled(chart, height=200)


def overdue_money(rows: Rows, label_month: int) -> Any:
    """Draw the money overdue by month on book; rows of gold.overdue_by_month_on_book.

    label_month: the month on book at which the label looks.
    """
    found = records(rows)
    x, y = _months_on_book("months since application"), numbers("overdue_amt", number="~s")
    base, last = (chart_of(part).encode(x=x, y=y) for part in (found, found[-1:]))
    notes = chart_of(
        [
            {"mob": 0, "head": "the decision", "text": "nothing is known of the loan"},
            {"mob": label_month, "head": "the label", "text": "default or not is known"},
        ]
    ).encode(x="mob:Q")
    text = notes.mark_text(align="left", baseline="top", dx=7, color=COLORS["muted"])
    layers = [
        base.mark_area(color=COLORS["bad"], opacity=0.16),
        base.mark_line(color=COLORS["bad"], strokeWidth=2.4),
        notes.mark_rule(color=COLORS["ink"]),
        bold(notes, "head:N", dx=7, baseline="top").encode(y=alt.value(0)),
        text.encode(y=alt.value(18), text="text:N"),
        last.mark_point(color=COLORS["bad"], filled=True, size=70, opacity=1),
    ]
    return styled(alt.layer(*layers, description="Money overdue by month on book"), height=300)


def _months_on_book(title: str) -> alt.X:
    return alt.X("mob:Q", axis=alt.Axis(title=title, grid=False, tickMinStep=1, format="d"))
