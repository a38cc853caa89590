"""`python main.py explain`: where each value of a loan came from."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import Subparsers, add_command


def register(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    command = add_command(subparsers, "explain", "where each value of a loan came from")
    command.add_argument("loan_id", metavar="LOAN_ID", help="loan to explain")
    command.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Show where each value of a loan came from."""
    from warehouse.features.explain import explain

    explain(options.datamart_dir, options.loan_id, console)
    return 0
