"""Shows a proof to a person: its steps while it works, and what it found."""

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.proof.prove import PROOF_FILE


def show(proof: dict[str, Any], console: Console) -> None:
    """Print what a proof found: the columns that know the future, or that there are none."""
    months = proof["months"]
    span = f" ({months[0]} to {months[-1]})" if months else ""
    console.print(
        f"{proof['builds']} builds over {len(months)} months{span},"
        f" {proof['columns']:,} columns, {proof['rows_compared']:,} rows compared"
        f" in {proof['seconds']:.0f} s",
        highlight=False,
    )
    if proof["differences"]:
        console.print(_differences(proof["differences"]))
    count = len({(d["table"], d["column"]) for d in proof["differences"]})
    if proof["outcome"] == "stopped":
        console.print(
            f"Stopped: {count} columns differ so far; nothing was written.", highlight=False
        )
    elif count == 0:
        console.print("Passed: no value of a loan changes when its future does.")
    else:
        console.print(
            f"Failed: {count} columns are not the same without the future"
            f" or in another order; all of it is in {PROOF_FILE}.",
            highlight=False,
        )


def _differences(differences: list[dict[str, Any]]) -> Table:
    """Return one line a column and kind of build."""
    table = Table("column", "table", "build", box=box.SIMPLE_HEAD)
    for heading in ("months", "most rows", "such as loan"):
        table.add_column(heading)
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for difference in differences:
        key = (difference["column"], difference["table"], difference["variant"])
        groups.setdefault(key, []).append(difference)
    for key, found in groups.items():
        months = sorted({difference["month"] for difference in found})
        span = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]} ({len(months)})"
        worst = max(found, key=lambda difference: difference["rows"])
        table.add_row(*key, span, f"{worst['rows']:,}", Text(worst["example_loan_id"]))
    return table
