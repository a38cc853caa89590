"""`python main.py explain`: where each value of a loan came from."""

import argparse

from rich.console import Console

PURPOSE = "where each value of a loan came from"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument("loan_id", metavar="LOAN_ID", help="loan to explain")


def run(options: argparse.Namespace, console: Console) -> int:
    """Show where each value of a loan came from."""
    from warehouse.features.explain import explain

    explain(options.datamart_dir, options.loan_id, console)
    return 0
