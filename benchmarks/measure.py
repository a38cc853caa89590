"""Measure commands: wall time, CPU seconds and peak memory of the whole process tree."""

import contextlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from warehouse.base.paths import PROJECT_DIR
from warehouse.transform.dbt_options import run_options, run_variables

# A look at the processes takes milliseconds of a core that the command could use: the longer the
# command has run, the longer is the wait for the next look.
LEAST_WAIT, MOST_WAIT, WAIT_SHARE = 0.05, 0.5, 0.1


@dataclass(frozen=True)
class Cost:
    """The cost of one run of a command."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: Sequence[str | Path]) -> Cost:
    """Run a command and return its cost; exit when the command fails.

    Memory is the proportional set size (shared pages are counted once) of the tree, the largest
    sum seen. CPU time is that of all processes that were waited for, or, where it is more, the
    sum of what each had used when last seen.
    """
    with tempfile.TemporaryFile("w+") as output:
        started, cpu_before = time.monotonic(), _cpu_of_ended()
        process = subprocess.Popen(
            [str(word) for word in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_DIR,
        )
        root = psutil.Process(process.pid)
        cpu: dict[tuple[int, float], float] = {}
        peak = 0.0
        while process.poll() is None:
            memory = 0.0
            for member in _tree(root):
                try:
                    times = member.cpu_times()
                    cpu[member.pid, member.create_time()] = times.user + times.system
                    memory += member.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, memory)
            wait = WAIT_SHARE * (time.monotonic() - started)
            _wait_for(process, min(max(wait, LEAST_WAIT), MOST_WAIT))
        wall = time.monotonic() - started
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{output.read()}")
    return Cost(
        wall_seconds=wall,
        cpu_seconds=max(sum(cpu.values()), _cpu_of_ended() - cpu_before),
        peak_mb=peak / 2**20,
    )


def _wait_for(process: subprocess.Popen, seconds: float) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


def _cpu_of_ended() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of several runs."""
    return Cost(
        **{
            field.name: statistics.median(getattr(cost, field.name) for cost in costs)
            for field in fields(Cost)
        }
    )


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command of a module of this project."""
    return [sys.executable, "-m", name, *arguments]


def warehouse(data_dir: Path, datamart_dir: Path, *arguments: str) -> list[str | Path]:
    """Return the command of a run of main.py."""
    main = [sys.executable, PROJECT_DIR / "main.py"]
    return [*main, "--data-dir", data_dir, "--datamart-dir", datamart_dir, *arguments]


def dbt_run(run_dir: Path, memory_limit: str | None, *arguments: str) -> list[str | Path]:
    """Return the command of `dbt run` in a run's folder, with or without a limit for DuckDB."""
    target = run_dir.with_name(f"{run_dir.name}_dbt")
    dbt = [Path(sys.executable).parent / "dbt", "--quiet", "--log-level-file", "none"]
    options = run_options(run_dir, target, run_variables(), memory_limit)
    return [*dbt, "run", "--full-refresh", *options, *arguments]


def in_rounds(
    commands: Mapping[str, Sequence[str | Path]],
    runs: int,
    prepare: Callable[[str], None] = lambda name: None,
) -> dict[str, Cost]:
    """Measure commands in turns, so often; return the median cost of each.

    `prepare` is called with a command's name before each of its runs, and is not measured.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            print(f"round {number + 1} of {runs}: {name} ...", flush=True)
            prepare(name)
            costs[name].append(measure(command))
    return {name: median(several) for name, several in costs.items()}
