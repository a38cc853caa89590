"""The landing as the steps call it (to be replaced by the landing's own interface)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.errors import UserError
from warehouse.contracts.contract import SourceContract
from warehouse.landing.inspection import FileInspection, inspect_file


def inspect_sources(data_dir: Path, contracts: Sequence[SourceContract]) -> list[FileInspection]:
    """Check every file against its contract."""
    if not data_dir.is_dir():
        state = "is a file" if data_dir.exists() else "does not exist"
        raise UserError(
            f"data folder {data_dir} {state}; name the folder of the CSV files with --data-dir"
        )
    return [inspect_file(data_dir / contract.file, contract) for contract in contracts]


def identity(inspection: FileInspection) -> dict[str, Any]:
    """Return what tells a file from others, for the manifest."""
    return {
        "source": inspection.contract.name,
        "file": inspection.path.name,
        "bytes": inspection.bytes,
        "sha256": inspection.sha256,
        "rows": inspection.data_rows,
    }


def land_files(
    files: list[FileInspection],
    new: list[FileInspection],
    bronze_dir: Path,
    log_file: Path,
    master: str,
    heap: str | None,
) -> None:
    """Land the new files as one load."""
    from warehouse.landing import bronze as landing

    load_id = 1 + max((int(path.stem[-6:]) for path in (bronze_dir / "loads").glob("*")), default=0)
    landed_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    memory = {"memory": heap} if heap else {}
    java = landing.start_java(log_file, input_bytes=sum(file.bytes for file in new), **memory)
    try:
        spark = landing.start_spark(java, master)
        try:
            landed = landing.land(
                spark, new, bronze_dir, load_id, landed_at, java.log_file, print, {}
            )
            _write_load(bronze_dir / "loads", load_id, landed_at, files, landed)
        finally:
            landing.stop_spark(spark)
    finally:
        java.end()


def _write_load(
    loads_dir: Path,
    load_id: int,
    landed_at: datetime,
    inspections: list[FileInspection],
    landed: list[Any],
) -> None:
    rows_landed = {source.source: source.rows_landed for source in landed}
    rows = [
        (
            load_id,
            i.contract.name,
            i.path.name,
            i.bytes,
            i.sha256,
            i.data_rows,
            new := rows_landed.get(i.contract.name, 0),
            i.data_rows - new,
            landed_at,
        )
        for i in inspections
    ]
    loads_dir.mkdir(exist_ok=True)
    with duckdb.connect() as con:
        con.execute(
            "create table loads (load_id integer, source varchar, source_file varchar,"
            " file_bytes bigint, file_sha256 varchar, rows_in_file bigint, rows_landed bigint,"
            " rows_seen_before bigint, landed_at timestamp)"
        )
        con.executemany("insert into loads values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        path = str(loads_dir / f"load_{load_id:06}.parquet").replace("'", "''")
        con.execute(f"copy loads to '{path}' (format parquet)")
