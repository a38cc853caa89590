"""How cost grows with the data: sets of made-up files, each run from nothing.

The sizing model is two numbers a resource, what a start takes and what a million rows take. It
is fitted to the start and the last size but one, and held against the largest size.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost, measure, median, module, warehouse
from benchmarks.results import Claim, Part, Table
from warehouse.base.memory import memory_limit
from warehouse.base.paths import CONTRACTS_FILE
from warehouse.contracts.contract import read_contracts
from warehouse.sample.files import write_files

REAL_SET = 12_500  # customers
SMALLEST = 100  # customers whose run is start-up alone


@dataclass(frozen=True)
class Size:
    """What a set of files took."""

    rows: int
    gib: float  # of the published run: bronze, silver and gold
    run: Cost
    models: Cost  # of `dbt run` over the same bronze: silver and gold without their tests
    floor: Cost


def run(scratch: Path, runs: int, sizes: list[int], limit: str) -> Part:
    """First runs over made-up files of so many real sets; files already in scratch are used."""
    start = measure_size(scratch, "start", SMALLEST, runs, limit)
    found = {
        size: measure_size(scratch, f"x{size}", REAL_SET * size, runs, limit) for size in sizes
    }
    return part_of(start, found, runs, limit)


def part_of(start: Size, found: dict[int, Size], runs: int, limit: str) -> Part:
    """What was measured, as tables and claims."""
    part = Part("growth", "How does the cost grow with the data?", runs)
    largest = max(found)
    costs = {"start (100 customers)": start.run}
    costs |= {f"x{size}, {result.rows:,} rows": result.run for size, result in found.items()}
    smallest = list(costs)[1]
    part.notes.append(f"First runs with `--memory-limit {limit}`, x1 being {REAL_SET:,} customers.")
    part.tables.append(Table("First runs over made-up files", smallest, costs))
    for size, result in found.items():
        name = f"DuckDB's bare read of bronze and write of silver and gold, x{size}"
        own = {name: result.floor, "silver and gold by `dbt run`": result.models}
        part.tables.append(Table(f"Silver and gold at x{size}, starts included", name, own))
    part.series["measured"] = [(size, result.run.cpu_seconds) for size, result in found.items()]
    last = found[largest]
    if len(found) > 1:
        _add_growth(part, start, found)
    part.claims += [
        Claim(
            f"silver and gold at x{largest}, wall time against bare read and write",
            last.models.wall_seconds / last.floor.wall_seconds,
            2.5,
        ),
        Claim(
            f"silver and gold at x{largest}, CPU against bare read and write",
            last.models.cpu_seconds / last.floor.cpu_seconds,
            2.5,
        ),
        Claim(
            f"peak memory at x{largest} with `--memory-limit {limit}`",
            last.run.peak_mb / 1024,
            memory_limit(limit).bytes / 2**30,
            " GiB",
        ),
    ]
    return part


def _add_growth(part: Part, start: Size, found: dict[int, Size]) -> None:
    """How the largest size lies beside the smallest and beside the sizing model."""
    fitted, largest = sorted(found)[-2:]
    smallest = min(found)
    started = start.run.cpu_seconds
    part.claims.append(
        Claim(
            f"x{largest} against x{smallest}, CPU after start-up",
            (found[largest].run.cpu_seconds - started)
            / (found[smallest].run.cpu_seconds - started),
            1.1 * largest / smallest,
        )
    )
    million = found[fitted].rows / 1e6
    seconds = (found[fitted].run.cpu_seconds - started) / million
    gib = found[fitted].gib / million
    part.notes.append(
        f"Sizing model: {started:.0f} CPU seconds to start and {seconds:.1f} a million rows;"
        f" {gib:.3f} GiB of datamart a million rows."
    )
    part.series["sizing model"] = [
        (size, started + seconds * result.rows / 1e6) for size, result in found.items()
    ]
    expected = started + seconds * found[largest].rows / 1e6
    for what, figure in (
        ("CPU seconds", found[largest].run.cpu_seconds / expected),
        ("GiB on disk", found[largest].gib / (gib * found[largest].rows / 1e6)),
    ):
        part.claims.append(
            Claim(
                f"{what} at x{largest} against the sizing model fitted at x{fitted}", figure, 1.25
            )
        )


def measure_size(scratch: Path, name: str, customers: int, runs: int, limit: str) -> Size:
    """First runs over the files of so many customers, and the floor of each."""
    data, mart, out = scratch / name, scratch / "datamart", scratch / "floor"
    files = [contract.file for contract in read_contracts(CONTRACTS_FILE)]
    if not all((data / file).exists() for file in files):
        write_files(customers, seed=7, out=data, threads=2)
    costs, builds, floors = [], [], []
    for number in range(runs):
        print(f"growth: {name}, round {number + 1} of {runs} ...", flush=True)
        shutil.rmtree(mart, ignore_errors=True)
        costs.append(measure(warehouse(data, mart, "--memory-limit", limit)))
        published = (mart / "current").resolve()
        builds.append(measure(module("benchmarks.floor", "dbt", published, mart / "again", limit)))
        shutil.rmtree(out, ignore_errors=True)
        floors.append(measure(module("benchmarks.floor", "bytes", mart / "current", out)))
    manifest = json.loads((mart / "current" / "manifest.json").read_text())
    rows = sum(file["rows"] for file in manifest["inputs"]["files"])
    run_dir = (mart / "current").resolve()
    size = sum(path.stat().st_size for path in run_dir.rglob("*") if path.is_file())
    shutil.rmtree(mart)
    shutil.rmtree(out)
    return Size(rows, size / 2**30, median(costs), median(builds), median(floors))
