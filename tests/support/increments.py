"""Gold kept from delivery to delivery in a DuckDB connection: no process of dbt a build."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.support.bronze import PROVENANCE, Row, contracts, create_bronze
from tests.support.compiled import compile_models
from warehouse.transform.compiled import CompiledProject, connect_in_memory, create_relation

STORE = "feature_store"
STRAY_SHARE = 0.2
SMALL_PROJECT = {
    "clickstream_columns": 2,
    "clickstream_windows": {"3m": 3, "all": None},
    "stray_share": STRAY_SHARE,
}


@dataclass(frozen=True)
class Delivery:
    """The rows of some sources, landed at one moment."""

    landed_at: datetime
    rows: Mapping[str, list[Row]]


@dataclass(frozen=True)
class Forms:
    """The project as it builds everything, and as it keeps the rows of closed applications."""

    full: CompiledProject
    incremental: CompiledProject

    def names(self) -> list[str]:
        """Return the models that the feature store is made from, itself included."""
        return [model.name for model in self.full.needed([STORE])]


def compile_forms(folder: Path) -> Forms:
    """Compile both forms of a project of two counters and two windows, by dbt."""
    run_dir = folder / "run"
    full = compile_small(folder)
    names = Forms(full, full).names()
    with _bronze_tables() as con:
        full.build(con, names)
        for model in full.models:
            if model.name in names:
                path = run_dir / model.schema / f"{model.name}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                con.execute(f"copy {model.relation} to '{path}' (format parquet)")
    return Forms(full, compile_small(folder, incremental=True))


def compile_small(folder: Path, **variables: Any) -> CompiledProject:
    """Compile the project of two counters and two windows with more variables."""
    return compile_models(folder, SMALL_PROJECT | variables)


@contextmanager
def _bronze_tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_in_memory(threads=1) as con:
        create_bronze(con, contracts())
        yield con


class Warehouse:
    """A warehouse in memory that deliveries are landed in, one after the other."""

    def __init__(self, forms: Forms, con: duckdb.DuckDBPyConnection) -> None:
        self._forms, self._con = forms, con
        self._loads = 0

    def land(self, delivery: Delivery) -> None:
        """Append a delivery to bronze as the next load."""
        self._loads += 1
        for name, rows in delivery.rows.items():
            columns = [*contracts()[name].columns, *PROVENANCE]
            for number, row in enumerate(rows, start=1):
                values = {
                    "_source_file": f"{name}.csv",
                    "_row_number": number,
                    "_load_id": self._loads,
                    "_landed_at": delivery.landed_at,
                    **row,
                }
                self._con.execute(
                    f"insert into bronze.{name} values ({', '.join('?' * len(columns))})",
                    [values.get(column) for column in columns],
                )

    def build(self, is_whole: bool) -> None:
        """Build silver, and gold whole or only its open applications."""
        for name in self._forms.names():
            full, increment = (f.model(name) for f in (self._forms.full, self._forms.incremental))
            model = full if is_whole else increment
            create_relation(self._con, "table", '"main"."built"', model.sql)
            if model.sql != full.sql:  # an incremental model: the rows of other loans are kept
                self._con.execute(
                    f"insert into main.built from {model.relation}"
                    " where loan_id not in (select loan_id from main.built)"
                )
            create_relation(self._con, "table", model.relation, "from main.built")

    def set_value(self, relation: str, column: str, value: object) -> None:
        """Overwrite a column of a built table."""
        self._con.execute(f"update {relation} set {column} = ?", [value])

    def rows(self, relation: str) -> list[dict[str, Any]]:
        """Return the rows of a relation as dicts."""
        cursor = self._con.execute(f"select * from {relation}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@contextmanager
def warehouse(forms: Forms) -> Iterator[Warehouse]:
    """Open an empty warehouse in memory."""
    with _bronze_tables() as con:
        yield Warehouse(forms, con)


def build_in_steps(forms: Forms, deliveries: Iterable[Delivery]) -> list[dict[str, Any]]:
    """Return the feature store after building each delivery on what was there before."""
    with warehouse(forms) as steps:
        for position, delivery in enumerate(deliveries):
            steps.land(delivery)
            steps.build(is_whole=position == 0)
        return steps.rows("gold.feature_store order by application_date, loan_id")
