"""Write bronze of simulated deliveries with DuckDB: no Spark, and a moment of landing of choice."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path

import duckdb

from warehouse.base.paths import CONTRACTS_FILE
from warehouse.contracts.contract import SourceContract, read_contracts

Row = Mapping[str, object]

PROVENANCE = {
    "_source_file": "varchar",
    "_row_number": "bigint",
    "_load_id": "integer",
    "_landed_at": "timestamp",
    "_malformed_line": "varchar",
    "_snapshot_date_text": "varchar",
}


@cache
def contracts() -> dict[str, SourceContract]:
    """Return the project's source contracts by name."""
    return {contract.name: contract for contract in read_contracts(CONTRACTS_FILE)}


def create_bronze(con: duckdb.DuckDBPyConnection, sources: Iterable[str]) -> None:
    """Create the bronze tables of these sources, without rows."""
    con.execute("create schema if not exists bronze")
    for source in sources:
        con.execute(f"create table bronze.{source} ({_declared(source)})")


def _declared(source: str) -> str:
    columns = dict.fromkeys(contracts()[source].columns, "varchar") | PROVENANCE
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())


def land_rows(
    run_dir: Path, load_id: int, landed_at: datetime | str, rows: Mapping[str, Iterable[Row]]
) -> None:
    """Append one load to the bronze of a run folder: the rows of each source, in file order.

    A row maps columns of the file to their text (None or missing: an empty field), and may set
    `_source_file`, `_row_number` and `_malformed_line`.
    """
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for source, source_rows in rows.items():
            columns = [*contracts()[source].columns, *PROVENANCE]
            con.execute(f"create table landed ({_declared(source)})")
            values = []
            for position, row in enumerate(source_rows, start=1):
                provenance = (contracts()[source].file, position, load_id, str(landed_at))
                whole = dict(zip(PROVENANCE, provenance, strict=False)) | dict(row)
                values.append([whole.get(name) for name in columns])
            if values:
                con.executemany(
                    f"insert into landed values ({', '.join('?' * len(columns))})", values
                )
            _write(con, run_dir, source, load_id, str(landed_at))
            con.execute("drop table landed")


def land_files(
    run_dir: Path,
    data_dir: Path,
    load_id: int,
    landed_at: datetime | str,
    condition: str = "true",
    sources: Iterable[str] = (),
) -> None:
    """Append one load of the CSV rows that meet a condition, of some sources or of all."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for source in sources or contracts():
            contract = contracts()[source]
            con.execute(
                f"""
                create table landed as
                select
                    *,
                    '{contract.file}' as _source_file,
                    cast(row_number() over () as bigint) as _row_number,
                    cast({load_id} as integer) as _load_id,
                    cast('{landed_at}' as timestamp) as _landed_at,
                    cast(null as varchar) as _malformed_line,
                    cast(null as varchar) as _snapshot_date_text
                from read_csv(
                    '{data_dir / contract.file}', header = true, all_varchar = true,
                    null_padding = true, strict_mode = false
                )
                """
            )
            con.execute(f"delete from landed where ({condition}) is not true")
            _write(con, run_dir, source, load_id, str(landed_at))
            con.execute("drop table landed")


def _write(
    con: duckdb.DuckDBPyConnection, run_dir: Path, source: str, load_id: int, landed_at: str
) -> None:
    """Write the table `landed` as the landing does: by date, what is no date apart."""
    bronze = run_dir / "bronze"
    folder, loads = bronze / source, bronze / "loads"
    folder.mkdir(parents=True, exist_ok=True)
    loads.mkdir(exist_ok=True)
    con.execute(
        f"""
        update landed set _snapshot_date_text = snapshot_date, snapshot_date = null
        where try_strptime(snapshot_date, '{contracts()[source].date_format}') is null
        """
    )
    con.execute(
        f"""
        copy (select * exclude (snapshot_date), snapshot_date from landed) to '{folder}' (
            format parquet, partition_by (snapshot_date), overwrite_or_ignore,
            filename_pattern 'load_{load_id:06}_{{i}}'
        )
        """
    )
    con.execute(
        f"""
        copy (
            select
                {load_id}::integer as load_id, '{source}' as source, _source_file as source_file,
                0::bigint as file_bytes, '' as file_sha256, count(*)::bigint as rows_in_file,
                count(*)::bigint as rows_landed, 0::bigint as rows_seen_before,
                timestamp '{landed_at}' as landed_at
            from landed group by _source_file
        ) to '{loads}/load_{load_id:06}_{source}.parquet' (format parquet)
        """
    )
