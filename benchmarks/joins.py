"""The point-in-time join against its peers: python -m benchmarks.joins --datamart-dir DIR.

The peers are installed into an environment of the benchmark's own, benchmarks/.peers. All
contenders have to give the same rows before any of them is timed.
"""

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import duckdb

from benchmarks.contenders import CONTENDERS, SOURCES, WITH_TIMES
from benchmarks.measure import Cost, measure, median
from warehouse.catalog import attach
from warehouse.features import published_run
from warehouse.paths import DBT_DIR, PROJECT_DIR

PEERS_DIR = PROJECT_DIR / "benchmarks" / ".peers"
PEERS_FILE = PROJECT_DIR / "benchmarks" / "requirements-peers.txt"
TABLES = {
    "attributes": "silver.customer_attributes",
    "financials": "silver.customer_financials",
    "clickstream": "silver.clickstream",
}
BASE = "plain SQL"
LARGEST = {"Feast, default": 10}  # real sets; at 40 it takes more than ten minutes


def main() -> None:
    """Prepare, check that all agree, measure, and print a table for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--datamart-dir", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--times", type=int, nargs="+", default=[1, 10, 40], help="sizes, in real sets"
    )
    options = parser.parse_args()
    python = _peers_python()
    with tempfile.TemporaryDirectory() as folder:
        for times in options.times:
            data = Path(folder) / f"x{times}"
            loans = _prepare(published_run(options.datamart_dir), data, times)
            names = [name for name in CONTENDERS if times <= LARGEST.get(name, times)]
            costs = _measure(python, data, names, options.runs)
            print(f"\n{loans:,} loans\n{_table(costs)}", flush=True)


def _peers_python() -> Path:
    """The Python of the peers' environment, made anew when its requirements changed."""
    python, stamp = PEERS_DIR / "bin" / "python", PEERS_DIR / "requirements"
    if not stamp.exists() or stamp.read_text() != PEERS_FILE.read_text():
        print(f"installing the peers into {PEERS_DIR} ...", flush=True)
        venv.create(PEERS_DIR, clear=True, with_pip=True)
        subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", PEERS_FILE],
            check=True,
        )
        stamp.write_text(PEERS_FILE.read_text())
    return python


def _prepare(run_dir: Path, folder: Path, times: int) -> int:
    """Write spine and sources, each row so many times for as many customers; returns the loans."""
    (folder / WITH_TIMES).mkdir(parents=True)
    with duckdb.connect() as con:
        attach(con, run_dir)
        copies = f"cross join (select unnest(range({times})) as copy)"
        customer = "customer_id || '/' || copy as customer_id"
        con.execute(
            f"copy (select loan_id || '/' || copy as loan_id, {customer}, application_date"
            f" from gold.loan_applications {copies}) to '{folder}/spine.parquet' (format parquet)"
        )
        columns = {}
        for name, table in TABLES.items():
            columns[name] = _feature_columns(con, name, table)
            # as doubles, because not every peer knows decimals
            values = ", ".join(
                f"cast({column} as double) as {column}" if kind.startswith("DEC") else column
                for column, kind in columns[name].items()
            )
            con.execute(
                f"copy (select {customer}, snapshot_date, {values} from {table} {copies})"
                f" to '{folder}/{name}.parquet' (format parquet)"
            )
            con.execute(
                f"copy (select * exclude (snapshot_date), snapshot_date::timestamptz as"
                f" snapshot_time from '{folder}/{name}.parquet')"
                f" to '{folder / WITH_TIMES / name}.parquet' (format parquet)"
            )
        (folder.parent / "warehouse.sql").write_text(_rendered(run_dir, columns))
        (loans,) = con.execute(f"select count(*) from '{folder}/spine.parquet'").fetchone()
    return loans


def _feature_columns(con: duckdb.DuckDBPyConnection, group: str, table: str) -> dict[str, str]:
    """The columns that a group takes over from silver as they are, with their types."""
    features = {row[0] for row in con.execute(f"describe gold.{group}_features").fetchall()}
    silver = con.execute(f"describe {table}").fetchall()
    return {
        name: kind
        for name, kind, *_ in silver
        if name in features and name not in ("customer_id", "snapshot_date")
    }


def _rendered(run_dir: Path, columns: dict[str, dict[str, str]]) -> str:
    """The SQL that the warehouse's macro makes for the three sources."""
    from dbt.cli.main import dbtRunner

    joins = ", ".join(
        f"{name}_joined as ({{{{ as_of_join('spine', '{name}', ['customer_id'],"
        f" {list(columns[name])}, date_alias='{name}_snapshot_date', is_unique=true) }}}})"
        for name in SOURCES
    )
    others = " ".join(
        f"inner join {name}_joined on attributes_joined.loan_id = {name}_joined.loan_id"
        for name in SOURCES[1:]
    )
    features = ", ".join(f"{name}_joined.{c}" for name in SOURCES for c in columns[name])
    sql = (
        f"with {joins} select attributes_joined.loan_id, attributes_joined.customer_id,"
        f" attributes_joined.application_date, {features} from attributes_joined {others}"
    )
    with tempfile.TemporaryDirectory() as target:
        options = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)]
        options += ["--target-path", target, "--log-level", "none", "--log-level-file", "none"]
        outcome = dbtRunner().invoke(["compile", "--inline", sql, *options])
        if not outcome.success:
            sys.exit(f"dbt cannot compile the join: {outcome.exception}")
        return outcome.result.results[0].node.compiled_code


def _measure(python: Path, data: Path, names: list[str], runs: int) -> dict[str, Cost]:
    """Run every contender once, compare what they give, then time them in turns."""

    def command(name: str) -> list[str]:
        return [str(python), "-m", "benchmarks.contenders", name, str(data), str(_out(data, name))]

    for name in names:
        print(f"{data.name}: {name} ...", flush=True)
        measure(command(name))
    _check_equal(data, names)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for run in range(runs):
        print(f"{data.name}: round {run + 1} of {runs} ...", flush=True)
        for name in names:
            costs[name].append(measure(command(name)))
    return {name: median(several) for name, several in costs.items()}


def _out(data: Path, name: str) -> Path:
    return data / f"out_{''.join(filter(str.isalnum, name))}.parquet"


def _check_equal(data: Path, names: list[str]) -> None:
    """End with a word when a contender gives other rows than the first."""
    with duckdb.connect() as con:
        first = _out(data, names[0])
        described = con.execute(f"describe from '{first}'").fetchall()
        columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind, *_ in described)
        for name in names:
            mine, others = (
                f"(select {columns} from '{path}')" for path in (_out(data, name), first)
            )
            differing, rows = con.execute(
                f"select (select count(*) from ({mine} except all {others}))"
                f" + (select count(*) from ({others} except all {mine})),"
                f" (select count(*) from {mine})"
            ).fetchone()
            if differing:
                sys.exit(f"{data.name}: {name} gives {differing:,} other rows of {rows:,}")


def _table(costs: dict[str, Cost]) -> str:
    """The costs as a table in Markdown, each beside its ratio to the plain SQL."""
    base = costs[BASE]
    lines = ["| | CPU s | wall s | peak MB | CPU | wall |", "| --- | --: | --: | --: | --: | --: |"]
    for name, cost in costs.items():
        lines.append(
            f"| {name} | {cost.cpu_seconds:.2f} | {cost.wall_seconds:.2f} | {cost.peak_mb:.0f}"
            f" | {cost.cpu_seconds / base.cpu_seconds:.2f}"
            f" | {cost.wall_seconds / base.wall_seconds:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
