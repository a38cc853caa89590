"""The parquet files of a table: x.parquet, or x.001.parquet, x.002.parquet and so on."""

from collections.abc import Sequence
from pathlib import Path

from duckdb import DuckDBPyConnection

from warehouse.base.catalog import files_of, quoted_name, read_parquet


def replace_files(folder: Path, table: str, written: Sequence[Path]) -> None:
    """Make the written files those of the table, in the place of the ones it had."""
    _arrange(folder, table, kept=[], written=written)


def add_rows(
    con: DuckDBPyConnection,
    folder: Path,
    table: str,
    written: Sequence[Path],
    key: str,
    rows_per_group: int,
) -> None:
    """Add the rows of the written files to a table, in the place of those with the same key.

    A file of the table that holds no such row stays as it is. The other rows of the others go with
    the new ones into one file, and so do files of less than two row groups: there are never many.
    """
    kept: list[Path] = []
    mixed: list[Path] = []
    for file in files_of(folder, table):
        is_mixed = (
            _rows(con, file) < 2 * rows_per_group or _rows(con, file, _has_key(key, written)) > 0
        )
        (mixed if is_mixed else kept).append(file)
    new = [file for file in written if _rows(con, file)]
    if mixed:
        new = [written[0].with_name(f"{written[0].name}_merged")]
        con.execute(
            f"copy (from {read_parquet(*mixed)} where not {_has_key(key, written)}"
            f" union all from {read_parquet(*written)})"
            f" to ? (format parquet, compression zstd, row_group_size {rows_per_group})",
            [str(new[0])],
        )
    _arrange(folder, table, kept, new)
    for file in written:
        file.unlink(missing_ok=True)


def _has_key(key: str, files: Sequence[Path]) -> str:
    """Return the condition that a row has a key which the files have."""
    name = quoted_name(key)
    return f"{name} in (select {name} from {read_parquet(*files)})"


def _rows(con: DuckDBPyConnection, file: Path, condition: str = "true") -> int:
    query = f"select count(*) from {read_parquet(file)} where {condition}"
    return int(con.execute(query).fetchall()[0][0])


def _arrange(folder: Path, table: str, kept: Sequence[Path], written: Sequence[Path]) -> None:
    """Give the written files names of the table's, after those kept, and remove its other files."""
    names = [f"{table}.parquet"]
    if kept or len(written) != 1:
        last = max((_number(file) for file in kept), default=0)
        names = [f"{table}.{last + i:03d}.parquet" for i in range(1, len(written) + 1)]
    files = {folder / name for name in names}
    for file, name in zip(written, names, strict=True):
        file.replace(folder / name)
    for file in files_of(folder, table):
        if file not in files and file not in kept:
            file.unlink(missing_ok=True)


def _number(file: Path) -> int:
    """Return 2 of x.002.parquet, and 1 of x.parquet."""
    number = file.name.split(".")[-2]
    return int(number) if number.isdigit() else 1
