"""Small files, a small contract and a way to look at bronze, for the tests of the landing."""

from pathlib import Path

import duckdb

from warehouse.contracts.contract import SourceContract
from warehouse.landing.inspection import FileInspection, inspect_file

COLUMNS = ("loan_id", "note", "snapshot_date")
HEADER = ",".join(COLUMNS)


def small_contract(name: str = "loans", date_format: str = "%Y-%m-%d") -> SourceContract:
    """A contract of three columns: loan_id, note, snapshot_date."""
    return SourceContract(
        name=name,
        file=f"{name}.csv",
        columns=COLUMNS,
        key=("loan_id", "snapshot_date"),
        date_column="snapshot_date",
        date_format=date_format,
        delay_days=0,
        boundary="inclusive",
        max_age_days=None,
        personal_columns=(),
    )


def inspected(
    folder: Path, content: str | bytes, contract: SourceContract | None = None, **options: int
) -> FileInspection:
    """Write a file with this content and inspect it against the small contract."""
    contract = contract or small_contract()
    path = folder / contract.file
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return inspect_file(path, contract, **options)


def bronze_rows(bronze: Path, columns: str = "*", source: str = "loans") -> list[tuple]:
    """The rows of a bronze dataset in the order of load and row."""
    with duckdb.connect() as connection:
        return connection.execute(
            f"select {columns} from read_parquet('{bronze}/{source}/*/*.parquet', "
            "hive_partitioning = true, hive_types_autocast = false) "
            "order by _load_id, _row_number"
        ).fetchall()
