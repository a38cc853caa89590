"""`python main.py lab`: JupyterLab over the project."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import add_server_options

PURPOSE = "JupyterLab over the project and the datamart"
PORT = 8888


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_server_options(command, PORT)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run JupyterLab until it is stopped."""
    from warehouse.base.servers import LOCALHOST, answers
    from warehouse.notebook.lab import serve_lab

    if options.check:
        return 0 if answers(f"http://{LOCALHOST}:{options.port}/api") else 1
    return serve_lab(options.host, options.port, options.datamart_dir)
