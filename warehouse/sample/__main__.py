"""Write made-up raw files: python -m warehouse.sample --customers N --seed S --out DIR."""

import argparse
import sys
import time
from pathlib import Path

import duckdb

from warehouse.sample.files import write_deliveries, write_files
from warehouse.sample.sources import SOURCES


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the options of a call."""
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.sample",
        description="Write made-up raw files: " + ", ".join(source.file for source in SOURCES),
        epilog="The same seed gives the same files, byte for byte, on any number of threads; "
        "a customer is the same in a small set and in a large one of the same seed.",
    )
    add = parser.add_argument
    add(
        "--customers",
        type=int,
        default=1200,
        metavar="N",
        help="number of customers (default: %(default)s, about 4 MB; the real set has 12,500)",
    )
    add("--seed", type=int, default=7, metavar="S", help="default: %(default)s")
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    add(
        "--deliveries",
        choices=("one-file", "by-month"),
        default="one-file",
        help="one file a source (default), or a folder a source with one file a month, in which"
        " late rows and corrections come a month later",
    )
    add("--gzip", action="store_true", help="compress the monthly files")
    options = parser.parse_args(argv)
    if options.customers < 1 or options.seed < 0:
        parser.error("--customers must be 1 or more, and --seed 0 or more")
    if options.gzip and options.deliveries != "by-month":
        parser.error("--gzip goes with --deliveries by-month")
    return options


def main(argv: list[str] | None = None) -> int:
    """Write the files that the command line asks for; return the exit code."""
    options, began = parse(argv), time.monotonic()
    customers, seed, out = options.customers, options.seed, options.out
    try:
        if options.deliveries == "by-month":
            rows = write_deliveries(customers, seed, out, options.gzip)
        else:
            rows = write_files(customers, seed, out)
        size = sum((out / file).stat().st_size for file in rows)
    except (OSError, duckdb.IOException) as error:
        print(f"error: cannot write to {out}: {error}".split("\n")[0], file=sys.stderr)
        return 1
    print(
        f"{customers:,} customers, seed {seed}: {sum(rows.values()):,} rows in {len(rows)} files, "
        f"{size / 1e6:,.1f} MB in {out}, {time.monotonic() - began:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
