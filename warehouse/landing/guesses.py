"""Guesses what the file of a source that nobody described yet holds: for a person to correct."""

import csv
import gzip
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from warehouse.base.errors import UserError
from warehouse.landing.dates import COMMON_FORMATS, reads, swapped

ROWS_READ = 10_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
NUMBER_SHARE = 0.9  # of the filled values of a column of numbers, which may hold dirt
LARGEST_INTEGER = 2**31 - 1
CUSTOMER = re.compile(r"(customer|client|cust|borrower)(_?(id|no|nr|number|key|code))?")
IDENTIFIER = re.compile(r"(.*_)?(id|no|nr|number|key|code|zip|postcode)")
PERSONAL = re.compile(
    r"(.*_)?(name|surname|ssn|phone|mobile|telephone|e_?mail|address|street|iban|passport"
    r"|(date_of_)?birth(day|_?date)?|dob)(_.*)?"
)
PERSONAL_VALUE = re.compile(r"\d{3}-\d{2}-\d{4}|[^@\s]+@[^@\s]+\.\w+")
OTHER_DATE = re.compile(r"birth|dob|start|begin|end|due|expir|valid")
# names of silver that mean the same in every table
TAKEN = frozenset(
    (
        *("customer_id", "snapshot_date", "entity_id", "event_date", "cleaning_actions"),
        *("known_from", "known_until", "arrival", "load_id", "source_file", "row_number"),
    )
)


@dataclass(frozen=True)
class Column:
    """A column of the file: its name, its name in silver, its values, and what it seems to hold.

    kind: text, integer, decimal or date; date_formats: those that read every value of a date.
    """

    name: str
    silver_name: str
    values: tuple[str, ...]
    kind: str
    date_formats: tuple[str, ...]
    is_personal: bool


@dataclass(frozen=True)
class Guess:
    """The format and columns that a file seems to have."""

    columns: tuple[Column, ...]
    customer: Column
    key: Column
    date: Column

    @property
    def date_format(self) -> str:
        """The first format that reads every date."""
        return self.date.date_formats[0]

    @property
    def other_date_format(self) -> str | None:
        """The format with day and month swapped, where it reads every date as well."""
        other = swapped(self.date_format)
        return other if other != self.date_format and other in self.date.date_formats else None

    def doubts(self) -> Iterator[str]:
        """Yield what a person must decide, one sentence each."""
        dates = [column.name for column in self.columns if column.kind == "date"]
        if len(dates) > 1 and self.date.name.lower() != "snapshot_date":
            yield (
                f"date_column: {self.date.name} is taken, of {', '.join(dates)}:"
                " what day is a row about?"
            )
        if self.other_date_format:
            yield (
                f"date_format: no day of {self.date.name} is above 12, so that {self.date_format}"
                f" and {self.other_date_format} both read every row: ask which is right"
            )
        if not CUSTOMER.fullmatch(snake_case(self.customer.name)):
            yield f"customer_column: no column is called like one; {self.customer.name} is a guess"
        if not _is_key(self.key, self.date):
            yield (
                f"key: no column tells the rows of one day apart; with {self.key.name} only the"
                " last row of a customer and day counts"
            )


def guess_source(path: Path) -> Guess:
    """Guess names, types, dates, key and customer from the header and the first rows of a CSV file.

    Raises:
        UserError: it cannot be read, is not separated by commas, has no rows or no date.
    """
    columns = _columns(*_read(path))
    dates = [column for column in columns if column.kind == "date"]
    if not dates:
        raise UserError(
            f"{path}: no column holds a date in every row in a format such as"
            f" {', '.join(COMMON_FORMATS[:3])}; write the contract by hand, see"
            " docs/adding_a_source.md"
        )
    named = [c for c in dates if c.name.lower() == "snapshot_date"]
    plain = [c for c in dates if not OTHER_DATE.search(c.silver_name) and not c.is_personal]
    date = (*named, *plain, *dates)[0]
    texts = [c for c in columns if c.kind == "text" and not c.is_personal]
    customers = [c for c in columns if CUSTOMER.fullmatch(snake_case(c.name))] + texts
    if not customers:
        raise UserError(f"{path}: no column can be the customer, which every source needs")
    customer = customers[0]
    identifiers = [c for c in texts if IDENTIFIER.fullmatch(c.silver_name) and c is not customer]
    unique = [c for c in identifiers if all(c.values) and len(set(c.values)) == len(c.values)]
    keys = (c for c in (*unique, customer, *identifiers, *texts) if _is_key(c, date))
    return Guess(columns, customer, next(keys, customer), date)


