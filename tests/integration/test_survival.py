"""Killed, full, read-only, failing or started twice: the published datamart stays whole."""

import json
import os
import shutil
import subprocess
import sys

import psutil
import pytest

from tests.support.personal import MARKED_NAME, MARKED_SSN, beyond_bronze, leaks
from tests.support.project import run_command, run_main, user_environment
from tests.support.survival import (
    MAIN_WITHOUT_LINKS,
    add_row,
    assert_one_line_of_error,
    kill_at_random_instants,
    outcomes,
    project_of_patterns,
    read_one_whole_run,
    write_own_tables,
)
from warehouse.base.layout import Datamart
from warehouse.base.paths import PROJECT_DIR
from warehouse.datamart.lock import locked


def test_killed_runs_leave_the_last_good_one_and_the_next_recovers_without_links(
    datamart, data_dir, tmp_path
):
    """Turns a datamart with links into one without, by runs that are killed and one that is not."""
    project = project_of_patterns(tmp_path / "project")
    kill_at_random_instants(
        project, datamart, data_dir, seed=1, builds=0, loads=1, main=MAIN_WITHOUT_LINKS
    )
    assert outcomes(datamart)["unfinished"] >= 1
    assert not any(path.is_symlink() for path in datamart.iterdir() if path.name != "dbt_target")
    assert (datamart / "gold" / "feature_store.parquet").exists()
    folders = ("--data-dir", data_dir, "--datamart-dir", datamart)
    again = run_command(*MAIN_WITHOUT_LINKS, *folders, cwd=project, project=project)
    assert "Nothing to do: no file and no rule changed since run" in again.stdout


@pytest.mark.parametrize("moment", ["landing", "built silver"])
def test_a_run_that_is_asked_to_end_ends_like_ctrl_c(datamart, data_dir, moment):
    """By SIGTERM, while Spark starts or dbt builds: one line, nothing left running."""
    before = (datamart / "current").resolve()
    if moment != "built silver":
        add_row(data_dir, "CUS_0xterm")
    folders = ("--data-dir", str(data_dir), "--datamart-dir", str(datamart))
    process = subprocess.Popen(
        [sys.executable, "-u", str(PROJECT_DIR / "main.py"), "--rebuild", *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=user_environment(),
    )
    while moment not in process.stdout.readline():
        assert process.poll() is None
    children = []
    while moment != "built silver" and not children:
        children = psutil.Process(process.pid).children(recursive=True)
        assert process.poll() is None
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "stopped; the published datamart is as it was\n"
    assert psutil.wait_procs(children, timeout=60)[1] == []
    assert outcomes(datamart) == {"interrupted": 1, "published": 1}
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    with locked(Datamart(datamart)):
        pass


def test_second_run_says_who_holds_the_lock(datamart):
    with locked(Datamart(datamart)):
        result = run_main("--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert f"process {os.getpid()}" in result.stderr


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


@pytest.mark.parametrize("free_bytes", [0, 1_000_000], ids=["at once", "half way"])
def test_a_full_disk_leaves_the_last_good_run(sample_datamart, small_disk, free_bytes):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    shutil.rmtree(datamart / "dbt_target")
    before = (datamart / "current").resolve()
    own = write_own_tables(datamart)
    free = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"0" * (free - free_bytes))
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert "space" in result.stderr
    assert (datamart / "current").resolve() == before
    (small_disk / "ballast").unlink()
    assert run_main("--datamart-dir", datamart).returncode == 0
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    read_one_whole_run(datamart, with_hash=True)
    assert {path.name: path.read_bytes() for path in (datamart / "lab").iterdir()} == own


def test_a_read_only_folder_ends_in_one_line(sample_datamart, small_disk):
    datamart = small_disk / "datamart"
    shutil.copytree(sample_datamart, datamart, symlinks=True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = run_main("--rebuild", "--datamart-dir", datamart)
    assert_one_line_of_error(result)
    assert "cannot be written" in result.stderr
    read_one_whole_run(datamart)
