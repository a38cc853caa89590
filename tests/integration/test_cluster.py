"""Landing on a real Spark cluster: a standalone master and two workers of its own, on loopback."""

import re
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyspark
import pytest

from tests.support.project import user_environment
from warehouse.base.catalog import attach
from warehouse.base.paths import CONTRACTS_FILE, PROJECT_DIR
from warehouse.contracts.contract import read_contracts
from warehouse.spark.java import make_java_home

SPARK_HOME = Path(pyspark.__file__).parent
START_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Start a cluster by Spark's own script; its URL and its folder."""
    folder = tmp_path_factory.mktemp("cluster")
    java_home = make_java_home(folder / "java")
    daemons = []

    def start(name: str, *arguments: object) -> Path:
        log = folder / f"{name}.log"
        command = [
            *(SPARK_HOME / "bin" / "spark-class", *arguments),
            *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
        ]
        with log.open("wb") as output:
            daemons.append(
                subprocess.Popen(
                    [str(word) for word in command],
                    stdout=output,
                    stderr=output,
                    env=user_environment()
                    | {
                        "SPARK_HOME": str(SPARK_HOME),
                        "SPARK_LOCAL_IP": "127.0.0.1",
                        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
                        "SPARK_DAEMON_MEMORY": "256m",
                        "JAVA_HOME": str(java_home),
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
        env=user_environment() | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for worker in ("first", "second"):
        assert "Finished task" in "".join(
            output.read_text() for output in (folder / worker).glob("app-*/*/stderr")
        )
    assert bronze(tmp_path / "datamart") == bronze(sample_datamart)
