"""Check that a published datamart is whole, while runs are killed."""

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import duckdb
import psutil

from tests.support.processes import still_alive
from tests.support.project import run_command, user_environment
from warehouse.base.catalog import attach
from warehouse.base.layout import Datamart
from warehouse.base.paths import PROJECT_DIR
from warehouse.datamart.contents import table_hash

MAIN = (sys.executable, "-u", "main.py")
MAIN_WITHOUT_LINKS = (sys.executable, "-u", "-m", "tests.support.no_links")
GROWING = ("features_attributes", "feature_clickstream")  # sources that get new rows


class Instant(NamedTuple):
    """When to kill a run: so many seconds after a line of its output.

    Attributes:
        line: a text of the line, or how many lines are printed up to it.
        seconds: the time from the line to the kill.
        has_new_rows: the run finds new rows to land.
    """

    line: str | int
    seconds: float
    has_new_rows: bool


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


def kill_and_recover(
    datamart: Path,
    data_dir: Path,
    instants: Sequence[Instant],
    main: Sequence[str] = MAIN,
    growing: Sequence[str] = GROWING,
) -> str:
    """Kill a run at each instant; the published run stays whole, and the next run recovers.

    New rows are of the growing sources. The next run has little memory. At the end no process of a
    killed run is left, and a file that a user put under gold is in the lab, next to the user's own
    table. Returns the last run's output.
    """
    own = write_own_tables(datamart)
    before = read_one_whole_run(datamart)
    folders = ("--data-dir", data_dir, "--datamart-dir", datamart)
    killed = 0
    children: list[psutil.Process] = []
    customers: list[str] = []
    with Reader(datamart, pause=5) as reader:
        for number, instant in enumerate(instants):
            if instant.has_new_rows:
                customers.append(f"CUS_0xkill{number}")
                for source in growing:
                    add_row(data_dir, source, customers[-1])
            was_alive, its_children = run_and_kill([*main, "--rebuild", *folders], instant)
            killed += was_alive
            children += its_children
            read_one_whole_run(datamart, with_hash=True)
        result = run_command(*main, "--profile", "--memory-limit", "1.3GiB", *folders)
    assert result.returncode == 0, result.stderr
    assert reader.errors == [], reader.errors
    assert sum(reader.runs_read.values()) > len(instants)
    assert killed >= 0.6 * len(instants)
    after = read_one_whole_run(datamart, with_hash=True)
    assert after["run_id"] != before["run_id"]
    assert after["training_set_sha256"] == before["training_set_sha256"]  # they have no loan
    assert customers_of(datamart, growing) == {source: sorted(customers) for source in growing}
    assert not (datamart / "building").exists()
    assert {path.name: path.read_bytes() for path in (datamart / "lab").iterdir()} == own
    assert children, "no run was killed while Spark was at work"
    assert still_alive(children, seconds=30) == []
    return result.stdout


def run_and_kill(command: Sequence[object], instant: Instant) -> tuple[bool, list[psutil.Process]]:
    """Start a run and kill it at an instant; return if it was still alive, and its processes.

    Only the process itself is killed, as the system does when memory runs out: Spark's Java has to
    end by itself and must not disturb the run that follows at once.
    """
    process = subprocess.Popen(
        [str(word) for word in command],
        cwd=PROJECT_DIR,
        env=user_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    children: list[psutil.Process] = []
    with process:
        if isinstance(instant.line, int):
            list(islice(process.stdout, instant.line))
        else:
            next((line for line in process.stdout if instant.line in line), None)
        time.sleep(instant.seconds)
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    return process.returncode == -signal.SIGKILL, children


def write_own_tables(datamart: Path) -> dict[str, bytes]:
    """Put tables of a user's own into the lab and below gold; return what the lab is to hold."""
    paths = [datamart / "lab" / "scores.parquet", datamart / "gold" / "mine.parquet"]
    with duckdb.connect() as con:
        for path in paths:
            con.execute(f"copy (select '{path.stem}' as name) to '{path}' (format parquet)")
    return {path.name: path.read_bytes() for path in paths}


def add_row(data_dir: Path, source: str, customer: str) -> None:
    """Append a row of a new customer to the file of a source."""
    with (data_dir / f"{source}.csv").open("r+", newline="") as file:
        header, row, *_ = csv.reader(file)
        values = dict(zip(header, row, strict=True)) | {"Customer_ID": customer}
        csv.writer(file, lineterminator="\n").writerow(values.values())


def customers_of(datamart: Path, sources: Sequence[str]) -> dict[str, list[str]]:
    """Return the customers of added rows, once a row, by source of bronze."""
    query = "select Customer_ID from bronze.{} where Customer_ID like 'CUS_0xkill%' order by all"
    with duckdb.connect() as con:
        attach(con, Datamart(datamart).current_run())
        return {
            source: [name for (name,) in con.execute(query.format(source)).fetchall()]
            for source in sources
        }
