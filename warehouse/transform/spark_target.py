"""dbt on Spark with the Java of this project: `python -m warehouse.transform.spark_target build`.

`dbt build --target spark` needs a whole JDK. Here the session is started as the landing starts it,
so a machine with nothing but Python will do; dbt then finds the running session.
"""

import os
import sys
from typing import Any

import yaml

from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR
from warehouse.spark.session import SparkSettings, spark_session

TARGET = "spark"


def main(arguments: list[str]) -> int:
    """Run dbt with these arguments on the target `spark`; returns its exit code.

    Raises:
        UserError: there is no usable Java.
    """
    from dbt.cli.main import dbtRunner

    os.chdir(DBT_DIR)  # as dbt does before it starts Spark: a relative path means the same
    config = session_config()
    settings = SparkSettings(
        DBT_DIR / "logs" / "spark.log", memory=config.pop("spark.driver.memory")
    )
    options = ["--target", TARGET, "--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR)]
    with spark_session(settings, config):
        result = dbtRunner().invoke([*arguments, *options])
    if result.exception:
        print(f"error: {result.exception}", file=sys.stderr)
    return 0 if result.success else 1


def session_config() -> dict[str, Any]:
    """Return what dbt's profile sets for its Spark session."""
    profiles = yaml.safe_load((DBT_DIR / "profiles.yml").read_text(encoding="utf-8"))
    return dict(profiles["loan_default"]["outputs"][TARGET]["server_side_parameters"])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        sys.exit(f"error: {error}")
