"""One pass over a CSV file, plain or gzip: is it what its contract promises, where are its rows.

Spark reads a large plain file in blocks that know nothing of each other. The pass counts the rows
of each block, and from that Spark numbers its rows exactly.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import IO, cast

from warehouse.base.errors import UserError
from warehouse.contracts.contract import SourceContract

BLOCK_BYTES = 64 * 2**20  # of a file, for one Spark task
CHUNK_BYTES = 4 * 2**20
PIECE_BYTES = 2**16
HEADER_BYTES = 2**20  # the header line must end within this
FIELD_BYTES = 64 * 2**20  # a quoted field longer than this is a quote that was never closed
COMMON_FIELDS = 20_000  # only a line longer than this many bytes may hold more fields than this
BLANK = bytes(range(33))  # Spark drops lines made of these bytes only

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "pipes"}
GZIP = b"\x1f\x8b"
SIGNATURES = {
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstandard archive",
    b"PAR1": "a parquet file",
}


@dataclass(frozen=True)
class CsvFile:
    """The layout of a CSV file, from which Spark reads and numbers its rows.

    `header` is in the file's own order. `rows` counts neither the header nor blank lines.
    `block_offsets[k]` is the number of data rows that start before block k.
    `is_multiline`: quoted fields hold line breaks, so that the file cannot be read in blocks.
    `most_fields`: at least as many fields as the longest row has, never below COMMON_FIELDS.
    """

    header: tuple[str, ...]
    rows: int
    block_offsets: tuple[int, ...]
    is_multiline: bool
    most_fields: int


def read_csv_file(path: Path, contract: SourceContract, block_bytes: int = BLOCK_BYTES) -> CsvFile:
    """Read a file once and hold it against its contract. Bad single rows are no error.

    Raises:
        UserError: the file cannot be that source; names file, line or column, what was expected
            and what was found.
        OSError: the file cannot be read.
    """
    is_gzip = _check_kind(path)
    try:
        header = read_header(path)
        _check_columns(path, header, contract)
        # nothing reads gzip in blocks
        scan = _scan(path, 2**62 if is_gzip else block_bytes)
        multiline_rows = _multiline_rows(path, len(header)) if scan.has_open_quote else None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UserError(
            f"{path}: the gzip data is cut off or damaged ({error}); deliver the file again"
        ) from error
    if not scan.ends_whole:
        _check_last_value(path, header, contract)
    is_multiline = multiline_rows is not None
    # the first row of all is the header
    rows_up_to = [rows - 1 for rows in accumulate(scan.rows_in_block)]
    rows = rows_up_to[-1] if multiline_rows is None else multiline_rows
    if rows < 1:
        raise UserError(
            f"{path}: expected data rows below the header, found none;"
            " where there is nothing new leave the last file in its place, it adds nothing"
        )
    return CsvFile(
        header=header,
        rows=rows,
        block_offsets=(0,) if is_multiline else (0, *rows_up_to[:-1]),
        is_multiline=is_multiline,
        most_fields=max(COMMON_FIELDS, scan.most_fields),
    )


def _check_kind(path: Path) -> bool:
    """Return whether the file is gzip; raise unless it is plain text or gzip named so."""
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise UserError(f"{path}: expected a header and data rows, found an empty file")
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            raise UserError(f"{path}: expected comma-separated UTF-8 text, found {kind}")
    is_gzip = start.startswith(GZIP)
    if is_gzip != path.name.endswith(".gz"):
        found = "gzip data in a file that is not" if is_gzip else "other data in a file that is"
        raise UserError(f"{path}: found {found} named .gz; rename the file")
    return is_gzip


def open_file(path: Path) -> IO[bytes]:
    """Open a file, plain or gzip by its name."""
    return cast(IO[bytes], gzip.open(path)) if path.name.endswith(".gz") else path.open("rb")


def read_header(path: Path) -> tuple[str, ...]:
    """Return the column names of the first line that is not blank."""
    with open_file(path) as file:
        start = file.read(HEADER_BYTES)
    lines = (line for line in start.removeprefix(codecs.BOM_UTF8).splitlines() if line.strip(BLANK))
    line = next(lines, b"")
    if not line:
        raise UserError(f"{path}: expected a header line, found only blank lines")
    _check_text(path, line, 1)
    try:
        text = line.decode()
        names = next(csv.reader([text]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}, line 1: the header cannot be read as UTF-8 CSV") from error
    used = [word for sign, word in DELIMITERS.items() if sign in text]
    if len(names) == 1 and used:
        raise UserError(f"{path}, line 1: expected columns separated by commas, found {used[0]}")
    return tuple(names)


def _check_columns(path: Path, header: tuple[str, ...], contract: SourceContract) -> None:
    """Raise unless the header holds exactly the contract's columns, in whatever order."""
    missing = [name for name in contract.columns if name not in header]
    if len(missing) == len(contract.columns):
        # not repeated: where the header is missing this is a row, perhaps a person's
        raise UserError(
            f"{path}, line 1: expected the column names {', '.join(contract.columns)},"
            " found none of them; is this the right file, and is its header there?"
        )
    problems = {
        "missing column": missing,
        "unknown column": [name for name in header if name not in contract.columns],
        "column found twice": sorted({name for name in header if header.count(name) > 1}),
    }
    found = [
        f"{problem} {', '.join(repr(name[:60]) for name in names[:10])}"
        for problem, names in problems.items()
        if names
    ]
    if found:
        raise UserError(
            f"{path}, line 1: {'; '.join(found)}; expected {', '.join(contract.columns)}"
        )


