"""Silver and gold on Spark: the models of DuckDB, and every row of every table the same."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pyspark
import pytest

from tests.support.project import user_environment
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.spark.java import make_java_home

SPARK_HOME = Path(pyspark.__file__).parent
BUILT_LAYERS = ("silver", "gold")
MONITORING = {path.stem for path in (DBT_DIR / "models" / "gold" / "monitoring").glob("*.sql")}
SAME_ON_SPARK = {"JSON": "VARCHAR"}  # types that parquet files of Spark do not tell apart


def build_on_spark(run_dir: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build and test all models on Spark over a run's bronze, with no usable Java on the PATH."""
    commands = folder / "commands"
    commands.mkdir()
    (commands / "java").write_text("#!/bin/sh\nexit 1\n")
    (commands / "java").chmod(0o755)
    (folder / "bronze").symlink_to((run_dir / "bronze").resolve())
    without_java = {n: value for n, value in user_environment().items() if n != "JAVA_HOME"}
    return subprocess.run(
        [
            *(sys.executable, "-m", "warehouse.transform.spark_target", "build"),
            *("--vars", json.dumps({"spark_datamart": str(folder)})),
            *("--target-path", folder / "target", "--log-path", folder / "logs"),
        ],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        env=without_java | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"},
    )


def differences(run_dir: Path, spark_dir: Path) -> dict[str, str]:
    """Return the tables that are not the same in both; gold/monitoring is made by DuckDB alone."""
    found = {}
    with duckdb.connect() as con:
        for layer in BUILT_LAYERS:
            tables = {path.stem for path in (run_dir / layer).glob("*.parquet")} - MONITORING
            on_spark = {path.name for path in (spark_dir / layer).iterdir()}
            found |= {f"{layer}.{name}": "only in one" for name in tables ^ on_spark}
            for name in sorted(tables & on_spark):
                con.execute(
                    f"create or replace view local as from '{run_dir / layer / name}.parquet';"
                    f"create or replace view spark as from '{spark_dir / layer / name}/*.parquet'"
                )
                types = [
                    [
                        (c, SAME_ON_SPARK.get(t, t))
                        for c, t, *_ in con.execute(f"describe {side}").fetchall()
                    ]
                    for side in ("local", "spark")
                ]
                if types[0] != types[1]:
                    found[f"{layer}.{name}"] = str(set(types[0]) ^ set(types[1]))
                    continue
                lost, added = (
                    con.execute(f"select count(*) from (from {a} except all from {b})").fetchone()[
                        0
                    ]
                    for a, b in (("local", "spark"), ("spark", "local"))
                )
                if lost or added:
                    found[f"{layer}.{name}"] = f"{lost} rows only here, {added} only on Spark"
    return found


@pytest.mark.long
def test_spark_builds_the_rows_that_duckdb_builds(sample_datamart, tmp_path):
    result = build_on_spark(sample_datamart / "current", tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert differences(sample_datamart / "current", tmp_path / "spark") == {}


@pytest.fixture
def thrift_server(tmp_path):
    """The port of a running Thrift server of Spark, on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": tmp_path / "warehouse",
        "spark.hadoop.hive.server2.thrift.bind.host": "127.0.0.1",
        "spark.hadoop.hive.server2.thrift.port": port,
    }
    command = [
        *(SPARK_HOME / "bin" / "spark-submit", "--driver-memory", "1g"),
        *(part for name, value in settings.items() for part in ("--conf", f"{name}={value}")),
        *("--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2", "spark-internal"),
    ]
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [str(part) for part in command],
            stdout=output,
            stderr=output,
            env=user_environment()
            | {
                "JAVA_HOME": str(make_java_home(tmp_path / "java")),
                "SPARK_HOME": str(SPARK_HOME),
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
        )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, log.read_text()
                time.sleep(0.2)
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.mark.long
def test_a_thrift_server_builds_the_same_rows(sample_datamart, tmp_path, thrift_server):
    run_dir, built = sample_datamart / "current", tmp_path / "built"
    built.mkdir()
    (built / "bronze").symlink_to((run_dir / "bronze").resolve())
    models = {
        *("silver.watermarks", "silver.set_aside_rows"),
        *("silver.customer_attributes", "silver.loan_repayments"),
        *("gold.loan_applications", "gold.attributes_features"),
    }
    result = subprocess.run(
        [
            *("dbt", "build", "--target", "spark_cluster", "--indirect-selection", "buildable"),
            *("--vars", json.dumps({"spark_datamart": str(built)})),
            *("--target-path", tmp_path / "target", "--log-path", tmp_path / "logs"),
            *("--select", *(model.split(".")[1] for model in models)),
        ],
        cwd=DBT_DIR,
        capture_output=True,
        text=True,
        env=user_environment()
        | {"SPARK_THRIFT_HOST": "127.0.0.1", "SPARK_THRIFT_PORT": str(thrift_server)},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    found = differences(run_dir, built / "spark")
    assert models.isdisjoint(found), found


@pytest.mark.long
@pytest.mark.skipif("REAL_DATAMART" not in os.environ, reason="REAL_DATAMART names no datamart")
def test_spark_builds_the_rows_of_the_real_set(tmp_path):
    run_dir = Path(os.environ["REAL_DATAMART"]) / "current"
    result = build_on_spark(run_dir, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert differences(run_dir, tmp_path / "spark") == {}


@pytest.mark.parametrize("change", ["value", "row", "type", "table"])
def test_the_comparison_sees_every_difference(tmp_path, change):
    rows = {
        "value": "values (1, 'a'), (1, 'b')",
        "row": "values (1, 'a')",
        "type": "select cast(i as bigint), t from (values (1, 'a'), (1, 'a')) as r (i, t)",
    }
    for side in ("local", "spark"):
        for layer in BUILT_LAYERS:
            (tmp_path / side / layer).mkdir(parents=True)
    (tmp_path / "spark" / "gold" / "loans").mkdir()
    with duckdb.connect() as con:
        for rows_of_side, path in (
            ("values (1, 'a'), (1, 'a')", "local/gold/loans.parquet"),
            (rows.get(change, "values (1, 'a'), (1, 'a')"), "spark/gold/loans/part.parquet"),
        ):
            con.execute(f"copy (select * from ({rows_of_side}) as r (i, t)) to '{tmp_path / path}'")
    if change == "table":
        (tmp_path / "spark" / "gold" / "more").mkdir()
    assert len(differences(tmp_path / "local", tmp_path / "spark")) == 1


def test_no_model_asks_which_engine_it_runs_on():
    for model in (DBT_DIR / "models").rglob("*.sql"):
        assert "target." not in model.read_text(), model
