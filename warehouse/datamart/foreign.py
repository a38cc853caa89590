"""Files in a run's folders that the run did not write: a user's own. They move to the lab.

Every run keeps the list of its files and their sizes (files.json). A file that is not in the list,
or has another size, was put there by somebody else.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from warehouse.base.files import read_json, write_json
from warehouse.base.layout import LAYERS

FILES_FILE = "files.json"
RUN_ID_FILE = ".run_id"  # in a copied layer: the run that it is a copy of
MADE_BY_SYSTEMS = (RUN_ID_FILE, ".DS_Store", "Thumbs.db", "desktop.ini")


def save_list(run_dir: Path) -> None:
    """Write the list of the run's files: {"gold/label_store.parquet": bytes}."""
    write_json(
        run_dir / FILES_FILE,
        {
            f"{layer}/{name}": size
            for layer in LAYERS
            for name, size in _files(run_dir / layer)
            if Path(name).name not in MADE_BY_SYSTEMS
        },
    )


def load_list(run_dir: Path) -> dict[str, int] | None:
    """Return the list of the run's files, None when it keeps none."""
    files: dict[str, int] | None = read_json(run_dir / FILES_FILE)
    return files


def missing_files(run_dir: Path) -> list[str]:
    """Return the run's files that are gone, or have another size than the run wrote."""
    listed = load_list(run_dir) or {}
    found = {f"{layer}/{name}": size for layer in LAYERS for name, size in _files(run_dir / layer)}
    return [name for name, size in listed.items() if found.get(name) != size]


def move_to_lab(folder: Path, listed: Mapping[str, int], layer: str, lab: Path) -> list[Path]:
    """Move the files of a layer's folder that are not in the list into the lab, never over another.

    Returns where they are now.
    """
    moved = []
    for name, size in list(_files(folder)):
        if listed.get(f"{layer}/{name}") == size or Path(name).name in MADE_BY_SYSTEMS:
            continue
        target = _free_name(lab / name)
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).rename(target)
        _remove_empty_folders((folder / name).parent, folder)
        moved.append(target)
    return moved


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """Return path below the folder and size in bytes of every file."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent) / name
            yield path.relative_to(folder).as_posix(), path.lstat().st_size


def _free_name(path: Path) -> Path:
    candidate, count = path, 1
    while candidate.exists() or candidate.is_symlink():
        count += 1
        candidate = path.with_name(f"{path.stem}_{count}{path.suffix}")
    return candidate


def _remove_empty_folders(folder: Path, top: Path) -> None:
    with contextlib.suppress(OSError):  # not empty
        while folder != top:
            folder.rmdir()
            folder = folder.parent
