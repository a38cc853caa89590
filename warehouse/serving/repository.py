"""Writes the Feast repository of a catalogue: settings, feature definitions, registry."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.value_type import ValueType

from warehouse.serving.catalogue import DAY_COLUMN, ENTITY_KEY, Catalogue, Group
from warehouse.serving.values import kind_of

PROJECT = "loan_default"
ENTITY = "customer"
SERVICE = "customer_features"  # all views together
SETTINGS_FILE = "feature_store.yaml"
REGISTRY_FILE = "registry.db"
CATALOGUE_FILE = "catalogue.json"
DEFINITIONS_FILE = "features.py"
SCORING_SET_FILE = "scoring_set.parquet"
NO_SNAPSHOT = datetime(1970, 1, 1, tzinfo=UTC)  # event timestamp of a group without a snapshot
# The registry changes only when a scoring set is materialised, and the workers of the server are
# replaced then. Cached for good, a request does not parse several hundred definitions again.
REGISTRY_CACHE_SECONDS = 10 * 365 * 86400

DEFINITIONS = '''\
"""The feature definitions of the published datamart. Written by `python main.py serve`."""

from pathlib import Path

from warehouse.serving.repository import definitions
from warehouse.serving.catalogue import Catalogue

folder = Path(__file__).resolve().parent
objects = definitions(Catalogue.load(folder / "catalogue.json"), folder)
globals().update({f"definition_{place}": found for place, found in enumerate(objects)})
'''


def settings(online_store: dict[str, Any], registry: str = REGISTRY_FILE) -> dict[str, Any]:
    """Return the content of feature_store.yaml."""
    return {
        "project": PROJECT,
        "provider": "local",
        "registry": {"path": registry, "cache_ttl_seconds": REGISTRY_CACHE_SECONDS},
        "online_store": online_store,
        "offline_store": {"type": "file"},
        "entity_key_serialization_version": 3,
    }


def open_repository(folder: Path, online_store: dict[str, Any], registry: str) -> FeatureStore:
    """Return a Feast store over a folder, with an online store and a registry of the caller's."""
    config = RepoConfig(**settings(online_store, registry))
    config.repo_path = folder
    return FeatureStore(repo_path=str(folder), config=config)


def write_repository(folder: Path, catalogue: Catalogue, online_store: dict[str, Any]) -> None:
    """Write settings and definitions for Feast's own commands; the registry is written apart."""
    text = yaml.safe_dump(settings(online_store), sort_keys=False)
    _replace(folder / SETTINGS_FILE, text, mode=0o600)  # it may hold the password of a Redis
    _replace(folder / DEFINITIONS_FILE, DEFINITIONS)
    catalogue.save(folder / f"{CATALOGUE_FILE}.new")
    os.replace(folder / f"{CATALOGUE_FILE}.new", folder / CATALOGUE_FILE)


def definitions(catalogue: Catalogue, folder: Path) -> list[Any]:
    """Return Feast's objects of a catalogue: entity, source, one view a group, one service."""
    entity = Entity(
        name=ENTITY,
        join_keys=[ENTITY_KEY],
        value_type=ValueType.STRING,
        description=catalogue.entity_description,
    )
    source = FileSource(
        name="scoring_set_file",
        path=str(folder / SCORING_SET_FILE),
        timestamp_field=DAY_COLUMN,
        description="The scoring set that is served: one row per customer.",
    )
    views = [_view(group, entity, source) for group in catalogue.groups]
    service = FeatureService(
        name=SERVICE,
        features=list(views),
        description="All features of a customer, and what they rest on.",
        owner=catalogue.groups[0].owner,
    )
    return [entity, source, *views, service]


def _view(group: Group, entity: Entity, source: FileSource) -> FeatureView:
    return FeatureView(
        name=group.name,
        entities=[entity],
        schema=[
            Field(
                name=feature.name,
                dtype=kind_of(feature.data_type, feature.name).feast_type,
                description=feature.description,
                tags={tag: "true" for tag in feature.tags},
            )
            for feature in group.features
        ],
        source=source,
        # zero is Feast's way to say that a value never gets too old
        ttl=timedelta(days=group.max_age_days or 0),
        description=group.description,
        owner=group.owner,
        tags={
            tag: "true" for tag in sorted({t for feature in group.features for t in feature.tags})
        },
    )


def _replace(file: Path, text: str, mode: int = 0o644) -> None:
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=mode)
    new.write_text(text)
    os.replace(new, file)