def _check_last_value(path: Path, header: tuple[str, ...], contract: SourceContract) -> None:
    """Raise where the last value of a file without a last line end may be a part of one.

    A date that was cut off is no date of its format, unless that ends with fractions of seconds.
    """
    if header[-1] != contract.date_column or contract.date_format.endswith("%f"):
        raise UserError(
            f"{path}: the last line has no line end, so that its {header[-1]} may have been cut"
            f" off; end the file with a line break, or put {contract.date_column} last"
        )


@dataclass
class _Scan:
    """Counts of one pass over the bytes; rows include the header."""

    rows_in_block: list[int] = field(default_factory=list)
    has_open_quote: bool = False
    most_fields: int = 0
    ends_whole: bool = False


def _scan(path: Path, block_bytes: int) -> _Scan:
    """Count the rows of each block, and check the encoding of every line.

    A line belongs to the block that holds the line break before it, as it does for Spark.
    """
    scan, position, line_number = _Scan(), 0, 1
    with open_file(path) as file:
        while True:
            block = max(position - 1, 0) // block_bytes
            chunk = _read_lines(file, min(CHUNK_BYTES, (block + 1) * block_bytes - position))
            if not chunk:
                return scan
            _check_text(path, chunk, line_number)
            lines = chunk.splitlines()
            if not position:
                lines[0] = lines[0].removeprefix(codecs.BOM_UTF8)
            scan.rows_in_block += [0] * (block + 1 - len(scan.rows_in_block))
            scan.rows_in_block[block] += sum(1 for line in lines if line.strip(BLANK))
            if b'"' in chunk and not scan.has_open_quote:
                scan.has_open_quote = any(line.count(b'"') % 2 for line in lines)
            if max(map(len, lines)) > COMMON_FIELDS:
                scan.most_fields = max(scan.most_fields, *(line.count(b",") + 1 for line in lines))
            scan.ends_whole = chunk.endswith((b"\n", b"\r"))
            position += len(chunk)
            line_number += len(lines)


def _read_lines(file: IO[bytes], size: int) -> bytes:
    """Read so many bytes and on to the end of the line. A CR by itself ends a line too."""
    chunk, rest = file.read(size), b""
    while piece := file.readline(PIECE_BYTES):
        rest += piece
        cut = re.search(rb"\r(?!\n)", rest)
        if cut and cut.end() < len(rest) and not isinstance(file, gzip.GzipFile):
            file.seek(cut.end() - len(rest), io.SEEK_CUR)
            return chunk + rest[: cut.end()]
        if piece.endswith(b"\n"):
            break
    return chunk + rest


def _check_text(path: Path, chunk: bytes, first_line: int) -> None:
    """Raise unless the lines are UTF-8 without NUL."""
    position, problem = chunk.find(b"\0"), "a NUL byte (UTF-16 without its mark?)"
    if position < 0 and not chunk.isascii():
        try:
            chunk.decode()
        except UnicodeDecodeError as error:
            position = error.start
            problem = (
                f"the byte 0x{chunk[position]:02X} (Latin-1 or Windows encoding?);"
                " save the file as UTF-8"
            )
    if position >= 0:
        line = first_line + len((chunk[:position] + b".").splitlines()) - 1
        raise UserError(f"{path}, line {line}: expected UTF-8 text, found {problem}")


def _multiline_rows(path: Path, width: int) -> int | None:
    """Return the data rows of a file whose quoted fields hold line breaks; None for any other file.

    Only when every row over several lines has as many fields as the header is a line break
    inside quotes meant. Else a stray quote swallows the rows after it, and then each line is
    better read by itself, so that only the line with the stray quote is a bad row. The same holds
    with a CR by itself, which ends a line or not depending on who reads.
    """
    csv.field_size_limit(FIELD_BYTES)
    rows, last_line, is_multiline = -1, 0, False
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for row in reader:
                rows += bool(row)
                if reader.line_num - last_line > 1:
                    is_multiline = True
                    if len(row) != width:
                        return None
                last_line = reader.line_num
            kinds = file.newlines if isinstance(file.newlines, tuple) else (file.newlines,)
    except csv.Error:
        return None
    return rows if is_multiline and "\r" not in kinds else None
