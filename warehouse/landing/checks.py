"""Checks of what a load has written: no row lost, no file changed, dates in the declared format."""

from collections import Counter
from collections.abc import Sequence

from warehouse.base.errors import UserError
from warehouse.contracts.contract import PARTITION, SourceContract
from warehouse.landing.dates import likely_format, swapped
from warehouse.landing.inspection import InspectedFile
from warehouse.landing.loads import LandedFile, query_files

SAMPLE_ROWS = 1000
BRONZE = "read_parquet(?, hive_partitioning = true, hive_types_autocast = false)"


def check_counts(
    files: Sequence[InspectedFile], written: Sequence[str], expected: Counter[str]
) -> list[LandedFile]:
    """Count the rows of each file in the parquet files that its load has written.

    Raises:
        UserError: they are not as many as expected, or a file changed since its inspection.
    """
    counts = (
        query_files(
            written,
            f"""
            select _source_file, count(*), max(_row_number), min(_row_number)
            from {BRONZE} group by all
            """,
        )
        if written
        else []
    )
    found = {name: (rows, last, first) for name, rows, last, first in counts}
    landed = []
    for one in files:
        status, file = one.path.stat(), one.file
        if (status.st_size, status.st_mtime_ns) != (file.bytes, one.modified_ns):
            raise UserError(f"{one.path}: the file changed while it was read; run again")
        rows, last, first = found.get(file.name, (0, 0, 1))
        if rows != expected[file.name] or last > file.rows or first < 1:
            raise UserError(
                f"{one.path}: expected {expected[file.name]} of its {file.rows} rows in bronze,"
                f" found {rows}, the last of them row {last}; nothing is published"
            )
        landed.append(
            LandedFile(
                source=file.source,
                source_file=file.name,
                file_bytes=file.bytes,
                file_sha256=file.sha256,
                rows_in_file=file.rows,
                rows_landed=rows,
                rows_seen_before=file.rows - rows,
            )
        )
    return landed


def check_dates(files: Sequence[InspectedFile], written: Sequence[str]) -> None:
    """Check that the declared date format is that of the files.

    Raises:
        UserError: most rows of a file have no date of the format, or, in a source that counts
            months, most dates do not agree with the months: day and month are swapped.
    """
    if not written:
        return
    contract = files[0].contract
    agree, is_whole = _months_agree(contract), "_malformed_line is null"
    counts = query_files(
        written,
        f"""
        select
            _source_file,
            count(*),
            count(*) filter ({is_whole} and {PARTITION} is null),
            count(*) filter ({is_whole} and not {agree}),
            count(*) filter ({is_whole} and {agree})
        from {BRONZE} group by all
        """,
    )
    found = {name: numbers for name, *numbers in counts}
    for one in files:
        landed, undated, disagreeing, agreeing = found.get(one.file.name, (0, 0, 0, 0))
        if 2 * undated > one.file.rows:
            _refuse_unread_dates(one, written)
        # rows seen before were judged when they landed
        if disagreeing > agreeing + one.file.rows - landed:
            raise UserError(
                f"{one.path}: most values of {contract.months_column} ({disagreeing:,} of"
                f" {disagreeing + agreeing:,}) do not agree with the months from"
                f" {contract.months_from} to {contract.date_column}, so day and month are swapped:"
                f" the contract of {contract.name} declares the date_format"
                f" {contract.date_format!r}, the file is likely in"
                f" {swapped(contract.date_format)!r}"
            )


def _months_agree(contract: SourceContract) -> str:
    """Return the condition that a row's months are right; null where they cannot be judged."""
    if contract.months_column is None or contract.months_from is None:
        return "null::boolean"
    date_format = contract.date_format.replace("'", "''")
    start, months = _quoted(contract.months_from), _quoted(contract.months_column)
    return f"""(
        date_diff(
            'month',
            try_strptime(trim({start}), '{date_format}')::date,
            try_cast({PARTITION} as date)
        ) = try_cast({months} as double)
    )"""


def _refuse_unread_dates(one: InspectedFile, written: Sequence[str]) -> None:
    contract = one.contract
    text = "coalesce(_snapshot_date_text, '')"
    file = one.file.name.replace("'", "''")
    rows = query_files(
        written,
        f"""
        select _row_number, {text} from {BRONZE}
        where _source_file = '{file}' and {PARTITION} is null and _malformed_line is null
        order by _row_number limit {SAMPLE_ROWS}
        """,
    )
    likely = likely_format([text for _, text in rows])
    row, text = rows[0]
    raise UserError(
        f"{one.path}, data row {row}: expected {contract.date_column} written as"
        f" {contract.date_format}, as the contract of {contract.name} declares, found"
        f" {text[:60]!r}; more than half of the rows are like this, so the file is in another date"
        f" format{f', likely {likely}' if likely else ''}"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
