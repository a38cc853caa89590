"""The point-in-time join compared with its peers, which all have to give the same rows first."""

import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.contenders import CLOCKS, CONTENDERS, SOURCES
from benchmarks.measure import in_rounds, measure
from benchmarks.results import Claim, Part, Table
from warehouse.base.catalog import attach
from warehouse.base.paths import PROJECT_DIR
from warehouse.transform.dbt_options import run_options

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

BASE = "plain SQL"
SIZES = (1, 10, 40)  # copies of the published run
PEERS_DIR = PROJECT_DIR / "benchmarks" / ".peers"
PEERS_LOCK = PROJECT_DIR / "requirements" / "peers.lock"
TABLES = {
    "attributes": "silver.customer_attributes",
    "financials": "silver.customer_financials",
    "clickstream": "silver.clickstream",
}


def run(setting: "Setting") -> Part:
    """Measure all contenders on copies of the spine and the sources of a published run."""
    python, published = peers_python(), setting.published_run()
    part = Part("joins", "How does the point-in-time join compare?", setting.runs)
    for times in SIZES:
        folder = setting.folder / f"x{times}"
        loans = write_copies(published, folder, times)
        outs = {name: folder / f"out_{number}.parquet" for number, name in enumerate(CONTENDERS)}
        commands = {
            name: [python, "-m", "benchmarks.contenders", name, folder, out]
            for name, out in outs.items()
        }
        for command in commands.values():
            measure(command)
        check_equal(outs)
        costs = in_rounds(commands, setting.runs)
        part.tables.append(Table(f"Features of three sources for {loans:,} loans", BASE, costs))
        for peer, limit in ((BASE, 1.2), ("polars", 1.0)):
            ratio = costs["warehouse"].cpu_seconds / costs[peer].cpu_seconds
            part.claims.append(
                Claim(f"features of {loans:,} loans, CPU against {peer}", ratio, limit)
            )
    return part


def peers_python() -> Path:
    """Return the Python of the peers' environment, which is installed when its lock changed."""
    python, stamp = PEERS_DIR / "bin" / "python", PEERS_DIR / "lock"
    if not stamp.exists() or stamp.read_text() != PEERS_LOCK.read_text():
        print(f"installing the peers into {PEERS_DIR} ...", flush=True)
        venv.create(PEERS_DIR, clear=True, with_pip=True)
        pip = [python, "-m", "pip", "install", "-q", "--require-hashes", "-r", PEERS_LOCK]
        subprocess.run(pip, check=True)
        stamp.write_text(PEERS_LOCK.read_text())
    return python


def write_copies(run_dir: Path, folder: Path, times: int) -> int:
    """Write spine, sources and the warehouse's SQL for copies of a run; return the loans."""
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        attach(con, run_dir)
        copies = f"cross join (select unnest(range({times})) as copy)"
        customer = "customer_id || '/' || copy as customer_id"
        spine = f"loan_id || '/' || copy as loan_id, {customer}, application_date"
        queries = {"spine": f"select {spine} from gold.loan_applications {copies}"}
        columns = {name: _feature_columns(con, name) for name in SOURCES}
        for name, kinds in columns.items():
            # as doubles, because not every peer knows decimals
            values = [
                f"cast({column} as double) as {column}" if kind.startswith("DEC") else column
                for column, kind in kinds.items()
            ]
            selected = ", ".join([customer, *CLOCKS, *values])
            queries[name] = f"select {selected} from {TABLES[name]} {copies}"
        for name, query in queries.items():
            con.execute(f"copy ({query}) to '{folder}/{name}.parquet' (format parquet)")
        (loans,) = con.execute(f"select count(*) from '{folder}/spine.parquet'").fetchone() or (0,)
    (folder / "warehouse.sql").write_text(rendered(_warehouse_sql(columns)))
    return loans


def _feature_columns(con: duckdb.DuckDBPyConnection, group: str) -> dict[str, str]:
    """Return the columns, with types, that a group takes from silver as they are."""
    features = {row[0] for row in con.execute(f"describe gold.{group}_features").fetchall()}
    silver = con.execute(f"describe {TABLES[group]}").fetchall()
    others = {"customer_id", "loan_id", *CLOCKS}
    return {name: kind for name, kind, *_ in silver if name in features - others}


def _warehouse_sql(columns: dict[str, dict[str, str]]) -> str:
    rule = "is_unique=true, known_from='known_from', known_until='known_until'"
    joins = ", ".join(
        f"{name}_joined as ({{{{ as_of_join('spine', '{name}', ['customer_id'], {list(kinds)},"
        f" date_alias='{name}_date', {rule}) }}}})"
        for name, kinds in columns.items()
    )
    first, *others = SOURCES
    features = ", ".join(f"{name}_joined.{c}" for name, kinds in columns.items() for c in kinds)
    return (
        f"with {joins} select {first}_joined.loan_id, {first}_joined.customer_id,"
        f" {first}_joined.application_date, {features} from {first}_joined "
        + " ".join(f"inner join {name}_joined using (loan_id)" for name in others)
    )


def rendered(sql: str) -> str:
    """Return SQL that calls the warehouse's macros as dbt compiles it."""
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory() as target:
        options = run_options(Path(target), Path(target), {})
        options += ["--log-level", "none", "--log-level-file", "none"]
        outcome = dbtRunner().invoke(["compile", "--inline", sql, *options])
    if not outcome.success:
        sys.exit(f"dbt cannot compile the SQL of the benchmark: {outcome.exception}")
    return str(outcome.result.results[0].node.compiled_code)


def check_equal(files: dict[str, Path]) -> None:
    """Exit with a message when a file holds other rows than the first one."""
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
            ).fetchone() or (0, 0)
            if differing:
                sys.exit(f"{name} gives {differing:,} other rows of {rows:,} than {first_name}")
