"""Parts that the charts share: rows from any source, axes, tooltips, labels, scales of colours."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import altair as alt

from warehouse.reporting.theme import COLORS

Row = dict[str, Any]
Rows = Any  # a DuckDB relation, a pandas frame or a sequence of mappings


def records(rows: Rows) -> list[Row]:
    """Return rows as dicts that JSON can hold: dates as ISO text, decimals as floats."""
    if hasattr(rows, "fetchall"):
        found = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    elif hasattr(rows, "to_dict"):
        found = rows.to_dict("records")
    else:
        found = rows
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, Decimal):
        return float(value)
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if value != value else value


def chart_of(rows: Sequence[Mapping[str, Any]], description: str = "") -> Any:
    """Return a chart over rows; the description is read out to those who cannot see it."""
    inline = alt.InlineData(values=[])
    inline["values"] = [dict(row) for row in rows]  # set later: checking each row takes a second
    return alt.Chart(inline, description=description or alt.Undefined)


def months(field: str = "application_month") -> alt.X:
    """A time axis of months, in UTC so that a month begins on its first day everywhere."""
    return alt.X(
        f"{field}:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            title=None, format="%b %y", grid=False, labelOverlap=True, labelSeparation=12
        ),
    )


def month_bands(field: str = "application_month") -> alt.X:
    """One band a month, for bars and cells."""
    return alt.X(
        f"{field}:O",
        scale=alt.Scale(paddingInner=0.08, paddingOuter=0),
        axis=alt.Axis(
            title=None,
            labelExpr="utcFormat(toDate(datum.value), '%b %y')",
            labelAngle=0,
            labelOverlap=True,
        ),
    )


def numbers(
    field: str, title: str | None = None, number: str | None = None, ticks: int = 5
) -> alt.Y:
    """Return a vertical axis of numbers in a format such as .0%."""
    axis = alt.Axis(title=title, tickCount=ticks, format=number or alt.Undefined)
    return alt.Y(f"{field}:Q", axis=axis)


def names(field: str, **options: Any) -> alt.Y:
    """Return an axis with a name a row, from the top."""
    return alt.Y(f"{field}:N", axis=alt.Axis(title=None, labelColor=COLORS["ink"]), **options)


def tips(**fields: str) -> list[alt.Tooltip]:
    """Return a tooltip's lines: by field its format and, behind a bar, its title."""
    lines = []
    for field, text in fields.items():
        number, _, title = text.partition("|")
        kind = "T" if "%B" in number else "Q" if number else "N"
        line = alt.Tooltip(
            f"{field}:{kind}", title=title or words(field), format=number or alt.Undefined
        )
        lines.append(line)
    return lines


def bold(chart: Any, field: str, dx: float = 6, **options: Any) -> Any:
    """Return a layer with a text in bold behind each mark of a chart."""
    return chart.mark_text(align="left", dx=dx, fontWeight="bold", **options).encode(text=field)


def stacked_months(
    rows: Sequence[Row], description: str, colors: Mapping[str, str], **tooltip: str
) -> Any:
    """Return bars of loans by month; rows: application_month, loans, kind and its place."""
    return (
        chart_of(rows, description)
        .mark_bar()
        .encode(
            x=month_bands(),
            y=numbers("loans", number=",d", ticks=4),
            color=alt.Color("kind:N", scale=scale(colors)),
            order="place:O",
            tooltip=tips(application_month="%B %Y|month", loans=",", **tooltip),
        )
    )


def words(name: str) -> str:
    """Return a name of SQL as words: loan_history becomes loan history."""
    return name.replace("_", " ")


def scale(colors: Mapping[str, str]) -> alt.Scale:
    """Return a scale of names, in this order, to these colours."""
    return alt.Scale(domain=list(colors), range=list(colors.values()))
