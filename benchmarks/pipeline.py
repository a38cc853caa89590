"""The whole of main.py on the files of a folder, against the least that the same work takes."""

import shutil
from pathlib import Path

import duckdb

from benchmarks.measure import Cost, measure, median, module, warehouse
from benchmarks.results import Claim, Part, Table
from warehouse.base.catalog import attach
from warehouse.base.paths import CONTRACTS_FILE
from warehouse.contracts.contract import read_contracts

MONTHS_BEFORE = 24


def run(data_dir: Path, scratch: Path, runs: int) -> Part:
    """First run, unchanged run, one new month, the proof; the floors beside them."""
    mart, published = scratch / "datamart", scratch / "published"
    out, before, after = scratch / "floor", scratch / "before", scratch / "after"
    months = _cut(data_dir, before, after)
    measure(warehouse(data_dir, mart))
    shutil.copytree(mart / "current", published)
    one_first, one_by_one = scratch / "one_first", scratch / "one_by_one"
    commands = {
        "bare Spark landing": module("benchmarks.floor", "landing", data_dir, out),
        "bare read and write in DuckDB": module("benchmarks.floor", "bytes", published, out),
        "bare Spark landing and plain SQL": module(
            "benchmarks.floor", "models", data_dir, out, published
        ),
        "first run": warehouse(data_dir, mart),
        "unchanged run": warehouse(data_dir, mart),
        f"proof over {MONTHS_BEFORE} months": module(
            "main", "prove", "--datamart-dir", mart, "--months", *_loan_months(published)
        ),
    }
    month_commands = {
        f"first run over {months} months": warehouse(after, one_first),
        f"month {months} after {months - 1}": warehouse(after, one_by_one),
    }
    costs: dict[str, list[Cost]] = {name: [] for name in commands | month_commands}
    for number in range(runs):
        print(f"pipeline: round {number + 1} of {runs} ...", flush=True)
        for name, command in commands.items():
            _remove(out, *([mart] if name == "first run" else []))
            costs[name].append(measure(command))
        _remove(one_first, one_by_one)
        measure(warehouse(before, one_by_one))
        for name, command in month_commands.items():
            costs[name].append(measure(command))
    medians = {name: median(several) for name, several in costs.items()}
    floor = medians["bare Spark landing and plain SQL"]
    first, new_month = (medians[name] for name in month_commands)
    return Part(
        name="pipeline",
        question="How far is a run from the least that its work takes?",
        runs=runs,
        tables=[
            Table(
                "The files of `--data-dir`",
                "bare Spark landing and plain SQL",
                {name: medians[name] for name in commands},
            ),
            Table(
                "The same files, cut after a month",
                next(iter(month_commands)),
                {name: medians[name] for name in month_commands},
            ),
        ],
        claims=[
            Claim(
                "first run, wall time against bare Spark landing and plain SQL",
                medians["first run"].wall_seconds / floor.wall_seconds,
                1.2,
            ),
            Claim("unchanged run, CPU", medians["unchanged run"].cpu_seconds, 3, " s"),
            Claim(
                f"month {months} after {months - 1}, wall time against a first run over {months}",
                new_month.wall_seconds / first.wall_seconds,
                0.5,
            ),
            Claim(
                f"month {months} after {months - 1}, CPU against a first run over {months}",
                new_month.cpu_seconds / first.cpu_seconds,
                0.5,
            ),
            Claim(
                f"leakage proof over {MONTHS_BEFORE} months, wall time",
                medians[f"proof over {MONTHS_BEFORE} months"].wall_seconds,
                60,
                " s",
            ),
        ],
    )


def _loan_months(run_dir: Path) -> list[str]:
    """The first months of applications, YYYY-MM."""
    with duckdb.connect() as con:
        attach(con, run_dir)
        months = con.execute(
            "select distinct strftime(application_date, '%Y-%m') from gold.loan_applications"
            f" order by 1 limit {MONTHS_BEFORE}"
        ).fetchall()
    return [month for (month,) in months]


def _cut(data_dir: Path, before: Path, after: Path) -> int:
    """Write the files as they were after some months and a month later; the later's months."""
    files = [contract.file for contract in read_contracts(CONTRACTS_FILE)]
    months = {month for file in files for _, month in _lines(data_dir / file) if month}
    kept = sorted(months)[: MONTHS_BEFORE + 1]
    for folder, last in ((before, kept[-2]), (after, kept[-1])):
        folder.mkdir()
        for file in files:
            with (folder / file).open("wb") as out:
                out.writelines(
                    line
                    for number, (line, month) in enumerate(_lines(data_dir / file))
                    if number == 0 or month <= last
                )
    return len(kept)


def _lines(path: Path) -> list[tuple[bytes, bytes]]:
    """The lines of a file, each with the YYYY-MM of the date it ends with, else b''."""
    with path.open("rb") as lines:
        return [(line, _month(line.rstrip().rpartition(b",")[2])) for line in lines]


def _month(text: bytes) -> bytes:
    return text[:7] if len(text) == 10 and text[4:5] == text[7:8] == b"-" else b""


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
