"""The spine and the sources of a published run, each row so many times for as many customers."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.paths import DBT_DIR, PROJECT_DIR

PEERS_DIR = PROJECT_DIR / "benchmarks" / ".peers"
PEERS_FILE = PROJECT_DIR / "benchmarks" / "requirements-peers.txt"
TABLES = {
    "attributes": "silver.customer_attributes",
    "financials": "silver.customer_financials",
    "clickstream": "silver.clickstream",
}


def peers_python() -> Path:
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


def write_copies(
    run_dir: Path, folder: Path, times: int, sources: tuple[str, ...]
) -> tuple[int, dict[str, list[str]]]:
    """Write spine.parquet and a file a source; returns the loans and each source's features.

    The features are the columns that a group takes over from silver as they are.
    """
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        attach(con, run_dir)
        copies = f"cross join (select unnest(range({times})) as copy)"
        customer = "customer_id || '/' || copy as customer_id"
        con.execute(
            f"copy (select loan_id || '/' || copy as loan_id, {customer}, application_date"
            f" from gold.loan_applications {copies}) to '{folder}/spine.parquet' (format parquet)"
        )
        columns = {}
        for name in sources:
            table = TABLES[name]
            kinds = _feature_columns(con, name, table)
            columns[name] = list(kinds)
            # as doubles, because not every peer knows decimals
            values = ", ".join(
                f"cast({column} as double) as {column}" if kind.startswith("DEC") else column
                for column, kind in kinds.items()
            )
            con.execute(
                f"copy (select {customer}, snapshot_date, {values} from {table} {copies})"
                f" to '{folder}/{name}.parquet' (format parquet)"
            )
        (loans,) = con.execute(f"select count(*) from '{folder}/spine.parquet'").fetchone()
    return loans, columns


def _feature_columns(con: duckdb.DuckDBPyConnection, group: str, table: str) -> dict[str, str]:
    features = {row[0] for row in con.execute(f"describe gold.{group}_features").fetchall()}
    silver = con.execute(f"describe {table}").fetchall()
    return {
        name: kind
        for name, kind, *_ in silver
        if name in features and name not in ("customer_id", "snapshot_date")
    }


def rendered(sql: str) -> str:
    """What dbt makes of SQL that calls the warehouse's macros."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as target:
        options = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)]
        options += ["--target-path", target, "--log-level", "none", "--log-level-file", "none"]
        outcome = dbtRunner().invoke(["compile", "--inline", sql, *options])
        if not outcome.success:
            sys.exit(f"dbt cannot compile the SQL of the benchmark: {outcome.exception}")
        return outcome.result.results[0].node.compiled_code


def check_equal(files: dict[str, Path]) -> None:
    """End with a word when a file holds other rows than the first one."""
    first_name, first = next(iter(files.items()))
    with duckdb.connect() as con:
        described = con.execute(f"describe from '{first}'").fetchall()
        columns = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind, *_ in described)
        for name, path in files.items():
            mine, others = (f"(select {columns} from '{file}')" for file in (path, first))
            differing, rows = con.execute(
                f"select (select count(*) from ({mine} except all {others}))"
                f" + (select count(*) from ({others} except all {mine})),"
                f" (select count(*) from {mine})"
            ).fetchone()
            if differing:
                sys.exit(f"{name} gives {differing:,} other rows of {rows:,} than {first_name}")
