"""Feast's definitions, read from a published run: no feature is defined here."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
from feast import Entity, FeatureService, FeatureView, Field, FileSource
from feast.value_type import ValueType

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.rows import rows_of
from warehouse.contracts.contract import SourceContract
from warehouse.serving.values import kind_of
from warehouse.transform.compiled import CompiledProject
from warehouse.transform.runner import DESCRIPTIONS_FILE

ENTITY, ENTITY_KEY = "customer", "customer_id"
SERVICE = "customer_features"  # all views together
SCORING_SET = "scoring_set"  # the view of what a vector rests on
SCORING_SET_FILE = "scoring_set.parquet"
DAY_COLUMN = "as_of_date"
GROUP_COLUMNS = ("snapshot_date", "age_days", "null_reason")  # of each group in gold.feature_store
SCORING_SET_DESCRIPTION = (
    "What a customer's vector rests on: the day of the scoring set and, for each group, the"
    " snapshot used, its age, and the reason why there is none. One row per customer."
)
DAY_DESCRIPTION = (
    "Day of the scoring set: the features are those known on this day."
    " Null where no source knows the customer."
)


@dataclass(frozen=True)
class Feature:
    """A feature as the warehouse describes it; data_type is DuckDB's."""

    name: str
    data_type: str
    description: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Group:
    """A table that becomes a feature view; date_column holds the date of the snapshot used."""

    name: str
    features: tuple[Feature, ...]
    date_column: str = DAY_COLUMN
    description: str = ""
    owner: str = ""
    max_age_days: int | None = None

    def view(self, entity: Entity, source: FileSource) -> FeatureView:
        """Return Feast's definition of the group."""
        fields = [
            Field(
                name=feature.name,
                dtype=kind_of(feature.data_type, feature.name).feast_type,
                description=feature.description,
                tags=dict.fromkeys(feature.tags, "true"),
            )
            for feature in self.features
        ]
        return FeatureView(
            name=self.name,
            entities=[entity],
            schema=fields,
            source=source,
            # zero is Feast's way to say that a value never gets too old
            ttl=timedelta(days=self.max_age_days or 0),
            description=self.description,
            owner=self.owner,
            tags={tag: "true" for field in fields for tag in sorted(field.tags)},
        )


@dataclass(frozen=True)
class Definitions:
    """The views of a customer: the one of the scoring set, then the feature groups."""

    groups: tuple[Group, ...]
    entity_description: str = ""

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of all definitions."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    def objects(self, folder: Path) -> list[Any]:
        """Return Feast's objects: entity, source, one view a group, one service.

        folder is that of the Feast repository, which holds the scoring set that is served.
        """
        entity = Entity(
            name=ENTITY,
            join_keys=[ENTITY_KEY],
            value_type=ValueType.STRING,
            description=self.entity_description,
        )
        source = FileSource(
            name="scoring_set_file",
            path=str(folder / SCORING_SET_FILE),
            timestamp_field=DAY_COLUMN,
            description="The scoring set that is served: one row per customer.",
        )
        views = [group.view(entity, source) for group in self.groups]
        service = FeatureService(
            name=SERVICE,
            features=list(views),
            description="All features of a customer, and what they rest on.",
            owner=self.groups[0].owner,
        )
        return [entity, source, *views, service]


def read_definitions(run_dir: Path, scoring_set: Path) -> Definitions:
    """Return the definitions of a run whose features are those of a scoring set's file.

    A group that is not made of a source's snapshots is left out: its features are known only with
    an application, and come with the request.

    Raises UserError where the scoring set lacks a feature of the catalogue.
    """
    notes = json.loads((run_dir / DESCRIPTIONS_FILE).read_text())
    project = CompiledProject.load(run_dir)
    sources = {source.group: source for source in project.sources if source.group}
    with duckdb.connect() as con:
        attach(con, run_dir)
        catalog = rows_of(con, "from gold.feature_catalog")
        described = con.execute("describe from read_parquet(?)", [str(scoring_set)]).fetchall()
    types = {name: kind for name, kind, *_ in described}
    groups = []
    for name in sorted(sources.keys() & {row["feature_group"] for row in catalog}):
        rows = {row["feature"]: row for row in catalog if row["feature_group"] == name}
        if missing := rows.keys() - types.keys():
            raise UserError(
                f"feature {min(missing)} of gold.feature_catalog is not in the scoring set of"
                f" {run_dir}; build the run again with python main.py --rebuild"
            )
        source, table = sources[name], notes.get(f"gold.{name}_features", {})
        groups.append(
            Group(
                name,
                tuple(
                    _feature(rows[feature], kind, source)
                    for feature, kind in types.items()
                    if feature in rows
                ),
                f"{name}_{GROUP_COLUMNS[0]}",
                _one_line(table.get("description")),
                table.get("owner") or "",
                source.max_age_days,
            )
        )
    store = notes.get("gold.feature_store", {"columns": {}})
    rests_on = _scoring_set([group.name for group in groups], types, store)
    return Definitions((rests_on, *groups), _one_line(store["columns"].get(ENTITY_KEY)))


def _feature(row: Mapping[str, Any], data_type: str, source: SourceContract) -> Feature:
    """Return the feature of a row of the catalogue."""
    tags: tuple[str, ...] = ("personal",) if row["source_column"] in source.personal_columns else ()
    tags += ("sensitive",) if row["sensitive_uses"] else ()
    return Feature(row["feature"], data_type, _one_line(row["description"]), tags)


def _scoring_set(
    groups: Iterable[str], types: Mapping[str, str], store: Mapping[str, Any]
) -> Group:
    """Return the view of what a vector rests on: its day, and the snapshot used of each group."""
    columns = [f"{group}_{part}" for group in groups for part in GROUP_COLUMNS]
    described = {DAY_COLUMN: DAY_DESCRIPTION} | {c: store["columns"].get(c) for c in columns}
    return Group(
        SCORING_SET,
        tuple(Feature(c, types[c], _one_line(text)) for c, text in described.items()),
        description=SCORING_SET_DESCRIPTION,
        owner=store.get("owner") or "",
    )


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())
