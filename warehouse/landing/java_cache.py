"""Write Java's cache of Spark's classes, once a machine: python -m warehouse.landing.java_cache.

Half of a small landing is Java loading the classes of Spark. The cache (200 MB, in the folder of
the wheel's Java) saves a quarter of its time; where it does not fit, Java starts without it.
Spark's own script runs this file: it lands the sample in a Java that writes at its end what it has
loaded.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.base.paths import DATA_DIR
from warehouse.contracts.contract import read_contracts
from warehouse.landing.bronze import land_files
from warehouse.landing.inspection import inspect_sources
from warehouse.spark.java import QUICK_START, class_cache, make_java_home
from warehouse.spark.session import SparkSettings, spark_session


def write_cache() -> None:
    """Write the cache, whole or not at all.

    Raises:
        UserError: Java or Spark fails, or the folder of the wheel cannot be written.
    """
    import pyspark

    cache, spark_home = class_cache(), Path(pyspark.__file__).parent
    new = cache.with_suffix(".new")
    with tempfile.TemporaryDirectory(prefix="java-cache-") as folder:
        java_home = make_java_home(Path(folder) / "java")
        java = f'{QUICK_START} "-XX:AOTCacheOutput={new}"'
        done = subprocess.run(
            [spark_home / "bin" / "spark-submit", "--driver-java-options", java, __file__, folder],
            env=os.environ
            | {"JAVA_HOME": str(java_home), "SPARK_HOME": str(spark_home)}
            | {"PYSPARK_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode or not new.exists():
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        new.unlink(missing_ok=True)
        raise UserError(f"Spark starts without a cache, which could not be written: {lines[-1]}")
    new.replace(cache)


def land_sample(folder: Path) -> None:
    """Land the sample, in the Java that runs this file."""
    inspection = inspect_sources(read_contracts(), DATA_DIR, folder / "bronze")
    with spark_session(SparkSettings(folder / "spark.log")) as spark:
        land_files(spark, inspection, folder / "bronze", folder / "spark.log")


if __name__ == "__main__":
    if sys.argv[1:]:
        land_sample(Path(sys.argv[1]))
    else:
        try:
            write_cache()
        except UserError as error:
            sys.exit(f"error: {error}")
