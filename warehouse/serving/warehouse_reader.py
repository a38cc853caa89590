"""What serving reads of a published run, in one place: scoring set, rules of sources, descriptions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.contracts.contract import read_contracts
from warehouse.features.scoring import create_macros
from warehouse.transform.runner import DESCRIPTIONS_FILE


@dataclass(frozen=True)
class GroupRule:
    """How long a snapshot of a source counts, and which of its columns are personal."""

    max_age_days: int | None
    personal_columns: frozenset[str]


@dataclass(frozen=True)
class TableNotes:
    """What dbt says of a run's tables, such as gold.feature_store."""

    content: dict[str, Any]

    def description(self, table: str) -> str:
        """Return a table's description, in one line."""
        return _one_line(self.content.get(table, {}).get("description"))

    def column(self, table: str, column: str) -> str:
        """Return a column's description, in one line."""
        return _one_line(self.content.get(table, {}).get("columns", {}).get(column))

    def owner(self, table: str) -> str:
        """Return the owner of a table's dbt group, '' where it has none."""
        return str(self.content.get(table, {}).get("owner") or "")


def write_scoring_set(run_dir: Path, day: str, file: Path) -> None:
    """Write the features of every customer known on a day (YYYY-MM-DD): features_as_of(day)."""
    target = str(file).replace("'", "''")
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        create_macros(con, run_dir)
        con.execute(
            f"copy (select * from features_as_of(date '{day}') order by customer_id)"
            f" to '{target}' (format parquet, compression zstd)"
        )


def group_rules(run_dir: Path) -> dict[str, GroupRule]:
    """Return the rule of each source, by its name."""
    return {
        contract.name: GroupRule(contract.max_age_days, frozenset(contract.personal_columns))
        for contract in read_contracts()
    }


def table_notes(run_dir: Path) -> TableNotes:
    """Return the descriptions that dbt kept with a run."""
    return TableNotes(json.loads((run_dir / DESCRIPTIONS_FILE).read_text()))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
