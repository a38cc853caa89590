"""Looking through a source file before anything of it is written.

One pass over the bytes in constant memory: is this the file that the contract promises, and
where do its rows stand. Spark reads a large file in blocks that know nothing of each other, so
the pass also counts the rows before each block; from that Spark numbers its rows exactly.
"""

import codecs
import csv
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.contracts.contract import SourceContract
from warehouse.landing.days import BLANK, CHUNK_BYTES, DayDigests, FileDays

BLOCK_BYTES = 128 * 2**20  # What one Spark task reads: a whole number of chunks.
HEADER_BYTES = 2**20  # The header line must end within this.
FIELD_BYTES = 64 * 2**20  # A quoted field longer than this is a quote that was never closed.
COMMON_FIELDS = 20_000  # Only a line longer than this many bytes may hold more fields than this.

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "pipes"}
SIGNATURES = {
    b"\xff\xfe\x00\x00": "UTF-32 text",
    b"\x00\x00\xfe\xff": "UTF-32 text",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PK\x03\x04": "a zip archive or Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstandard archive",
    b"PAR1": "a parquet file",
}


@dataclass(frozen=True)
class FileInspection:
    """A file that fits its contract, and what Spark needs to read and number its rows.

    `header` is in the file's own order. `data_rows` counts neither the header nor blank lines.
    `block_offsets[k]` is the number of data rows that start before block k of `block_bytes`.
    `is_multiline`: quoted fields hold line breaks, so the file cannot be read in blocks.
    `most_fields`: at least as many fields as the longest row has, never below COMMON_FIELDS.
    `days`: its rows by day, None where that hangs on who reads its quotes or line breaks.
    """

    path: Path
    contract: SourceContract
    bytes: int
    sha256: str
    modified_ns: int
    header: tuple[str, ...]
    data_rows: int
    block_bytes: int
    block_offsets: tuple[int, ...]
    is_multiline: bool
    most_fields: int
    days: FileDays | None


def inspect_file(
    path: Path, contract: SourceContract, block_bytes: int = BLOCK_BYTES
) -> FileInspection:
    """Inspect one file against its contract.

    Raises UserError, naming file, line or column, what was expected and what was found, when the
    file cannot be that source. Bad single rows are no reason: they are landed and judged later.
    """
    modified_ns = _check_readable(path)
    header = _read_header(path, contract)
    _check_columns(path, header, contract)
    _check_end(path, header, contract)
    scan = _scan(path, block_bytes, DayDigests(header, contract))
    offsets = _offsets(scan.rows_in_block)
    rows = sum(scan.rows_in_block) - 1
    multiline_rows = _multiline_rows(path, len(header)) if scan.has_open_quote else None
    if multiline_rows is not None:
        rows, offsets = multiline_rows, (0,)
    if rows < 1:
        raise UserError(
            f"{path}: expected data rows below the header, found none;"
            " where there is nothing new leave the last file in its place, it adds nothing"
        )
    return FileInspection(
        path=path,
        contract=contract,
        bytes=scan.bytes,
        sha256=scan.digest.hexdigest(),
        modified_ns=modified_ns,
        header=header,
        data_rows=rows,
        block_bytes=block_bytes,
        block_offsets=offsets,
        is_multiline=multiline_rows is not None,
        most_fields=max(COMMON_FIELDS, scan.most_fields),
        days=scan.days.result() if scan.days and multiline_rows is None else None,
    )


def _check_readable(path: Path) -> int:
    """The time of the last change in ns; raises when this is no readable file with content."""
    try:
        if path.is_dir():
            raise UserError(f"{path}: expected a file, found a folder")
        status = path.stat()
        if not path.is_file():
            raise UserError(f"{path}: expected a regular file, found something else")
        with path.open("rb") as file:
            start = file.read(8)
    except FileNotFoundError as error:
        raise UserError(f"{path}: there is no such file; put it there") from error
    except OSError as error:
        raise UserError(f"{path}: the file cannot be read: {error.strerror or error}") from error
    if not start:
        raise UserError(f"{path}: expected a header and data rows, found an empty file")
    for signature, kind in SIGNATURES.items():
        if start.startswith(signature):
            raise UserError(f"{path}: expected comma-separated UTF-8 text, found {kind}")
    return status.st_mtime_ns


