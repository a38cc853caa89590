"""The summary at the end of a run."""

from collections import Counter
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SHORTEST_PART = 0.1  # seconds; what is shorter is shown as a sum
WARNINGS_SHOWN = 10
PLACES = {
    "bronze": "the raw files as landed",
    "silver": "cleaned tables and the quarantine",
    "gold": "feature store, label store, training set, ledger",
    "report.html": "is this month's data good?",
    "current/manifest.json": "what this run did",
}
SCOPES = {"as_of": "as of", "known_at": "as it was known at"}  # what a build may be limited to


def show(console: Console, manifest: dict[str, Any], datamart_dir: Path, is_new: bool) -> None:
    """Print what the published run holds, and where."""
    head = [""]
    if not is_new:
        head.append(f"Nothing to do: no file and no rule changed since run {manifest['run_id']}.")
    for name, scope in SCOPES.items():
        if manifest["inputs"].get(name):
            head.append(f"[bold]Built {scope} {manifest['inputs'][name]}.[/bold]")
    console.print("\n".join(head), highlight=False)
    console.print(_rows(manifest))
    console.print(_labels(manifest))
    passed, warnings = manifest["tests"]["passed"], manifest["tests"]["warnings"]
    lines = [f"{passed} tests passed, {len(warnings)} warnings, 0 failed."]
    lines += [f"  {warning}" for warning in warnings[:WARNINGS_SHOWN]]
    if len(warnings) > WARNINGS_SHOWN:
        more = len(warnings) - WARNINGS_SHOWN
        lines.append(f"  and {more} more, in {datamart_dir / 'report.html'}")
    if is_new:
        steps = [f"{name} {seconds:.1f} s" for name, seconds in manifest["seconds"].items()]
        lines.append(f"Time: {', '.join(steps)}.")
    lines.append(f"Run {manifest['run_id']} is published in:")
    lines += [f"  {datamart_dir / path}  ({content})" for path, content in PLACES.items()]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def show_profile(console: Console, manifest: dict[str, Any]) -> None:
    """Print the parts of each step, the longest first; parts of a step run at the same time."""
    table = _table("Where the time went", "step", "seconds")
    for step, seconds in manifest["seconds"].items():
        table.add_row(f"[bold]{step}[/bold]", f"[bold]{seconds:.1f}[/bold]")
        parts = sorted(manifest["parts"].get(step, {}).items(), key=lambda part: -part[1])
        shown = [part for part in parts if part[1] >= SHORTEST_PART]
        for name, part_seconds in shown:
            table.add_row(f"  {escape(name)}", f"{part_seconds:.2f}")
        if len(shown) < len(parts):
            rest = sum(part_seconds for _, part_seconds in parts[len(shown) :])
            table.add_row(f"  {len(parts) - len(shown)} others", f"{rest:.2f}")
    console.print(table)


def _rows(manifest: dict[str, Any]) -> Table:
    """One row per source: what became of its rows, over all loads."""
    counts: Counter[tuple[str, str]] = Counter()
    for entry in manifest["rows"]:
        counts[entry["source"], entry["fate"]] += entry["rows"]
    columns = {
        "landed": "rows landed",
        "used": "used",
        "superseded": "superseded",
        "duplicate": "duplicate",
        "quarantined": "quarantined",
        "outside_scope": "outside scope",
    }
    table = _table("Rows of all loads, each with one fate", "source", *columns.values())
    for source in sorted({source for source, _ in counts}):
        table.add_row(source, *(f"{counts[source, fate]:,}" for fate in columns))
    return table


def _labels(manifest: dict[str, Any]) -> Table:
    """One row per label definition."""
    table = _table(
        f"{manifest['loans']:,} loans",
        *("label", "labelled", "window open or never closing", "defaults", "default rate"),
    )
    for label in manifest["labels"]:
        closed, defaults = label["closed"], label["defaults"]
        table.add_row(
            label["definition"],
            f"{closed:,}",
            f"{label['loans'] - closed:,}",
            f"{defaults:,}",
            f"{defaults / closed:.1%}" if closed else "",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    """A table whose first column is text and whose others are figures."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table
