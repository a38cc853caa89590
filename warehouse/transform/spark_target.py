"""dbt on Spark with the Java of this project: `python -m warehouse.transform.spark_target build`.

`dbt build --target spark` alone starts Spark by Spark's own script, which needs a whole JDK on the
PATH or in JAVA_HOME. Here the JVM is started as the landing starts it, so a machine with nothing
but Python will do; what follows is dbt, which finds the running session.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR
from warehouse.landing.bronze import stop_spark
from warehouse.landing.java import connect, start_jvm

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TARGET = "spark"


def main(arguments: list[str]) -> int:
    """Run dbt with these arguments on the target `spark`; returns its exit code."""
    from dbt.cli.main import cli

    os.chdir(DBT_DIR)  # As dbt does before it starts Spark: a relative path means the same.
    options = ["--target", TARGET, "--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)]
    spark = start_session(session_settings(), DBT_DIR / "logs" / "spark.log")
    try:
        cli.main(args=[*arguments, *options], prog_name="dbt")
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        stop_spark(spark)
    return 0


def session_settings() -> dict[str, str]:
    """What dbt's profile sets for its Spark session."""
    profiles = yaml.safe_load((DBT_DIR / "profiles.yml").read_text(encoding="utf-8"))
    return profiles["loan_default"]["outputs"][TARGET]["server_side_parameters"]


def start_session(settings: dict[str, str], log_file: Path) -> "SparkSession":
    """The session that dbt-spark then takes; what Spark says goes to `log_file`.

    Raises UserError when there is no usable Java.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    log_file.parent.mkdir(parents=True, exist_ok=True)
    gateway = connect(start_jvm(settings["spark.driver.memory"], log_file))
    conf = SparkConf(loadDefaults=False).setMaster("local[*]").setAppName("dbt")
    return SparkSession(SparkContext(conf=conf.setAll(list(settings.items())), gateway=gateway))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
