"""A small warehouse without a process per build: files are landed by the project's own landing, or
written to bronze by hand, and the SQL that dbt compiled for the sample run makes the rest."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.paths import CONTRACTS_FILE, DATA_DIR
from warehouse.contracts.contract import SourceContract, read_contracts
from warehouse.landing import bronze as landing
from warehouse.landing.inspection import inspect_sources
from warehouse.landing.loads import LandedFile
from warehouse.transform.compiled import CompiledProject

SILVER = {
    "features_attributes": "customer_attributes",
    "features_financials": "customer_financials",
    "feature_clickstream": "clickstream",
    "lms_loan_daily": "loan_repayments",
}
PROVENANCE = {
    "_source_file": "varchar",
    "_row_number": "bigint",
    "_load_id": "integer",
    "_landed_at": "timestamp",
    "_malformed_line": "varchar",
    "_snapshot_date_text": "varchar",
}
LOADS = (
    "load_id integer, source varchar, source_file varchar, file_bytes bigint,"
    " file_sha256 varchar, rows_in_file bigint, rows_landed bigint, rows_seen_before bigint,"
    " landed_at timestamp"
)
LEDGER_TESTS = ("ledger_balances", "every_bronze_row_has_exactly_one_fate")


@cache
def contracts() -> dict[str, SourceContract]:
    """The contracts of the sources by name."""
    return {contract.name: contract for contract in read_contracts(CONTRACTS_FILE)}


@cache
def sample_lines(source: str) -> list[str]:
    """The lines of a sample file, the header first."""
    return (DATA_DIR / contracts()[source].file).read_text().splitlines()


def good_rows(source: str, count: int) -> list[str]:
    """So many lines of the sample with the right number of fields, without the header."""
    header, *lines = sample_lines(source)
    width = len(header.split(","))
    whole = (line for line in lines if len(next(csv.reader([line]))) == width)
    return [line for line, _ in zip(whole, range(count), strict=False)]


def line_of(values: Iterable[object]) -> str:
    """Values as a line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


class Compiled:
    """The SQL of the sample run: models in their order, singular tests by name."""

    def __init__(self, datamart: Path) -> None:
        self.queries = CompiledProject.load(datamart / "current")
        compiled = datamart / "dbt_target" / "compiled" / "loan_default" / "tests"
        self.tests = {path.stem: path.read_text() for path in compiled.glob("*.sql")}

    def build(self, con: duckdb.DuckDBPyConnection, *names: str) -> None:
        """Make the named models and all they are made from, from the bronze of a connection."""
        wanted = self.queries.ancestors(names)
        for schema in ("silver", "gold"):
            con.execute(f"create schema if not exists {schema}")
        for model in self.queries.models:
            if model.relation in wanted:
                con.execute(f"create or replace table {model.relation} as {model.sql}")

    def failures(self, con: duckdb.DuckDBPyConnection, test: str) -> list[tuple]:
        """The rows that a singular test of the project finds."""
        return con.execute(self.tests[test]).fetchall()


def connect() -> duckdb.DuckDBPyConnection:
    """A connection with the settings of the project's dbt profile."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set TimeZone = 'UTC'")
    return con


def empty_bronze(con: duckdb.DuckDBPyConnection, skip: Iterable[str] = ()) -> None:
    """The bronze tables without rows, but for those to skip."""
    con.execute("create schema if not exists bronze")
    for name, contract in contracts().items():
        if name not in skip:
            columns = dict.fromkeys(contract.columns, "varchar") | PROVENANCE
            described = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            con.execute(f"create table bronze.{name} ({described})")
    if "loads" not in skip:
        con.execute(f"create table bronze.loads ({LOADS})")


class Landed:
    """A bronze folder that files are landed into with Spark, one call a load."""

    def __init__(self, folder: Path, spark: object, compiled: Compiled) -> None:
        self.bronze = folder / "bronze"
        self.folder = folder
        self._spark = spark
        self._compiled = compiled

    def land(self, **files: str | bytes) -> dict[str, LandedFile]:
        """Land one file per source, given by its content, as the next load; see `land_files`."""
        named = {f"{source}.csv": content for source, content in files.items()}
        return {counts.source: counts for counts in self.land_files(named)}

    def land_files(self, files: Mapping[str, str | bytes]) -> tuple[LandedFile, ...]:
        """Inspect and land files, given by name, as the next load.

        Raises UserError where the product refuses a file; the load is then not there.
        """
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (self.folder / name).write_bytes(data)
        delivered = [
            replace(contract, file=f"{source}*.csv*")
            for source, contract in contracts().items()
            if any(name.startswith(source) for name in files)
        ]
        inspection = inspect_sources(delivered, self.folder, self.bronze)
        log_file = self.folder / "spark.log"
        return landing.land_files(self._spark, inspection, self.bronze, log_file).files

    def build(self, *names: str) -> duckdb.DuckDBPyConnection:
        """Silver, the ledger and the named models; the ledger has to balance."""
        con = connect()
        attach(con, self.folder)
        there = [path.name for path in self.bronze.iterdir() if any(path.rglob("*.parquet"))]
        empty_bronze(con, skip=there)
        self._compiled.build(con, "row_ledger", "quarantine", *names)
        for test in LEDGER_TESTS:
            assert self._compiled.failures(con, test) == []
        return con


def fates(con: duckdb.DuckDBPyConnection, source: str) -> Counter:
    """The rows of a source in silver by fate, quarantined ones by reason."""
    found = con.execute(
        "select case fate when 'quarantined' then reason else fate end, sum(row_count)::integer"
        " from gold.row_ledger where layer = 'silver' and source = ? group by all",
        [source],
    ).fetchall()
    return Counter(dict(found))
