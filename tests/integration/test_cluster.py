"""Landing on a real Spark cluster: a standalone master and two workers of its own, on loopback."""

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyspark
import pytest

from tests.conftest import environment
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.paths import CONTRACTS_FILE, PROJECT_DIR
from warehouse.contracts.contract import read_contracts
from warehouse.landing.bronze import start_java, start_spark
from warehouse.landing.java import OPENED_PACKAGES, java_home

SPARK_HOME = Path(pyspark.__file__).parent
START_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The URL and the folder of a running cluster; there is no Java on its PATH."""
    folder = tmp_path_factory.mktemp("cluster")
    # Spark starts its executors with a module that the wheel's Java lacks and they do not need.
    java = folder / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        "#!/bin/sh\n"
        "for argument; do\n"
        "    shift\n"
        '    [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"\n'
        "done\n"
        f'exec "{java_home()}/bin/java" "$@"\n'
    )
    java.chmod(0o755)
    (folder / "path").mkdir()
    (folder / "path" / "chmod").symlink_to(shutil.which("chmod"))  # Hadoop runs it
    daemons = []

    def start(name: str, *arguments: object) -> Path:
        log = folder / f"{name}.log"
        command = [
            *(str(java), "-Xmx256m", "-cp", f"{SPARK_HOME}/jars/*"),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED_PACKAGES),
            *map(str, arguments),
            *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
        ]
        with log.open("wb") as said:
            daemons.append(
                subprocess.Popen(
                    command,
                    stdout=said,
                    stderr=said,
                    env={
                        "PATH": str(folder / "path"),
                        "SPARK_HOME": str(SPARK_HOME),
                        "SPARK_SCALA_VERSION": "2.13",  # as its own start script has it
                        "SPARK_LOCAL_IP": "127.0.0.1",
                        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
                        "JAVA_HOME": str(java.parent.parent),
                    },
                )
            )
        return log

    try:
        master = start("master", "org.apache.spark.deploy.master.Master")
        url = waited_for(master, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        for name in ("first", "second"):
            worker = ("org.apache.spark.deploy.worker.Worker", url, "--cores", 1, "--memory", "1g")
            start(name, *worker, "--work-dir", folder / name)
            waited_for(folder / f"{name}.log", "Successfully registered with master")
        yield url, folder
    finally:
        for daemon in daemons:
            daemon.terminate()
        for daemon in daemons:
            daemon.wait(timeout=30)


def waited_for(log: Path, pattern: str) -> str:
    """What the pattern finds in a growing log, its first group where it has one."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if found := re.search(pattern, log.read_text()):
            return found[found.re.groups]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def bronze(datamart: Path) -> dict[str, list[tuple]]:
    """The rows of every source in bronze, without the time of landing."""
    with duckdb.connect() as con:
        attach(con, datamart / "current")
        return {
            contract.name: con.execute(
                f"select * exclude (_landed_at) from bronze.{contract.name}"
                " order by _load_id, _row_number"
            ).fetchall()
            for contract in read_contracts(CONTRACTS_FILE)
        }


@pytest.mark.long
def test_a_cluster_lands_what_one_machine_lands(cluster, sample_datamart, tmp_path):
    url, folder = cluster
    result = subprocess.run(
        [sys.executable, "main.py", "--spark-master", url, "--datamart-dir", tmp_path / "datamart"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=300,
        env=environment() | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for worker in ("first", "second"):
        assert "Finished task" in "".join(
            said.read_text() for said in (folder / worker).glob("app-*/*/stderr")
        )
    assert bronze(tmp_path / "datamart") == bronze(sample_datamart)


def test_a_master_that_is_none_is_said_in_one_line(tmp_path):
    with pytest.raises(
        UserError, match=r"did not start on nonsense: .*nonsense.*spark\.log"
    ) as said:
        start_spark(start_java(tmp_path / "spark.log"), "nonsense")
    assert "\n" not in str(said.value)
    assert "SparkContext" in (tmp_path / "spark.log").read_text()
