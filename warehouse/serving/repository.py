"""The Feast repository of a datamart: its settings, and Feast over it."""

from pathlib import Path
from typing import Any

import yaml
from feast import FeatureStore, RepoConfig

from warehouse.serving.history import REGISTRY_FILE

PROJECT = "loan_default"
SETTINGS_FILE = "feature_store.yaml"
# The registry changes only when a scoring set is materialised, and the workers of the server are
# replaced then. Cached for good, a request does not parse several hundred definitions again.
REGISTRY_CACHE_SECONDS = 10 * 365 * 86400


def open_repository(folder: Path, online_store: dict[str, Any], registry: str) -> FeatureStore:
    """Return a Feast store over a folder, with an online store and a registry of the caller's."""
    config = RepoConfig(**_settings(online_store, registry))
    config.repo_path = folder
    return FeatureStore(repo_path=str(folder), config=config)


def write_settings(folder: Path, online_store: dict[str, Any]) -> None:
    """Write the settings for Feast's own commands; they may hold the password of a Redis."""
    new = folder / f".{SETTINGS_FILE}.new"
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(yaml.safe_dump(_settings(online_store, REGISTRY_FILE), sort_keys=False))
    new.replace(folder / SETTINGS_FILE)


def _settings(online_store: dict[str, Any], registry: str) -> dict[str, Any]:
    return {
        "project": PROJECT,
        "provider": "local",
        "registry": {"path": registry, "cache_ttl_seconds": REGISTRY_CACHE_SECONDS},
        "online_store": online_store,
        "offline_store": {"type": "file"},
        "entity_key_serialization_version": 3,
    }
