"""The files of a table when rows are added to it."""

from pathlib import Path

import duckdb
import pytest

from warehouse.base.catalog import files_of, read_parquet
from warehouse.transform.tables import add_rows, replace_files


@pytest.fixture
def con():
    with duckdb.connect() as con:
        yield con


def write(con: duckdb.DuckDBPyConnection, file: Path, rows: dict[int, str]) -> Path:
    """Write a file of the columns id and value."""
    con.execute("create or replace table t (id int, value text)")
    if rows:
        con.executemany("insert into t values (?, ?)", list(rows.items()))
    con.execute("copy t to ? (format parquet)", [str(file)])
    return file


def read(con: duckdb.DuckDBPyConnection, folder: Path) -> list[tuple[int, str]]:
    return con.execute(f"from {read_parquet(*files_of(folder, 'x'))} order by id").fetchall()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_without_replaced_rows_stays_as_it_is(con, tmp_path):
    first = write(con, tmp_path / "x.parquet", {1: "a", 2: "a"})
    inode = first.stat().st_ino
    add_rows(con, tmp_path, "x", [write(con, tmp_path / "tmp", {3: "b"})], "id", 1)
    assert names(tmp_path) == ["x.002.parquet", "x.parquet"]
    assert first.stat().st_ino == inode
    add_rows(
        con, tmp_path, "x", [write(con, tmp_path / "tmp", {3: "c", 4: "c"})], "id", rows_per_group=1
    )
    assert read(con, tmp_path) == [(1, "a"), (2, "a"), (3, "c"), (4, "c")]
    assert names(tmp_path) == ["x.002.parquet", "x.parquet"]
    assert first.stat().st_ino == inode


def test_a_file_with_replaced_rows_is_written_again_without_them(con, tmp_path):
    write(con, tmp_path / "x.001.parquet", {1: "a", 2: "a"})
    write(con, tmp_path / "x.002.parquet", {3: "a", 4: "a"})
    written = [write(con, tmp_path / f"tmp{key}", {key: "b"}) for key in (4, 5)]
    add_rows(con, tmp_path, "x", written, "id", 1)
    assert read(con, tmp_path) == [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b")]
    assert names(tmp_path) == ["x.001.parquet", "x.002.parquet"]


def test_small_files_become_one(con, tmp_path):
    write(con, tmp_path / "x.parquet", {1: "a"})
    for key in (2, 3):
        add_rows(
            con, tmp_path, "x", [write(con, tmp_path / "tmp", {key: "b"})], "id", rows_per_group=5
        )
        assert names(tmp_path) == ["x.parquet"]
    assert read(con, tmp_path) == [(1, "a"), (2, "b"), (3, "b")]


@pytest.mark.parametrize("rows_per_group", [0, 5])
def test_no_new_rows_leave_the_table_as_it_was(con, tmp_path, rows_per_group):
    write(con, tmp_path / "x.parquet", {1: "a"})
    add_rows(con, tmp_path, "x", [write(con, tmp_path / "tmp", {})], "id", rows_per_group)
    assert read(con, tmp_path) == [(1, "a")]
    assert names(tmp_path) == ["x.parquet"]


def test_a_rebuilt_table_has_no_other_files(con, tmp_path):
    for name in ("x.001.parquet", "x.002.parquet", "x.003.parquet", "xy.parquet"):
        write(con, tmp_path / name, {1: "a"})
    written = [write(con, tmp_path / f"tmp{key}", {key: "b"}) for key in (1, 2)]
    replace_files(tmp_path, "x", written)
    assert names(tmp_path) == ["x.001.parquet", "x.002.parquet", "xy.parquet"]
    replace_files(tmp_path, "x", [write(con, tmp_path / "tmp", {7: "c"})])
    assert names(tmp_path) == ["x.parquet", "xy.parquet"]
    assert read(con, tmp_path) == [(7, "c")]
