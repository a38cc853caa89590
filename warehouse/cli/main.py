"""The loan-default warehouse: raw CSV files in, a point-in-time feature and label store out."""

import argparse
import os
import signal
import sys

from rich.console import Console

from warehouse.base.errors import UserError, first_line
from warehouse.cli import docs, explain, features, lab, new_source, pipeline, prove, serve
from warehouse.cli.arguments import add_datamart_dir

# modules, in the order of --help
COMMANDS = (features, explain, prove, new_source, docs, lab, serve)
PLAIN_WIDTH = 120  # columns of a line where the output is not a terminal


class PatientConsole(Console):
    """A console whose reader may go away (`python main.py | head`): the work goes on in silence."""

    def on_broken_pipe(self) -> None:
        """Print nothing more."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line (by default of this process); returns the exit code, 0 for success."""
    options = read_options(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # treat SIGTERM like Ctrl-C
    console = PatientConsole(width=None if sys.stdout.isatty() else PLAIN_WIDTH)
    try:
        return int(options.run(options, console))
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
    """Return the exceptions of unreadable, unwritable or corrupt files that no check caught."""
    import duckdb

    return OSError, duckdb.Error


def read_options(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the arguments; ends the process with code 2 and one line where they make no sense."""
    parser = argparse.ArgumentParser(
        prog="main.py",
        description=f"{__doc__} Without a command: {pipeline.PURPOSE}.",
        allow_abbrev=False,
    )
    pipeline.add_options(parser)
    parser.set_defaults(run=pipeline.run)
    subparsers = parser.add_subparsers(title="commands", metavar="[COMMAND]")
    for module in COMMANDS:
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        command = subparsers.add_parser(
            name, help=module.PURPOSE, description=f"{name}: {module.PURPOSE}.", allow_abbrev=False
        )
        if module is not new_source:  # it needs no datamart
            add_datamart_dir(command, default=argparse.SUPPRESS)
        module.add_options(command)
        command.set_defaults(run=module.run)
    return parser.parse_args(arguments)
