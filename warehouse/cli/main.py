"""The loan-default warehouse: raw CSV files in, a point-in-time feature and label store out."""

import argparse
import atexit
import contextlib
import gc
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from warehouse.base.errors import UserError, first_line
from warehouse.base.memory import MemoryLimit, memory_limit
from warehouse.base.paths import DATA_DIR, DATAMART_DIR

PLAIN_WIDTH = 120  # columns of a line where the output is not a terminal


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit code, 0 only when all of it was done."""
    options = read_options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be asked to end is Ctrl-C too
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        return options.command(options, console)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except file_errors() as error:
        print(f"error: {first_line(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the published datamart is as it was", file=sys.stderr)
        return 130


def file_errors() -> tuple[type[Exception], ...]:
    """What a file that cannot be read or written, or is damaged, ends in unforeseen."""
    import duckdb

    return OSError, duckdb.Error


def run(options: argparse.Namespace, console: Console) -> int:
    """Land, build, test and publish."""
    from warehouse.pipeline import steps as pipeline
    from warehouse.pipeline.progress import Progress

    wanted = pipeline.Options(
        data_dir=options.data_dir,
        datamart_dir=options.datamart_dir,
        as_of=options.as_of,
        known_at=options.known_at,
        spark_master=options.spark_master,
        rebuild=options.rebuild,
        memory=options.memory_limit,
    )
    with Progress(console) as progress:
        manifest, is_new = pipeline.run(wanted, progress)
    from warehouse.pipeline import summary  # late: Java starts first

    summary.show(console, manifest, options.datamart_dir, is_new)
    if options.profile and is_new:
        summary.show_profile(console, manifest)
    return 0


def features(options: argparse.Namespace, console: Console) -> int:
    """Write the features of a caller's own spine."""
    from warehouse.features.scoring import write_features

    rows = write_features(
        options.datamart_dir, options.spine, options.out, options.customer, options.date
    )
    console.print(f"{options.out}: {rows:,} rows, one for each of {options.spine}")
    return 0


def explain(options: argparse.Namespace, console: Console) -> int:
    """Show where each value of a loan came from."""
    from warehouse.features.explain import explain as show

    show(options.datamart_dir, options.loan_id, console)
    return 0


def prove(options: argparse.Namespace, console: Console) -> int:
    """Rebuild gold without the future and compare; exit code 1 on any difference."""
    from warehouse.datamart.runs import Datamart
    from warehouse.proof.prove import prove as run_proof
    from warehouse.proof.prove import show
    from warehouse.reporting.report import renew_report

    with console.status("proving") as status:
        say = status.update if console.is_terminal else console.print
        proof = run_proof(options.datamart_dir, months=options.months, on_progress=say)
        renew_report(Datamart(options.datamart_dir.absolute()))
    show(proof, console)
    return 0 if proof["outcome"] == "passed" else 1


def read_options(arguments: list[str]) -> argparse.Namespace:
    """What the command line asks for; ends the process with code 2 where it makes no sense."""
    parser = argparse.ArgumentParser(
        description=f"{__doc__} Without a command: land the files of the data folder, build and"
        " test silver and gold, publish the result whole or not at all. Safe to run again.",
        allow_abbrev=False,
    )
    parser.set_defaults(command=run)
    parser.add_argument(
        "--data-dir", type=_path, default=DATA_DIR, help="folder of the CSV files (default: data)"
    )
    _add_datamart_dir(parser, default=DATAMART_DIR)
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
    parser.add_argument(
        "--memory-limit",
        type=_memory,
        metavar="SIZE",
        help="memory that the run's processes may take together, such as 4GB; what does not fit"
        " is spilled to disk (default: a heap of 512m for Spark, most of the machine for DuckDB)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="show where the time went, part by part"
    )
    commands = parser.add_subparsers(title="commands", metavar="[COMMAND]")

    command = _add_command(commands, "features", features, "features for rows of your own")
    command.add_argument(
        "--spine",
        type=_path,
        required=True,
        metavar="FILE",
        help="CSV or parquet file with customer_id and a date; other columns are kept",
    )
    command.add_argument(
        "--out", type=_path, required=True, metavar="FILE", help="file to write: .parquet or .csv"
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

    command = _add_command(commands, "explain", explain, "where each value of a loan came from")
    command.add_argument("loan_id", metavar="LOAN_ID", help="loan to explain")

    command = _add_command(commands, "prove", prove, "rebuild gold without the future and compare")
    command.add_argument(
        "--months",
        nargs="+",
        metavar="YYYY-MM",
        help="months to cut at (default: every month of the data)",
    )
    return parser.parse_args(arguments)


def _add_command(
    commands: argparse._SubParsersAction,
    name: str,
    call: Callable[[argparse.Namespace, Console], int],
    purpose: str,
) -> argparse.ArgumentParser:
    """A command of its own, which works on a published datamart."""
    command = commands.add_parser(
        name, help=purpose, description=f"{name}: {purpose}.", allow_abbrev=False
    )
    command.set_defaults(command=call)
    _add_datamart_dir(command, default=argparse.SUPPRESS)
    return command


def _add_datamart_dir(parser: argparse.ArgumentParser, default: Path | str) -> None:
    parser.add_argument(
        "--datamart-dir",
        type=_path,
        default=default,
        metavar="DIR",
        help="folder of the datamart, made when it is not there (default: datamart)",
    )


def _path(text: str) -> Path:
    if not text.strip():  # a variable of the shell that is not set: never the folder one is in
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, expected YYYY-MM-DD") from error


def _memory(text: str) -> MemoryLimit:
    try:
        return memory_limit(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _moment(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time, expected YYYY-MM-DDTHH:MM:SS"
        ) from error
    return moment.isoformat(sep=" ")


def end(exit_code: int) -> NoReturn:
    """End the process as Python does, but for taking apart all that dbt made, which takes long."""
    atexit._run_exitfuncs()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(exit_code)


def run_and_exit() -> NoReturn:
    """Run the command line of this process and end it with the exit code."""
    gc.disable()  # dbt keeps what it makes: looking for garbage takes seconds and finds little
    end(main(sys.argv[1:]))
