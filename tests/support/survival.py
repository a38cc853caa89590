"""Check that a published datamart is whole, while runs are killed."""

import csv
import gzip
import json
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

from tests.support.project import copy_project, run_command, user_environment
from warehouse.base.catalog import attach
from warehouse.base.layout import Datamart
from warehouse.datamart.contents import table_hash

MAIN = (sys.executable, "-u", "main.py")
MAIN_WITHOUT_LINKS = (sys.executable, "-u", "-m", "tests.support.no_links")
LINES_OF_A_BUILD = 33  # that a run prints when it has nothing to land
LINES_OF_A_RUN = 40


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
    run_dir = Datamart(datamart).current_run()
    manifest = json.loads((run_dir / "manifest.json").read_text())
    assert manifest["run_id"] == run_dir.name
    assert manifest["outcome"] == "published"
    bronze = [path.name for path in (run_dir / "bronze").iterdir() if path.name != "loads"]
    with duckdb.connect(config={"threads": 1}) as con:
        attach(con, run_dir)
        in_bronze = " + ".join(f"(select count(*) from bronze.{name})" for name in bronze)
        counts = con.execute(
            "select (select count(*) from gold.feature_store),"
            " (select count(*) from gold.training_set),"
            " (select count(*) from gold.label_maturity),"
            f" (select sum(row_count) from gold.row_ledger where fate = 'landed'), {in_bronze}"
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
    """Return how often the runs of a datamart ended in which way."""
    files = (datamart / "manifests").glob("[!.]*.json")
    return Counter(json.loads(file.read_text())["outcome"] for file in files)


def assert_one_line_of_error(result: subprocess.CompletedProcess[str]) -> None:
    """Check that a command failed with one line and no traceback."""
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stdout + result.stderr


def project_of_patterns(folder: Path) -> Path:
    """Copy the project, with contracts that find more files: plain or gzipped, several a source."""
    project = copy_project(folder)
    contracts = project / "dbt_project" / "models" / "bronze" / "_bronze.yml"
    text = contracts.read_text()
    contracts.write_text(re.sub(r"(file: \w+)\.csv", r"\1*.csv*", text))
    return project


def kill_at_random_instants(
    project: Path, datamart: Path, data_dir: Path, seed: int, builds: int, loads: int, main=MAIN
) -> None:
    """Kill runs that only build, then runs that have new files to land; the next one recovers.

    An instant is a random line of a run's output and a random moment after it, one in each part of
    the run, so that a few kills cover all of it. A file that a user put under gold and a table of
    the user's own are in the lab in the end.
    """
    own = write_own_tables(datamart)
    rng = random.Random(seed)
    kills = [(number / builds, LINES_OF_A_BUILD, False) for number in range(builds)]
    kills += [(number / loads, LINES_OF_A_RUN, True) for number in range(loads)]
    killed = 0
    with Reader(datamart, pause=3) as reader:
        for number, (part, lines, has_new_files) in enumerate(kills):
            if has_new_files:
                add_files(data_dir, number)
            share = part + rng.uniform(0, 1 / (loads if has_new_files else builds))
            killed += _run_and_kill(
                [*main, "--rebuild", "--data-dir", data_dir, "--datamart-dir", datamart],
                project,
                int(share * lines),
                rng.uniform(0, 0.5),
            )
            read_one_whole_run(datamart, with_hash=True)
        folders = ("--data-dir", data_dir, "--datamart-dir", datamart)
        result = run_command(*main, *folders, cwd=project, project=project)
    assert result.returncode == 0, result.stderr
    assert reader.errors == [], reader.errors
    assert sum(reader.runs_read.values()) > len(kills)
    assert killed >= 0.6 * len(kills)
    manifest = read_one_whole_run(datamart, with_hash=True)
    in_files: Counter[str] = Counter()
    for file in manifest["inputs"]["files"]:
        in_files[file["source"]] += file["rows"]
    landed: Counter[str] = Counter()
    for row in manifest["rows"]:
        landed[row["source"]] += row["rows"] if row["fate"] == "landed" else 0
    assert landed == in_files
    assert not (datamart / "building").exists()
    assert {path.name: path.read_bytes() for path in (datamart / "lab").iterdir()} == own


def write_own_tables(datamart: Path) -> dict[str, bytes]:
    """Put tables of a user's own into the lab and below gold; return what the lab is to hold."""
    paths = [datamart / "lab" / "scores.parquet", datamart / "gold" / "mine.parquet"]
    with duckdb.connect() as con:
        for path in paths:
            con.execute(f"copy (select '{path.stem}' as name) to '{path}' (format parquet)")
    return {path.name: path.read_bytes() for path in paths}


def add_row(data_dir: Path, customer: str) -> None:
    """Append a row of a new customer to the attributes file."""
    with (data_dir / "features_attributes.csv").open("a") as file:
        file.write(f"{customer},Nobody,30,999-99-9999,Lawyer,2023-01-01\n")


def add_files(data_dir: Path, number: int) -> None:
    """Deliver a row of a new customer for two sources, in files of their own: gzipped and plain."""
    customer = f"CUS_0xkill{number}"
    for source, opener, suffix in (
        ("features_attributes", gzip.open, "csv.gz"),
        ("feature_clickstream", open, "csv"),
    ):
        with (data_dir / f"{source}.csv").open() as lines:
            header, row = next(lines), next(csv.reader(lines))
        values = dict(zip(header.strip().split(","), row, strict=True)) | {"Customer_ID": customer}
        with opener(data_dir / f"{source}_{number}.{suffix}", "wt") as file:
            file.write(header)
            csv.writer(file).writerow(values.values())


def _run_and_kill(command: Sequence[object], project: Path, lines: int, delay: float) -> bool:
    """Start a run, kill it when it has printed so many lines; True when it was still alive.

    Only the process itself is killed, as the system does when memory runs out: Spark's Java has to
    end by itself and must not disturb the run that follows at once.
    """
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=project,
        env=user_environment(project),
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
