"""`python main.py`: land, build, test and publish."""

import argparse

from rich.console import Console

from warehouse.base.paths import DATA_DIR, DATAMART_DIR
from warehouse.cli import arguments

PURPOSE = (
    "land the files of the data folder, build and test silver and gold, publish the result whole"
    " or not at all; safe to run again"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run to the main parser."""
    parser.add_argument(
        "--data-dir",
        type=arguments.path,
        default=DATA_DIR,
        help="folder of the CSV files (default: data)",
    )
    arguments.add_datamart_dir(parser, default=DATAMART_DIR)
    parser.add_argument(
        "--as-of",
        type=arguments.day,
        metavar="DATE",
        help="build as it would have been on this day (YYYY-MM-DD): no row dated or available"
        " later is used",
    )
    parser.add_argument(
        "--known-at",
        type=arguments.moment,
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
        "--rebuild", action="store_true", help="build all tables even when nothing has changed"
    )
    parser.add_argument(
        "--memory-limit",
        type=arguments.memory,
        metavar="SIZE",
        help="memory that the run's processes may take together, such as 4GB; what does not fit"
        " is spilled to disk (default: a heap of 1g for Spark, most of the machine for DuckDB)",
    )
    parser.add_argument(
        "--profile", action="store_true", help="show where the time went, part by part"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Bring the datamart up to date and show the summary of the published run."""
    from warehouse.pipeline import summary
    from warehouse.pipeline.progress import Progress
    from warehouse.pipeline.run import Options
    from warehouse.pipeline.run import run as run_pipeline

    wanted = Options(
        data_dir=options.data_dir,
        datamart_dir=options.datamart_dir,
        as_of=options.as_of,
        known_at=options.known_at,
        spark_master=options.spark_master,
        rebuild=options.rebuild,
        memory=options.memory_limit,
    )
    manifest, is_new = run_pipeline(wanted, Progress(console))
    summary.show(console, manifest, options.datamart_dir, is_new)
    if options.profile and is_new:
        summary.show_profile(console, manifest)
    return 0