def _read_header(path: Path, contract: SourceContract) -> tuple[str, ...]:
    """The column names of the first line that is not blank."""
    with path.open("rb") as file:
        start = file.read(HEADER_BYTES)
    lines = (line for line in start.removeprefix(codecs.BOM_UTF8).splitlines() if line.strip(BLANK))
    line = next(lines, b"")
    if not line:
        raise UserError(f"{path}: expected a header line, found only blank lines")
    _check_no_nul(path, line, 0)
    try:
        text = line.decode()
        names = next(csv.reader([text]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}, line 1: the header cannot be read as UTF-8 CSV") from error
    used = [word for sign, word in DELIMITERS.items() if sign in text]
    if len(names) == 1 and len(contract.columns) > 1 and used:
        raise UserError(f"{path}, line 1: expected columns separated by commas, found {used[0]}")
    return tuple(names)


def _check_end(path: Path, header: tuple[str, ...], contract: SourceContract) -> None:
    """Raise where the last value of the file may be a part of one, and still look like a whole.

    A date that was cut off is no date, so that a file that ends with one tells by itself.
    """
    if header[-1] == contract.date_column:
        return
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) not in b"\r\n":
            raise UserError(
                f"{path}: the last line has no line end, so that its {header[-1]} may have been cut"
                f" off; end the file with a line break, or put {contract.date_column} last"
            )


def _check_columns(path: Path, header: tuple[str, ...], contract: SourceContract) -> None:
    """Raise unless the header holds exactly the contract's columns, in whatever order."""
    missing = [name for name in contract.columns if name not in header]
    if len(missing) == len(contract.columns):
        # not repeated: where the header is missing this is a row, perhaps a person's
        raise UserError(
            f"{path}, line 1: expected the column names {', '.join(contract.columns)},"
            " found none of them; is this the right file, and is its header there?"
        )
    unknown = [name for name in header if name not in contract.columns]
    repeated = sorted({name for name in header if header.count(name) > 1})
    problems = [
        f"{label} {', '.join(repr(_short(name)) for name in names[:10])}"
        for label, names in (
            ("missing column", missing),
            ("unknown column", unknown),
            ("column found twice", repeated),
        )
        if names
    ]
    if problems:
        raise UserError(
            f"{path}, line 1: {'; '.join(problems)}; expected {', '.join(contract.columns)}"
        )


def _short(text: str, width: int = 60) -> str:
    return text if len(text) <= width else text[:width] + "..."


@dataclass
class _Scan:
    """What one pass over the bytes found; rows include the header, those of `days` do not."""

    days: DayDigests | None
    bytes: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    rows_in_block: list[int] = field(default_factory=list)
    has_open_quote: bool = False
    most_fields: int = 0
    line: "_OpenLine" = field(default_factory=lambda: _OpenLine(0))


@dataclass
class _OpenLine:
    """The line that the end of a chunk cut, with what is known of it so far."""

    block: int
    bytes: int = 0
    is_blank: bool = True
    quotes: int = 0
    commas: int = 0
    pieces: list[bytes] = field(default_factory=list)  # of the line, while it is not too long

    def extend(self, piece: bytes) -> None:
        self.bytes += len(piece)
        self.pieces.append(piece)
        if self.bytes > FIELD_BYTES:
            self.pieces.clear()
        self.is_blank = self.is_blank and not piece.strip(BLANK)
        self.quotes += piece.count(b'"')
        self.commas += piece.count(b",")


def _scan(path: Path, block_bytes: int, days: DayDigests) -> _Scan:
    """Read the file once: digests, encoding, rows of each block, open quotes, widest row."""
    scan = _Scan(days)
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in _chunks(path, min(CHUNK_BYTES, block_bytes)):
        scan.digest.update(chunk)
        _check_no_nul(path, chunk, scan.bytes)
        _check_utf8(path, chunk, scan.bytes, decoder)
        block = scan.bytes // block_bytes
        if block == len(scan.rows_in_block):
            scan.rows_in_block.append(0)
        _count_rows(scan, chunk.removeprefix(codecs.BOM_UTF8) if not scan.bytes else chunk, block)
        scan.bytes += len(chunk)
    _check_utf8(path, b"", scan.bytes, decoder)
    _close_line(scan)
    return scan


