"""Small files, a small contract, and landings of them into a bronze folder of a test's own."""

import gzip
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from warehouse.contracts.contract import SourceContract
from warehouse.landing.bronze import land_files
from warehouse.landing.csv_file import BLOCK_BYTES
from warehouse.landing.inspection import Inspection, inspect_sources
from warehouse.landing.loads import SourceFile

COLUMNS = ("loan_id", "note", "snapshot_date")
HEADER = ",".join(COLUMNS)
LOANS = SourceContract(
    name="loans",
    file="**/loans*",
    columns=COLUMNS,
    key=("loan_id", "snapshot_date"),
    customer_column="loan_id",
    silver="loans",
)


def loans(**settings: object) -> SourceContract:
    """Return the contract of loan_id, note and snapshot_date, with some settings changed."""
    return replace(LOANS, **settings)


def csv_text(*lines: str, header: str = HEADER) -> str:
    """Return a file of these lines."""
    return "".join(f"{line}\n" for line in (header, *lines))


class Lander:
    """A data folder and a bronze folder; every call to `land` is a run of the landing.

    Args:
        contracts: the sources, `loans` alone by default.
        block_bytes: how much of a file Spark reads in one task.
    """

    def __init__(
        self,
        spark: object,
        folder: Path,
        *contracts: SourceContract,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        self.data = folder / "data"
        self.bronze = folder / "bronze"
        self.log_file = folder / "spark.log"
        self.reports: list[str] = []
        self.spark = spark
        self.contracts = contracts or (LOANS,)
        self._block_bytes = block_bytes
        self.data.mkdir(exist_ok=True)

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Put files into the data folder; text in a file named .gz is compressed."""
        for name, content in files.items():
            path = self.data / name
            path.parent.mkdir(parents=True, exist_ok=True)
            data = content.encode() if isinstance(content, str) else content
            if name.endswith(".gz") and isinstance(content, str):
                data = gzip.compress(data, mtime=0)
            path.write_bytes(data)

    def inspect(self) -> Inspection:
        """Inspect what is in the data folder."""
        return inspect_sources(self.contracts, self.data, self.bronze, self._block_bytes)

    def land(self, files: Mapping[str, str | bytes] | str) -> list[SourceFile]:
        """Put files into the data folder, a text alone as loans.csv, and land what is new."""
        self.write({"loans.csv": files} if isinstance(files, str) else files)
        inspection = self.inspect()
        if not inspection.to_land:
            return []
        load = land_files(self.spark, inspection, self.bronze, self.log_file, self.reports.append)
        return list(load.files)

    def rows(self, columns: str = "loan_id, note, snapshot_date", source: str = "loans") -> list:
        """Return rows of bronze in the order of load, file and row."""
        files = [str(path) for path in (self.bronze / source).glob("*/*.parquet")]
        with duckdb.connect() as con:
            return con.execute(
                f"select {columns} from read_parquet(?, hive_partitioning = true,"
                " hive_types_autocast = false) order by _load_id, _source_file, _row_number",
                [files],
            ).fetchall()

    def column_names(self, source: str = "loans") -> list[str]:
        """Return the columns of a dataset of bronze, the partition last."""
        (path, *_) = (self.bronze / source).glob("*/*.parquet")
        with duckdb.connect() as con:
            found = con.execute("describe from read_parquet(?)", [str(path)]).fetchall()
        return [name for name, *_ in found]

    def loads(self, columns: str) -> list:
        """Return rows of bronze.loads in the order of load and file."""
        with duckdb.connect() as con:
            return con.execute(
                f"select {columns} from read_parquet(?) order by load_id, source, source_file",
                [f"{self.bronze}/loads/*.parquet"],
            ).fetchall()
