"""`python main.py prove`: rebuild gold without the future and compare."""

import argparse

from rich.console import Console

from warehouse.cli.arguments import Subparsers, add_command


def register(subparsers: Subparsers) -> None:
    """Add the command and its options."""
    command = add_command(subparsers, "prove", "rebuild gold without the future and compare")
    command.add_argument(
        "--months",
        nargs="+",
        metavar="YYYY-MM",
        help="months to cut at (default: every month of the data)",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> int:
    """Rebuild gold without the future and compare; exit code 1 on any difference."""
    from warehouse.datamart.runs import Datamart
    from warehouse.proof.prove import prove, show
    from warehouse.reporting.report import renew_report

    with console.status("proving") as status:
        progress = status.update if console.is_terminal else console.print
        proof = prove(options.datamart_dir, months=options.months, on_progress=progress)
        renew_report(Datamart(options.datamart_dir.absolute()))
    show(proof, console)
    return 0 if proof["outcome"] == "passed" else 1
