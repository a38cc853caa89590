"""All benchmarks, or some: python -m benchmarks [PART ...] --data-dir DIR.

Each part is written to benchmarks/results/ as it ends, and the page and the picture there are made
anew from all parts that have been measured.
"""

import argparse
import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import growth, joins, pipeline, results, windows
from benchmarks.measure import measure, warehouse
from benchmarks.picture import picture
from warehouse.base.paths import DATA_DIR
from warehouse.features.scoring import published_run

PARTS = ("pipeline", "joins", "windows", "growth")


def main() -> None:
    """Measure what was asked for, part by part."""
    options = _read_options()
    with _scratch(options.scratch) as scratch:
        for name in options.parts:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                part = _measure(name, options, scratch, Path(folder))
            results.keep(part)
            _show(part)
    found = results.read()
    (results.RESULTS_DIR / "README.md").write_text(results.markdown(found))
    svg = picture([part for part, _, _ in found])
    (results.RESULTS_DIR / "benchmarks.svg").write_text(svg + "\n")


def _measure(name: str, options: argparse.Namespace, scratch: Path, folder: Path) -> results.Part:
    if name == "growth":
        return growth.run(scratch, options.runs, sorted(options.sizes), options.memory_limit)
    data_dir = options.data_dir.absolute()
    if name == "pipeline":
        return pipeline.run(data_dir, folder, options.runs)
    mart = folder / "datamart"
    measure(warehouse(data_dir, mart))
    part = {"joins": joins, "windows": windows}[name]
    return part.run(published_run(mart), folder, options.runs, max(options.sizes))


def _show(part: results.Part) -> None:
    lines = [f"\n{part.question}"]
    for table in part.tables:
        lines += ["", table.title, *results.table_lines(table)]
    lines += ["", *(results.claim_line(claim) for claim in part.claims), *part.notes]
    print("\n".join(lines), flush=True)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=(*PARTS, []), metavar="PART", help=f"of {', '.join(PARTS)}"
    )
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, help="folder of the CSV files")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the median is taken")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[1, 10, 100],
        help="sizes to grow to, in real sets; 100 takes 20 minutes a run and 40 GB of disk",
    )
    parser.add_argument(
        "--memory-limit", default="2GiB", help="of the runs that grow (default: %(default)s)"
    )
    parser.add_argument(
        "--scratch", type=Path, help="folder to work in; the made-up files in it are used again"
    )
    options = parser.parse_args()
    options.parts = options.parts or list(PARTS)
    return options


@contextlib.contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """The folder asked for, or one that is removed in the end."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


if __name__ == "__main__":
    main()
