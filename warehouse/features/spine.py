"""Reads a caller's spine, a CSV or parquet file of customers and dates, into DuckDB."""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.catalog import file_pattern, quoted_name, read_parquet
from warehouse.base.errors import UserError
from warehouse.base.rows import one_row

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",;\t|"
LONGEST_LINE = 2**26  # bytes of a line of a CSV file, its quoted line breaks included
ROW = "__row"  # number of a row in the caller's order, from 1
KEY_TYPES = re.compile(r"VARCHAR|UUID|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DOUBLE|FLOAT|DECIMAL.*")
FRACTIONS = ("DOUBLE", "FLOAT", "DECIMAL")

DATE = r"\d{4}-\d{2}-\d{2}"
TIME = r"[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?"
ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"


def read_spine(
    con: DuckDBPyConnection,
    path: Path,
    terms: Mapping[str, str],
    customer_key: str,
    customer_column: str | None = None,
    date_column: str | None = None,
) -> dict[str, str]:
    """Load a caller's file as the tables `spine` and `applications`; return its terms of the loan.

    `spine` is the file as it is, its rows numbered from 1 in `__row`; `applications` has the
    columns __row, loan_id (the row's number), customer_id, application_date and the terms.

    path is a .csv, .tsv or .txt file, a .parquet file, or a folder of parquet files. terms are the
    further columns of loan_applications and their types, null where the file has no such column, in
    any case of letters; those it has are returned with the file's names. customer_key is the SQL
    that cleans a text customer_id as silver does. customer_column defaults to customer_id,
    date_column to application_date, else to the only column of dates.

    Raises UserError where the file or a value cannot be read, or a column is missing or ambiguous.
    """
    scan = _scan(path)
    try:
        con.execute(f"create table spine as select row_number() over () as {ROW}, * from {scan}")
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from error
    columns = {name: kind for name, kind, *_ in con.execute("describe spine").fetchall()}
    del columns[ROW]
    for column in (customer_column, date_column):
        if column is not None and column not in columns:
            raise UserError(f"{path} has no column {column}, only {', '.join(columns)}")
    key = customer_column or _customer_column(path, columns)
    customer = _customer_text(con, path, key, columns[key])
    day = date_column or _date_column(con, path, columns)
    values = [f"{_application_date(con, path, day, columns[day])} as application_date"]
    lower = {name.lower(): name for name in columns}
    found = {term: lower[term] for term in terms if term in lower}
    for term, kind in terms.items():
        value = _term_value(con, path, found[term], kind) if term in found else "null"
        values.append(f"cast({value} as {kind}) as {quoted_name(term)}")
    con.execute(
        f"create table applications as select {ROW}, cast({ROW} as varchar) as loan_id,"
        f" {customer_key} as customer_id, * exclude ({ROW}, customer_id)"
        f" from (select {ROW}, {customer} as customer_id, {', '.join(values)} from spine)"
    )
    return found


def one_line(error: Exception) -> str:
    """Return what an error of DuckDB or the system says in one line of at most 300 characters."""
    return " ".join(str(error).split("Possible")[0].split())[:300]


def _scan(path: Path) -> str:
    """Return the table function that reads the file or folder."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return _scan_folder(path)
    if suffix not in (*TEXT_SUFFIXES, ".parquet"):
        raise UserError(f"{path}: the spine has to be a .csv or .parquet file or a folder of them")
    if not path.is_file():
        raise UserError(f"{path}: there is no such file")
    return read_parquet(path) if suffix == ".parquet" else _scan_text(path)


def _scan_folder(folder: Path) -> str:
    """Return the scan of a folder as Spark writes it: _SUCCESS, .crc and hidden files are none."""
    names = [path.relative_to(folder) for path in sorted(folder.rglob("*.parquet"))]
    names = [name for name in names if not any(part[0] in "_." for part in name.parts)]
    if not names:
        raise UserError(f"{folder}: the folder holds no .parquet file")
    is_partitioned = any("=" in str(name) for name in names)
    return (
        f"read_parquet([{', '.join(file_pattern(folder / name) for name in names)}],"
        f" hive_partitioning = {str(is_partitioned).lower()}, union_by_name = true)"
    )


def _scan_text(path: Path) -> str:
    """Return the scan of a CSV file: delimiter and names from its header, all values as text.

    Because the columns are named, DuckDB ignores a delimiter at the end of a line, and names the
    line that has too many fields.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            blank_lines, line = 0, file.readline()
            while line and not line.strip():
                blank_lines, line = blank_lines + 1, file.readline()
        fields = {mark: next(csv.reader([line], delimiter=mark), []) for mark in DELIMITERS}
    except (OSError, csv.Error) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8 and try again") from error
    if not line:
        raise UserError(f"{path} is empty")
    delimiter = max(DELIMITERS, key=lambda mark: len(fields[mark]))
    names = [name.strip() for name in fields[delimiter]]
    if not names[-1]:
        names.pop()
    lower = [name.lower() for name in names]
    if repeated := next((name for name in lower if name and lower.count(name) > 1), None):
        raise UserError(f"{path}: column {repeated} appears twice")
    # one without a name is the index that pandas writes
    columns = [name or f"column{position}" for position, name in enumerate(names)]
    declared = ", ".join(f"{quoted_name(name)}: 'varchar'" for name in columns)
    size = min(LONGEST_LINE, path.stat().st_size + 1024)
    return (
        f"read_csv({file_pattern(path)}, auto_detect = false, header = true, skip = {blank_lines},"
        f" delim = '{delimiter}', quote = '\"', escape = '\"', max_line_size = {size},"
        f" buffer_size = {max(2 * size, 2**20)}, columns = {{{declared}}})"
    )


