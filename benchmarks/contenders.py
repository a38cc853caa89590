"""One way of joining features point in time: python -m benchmarks.contenders NAME FOLDER OUT.

FOLDER holds spine.parquet (loan_id, customer_id, application_date) and a parquet file a source
(customer_id, snapshot_date, known_from, known_until, its features); OUT gets the spine with, for
every source, the features of the customer's latest row known on the application date. Run by the
peers' own Python. The peers know one clock only; in these files every row is on time.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

SOURCES = ("attributes", "financials", "clickstream")
CLOCKS = ["snapshot_date", "known_from", "known_until"]


def duckdb_file(folder: Path, out: Path, sql: str) -> None:
    """Run a query over the folder's files, which it names as views."""
    import duckdb

    with duckdb.connect() as con:
        for name in ("spine", *SOURCES):
            con.execute(f"create view {name} as from read_parquet('{folder / name}.parquet')")
        con.execute(f"copy ({sql}) to '{out}' (format parquet)")


def warehouse(folder: Path, out: Path) -> None:
    """Join by the warehouse's own macro, rendered beforehand."""
    duckdb_file(folder, out, (folder / "warehouse.sql").read_text())


def plain_sql(folder: Path, out: Path) -> None:
    """Join by the fastest SQL written by hand: the latest date a key, then an equi-join."""
    known = """
        {0}.snapshot_date <= {1}.application_date and {0}.known_from <= {1}.application_date
        and ({0}.known_until is null or {0}.known_until > {1}.application_date)
    """
    joins = "".join(
        f"""
        left join (
            select k.customer_id, k.application_date, max(s.snapshot_date) as latest
            from (select distinct customer_id, application_date from spine) as k
            join {name} as s on k.customer_id = s.customer_id and {known.format("s", "k")}
            group by all
        ) as k_{name}
            on
                spine.customer_id = k_{name}.customer_id
                and spine.application_date = k_{name}.application_date
        left join {name}
            on
                k_{name}.customer_id = {name}.customer_id and k_{name}.latest = {name}.snapshot_date
                and {known.format(name, f"k_{name}")}
        """
        for name in SOURCES
    )
    duckdb_file(folder, out, f"select spine.*, {_features()} from spine {joins}")


def duckdb_asof(folder: Path, out: Path) -> None:
    """Join by DuckDB's as-of join."""
    joins = " ".join(
        f"asof left join {name} on spine.customer_id = {name}.customer_id"
        f" and spine.application_date >= {name}.snapshot_date"
        for name in SOURCES
    )
    duckdb_file(folder, out, f"select spine.*, {_features()} from spine {joins}")


def _features() -> str:
    return ", ".join(f"{name}.* exclude (customer_id, {', '.join(CLOCKS)})" for name in SOURCES)


def polars_asof(folder: Path, out: Path) -> None:
    """Join by polars' lazy as-of join."""
    import polars as pl

    joined = pl.scan_parquet(folder / "spine.parquet").sort("application_date")
    for name in SOURCES:
        source = pl.scan_parquet(folder / f"{name}.parquet").sort("snapshot_date")
        joined = joined.join_asof(
            source.drop("known_from", "known_until"),
            left_on="application_date",
            right_on="snapshot_date",
            by="customer_id",
            check_sortedness=False,
        ).drop("snapshot_date", strict=False)
    joined.collect().write_parquet(out)


def pandas_asof(folder: Path, out: Path) -> None:
    """Join by pandas' merge_asof."""
    import pandas as pd

    def by_day(name: str, column: str) -> Any:
        frame = pd.read_parquet(folder / f"{name}.parquet")
        frame[column] = pd.to_datetime(frame[column])
        return frame.sort_values(column)

    joined = by_day("spine", "application_date")
    for name in SOURCES:
        source = by_day(name, "snapshot_date").drop(columns=CLOCKS[1:])
        dates = {"left_on": "application_date", "right_on": "snapshot_date"}
        joined = pd.merge_asof(joined, source, by="customer_id", **dates)
        joined = joined.drop(columns="snapshot_date")
    joined.to_parquet(out)


def feast(folder: Path, out: Path) -> None:
    """Join by Feast with its DuckDB offline store."""
    import pandas as pd
    import pyarrow.parquet as pq
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
    from feast.types import Float64, Int64, String

    kinds = {"string": String, "double": Float64, "int32": Int64, "int64": Int64}

    with tempfile.TemporaryDirectory() as registry:
        store = FeatureStore(
            config=RepoConfig(
                project="benchmark",
                provider="local",
                registry=f"{registry}/registry.db",
                online_store=None,
                offline_store={"type": "duckdb"},
                entity_key_serialization_version=3,
            )
        )
        customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
        paths = {name: str(folder / f"{name}.parquet") for name in SOURCES}
        sources = {n: FileSource(path=p, timestamp_field="known_from") for n, p in paths.items()}
        schemas = {
            name: [
                Field(name=column.name, dtype=kinds[str(column.type)])
                for column in pq.read_schema(path)
                if column.name not in ("customer_id", *CLOCKS)
            ]
            for name, path in paths.items()
        }
        views = [
            FeatureView(
                name=name,
                entities=[customer],
                ttl=timedelta(0),  # never too old
                source=source,
                schema=[Field(name="customer_id", dtype=String), *schemas[name]],
            )
            for name, source in sources.items()
        ]
        store.apply([customer, *views])
        features = [f"{name}:{field.name}" for name, fields in schemas.items() for field in fields]
        spine = pd.read_parquet(folder / "spine.parquet")
        spine["event_timestamp"] = pd.to_datetime(spine["application_date"], utc=True)
        joined = store.get_historical_features(entity_df=spine, features=features).to_df()
    joined.to_parquet(out)


CONTENDERS: dict[str, Callable[[Path, Path], None]] = {
    "warehouse": warehouse,
    "plain SQL": plain_sql,
    "DuckDB as-of join": duckdb_asof,
    "polars": polars_asof,
    "pandas": pandas_asof,
    "Feast": feast,
}

if __name__ == "__main__":
    CONTENDERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
