"""One way of joining features point in time: python -m benchmarks.contenders NAME FOLDER OUT.

FOLDER holds spine.parquet (loan_id, customer_id, application_date) and a parquet file a source
(customer_id, snapshot_date, its features); OUT gets the spine with, for every source, the features
of the customer's latest row on or before the application. Each contender reads and writes these
files by its own means. Run by the peers' own Python.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

SOURCES = ("attributes", "financials", "clickstream")
KEYS = ("customer_id", "snapshot_date")
WITH_TIMES = "with_times"  # folder of the same sources with the timestamps that Feast asks for


def duckdb_file(folder: Path, out: Path, sql: str) -> None:
    """Run a query over the folder's files, which it names as views."""
    import duckdb

    with duckdb.connect() as con:
        for name in ("spine", *SOURCES):
            con.execute(f"create view {name} as from read_parquet('{folder / name}.parquet')")
        con.execute(f"copy ({sql}) to '{out}' (format parquet)")


def warehouse(folder: Path, out: Path) -> None:
    """The warehouse's own macro, rendered beforehand."""
    duckdb_file(folder, out, (folder.parent / "warehouse.sql").read_text())


def plain_sql(folder: Path, out: Path) -> None:
    """The fastest SQL written by hand: the latest date a key, then an equi-join."""
    joins = "".join(
        f"""
        left join (
            select k.customer_id, k.application_date, max(s.snapshot_date) as latest
            from (select distinct customer_id, application_date from spine) as k
            join {name} as s
                on k.customer_id = s.customer_id and s.snapshot_date <= k.application_date
            group by all
        ) as k_{name}
            on
                spine.customer_id = k_{name}.customer_id
                and spine.application_date = k_{name}.application_date
        left join {name}
            on k_{name}.customer_id = {name}.customer_id and k_{name}.latest = {name}.snapshot_date
        """
        for name in SOURCES
    )
    duckdb_file(folder, out, f"select spine.*, {_features()} from spine {joins}")


def duckdb_asof(folder: Path, out: Path) -> None:
    """DuckDB's as-of join."""
    joins = " ".join(
        f"asof left join {name} on spine.customer_id = {name}.customer_id"
        f" and spine.application_date >= {name}.snapshot_date"
        for name in SOURCES
    )
    duckdb_file(folder, out, f"select spine.*, {_features()} from spine {joins}")


def _features() -> str:
    return ", ".join(f"{name}.* exclude (customer_id, snapshot_date)" for name in SOURCES)


def polars_asof(folder: Path, out: Path) -> None:
    """Polars' as-of join, lazy."""
    import polars as pl

    joined = pl.scan_parquet(folder / "spine.parquet").sort("application_date")
    for name in SOURCES:
        source = pl.scan_parquet(folder / f"{name}.parquet").sort("snapshot_date")
        joined = joined.join_asof(
            source,
            left_on="application_date",
            right_on="snapshot_date",
            by="customer_id",
            check_sortedness=False,
        ).drop("snapshot_date", strict=False)
    joined.collect().write_parquet(out)


def pandas_asof(folder: Path, out: Path) -> None:
    """Pandas' merge_asof."""
    import pandas as pd

    joined = _by_day(pd.read_parquet(folder / "spine.parquet"), "application_date")
    for name in SOURCES:
        source = _by_day(pd.read_parquet(folder / f"{name}.parquet"), "snapshot_date")
        joined = pd.merge_asof(
            joined, source, left_on="application_date", right_on="snapshot_date", by="customer_id"
        ).drop(columns="snapshot_date")
    joined.to_parquet(out)


def _by_day(frame: Any, column: str) -> Any:
    import pandas as pd

    frame[column] = pd.to_datetime(frame[column])
    return frame.sort_values(column)


def feast_default(folder: Path, out: Path) -> None:
    """Feast with the offline store it takes by default, on files."""
    _feast(folder, out, "dask")


def feast_duckdb(folder: Path, out: Path) -> None:
    """Feast with its DuckDB offline store."""
    _feast(folder, out, "duckdb")


def _feast(folder: Path, out: Path, offline_store: str) -> None:
    import pandas as pd
    import pyarrow.parquet as pq
    from feast import Entity, FeatureStore, FeatureView, FileSource, RepoConfig, ValueType

    with tempfile.TemporaryDirectory() as registry:
        config = RepoConfig(
            project="benchmark",
            provider="local",
            registry=f"{registry}/registry.db",
            online_store=None,
            offline_store={"type": offline_store},
            entity_key_serialization_version=3,
        )
        store = FeatureStore(config=config)
        customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
        views = [
            FeatureView(
                name=name,
                entities=[customer],
                ttl=timedelta(0),  # never too old
                source=FileSource(
                    path=str(folder / WITH_TIMES / f"{name}.parquet"),
                    timestamp_field="snapshot_time",
                ),
            )
            for name in SOURCES
        ]
        store.apply([customer, *views])
        names = {name: pq.read_schema(folder / f"{name}.parquet").names for name in SOURCES}
        spine = pd.read_parquet(folder / "spine.parquet")
        spine["event_timestamp"] = pd.to_datetime(spine["application_date"], utc=True)
        joined = store.get_historical_features(
            entity_df=spine,
            features=[
                f"{name}:{column}"
                for name, columns in names.items()
                for column in columns
                if column not in KEYS
            ],
        ).to_df()
    joined.to_parquet(out)


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {
    "warehouse": warehouse,
    "plain SQL": plain_sql,
    "DuckDB as-of join": duckdb_asof,
    "polars": polars_asof,
    "pandas": pandas_asof,
    "Feast, default": feast_default,
    "Feast, DuckDB": feast_duckdb,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