def _customer_column(path: Path, columns: Mapping[str, str]) -> str:
    found = [name for name in columns if name.lower() == "customer_id"]
    if len(found) != 1:
        raise UserError(
            f"{path} has no column customer_id, only {', '.join(columns)};"
            " name the customer's column with --customer"
        )
    return found[0]


def _date_column(con: DuckDBPyConnection, path: Path, columns: Mapping[str, str]) -> str:
    """Return application_date, else the only column of dates."""
    named = [name for name in columns if name.lower() == "application_date"]
    found = named or [name for name, kind in columns.items() if _holds_dates(con, name, kind)]
    if len(found) != 1:
        message = f"columns {', '.join(found)} all hold dates" if found else "no column holds dates"
        raise UserError(f"{path}: {message}; name the date's column with --date")
    return found[0]


def _holds_dates(con: DuckDBPyConnection, column: str, kind: str) -> bool:
    if kind != "VARCHAR":
        return kind == "DATE" or kind.startswith("TIMESTAMP")
    return _all_match(con, quoted_name(column), f"{DATE}({TIME}({ZONE})?)?")


def _all_match(con: DuckDBPyConnection, text: str, pattern: str) -> bool:
    """Tell whether the texts of the spine that are not blank match a pattern, and there are any."""
    is_match = f"bool_and(regexp_full_match(trim({text}), '{pattern}'))"
    (found,) = one_row(con, f"select {is_match} from spine where trim({text}) <> ''")
    return bool(found)


def _customer_text(con: DuckDBPyConnection, path: Path, name: str, kind: str) -> str:
    """Return the SQL of a spine row's customer key as text, before it is cleaned as in silver.

    Whole numbers that came as fractions, as pandas writes them next to missing ones, lose the `.0`.

    Raises UserError for a column of another type than text or number.
    """
    if not KEY_TYPES.fullmatch(kind):
        raise UserError(
            f"{path}: column {name} is {kind}, expected a customer's key as text or whole number"
        )
    column = quoted_name(name)
    if kind.startswith(FRACTIONS):
        number = f"case when isfinite(cast({column} as double)) then {column} end"
        return (
            f"case when {number} = trunc({column}) then cast(cast({number} as hugeint) as varchar)"
            f" else cast({number} as varchar) end"
        )
    if kind == "VARCHAR" and _all_match(con, column, r"\d+[.]0+"):
        return f"regexp_replace({column}, '[.]0+ *$', '')"
    return f"cast({column} as varchar)"


def _application_date(con: DuckDBPyConnection, path: Path, name: str, kind: str) -> str:
    """Return the SQL of a spine row's date; a time of day is cut off.

    Raises UserError for a value that is no date, and for times with a zone: which calendar day
    they mean is known to the caller alone.
    """
    column, where = quoted_name(name), f"{path}: column {name}"
    zone_advice = (
        "has times with a zone, and the calendar day depends on it: write the day as a date"
        " (YYYY-MM-DD, in parquet the type date)"
    )
    if kind == "TIMESTAMP WITH TIME ZONE":
        raise UserError(f"{where} {zone_advice}")
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"cast({column} as date)"
    if kind != "VARCHAR":
        raise UserError(f"{where} is {kind}, expected dates")
    text = f"trim({column})"
    date = (
        f"case when regexp_full_match({text}, '{DATE}({TIME})?')"
        f" then try_cast(left({text}, 10) as date) end"
    )
    if bad := _first_bad(con, text, date):
        if re.fullmatch(f"{DATE}{TIME}{ZONE}", bad[1]):
            raise UserError(f"{where} {zone_advice}; data row {bad[0]:,} says {bad[1]!r}")
        raise UserError(f"{path}, data row {bad[0]:,}: {name} is {bad[1]!r}, expected YYYY-MM-DD")
    return date


def _term_value(con: DuckDBPyConnection, path: Path, name: str, kind: str) -> str:
    """Return the SQL of a term of the loan; raises UserError for a value not of this type."""
    text = f"trim(cast({quoted_name(name)} as varchar))"
    value = f"try_cast({text} as {kind})"
    if bad := _first_bad(con, text, value):
        raise UserError(
            f"{path}, data row {bad[0]:,}: {name} is {bad[1]!r}, expected a number ({kind})"
        )
    return value


def _first_bad(con: DuckDBPyConnection, text: str, value: str) -> tuple[int, str] | None:
    """Return row number and text of the first row with a text but no value."""
    return con.execute(
        f"select {ROW}, {text} from spine where {text} <> '' and {value} is null"
        f" order by {ROW} limit 1"
    ).fetchone()
