"""`python main.py features`: features for applications of the caller's own, or of a day."""

import argparse
from datetime import date
from functools import partial

from rich.console import Console

from warehouse.base.errors import UserError
from warehouse.base.memory import SMALLEST_WITHOUT_SPARK
from warehouse.cli.arguments import day, memory, path

PURPOSE = "features for rows of your own, or of all customers on a day"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    rows = command.add_mutually_exclusive_group(required=True)
    rows.add_argument(
        "--spine",
        type=path,
        metavar="FILE",
        help="CSV or parquet file, or folder of parquet files, with customer_id and a date; other"
        " columns are kept, loan_amt and tenure are taken as the terms of the loan",
    )
    rows.add_argument(
        "--as-of",
        dest="scoring_date",
        type=day,
        metavar="DATE",
        help="write the features of every customer known on this day (YYYY-MM-DD)",
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
    command.add_argument(
        "--memory-limit",
        type=partial(memory, smallest=SMALLEST_WITHOUT_SPARK),
        metavar="SIZE",
        help="memory that the process may take, such as 4GB; what does not fit is spilled to disk"
        " (default: most of the machine)",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the features of a caller's spine, or of every customer known on a day."""
    from warehouse.features.scoring import write_features, write_scoring_set

    limit = options.memory_limit.duckdb if options.memory_limit else None
    if options.scoring_date:
        if options.customer or options.date:
            raise UserError("--customer and --date are columns of a spine: not with --as-of")
        scoring_date = date.fromisoformat(options.scoring_date)
        written = write_scoring_set(options.datamart_dir, scoring_date, options.out, limit)
        console.print(
            f"{options.out}: {written.rows:,} rows, one for each customer known on {scoring_date}",
            soft_wrap=True,
        )
        return 0
    written = write_features(
        options.datamart_dir, options.spine, options.out, options.customer, options.date, limit
    )
    console.print(
        f"{options.out}: {written.rows:,} rows, one for each of {options.spine};"
        f" {written.customers:,} customers, {written.unknown_customers:,} of them in no source",
        soft_wrap=True,
    )
    if written.is_mostly_unknown:
        console.print(
            "warning: no source knows most of these customers: is --customer the right column, and"
            " are its keys written as in the files?",
            style="yellow",
            soft_wrap=True,
        )
    return 0
