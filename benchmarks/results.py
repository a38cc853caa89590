"""Results of the benchmarks: kept as JSON, shown as Markdown."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.measure import Cost

RESULTS_DIR = Path(__file__).parent / "results"
PACKAGES = ("duckdb", "pyspark", "dbt-core")


@dataclass(frozen=True)
class Table:
    """Costs measured in the same rounds; `base` is the one that ratios are taken to."""

    title: str
    base: str
    costs: dict[str, Cost]


@dataclass(frozen=True)
class Claim:
    """A figure that has to stay within a limit."""

    statement: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps to its limit."""
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass
class Part:
    """One part of the benchmarks."""

    name: str
    question: str
    runs: int
    tables: list[Table] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def keep(part: Part, folder: Path = RESULTS_DIR) -> None:
    """Write the results of a part, with the machine they were measured on."""
    content = asdict(part) | {
        "machine": _machine(),
        "measured_at": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{part.name}.json").write_text(json.dumps(content, indent=1) + "\n")


def _machine() -> str:
    """Return cores, memory, processor and versions, which figures depend on."""
    memory = psutil.virtual_memory().total / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{cores} cores of {_processor()}, {memory:.0f} GiB of memory;"
        f" Python {platform.python_version()}, {versions}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def read(folder: Path = RESULTS_DIR) -> list[tuple[Part, str, str]]:
    """Return the parts that have results, each with its machine and day."""
    found = []
    for path in sorted(folder.glob("*.json")):
        content = json.loads(path.read_text())
        content.pop("series", None)
        machine, day = content.pop("machine"), content.pop("measured_at")
        tables = [
            Table(
                table["title"],
                table["base"],
                {name: Cost(**cost) for name, cost in table["costs"].items()},
            )
            for table in content.pop("tables")
        ]
        claims = [Claim(**claim) for claim in content.pop("claims")]
        found.append((Part(tables=tables, claims=claims, **content), machine, day))
    return found


def part_lines(part: Part) -> list[str]:
    """Return a part as Markdown: notes and tables."""
    lines = [f"## {part.question}", "", f"Medians of {part.runs} runs.", ""]
    lines += [f"- {note}" for note in part.notes]
    for table in part.tables:
        lines += ["", f"{table.title}; ratios to *{table.base}*.", "", *table_lines(table)]
    return lines


def markdown(found: Sequence[tuple[Part, str, str]]) -> str:
    """Return all parts as one page: claims with limit and figure, then every cost."""
    lines = [
        "# Benchmarks",
        "",
        "Made by `make bench`; ratios are of costs of the same rounds.",
        "",
    ]
    lines += ["| | measured | limit | |", "| --- | --: | --: | --- |"]
    for part, _, _ in found:
        lines += [claim_line(claim) for claim in part.claims]
    for part, machine, day in found:
        lines += ["", *part_lines(part), "", f"Measured on {day}, {machine}."]
    return "\n".join(lines) + "\n"


def claim_line(claim: Claim) -> str:
    """Return a claim as a row of a table."""
    bound = f"{'at least' if claim.at_least else 'at most'} {claim.limit:g}{claim.unit}"
    verdict = "holds" if claim.holds else "**does not hold**"
    return f"| {claim.statement} | {claim.figure:.2f}{claim.unit} | {bound} | {verdict} |"


def table_lines(table: Table) -> list[str]:
    """Return costs as a table, each with its ratios to the base."""
    base = table.costs[table.base]
    lines = ["| | CPU s | wall s | peak MB | CPU | wall |", "| --- | --: | --: | --: | --: | --: |"]
    for name, cost in table.costs.items():
        lines.append(
            f"| {name} | {cost.cpu_seconds:.2f} | {cost.wall_seconds:.2f} | {cost.peak_mb:,.0f}"
            f" | {cost.cpu_seconds / base.cpu_seconds:.2f}"
            f" | {cost.wall_seconds / base.wall_seconds:.2f} |"
        )
    return lines
