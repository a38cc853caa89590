"""`python main.py new-source`: a first contract and silver model for the file of a new source."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import Subparsers, path

PURPOSE = "write a first contract and silver model for a file of a new source"


def register(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    command = subparsers.add_parser(
        "new-source",
        help=PURPOSE,
        description=f"new-source: {PURPOSE}, from its header and values, for you to correct.",
        allow_abbrev=False,
    )
    command.add_argument("file", type=path, metavar="FILE", help="CSV file, plain or .gz")
    command.add_argument(
        "--name", metavar="NAME", help="name of the source (default: the file's, without numbers)"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the files of the source, and say what to look at."""
    from warehouse.landing.scaffold import new_source

    written = new_source(options.file, options.name)
    console.print(f"source {written.name}: wrote", markup=False, soft_wrap=True)
    for file in written.files:
        console.print(f"  {file}", markup=False, highlight=False, soft_wrap=True)
    console.print("check:", markup=False)
    for check in written.checks:
        console.print(f"  {check}", markup=False, highlight=False, soft_wrap=True)
    console.print(
        "then: python main.py; for features add a gold model, as docs/adding_a_source.md does",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 0
