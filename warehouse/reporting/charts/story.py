"""Charts that explain: one loan's time line, which months a join takes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    bold,
    chart_of,
    month_bands,
    months,
    names,
    records,
    scale,
    tips,
)
from warehouse.reporting.theme import COLORS, styled

# The two lanes of snapshots, the counters, the repayments, from the top: places on one axis.
SNAPSHOTS, COUNTERS, REPAYMENTS = 0.16, (0.32, 0.74), 0.93
LANES = {
    "attributes": SNAPSHOTS,
    "financials": SNAPSHOTS,
    "clickstream": 0,
    "clickstream_mean": 0,
    "days_past_due": REPAYMENTS,
}
ROLE = alt.Color("role:N", scale=None)


def timeline(rows: Rows) -> Any:
    """Draw what was known of a loan at its application, and what came later; gold.example_loan."""
    found = [row for row in records(rows) if row["event_date"]]
    if not found:
        return styled(chart_of([{"text": "no loan to show"}]).mark_text().encode(text="text:N"))
    by_series: dict[str, list[Row]] = {name: [] for name in LANES}
    for row in found:
        by_series.setdefault(row["series"], []).append(row)
    (applied,), (labelled,) = (
        [row["event_date"] for row in by_series[name]] for name in ("application", "label")
    )
    _place(by_series)
    mean = next((row for row in by_series["clickstream_mean"] if row["value"] is not None), None)
    y = _lanes(mean)
    layers = [
        *_zones(min(row["event_date"] for row in found), applied, labelled),
        *_snapshots(by_series["attributes"] + by_series["financials"], y),
        *_readings(by_series["clickstream"], mean, y),
        *_repayments(by_series["days_past_due"], labelled, y),
        *_application(applied),
    ]
    chart = alt.layer(*layers, description="One loan: what was known, and what came later")
    return styled(chart, height=300)


def _place(by_series: Mapping[str, list[Row]]) -> None:
    """Give each row its place on the vertical axis; counters by their value."""
    values = [row["value"] for row in by_series["clickstream"]]
    low, high = min(values), max(values)
    top, bottom = COUNTERS
    for series, place in LANES.items():
        for row in by_series[series]:
            row["place"] = place
            if series.startswith("clickstream") and row["value"] is not None:
                row["place"] = bottom - (row["value"] - low) / ((high - low) or 1) * (bottom - top)


def _lanes(mean: Row | None) -> alt.Y:
    reading = "clickstream, fe_10" + (f"|mean of the past {mean['value']:,.0f}" if mean else "")
    texts = {
        SNAPSHOTS: "profile, finances",
        sum(COUNTERS) / 2: reading,
        REPAYMENTS: "days past due",
    }
    labels = ",".join(f"'{place}':'{name}'" for place, name in texts.items())
    axis = alt.Axis(
        title=None,
        grid=False,
        values=list(texts),
        labelExpr=f"split(({{{labels}}})[datum.value], '|')",
        labelColor=COLORS["ink"],
        labelFontWeight="bold",
    )
    return alt.Y("place:Q", scale=alt.Scale(domain=[0, 1], reverse=True, nice=False), axis=axis)


def _zones(first: str, applied: str, labelled: str) -> list[Any]:
    zones = chart_of(
        [
            {"from": first, "to": applied, "text": "known: features", "role": COLORS["teal"]},
            {"from": applied, "to": labelled, "text": "label window", "role": COLORS["gold"]},
        ]
    ).encode(x=months("from"), x2="to:T", color=ROLE)
    return [
        zones.mark_rect(opacity=0.13).encode(y=alt.value(18), y2=alt.value("height")),
        bold(zones, "text:N", baseline="top").encode(y=alt.value(22)),
    ]


def _application(applied: str) -> list[Any]:
    day = date.fromisoformat(applied)
    text = f"application {day.day} {day:%b %Y}"
    base = chart_of([{"event_date": applied, "text": text}]).encode(x=months("event_date"))
    return [
        base.mark_rule(color=COLORS["ink"]).encode(y=alt.value(14), y2=alt.value("height")),
        base.mark_text(fontWeight="bold", baseline="top").encode(y=alt.value(0), text="text:N"),
    ]


def _snapshots(rows: list[Row], y: alt.Y) -> list[Any]:
    used = sorted(rows, key=lambda row: str(row["event_date"]))[-1:]
    last = chart_of(used).encode(x="event_date:T", y=y)
    return [
        chart_of(rows)
        .mark_point(shape="square", filled=True, size=110, color=COLORS["violet"], opacity=1)
        .encode(x="event_date:T", y=y),
        last.mark_text(
            align="right", dx=-10, color=COLORS["violet"], fontWeight="bold", text="used"
        ),
    ]


def _readings(rows: list[Row], mean: Row | None, y: alt.Y) -> list[Any]:
    known, later = ([row for row in rows if row["is_known"] == is_known] for is_known in (1, 0))
    teal, muted = COLORS["teal"], COLORS["muted"]
    tooltip = tips(event_date="%B %Y|month", value=",|fe_10")
    dots, rings = (
        chart_of(part).encode(x="event_date:T", y=y, tooltip=tooltip) for part in (known, later)
    )
    layers = [
        dots.mark_point(filled=True, size=60, color=teal, opacity=1),
        rings.mark_point(size=60, color=muted, fill=COLORS["paper"], opacity=1),
    ]
    if mean and known:
        span = chart_of([mean | {"from": known[0]["event_date"]}])
        rule = span.mark_rule(color=teal, strokeDash=[4, 3])
        layers.append(rule.encode(y=y, x="from:T", x2="event_date:T"))
    if later:
        text = f"{len(later)} later months in the file: never used"
        note = chart_of([later[-1] | {"place": COUNTERS[0] - 0.06}])
        note = note.mark_text(align="right", color=muted, text=text)
        layers.append(note.encode(x="event_date:T", y=y))
    return layers


def _repayments(rows: list[Row], labelled: str, y: alt.Y) -> list[Any]:
    for row in rows:
        days = row["value"] or 0
        row["text"], row["role"] = f"{days:,.0f}", COLORS["bad" if days >= 30 else "muted"]
        row["size"] = 700 if row["event_date"] == labelled else 320
    judged = [
        row | {"place": REPAYMENTS - 0.085, "text": f"the label: {row['text']} days past due"}
        for row in rows
        if row["event_date"] == labelled
    ]
    base, label = (chart_of(part).encode(x="event_date:T", y=y) for part in (rows, judged))
    return [
        base.mark_point(shape="square", filled=True, opacity=0.2).encode(
            color=ROLE, size=alt.Size("size:Q", scale=None)
        ),
        base.mark_text(fontSize=11).encode(text="text:N", color=ROLE),
        label.mark_text(color=COLORS["bad"], fontWeight="bold").encode(text="text:N"),
    ]


def used_months(
    used: Mapping[str, Sequence[date]], all_months: Sequence[date], application_date: date
) -> Any:
    """Draw which months each way of joining takes for one loan; red is after the application.

    used: the months taken, by name of the way.
    """
    found = [
        {
            "way": way,
            "month": month.isoformat()[:10],
            "state": "not used"
            if month not in taken
            else "after the application"
            if month > application_date
            else "known on the day",
        }
        for way, taken in used.items()
        for month in all_months
    ]
    colors = {"known on the day": "teal", "after the application": "bad", "not used": "line"}
    roles = {state: COLORS[role] for state, role in colors.items()}
    cells = chart_of(found, "Months taken by each way of joining").encode(
        x=month_bands("month"),
        y=names("way", sort=None),
        color=alt.Color("state:N", scale=scale(roles)),
    )
    return styled(cells.mark_rect(stroke=COLORS["paper"]), height=alt.Step(30))
