"""Charts that explain: one loan's time line, which months a join takes, the two clocks."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import Row, Rows, data, month_bands, months, records, scale
from warehouse.reporting.theme import COLORS, styled

# The two lanes of snapshots, the counters, the repayments, from the top: places on one axis.
SNAPSHOTS, COUNTERS, REPAYMENTS = 0.16, (0.32, 0.74), 0.93


def timeline(rows: Rows) -> Any:
    """Draw what was known of a loan at its application, and what came later; gold.example_loan."""
    found = [row for row in records(rows) if row["event_date"]]
    if not found:
        return styled(
            alt.Chart(data([{"text": "no loan to show"}])).mark_text().encode(text="text:N")
        )
    applied = next(row["event_date"] for row in found if row["series"] == "application")
    labelled = next(row["event_date"] for row in found if row["series"] == "label")
    readings = [row for row in found if row["series"] == "clickstream"]
    low, high = min(row["value"] for row in readings), max(row["value"] for row in readings)
    for row in found:
        row["place"] = _place(row, low, high)
    first = min(row["event_date"] for row in found)
    y = _lanes(found)
    zones = alt.Chart(
        data(
            [
                {"from": first, "to": applied, "text": "known: features", "role": COLORS["teal"]},
                {"from": applied, "to": labelled, "text": "label window", "role": COLORS["gold"]},
            ]
        )
    ).encode(x=alt.X("from:T", scale=alt.Scale(type="utc")), x2="to:T")
    color = alt.Color("role:N", scale=None)
    layers = [
        zones.mark_rect(opacity=0.13).encode(color=color, y=alt.value(18), y2=alt.value("height")),
        zones.mark_text(align="left", dx=6, baseline="top", fontWeight="bold").encode(
            text="text:N", y=alt.value(22), color=color
        ),
        *_snapshots(found, y),
        *_readings(found, y),
        *_repayments(found, y, labelled),
        *_marker(applied, f"application {_day(applied)}", y),
    ]
    chart = alt.layer(*layers, description="One loan: what was known, and what came later")
    return styled(chart, height=300)


def _place(row: Row, low: float, high: float) -> float:
    if row["series"] in ("clickstream", "clickstream_mean") and row["value"] is not None:
        top, bottom = COUNTERS
        return bottom - (float(row["value"]) - low) / ((high - low) or 1) * (bottom - top)
    return REPAYMENTS if row["series"] == "days_past_due" else SNAPSHOTS


def _lanes(found: Sequence[Row]) -> alt.Y:
    means = [row["value"] for row in found if row["series"] == "clickstream_mean" and row["value"]]
    mean = f"|mean of the past {means[0]:,.0f}" if means else ""
    places = {SNAPSHOTS: "profile, finances", sum(COUNTERS) / 2: f"clickstream, fe_10{mean}"}
    places[REPAYMENTS] = "days past due"
    names = ",".join(f"'{place}':'{name}'" for place, name in places.items())
    return alt.Y(
        "place:Q",
        scale=alt.Scale(domain=[0, 1], reverse=True, nice=False),
        axis=alt.Axis(
            title=None,
            grid=False,
            values=list(places),
            labelExpr=f"split(({{{names}}})[datum.value], '|')",
            labelColor=COLORS["ink"],
            labelFontWeight="bold",
        ),
    )


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%b %Y}"


def _marker(day: str, text: str, y: alt.Y) -> list[Any]:
    base = alt.Chart(data([{"event_date": day, "text": text}])).encode(x=months("event_date"))
    return [
        base.mark_rule(color=COLORS["ink"]).encode(y=alt.value(14), y2=alt.value("height")),
        base.mark_text(fontWeight="bold", baseline="top").encode(y=alt.value(0), text="text:N"),
    ]


def _snapshots(found: Sequence[Row], y: alt.Y) -> list[Any]:
    kept = [row for row in found if row["series"] in ("attributes", "financials")]
    base = alt.Chart(data(kept)).encode(x="event_date:T", y=y)
    latest = max((row["event_date"] for row in kept), default=None)
    note = [{"event_date": latest, "place": SNAPSHOTS, "text": "used"}]
    return [
        base.mark_point(shape="square", filled=True, size=110, color=COLORS["violet"], opacity=1),
        alt.Chart(data(note if latest else []))
        .mark_text(align="right", dx=-10, color=COLORS["violet"], fontWeight="bold")
        .encode(x="event_date:T", y=y, text="text:N"),
    ]


def _readings(found: Sequence[Row], y: alt.Y) -> list[Any]:
    readings = [row for row in found if row["series"] == "clickstream"]
    known = [row for row in readings if row["is_known"]]
    later = [row for row in readings if not row["is_known"]]
    average = next((row for row in found if row["series"] == "clickstream_mean"), None)
    tips = [
        alt.Tooltip("event_date:T", format="%B %Y", title="month"),
        alt.Tooltip("value:Q", title="fe_10"),
    ]
    layers: list[Any] = [
        alt.Chart(data(known))
        .mark_point(filled=True, size=60, color=COLORS["teal"], opacity=1)
        .encode(x="event_date:T", y=y, tooltip=tips),
        alt.Chart(data(later))
        .mark_point(size=60, color=COLORS["muted"], fill=COLORS["paper"], opacity=1)
        .encode(x="event_date:T", y=y, tooltip=tips),
    ]
    if average and average["value"] is not None and known:
        span = average | {"from": known[0]["event_date"]}
        base = alt.Chart(data([span])).encode(y=y)
        layers += [
            base.mark_rule(color=COLORS["teal"], strokeDash=[4, 3]).encode(
                x="from:T", x2="event_date:T"
            ),
        ]
    if later:
        note = later[-1] | {"place": COUNTERS[0] - 0.06}
        note["text"] = f"{len(later)} later months in the file: never used"
        layers.append(
            alt.Chart(data([note]))
            .mark_text(align="right", color=COLORS["muted"])
            .encode(x="event_date:T", y=y, text="text:N")
        )
    return layers


def _repayments(found: Sequence[Row], y: alt.Y, labelled: str) -> list[Any]:
    rows = [row for row in found if row["series"] == "days_past_due"]
    for row in rows:
        row["text"] = f"{row['value'] or 0:,.0f}"
        row["role"] = COLORS["bad" if (row["value"] or 0) >= 30 else "muted"]
        row["size"] = 700 if row["event_date"] == labelled else 320
    base = alt.Chart(data(rows)).encode(x="event_date:T", y=y)
    judged = [row | {"place": REPAYMENTS - 0.085} for row in rows if row["event_date"] == labelled]
    for row in judged:
        row["text"] = f"the label: {row['text']} days past due"
    return [
        base.mark_point(shape="square", filled=True, opacity=0.2).encode(
            color=alt.Color("role:N", scale=None), size=alt.Size("size:Q", scale=None)
        ),
        base.mark_text(fontSize=11).encode(text="text:N", color=alt.Color("role:N", scale=None)),
        alt.Chart(data(judged))
        .mark_text(color=COLORS["bad"], fontWeight="bold")
        .encode(x="event_date:T", y=y, text="text:N"),
    ]


def used_months(
    used: Mapping[str, Sequence[date]],
    all_months: Sequence[date],
    application_date: date,
) -> Any:
    """Draw which months each way of joining takes for one loan; red is after the application.

    used: the months taken, by name of the way.
    """
    found = [
        {
            "way": way,
            "month": month.isoformat()[:10],
            "state": "not used"
            if month not in set(taken)
            else "after the application"
            if month > application_date
            else "known on the day",
        }
        for way, taken in used.items()
        for month in all_months
    ]
    colors = {"known on the day": "teal", "after the application": "bad", "not used": "line"}
    base = alt.Chart(data(found), description="Months taken by each way of joining")
    cells = base.mark_rect(stroke=COLORS["paper"]).encode(
        x=month_bands("month"),
        y=alt.Y("way:N", sort=None, axis=alt.Axis(title=None, labelColor=COLORS["ink"])),
        color=alt.Color(
            "state:N", scale=scale({state: COLORS[role] for state, role in colors.items()})
        ),
    )
    return styled(cells, height=alt.Step(30))
