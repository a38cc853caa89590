"""A Spark session whose output goes to a log file."""

import os
import signal
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.base.errors import UserError, first_line
from warehouse.spark.java import make_java_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
MASTERS = ("local", "spark://", "yarn", "k8s://")
CONFIG = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.catalogImplementation": "in-memory",
}
LOCAL_CONFIG = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    # no .crc file for every file
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


@dataclass(frozen=True)
class SparkSettings:
    """Settings of Spark: its log, its master, and the largest heap of its JVM, such as 2g."""

    log_file: Path
    master: str = "local[*]"
    memory: str = "1g"


@contextmanager
def spark_session(
    settings: SparkSettings, config: Mapping[str, str] | None = None
) -> Iterator["SparkSession"]:
    """Start Spark, and stop it at the end of the block.

    All that Java and Spark print goes to the log file. The JVM itself ends with this process.

    Raises:
        UserError: there is no Java, or Spark does not start on this master.
    """
    if not settings.master.startswith(MASTERS):
        raise UserError(
            f"Spark did not start on {settings.master}: not a Spark master;"
            " expected one such as local[*] or spark://host:7077"
        )
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="spark-java-") as folder:
        spark = _start(settings, make_java_home(Path(folder)), config or {})
        try:
            yield spark
        finally:
            spark.stop()


def _start(settings: SparkSettings, java_home: Path, config: Mapping[str, str]) -> "SparkSession":
    import pyspark
    from pyspark.sql import SparkSession

    builder = SparkSession.Builder().master(settings.master).appName("warehouse")
    local = LOCAL_CONFIG if settings.master.startswith("local") else {}
    for name, value in {**CONFIG, **local, **config}.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.driver.memory", settings.memory)
    # Spark's scripts read these; another Spark of the user's would not fit this pyspark
    spark_home = str(Path(pyspark.__file__).parent)
    try:
        with (
            signals_deferred(),
            _environment(JAVA_HOME=str(java_home), SPARK_HOME=spark_home),
            _output_to(settings.log_file),
        ):
            return builder.getOrCreate()
    except Exception as error:
        with settings.log_file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
        raise UserError(
            f"Spark did not start on {settings.master}: {first_line(error)[:300]};"
            f" the full trace is in {settings.log_file}"
        ) from error


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Defer SIGINT and SIGTERM until the block ends; for the main thread only.

    Interrupted while it starts, a child Python prints a traceback, and a JVM is left running.
    """
    received: list[int] = []
    handlers = {
        one: signal.signal(one, lambda number, _: received.append(number)) for one in STOP_SIGNALS
    }
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        for number in received:
            signal.raise_signal(number)


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set environment variables for the processes started in the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _output_to(log_file: Path) -> Iterator[None]:
    """Send what this process and those that it starts in the block print to a file."""
    saved = [os.dup(1), os.dup(2)]
    try:
        with log_file.open("ab") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        yield
    finally:
        for number, copy in enumerate(saved, start=1):
            os.dup2(copy, number)
            os.close(copy)
