"""The folder of what is served, and the record of what was served from it; needs no Feast."""

import json
from dataclasses import asdict
from pathlib import Path

from warehouse.serving.stores import Served

SERVING_DIR = "serving"  # of a datamart: the Feast repository
SETS_DIR = "scoring_sets"
HISTORY_FILE = "history.jsonl"
REGISTRY_FILE = "registry.db"


def serving_dir(datamart_dir: Path) -> Path:
    """Return the folder of the Feast repository, made when it is not there."""
    folder = datamart_dir.absolute() / SERVING_DIR
    folder.mkdir(exist_ok=True)
    return folder


def history(folder: Path) -> list[Served]:
    """Return what was served from a repository, oldest first."""
    file = folder / HISTORY_FILE
    lines = file.read_text().splitlines() if file.exists() else []
    return [Served(**json.loads(line)) for line in lines]


def keep_history(folder: Path, served: Served | None) -> None:
    """Note what is served now, unless it is noted already."""
    if served is not None and history(folder)[-1:] != [served]:
        with (folder / HISTORY_FILE).open("a") as file:
            file.write(json.dumps(asdict(served)) + "\n")


def remove_old_sets(folder: Path) -> None:
    """Keep the last two scoring sets: what is served, and what the spare store may hold."""
    kept = {served.scoring_set for served in history(folder)[-2:]}
    for file in (folder / SETS_DIR).glob("*.parquet"):
        if file.name not in kept:
            file.unlink()
