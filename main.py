"""The loan-default warehouse: raw CSV files in, a point-in-time feature and label store out."""

import argparse
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from warehouse import pipeline, summary
from warehouse.errors import UserError
from warehouse.paths import DATA_DIR, DATAMART_DIR
from warehouse.progress import Progress

PLAIN_WIDTH = 120  # columns of a line where the output is not a terminal


def main(arguments: list[str]) -> int:
    """Run the pipeline; returns the exit code, 0 only when all was built, passed and published."""
    options = read_options(arguments)
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        with Progress(console) as progress:
            manifest, is_new = pipeline.run(options, progress)
        summary.show(console, manifest, options.datamart_dir, is_new)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the published datamart is as it was", file=sys.stderr)
        return 130
    return 0


def read_options(arguments: list[str]) -> pipeline.Options:
    """What the command line asks for; ends the process with code 2 where it makes no sense."""
    parser = argparse.ArgumentParser(
        description=__doc__ + " Lands the files of the data folder as bronze, builds and tests"
        " silver and gold, and publishes the result whole or not at all. Safe to run again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--data-dir", type=Path, default=DATA_DIR, help="folder of the CSV files (default: data)"
    )
    parser.add_argument(
        "--datamart-dir",
        type=Path,
        default=DATAMART_DIR,
        help="folder of the result, made when it is not there (default: datamart)",
    )
    parser.add_argument(
        "--as-of",
        type=_date,
        metavar="DATE",
        help="build as it would have been on this day (YYYY-MM-DD): no row dated or available"
        " later is used",
    )
    parser.add_argument(
        "--known-at",
        type=_moment,
        metavar="TIMESTAMP",
        help="build from what had been landed at this moment (UTC, YYYY-MM-DDTHH:MM:SS)",
    )
    parser.add_argument(
        "--spark-master",
        default="local[*]",
        metavar="URL",
        help="where Spark lands the files (default: local[*], this machine)",
    )
    parser.add_argument(
        "--rebuild", action="store_true", help="build anew even when no file or rule has changed"
    )
    return pipeline.Options(**vars(parser.parse_args(arguments)))


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, expected YYYY-MM-DD") from error


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time, expected YYYY-MM-DDTHH:MM:SS"
        ) from error
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return moment.isoformat(sep=" ")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
