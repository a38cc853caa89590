"""Guesses what the file of a source that nobody described yet holds: for a person to correct."""

import csv
import gzip
import io
import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path

import duckdb

from warehouse.base.errors import UserError
from warehouse.landing.csv_file import open_file, read_header
from warehouse.landing.dates import COMMON_FORMATS, reads, swapped

ROWS_READ = 10_000
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
NUMBER_SHARE = 0.9  # of the filled values of a column of numbers, which may hold dirt
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
    """The columns that a file seems to have, and what a person must decide, a sentence each.

    other_date_format: the format with day and month swapped, where it reads every date as well.
    """

    columns: tuple[Column, ...]
    customer: Column
    key: Column
    date: Column
    date_format: str
    other_date_format: str | None
    doubts: tuple[str, ...]


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
    customers = [c for c in columns if CUSTOMER.fullmatch(snake_case(c.name))]
    if not customers and not texts:
        raise UserError(f"{path}: no column can be the customer, which every source needs")
    customer = (*customers, *texts)[0]
    identifiers = [c for c in texts if IDENTIFIER.fullmatch(c.silver_name) and c is not customer]
    unique = [c for c in identifiers if all(c.values) and len(set(c.values)) == len(c.values)]
    keys = [c for c in (*unique, customer, *identifiers, *texts) if _is_key(c, date)]

    date_format, *others = date.date_formats
    other = swapped(date_format) if swapped(date_format) in others else None
    doubts = []
    if len(dates) > 1 and not named:
        names = ", ".join(column.name for column in dates)
        doubts.append(f"date_column: {date.name} is taken, of {names}: what day is a row about?")
    if other:
        doubts.append(
            f"date_format: no day of {date.name} is above 12, so that {date_format} and {other}"
            " both read every row: ask which is right"
        )
    if not customers:
        doubts.append(f"customer_column: no column is called like one; {customer.name} is a guess")
    if not keys:
        doubts.append(
            f"key: no column tells the rows of one day apart; with {customer.name} only the last"
            " row of a customer and day counts"
        )
    return Guess(
        columns=columns,
        customer=customer,
        key=(*keys, customer)[0],
        date=date,
        date_format=date_format,
        other_date_format=other,
        doubts=tuple(doubts),
    )


def snake_case(name: str) -> str:
    """Return a name as silver writes it: `Customer ID`, `customerID`: customer_id."""
    text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", text)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    text = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return f"n_{text}" if not text or text[0].isdigit() else text


@cache
def reserved_words() -> frozenset[str]:
    """Return the words that SQL does not take for a column's name."""
    with duckdb.connect() as con:
        found = con.execute(
            "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
        ).fetchall()
    return frozenset(word for (word,) in found)


def _read(path: Path) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return the header and the first rows; rows with more or fewer fields are left out."""
    try:
        header = read_header(path)
        with io.TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            lines = (row for row in csv.reader(file) if any(field.strip() for field in row))
            rows = [row for row in islice(lines, 1, ROWS_READ + 1) if len(row) == len(header)]
    except gzip.BadGzipFile as error:
        raise UserError(f"{path}: cannot be read as gzip: {error}") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 CSV: {error}") from error
    for place, name in enumerate(header, start=1):
        if not name.strip() or name.startswith("_") or re.search(r"[\"'`\\{}\n]", name):
            raise UserError(
                f"{path}, line 1: column {place} is called {name!r}, expected a name that does not"
                " begin with _ and has no quotes, braces or backslashes"
            )
    if not rows:
        raise UserError(f"{path}: expected data rows below the header, found none")
    return header, rows


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    columns: dict[str, Column] = {}
    for place, name in enumerate(header):
        plain = snake_case(name)
        silver_name = f"{plain}_in_file" if plain in TAKEN | reserved_words() else plain
        while silver_name in columns:
            silver_name += "_2"
        values = tuple(row[place].strip() for row in rows)
        filled = [value for value in values if value]
        formats = tuple(
            known for known in COMMON_FORMATS if filled and all(reads(v, known) for v in filled)
        )
        columns[silver_name] = Column(
            name=name,
            silver_name=silver_name,
            values=values,
            kind="date" if formats else _kind(plain, filled),
            date_formats=formats,
            is_personal=bool(PERSONAL.fullmatch(plain))
            or any(PERSONAL_VALUE.fullmatch(value) for value in filled),
        )
    return tuple(columns.values())


def _kind(name: str, values: Sequence[str]) -> str:
    """Return text, integer or decimal; what identifies something is a text."""
    numbers = [value.rstrip("_") for value in values if NUMBER.fullmatch(value.rstrip("_"))]
    if not numbers or len(numbers) < NUMBER_SHARE * len(values) or IDENTIFIER.fullmatch(name):
        return "text"
    if any(re.match(r"0\d", number) for number in numbers):
        return "text"
    is_whole = all(float(n).is_integer() and abs(float(n)) < 2**31 for n in numbers)
    return "integer" if is_whole else "decimal"


def _is_key(column: Column, date: Column) -> bool:
    """Return whether a column tells the rows of each day apart."""
    found = [
        (value, datetime.strptime(text, date.date_formats[0]).date())
        for value, text in zip(column.values, date.values, strict=True)
        if value and text
    ]
    return bool(found) and len(set(found)) == len(found)
