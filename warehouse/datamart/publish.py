"""Publishes a finished run by one rename, and shows it under bronze, silver and gold.

`current` names the published run: a symbolic link, or a text file where the file system has no
links. Replacing it is the one step that publishes. All else (the folders that users see, old runs)
follows from it, and is made good by the next run where a run was killed.
"""

import contextlib
import os
import shutil
from pathlib import Path

from warehouse.base.files import write_json, write_text
from warehouse.base.layout import LAYERS, REPORT_FILE, Datamart
from warehouse.datamart import foreign
from warehouse.datamart.foreign import RUN_ID_FILE
from warehouse.datamart.runs import discard

KEPT_RUNS = 3
KEPT_RECORDS = 100


def publish(datamart: Datamart, run_id: str) -> list[Path]:
    """Publish the finished building folder of a run; returns a user's files moved to the lab."""
    run_dir = datamart.runs / run_id
    foreign.save_list(datamart.building / run_id)
    os.sync()  # the run has to be on disk before `current` names it
    (datamart.building / run_id).rename(run_dir)
    _replace_link_or_file(datamart.current, Path("runs") / run_id)
    moved = show(datamart)
    _prune_runs(datamart)
    discard(datamart)
    return moved


def recover(datamart: Datamart) -> list[Path]:
    """Complete what a killed run left undone, and move a user's files out of the published run.

    Returns where the user's files are now. To be called with the datamart's lock held.
    """
    discard(datamart)
    _complete_record(datamart)
    moved = show(datamart)
    for run_dir in datamart.runs.iterdir():
        moved += _move_to_lab(datamart, run_dir)
    return moved


def _complete_record(datamart: Datamart) -> None:
    """Write the record of a run that was killed just after it was published."""
    manifest = datamart.current_manifest()
    if manifest is not None:
        record = datamart.manifests / f"{manifest['run_id']}.json"
        if not record.exists() or '"outcome": "published"' not in record.read_text("utf-8"):
            write_json(record, manifest)


def show(datamart: Datamart) -> list[Path]:
    """Show the published run as bronze, silver, gold and report.html; nothing when it is shown.

    Returns a user's files that were in the way and are in the lab now.
    """
    run_dir = datamart.current_run()
    if run_dir is None:
        return []
    moved = []
    for layer in LAYERS:
        moved += _empty_old_folder(datamart, layer)  # of a run that was killed
        if datamart.current.is_symlink():
            _show_link(datamart, layer)
        else:
            moved += _show_copy(datamart, layer, run_dir)
        moved += _empty_old_folder(datamart, layer)
    show_report(datamart)
    return moved


def show_report(datamart: Datamart) -> None:
    """Show the published run's report as report.html of the datamart."""
    run_dir, shown = datamart.current_run(), datamart.root / REPORT_FILE
    if datamart.current.is_symlink():
        _replace_link(shown, Path("current") / REPORT_FILE)
    elif run_dir is not None and (run_dir / REPORT_FILE).exists():
        write_text(shown, (run_dir / REPORT_FILE).read_text(encoding="utf-8"))


def _show_link(datamart: Datamart, layer: str) -> None:
    folder = datamart.root / layer
    if folder.is_dir() and not folder.is_symlink():
        # made by somebody, or by a run when the file system had no links
        folder.rename(_old(datamart, layer))
    _replace_link(folder, Path("current") / layer)


def _show_copy(datamart: Datamart, layer: str, run_dir: Path) -> list[Path]:
    folder, new = datamart.root / layer, datamart.root / f".{layer}.new"
    if _copied_run(folder) == run_dir.name:
        listed = foreign.load_list(run_dir) or {}
        return foreign.move_to_lab(folder, listed, layer, datamart.lab)
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(run_dir / layer, new)
    (new / RUN_ID_FILE).write_text(run_dir.name, encoding="utf-8")
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        folder.rename(_old(datamart, layer))
    new.rename(folder)
    return []


def _empty_old_folder(datamart: Datamart, layer: str) -> list[Path]:
    """Remove the folder that was shown before; what a run did not write goes to the lab."""
    old, checked = _old(datamart, layer), datamart.root / f".{layer}.trash"
    shutil.rmtree(checked, ignore_errors=True)
    if not old.exists():
        return []
    run_id = _copied_run(old)
    listed = foreign.load_list(datamart.runs / run_id) if run_id else None
    moved = foreign.move_to_lab(old, listed or {}, layer, datamart.lab)
    old.rename(checked)  # a half-removed folder does not look like a user's own
    shutil.rmtree(checked, ignore_errors=True)
    return moved


def _old(datamart: Datamart, layer: str) -> Path:
    return datamart.root / f".{layer}.old"


def _copied_run(folder: Path) -> str | None:
    """Return the id of the run that a layer's folder is a copy of, None for any other folder."""
    try:
        return (folder / RUN_ID_FILE).read_text(encoding="utf-8")
    except OSError:
        return None


def _replace_link_or_file(path: Path, target: Path) -> None:
    """Make path a link to target, or where there are no links a text file that names it."""
    try:
        _replace_link(path, target)
    except (OSError, NotImplementedError):
        write_text(path, f"{target.as_posix()}\n")


def _replace_link(link: Path, target: Path) -> None:
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _move_to_lab(datamart: Datamart, run_dir: Path) -> list[Path]:
    """Move a user's files out of a run's folders."""
    listed = foreign.load_list(run_dir)
    if listed is None:  # of an older release
        return []
    return [
        path
        for layer in LAYERS
        for path in foreign.move_to_lab(run_dir / layer, listed, layer, datamart.lab)
    ]


def _prune_runs(datamart: Datamart) -> None:
    """Delete all but the newest runs; the published one is always kept."""
    current = datamart.current_run()
    kept = sorted(datamart.runs.iterdir(), reverse=True)[:KEPT_RUNS]
    for run_dir in datamart.runs.iterdir():
        if run_dir not in kept and run_dir.name != (current and current.name):
            with contextlib.suppress(OSError):  # left to the next run
                _move_to_lab(datamart, run_dir)
                shutil.rmtree(run_dir)


def prune_records(datamart: Datamart) -> None:
    """Delete all but the newest manifests and logs; failed runs leave them too."""
    for folder in (datamart.manifests, datamart.logs):
        for old in sorted(folder.iterdir(), reverse=True)[KEPT_RECORDS:]:
            old.unlink(missing_ok=True)
