"""A part of the work alone, or the least that it takes: python -m benchmarks.floor PART ...

landing DATA_DIR OUT_DIR: Spark reads the CSV files as text and writes them as parquet, no more.
models DATA_DIR OUT_DIR RUN_DIR: that, and then plain DuckDB runs the SQL that RUN_DIR was built
from, one query a table.
bytes RUN_DIR OUT_DIR: DuckDB reads every column of bronze and writes the bytes of silver and gold.
dbt RUN_DIR OUT_DIR LIMIT: dbt makes silver and gold anew from the bronze of a run, without tests,
under a memory limit as main.py sets it.
"""

import os
import sys
from pathlib import Path

import duckdb

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.memory import memory_limit
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.transform.compiled import CompiledProject


def landing(data_dir: Path, out_dir: Path) -> None:
    """Land data_dir with bare Spark."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[*]").getOrCreate()
    for path in sorted(data_dir.glob("*.csv")):
        spark.read.csv(str(path), header=True).write.parquet(str(out_dir / "landed" / path.stem))
    spark.stop()


def models(data_dir: Path, out_dir: Path, run_dir: Path) -> None:
    """Land data_dir with bare Spark, then build silver and gold without dbt."""
    landing(data_dir, out_dir)
    plain_sql(run_dir, out_dir)


def plain_sql(run_dir: Path, out_dir: Path) -> None:
    """Build silver and gold from a run's bronze by the SQL that the run keeps."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        for model in CompiledProject.load(run_dir).models:
            target = out_dir / model.schema / f"{model.name}.parquet"
            _write(con, f"({model.sql})", target)
            con.execute(f"create or replace view {model.relation} as from read_parquet('{target}')")


def bytes_alone(run_dir: Path, out_dir: Path) -> None:
    """Read bronze and write the tables of silver and gold, as they are, once each."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        for folder in sorted((run_dir / "bronze").iterdir()):
            table = f"bronze.{folder.name}"
            columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
            # a plain max would be read off the statistics of the files
            read = ", ".join(f"max(hash({quoted_name(column)}))" for column in columns)
            con.execute(f"select {read} from {table}").fetchall()
        for layer in ("silver", "gold"):
            for path in sorted((run_dir / layer).glob("*.parquet")):
                _write(con, f"'{path}'", out_dir / layer / path.name)


def dbt(run_dir: Path, out_dir: Path, limit: str) -> None:
    """Make silver and gold from a run's bronze as dbt makes them, one model at a time."""
    from dbt.cli.main import dbtRunner

    for layer in ("silver", "gold"):
        (out_dir / layer).mkdir(parents=True)
    (out_dir / "bronze").symlink_to(run_dir / "bronze")
    os.environ |= {
        "WAREHOUSE_HOME": str(PROJECT_DIR),
        "WAREHOUSE_BUILD_DIR": str(out_dir),
        "WAREHOUSE_MEMORY_LIMIT": memory_limit(limit).duckdb,
    }
    places = ["--project-dir", DBT_DIR, "--profiles-dir", DBT_DIR, "--target-path", out_dir / "dbt"]
    command = ["run", *places, "--threads", "1", "--log-path", out_dir, "--quiet"]
    if not dbtRunner().invoke([str(word) for word in command]).success:
        sys.exit("dbt failed")


def _write(con: duckdb.DuckDBPyConnection, relation: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (from {relation}) to '{target}' (format parquet, compression zstd)")


if __name__ == "__main__":
    if sys.argv[1] == "dbt":
        dbt(Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
    else:
        what = {"landing": landing, "models": models, "bytes": bytes_alone}[sys.argv[1]]
        what(*map(Path, sys.argv[2:]))
