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

from tests.support.bronze import contracts, create_bronze
from warehouse.base.catalog import attach
from warehouse.base.paths import DATA_DIR
from warehouse.landing import bronze as landing
from warehouse.landing.inspection import inspect_sources
from warehouse.landing.loads import SourceFile
from warehouse.transform.compiled import CompiledProject, connect_in_memory, create_relation

LEDGER_TESTS = ("ledger_balances", "every_bronze_row_has_exactly_one_fate")


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
    """The SQL of the sample run: the models, and singular tests by name."""

    def __init__(self, datamart: Path) -> None:
        self.project = CompiledProject.load(datamart / "current")
        compiled = datamart / "dbt_target" / "compiled" / "loan_default" / "tests"
        self.tests = {path.stem: path.read_text() for path in compiled.glob("*.sql")}

    def failures(self, con: duckdb.DuckDBPyConnection, test: str) -> list[tuple]:
        """The rows that a singular test of the project finds."""
        return con.execute(self.tests[test]).fetchall()


class Landed:
    """A bronze folder that files are landed into with Spark, one call a load."""

    def __init__(self, folder: Path, spark: object, compiled: Compiled) -> None:
        self.bronze = folder / "bronze"
        self.folder = folder
        self._spark = spark
        self._compiled = compiled

    def land(self, **files: str | bytes) -> dict[str, SourceFile]:
        """Land one file per source, given by its content, as the next load; see `land_files`."""
        named = {f"{source}.csv": content for source, content in files.items()}
        return {counts.source: counts for counts in self.land_files(named)}

    def land_files(self, files: Mapping[str, str | bytes]) -> tuple[SourceFile, ...]:
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
        con = connect_in_memory(threads=1)
        attach(con, self.folder)
        there = [path.name for path in self.bronze.iterdir() if any(path.rglob("*.parquet"))]
        create_bronze(con, set(contracts()).difference(there))
        for model in self._compiled.project.needed(["row_ledger", "quarantine", *names]):
            create_relation(con, "table", model.relation, model.sql)
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
