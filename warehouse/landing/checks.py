"""Checks of what a load has written: no row lost, no file changed, dates in the declared format."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from warehouse.base.catalog import quoted_name, quoted_text
from warehouse.base.errors import UserError
from warehouse.contracts.contract import PARTITION, SourceContract
from warehouse.landing.dates import likely_format, swapped
from warehouse.landing.inspection import InspectedFile
from warehouse.landing.loads import SourceFile, query_files

SAMPLE_ROWS = 1000


def check_landed(
    files: Sequence[InspectedFile], written: Sequence[str], expected: Counter[str]
) -> list[SourceFile]:
    """Count the rows of each file of a source in the parquet files that its load has written.

    Raises:
        UserError: they are not as many as expected, a file changed since its inspection, or its
            dates are not in the declared format.
    """
    agree, is_whole = _months_agree(files[0].contract), "_malformed_line is null"
    is_undated = f"{is_whole} and {PARTITION} is null"
    counts = query_files(
        written,
        f"""
        select
            _source_file,
            count(*),
            min(_row_number),
            max(_row_number),
            count(*) filter ({is_undated}),
            count(*) filter ({is_whole} and not {agree}),
            count(*) filter ({is_whole} and {agree}),
            min((_row_number, coalesce(_snapshot_date_text, '')), {SAMPLE_ROWS})
                filter ({is_undated})
        from read_parquet(?, hive_partitioning = true, hive_types_autocast = false) group by all
        """,
    )
    found = {name: _Found(*numbers) for name, *numbers in counts}
    landed = []
    for one in files:
        file, rows = one.file, found.get(one.file.source_file, _Found())
        status, to_land = one.path.stat(), expected[file.source_file]
        if (status.st_size, status.st_mtime_ns) != (file.file_bytes, one.modified_ns):
            raise UserError(f"{one.path}: the file changed while it was read; run again")
        if rows.landed != to_land or rows.last > file.rows_in_file or rows.first < 1:
            raise UserError(
                f"{one.path}: expected {to_land} of its {file.rows_in_file} rows in bronze,"
                f" found {rows.landed}, the last of them row {rows.last}; nothing is published"
            )
        _check_dates(one, rows)
        seen_before = file.rows_in_file - rows.landed
        landed.append(replace(file, rows_landed=rows.landed, rows_seen_before=seen_before))
    return landed


class _Found(NamedTuple):
    """The rows of a file in bronze: their number, first and last, and what their dates say.

    undated_rows: number and text of the first rows that have no date of the declared format.
    """

    landed: int = 0
    first: int = 1
    last: int = 0
    undated: int = 0
    disagreeing: int = 0
    agreeing: int = 0
    undated_rows: Sequence[tuple[int, str]] = ()


def _check_dates(one: InspectedFile, rows: _Found) -> None:
    """Raise where most rows have no date of the declared format, or day and month are swapped.

    They are where most dates do not agree with the months that the source counts.
    """
    contract = one.contract
    if 2 * rows.undated > one.file.rows_in_file:
        likely = likely_format([text for _, text in rows.undated_rows])
        row, text = rows.undated_rows[0]
        raise UserError(
            f"{one.path}, data row {row}: expected {contract.date_column} written as"
            f" {contract.date_format}, as the contract of {contract.name} declares, found"
            f" {text[:60]!r}; more than half of the rows are like this, so the file is in another"
            f" date format{f', likely {likely}' if likely else ''}"
        )
    # rows seen before were judged when they landed
    if rows.disagreeing > rows.agreeing + one.file.rows_in_file - rows.landed:
        raise UserError(
            f"{one.path}: most values of {contract.months_column} ({rows.disagreeing:,} of"
            f" {rows.disagreeing + rows.agreeing:,}) do not agree with the months from"
            f" {contract.months_from} to {contract.date_column}, so day and month are swapped:"
            f" the contract of {contract.name} declares the date_format"
            f" {contract.date_format!r}, the file is likely in"
            f" {swapped(contract.date_format)!r}"
        )


def _months_agree(contract: SourceContract) -> str:
    """Return the condition that a row's months are right; null where they cannot be judged."""
    if contract.months_column is None or contract.months_from is None:
        return "null::boolean"
    start, months = quoted_name(contract.months_from), quoted_name(contract.months_column)
    return f"""(
        date_diff(
            'month',
            try_strptime(trim({start}), {quoted_text(contract.date_format)})::date,
            try_cast({PARTITION} as date)
        ) = try_cast({months} as double)
    )"""
