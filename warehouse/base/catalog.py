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
    run_dir = run_dir.resolve()
    for layer in LAYERS:
        con.execute(f"create schema if not exists {layer}")
        for table, scan in _tables(run_dir / layer):
            con.execute(
                f"create or replace view {layer}.{quoted_name(table)} as select * from {scan}"
            )


def set_memory(con: "DuckDBPyConnection", run_dir: Path, limit: str | None = None) -> None:
    """Let DuckDB hold so much in memory, such as 4GiB, and spill the rest into the run's folder."""
    spill_dir = str(run_dir.resolve() / SPILL_DIR).replace("'", "''")
    con.execute(f"set temp_directory = '{spill_dir}'")
    if limit:
        con.execute("set memory_limit = ?", [limit])


def table_of(file: Path) -> str:
    """The table whose file this is: x of x.parquet and of x.001.parquet."""
    return file.name.partition(".")[0]


def quoted_name(name: str) -> str:
    """A name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _tables(layer_dir: Path) -> list[tuple[str, str]]:
    """The tables of one layer, each with the table function that reads it.

    x is a file x.parquet, or x.001.parquet, x.002.parquet and so on, or a folder x.
    """
    if not layer_dir.is_dir():
        return []
    files: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(layer_dir.glob("*.parquet")):
        if not path.name.startswith("tmp_"):
            files[table_of(path)].append(path)
    tables = [(name, _read_parquet(*paths)) for name, paths in files.items()]
    for folder in sorted(path for path in layer_dir.iterdir() if path.is_dir()):
        if next(folder.rglob("*.parquet"), None) is not None:
            tables.append((folder.name, _read_parquet(folder / "**" / "*.parquet")))
    return tables


def _read_parquet(*paths: Path) -> str:
    quoted = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return (
        f"read_parquet([{quoted}], hive_partitioning = {str('*' in paths[0].name).lower()},"
        " hive_types_autocast = false, union_by_name = false)"
    )
