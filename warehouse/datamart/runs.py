"""Opens a datamart's folders and begins a run in it."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.base.files import link_or_copy
from warehouse.base.layout import GROUP_POWER_FILE, LAYERS, REPORT_FILE, Datamart

NOT_IN_A_CLONE = ("manifest.json", "files.json", REPORT_FILE, GROUP_POWER_FILE)


def open_datamart(root: Path) -> Datamart:
    """Return the datamart at root, with its working folders made.

    Raises:
        UserError: root is a file, cannot be written, or has a name that DuckDB takes for a pattern.
    """
    datamart = Datamart(root.absolute())
    if set(str(datamart.root)) & set("*?["):
        raise UserError(
            f"datamart folder {datamart.root} has one of * ? [ in its path, which would match"
            " other folders; choose another with --datamart-dir"
        )
    try:
        for folder in (datamart.runs, datamart.manifests, datamart.logs, datamart.lab):
            folder.mkdir(parents=True, exist_ok=True)
        probe = datamart.root / f".write_probe_{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"datamart folder {root} cannot be written ({error.strerror});"
            " choose another with --datamart-dir or change its permissions"
        ) from error
    return datamart


def new_run_id(datamart: Datamart) -> str:
    """Return a run id that sorts by time and is new here: 20260131T235959Z, then ..._2."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    run_id, count = stamp, 1
    while (datamart.manifests / f"{run_id}.json").exists() or (datamart.runs / run_id).exists():
        count += 1
        run_id = f"{stamp}_{count}"
    return run_id


def begin(datamart: Datamart, run_id: str, is_incremental: bool = False) -> Path:
    """Make the run's building folder: the published bronze, or for an incremental run everything.

    Files are hard links of the published ones: they are replaced, never changed in place. The
    folder is this run's own, because the Spark of a run killed a moment ago may still be writing.
    """
    discard(datamart)
    build_dir = datamart.building / run_id
    build_dir.mkdir(parents=True)
    run_dir = datamart.current_run()
    if run_dir is not None:
        for path in run_dir.iterdir():
            if path.name == "bronze" or (is_incremental and path.name not in NOT_IN_A_CLONE):
                _clone(path, build_dir / path.name)
    for layer in LAYERS:
        (build_dir / layer).mkdir(exist_ok=True)
    return build_dir


def _clone(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, copy_function=link_or_copy)
    else:
        link_or_copy(str(source), str(target))


def discard(datamart: Datamart) -> None:
    """Remove what unfinished runs left; what cannot be removed now is left to the next run."""
    shutil.rmtree(datamart.building, ignore_errors=True)
