"""Killed, full, failing, damaged or stopped: the published datamart stays whole."""

import json
import os
import re
import shutil
import subprocess
import sys
from unittest.mock import Mock

import psutil
import pytest
from rich.console import Console

from tests.support import no_links
from tests.support.bronze import land_rows
from tests.support.personal import MARKED_NAME, MARKED_SSN, beyond_bronze, leaks
from tests.support.processes import still_alive
from tests.support.project import user_environment
from tests.support.survival import (
    MAIN_WITHOUT_LINKS,
    Instant,
    add_row,
    kill_and_recover,
    outcomes,
    read_one_whole_run,
    write_own_tables,
)
from warehouse.base.errors import UserError
from warehouse.base.layout import Datamart
from warehouse.base.paths import PROJECT_DIR
from warehouse.cli.main import main
from warehouse.datamart.foreign import save_list
from warehouse.datamart.lock import locked
from warehouse.datamart.runs import open_datamart
from warehouse.pipeline import run
from warehouse.pipeline.progress import Progress
from warehouse.pipeline.record import Record
from warehouse.transform import runner


# The runs of this file are of few customers: what is in the tables does not matter here.
@pytest.fixture
def datamart(small):
    return small


@pytest.fixture
def data_dir(small_data):
    return small_data


@pytest.fixture
def error_of(capsys):
    """Return the one line that main.py fails with."""

    def error_of_main(*arguments: object) -> str:
        assert main([str(argument) for argument in arguments]) == 1
        output, error = capsys.readouterr()
        assert error.startswith("error: ")
        assert error.count("\n") == 1
        return error + output

    return error_of_main


def manifest_of(datamart) -> dict:
    return json.loads((datamart / "current" / "manifest.json").read_text())


def test_killed_runs_leave_the_last_good_one_and_the_next_recovers_without_links(
    datamart, data_dir, monkeypatch, capsys
):
    """One is killed as it builds the models, one while Spark is at work; the next makes no links.

    The one after that finds nothing to do. The long tests kill more, at random instants.
    """
    instants = [
        Instant("built silver", 0.1, has_new_rows=False),
        Instant("landing", 2, has_new_rows=True),
    ]
    growing = ["feature_clickstream"]  # each source that grows takes Spark five CPU seconds
    output = kill_and_recover(datamart, data_dir, instants, MAIN_WITHOUT_LINKS, growing)
    assert outcomes(datamart)["unfinished"] == 2
    assert not any(path.is_symlink() for path in datamart.iterdir() if path.name != "dbt_target")
    profile = output.partition("Where the time went")[2]
    for part in ("land", "build", "gold.clickstream_features", "test"):
        assert re.search(rf"{part}.* \d+\.\d", profile), part
    for name in ("link", "symlink"):
        monkeypatch.setattr(os, name, no_links.refuse)
    assert main(["--data-dir", str(data_dir), "--datamart-dir", str(datamart)]) == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_second_run_at_a_time_is_refused_and_names_the_first(datamart, error_of):
    with locked(Datamart(datamart)):
        assert f"process {os.getpid()}" in error_of("--datamart-dir", datamart)


@pytest.mark.parametrize(
    "moment", ["landing", pytest.param("built silver", marks=pytest.mark.long)]
)
def test_a_run_that_is_asked_to_end_ends_like_ctrl_c(datamart, data_dir, moment):
    """By SIGTERM, while Spark starts or dbt builds: one line, nothing left running."""
    before = (datamart / "current").resolve()
    if moment != "built silver":
        add_row(data_dir, "features_attributes", "CUS_0xterm")
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
    assert still_alive(children, seconds=60) == []
    assert outcomes(datamart) == {"interrupted": 1, "published": 1}
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    with locked(Datamart(datamart)):
        pass


def test_a_failing_test_at_the_end_publishes_nothing_and_says_why(datamart, data_dir, error_of):
    """More bad rows of a source than the limit allows; the line says so, and no one's name."""
    before = (datamart / "current").resolve()
    person = {"Name": MARKED_NAME, "Age": "30", "SSN": MARKED_SSN, "Occupation": "Lawyer"}
    person["_source_file"] = "a_file_that_is_gone.csv"
    line = f"C1,{MARKED_NAME},30,{MARKED_SSN},Lawyer,2023-01-01,{MARKED_SSN}"
    broken = [
        person | {"snapshot_date": "2023-01-01"},
        person | {"snapshot_date": "2023-02-30", "Customer_ID": "C1"},
        *[{"_malformed_line": line, "_source_file": "a_file_that_is_gone.csv"}] * 2,
    ]
    land_rows(before, 2, "2025-06-02 06:00:00", {"features_attributes": broken * 10})
    save_list(before)
    printed = error_of("--rebuild", "--data-dir", data_dir, "--datamart-dir", datamart)
    for text in ("features_attributes", "in quarantine", "malformed_row", "the limit is 5.0 %"):
        assert text in printed
    assert (datamart / "current").resolve() == before
    assert not (datamart / "building").exists()
    assert outcomes(datamart) == {"failed": 1, "published": 1}
    assert MARKED_NAME not in printed and MARKED_SSN not in printed
    assert leaks(beyond_bronze(datamart), [MARKED_NAME, MARKED_SSN]) == []


def test_an_increment_that_changes_a_closed_month_fails(datamart):
    """The build is the published one again; of one month its manifest says another hash."""
    opened = open_datamart(datamart)
    manifest = manifest_of(datamart)
    assert sum(month["is_closed"] for month in manifest["application_months"]) > 12
    changed = manifest["application_months"][3]
    changed["sha256"] = "another"
    (opened.current_run() / "manifest.json").write_text(json.dumps(manifest))
    dbt = Mock(run_dir=opened.current_run(), is_incremental=True, memory_limit=None)
    dbt.run_tests.return_value = runner.TestResults(1, [], {})
    record = Record(opened, Progress(Console(quiet=True)))
    with pytest.raises(UserError, match=f"applications of {changed['month']} differ"):
        run.test(record, run.Built(dbt, {}))
    dbt.is_incremental = False
    assert run.test(record, run.Built(dbt, {})).build_dir == opened.current_run()


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


def test_a_disk_that_is_full_or_read_only_leaves_the_last_good_run(small_disk, tiny_data, error_of):
    """Full at once, then half way, then read-only."""
    before = (small_disk / "current").resolve()
    own = write_own_tables(small_disk)
    folders = ("--data-dir", tiny_data, "--datamart-dir", small_disk)
    for free_bytes in (0, 1_000_000):
        free = shutil.disk_usage(small_disk).free
        (small_disk / "ballast").write_bytes(b"0" * (free - free_bytes))
        assert "space" in error_of("--rebuild", *folders)
        assert (small_disk / "current").resolve() == before
        (small_disk / "ballast").unlink()
    assert main([str(argument) for argument in folders]) == 0
    assert (small_disk / "current").resolve() == before
    assert not (small_disk / "building").exists()
    assert {path.name: path.read_bytes() for path in (small_disk / "lab").iterdir()} == own
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert "cannot be written" in error_of("--rebuild", *folders)
    read_one_whole_run(small_disk, with_hash=True)
