"""All benchmarks, or some: python -m benchmarks [PART ...] --data-dir DIR.

Each part is written to benchmarks/results/ when it ends, and the page there is made from all parts
that have been measured.
"""

import argparse
import contextlib
import importlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import results
from benchmarks.measure import measure, warehouse
from warehouse.base.paths import DATA_DIR

PARTS = ("pipeline", "landing", "joins", "windows", "growth")
BY_NAME = ("serving",)  # needs the packages of requirements/serve.lock


@dataclass(frozen=True)
class Setting:
    """The set-up of a measurement; sizes are multiples of the real set of 12,500 customers."""

    data_dir: Path
    scratch: Path  # kept between calls where the user named it: made-up files are used again
    folder: Path  # removed after the part
    runs: int
    sizes: tuple[int, ...]
    memory_limit: str

    def published_run(self) -> Path:
        """Run the warehouse on the data; return the folder of the published run."""
        measure(warehouse(self.data_dir, self.folder / "datamart"))
        return (self.folder / "datamart" / "current").resolve()


def main() -> None:
    """Measure the parts that were asked for, and write the page of results."""
    options = _read_options()
    with _scratch(options.scratch) as scratch:
        for name in options.parts or PARTS:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                setting = Setting(
                    options.data_dir.absolute(),
                    scratch,
                    Path(folder),
                    options.runs,
                    tuple(sorted(options.sizes)),
                    options.memory_limit,
                )
                part = importlib.import_module(f"benchmarks.{name}").run(setting)
            results.keep(part)
            print("\n".join(["", *results.part_lines(part)]), flush=True)
    page = results.markdown(results.read())
    (results.RESULTS_DIR / "README.md").write_text(page)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add(
        "parts",
        nargs="*",
        choices=(*PARTS, *BY_NAME, []),
        metavar="PART",
        help=f"of {', '.join(PARTS + BY_NAME)}",
    )
    add("--data-dir", type=Path, default=DATA_DIR, help="folder of the CSV files")
    add("--runs", type=int, default=3, help="runs of which the median is taken")
    add(
        "--sizes",
        type=int,
        nargs="+",
        default=[1, 10, 100],
        help="multiples of the real set; 100 takes 20 minutes a run and 40 GB of disk",
    )
    add("--memory-limit", default="2GiB", help="of the runs that grow (default: %(default)s)")
    add("--scratch", type=Path, help="folder to work in; made-up files in it are used again")
    return parser.parse_args()


@contextlib.contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """Give the folder asked for, or one that is removed at the end."""
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.absolute()
    else:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)


if __name__ == "__main__":
    main()
