"""The whole of main.py on a folder of files, compared with the least that its work takes."""

import csv
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from benchmarks.measure import Cost, in_rounds, measure, module, warehouse
from benchmarks.results import Claim, Part, Table
from warehouse.base.catalog import attach
from warehouse.base.paths import CONTRACTS_FILE
from warehouse.contracts.contract import read_contracts

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

MONTHS_BEFORE = 24
FLOOR = "bare Spark landing and plain SQL"


def run(setting: "Setting") -> Part:
    """Measure a first run, an unchanged run, the proof, one month after 24, and the floors."""
    published = setting.published_run()
    kept = setting.folder / "published"
    shutil.copytree(published, kept)
    data, mart, out = setting.data_dir, setting.folder / "datamart", setting.folder / "floor"
    proof = ["prove", "--datamart-dir", mart, "--months", *_loan_months(kept)]
    commands = {
        "bare Spark landing": module("benchmarks.floor", "spark", data, out),
        "bare read and write in DuckDB": module("benchmarks.floor", "bytes", kept, out),
        FLOOR: module("benchmarks.floor", "models", data, out, kept),
        "first run": warehouse(data, mart),
        "unchanged run": warehouse(data, mart),
        "proof": module("main", *proof),
    }

    def prepare(name: str) -> None:
        shutil.rmtree(out, ignore_errors=True)
        if name == "first run":
            shutil.rmtree(mart)

    costs = in_rounds(commands, setting.runs, prepare)
    months = month_after(data, setting.folder / "months", setting.runs)
    first, new_month = months.values()
    return Part(
        name="pipeline",
        question="How far is a run from the least that its work takes?",
        runs=setting.runs,
        tables=[
            Table("The files of `--data-dir`", FLOOR, costs),
            Table(
                f"A month after {MONTHS_BEFORE}, in files of its own", next(iter(months)), months
            ),
        ],
        claims=[
            Claim(
                "first run, wall time against bare Spark landing and plain SQL",
                costs["first run"].wall_seconds / costs[FLOOR].wall_seconds,
                1.25,
            ),
            Claim("unchanged run, CPU", costs["unchanged run"].cpu_seconds, 3, " s"),
            Claim(
                "one month more after 24, wall time against a first run",
                new_month.wall_seconds / first.wall_seconds,
                0.75,
            ),
        ],
    )


def month_after(data_dir: Path, folder: Path, runs: int) -> dict[str, Cost]:
    """Measure a first run over 25 months, and a run with the files of the 25th after 24."""
    cut_months(data_dir, folder)
    commands = {
        f"first run over {MONTHS_BEFORE + 1} months": warehouse(folder / "all", folder / "mart"),
        f"month {MONTHS_BEFORE + 1}": warehouse(folder / "month", folder / "mart"),
    }

    def prepare(name: str) -> None:
        shutil.rmtree(folder / "mart", ignore_errors=True)
        if name.startswith("month"):
            measure(warehouse(folder / "before", folder / "mart"))

    return in_rounds(commands, runs, prepare)


def cut_months(data_dir: Path, folder: Path) -> None:
    """Write the files of the first 24 months, of the 25th alone, and of both, into three folders.

    A row belongs to the month of its snapshot date; rows without a date are left out.
    """
    files = {}
    for contract in read_contracts(CONTRACTS_FILE):
        with (data_dir / contract.file).open(newline="") as lines:
            header, *rows = csv.reader(lines)
        day = header.index(contract.date_column)
        dated = [row for row in rows if len(row) == len(header) and row[day][4:5] == "-"]
        files[contract.file] = header, [(row[day][:7], row) for row in dated]
    months = sorted({month for _, rows in files.values() for month, _ in rows})
    last = months[MONTHS_BEFORE]
    for name, is_taken in (
        ("before", lambda month: month < last),
        ("month", lambda month: month == last),
        ("all", lambda month: month <= last),
    ):
        (folder / name).mkdir(parents=True)
        for file, (header, rows) in files.items():
            taken = [row for month, row in rows if is_taken(month)]
            if taken:
                with (folder / name / file).open("w", newline="") as out:
                    csv.writer(out, lineterminator="\n").writerows([header, *taken])


def _loan_months(run_dir: Path) -> list[str]:
    """Return the first months of applications, YYYY-MM."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        months = con.execute(
            "select distinct strftime(application_date, '%Y-%m') from gold.loan_applications"
            f" order by 1 limit {MONTHS_BEFORE}"
        ).fetchall()
    return [month for (month,) in months]
