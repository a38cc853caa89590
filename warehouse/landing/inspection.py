"""Inspection of the data folder: which files are new or changed, and do they fit their contracts.

A file is known by its name below the data folder, its size and its sha256. Only files that are not
as bronze last read them are looked into, and only those are landed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.contracts.contract import SourceContract
from warehouse.landing.csv_file import BLOCK_BYTES, CsvFile, read_csv_file
from warehouse.landing.loads import SourceFile, last_landed


@dataclass(frozen=True)
class InspectedFile:
    """A new or changed file that fits its contract. The landing checks that it stays the same."""

    file: SourceFile
    path: Path
    contract: SourceContract
    modified_ns: int
    csv: CsvFile


@dataclass(frozen=True)
class Inspection:
    """The files of a data folder: those to land, those that bronze has already, and notices."""

    data_dir: Path
    to_land: tuple[InspectedFile, ...]
    unchanged: tuple[SourceFile, ...]
    notices: tuple[str, ...]
    block_bytes: int

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files that are there, in the order of the names of their sources and their own."""
        files = (*self.unchanged, *(inspected.file for inspected in self.to_land))
        return tuple(sorted(files, key=lambda file: (file.source, file.source_file)))


def inspect_sources(
    contracts: Sequence[SourceContract],
    data_dir: Path,
    bronze_dir: Path,
    block_bytes: int = BLOCK_BYTES,
) -> Inspection:
    """Find the files of all sources and look into those that bronze has not read as they are.

    A source whose files are gone keeps what bronze has of it; the inspection has a notice then.

    Raises:
        UserError: a file does not fit its contract, two sources claim one file, or a source that
            never landed has no file; names the file, what was expected and what was found.
    """
    if not data_dir.is_dir():
        problem = "is a file" if data_dir.exists() else "does not exist"
        raise UserError(
            f"data folder {data_dir} {problem}; name the folder of the CSV files with --data-dir"
        )
    data_dir = data_dir.resolve()
    landed = {(file.source, file.source_file): file for file in last_landed(bronze_dir)}
    found = _find_files(contracts, data_dir)
    landed_sources = {source for source, _ in landed}
    notices, unchanged, to_land = [], [], []
    for contract in contracts:
        if not found[contract.name]:
            missing = f"{data_dir / contract.file}: there is no such file of {contract.name}"
            if contract.name not in landed_sources or not any(found.values()):
                raise UserError(
                    f"{missing}; put it there, or correct `file` in its contract or --data-dir"
                )
            notices.append(f"{missing}; bronze keeps what it has of it")
    for contract in contracts:
        for path in found[contract.name]:
            name = path.relative_to(data_dir).as_posix()
            before = landed.get((contract.name, name))
            inspected = _inspect(path, name, contract, before, block_bytes)
            if isinstance(inspected, SourceFile):
                unchanged.append(inspected)
            else:
                to_land.append(inspected)
    return Inspection(data_dir, tuple(to_land), tuple(unchanged), tuple(notices), block_bytes)


def _find_files(contracts: Sequence[SourceContract], data_dir: Path) -> dict[str, list[Path]]:
    """Find the files of each source in the order of their names, each file of one source only."""
    found: dict[str, list[Path]] = {}
    owners: dict[Path, SourceContract] = {}
    for contract in contracts:
        found[contract.name] = sorted(_matches(data_dir, contract.file))
        for path in found[contract.name]:
            other = owners.setdefault(path, contract)
            if other is not contract:
                raise UserError(
                    f"{path}: matches {other.file!r} of {other.name} and {contract.file!r} of"
                    f" {contract.name}; a file belongs to one source, so make the patterns narrower"
                )
    return found


def _matches(data_dir: Path, pattern: str) -> Iterator[Path]:
    """Yield the files that a name or pattern means; a file of exactly this name is meant alone."""
    try:
        if (data_dir / pattern).exists():
            yield data_dir / pattern
            return
        for path in data_dir.glob(pattern):
            hidden = any(part[0] in "._" for part in path.relative_to(data_dir).parts)
            if not hidden and not path.is_dir():
                yield path
    except (OSError, ValueError) as error:
        raise UserError(f"{data_dir}: cannot look for {pattern!r}: {error}") from error


def _inspect(
    path: Path, name: str, contract: SourceContract, landed: SourceFile | None, block_bytes: int
) -> InspectedFile | SourceFile:
    """Look into a file; one that bronze has read as it is comes back as it was landed."""
    try:
        if not path.is_file():
            kind = "a folder" if path.is_dir() else "something else"
            raise UserError(f"{path}: expected a regular file, found {kind}")
        status = path.stat()
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        if landed and (landed.file_bytes, landed.file_sha256) == (status.st_size, sha256):
            return landed
        csv_file = read_csv_file(path, contract, block_bytes)
    except OSError as error:
        raise UserError(f"{path}: the file cannot be read: {error.strerror or error}") from error
    file = SourceFile(contract.name, name, status.st_size, sha256, csv_file.rows)
    return InspectedFile(file, path, contract, status.st_mtime_ns, csv_file)
