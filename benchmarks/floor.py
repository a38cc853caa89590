"""A part of the work alone, or the least that it takes: python -m benchmarks.floor PART ...

spark DATA_DIR OUT_DIR: bare Spark reads the CSV files as text and writes them as parquet.
landing DATA_DIR OUT_DIR: the warehouse inspects and lands the files, no more.
models DATA_DIR OUT_DIR RUN_DIR: bare Spark, then DuckDB runs the compiled SQL of RUN_DIR.
bytes RUN_DIR OUT_DIR: DuckDB reads every column of bronze and writes the bytes of silver and gold.
"""

import os
import sys
from pathlib import Path

import duckdb

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.paths import CONTRACTS_FILE
from warehouse.contracts.contract import read_contracts
from warehouse.landing.bronze import land
from warehouse.landing.inspection import inspect_sources
from warehouse.spark.java import make_java_home
from warehouse.spark.session import SparkSettings
from warehouse.transform.compiled import CompiledProject


def spark(data_dir: Path, out_dir: Path) -> None:
    """Land data_dir with bare Spark: no setting of its own, no partitions, no provenance."""
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = str(make_java_home(out_dir / "java"))
    session = SparkSession.builder.master("local[*]").getOrCreate()
    for path in sorted(data_dir.glob("*.csv")):
        session.read.csv(str(path), header=True).write.parquet(str(out_dir / "landed" / path.stem))
    session.stop()


def landing(data_dir: Path, out_dir: Path) -> None:
    """Land data_dir as the warehouse does."""
    inspection = inspect_sources(read_contracts(CONTRACTS_FILE), data_dir, out_dir / "bronze")
    land(inspection, out_dir / "bronze", SparkSettings(out_dir / "spark.log", memory="2g"))


def models(data_dir: Path, out_dir: Path, run_dir: Path) -> None:
    """Land data_dir with bare Spark, then build silver and gold without dbt."""
    spark(data_dir, out_dir)
    plain_sql(run_dir, out_dir)


def plain_sql(run_dir: Path, out_dir: Path) -> None:
    """Build silver and gold from a run's bronze by the SQL that the run keeps."""
    with duckdb.connect(":memory:memory") as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        for model in CompiledProject.load(run_dir).models:
            target = out_dir / model.schema / f"{model.name}.parquet"
            _write(con, f"({model.sql})", target)
            con.execute(f"create or replace view {model.relation} as from read_parquet('{target}')")


def bytes_alone(run_dir: Path, out_dir: Path) -> None:
    """Read bronze and write the tables of silver and gold, once each."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        for folder in sorted((run_dir / "bronze").iterdir()):
            table = f"bronze.{folder.name}"
            columns = [name for name, *_ in con.execute(f"describe {table}").fetchall()]
            # a plain max would be answered from the statistics of the files
            read = ", ".join(f"max(hash({quoted_name(column)}))" for column in columns)
            con.execute(f"select {read} from {table}").fetchall()
        for layer in ("silver", "gold"):
            for path in sorted((run_dir / layer).glob("*.parquet")):
                _write(con, f"'{path}'", out_dir / layer / path.name)


def _write(con: duckdb.DuckDBPyConnection, relation: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy (from {relation}) to '{target}' (format parquet, compression zstd)")


if __name__ == "__main__":
    parts = {"spark": spark, "landing": landing, "models": models, "bytes": bytes_alone}
    parts[sys.argv[1]](*map(Path, sys.argv[2:]))
