"""Inspecting and landing, compared with bare Spark reading and writing the same files."""

import shutil
from typing import TYPE_CHECKING

from benchmarks.growth import made_up_files
from benchmarks.measure import in_rounds, module
from benchmarks.results import Claim, Part, Table

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

BASE = "bare Spark reads and writes the files"
SIZE = 10


def run(setting: "Setting") -> Part:
    """Measure the landing of ten real sets."""
    data, out = made_up_files(setting.scratch, SIZE), setting.folder / "out"
    commands = {
        BASE: module("benchmarks.floor", "spark", data, out),
        "inspection and landing": module("benchmarks.floor", "landing", data, out),
    }
    costs = in_rounds(commands, setting.runs, lambda name: shutil.rmtree(out, ignore_errors=True))
    ratio = costs["inspection and landing"].wall_seconds / costs[BASE].wall_seconds
    return Part(
        name="landing",
        question="What does the landing add to reading and writing?",
        runs=setting.runs,
        tables=[Table(f"Made-up files of {SIZE} real sets", BASE, costs)],
        claims=[Claim(f"landing {SIZE} real sets, wall time against bare Spark", ratio, 2)],
    )
