"""Charts of labels: default rates, maturity, vintages, money overdue."""

from collections import defaultdict
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    data,
    month_bands,
    month_tip,
    months,
    rates,
    records,
    words,
)
from warehouse.reporting.theme import COLORS, styled

MATURITY_COLORS = {
    "closed": "accent",
    "open": "faint",
    "repaid_early": "good",
    "stopped_past_due": "warn",
}


def label_rates(rows: Rows) -> Any:
    """Draw default rates by month with their 95 % interval; rows of gold.label_rates, one label.

    A ring marks a month whose interval does not hold the overall rate.
    """
    known = [row for row in records(rows) if row["default_rate"] is not None]
    base = alt.Chart(data(known)).encode(x=months())
    top = max((row["rate_high"] for row in known), default=1)
    tips = [
        month_tip(),
        alt.Tooltip("default_rate:Q", format=".1%", title="default rate"),
        alt.Tooltip("rate_low:Q", format=".1%", title="from"),
        alt.Tooltip("rate_high:Q", format=".1%", title="to"),
        alt.Tooltip("labelled:Q", format=",", title="labelled loans"),
    ]
    band = base.mark_area(color=COLORS["accent"], opacity=0.16).encode(
        y=rates("rate_low", scale=alt.Scale(domain=[0, min(top * 1.08, 1)])), y2="rate_high:Q"
    )
    line = base.mark_line(color=COLORS["accent"]).encode(y="default_rate:Q")
    points = base.mark_point(
        color=COLORS["accent"], fill=COLORS["accent"], size=34, opacity=1, strokeWidth=1
    ).encode(y="default_rate:Q", tooltip=tips)
    outside = alt.Chart(data([row for row in known if row["is_outside"]]))
    ring = outside.mark_point(color=COLORS["bad"], fill=COLORS["paper"], size=90, opacity=1)
    rings = [ring.encode(x=months(), y="default_rate:Q", tooltip=tips)]
    first = alt.Chart(data(known[:1]))
    rule = first.mark_rule(color=COLORS["ink"], strokeDash=[3, 3]).encode(y="overall_rate:Q")
    label = first.mark_text(align="left", dx=6, fontWeight="bold").encode(
        y="overall_rate:Q",
        x=alt.value("width"),
        text=alt.Text("overall_rate:Q", format=".1%"),
    )
    layers = [
        band,
        rule,
        line,
        points,
        *(rings if any(row["is_outside"] for row in known) else []),
        label,
    ]
    return styled(
        alt.layer(*layers, description="Default rate by month of application, 95 % interval"),
        height=200,
    )


def label_maturity(rows: Rows) -> Any:
    """Draw loans by month and state of their label; rows of gold.label_maturity_by_month."""
    found = records(rows)
    totals: dict[str, int] = defaultdict(int)
    for row in found:
        totals[row["maturity"]] += row["loans"]
    order = sorted(totals, key=lambda name: (name != "closed", name != "open", name))
    for row in found:
        row["state"] = f"{words(row['maturity'])} {totals[row['maturity']]:,}"
        row["place"] = order.index(row["maturity"])
    chart = (
        alt.Chart(data(found), description="Loans by month of application and state of their label")
        .mark_bar()
        .encode(
            x=month_bands(),
            y=alt.Y("loans:Q", axis=alt.Axis(title=None, tickCount=4, format=",d")),
            color=alt.Color(
                "state:N",
                scale=alt.Scale(
                    domain=[f"{words(name)} {totals[name]:,}" for name in order],
                    range=[COLORS[MATURITY_COLORS.get(name, "bad")] for name in order],
                ),
            ),
            order="place:O",
            tooltip=[
                month_tip(),
                alt.Tooltip("maturity:N", title="label"),
                alt.Tooltip("loans:Q", format=","),
                alt.Tooltip("last_matures_on:T", format="%d %B %Y", title="matures on"),
            ],
        )
    )
    return styled(chart, height=160)


def vintage_curves(rows: Rows) -> Any:
    """Draw the share ever past due by month on book, a line a vintage; rows of gold.vintage_curves.

    Newer vintages are darker.
    """
    found = records(rows)
    for row in found:
        year, month = row["vintage"][:4], int(row["vintage"][5:7])
        row["quarter"] = f"{year} Q{(month + 2) // 3}"
    order = sorted({row["quarter"] for row in found})
    days = found[0]["min_days_past_due"] if found else 30
    base = alt.Chart(data(found)).encode(
        x=alt.X(
            "mob:Q", axis=alt.Axis(title="month on book", grid=False, tickMinStep=1, format="d")
        ),
        y=rates("past_due_rate"),
        opacity=alt.Opacity(
            "quarter:O",
            sort=order,
            scale=alt.Scale(range=[0.25, 1]),
            legend=alt.Legend(symbolType="stroke", symbolStrokeWidth=2),
        ),
        tooltip=[
            alt.Tooltip("quarter:N", title="vintage"),
            alt.Tooltip("mob:Q", title="month on book"),
            alt.Tooltip("past_due_rate:Q", format=".1%", title=f"ever {days} days past due"),
            alt.Tooltip("loans:Q", format=","),
        ],
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
    last = found[-1]
    base = alt.Chart(data(found)).encode(
        x=alt.X(
            "mob:Q",
            axis=alt.Axis(title="months since application", grid=False, tickMinStep=1, format="d"),
        ),
        y=alt.Y("overdue_amt:Q", axis=alt.Axis(title=None, format="~s", tickCount=5)),
    )
    marks = [
        {"mob": 0, "head": "the decision", "text": "nothing is known of the loan", "align": "left"},
        {"mob": label_month, "head": "the label", "text": "default or not is known"},
    ]
    notes = alt.Chart(data(marks)).encode(x="mob:Q")
    at: Row = {"align": "left", "baseline": "top", "dx": 7}
    layers = [
        base.mark_area(color=COLORS["bad"], opacity=0.16),
        base.mark_line(color=COLORS["bad"], strokeWidth=2.4),
        notes.mark_rule(color=COLORS["ink"]),
        notes.mark_text(**at, fontWeight="bold").encode(y=alt.value(0), text="head:N"),
        notes.mark_text(**at, color=COLORS["muted"]).encode(y=alt.value(18), text="text:N"),
        alt.Chart(data([last]))
        .mark_point(color=COLORS["bad"], filled=True, size=70, opacity=1)
        .encode(x="mob:Q", y="overdue_amt:Q"),
    ]
    return styled(alt.layer(*layers, description="Money overdue by month on book"), height=300)
