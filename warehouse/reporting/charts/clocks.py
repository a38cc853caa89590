"""The two clocks in one picture: the day that a row describes, and the day on which it is known."""

from typing import Any

import altair as alt

from warehouse.reporting.charts.base import Row, data
from warehouse.reporting.theme import COLORS, styled

FIRST, LAST, LOADED = "2024-01-20", "2024-10-12", "2024-06-10"
LANES = (
    {
        "lane": "income of 1 Feb|on time",
        "day": "2024-02-01",
        "known_from": "2024-02-01",
        "known_until": LOADED,
        "value": "3,000",
        "note": "until corrected",
        "hex": COLORS["accent"],
    },
    {
        "lane": "income of 1 Feb|a correction",
        "day": "2024-02-01",
        "known_from": LOADED,
        "known_until": LAST,
        "value": "2,400",
        "note": "",
        "hex": COLORS["bad"],
    },
    {
        "lane": "income of 1 Mar|late-arriving",
        "day": "2024-03-01",
        "known_from": LOADED,
        "known_until": LAST,
        "value": "2,500",
        "note": "",
        "hex": COLORS["violet"],
    },
)
APPLICATIONS: tuple[Row, ...] = (
    {"day": "2024-04-01", "lane": 0, "name": "application 1", "uses": "uses 3,000, for good"},
    {"day": "2024-08-20", "lane": 2, "name": "application 2", "uses": "uses 2,500, the latest"},
)


def two_clocks(font_size: float = 13) -> Any:
    """Draw one customer's rows with a correction and a late one, and what two applications see.

    A circle is the day that a row describes, a bar the time during which this version is known. An
    application sees the bars that cross its line, and uses the one of the latest day.
    """
    color = alt.Color("hex:N", scale=None)
    y = alt.Y(
        "lane:N",
        scale=alt.Scale(domain=[row["lane"] for row in LANES], paddingOuter=0.3, paddingInner=0.4),
        axis=alt.Axis(title=None, labelExpr="split(datum.value, '|')", labelColor=COLORS["ink"]),
    )
    day = alt.X(
        "day:T",
        scale=alt.Scale(type="utc", domain=[FIRST, LAST]),
        axis=alt.Axis(title=None, format="%b", grid=False, tickCount="month"),
    )
    base = alt.Chart(data(LANES)).encode(y=y)
    bars = base.mark_bar(height={"band": 0.9}, opacity=0.2, cornerRadius=3)
    waits = base.mark_rule(strokeDash=[2, 3], strokeWidth=1.5)
    days = base.mark_point(size=100, strokeWidth=2, fill=COLORS["paper"], opacity=1)
    values = base.mark_text(align="left", dx=10, fontWeight="bold")
    notes = base.mark_text(align="right", dx=-8, color=COLORS["muted"])
    layers = [
        _load(),
        bars.encode(x=alt.X("known_from:T"), x2="known_until:T", color=color),
        waits.encode(x=day, x2="known_from:T", color=color),
        days.encode(x=day, stroke=color),
        values.encode(x="known_from:T", text="value:N"),
        notes.encode(x="known_until:T", text="note:N"),
        *_applications(y),
    ]
    chart = alt.layer(
        *layers,
        description=(
            "Two clocks. The income of 1 February is delivered on time as 3,000. A load of 10 June"
            " corrects it to 2,400 and brings the income of 1 March, 2,500, late. Application 1 on"
            " 1 April uses 3,000 and keeps it; application 2 on 20 August uses 2,500."
        ),
    )
    return styled(chart, width=640, height=230, font_size=font_size)


def _load() -> Any:
    base = alt.Chart(data([{"day": LOADED, "text": "load of 10 June"}])).encode(x="day:T")
    rule = base.mark_rule(color=COLORS["faint"], strokeWidth=6, opacity=0.5)
    text = base.mark_text(color=COLORS["muted"], baseline="top").encode(
        y=alt.value(-38), text="text:N"
    )
    return alt.layer(rule.encode(y=alt.value(-18), y2=alt.value("height")), text)


def _applications(y: alt.Y) -> list[Any]:
    found = [row | {"lane": LANES[row["lane"]]["lane"]} for row in APPLICATIONS]
    base = alt.Chart(data(found)).encode(x="day:T")
    return [
        base.mark_rule(color=COLORS["ink"], strokeWidth=1.5).encode(
            y=alt.value(0), y2=alt.value("height")
        ),
        base.mark_text(fontWeight="bold", baseline="top").encode(y=alt.value(-38), text="name:N"),
        base.mark_text(color=COLORS["good"], fontWeight="bold", baseline="top").encode(
            y=alt.value(-20), text="uses:N"
        ),
        base.mark_point(
            shape="circle", filled=True, size=150, color=COLORS["good"], opacity=1
        ).encode(y=y),
    ]
