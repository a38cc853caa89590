"""Reads what serving needs of a published run: scoring set, rules of sources, descriptions."""

import json
import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.features.scoring import build_scoring_set
from warehouse.transform.compiled import CompiledProject
from warehouse.transform.runner import DESCRIPTIONS_FILE


@dataclass(frozen=True)
class GroupRule:
    """How long a snapshot of a group's source counts, and which of its columns are personal."""

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


def write_scoring_set(run_dir: Path, day: date, file: Path) -> None:
    """Write the features of every customer known on a day: those of features_as_of(day)."""
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".scoring_set_") as folder:
        built = Path(folder) / file.name
        build_scoring_set(run_dir, day, built)
        os.replace(built, file)


def group_rules(run_dir: Path) -> dict[str, GroupRule]:
    """Return the rule of each feature group that is made of a source's snapshots."""
    return {
        source.group: GroupRule(source.max_age_days, frozenset(source.personal_columns))
        for source in CompiledProject.load(run_dir).sources
        if source.group
    }


def table_notes(run_dir: Path) -> TableNotes:
    """Return the descriptions that dbt kept with a run."""
    return TableNotes(json.loads((run_dir / DESCRIPTIONS_FILE).read_text()))


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
