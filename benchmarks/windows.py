"""All trailing windows of the clickstream, compared with reading and writing their columns.

python -m benchmarks.windows RUN_DIR OUT reads the clickstream and writes the features.
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.measure import dbt_run, in_rounds, module
from benchmarks.results import Claim, Part, Table
from warehouse.base.catalog import attach
from warehouse.transform.compiled import CompiledProject

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

MODEL = "clickstream_features"
COPIED = {"loan_applications": ("loan_id", "customer_id"), "clickstream": ("customer_id",)}
BASE = "read the columns, write the features"
MEMORY_LIMIT = "3GiB"


def run(setting: "Setting") -> Part:
    """Measure the model at the largest size, built by dbt with its start."""
    run_dir, times = setting.folder / "run", max(setting.sizes)
    loans = lay_out_run(setting.published_run(), run_dir, times)
    build = f"windows of {MODEL} by dbt, its start included"
    commands = {
        build: dbt_run(run_dir, MEMORY_LIMIT, "--select", MODEL),
        BASE: module("benchmarks.windows", run_dir, setting.folder / "written.parquet"),
    }
    costs = in_rounds(commands, setting.runs)
    ratio = costs[build].cpu_seconds / costs[BASE].cpu_seconds
    return Part(
        name="windows",
        question="What do trailing windows over 20 columns cost?",
        runs=setting.runs,
        tables=[Table(f"{loans:,} loans and their clickstream", BASE, costs)],
        claims=[
            Claim(f"all windows of {loans:,} loans, CPU against {BASE}", ratio, 3),
            Claim("their peak memory", costs[build].peak_mb / 1024, 4, " GiB"),
        ],
    )


def lay_out_run(published: Path, run_dir: Path, times: int) -> int:
    """Write the tables that the model reads, spine and clickstream in copies; return the loans."""
    loans = 0
    with duckdb.connect() as con:
        attach(con, published)
        for relation in CompiledProject.load(published).model(MODEL).depends_on:
            schema, name = relation.replace('"', "").split(".")
            keys = COPIED.get(name, ())
            replaced = ", ".join(f"{key} || '/' || copy as {key}" for key in keys)
            copies = f"* exclude (copy) replace ({replaced}) from {relation}"
            copies += f" cross join (select unnest(range({times})) as copy)"
            target = run_dir / schema / f"{name}.parquet"
            target.parent.mkdir(parents=True, exist_ok=True)
            query = f"select {copies}" if keys else f"from {relation} limit 0"
            con.execute(f"copy ({query}) to '{target}' (format parquet)")
            if name == "loan_applications":
                (loans,) = con.execute(f"select count(*) from '{target}'").fetchone() or (0,)
    (run_dir / "bronze").symlink_to(published / "bronze")
    return loans


def read_and_write(run_dir: Path, out: Path) -> None:
    """Read every column of the clickstream, and write the features as they are."""
    with duckdb.connect() as con:
        clickstream = f"from '{run_dir}/silver/clickstream.parquet'"
        con.execute(f"copy ({clickstream}) to '{out}' (format parquet, compression zstd)")
        features = f"from read_parquet('{run_dir}/gold/{MODEL}*.parquet')"
        con.execute(f"copy ({features}) to '{out}' (format parquet, compression zstd)")


if __name__ == "__main__":
    read_and_write(*map(Path, sys.argv[1:]))
