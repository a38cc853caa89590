"""Measures how cost grows with the data: first runs over made-up files of many real sets."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Cost, dbt_run, in_rounds, module, warehouse
from benchmarks.pipeline import month_after
from benchmarks.results import Claim, Part, Table
from warehouse.base.memory import memory_limit
from warehouse.sample.files import write_files

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

REAL_SET = 12_500  # customers
START = 100 / REAL_SET  # a set whose run is start-up alone
MONTH_SIZE = 10


@dataclass(frozen=True)
class Size:
    """Costs of a set of files: a first run, `dbt run` over its bronze, and bare read and write.

    The run has a limit of memory; the other two, which are compared, have none.
    """

    rows: int
    gib: float  # of the published run
    run: Cost
    models: Cost
    floor: Cost


def run(setting: "Setting") -> Part:
    """Measure first runs of each size, and at ten real sets a month after 24."""
    found = {size: _measure(setting, size) for size in (START, *setting.sizes)}
    start = found.pop(START)
    costs = {"start (100 customers)": start.run}
    costs |= {f"x{size}, {one.rows:,} rows": one.run for size, one in found.items()}
    part = Part("growth", "How does the cost grow with the data?", setting.runs)
    part.notes.append(
        f"With `--memory-limit {setting.memory_limit}`; x1 is {REAL_SET:,} customers."
    )
    part.tables.append(Table("First runs over made-up files", list(costs)[1], costs))
    part.notes += _sizing(start, found)
    largest = max(found)
    last, first = found[largest], found[min(found)]
    grown = (last.run.cpu_seconds - start.run.cpu_seconds) / (
        first.run.cpu_seconds - start.run.cpu_seconds
    )
    limit = memory_limit(setting.memory_limit).bytes / 2**30
    part.claims += [
        Claim(
            f"x{largest} against x{min(found)}, CPU after start-up",
            grown,
            1.1 * largest / min(found),
        ),
        Claim(
            f"silver and gold at x{largest}, wall time against bare read and write",
            last.models.wall_seconds / last.floor.wall_seconds,
            3,
        ),
        Claim(
            f"peak memory at x{largest} with `--memory-limit {setting.memory_limit}`",
            last.run.peak_mb / 1024,
            limit,
            " GiB",
        ),
    ]
    if MONTH_SIZE in found:
        data = made_up_files(setting.scratch, MONTH_SIZE)
        months = month_after(data, setting.folder / "months", setting.runs)
        whole, new = months.values()
        part.tables.append(Table(f"A month after 24 at x{MONTH_SIZE}", next(iter(months)), months))
        figure = new.wall_seconds / whole.wall_seconds
        part.claims.append(
            Claim(f"one month more after 24 at x{MONTH_SIZE}, wall time", figure, 0.5)
        )
    return part


def made_up_files(scratch: Path, size: float) -> Path:
    """Return a folder with the made-up files of so many real sets; files that exist are used."""
    data = scratch / f"x{size:g}"
    if not data.exists():
        write_files(round(REAL_SET * size), seed=7, out=data)
    return data


def _sizing(start: Size, found: dict[int, Size]) -> list[str]:
    """Return the cost of a start and of a million rows, fitted to each size."""
    return [
        f"x{size}: {start.run.cpu_seconds:.0f} CPU seconds to start and"
        f" {(one.run.cpu_seconds - start.run.cpu_seconds) / one.rows * 1e6:.1f} a million rows;"
        f" {one.gib / one.rows * 1e6:.3f} GiB of datamart a million rows."
        for size, one in found.items()
    ]


def _measure(setting: "Setting", size: float) -> Size:
    """Measure first runs over a set of files, and the parts of its work."""
    data = made_up_files(setting.scratch, size)
    mart, again, out = (setting.folder / name for name in ("datamart", "again", "floor"))
    commands = {
        "run": warehouse(data, mart, "--memory-limit", setting.memory_limit),
        "models": dbt_run(again, None),  # like the floor, with the memory that DuckDB takes itself
        "floor": module("benchmarks.floor", "bytes", mart / "current", out),
    }

    def prepare(name: str) -> None:
        for folder in {"run": [mart], "models": [again], "floor": [out]}[name]:
            shutil.rmtree(folder, ignore_errors=True)
        if name == "models":
            again.mkdir()
            (again / "bronze").symlink_to((mart / "current").resolve() / "bronze")

    costs = in_rounds(commands, setting.runs, prepare)
    run_dir = (mart / "current").resolve()
    rows = sum(
        f["rows"] for f in json.loads((run_dir / "manifest.json").read_text())["inputs"]["files"]
    )
    size_on_disk = sum(path.stat().st_size for path in run_dir.rglob("*") if path.is_file())
    return Size(rows, size_on_disk / 2**30, costs["run"], costs["models"], costs["floor"])
