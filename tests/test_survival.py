"""Killed, full, read-only, failing or started twice: the published datamart stays whole."""

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import psutil
import pytest
from rich.console import Console

from tests.conftest import run_main
from tests.test_personal_data import MARKED_NAME, MARKED_SSN, beyond_bronze, leaks
from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.datamart import runs
from warehouse.datamart.contents import table_hash
from warehouse.pipeline import steps as pipeline
from warehouse.pipeline.progress import Progress

# Publishes the folder of a new run, and dies as by kill -9 before the n-th change of a file.
PUBLISH_AND_DIE = """
import os, pathlib, signal, sys
from warehouse.datamart import runs
datamart, run_id, last = runs.Datamart(pathlib.Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
steps = 0
def counted(call):
    def wrapper(*arguments, **options):
        global steps
        steps += 1
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return wrapper
for owner, name in (
    (pathlib.Path, "rename"), (pathlib.Path, "replace"), (pathlib.Path, "symlink_to"),
    (pathlib.Path, "unlink"), (os, "unlink"), (os, "rmdir"),
):
    setattr(owner, name, counted(getattr(owner, name)))
runs.publish(datamart, run_id)
"""

HOLD_LOCK = """
import pathlib, sys, time
from warehouse.datamart import runs
with runs.locked(runs.Datamart(pathlib.Path(sys.argv[1]))):
    print("locked", flush=True)
    time.sleep(600)
"""


class Reader(threading.Thread):
    """Opens the published run again and again; every time it must be one whole run."""

    def __init__(self, datamart: Path, pause: float) -> None:
        super().__init__(daemon=True)
        self.datamart = datamart
        self.pause = pause
        self.runs_read: Counter[str] = Counter()
        self.errors: list[str] = []
        self.stopping = threading.Event()

    def run(self) -> None:
        while not self.stopping.wait(self.pause):
            try:
                self.runs_read[read_one_whole_run(self.datamart)["run_id"]] += 1
            except Exception as error:
                self.errors.append(repr(error))

    def __enter__(self) -> "Reader":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.join()


def read_one_whole_run(datamart: Path, with_hash: bool = False) -> dict:
    """Check that the published run holds what its own manifest says; returns the manifest."""
    run_dir = (datamart / "current").resolve()
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert manifest["run_id"] == run_dir.name
    assert manifest["outcome"] == "published"
    with duckdb.connect(config={"threads": 1}) as con:
        attach(con, run_dir)
        counts = con.execute(
            "select (select count(*) from gold.feature_store),"
            " (select count(*) from gold.training_set),"
            " (select count(*) from gold.label_maturity),"
            " (select sum(row_count) from gold.row_ledger where fate = 'landed'),"
            " (select count(*) from bronze.features_attributes)"
            " + (select count(*) from bronze.features_financials)"
            " + (select count(*) from bronze.feature_clickstream)"
            " + (select count(*) from bronze.lms_loan_daily)"
        ).fetchone()
        if with_hash:
            assert table_hash(con, "gold.training_set") == manifest["training_set_sha256"]
    landed = sum(row["rows"] for row in manifest["rows"] if row["fate"] == "landed")
    assert counts == (
        manifest["loans"],
        manifest["training_rows"],
        sum(label["loans"] for label in manifest["labels"]),
        landed,
        landed,
    )
    return manifest


def outcomes(datamart: Path) -> Counter:
    """How often the runs of a datamart ended in which way."""
    files = (datamart / "manifests").glob("[!.]*.json")
    return Counter(json.loads(file.read_text())["outcome"] for file in files)


def assert_one_line_of_error(result: subprocess.CompletedProcess[str]) -> None:
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stdout + result.stderr


