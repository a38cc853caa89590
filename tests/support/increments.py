"""Gold kept from delivery to delivery in a DuckDB connection: no process of dbt a build."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from tests.support.bronze import PROVENANCE, Row, contracts, create_bronze
from tests.support.compiled import NARROW, compile_models
from warehouse.base.rows import rows_of
from warehouse.transform.compiled import CompiledProject, connect_in_memory, create_relation

STORE = "feature_store"
STRAY_SHARE = 0.2
SMALL_PROJECT = NARROW | {"stray_share": STRAY_SHARE}


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


def compile_forms(folder: Path) -> Forms:
    """Compile both forms of a narrow project, by dbt."""
    full = compile_models(folder, SMALL_PROJECT)
    with warehouse(Forms(full, full)) as empty:
        empty.build(is_whole=True)
        for model in full.needed([STORE]):
            path = folder / "run" / model.schema / f"{model.name}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            empty.con.execute(f"copy {model.relation} to '{path}' (format parquet)")
    return Forms(full, compile_models(folder, SMALL_PROJECT | {"incremental": True}))


class Warehouse:
    """A warehouse in memory that deliveries are landed in, one after the other."""

    def __init__(self, forms: Forms, con: duckdb.DuckDBPyConnection) -> None:
        self.con = con
        self._forms, self._loads = forms, 0

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
                self.con.execute(
                    f"insert into bronze.{name} values ({', '.join('?' * len(columns))})",
                    [values.get(column) for column in columns],
                )

    def build(self, is_whole: bool) -> None:
        """Build silver, and gold whole or only its open applications."""
        for full in self._forms.full.needed([STORE]):
            model = full if is_whole else self._forms.incremental.model(full.name)
            create_relation(self.con, "table", '"main"."built"', model.sql)
            if model.sql != full.sql:  # an incremental model: the rows of other loans are kept
                self.con.execute(
                    f"insert into main.built from {model.relation}"
                    " where loan_id not in (select loan_id from main.built)"
                )
            create_relation(self.con, "table", model.relation, "from main.built")

    def feature_store(self) -> list[dict[str, Any]]:
        """Return the rows of the feature store in their order."""
        return rows_of(self.con, "from gold.feature_store order by application_date, loan_id")


@contextmanager
def warehouse(forms: Forms) -> Iterator[Warehouse]:
    """Open an empty warehouse in memory."""
    with connect_in_memory(threads=1) as con:
        create_bronze(con, contracts())
        yield Warehouse(forms, con)
