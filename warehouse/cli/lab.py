"""`python main.py lab`: JupyterLab over the project."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import Subparsers, add_command, add_server_options

PORT = 8888


def register(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    command = add_command(subparsers, "lab", "JupyterLab over the project and the datamart")
    add_server_options(command, PORT)
    command.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run JupyterLab until it is stopped."""
    from warehouse.notebook.lab import serve_lab
    from warehouse.notebook.servers import LOCALHOST, answers

    if options.check:
        return 0 if answers(f"http://{LOCALHOST}:{options.port}/api") else 1
    return serve_lab(options.host, options.port, options.datamart_dir)
