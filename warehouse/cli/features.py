"""`python main.py features`: features for rows of the caller's own."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import Subparsers, add_command, path


def register(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    command = add_command(subparsers, "features", "features for rows of your own")
    command.add_argument(
        "--spine",
        type=path,
        required=True,
        metavar="FILE",
        help="CSV or parquet file with customer_id and a date; other columns are kept",
    )
    command.add_argument(
        "--out", type=path, required=True, metavar="FILE", help="file to write: .parquet or .csv"
    )
    command.add_argument(
        "--customer", metavar="COLUMN", help="column of the customer (default: customer_id)"
    )
    command.add_argument(
        "--date",
        metavar="COLUMN",
        help="column of the date at which features must be known (default: application_date, or"
        " the only column of dates)",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the features of a caller's own spine."""
    from warehouse.features.scoring import write_features

    rows = write_features(
        options.datamart_dir, options.spine, options.out, options.customer, options.date
    )
    console.print(f"{options.out}: {rows:,} rows, one for each of {options.spine}")
    return 0
