"""`python main.py new-source`: a first contract and silver model for the file of a new source."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import path

PURPOSE = (
    "write a first contract and silver model for a file of a new source, from its header and values"
)


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument("file", type=path, metavar="FILE", help="CSV file, plain or .gz")
    command.add_argument(
        "--name", metavar="NAME", help="name of the source (default: the file's, without numbers)"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the files of the source, and say what to look at."""
    from warehouse.landing.scaffold import new_source

    written = new_source(options.file, options.name)
    lines = [
        f"source {written.name}: wrote",
        *(f"  {file}" for file in written.files),
        "check:",
        *(f"  {check}" for check in written.checks),
        "then: python main.py; for features add a gold model, as docs/adding_a_source.md does",
    ]
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    return 0
