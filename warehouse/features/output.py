"""Where a caller's output may go, and how it is written: whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.base.catalog import quoted_text, read_parquet
from warehouse.base.errors import UserError
from warehouse.base.layout import LAYERS
from warehouse.features.spine import one_line

FORMATS = {".parquet": "format parquet, compression zstd", ".csv": "format csv, header"}
FOLDERS_OF_RUNS = (*LAYERS, "current", "runs", "building")  # below a datamart: made by runs alone


def check_output(out: Path, datamart_dir: Path, spine: Path | None = None) -> None:
    """Raise UserError where the output is of no known format, is the input, or belongs to runs."""
    if out.suffix.lower() not in FORMATS:
        raise UserError(f"{out}: name the output .parquet or .csv")
    if out.is_dir():
        raise UserError(f"{out} is a folder: name a file")
    if spine and (out.resolve() == spine.resolve() or spine.resolve() in out.resolve().parents):
        raise UserError(f"{out} is the input as well: name another file as output")
    for folder in (datamart_dir / name for name in FOLDERS_OF_RUNS):
        if out.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                f"{out} is in a folder that runs replace: write to {datamart_dir / 'lab'},"
                " which is yours, or elsewhere"
            )


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """Give a folder to write in, next to the output; its file of the output's name takes its place.

    A folder `lab` of a datamart is made when it is not there. Raises UserError where nothing can
    be written; an older file at the output's place then stays as it was.
    """
    try:
        if out.parent.name == "lab" and out.parent.parent.is_dir():
            out.parent.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".features_", dir=out.parent))
    except OSError as error:
        raise UserError(f"{out} cannot be written: {one_line(error)}") from error
    try:
        yield folder
        (folder / out.name).replace(out)
    except (duckdb.IOException, OSError) as error:
        raise UserError(f"{out} cannot be written: {one_line(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_to(con: duckdb.DuckDBPyConnection, query: str, file: Path, kind: str) -> None:
    """Write a query's rows to a file; kind is .parquet or .csv."""
    con.execute(f"copy ({query}) to {quoted_text(str(file))} ({FORMATS[kind]})")


def join_parts(con: duckdb.DuckDBPyConnection, parts: list[Path], file: Path) -> None:
    """Write the rows of parquet files, in this order, as one file; its suffix names the format."""
    kind = file.suffix.lower()
    if len(parts) == 1 and kind == ".parquet":
        parts[0].rename(file)
        return
    copy_to(con, f"from {read_parquet(*parts)}", file, kind)
