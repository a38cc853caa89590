"""What the charts share: rows from any source, axes of months and rates, scales of colours."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import altair as alt

Row = dict[str, Any]
Rows = Any  # a DuckDB relation, a pandas frame or a sequence of mappings


def records(rows: Rows) -> list[Row]:
    """Return rows as dicts that JSON can hold: dates as ISO text, decimals as floats."""
    if hasattr(rows, "fetchall"):
        found = [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
    elif hasattr(rows, "to_dict"):
        found = rows.to_dict("records")
    else:
        found = [asdict(row) if is_dataclass(row) else dict(row) for row in rows]
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()[:10]
    if isinstance(value, Decimal):
        return float(value)
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    return None if value != value else value


def data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    """Return rows as the data of a chart."""
    inline = alt.InlineData(values=[])
    inline["values"] = [dict(row) for row in rows]  # set later: checking each row takes a second
    return inline


def months(field: str = "application_month", **options: Any) -> alt.X:
    """A time axis of months, in UTC so that a month begins on its first day everywhere."""
    return alt.X(
        f"{field}:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(
            title=None, format="%b %y", grid=False, labelOverlap=True, labelSeparation=12, **options
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


def rates(field: str, **options: Any) -> alt.Y:
    """Return an axis of rates in per cent."""
    return alt.Y(f"{field}:Q", axis=alt.Axis(title=None, format=".0%", tickCount=5), **options)


def month_tip(field: str = "application_month", title: str = "month") -> alt.Tooltip:
    """Return a tooltip with the month in words."""
    return alt.Tooltip(f"{field}:T", format="%B %Y", title=title)


def words(name: str) -> str:
    """Return a name of SQL as words: loan_history becomes loan history."""
    return name.replace("_", " ")


def scale(colors: Mapping[str, str]) -> alt.Scale:
    """Return a scale of names, in this order, to these colours."""
    return alt.Scale(domain=list(colors), range=list(colors.values()))
