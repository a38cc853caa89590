"""The floor: what the machine needs at least.

Spark with its defaults reads the four files and writes them as parquet, with the machine's own
Java (Spark's start script cannot use the wheel's); then DuckDB runs the SQL that dbt runs, one
query a table.
"""

import sys
from pathlib import Path

import duckdb
from pyspark.sql import SparkSession

from warehouse.catalog import attach


def main(data_dir: Path, out_dir: Path, published_run: Path, compiled_dir: Path) -> None:
    """Land data_dir with bare Spark, then build silver and gold from compiled SQL."""
    spark = SparkSession.builder.master("local[*]").getOrCreate()
    for path in sorted(data_dir.glob("*.csv")):
        spark.read.csv(str(path), header=True).write.parquet(str(out_dir / "landed" / path.stem))
    spark.stop()
    with duckdb.connect() as con:
        attach(con, published_run)
        for line in (compiled_dir / "order.txt").read_text().split():
            layer, table = line.split(".")
            (out_dir / layer).mkdir(parents=True, exist_ok=True)
            sql = (compiled_dir / layer / f"{table}.sql").read_text()
            target = out_dir / layer / f"{table}.parquet"
            con.execute(f"copy ({sql}) to '{target}' (format parquet, compression zstd)")
            con.execute(f"create or replace view {layer}.{table} as from read_parquet('{target}')")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
