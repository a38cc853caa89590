"""The rows of a source file by their day, and the days of which a load need not read the rows.

The key of a row holds its date, so what a file brings to bronze of a day hangs on its rows of that
day and on nothing else. Where they are those of the file loaded before, in the same order, they
bring nothing.
"""

import codecs
import csv
import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any

from warehouse.contracts.contract import SourceContract

CHUNK_BYTES = 2**20  # What is in memory at a time.
BLANK = bytes(range(33))  # Spark drops lines made of these bytes only (Java's String.trim).
ROW_NUMBER = "_row_number"  # The column of bronze, and of the rows of some days.
NO_DAY = ""  # Stands for the day of rows without one, or with a wrong number of fields.


@dataclass(frozen=True)
class FileDays:
    """How many rows a file has of each day, and a digest of them in the order of the file.

    A day is a text as 2023-01-31, or NO_DAY.
    """

    header: tuple[str, ...]
    rows: dict[str, int]
    digests: dict[str, str]

    def changed_since(self, before: "FileDays | None") -> set[str] | None:
        """The days whose rows may bring something after the file before; None: all of them may."""
        if before is None or before.header != self.header:
            return None
        return {day for day, digest in self.digests.items() if before.digests.get(day) != digest}

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return {"header": self.header, "rows": self.rows, "digests": self.digests}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "FileDays":
        """What `as_json` gave."""
        return cls(tuple(content["header"]), content["rows"], content["digests"])


def fields_of(line: str) -> list[str]:
    """The fields of one line of CSV, however long they are."""
    csv.field_size_limit(max(csv.field_size_limit(), len(line)))
    return next(csv.reader([line]), [])


class DayDigests:
    """Collects the FileDays of a file from its lines."""

    def __init__(self, header: tuple[str, ...], contract: SourceContract) -> None:
        self._header = header
        self._reader = _DayReader(header, contract)
        self._is_past_header = False
        self._are_told = True
        self._rows: dict[str, int] = defaultdict(int)
        self._digests: dict[str, Any] = defaultdict(hashlib.sha256)

    def add(self, lines: Iterable[bytes]) -> None:
        """Take the next lines of the file that are not blank, the header first, without ends."""
        lines = iter(lines)
        if not self._is_past_header:
            self._is_past_header = next(lines, None) is not None
        for day, rows in self._reader.by_day(list(lines)).items():
            self._are_told = self._are_told and day is not None
            if self._are_told:
                self._rows[day] += len(rows)
                self._digests[day].update(b"\n".join(rows) + b"\n")

    def result(self) -> FileDays | None:
        """What was collected; None where the day of a row hangs on who reads its quotes."""
        digests = {day: digest.hexdigest() for day, digest in self._digests.items()}
        return FileDays(self._header, dict(self._rows), digests) if self._are_told else None


def write_rows_of_days(
    path: Path, contract: SourceContract, days: FileDays, wanted: Collection[str], out: Path
) -> None:
    """Write the rows of some days as a CSV file of their own, each behind its number in the file.

    The first column is the number (the first data row is 1), the others are those of the file.
    """
    reader = _DayReader(days.header, contract)
    number = 0
    with out.open("wb") as file:
        for lines in _chunks_of_lines(path):
            if not number:
                file.write(b"%b,%b\n" % (ROW_NUMBER.encode(), lines.pop(0)))
                number = 1
            for line, day in zip(lines, reader.days_of(lines), strict=True):
                if day in wanted:
                    file.write(b"%d,%b\n" % (number, line))
                number += 1


def _chunks_of_lines(path: Path) -> Iterator[list[bytes]]:
    """The lines of a file that are not blank, without their ends; the header is the first."""
    rest = b""
    with path.open("rb") as file:
        file.seek(len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0)
        while chunk := file.read(CHUNK_BYTES):
            lines = (rest + chunk).splitlines()
            rest = b"" if chunk.endswith((b"\n", b"\r")) else lines.pop()
            if lines := [line for line in lines if line.strip(BLANK)]:
                yield lines
    if rest.strip(BLANK):
        yield [rest]


class _DayReader:
    """Tells the day of a line, where that does not hang on who reads its quotes."""

    def __init__(self, header: tuple[str, ...], contract: SourceContract) -> None:
        self._commas = len(header) - 1
        self._place = header.index(contract.date_column)
        self._is_last = self._place == self._commas
        self._day_of_text = lru_cache(maxsize=10_000)(_day_of_text(contract.date_format))

    def by_day(self, lines: list[bytes]) -> dict[str | None, list[bytes]]:
        """The lines of each day, in their order; of None those that do not tell it."""
        if self._end_with_a_date(lines):
            texts: dict[bytes, list[bytes]] = defaultdict(list)
            for line in lines:
                texts[line[line.rfind(b",") + 1 :]].append(line)
            days = {self._day_of_text(text): rows for text, rows in texts.items()}
            if len(days) == len(texts):
                return days
        days = defaultdict(list)
        for line in lines:
            days[self.day_of(line)].append(line)
        return days

    def days_of(self, lines: list[bytes]) -> list[str | None]:
        """The day of each line; None where it does not tell it."""
        if self._end_with_a_date(lines):
            return [self._day_of_text(line[line.rfind(b",") + 1 :]) for line in lines]
        return [self.day_of(line) for line in lines]

    def _end_with_a_date(self, lines: list[bytes]) -> bool:
        """Whether the lines are as nearly all are: they can then be looked at together."""
        have_all_fields = set(map(bytes.count, lines, repeat(b","))) == {self._commas}
        return self._is_last and have_all_fields and b'"' not in b"".join(lines)

    def day_of(self, line: bytes) -> str | None:
        """The day of a line; None where its quotes stand in odd places."""
        fields = line
        if b'"' in line:
            fields = _without_quoted(line)
            if fields is None:
                return None
        if fields.count(b",") != self._commas:
            return NO_DAY
        text = fields.rpartition(b",")[2] if self._is_last else fields.split(b",")[self._place]
        if b'"' in text:
            text = fields_of(line.decode())[self._place].encode()
        return self._day_of_text(text)


def _day_of_text(date_format: str) -> Callable[[bytes], str]:
    """A function from a text that the format reads to its day, from any other to NO_DAY."""

    def day_of(text: bytes) -> str:
        try:
            return datetime.strptime(text.decode(), date_format).date().isoformat()
        except ValueError:
            return NO_DAY

    return day_of


def _without_quoted(line: bytes) -> bytes | None:
    """The line with nothing between its quotes; None where a quote stands in an odd place."""
    pieces = line.split(b'"')
    outside, last = pieces[::2], len(pieces) // 2
    is_in_order = len(pieces) % 2 == 1 and all(
        # an empty piece lies between the two of a doubled quote, or beyond the first or last one
        not piece
        or ((place == 0 or piece.startswith(b",")) and (place == last or piece.endswith(b",")))
        for place, piece in enumerate(outside)
    )
    return b'"'.join(outside) if is_in_order else None
