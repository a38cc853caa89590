"""Write the raw files of the sample, as one file a source or one a source and month.

Everything is a function of (seed, customer number, row), and a block of customers is one query that
DuckDB streams into a CSV part. So the files are the same byte for byte on any number of threads, a
customer is the same in a small set and in a large one, and memory does not grow with their number.
"""

import gzip
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.sample.settings import (
    CLICKSTREAM_MONTHS,
    CREDIT_MIXES,
    FIGURES,
    PAYS_MINIMUM_SHARES,
)
from warehouse.sample.sources import PARTS, SOURCES, Block, Source

BLOCK = 50_000  # customers a query: bounds the memory, and changes nothing else
MONTHS = range(CLICKSTREAM_MONTHS)


def write_files(customers: int, seed: int, out: Path, threads: int = 1) -> dict[str, int]:
    """Write the four files, replacing old ones once all are whole; return the rows of each."""
    rows = {}
    with _staging(out) as folder:
        for source in SOURCES:
            rows[source.file] = _write_source(source, customers, seed, threads, folder)
    return rows


def write_deliveries(
    customers: int, seed: int, out: Path, is_gzipped: bool = False
) -> dict[str, int]:
    """Write the same rows as monthly deliveries, `<source>/<YYYY-MM>.csv`; return rows by file.

    A row comes with the month of its snapshot date; late rows and the right versions of restated
    rows (corrections) come a month later.
    """
    rows: dict[str, int] = {}
    with _staging(out) as folder:
        for source in SOURCES:
            (folder / source.name).mkdir()
            for block in _blocks(customers):
                with _connect() as con:
                    query = source.rows(seed, Block(block, MONTHS))
                    con.execute(f"create table delivered as {query}")
                    for path, count in _deliver(con, source, folder, is_gzipped):
                        rows[path] = rows.get(path, 0) + count
    return rows


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """Give a folder to write into; when that has ended well, move its files to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".sample-", dir=out) as name:
        folder = Path(name)
        yield folder
        for path in sorted(folder.rglob("*.*")):
            target = out / path.relative_to(folder)
            target.parent.mkdir(exist_ok=True)
            os.replace(path, target)


def _deliver(
    con: duckdb.DuckDBPyConnection, source: Source, folder: Path, is_gzipped: bool
) -> Iterator[tuple[str, int]]:
    """Append the rows of the table `delivered` to the deliveries of their months."""
    shift = "if({}, interval 1 month, interval 0 month)"
    month = {
        part: f"strftime(snapshot_date + {shift.format(late)}, '%Y-%m')"
        for part, late in zip(PARTS, ("false", "false", "fate <> 'duplicate'"), strict=True)
    }
    found = con.execute(
        f"select distinct unnest([{month['body']}, {month['tail']}]) as month from delivered"
        " order by month"
    ).fetchall()
    for (delivery,) in found:
        parts = []
        for part in PARTS:
            path = folder / f"{part}.part"
            query = source.select(part, "delivered", f"{month[part]} = '{delivery}'")
            parts.append((path, _copy(con, query, path)))
        count = sum(rows for _, rows in parts)
        if not count:
            continue
        name = f"{source.name}/{delivery}.csv" + (".gz" if is_gzipped else "")
        _append(folder / name, source, [path for path, _ in parts])
        yield name, count


def _append(target: Path, source: Source, parts: list[Path]) -> None:
    """Append parts to a file, plain or gzipped by its name, after a header where it is new."""
    is_new = not target.exists()
    with target.open("ab") as raw:
        # Without name and time a gzipped file depends on its rows alone.
        zipped = gzip.GzipFile("", "ab", fileobj=raw, mtime=0) if target.suffix == ".gz" else raw
        if is_new:
            zipped.write(_header(source))
        for part in parts:
            zipped.write(part.read_bytes())
            part.unlink()
        if zipped is not raw:
            zipped.close()


def _write_source(source: Source, customers: int, seed: int, threads: int, folder: Path) -> int:
    """Write one file into a folder; return the number of its rows."""
    local = threading.local()

    def write_part(job: tuple[int, str]) -> tuple[Path, int]:
        number, query = job
        if not hasattr(local, "con"):
            local.con = _connect()
        part = folder / f"{source.file}.{number}"
        return part, _copy(local.con, query, part)

    rows, jobs = 0, enumerate(_part_queries(source, customers, seed))
    with (folder / source.file).open("wb") as target, ThreadPoolExecutor(threads) as pool:
        target.write(_header(source))
        for part, part_rows in pool.map(write_part, jobs):
            with part.open("rb") as text:
                shutil.copyfileobj(text, target, 1 << 20)
            part.unlink()
            rows += part_rows
    return rows


def _part_queries(source: Source, customers: int, seed: int) -> Iterator[str]:
    """Return the queries of all parts of a file in the order of its rows."""
    # Few customers: several months a query. Many: several queries a month.
    width = max(BLOCK // customers, 1) if source.is_by_month else CLICKSTREAM_MONTHS
    for part in PARTS:
        steps = [MONTHS[i : i + width] for i in MONTHS[::width]] if part == "body" else [MONTHS]
        for step in steps:
            for block in _blocks(customers):
                yield source.select(part, f"({source.rows(seed, Block(block, step))})")


def _blocks(customers: int) -> list[range]:
    last = customers + 1
    return [range(first, min(first + BLOCK, last)) for first in range(1, last, BLOCK)]


def _header(source: Source) -> bytes:
    return (",".join(source.columns) + "\n").encode()


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    """Write the rows of a query as CSV without a header; return their number."""
    target = str(path).replace("'", "''")
    # With the default comment sign DuckDB would quote `#F%$D@*&8`, which the real files do not.
    con.execute(f"copy ({query}) to '{target}' (format csv, header false, comment '~')")
    (count,) = con.fetchone() or (0,)
    return int(count)


def _connect() -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the macro and the table that the queries use."""
    con = duckdb.connect(config={"threads": 1})
    con.execute(
        """
        create macro along(position, edges) as
            if(
                position < 0.5,
                edges[1] + 2 * position * (edges[2] - edges[1]),
                edges[2] + (2 * position - 1) * (edges[3] - edges[2])
            )
        """
    )
    columns = ["kind_no integer", "credit_mix varchar", "pays_minimum_share double"]
    columns += [f"{name}_range double[]" for name in FIGURES]
    con.execute(f"create table kinds ({', '.join(columns)})")
    kinds = zip(
        range(len(CREDIT_MIXES)), CREDIT_MIXES, PAYS_MINIMUM_SHARES, *FIGURES.values(), strict=True
    )
    values = ", ".join("?" * len(columns))
    con.executemany(f"insert into kinds values ({values})", [[*kind] for kind in kinds])
    return con
