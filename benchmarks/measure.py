"""Measures a command: wall time, CPU seconds and peak memory of its whole process tree."""

import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass

import psutil

SECONDS_BETWEEN_LOOKS = 0.1
LOOKS_BETWEEN_WEIGHINGS = 4  # reading the memory of a large process takes a while


@dataclass(frozen=True)
class Cost:
    """What one run of a command took."""

    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


def measure(command: list[str]) -> Cost:
    """Run a command to its end; its cost. Ends this process when the command fails.

    Memory is the proportional set size (shared pages are counted once) of the tree, the largest
    sum seen. CPU time is that of all processes that were waited for, or, where it is more, the
    sum of what each had used when last seen.
    """
    started, cpu_before = time.monotonic(), _cpu_of_ended()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    root = psutil.Process(process.pid)
    cpu: dict[tuple[int, float], float] = {}
    peak, looks = 0.0, 0
    while process.poll() is None:
        memory, looks = 0.0, looks + 1
        for member in _tree(root):
            try:
                times = member.cpu_times()
                cpu[member.pid, member.create_time()] = times.user + times.system
                if looks % LOOKS_BETWEEN_WEIGHINGS == 0:
                    memory += member.memory_full_info().pss
            except psutil.Error:
                continue
        peak = max(peak, memory)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    wall = time.monotonic() - started
    output = process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    cpu_seconds = max(sum(cpu.values()), _cpu_of_ended() - cpu_before)
    return Cost(wall, cpu_seconds, peak / 2**20)


def _cpu_of_ended() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def median(costs: list[Cost]) -> Cost:
    """The medians of several runs."""
    return Cost(
        statistics.median(cost.wall_seconds for cost in costs),
        statistics.median(cost.cpu_seconds for cost in costs),
        statistics.median(cost.peak_mb for cost in costs),
    )
