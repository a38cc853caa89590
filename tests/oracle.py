"""A second implementation of the rules, written from DESIGN.md's text as plain loops.

It shares nothing with the macros: rows are dicts, dates are datetimes, every candidate is looked
at. Slow and obvious.
"""

import math
from collections.abc import Iterable, Sequence
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
    recorded_at: str | None = None,
    known_at: Any = None,
) -> bool:
    """Whether a source row was known to a spine row; known_at is a moment or a spine column."""
    for key in keys:
        if spine[key] is None or source[key] is None or spine[key] != source[key]:
            return False
    asked, dated = moment(spine[spine_date]), moment(source[source_date])
    if asked is None or dated is None:
        return False
    available = dated + timedelta(days=delay_days)
    if available > asked or (boundary == "strict" and available == asked):
        return False
    if max_age_days is not None and asked - dated > timedelta(days=max_age_days):
        return False
    if recorded_at is not None:
        cutoff = moment(spine[known_at]) if isinstance(known_at, str) else known_at
        learnt = moment(source[recorded_at])
        if cutoff is None or learnt is None or learnt > cutoff:
            return False
    return True


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


def maturity(loan: Row, definition: Row, repayments: Iterable[Row]) -> Row:
    """Whether a loan is judged by a definition, when and how; repayments of all loans there are."""
    every = list(repayments)
    mine = [row for row in every if row["loan_id"] == loan["loan_id"]]
    months: dict[int, Row] = {}  # the first row of each month on book
    for row in sorted(mine, key=lambda row: row["snapshot_date"], reverse=True):
        months[row["mob"]] = row
    last = definition["months_on_book"]
    wanted = [last] if definition["observed"] == "at_month" else list(range(1, last + 1))
    seen = {
        month: row
        for month, row in months.items()
        if month in wanted and row["snapshot_date"] > loan["application_date"]
    }
    tenure = _largest(row["tenure"] for row in mine)
    due = months_later(loan["application_date"], last)
    days = [row["days_past_due"] for row in seen.values()]
    if len(seen) == len(wanted) and None not in days:
        return {
            "maturity": "closed",
            "matures_on": max(row["snapshot_date"] for row in seen.values()),
            "days_past_due": max(days),
            "label": int(max(days) >= definition["min_days_past_due"]),
        }
    if tenure is not None and tenure < last:
        said = "term_shorter_than_window"
    elif len(seen) == len(wanted):
        said = "days_past_due_unknown"
    elif last in seen or max(row["snapshot_date"] for row in every) > due:
        said = "missing_repayment_month"
    else:
        said = "open"
    matures_on = due if said == "open" else None
    return {"maturity": said, "matures_on": matures_on, "days_past_due": None, "label": None}


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError


def null_reason(loan: Row, rows: Iterable[Row], bad: Iterable[Row], rule: Row) -> str | None:
    """Why a source gives a loan nothing; rows and bad (in quarantine) are of any customer."""
    if loan["customer_id"] is None:
        return "no_customer"

    def known(row: Row, **other: Any) -> bool:
        arguments = rule | other
        return is_candidate(
            loan, row, ["customer_id"], "application_date", "snapshot_date", **arguments
        )

    rows, bad = list(rows), list(bad)
    if any(known(row) for row in rows):
        return None
    if any(known(row, max_age_days=None) for row in rows):
        return "expired"
    if any(known(row, max_age_days=None) for row in bad):
        return "quarantined"
    if any(known(row, max_age_days=None, delay_days=0) for row in rows):
        return "not_yet_known"
    return "no_history_yet"
