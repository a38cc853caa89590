"""Argument types and options that several commands share."""

import argparse
from datetime import UTC, date, datetime
from pathlib import Path

from warehouse.base.memory import SMALLEST, MemoryLimit, memory_limit
from warehouse.base.servers import LOCALHOST


def add_datamart_dir(parser: argparse.ArgumentParser, default: Path | str) -> None:
    """Add --datamart-dir. A command suppresses its default, so that `main.py --datamart-dir DIR
    COMMAND` works too."""
    parser.add_argument(
        "--datamart-dir",
        type=path,
        default=default,
        metavar="DIR",
        help="folder of the datamart, made when it is not there (default: datamart)",
    )


def path(text: str) -> Path:
    """Return a path; refuse an empty one (an unset shell variable), which would be this folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def day(text: str) -> str:
    """Return a date as YYYY-MM-DD."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date, expected YYYY-MM-DD") from error


def moment(text: str) -> str:
    """Return a moment as `YYYY-MM-DD HH:MM:SS` in UTC; a time without a zone is UTC already."""
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            found = found.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time, expected YYYY-MM-DDTHH:MM:SS"
        ) from error
    return found.isoformat(sep=" ")


def memory(text: str, smallest: int = SMALLEST) -> MemoryLimit:
    """Return an amount of memory such as 4GB; refuse one below `smallest` bytes."""
    try:
        return memory_limit(text, smallest)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def add_server_options(parser: argparse.ArgumentParser, port: int) -> None:
    """Add the options of a server that listens on a port."""
    parser.add_argument(
        "--host",
        default=LOCALHOST,
        metavar="ADDRESS",
        help=f"address to listen on (default: {LOCALHOST}, this machine alone)",
    )
    parser.add_argument("--port", type=int, default=port, help=f"port (default: {port})")
    parser.add_argument(
        "--check",
        action="store_true",
        help="exit with 0 when the server on this machine answers, else with 1",
    )
