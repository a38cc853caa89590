"""`python main.py serve`: features of a day over HTTP, by Feast."""

import argparse
import importlib.util
from datetime import UTC, date, datetime

from rich.console import Console

from warehouse.base.errors import UserError
from warehouse.base.servers import LOCALHOST
from warehouse.cli.arguments import day

PURPOSE = "features of a day over HTTP, by Feast"
FEAST_PORT = 6566


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "--day",
        type=day,
        metavar="DATE",
        help="serve the features known on this day, YYYY-MM-DD (default: today, UTC)",
    )
    command.add_argument(
        "--online",
        default="sqlite",
        metavar="STORE",
        help="where the values are held: sqlite (default), or redis://host:port/db, which takes"
        " that database and the next",
    )
    command.add_argument("--host", default=LOCALHOST, help=f"address to listen on ({LOCALHOST})")
    command.add_argument(
        "--port", type=int, default=FEAST_PORT, help=f"port to listen on (default: {FEAST_PORT})"
    )
    command.add_argument(
        "--workers", type=int, default=1, help="processes of the server (default: 1)"
    )
    only = command.add_mutually_exclusive_group()
    only.add_argument(
        "--no-server",
        action="store_true",
        help="materialise only; a server that runs already goes over to the new values",
    )
    only.add_argument(
        "--status",
        action="store_true",
        help="show what is served and how old it is; change nothing",
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Write the Feast repository, materialise the scoring set of a day, start Feast's server."""
    if importlib.util.find_spec("feast") is None:
        raise UserError(
            "Feast is not installed here; install it with"
            " pip install -r requirements/serve.lock, or run make serve"
        )
    from warehouse.serving.history import serving_dir
    from warehouse.serving.server import serve
    from warehouse.serving.status import show
    from warehouse.serving.stores import online_store

    folder = serving_dir(options.datamart_dir)
    store = online_store(options.online, folder)
    if not options.status:
        from warehouse.serving.materialise import materialise  # Feast takes three seconds

        when = date.fromisoformat(options.day) if options.day else datetime.now(UTC).date()
        materialise(options.datamart_dir, when, store, console.print)
    served = store.served()
    if served is None:
        raise UserError(f"nothing is served from {folder} yet: run python main.py serve")
    show(console, served, folder)
    if options.status or options.no_server:
        return 0
    return serve(folder, options.host, options.port, options.workers, console.print)
