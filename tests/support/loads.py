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
from tests.support.landing import Lander
from warehouse.base.catalog import attach
from warehouse.base.paths import DATA_DIR
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


@cache
def compiled_run(datamart: Path) -> tuple[CompiledProject, list[str]]:
    """The models of a run, and its tests of the ledger."""
    folder = datamart / "dbt_target" / "compiled" / "loan_default" / "tests"
    tests = [(folder / f"{name}.sql").read_text() for name in LEDGER_TESTS]
    return CompiledProject.load(datamart / "current"), tests


class Landed(Lander):
    """A warehouse of the project's sources in a folder, built by the SQL of a run."""

    def __init__(self, folder: Path, spark: object, datamart: Path) -> None:
        super().__init__(spark, folder)
        self.datamart = datamart

    def land(self, files: Mapping[str, str | bytes]) -> list[SourceFile]:
        """Inspect and land files, given by name, as the next load.

        Raises UserError where the product refuses a file; the load is then not there.
        """
        self.contracts = tuple(
            replace(contract, file=f"{source}*.csv*")
            for source, contract in contracts().items()
            if any(name.startswith(source) for name in files)
        )
        return super().land(files)

    def build(self, *names: str) -> duckdb.DuckDBPyConnection:
        """Silver, the ledger and the named models; the ledger has to balance."""
        project, tests = compiled_run(self.datamart)
        con = connect_in_memory(threads=1)
        attach(con, self.bronze.parent)
        there = [path.name for path in self.bronze.iterdir() if any(path.rglob("*.parquet"))]
        create_bronze(con, set(contracts()).difference(there))
        for model in project.needed(["row_ledger", "quarantine", *names]):
            create_relation(con, "table", model.relation, model.sql)
        assert [con.execute(test).fetchall() for test in tests] == [[], []]
        return con


def fates(con: duckdb.DuckDBPyConnection, source: str) -> Counter:
    """The rows of a source in silver by fate, quarantined ones by reason."""
    found = con.execute(
        "select case fate when 'quarantined' then reason else fate end, sum(row_count)::integer"
        " from gold.row_ledger where layer = 'silver' and source = ? group by all",
        [source],
    ).fetchall()
    return Counter(dict(found))
