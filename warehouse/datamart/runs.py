"""The runs of a datamart on disk: build beside the published one, swap in whole, keep a few.

datamart/
    bronze, silver, gold, report.html  ->  current/...     what users read
    current               ->  runs/<run id>   replaced in one step
    runs/<run id>/                            a published run, never changed by a later one
    building/<run id>/                        the run in progress; what a killed run left
    manifests/<run id>.json                   what every run did, failed ones included
    logs/<run id>.log
    proof.json, proof_target/                 the last leakage proof, and what dbt made for it
    dbt_target/                               what dbt compiled last
    run.lock, run.lock.json                   who is at work here
    spark/                                    silver and gold as --target spark builds them
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from warehouse.base.catalog import LAYERS
from warehouse.base.errors import UserError

KEPT_RUNS = 3
KEPT_MANIFESTS = 100
TOUCHED_BY_DBT = "touched_by_dbt.json"


@dataclass(frozen=True)
class Datamart:
    """The folders of one datamart."""

    root: Path

    @property
    def current(self) -> Path:
        """The link to the published run."""
        return self.root / "current"

    @property
    def runs(self) -> Path:
        """The published runs, the newest KEPT_RUNS of them."""
        return self.root / "runs"

    @property
    def building(self) -> Path:
        """What is being built, or what a killed run left."""
        return self.root / "building"

    @property
    def manifests(self) -> Path:
        """One JSON file a run."""
        return self.root / "manifests"

    @property
    def logs(self) -> Path:
        """One text file a run."""
        return self.root / "logs"

    def current_run(self) -> Path | None:
        """The published run's own folder, None before the first run."""
        return self.current.resolve() if self.current.exists() else None

    def current_manifest(self) -> dict[str, Any] | None:
        """What the published run says of itself, None before the first run."""
        run_dir = self.current_run()
        if run_dir is None:
            return None
        try:
            return json.loads((run_dir / "manifest.json").read_text())
        except (OSError, ValueError):
            return None

    def is_as_published(self) -> bool:
        """Whether nobody changed tables of the published run by dbt in a terminal."""
        return not (self.current / TOUCHED_BY_DBT).exists()

    def manifests_before(self, run_id: str) -> list[dict[str, Any]]:
        """What earlier runs say of themselves, oldest first; unreadable ones are passed over."""
        found = []
        for path in sorted(self.manifests.glob("*.json")):
            with contextlib.suppress(OSError, ValueError):
                if path.stem != run_id:
                    found.append(json.loads(path.read_text()))
        return found


def open_datamart(root: Path) -> Datamart:
    """The datamart at root, with its working folders made.

    Raises:
        UserError: root is a file, cannot be written, holds folders that are not a datamart's, or
            has a name that DuckDB takes for a pattern of names.
    """
    datamart = Datamart(root.absolute())
    if set(str(datamart.root)) & set("*?["):
        raise UserError(
            f"datamart folder {datamart.root} has one of * ? [ in its path, which would stand for"
            " other folders; choose another with --datamart-dir"
        )
    try:
        for folder in (datamart.runs, datamart.manifests, datamart.logs):
            folder.mkdir(parents=True, exist_ok=True)
        probe = datamart.root / f".write_probe_{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"datamart folder {root} cannot be written ({error.strerror});"
            " choose another with --datamart-dir or change its permissions"
        ) from error
    for layer in LAYERS:
        link = datamart.root / layer
        if link.exists() and not link.is_symlink():
            raise UserError(
                f"{link} is not a link made by a run; move it away,"
                " or choose another folder with --datamart-dir"
            )
    return datamart


@contextmanager
def locked(datamart: Datamart) -> Iterator[None]:
    """Hold the datamart's lock. The system frees it when the process ends, however it ends.

    Raises:
        UserError: another process holds it; the message says which.
    """
    lock = FileLock(datamart.root / "run.lock")
    holder = datamart.root / "run.lock.json"
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another run is working on {datamart.root}: {_holder_text(holder)};"
            " wait for it to end, or use another --datamart-dir"
        ) from error
    try:
        with contextlib.suppress(OSError):  # on a full disk the lock alone has to do
            holder.write_text(
                json.dumps(
                    {
                        "pid": os.getpid(),
                        "host": os.uname().nodename,
                        "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
                    }
                )
            )
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder_text(holder: Path) -> str:
    try:
        said = json.loads(holder.read_text())
        return f"process {said['pid']} on {said['host']}, since {said['since']}"
    except (OSError, ValueError, KeyError):
        return "a process that has just started"


def new_run_id(datamart: Datamart) -> str:
    """A run id that sorts by time and is new to this datamart: 20260131T235959Z, then ..._2."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    run_id, count = stamp, 1
    while (datamart.manifests / f"{run_id}.json").exists() or (datamart.runs / run_id).exists():
        count += 1
        run_id = f"{stamp}_{count}"
    return run_id


def begin(datamart: Datamart, run_id: str) -> Path:
    """A building folder of this run's own that holds the published bronze as hard links.

    Its own, because the Spark of a run killed a moment ago may still be writing into that run's.
    """
    discard(datamart)
    build_dir = datamart.building / run_id
    for layer in LAYERS:
        (build_dir / layer).mkdir(parents=True)
    run_dir = datamart.current_run()
    if run_dir is not None:
        shutil.copytree(
            run_dir / "bronze", build_dir / "bronze", copy_function=link, dirs_exist_ok=True
        )
    return build_dir


def link(source: str, target: str) -> None:
    """Hard-link a file, or copy it where the file system knows no hard links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def publish(datamart: Datamart, run_id: str) -> Path:
    """Swap the finished building folder in whole; returns the run's folder.

    One rename makes the folder a run, one replaced link shows it. Killed before the second,
    the older run stays published and the next publish prunes what was left.
    """
    run_dir = datamart.runs / run_id
    os.sync()  # what the link will show has to be on disk before the link is
    (datamart.building / run_id).rename(run_dir)
    for name in (*LAYERS, "report.html"):
        _replace_link(datamart.root / name, Path("current") / name)
    _replace_link(datamart.current, Path("runs") / run_id)
    _prune_runs(datamart)
    discard(datamart)
    return run_dir


def _replace_link(link: Path, target: Path) -> None:
    if link.is_symlink() and Path(os.readlink(link)) == target:
        return
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)


def _prune_runs(datamart: Datamart) -> None:
    """Delete all but the newest runs, the published one kept in any case."""
    current = datamart.current_run()
    kept = sorted(datamart.runs.iterdir(), reverse=True)[:KEPT_RUNS]
    for run_dir in datamart.runs.iterdir():
        if run_dir not in kept and run_dir != current:
            shutil.rmtree(run_dir, ignore_errors=True)


def prune_records(datamart: Datamart) -> None:
    """Delete all but the newest manifests and logs; failed runs leave them too."""
    for folder in (datamart.manifests, datamart.logs):
        for old in sorted(folder.iterdir(), reverse=True)[KEPT_MANIFESTS:]:
            old.unlink(missing_ok=True)


def discard(datamart: Datamart) -> None:
    """Remove what unfinished runs left; what cannot be removed now is left to the next run."""
    shutil.rmtree(datamart.building, ignore_errors=True)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole: beside its place first, then renamed."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(content, indent=2, default=str) + "\n")
    beside.replace(path)
