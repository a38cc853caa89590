"""Shows a datamart's parquet files as DuckDB views: for dbt, for notebooks, for the reports."""

from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.base.layout import LAYERS

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SPILL_DIR = "spill"  # DuckDB makes it when it has to, and removes it


def attach(con: "DuckDBPyConnection", run_dir: Path) -> None:
    """Create one view per table below run_dir: bronze.<folder>, silver.<file>, gold.<file>.

    The views name the files by absolute path, so they keep showing this one run whatever is
    published later.
    """
    import duckdb

    for layer in LAYERS:
        con.execute(f"create schema if not exists {layer}")
        for table, scan in _tables(run_dir.resolve() / layer).items():
            try:
                _create_view(con, layer, table, scan)
            except duckdb.IOException:  # a user's file that a run has moved to the lab by now
                if table in _tables(run_dir.resolve() / layer):
                    raise


def attach_lab(con: "DuckDBPyConnection", lab_dir: Path) -> dict[str, str]:
    """Create a view lab.<name> per parquet file, or folder of them, that the user keeps in the lab.

    Returns the reason for each name that cannot be shown.
    """
    import duckdb

    con.execute("create schema if not exists lab")
    unreadable = {}
    tables = {path.stem: read_parquet(path) for path in sorted(lab_dir.glob("[!.]*.parquet"))}
    for table, scan in (tables | _folders(lab_dir)).items():
        try:
            _create_view(con, "lab", table, scan)
        except duckdb.Error as error:
            unreadable[table] = str(error).splitlines()[0]
    return unreadable


def set_memory(con: "DuckDBPyConnection", run_dir: Path, limit: str | None = None) -> None:
    """Let DuckDB hold so much in memory, such as 4GiB, and spill the rest into the run's folder."""
    con.execute(f"set temp_directory = {quoted_text(str(run_dir.resolve() / SPILL_DIR))}")
    if limit:
        con.execute("set memory_limit = ?", [limit])


def files_of(layer_dir: Path, table: str) -> list[Path]:
    """Return the files of a table in a layer's folder: x.parquet, or x.001.parquet and so on."""
    return _files_by_table(layer_dir).get(table, [])


def show_table(con: "DuckDBPyConnection", layer_dir: Path, table: str) -> None:
    """Create the view of a table that has files in a layer's folder, which has the layer's name."""
    _create_view(con, layer_dir.name, table, read_parquet(*files_of(layer_dir.resolve(), table)))


def read_parquet(*paths: Path, files: str = "") -> str:
    """Return the table function that reads these files, or with `files` those of a folder."""
    names = ", ".join(file_pattern(path, files) for path in paths)
    return (
        f"read_parquet([{names}], hive_partitioning = {str(bool(files)).lower()},"
        " hive_types_autocast = false, union_by_name = false)"
    )


def file_pattern(path: Path, files: str = "") -> str:
    """Return a path as a literal that DuckDB reads as this file, or with `files` those below it."""
    return quoted_text("".join(f"[{c}]" if c in "*?[" else c for c in str(path)) + files)


def quoted_name(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def quoted_text(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def _create_view(con: "DuckDBPyConnection", schema: str, table: str, scan: str) -> None:
    con.execute(f"create or replace view {schema}.{quoted_name(table)} as select * from {scan}")


def _tables(layer_dir: Path) -> dict[str, str]:
    """Return the table function that reads each table of one layer: its files, or its folder."""
    tables = {name: read_parquet(*paths) for name, paths in _files_by_table(layer_dir).items()}
    return tables | _folders(layer_dir)


def _files_by_table(layer_dir: Path) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(layer_dir.glob("*.parquet")):
        files[path.name.partition(".")[0]].append(path)
    return files


def _folders(layer_dir: Path) -> dict[str, str]:
    """Return the same for the tables that are folders."""
    return {
        folder.name: read_parquet(folder, files="/**/*.parquet")
        for folder in sorted(layer_dir.glob("*"))
        if folder.is_dir() and next(folder.rglob("*.parquet"), None) is not None
    }
