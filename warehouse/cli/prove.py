"""`python main.py prove`: rebuild gold without the future and compare."""

import argparse

from rich.console import Console

PURPOSE = "rebuild gold without the future and compare"
STOPPED = 130  # the exit code of a command that was asked to end


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument(
        "--months",
        nargs="+",
        metavar="YYYY-MM",
        help="months to cut at (default: every month of the data)",
    )
    command.add_argument(
        "--fail-fast", action="store_true", help="stop at the first month that differs"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Rebuild gold without the future and compare; exit code 1 on any difference."""
    from warehouse.base.layout import Datamart
    from warehouse.proof.console import show
    from warehouse.proof.prove import Event, ProofStopped, prove
    from warehouse.reporting.report import renew_report

    with console.status("proving") as status:

        def on_progress(event: Event) -> None:
            status.update(event.text)
            if event.differences or not console.is_terminal:
                console.print(event.text, highlight=False, soft_wrap=True)

        try:
            proof = prove(
                options.datamart_dir,
                months=options.months,
                on_progress=on_progress,
                fail_fast=options.fail_fast,
            )
        except ProofStopped as stopped:
            status.stop()
            show(stopped.result, console)
            return STOPPED
    show(proof, console)
    renew_report(Datamart(options.datamart_dir.absolute()))
    return 0 if proof["outcome"] == "passed" else 1
