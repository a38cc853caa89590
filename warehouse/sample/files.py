"""Write the raw files of the sample, as one file a source or one a source and month.

Everything is a function of (seed, customer number, row), and a block of customers is one query that
DuckDB streams into a CSV part. So the files are the same byte for byte on any number of threads, a
customer is the same in a small set and in a large one, and memory does not grow with their number.
"""

import gzip
import itertools
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.sample.settings import (
    CLICKSTREAM_MONTHS,
    CREDIT_MIXES,
    FIGURES,
    PAYS_MINIMUM_SHARES,
)
from warehouse.sample.sources import FATES, PARTS, SOURCES, Source

BLOCK = 50_000  # customers a query: bounds the memory, and changes nothing else
MONTHS = range(CLICKSTREAM_MONTHS)


def write_files(customers: int, seed: int, out: Path) -> dict[str, int]:
    """Write the four files, replacing old ones once all are whole; return the rows of each."""
    rows = {}
    with _staging(out) as folder, _connect() as con:
        for source in SOURCES:
            path = folder / source.file
            rows[source.file] = sum(
                _append(con, source, query, path) for query in _queries(source, customers, seed)
            )
    return rows


def write_deliveries(
    customers: int, seed: int, out: Path, is_gzipped: bool = False
) -> dict[str, int]:
    """Write the same rows as monthly deliveries, `<source>/<YYYY-MM>.csv`; return rows by file.

    A row comes with the month of its snapshot date; late rows and the right versions of restated
    rows (corrections) come a month later.
    """
    rows: Counter[str] = Counter()
    with _staging(out) as folder, _connect() as con:
        for source, block in itertools.product(SOURCES, _blocks(customers)):
            (folder / source.name).mkdir(exist_ok=True)
            query = source.rows(seed, block, MONTHS)
            con.execute(f"create or replace table delivered as {query}")
            for part in PARTS:
                late = "fate <> 'duplicate'" if part == "tail" else "false"
                month = f"strftime(snapshot_date + to_months(if({late}, 1, 0)), '%Y-%m')"
                found = con.execute(
                    f"select distinct {month} as month from delivered"
                    f" where fate {FATES[part]} order by month"
                ).fetchall()
                for (delivery,) in found:
                    name = f"{source.name}/{delivery}.csv"
                    query = source.select(part, "delivered", f"{month} = '{delivery}'")
                    rows[name] += _append(con, source, query, folder / name)
        if not is_gzipped:
            return dict(rows)
        for name in rows:
            _compress(folder / name)
    return {f"{name}.gz": count for name, count in rows.items()}


def _compress(path: Path) -> None:
    """Replace a file by its gzip, whose bytes depend on the rows alone: it holds no time."""
    with (
        path.open("rb") as plain,
        path.with_suffix(".csv.gz").open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
    ):
        shutil.copyfileobj(plain, packed)
    path.unlink()


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


def _queries(source: Source, customers: int, seed: int) -> Iterator[str]:
    """Return the queries of a file in the order of its rows."""
    # Few customers: several months a query. Many: several queries a month.
    width = max(BLOCK // customers, 1) if source.is_by_month else CLICKSTREAM_MONTHS
    for part in PARTS:
        steps = [MONTHS[i : i + width] for i in MONTHS[::width]] if part == "body" else [MONTHS]
        for step, block in itertools.product(steps, _blocks(customers)):
            yield source.select(part, f"({source.rows(seed, block, step)})")


def _blocks(customers: int) -> list[range]:
    last = customers + 1
    return [range(first, min(first + BLOCK, last)) for first in range(1, last, BLOCK)]


def _append(con: duckdb.DuckDBPyConnection, source: Source, query: str, path: Path) -> int:
    """Append the rows of a query to a file, below its header; return their number."""
    part = path.with_name(f".{path.name}.part")
    target = str(part).replace("'", "''")
    # With the default comment sign DuckDB would quote `#F%$D@*&8`, which the real files do not.
    con.execute(f"copy ({query}) to '{target}' (format csv, header false, comment '~')")
    (count,) = con.fetchone() or (0,)
    is_new = not path.exists()
    with path.open("ab") as file, part.open("rb") as rows:
        if is_new:
            file.write((",".join(source.columns) + "\n").encode())
        shutil.copyfileobj(rows, file, 1 << 20)
    part.unlink()
    return int(count)


def _connect() -> duckdb.DuckDBPyConnection:
    """Return a database in memory with the macro and the table that the queries use."""
    con = duckdb.connect()
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
