"""Reads a caller's spine, a CSV or parquet file of customers and dates, into DuckDB."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.catalog import quoted_name
from warehouse.base.errors import UserError
from warehouse.base.rows import one_row

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
DELIMITERS = ",;\t|"
LONGEST_LINE = 2**26  # bytes of a line of a CSV file, its quoted line breaks included
ROW = "__row"  # number of a row in the caller's order, from 1

DATE = r"\d{4}-\d{2}-\d{2}"
TIME = r"[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?"
ZONE = r" ?(Z|UTC|[+-]\d{2}(:?\d{2})?)"
WHOLE_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


@dataclass(frozen=True)
class Spine:
    """A caller's rows, as the table `spine` of a connection, and which columns mean what.

    columns are names and DuckDB types in the caller's order, without the row number `__row`.
    terms are the terms of the loan that the file has: column of loan_applications to the caller's.
    """

    path: Path
    columns: Mapping[str, str]
    customer_column: str
    date_column: str
    terms: Mapping[str, str]


def read_spine(
    con: DuckDBPyConnection,
    path: Path,
    term_names: tuple[str, ...],
    customer_column: str | None = None,
    date_column: str | None = None,
) -> Spine:
    """Load a caller's file as the table `spine`, its rows numbered from 1 in `__row`.

    path is a .csv, .tsv or .txt file, a .parquet file, or a folder of parquet files. term_names are
    the columns of loan_applications that the file may have, in any case of letters.
    customer_column defaults to customer_id, date_column to application_date, else to the only
    column of dates.

    Raises UserError where the file cannot be read, or a column is missing or ambiguous.
    """
    scan = _scan(path)
    try:
        con.execute(f"create table spine as select row_number() over () as {ROW}, * from {scan}")
    except (duckdb.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from error
    _drop_empty_nameless_columns(con)
    described = con.execute("describe spine").fetchall()
    columns = {name: kind for name, kind, *_ in described if name != ROW}
    for column in (customer_column, date_column):
        if column is not None and column not in columns:
            raise UserError(f"{path} has no column {column}, only {', '.join(columns)}")
    lower = {name.lower(): name for name in columns}
    return Spine(
        path=path,
        columns=columns,
        customer_column=customer_column or _customer_column(path, columns),
        date_column=date_column or _date_column(con, path, columns),
        terms={name: lower[name] for name in term_names if name in lower},
    )


def create_applications(
    con: DuckDBPyConnection, spine: Spine, terms: Mapping[str, str], customer_key: str
) -> None:
    """Create the table `applications` of a spine: __row, loan_id, customer_id, application_date.

    loan_id is the row's number. terms are the further columns and their types, null where the file
    has none. customer_key is the SQL that cleans a text customer_id as silver does.

    Raises UserError for a value that cannot be read.
    """
    values = [f"{_application_date(con, spine)} as application_date"]
    for term, kind in terms.items():
        values.append(f"{_term_value(con, spine, term, kind)} as {quoted_name(term)}")
    con.execute(
        f"create table applications as select {ROW}, cast({ROW} as varchar) as loan_id,"
        f" {customer_key} as customer_id, * exclude ({ROW}, customer_id)"
        f" from (select {ROW}, {_customer_text(con, spine)} as customer_id, {', '.join(values)}"
        " from spine)"
    )


def file_pattern(path: Path) -> str:
    """Return a path as DuckDB reads it, quoted: brackets and stars in it are no pattern."""
    return "'" + re.sub(r"([*?\[])", r"[\1]", str(path)).replace("'", "''") + "'"


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
    if suffix == ".parquet":
        return f"read_parquet({file_pattern(path)}, hive_partitioning = false)"
    try:
        return _scan_text(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {one_line(error)}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: save it as UTF-8 and try again") from error


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
    """Return the scan of a CSV file: delimiter and names from its header, all values as text."""
    blank_lines, delimiter, names = _read_header(path)
    if not names:
        raise UserError(f"{path} is empty")
    lower = [name.lower() for name in names]
    repeated = next((name for name in lower if name and lower.count(name) > 1), None)
    if repeated:
        raise UserError(f"{path}: column {repeated} appears twice")
    columns = [name or nameless(position) for position, name in enumerate(names)]
    declared = ", ".join(f"{quoted_name(name)}: 'varchar'" for name in columns)
    size = min(LONGEST_LINE, path.stat().st_size + 1024)
    return (
        f"read_csv({file_pattern(path)}, auto_detect = false, header = true, skip = {blank_lines},"
        f" delim = '{delimiter}', quote = '\"', escape = '\"', max_line_size = {size},"
        f" buffer_size = {max(2 * size, 2**20)}, columns = {{{declared}}})"
    )


def nameless(position: int) -> str:
    """Return the name of a column that has none, such as the index that pandas writes."""
    return f"column{position}"


def _read_header(path: Path) -> tuple[int, str, list[str]]:
    """Return the blank lines before the header, the delimiter and the trimmed column names.

    A first row that ends in one delimiter more than the header adds a nameless column.
    """
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            blank_lines, line = 0, file.readline()
            while line and not line.strip():
                blank_lines, line = blank_lines + 1, file.readline()
            fields = {mark: next(csv.reader([line], delimiter=mark), []) for mark in DELIMITERS}
            delimiter = max(DELIMITERS, key=lambda mark: len(fields[mark]))
            first_row = next(csv.reader(file, delimiter=delimiter), [])
    except csv.Error as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    finally:
        csv.field_size_limit(limit)
    names = [name.strip() for name in fields[delimiter]]
    if len(first_row) == len(names) + 1 and not first_row[-1].strip():
        names.append("")
    if len(first_row) == len(names) - 1 and first_row and not names[-1]:
        names.pop()
    return blank_lines, delimiter, names


def _drop_empty_nameless_columns(con: DuckDBPyConnection) -> None:
    """Drop what a delimiter at the end of every line makes: a last column without name or value."""
    names = [name for name, *_ in con.execute("describe spine").fetchall() if name != ROW]
    last = quoted_name(names[-1])
    if len(names) > 1 and names[-1] == nameless(len(names) - 1):
        (count,) = one_row(con, f"select count(nullif(trim({last}), '')) from spine")
        if count == 0:
            con.execute(f"alter table spine drop column {last}")


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
    text = f"nullif(trim({quoted_name(column)}), '')"
    dates, others = one_row(
        con,
        f"select count(*) filter (where is_date), count(*) filter (where not is_date) from"
        f" (select regexp_full_match({text}, '{DATE}({TIME}({ZONE})?)?') as is_date from spine)",
    )
    return bool(dates > 0 and others == 0)


def _customer_text(con: DuckDBPyConnection, spine: Spine) -> str:
    """Return the SQL of a spine row's customer key as text, before it is cleaned as in silver.

    Whole numbers that came as fractions, as pandas writes them next to missing ones, lose the `.0`.
    """
    column, kind = quoted_name(spine.customer_column), spine.columns[spine.customer_column]
    if kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL"):
        return (
            f"case when {column} = trunc({column}) then cast(cast({column} as hugeint) as varchar)"
            f" else cast({column} as varchar) end"
        )
    if kind == "VARCHAR":
        (is_number,) = one_row(
            con,
            rf"select bool_and(regexp_full_match(trim({column}), '\d+[.]0')) from spine"
            f" where trim({column}) <> ''",
        )
        return f"regexp_replace({column}, '[.]0 *$', '')" if is_number else column
    if kind not in (*WHOLE_NUMBERS, "UUID") and not kind.startswith("U"):
        raise UserError(
            f"{spine.path}: column {spine.customer_column} is {kind}, expected a customer's key"
            " as text or whole number"
        )
    return f"cast({column} as varchar)"


def _application_date(con: DuckDBPyConnection, spine: Spine) -> str:
    """Return the SQL of a spine row's date; a time of day is cut off.

    Raises UserError for a value that is no date, and for times with a zone: which calendar day
    they mean is known to the caller alone.
    """
    column, kind = quoted_name(spine.date_column), spine.columns[spine.date_column]
    where = f"{spine.path}: column {spine.date_column}"
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
    bad = con.execute(
        f"select {ROW}, {text}, regexp_full_match({text}, '{DATE}{TIME}{ZONE}') from spine"
        f" where {text} <> '' and {date} is null order by {ROW} limit 1"
    ).fetchone()
    if bad and bad[2]:
        raise UserError(f"{where} {zone_advice}; data row {bad[0]:,} says {bad[1]!r}")
    if bad:
        raise UserError(
            f"{spine.path}, data row {bad[0]:,}: {spine.date_column} is {bad[1]!r},"
            " expected YYYY-MM-DD"
        )
    return date


def _term_value(con: DuckDBPyConnection, spine: Spine, term: str, kind: str) -> str:
    """Return the SQL of a term of the loan as `kind`, null where the file has no such column.

    Raises UserError for a value that is not of this type.
    """
    if term not in spine.terms:
        return f"cast(null as {kind})"
    name = spine.terms[term]
    text = f"nullif(trim(cast({quoted_name(name)} as varchar)), '')"
    value = f"try_cast({text} as {kind})"
    bad = con.execute(
        f"select {ROW}, {text} from spine where {text} is not null and {value} is null"
        f" order by {ROW} limit 1"
    ).fetchone()
    if bad:
        raise UserError(
            f"{spine.path}, data row {bad[0]:,}: {name} is {bad[1]!r}, expected a number ({kind})"
        )
    return value
