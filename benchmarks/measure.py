"""Measures a command: wall time, CPU seconds and peak memory of its whole process tree."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import psutil

from warehouse.paths import PROJECT_DIR

SECONDS_BETWEEN_LOOKS = 0.05
FIRST_LOOKS = 20  # a short command is weighed at each, a longer one at some:
LOOKS_BETWEEN_WEIGHINGS = 8  # reading the memory of a large process takes a while


@dataclass(frozen=True)
class Cost:
    """What one run of a command took."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: Sequence[str | Path]) -> Cost:
    """Run a command to its end; its cost. Ends this process when the command fails.

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
        peak, looks = 0.0, 0
        while process.poll() is None:
            memory, looks = 0.0, looks + 1
            is_weighing = looks <= FIRST_LOOKS or looks % LOOKS_BETWEEN_WEIGHINGS == 0
            for member in _tree(root):
                try:
                    times = member.cpu_times()
                    cpu[member.pid, member.create_time()] = times.user + times.system
                    if is_weighing:
                        memory += member.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, memory)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        wall = time.monotonic() - started
        if process.returncode:
            output.seek(0)
            sys.exit(f"{' '.join(map(str, command))} failed:\n{output.read()}")
    return Cost(
        wall_seconds=wall,
        cpu_seconds=max(sum(cpu.values()), _cpu_of_ended() - cpu_before),
        peak_mb=peak / 2**20,
    )


def _cpu_of_ended() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def median(costs: Sequence[Cost]) -> Cost:
    """The medians of several runs."""
    return Cost(
        **{
            field.name: statistics.median(getattr(cost, field.name) for cost in costs)
            for field in fields(Cost)
        }
    )


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """The command of a module of this project."""
    return [sys.executable, "-m", name, *arguments]


def warehouse(data_dir: Path, datamart_dir: Path, *arguments: str) -> list[str | Path]:
    """The command of a run of main.py."""
    main = [sys.executable, PROJECT_DIR / "main.py"]
    return [*main, "--data-dir", data_dir, "--datamart-dir", datamart_dir, *arguments]
