"""bronze.loads: what each load read and added, one row per file."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from warehouse.base.catalog import quoted_text

COLUMNS = (
    "load_id integer, source varchar, source_file varchar, file_bytes bigint, file_sha256 varchar,"
    " rows_in_file bigint, rows_landed bigint, rows_seen_before bigint, landed_at timestamp"
)


@dataclass(frozen=True)
class SourceFile:
    """A file of a source: its name below the data folder, and what was read of it.

    Once it has landed, rows_in_file = rows_landed + rows_seen_before.
    """

    source: str
    source_file: str
    file_bytes: int
    file_sha256: str
    rows_in_file: int
    rows_landed: int = 0
    rows_seen_before: int = 0


@dataclass(frozen=True)
class Load:
    """One load: its number (1 for the first), when it landed (UTC, no zone), and its files."""

    load_id: int
    landed_at: datetime
    files: tuple[SourceFile, ...]


def last_landed(bronze_dir: Path) -> list[SourceFile]:
    """Return each file as bronze last read it."""
    rows = _query(
        bronze_dir,
        """
        select
            source, source_file, file_bytes, file_sha256,
            rows_in_file, rows_landed, rows_seen_before
        from {loads}
        qualify load_id = max(load_id) over (partition by source, source_file)
        """,
    )
    return [SourceFile(*row) for row in rows]


def next_load(bronze_dir: Path) -> tuple[int, datetime]:
    """Return the number and the time of the next load; the time is later than any earlier one."""
    rows = _query(bronze_dir, "select max(load_id), max(landed_at) from {loads}")
    last_id, last_at = rows[0] if rows else (0, datetime.min)
    now = datetime.now(UTC).replace(tzinfo=None)
    return last_id + 1, max(now, last_at + timedelta(microseconds=1))


def write_load(bronze_dir: Path, load: Load) -> None:
    """Write a load into a parquet file of its own below `loads`."""
    import duckdb

    folder = bronze_dir / "loads"
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"create table loads ({COLUMNS})")
        con.executemany(
            "insert into loads values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(load.load_id, *astuple(file), load.landed_at) for file in load.files],
        )
        path = str(folder / f"load_{load.load_id:06}.parquet")
        con.execute(f"copy loads to {quoted_text(path)} (format parquet)")


def _query(bronze_dir: Path, sql: str) -> list[Any]:
    files = [str(path) for path in (bronze_dir / "loads").glob("*.parquet")]
    return query_files(files, sql.format(loads="read_parquet(?)"))


def query_files(files: Sequence[str], sql: str) -> list[Any]:
    """Return the rows of a query whose one parameter is a list of parquet files; [] of none."""
    import duckdb

    if not files:
        return []
    with duckdb.connect() as con:
        return con.execute(sql, [list(files)]).fetchall()
