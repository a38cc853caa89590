"""A second implementation of the rules, written from DESIGN.md's text as plain loops.

It shares nothing with the macros: rows are dicts, dates are datetimes, every candidate is looked
at. Slow and obvious.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

Row = dict[str, Any]


def moment(value: date | datetime | None) -> datetime | None:
    """A date as that day's midnight, a timestamp as it is (aware ones in UTC)."""
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day)
    if value.tzinfo is not None:
        return (value - value.utcoffset()).replace(tzinfo=None)
    return value


def is_candidate(
    spine: Row,
    source: Row,
    keys: Sequence[str],
    spine_date: str,
    source_date: str,
    boundary: str = "inclusive",
    delay_days: int = 0,
    max_age_days: int | None = None,
    known_from: str | None = None,
    known_until: str | None = None,
) -> bool:
    """Return whether a source row was known to a spine row; known_* are columns of the source."""
    for key in keys:
        if spine[key] is None or source[key] is None or spine[key] != source[key]:
            return False
    asked, dated = moment(spine[spine_date]), moment(source[source_date])
    if asked is None or dated is None:
        return False

    def has_come(when: datetime | None) -> bool:
        return when is not None and (when <= asked if boundary == "inclusive" else when < asked)

    if not has_come(dated + timedelta(days=delay_days)):
        return False
    if max_age_days is not None and asked - dated > timedelta(days=max_age_days):
        return False
    if known_from is not None and not has_come(moment(source[known_from])):
        return False
    return known_until is None or not has_come(moment(source[known_until]))


def as_of(
    spine: Iterable[Row],
    source: Sequence[Row],
    keys: Sequence[str],
    columns: Sequence[str],
    spine_date: str,
    source_date: str,
    latest_by: Sequence[str] = (),
    **rule: Any,
) -> list[Row]:
    """Per spine row the winner's columns and date, as `winning_date`; nulls without candidates.

    The winner has the greatest date, then the greatest of latest_by, then of the columns.
    """
    result = []
    for row in spine:
        winner = None
        for other in source:
            if not is_candidate(row, other, keys, spine_date, source_date, **rule):
                continue
            if winner is None or _rank(other, source_date, latest_by, columns) > _rank(
                winner, source_date, latest_by, columns
            ):
                winner = other
        values = {column: winner[column] if winner else None for column in columns}
        date_used = moment(winner[source_date]) if winner else None
        result.append({**row, **values, "winning_date": date_used})
    return result


def _rank(
    row: Row, source_date: str, latest_by: Sequence[str], columns: Sequence[str]
) -> tuple[Any, ...]:
    ranked = [(row[name] is not None, row[name]) for name in [*latest_by, *columns]]
    return (
        moment(row[source_date]),
        *((there, value if there else 0) for there, value in ranked),
    )


def window(readings: Sequence[tuple[int, int | None]], months: int | None) -> Row:
    """Count, sum, mean, standard deviation and trend of (age in months, value) within a window.

    The window holds the application's own month (age 0) and the months - 1 before it.
    """
    inside = [(age, value) for age, value in readings if months is None or age < months]
    points = [(-age, value) for age, value in inside if value is not None]
    n = len(points)
    values = [value for _, value in points]
    mean = sum(values) / n if n else None
    sd = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1)) if n > 1 else None
    trend = None
    if n > 1:
        middle = sum(t for t, _ in points) / n
        spread = sum((t - middle) ** 2 for t, _ in points)
        if spread > 0:
            trend = sum((t - middle) * (v - mean) for t, v in points) / spread
    return {
        "months": len(inside),
        "count": n,
        "sum": sum(values) if n else None,
        "mean": mean,
        "sd": sd,
        "trend": trend,
    }


