"""Dates in a declared format: as Spark reads them, and what other format a file may be in."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column

# What a directive accepts, as strptime does. One without a separator after it has all of its
# digits; so has the last one, which with fewer may be what a cut line left.
PARTS = {
    "%Y": r"(?<year>(?!0000)\d{4})",
    "%y": r"(?<year>\d{2})",
    "%m": r"(?<month>\d{1,2})",
    "%d": r"(?<day>\d{1,2})",
    "%H": r"(?<hour>\d{1,2})",
    "%M": r"(?<minute>\d{1,2})",
    "%S": r"(?<second>\d{1,2})",
    "%f": r"(?<fraction>\d{1,6})",
}
COMMON_FORMATS = (
    *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%Y", "%d-%m-%Y"),
    *("%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"),
    *("%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"),
)


def has_time(date_format: str) -> bool:
    """Return whether a format has a time of day."""
    return "%H" in date_format


def moment(text: "Column", date_format: str) -> "Column":
    """Return the date, or timestamp without zone, of a text of the format, else null."""
    from pyspark.sql import functions as F

    pattern = _pattern(date_format)
    iso = text
    if date_format != "%Y-%m-%d":
        iso = F.regexp_replace(text, pattern, _iso(date_format))
    kind = "timestamp_ntz" if has_time(date_format) else "date"
    return F.when(text.rlike(pattern), iso.try_cast(kind))


def _pattern(date_format: str) -> str:
    pieces = re.findall(r"%\w|[^%]", date_format)
    parts = [PARTS.get(piece) or re.escape(piece) for piece in pieces]
    for position, following in enumerate([*pieces[1:], "%"]):
        if following.startswith("%"):
            parts[position] = parts[position].replace("{1,2}", "{2}")
    return rf"\A{''.join(parts)}\z"


def _iso(date_format: str) -> str:
    """Return what the groups of the pattern are put together as, for a cast."""
    time = {"%H": " ${hour}", "%M": ":${minute}", "%S": ":${second}", "%f": ".${fraction}"}
    century = "20" if "%y" in date_format else ""
    groups = "".join(group for directive, group in time.items() if directive in date_format)
    return century + "${year}-${month}-${day}" + groups


def likely_format(texts: Sequence[str]) -> str | None:
    """Return the common format that reads most of the texts, more than half; None for none."""
    counts = {known: sum(reads(text, known) for text in texts) for known in COMMON_FORMATS}
    best = max(counts, key=lambda known: counts[known])
    return best if 2 * counts[best] > len(texts) else None


def swapped(date_format: str) -> str:
    """Return the format with day and month in each other's place."""
    return re.sub(r"%[md]", lambda part: "%d" if part[0] == "%m" else "%m", date_format)


def reads(text: str, date_format: str) -> bool:
    """Return whether a text is a date of the format."""
    try:
        datetime.strptime(text, date_format)
    except ValueError:
        return False
    return True
