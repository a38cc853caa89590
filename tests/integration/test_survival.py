"""Killed, full, failing, damaged or started twice: the published datamart stays whole."""

import json
import os
import re
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
from warehouse.cli.main import main
from warehouse.datamart.lock import locked


# The runs of this file are of few customers: what is in the tables does not matter here.
@pytest.fixture
def datamart(small):
    return small


@pytest.fixture
def data_dir(small_data):
    return small_data


def test_killed_runs_leave_the_last_good_one_and_the_next_recovers_without_links(
    datamart, data_dir, tmp_path
):
    """One run is killed as it builds the models, one as it lands; the next makes folders of links.

    The seed is chosen for these two instants.
    """
    project = project_of_patterns(tmp_path / "project")
    kill_at_random_instants(
        project, datamart, data_dir, seed=979, builds=1, loads=1, main=MAIN_WITHOUT_LINKS
    )
    assert outcomes(datamart)["unfinished"] == 2
    assert not any(path.is_symlink() for path in datamart.iterdir() if path.name != "dbt_target")
    assert (datamart / "gold" / "feature_store.parquet").exists()
    folders = ("--data-dir", data_dir, "--datamart-dir", datamart)
    again = run_command(*MAIN_WITHOUT_LINKS, *folders, cwd=project, project=project)
    assert "Nothing to do: no file and no rule changed since run" in again.stdout


@pytest.mark.parametrize(
    "moment", ["landing", pytest.param("built silver", marks=pytest.mark.long)]
)
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
        file.writelines(f"{line}\n" for line in broken * 5)
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


def test_closed_month_that_changed_publishes_nothing(datamart, data_dir, capsys):
    """An incremental run that would change the features of a closed application fails."""
    manifest = manifest_of(datamart)
    assert sum(month["is_closed"] for month in manifest["application_months"]) > 12
    manifest["application_months"][3]["sha256"] = "another"
    manifest["inputs"]["files"].pop()  # as if a file had come since
    path = (datamart / "current").resolve() / "manifest.json"
    path.write_text(json.dumps(manifest))
    assert main(["--data-dir", str(data_dir), "--datamart-dir", str(datamart)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert manifest["application_months"][3]["month"] in error
    assert manifest_of(datamart)["run_id"] == manifest["run_id"]


def test_removed_table_is_built_again_also_with_little_memory(datamart, data_dir, capsys):
    before = manifest_of(datamart)
    (datamart / "current").resolve().joinpath("gold", "label_store.parquet").unlink()
    folders = ["--data-dir", str(data_dir), "--datamart-dir", str(datamart)]
    assert main([*folders, "--profile", "--memory-limit", "1.1GiB"]) == 0
    assert (datamart / "gold" / "label_store.parquet").exists()
    assert manifest_of(datamart)["run_id"] != before["run_id"]
    assert manifest_of(datamart)["training_set_sha256"] == before["training_set_sha256"]
    profile = capsys.readouterr().out.partition("Where the time went")[2]
    for part in ("build", "gold.clickstream_features", "test"):
        assert re.search(rf"{part}.* \d+\.\d", profile), part


def manifest_of(datamart) -> dict:
    return json.loads((datamart / "current" / "manifest.json").read_text())


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
def small_disk(published_small, place, tmp_path):
    """The datamart on a file system of 40 MB of its own, with what dbt has parsed already.

    Skips where this machine lets nobody mount one.
    """
    shutil.copytree(place / "dbt_target", tmp_path / "dbt_target")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    shutil.copytree(published_small, place, symlinks=True, dirs_exist_ok=True)
    shutil.copytree(tmp_path / "dbt_target", place / "dbt_target")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_leaves_the_last_good_run(small_disk, tiny_data):
    """Full at once, then half way."""
    before = (small_disk / "current").resolve()
    own = write_own_tables(small_disk)
    folders = ("--data-dir", tiny_data, "--datamart-dir", small_disk)
    for free_bytes in (0, 1_000_000):
        free = shutil.disk_usage(small_disk).free
        (small_disk / "ballast").write_bytes(b"0" * (free - free_bytes))
        result = run_main("--rebuild", *folders)
        assert_one_line_of_error(result)
        assert "space" in result.stderr
        assert (small_disk / "current").resolve() == before
        (small_disk / "ballast").unlink()
    assert run_main(*folders).returncode == 0
    assert (small_disk / "current").resolve() == before
    assert not (small_disk / "building").exists()
    read_one_whole_run(small_disk, with_hash=True)
    assert {path.name: path.read_bytes() for path in (small_disk / "lab").iterdir()} == own


def test_a_read_only_folder_ends_in_one_line(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = run_main("--rebuild", "--datamart-dir", small_disk)
    assert_one_line_of_error(result)
    assert "cannot be written" in result.stderr
    read_one_whole_run(small_disk)
