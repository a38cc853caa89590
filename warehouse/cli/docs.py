"""`python main.py docs`: the dbt docs of the published datamart."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import add_server_options, path

PURPOSE = "dbt docs of the published datamart, kept up to date"
PORT = 8081


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_server_options(command, PORT)
    command.add_argument("--open", action="store_true", help="open them in the browser")
    command.add_argument(
        "--to", type=path, metavar="FILE", help="write them into a file instead of serving them"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Serve the docs until stopped, or write them into a file."""
    from warehouse.base.servers import LOCALHOST, answers
    from warehouse.notebook.docs import serve_docs, write_docs

    if options.check:
        return 0 if answers(f"http://{LOCALHOST}:{options.port}/") else 1
    if options.to:
        write_docs(options.datamart_dir, options.to)
        console.print(f"wrote {options.to}", highlight=False, soft_wrap=True)
        return 0
    try:
        serve_docs(options.datamart_dir, options.host, options.port, options.open)
    except KeyboardInterrupt:
        return 0
    return 0