def snake_case(name: str) -> str:
    """Return a name as silver writes it: `Customer ID`, `customerID`: customer_id."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    text = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return f"n_{text}" if not text or text[0].isdigit() else text


def reserved_words() -> frozenset[str]:
    """Return the words that SQL does not take for a column's name."""
    with duckdb.connect() as con:
        found = con.execute(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        ).fetchall()
    return frozenset(word for (word,) in found)


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the header and the first rows; rows with more or fewer fields are left out."""
    opener = gzip.open if path.name.endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            lines = (row for row in csv.reader(file) if row)
            header = next(lines, [])
            rows = [row for row, _ in zip(lines, range(ROWS_READ), strict=False)]
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 CSV: {error}") from error
    if not header:
        raise UserError(f"{path}: expected a header line, found nothing")
    used = [sign for sign in ";\t|" if len(header) == 1 and sign in header[0]]
    if used:
        raise UserError(
            f"{path}, line 1: expected columns separated by commas, found {used[0]!r};"
            " deliver the file with commas"
        )
    for place, name in enumerate(header, start=1):
        if not name.strip() or name.startswith("_") or re.search(r"[\"'`\\{}\n]", name):
            raise UserError(
                f"{path}, line 1: column {place} is called {name!r}, expected a name that does not"
                " begin with _ and has no quotes, braces or backslashes"
            )
    rows = [row for row in rows if len(row) == len(header)]
    if not rows:
        raise UserError(f"{path}: expected data rows below the header, found none")
    return header, rows


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    reserved, taken = reserved_words(), set()
    columns = []
    for place, name in enumerate(header):
        plain = snake_case(name)
        silver_name = f"{plain}_in_file" if plain in TAKEN | reserved else plain
        while silver_name in taken:
            silver_name += "_2"
        taken.add(silver_name)
        values = tuple(row[place].strip() for row in rows)
        filled = [value for value in values if value]
        formats = tuple(
            known for known in COMMON_FORMATS if filled and all(reads(v, known) for v in filled)
        )
        columns.append(
            Column(
                name=name,
                silver_name=silver_name,
                values=values,
                kind="date" if formats else _kind(plain, filled),
                date_formats=formats,
                is_personal=bool(PERSONAL.fullmatch(plain))
                or any(PERSONAL_VALUE.fullmatch(value) for value in filled),
            )
        )
    return tuple(columns)


def _kind(name: str, values: Sequence[str]) -> str:
    """Return text, integer or decimal; what identifies something is a text."""
    numbers = [value.rstrip("_") for value in values if NUMBER.fullmatch(value.rstrip("_"))]
    if not numbers or len(numbers) < NUMBER_SHARE * len(values) or IDENTIFIER.fullmatch(name):
        return "text"
    if any(re.match(r"0\d", number) for number in numbers):
        return "text"
    is_whole = all(float(number).is_integer() for number in numbers)
    is_small = all(abs(float(number)) <= LARGEST_INTEGER for number in numbers)
    return "integer" if is_whole and is_small else "decimal"


def _is_key(column: Column, date: Column) -> bool:
    """Return whether a column tells the rows of each day apart."""
    found = [
        (value, datetime.strptime(text, date.date_formats[0]).date())
        for value, text in zip(column.values, date.values, strict=True)
        if value and text
    ]
    return bool(found) and len(set(found)) == len(found)