def _chunks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(size):
            yield chunk


def _count_rows(scan: _Scan, chunk: bytes, block: int) -> None:
    """Count the rows that start in a chunk.

    A line belongs to the block that holds the line break before it, as it does for Hadoop's line
    reader: a line that starts exactly with a block is read with the block before. Line breaks
    are LF, CRLF and CR, also for Hadoop; a CRLF cut in two gives a blank line, which nobody counts.
    """
    first, *lines = chunk.splitlines() or [b""]
    scan.line.extend(first)
    ends_whole = chunk.endswith((b"\n", b"\r"))
    if not lines and not ends_whole:
        return
    _close_line(scan)
    last = b"" if ends_whole else lines.pop()
    scan.line = _OpenLine(block)
    scan.line.extend(last)
    rows = [line for line in lines if line.strip(BLANK)]
    scan.rows_in_block[block] += len(rows)
    if scan.days:
        scan.days.add(rows)
    if b'"' in chunk and not scan.has_open_quote:
        scan.has_open_quote = any(line.count(b'"') % 2 for line in lines)
    if max(map(len, lines), default=0) > COMMON_FIELDS:
        scan.most_fields = max(scan.most_fields, *(line.count(b",") + 1 for line in lines))


def _close_line(scan: _Scan) -> None:
    """Count the cut line, now that its end is known."""
    if not scan.line.is_blank:
        scan.rows_in_block[scan.line.block] += 1
        if scan.line.bytes > FIELD_BYTES:
            scan.days = None
        if scan.days:
            scan.days.add([b"".join(scan.line.pieces)])
    scan.has_open_quote = scan.has_open_quote or scan.line.quotes % 2 == 1
    scan.most_fields = max(scan.most_fields, scan.line.commas + 1)


def _check_no_nul(path: Path, chunk: bytes, position: int) -> None:
    at = chunk.find(b"\0")
    if at < 0:
        return
    line = _line_number(path, position + at)
    text = " (UTF-16 without its mark?)" if chunk[:200].count(b"\0") > 20 else ""
    raise UserError(f"{path}, line {line}: expected UTF-8 text, found a NUL byte{text}")


def _check_utf8(
    path: Path, chunk: bytes, position: int, decoder: codecs.IncrementalDecoder
) -> None:
    held = len(decoder.getstate()[0])
    try:
        decoder.decode(chunk, final=not chunk)
    except UnicodeDecodeError as error:
        line = _line_number(path, position - held + error.start)
        byte = error.object[error.start]
        raise UserError(
            f"{path}, line {line}: expected UTF-8 text, found the byte 0x{byte:02X} "
            "(Latin-1 or Windows encoding?); save the file as UTF-8"
        ) from error


def _line_number(path: Path, position: int) -> int:
    """The line (the first is 1) in which a byte position lies."""
    line, last = 1, b""
    with path.open("rb") as file:
        while position > 0 and (chunk := file.read(min(CHUNK_BYTES, position))):
            position -= len(chunk)
            breaks = chunk.count(b"\n") + chunk.count(b"\r") - chunk.count(b"\r\n")
            line += breaks - (last == b"\r" and chunk.startswith(b"\n"))
            last = chunk[-1:]
    return line


def _offsets(rows_in_block: list[int]) -> tuple[int, ...]:
    """The data rows before each block; the first row of all is the header."""
    offsets, before = [0], -1
    for rows in rows_in_block[:-1]:
        before += rows
        offsets.append(before)
    return tuple(offsets)


def _multiline_rows(path: Path, width: int) -> int | None:
    """The data rows of a file whose quoted fields hold line breaks; None for any other file.

    Only when every row over several lines has as many fields as the header is a line break
    inside quotes meant. Else a stray quote swallows the rows after it, and then each line is
    better read by itself, so that only the line with the stray quote is a bad row. The same holds
    with a CR by itself, which ends a line or not depending on who reads.
    """
    csv.field_size_limit(FIELD_BYTES)
    rows, last_line, is_multiline = -1, 0, False
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
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