def months_between(earlier: date, later: date) -> int:
    """Calendar months from one date's month to the other's."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def loan_history(customer: str | None, applied: date, repayments: Iterable[Row]) -> Row:
    """What was known on `applied` of the loans the customer had taken before that day."""
    nothing = dict.fromkeys(
        (
            "months_since_last_loan",
            "earlier_worst_days_past_due",
            "earlier_current_days_past_due",
            "earlier_on_time_share",
            "earlier_open_balance",
            "loan_history_snapshot_date",
        )
    )
    if customer is None:
        return {"earlier_loans": None, **nothing}
    loans: dict[str, list[Row]] = {}
    for row in repayments:
        if (
            row["customer_id"] == customer
            and row["loan_start_date"] < applied
            and row["snapshot_date"] <= applied
        ):
            loans.setdefault(row["loan_id"], []).append(row)
    if not loans:
        return {"earlier_loans": 0, **nothing}
    latest = [max(rows, key=lambda row: row["snapshot_date"]) for rows in loans.values()]
    every = [row for rows in loans.values() for row in rows]
    due = [r["days_past_due"] for r in every if r["mob"] > 0 and r["days_past_due"] is not None]
    return {
        "earlier_loans": len(loans),
        "months_since_last_loan": months_between(
            max(row["loan_start_date"] for row in every), applied
        ),
        "earlier_worst_days_past_due": _largest(row["days_past_due"] for row in every),
        "earlier_current_days_past_due": _largest(row["days_past_due"] for row in latest),
        "earlier_on_time_share": sum(days == 0 for days in due) / len(due) if due else None,
        "earlier_open_balance": _sum(row["balance"] for row in latest),
        "loan_history_snapshot_date": max(row["snapshot_date"] for row in latest),
    }


def _largest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


def _sum(values: Iterable[Any]) -> Any:
    there = [value for value in values if value is not None]
    return sum(there) if there else None


@dataclass(frozen=True)
class Delivered:
    """A usable row of a load: its key, snapshot date and content, in the order of the load."""

    load_id: int
    landed_at: datetime
    key: str
    day: date
    content: Any


def watermarks(rows: Sequence[Delivered], stray_share: float) -> dict[int, date]:
    """Return per load the latest date that it brings in earnest."""
    found = {}
    for load_id in {row.load_id for row in rows}:
        days = sorted((row.day for row in rows if row.load_id == load_id), reverse=True)
        found[load_id] = days[math.floor(len(days) * stray_share)]
    return found


def versions(
    rows: Sequence[Delivered], delay_days: int = 0, stray_share: float = 0.0
) -> list[dict[str, Any]]:
    """Return every version of a source's keys and dates, with when it was known.

    One dict a version: key, snapshot_date, content, load_id, arrival, known_from, known_until.
    """
    marks = watermarks(rows, stray_share)
    result: list[dict[str, Any]] = []
    for key, day in {(row.key, row.day) for row in rows}:
        of_key = [row for row in rows if (row.key, row.day) == (key, day)]
        available = moment(day) + timedelta(days=delay_days)
        before: dict[str, Any] | None = None
        for load_id in sorted({row.load_id for row in of_key}):
            last = [row for row in of_key if row.load_id == load_id][-1]
            vouched = [mark for other, mark in marks.items() if other < load_id]
            arrival = "on_time"
            if before is not None:
                arrival = "correction"
            elif any(day <= mark for mark in vouched):
                arrival = "late"
            known = available if arrival == "on_time" else max(available, last.landed_at)
            if before is not None:
                before["known_until"] = known
            before = {
                "key": key,
                "snapshot_date": day,
                "content": last.content,
                "load_id": load_id,
                "arrival": arrival,
                "known_from": known,
                "known_until": None,
            }
            result.append(before)
    return result


def known_at(rows: Iterable[Row], day: date) -> list[Row]:
    """Return the versions known at the midnight that a day begins with."""
    at = moment(day)
    return [
        row
        for row in rows
        if row["known_from"] <= at and (row["known_until"] is None or at < row["known_until"])
    ]
