"""A second implementation of the label rules, written from the text of the design as plain loops.

It shares nothing with the models: rows are dicts, every row is looked at. Slow and obvious.
"""

import math
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

Row = dict[str, Any]

UNDECIDED: Row = {"days_past_due": None, "label": None, "known_on": None}


def maturity(loan: Row, definition: Row, repayments: Iterable[Row], horizon: date) -> Row:
    """Return maturity, matures_on, known_on, days_past_due and label of a loan by a definition.

    `repayments` are the versions of the rows of all loans, `horizon` is the latest watermark.
    """
    rows = [
        row
        for row in repayments
        if row["loan_id"] == loan["loan_id"] and row["known_until"] is None
    ]
    rows.sort(key=lambda row: row["snapshot_date"])
    last = definition["months_on_book"]
    window_ends_on = loan["application_date"] + relativedelta(months=last)
    rescheduled_on = _rescheduled_on(rows)
    months = _months(loan, rows, rescheduled_on)
    repaid = [m for m, row in months.items() if row["balance"] == 0 and row["days_past_due"] == 0]
    needed_to = min([last, *repaid])
    at_month = definition["observed"] == "at_month"
    needed = [needed_to] if at_month else list(range(1, needed_to + 1))
    seen = [months[month] for month in needed if month in months]
    known = [row for row in seen if row["days_past_due"] is not None]
    defaults = [row for row in known if row["days_past_due"] >= definition["min_days_past_due"]]

    if defaults:
        first = min(defaults, key=lambda row: (day_known(row["known_from"]), row["snapshot_date"]))
        return _decided("closed", [first], 1, rows)
    if len(known) == len(needed):
        return _decided("repaid_early" if needed_to < last else "closed", known, 0, rows)
    return _undecided(
        rows, window_ends_on, horizon, rescheduled_on, needed_to in months, len(seen) == len(needed)
    )


def _decided(maturity: str, deciding: list[Row], label: int, rows: list[Row]) -> Row:
    label_date = max(row["snapshot_date"] for row in deciding)
    corrections = [
        row for row in rows if row["arrival"] == "correction" and row["snapshot_date"] <= label_date
    ]
    return {
        "maturity": maturity,
        "matures_on": label_date,
        "known_on": max(day_known(row["known_from"]) for row in [*deciding, *corrections]),
        "days_past_due": max(row["days_past_due"] for row in deciding),
        "label": label,
    }


def _undecided(
    rows: list[Row],
    window_ends_on: date,
    horizon: date,
    rescheduled_on: date | None,
    is_last_seen: bool,
    are_all_seen: bool,
) -> Row:
    reason = "missing_repayment_month"
    if rescheduled_on is not None and rescheduled_on <= window_ends_on:
        reason = "rescheduled"
    elif are_all_seen:
        reason = "days_past_due_unknown"
    elif not is_last_seen:
        if horizon <= window_ends_on:
            day = {"matures_on": window_ends_on, "known_on": window_ends_on}
            return UNDECIDED | {"maturity": "open"} | day
        if rows and rows[-1]["snapshot_date"] < window_ends_on:
            tenures = [row["tenure"] for row in rows if row["tenure"] is not None]
            if (rows[-1]["days_past_due"] or 0) > 0:
                reason = "stopped_past_due"
            elif tenures and rows[-1]["mob"] >= max(tenures):
                reason = "term_shorter_than_window"
    return UNDECIDED | {"maturity": reason, "matures_on": None}


def _rescheduled_on(rows: list[Row]) -> date | None:
    """The first day on which the instalments go back, or the tenure is another than before."""
    for number, row in enumerate(rows):
        before = rows[:number]
        tenures = [other["tenure"] for other in before if other["tenure"] is not None]
        if any(row["mob"] < other["mob"] for other in before):
            return row["snapshot_date"]
        if tenures and row["tenure"] is not None and row["tenure"] != tenures[0]:
            return row["snapshot_date"]
    return None


def _months(loan: Row, rows: list[Row], rescheduled_on: date | None) -> dict[int, Row]:
    """The first row of each month on book after the application, before any rescheduling."""
    months: dict[int, Row] = {}
    for row in rows:
        is_agreed = rescheduled_on is None or row["snapshot_date"] < rescheduled_on
        if is_agreed and row["mob"] > 0 and row["snapshot_date"] > loan["application_date"]:
            months.setdefault(row["mob"], row)
    return months


def day_known(known_from: datetime) -> date:
    """The first day at whose midnight a row was known."""
    day = known_from.date()
    return day if known_from == datetime(day.year, day.month, day.day) else day + timedelta(days=1)


def days_past_due(row: Row, rows: Iterable[Row]) -> int | None:
    """Days past due of a version of a repayment row, `rows` being all versions of its loan."""
    overdue, due, due_date = row["overdue_amt"], row["due_amt"], row["snapshot_date"]
    if overdue is None:
        return None
    if overdue == 0:
        return 0
    if due == 0:
        earlier = [
            other
            for other in rows
            if other["snapshot_date"] < row["snapshot_date"]
            and (other["due_amt"] or 0) > 0
            and other["known_from"] <= row["known_from"]
            and (other["known_until"] is None or other["known_until"] > row["known_from"])
        ]
        if not earlier:
            return None
        last_due = max(earlier, key=lambda other: other["snapshot_date"])
        due, due_date = last_due["due_amt"], last_due["snapshot_date"]
    if due is None:
        return None
    missed = math.ceil(overdue / due)
    return (row["snapshot_date"] - (due_date - relativedelta(months=missed))).days
