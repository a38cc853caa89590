"""Killed, full, read-only, failing or started twice: the published datamart stays whole."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from conftest import run_main

from warehouse import runs
from warehouse.catalog import attach
from warehouse.paths import PROJECT_DIR

# Runs main.py and kills the process, as kill -9 does, at the n-th step of publishing.
KILLED_AT_STEP = """
import os, pathlib, signal, sys
from warehouse import runs
steps = 0
def counted(call):
    def wrapper(*arguments, **options):
        global steps
        steps += 1
        if steps == int(sys.argv[1]):
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return wrapper
def publish(datamart, run_id, publish=runs.publish):
    for name in ("rename", "replace", "symlink_to", "unlink"):
        setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
    return publish(datamart, run_id)
runs.publish = publish
import main
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.fixture
def datamart(sample_datamart, tmp_path) -> Path:
    """A published datamart of its own for a test."""
    copy = tmp_path / "datamart"
    shutil.copytree(sample_datamart, copy, symlinks=True)
    return copy


class Reader(threading.Thread):
    """Opens the published run again and again; every time it must be one whole run."""

    def __init__(self, datamart: Path) -> None:
        super().__init__(daemon=True)
        self.datamart = datamart
        self.reads = 0
        self.errors: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                assert_one_whole_run(self.datamart)
                self.reads += 1
            except Exception as error:
                self.errors.append(repr(error))

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()


def assert_one_whole_run(datamart: Path) -> dict:
    """The published run holds what its own manifest says; returns the manifest."""
    run_dir = (datamart / "current").resolve()
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert manifest["run_id"] == run_dir.name
    with duckdb.connect() as con:
        attach(con, run_dir)
        loans, labels = con.execute(
            "select (select count(*) from gold.feature_store),"
            " (select count(*) from gold.label_maturity)"
        ).fetchone()
    assert loans == manifest["loans"]
    assert labels == sum(label["loans"] for label in manifest["labels"])
    return manifest


def start(*arguments: object) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(PROJECT_DIR / "main.py"), *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill_at_random_instants(datamart: Path, data_dir: Path, times: int, seed: int) -> None:
    """Kill runs that have something new to land or build; the next run must recover by itself."""
    rng = random.Random(seed)
    seconds = json.loads((datamart / "current" / "manifest.json").read_text())["seconds"]
    longest = sum(seconds.values()) + 3
    with Reader(datamart) as reader:
        for number in range(times):
            attributes = data_dir / "features_attributes.csv"
            with attributes.open("a") as file:
                file.write(f"CUS_0xkill{number},Nobody,30,999-99-9999,Lawyer,2023-01-01\n")
            process = start("--data-dir", data_dir, "--datamart-dir", datamart)
            time.sleep(rng.uniform(0.2, longest))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            assert_one_whole_run(datamart)
    assert reader.errors == []
    assert reader.reads > times
    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert result.returncode == 0, result.stderr
    manifest = assert_one_whole_run(datamart)
    files = {file["source"]: file["rows"] for file in manifest["inputs"]["files"]}
    landed = {
        row["source"]: row["rows"] for row in manifest["rows"] if row["fate"] == "landed"
    }
    assert landed["features_attributes"] == files["features_attributes"]


def test_a_run_killed_at_a_random_instant_leaves_the_last_good_one(datamart, data_dir):
    kill_at_random_instants(datamart, data_dir, times=3, seed=1)


@pytest.mark.long
def test_fifty_runs_killed_at_random_instants_leave_the_last_good_one(datamart, data_dir):
    kill_at_random_instants(datamart, data_dir, times=50, seed=2)


def test_killed_at_any_step_of_publishing_old_or_new_is_whole(datamart):
    """publish is a handful of file operations: kill before each, until one run gets through."""
    published = 0
    for step in range(1, 12):
        for folder in ("bronze", "silver", "gold"):  # so that every link is made anew
            (datamart / folder).unlink(missing_ok=True)
        result = subprocess.run(
            [sys.executable, "-c", KILLED_AT_STEP, str(step), "--rebuild"]
            + ["--datamart-dir", str(datamart)],
            cwd=PROJECT_DIR,
            capture_output=True,
            text=True,
        )
        assert_one_whole_run(datamart)
        if result.returncode == 0:
            published += 1
            break
        assert result.returncode == -signal.SIGKILL
    assert published == 1
    assert step > 5
    assert (datamart / "gold" / "feature_store.parquet").exists()


def test_a_second_run_says_who_holds_the_lock(datamart):
    with runs.locked(runs.Datamart(datamart)):
        result = run_main("--datamart-dir", datamart)
    assert result.returncode == 1
    assert f"process {os.getpid()}" in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_lock_of_a_dead_process_is_taken_over(datamart):
    holder = subprocess.Popen(
        [sys.executable, "-c"]
        + [
            "import sys, time; from pathlib import Path; from warehouse import runs\n"
            f"with runs.locked(runs.Datamart(Path({str(datamart)!r}))):\n"
            "    print('locked', flush=True); time.sleep(60)"
        ],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout.readline() == b"locked\n"
    holder.kill()
    holder.wait()
    assert run_main("--datamart-dir", datamart).returncode == 0


def test_a_failing_test_at_the_end_publishes_nothing(datamart, data_dir):
    """A whole file of one source in quarantine: more than the limit allows."""
    before = (datamart / "current").resolve()
    path = data_dir / "features_attributes.csv"
    header, *rows = path.read_text().splitlines()
    broken = [row if number % 3 else "," + row.split(",", 1)[1] for number, row in enumerate(rows)]
    path.write_text("\n".join([header, *broken]) + "\n")
    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert result.returncode == 1
    assert "quarantine" in result.stderr
    assert "Traceback" not in result.stderr
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    outcomes = [json.loads(p.read_text())["outcome"] for p in datamart.glob("manifests/*.json")]
    assert sorted(outcomes) == ["failed", "published"]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MB of its own; skips where this machine lets nobody mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_leaves_the_last_good_run(sample_datamart, small_disk):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"0" * max(0, free - 1_000_000))
    before = (datamart / "current").resolve()
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stderr.count("error:") == 1
    assert (datamart / "current").resolve() == before
    assert_one_whole_run(datamart)
    (small_disk / "ballast").unlink()
    assert run_main("--rebuild", "--datamart-dir", datamart).returncode == 0
    assert (datamart / "current").resolve() != before


def test_a_read_only_folder_ends_in_one_line(sample_datamart, small_disk):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert result.returncode == 1
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert_one_whole_run(datamart)