def run_and_kill(datamart: Path, data_dir: Path, lines: int, delay: float) -> bool:
    """Start a run, kill it when it has said so many lines; True when it was still alive.

    Only the process itself is killed, as the system does when memory runs out: Spark's Java has to
    end by itself and must not disturb the run that follows at once.
    """
    folders = ("--data-dir", str(data_dir), "--datamart-dir", str(datamart))
    process = subprocess.Popen(
        [sys.executable, "-u", str(PROJECT_DIR / "main.py"), "--rebuild", *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        for _ in range(lines):
            if not process.stdout.readline():
                break
        time.sleep(delay)
        process.kill()
    return process.returncode == -signal.SIGKILL


def kill_at_random_instants(
    datamart: Path, data_dir: Path, seed: int, builds: int, loads: int, pause: float
):
    """Kill runs that only build, then runs that have a new row to land; the next one recovers.

    The instants are a random line of what a run says and a random moment after it, one in each
    part of the run, so that a few kills go round all of it.
    """
    rng = random.Random(seed)
    kills = [(number / builds, 33 / builds, False) for number in range(builds)]
    kills += [(number / loads, 42 / loads, True) for number in range(loads)]
    killed = 0
    with Reader(datamart, pause) as reader:
        for number, (part, length, has_new_row) in enumerate(kills):
            if has_new_row:
                with (data_dir / "features_attributes.csv").open("a") as file:
                    file.write(f"CUS_0xkill{number},Nobody,30,999-99-9999,Lawyer,2023-01-01\n")
            lines = int(part * (42 if has_new_row else 33) + rng.uniform(0, length))
            killed += run_and_kill(datamart, data_dir, lines, delay=rng.uniform(0, 0.5))
            read_one_whole_run(datamart, with_hash=True)
        result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert result.returncode == 0, result.stderr
    assert reader.errors == []
    assert sum(reader.runs_read.values()) > len(kills)
    assert killed >= 0.6 * len(kills)
    manifest = read_one_whole_run(datamart, with_hash=True)
    in_files = {file["source"]: file["rows"] for file in manifest["inputs"]["files"]}
    landed = Counter()
    for row in manifest["rows"]:
        landed[row["source"]] += row["rows"] if row["fate"] == "landed" else 0
    assert landed == in_files
    assert not (datamart / "building").exists()


def test_killed_runs_leave_the_last_good_one_and_the_next_recovers(datamart, data_dir):
    kill_at_random_instants(datamart, data_dir, seed=1, builds=2, loads=1, pause=1.5)
    assert outcomes(datamart)["unfinished"] >= 1


@pytest.mark.long
def test_fifty_killed_runs_leave_the_last_good_one_and_the_next_recovers(datamart, data_dir):
    kill_at_random_instants(datamart, data_dir, seed=2, builds=20, loads=30, pause=0.2)


def test_tables_changed_while_a_run_follows_them_stop_it(datamart, data_dir):
    before = (datamart / "current").resolve()
    with (data_dir / "features_attributes.csv").open("a") as file:
        file.write("CUS_0xmeanwhile,Nobody,30,999-99-9999,Lawyer,2023-01-01\n")
    folders = ("--data-dir", str(data_dir), "--datamart-dir", str(datamart))
    with subprocess.Popen(
        [sys.executable, "-u", str(PROJECT_DIR / "main.py"), *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while "building and testing" not in process.stdout.readline():
            assert process.poll() is None
        (before / runs.TOUCHED_BY_DBT).write_text("{}")
        said = process.communicate()[1]
    assert process.returncode == 1
    assert said.startswith("error: changed while the run was at work: tables of ")
    assert (datamart / "current").resolve() == before
    assert outcomes(datamart)["failed"] == 1


def test_code_changed_while_a_run_works_stops_it(tmp_path):
    datamart = runs.open_datamart(tmp_path)
    pipeline._check_still_so(datamart, None, {"code": pipeline._code_hash()})
    with pytest.raises(UserError, match=r"models or code of the project\. Nothing was published"):
        pipeline._check_still_so(datamart, None, {"code": "what it was"})


def test_a_run_that_is_stopped_after_it_is_published_is_published(tmp_path, monkeypatch):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "_prune_runs", stop)
    datamart = runs.open_datamart(tmp_path)
    for run_id in ("run_1", "run_2"):
        runs.begin(datamart, run_id)
        log_file = datamart.logs / f"{run_id}.log"
        with (
            Progress(Console(file=io.StringIO())) as progress,
            pipeline._recorded(datamart, run_id, log_file, {}, progress) as manifest,
        ):
            manifest["outcome"] = "published"
            runs.publish(datamart, run_id)
        assert datamart.current_run().name == run_id
    assert outcomes(tmp_path) == {"published": 2}


@pytest.mark.parametrize("moment", ["inspecting", "landing", "built silver"])
def test_a_run_that_is_asked_to_end_ends_like_ctrl_c(datamart, data_dir, moment):
    """By SIGTERM, while Java starts, Spark lands or dbt builds: one line, nothing left running."""
    before = (datamart / "current").resolve()
    if moment != "built silver":
        with (data_dir / "features_attributes.csv").open("a") as file:
            file.write("CUS_0xterm,Nobody,30,999-99-9999,Lawyer,2023-01-01\n")
    folders = ("--data-dir", str(data_dir), "--datamart-dir", str(datamart))
    process = subprocess.Popen(
        [sys.executable, "-u", str(PROJECT_DIR / "main.py"), "--rebuild", *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while moment not in process.stdout.readline():
        assert process.poll() is None
    children = []
    while moment != "built silver" and not children:
        children = psutil.Process(process.pid).children()
        assert process.poll() is None
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said == "stopped; the published datamart is as it was\n"
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert outcomes(datamart) == {"interrupted": 1, "published": 1}
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    with runs.locked(runs.Datamart(datamart)):
        pass


def test_killed_at_any_step_of_publishing_old_or_new_is_whole(datamart):
    """Publishing is a few changes of files: die before each of them, until one gets through."""
    shutil.rmtree(datamart / "dbt_target")
    old = (datamart / "current").resolve().name
    shown = []
    for step in range(1, 40):
        for folder in ("bronze", "silver", "gold"):  # so that every link is made anew
            (datamart / folder).unlink(missing_ok=True)
        run_id = f"30000101T000000Z_{step:04}"
        build_dir = runs.begin(runs.Datamart(datamart), run_id)
        current = (datamart / "current").resolve()
        copy_run(current, build_dir, run_id)
        ended = subprocess.run(
            [sys.executable, "-c", PUBLISH_AND_DIE, str(datamart), run_id, str(step)],
            cwd=PROJECT_DIR,
        )
        published = read_one_whole_run(datamart)["run_id"]
        assert published in (current.name, run_id)
        assert ended.returncode == -signal.SIGKILL
        shown.append(published == run_id)
        if sum(shown) == 2:  # what follows only removes older runs
            break
    assert len(shown) > 8
    assert shown == sorted(shown)
    assert published != old
    assert (datamart / "gold" / "feature_store.parquet").exists()


def copy_run(source: Path, build_dir: Path, run_id: str) -> None:
    """Make a building folder a copy of a run, under a run id of its own."""
    shutil.rmtree(build_dir)
    shutil.copytree(source, build_dir, copy_function=os.link)
    manifest = json.loads((build_dir / "manifest.json").read_text())
    runs.write_json(build_dir / "manifest.json", manifest | {"run_id": run_id})


def test_a_second_run_says_who_holds_the_lock(datamart):
    with runs.locked(runs.Datamart(datamart)):
        result = run_main("--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert f"process {os.getpid()}" in result.stderr


def test_the_lock_of_a_dead_process_is_taken_over(datamart):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(datamart)], cwd=PROJECT_DIR, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"locked\n"
    holder.kill()
    holder.communicate()
    assert (datamart / "run.lock.json").exists()
    with runs.locked(runs.Datamart(datamart)):
        assert json.loads((datamart / "run.lock.json").read_text())["pid"] == os.getpid()


def test_a_failing_test_at_the_end_publishes_nothing_and_says_why(datamart, data_dir):
    """More bad rows of a source than the limit allows; the line says so, and no one's name."""
    before = (datamart / "current").resolve()
    person = f"{MARKED_NAME},30,{MARKED_SSN},Lawyer"
    broken = [
        f",{person},2023-01-01",
        f"C1,{person},2023-02-30",
        f"C1,{person}",
        f"C1,{person},2023-01-01,{MARKED_SSN}",
        f'C1,"{person},2023-01-01',
        f",{person},2023-02-01",
    ]
    with (data_dir / "features_attributes.csv").open("a") as file:
        file.writelines(f"{line}\n" for line in broken * 100)
    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    for text in ("features_attributes", "in quarantine", "malformed_row", "the limit is 5.0 %"):
        assert text in result.stderr
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    assert outcomes(datamart) == {"failed": 1, "published": 1}
    read_one_whole_run(datamart, with_hash=True)
    assert MARKED_NAME not in result.stdout and MARKED_SSN not in result.stdout
    assert leaks(beyond_bronze(datamart), [MARKED_NAME, MARKED_SSN]) == []


def test_a_refused_file_leaves_a_manifest_and_a_log_too(datamart, data_dir):
    before = (datamart / "current").resolve()
    (data_dir / "lms_loan_daily.csv").write_text("loan_id;snapshot_date\n")
    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert "lms_loan_daily.csv, line 1" in result.stderr
    assert (datamart / "current").resolve() == before
    newest = max((datamart / "manifests").glob("*.json"))
    manifest = json.loads(newest.read_text())
    assert manifest["outcome"] == "failed"
    assert "lms_loan_daily.csv" in manifest["error"]
    assert "outcome: failed" in (datamart / "logs" / f"{newest.stem}.log").read_text()


def test_the_newest_runs_and_records_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "KEPT_RUNS", 2)
    monkeypatch.setattr(runs, "KEPT_MANIFESTS", 3)
    datamart = runs.open_datamart(tmp_path / "datamart")
    for number in range(5):
        run_id = f"2026010{number}T000000Z"
        runs.write_json(datamart.manifests / f"{run_id}.json", {})
        (datamart.logs / f"{run_id}.log").touch()
        runs.begin(datamart, run_id)
        runs.publish(datamart, run_id)
        runs.prune_records(datamart)
    assert sorted(path.name[:8] for path in datamart.runs.iterdir()) == ["20260103", "20260104"]
    for folder in (datamart.manifests, datamart.logs):
        days = sorted(path.name[:8] for path in folder.iterdir())
        assert days == ["20260102", "20260103", "20260104"]


def test_the_published_run_is_kept_even_when_a_clock_was_set_back(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "KEPT_RUNS", 2)
    datamart = runs.open_datamart(tmp_path / "datamart")
    for run_id in ("2027", "2028", "2026"):
        runs.begin(datamart, run_id)
        runs.publish(datamart, run_id)
    assert datamart.current_run().name == "2026"
    assert datamart.current_run().is_dir()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 40 MB of its own; skips where this machine lets nobody mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize(
    "free_bytes",
    [
        pytest.param(0, id="at once"),
        pytest.param(1_000_000, id="half way"),
    ],
)
def test_a_full_disk_leaves_the_last_good_run(sample_datamart, small_disk, free_bytes):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    shutil.rmtree(datamart / "dbt_target")
    before = (datamart / "current").resolve()
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"0" * (free - free_bytes))
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert "space" in result.stderr
    assert (datamart / "current").resolve() == before
    read_one_whole_run(datamart, with_hash=True)
    if free_bytes:
        (small_disk / "ballast").unlink()
        again = run_main("--rebuild", "--datamart-dir", datamart)
        assert again.returncode == 0, again.stderr
        assert (datamart / "current").resolve() != before
        read_one_whole_run(datamart, with_hash=True)


def test_a_read_only_folder_ends_in_one_line(sample_datamart, small_disk):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert "cannot be written" in result.stderr
    read_one_whole_run(datamart)
