"""Brings the scoring set of a day into the online store, whole or not at all."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb
from feast import FeatureStore
from feast.infra.online_stores.helpers import get_online_store_from_config
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from filelock import FileLock, Timeout

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.errors import UserError
from warehouse.base.files import link_or_copy
from warehouse.datamart.contents import table_hash
from warehouse.features.scoring import published_run
from warehouse.serving.catalogue import ENTITY_KEY, Catalogue, Group, read_catalogue
from warehouse.serving.repository import (
    NO_SNAPSHOT,
    PROJECT,
    REGISTRY_FILE,
    SCORING_SET_FILE,
    definitions,
    open_repository,
    write_repository,
)
from warehouse.serving.stores import OnlineStore, Served
from warehouse.serving.values import kind_of
from warehouse.serving.warehouse_reader import write_scoring_set

SERVING_DIR = "serving"  # of a datamart: the Feast repository
SETS_DIR = "scoring_sets"
HISTORY_FILE = "history.jsonl"
NEXT_REGISTRY = "registry.next.db"
ROWS_AT_ONCE = 500  # customers whose values are handed to Feast in one batch


@dataclass(frozen=True)
class Materialised:
    """What a materialisation did: what is served now, and the customers written of each group."""

    served: Served
    written: dict[str, int]
    is_incremental: bool


def materialise(
    datamart_dir: Path, day: date, store: OnlineStore, say: Callable[[str], None]
) -> Materialised:
    """Serve the features of every customer known on a day, from the published run.

    Only customers whose values differ from those that the spare store holds are written. What is
    served changes in one step at the end; until then, and after any failure, the old values are
    served whole.

    Raises UserError where nothing is published, another process materialises, or a feature's type
    is one that Feast cannot hold.
    """
    folder = serving_dir(datamart_dir)
    with _locked(folder):
        run_dir = published_run(datamart_dir)
        say(f"computing the features of every customer known on {day}")
        new_set = folder / SETS_DIR / "new.parquet"
        new_set.parent.mkdir(exist_ok=True)
        write_scoring_set(run_dir, day, new_set)
        catalogue = read_catalogue(run_dir, new_set)
        wanted = _describe(run_dir, day, new_set, catalogue)
        os.replace(new_set, folder / SETS_DIR / wanted.scoring_set)
        served = store.served()
        _keep_history(folder, served)
        if served is not None and replace(wanted, materialised_at=served.materialised_at) == served:
            return Materialised(served, dict.fromkeys((g.name for g in catalogue.groups), 0), True)
        done = write_store(folder, catalogue, wanted, store, say)
        _keep_history(folder, store.served())
        _remove_old_sets(folder, store)
    return done


def serving_dir(datamart_dir: Path) -> Path:
    """Return the folder of the Feast repository, made when it is not there."""
    folder = datamart_dir.absolute() / SERVING_DIR
    folder.mkdir(exist_ok=True)
    return folder


def history(folder: Path) -> list[Served]:
    """Return what was served from a repository, oldest first."""
    try:
        lines = (folder / HISTORY_FILE).read_text().splitlines()
    except FileNotFoundError:
        return []
    return [Served(**json.loads(line)) for line in lines]


def _describe(run_dir: Path, day: date, new_set: Path, catalogue: Catalogue) -> Served:
    manifest = json.loads((run_dir / "manifest.json").read_text())
    with duckdb.connect() as con:
        attach(con, run_dir)
        landed_at = _one(con, "select max(landed_at) from bronze.loads")
        con.execute(f"create view scoring_set as {_scan(new_set)}")
        sha256 = table_hash(con, "scoring_set")
        customers = _one(con, "select count(*) from scoring_set")
    now = datetime.now(UTC).replace(microsecond=0, tzinfo=None)
    return Served(
        day=day.isoformat(),
        run_id=manifest["run_id"],
        known_at=manifest["inputs"].get("known_at") or landed_at.isoformat(),
        scoring_set=f"{day}_{sha256[:16]}.parquet",
        features_sha256=sha256,
        definitions=catalogue.fingerprint,
        customers=customers,
        materialised_at=now.isoformat(),
    )


def write_store(
    folder: Path,
    catalogue: Catalogue,
    wanted: Served,
    store: OnlineStore,
    say: Callable[[str], None],
) -> Materialised:
    """Write what of a scoring set's file differs into the spare store, and switch to it.

    The file is `scoring_sets/<wanted.scoring_set>` below the repository's folder.
    """
    new_set = folder / SETS_DIR / wanted.scoring_set
    old_set = _base(folder, store.open_spare(), wanted)
    if old_set is None:
        store.clear_spare()
    (folder / NEXT_REGISTRY).unlink(missing_ok=True)
    repository = open_repository(folder, store.spare, NEXT_REGISTRY)
    repository.apply(definitions(catalogue, folder))
    written = {}
    with duckdb.connect() as con:
        for group in catalogue.groups:
            written[group.name] = _write_group(con, repository, group, new_set, old_set)
            say(f"{group.name}: {written[group.name]:,} of {wanted.customers:,} customers written")
            newest = _newest_date(con, group, new_set)
            repository.registry.apply_materialization(
                repository.get_feature_view(group.name), PROJECT, newest, newest
            )
    store.complete_spare(wanted)
    write_repository(folder, catalogue, store.live)
    link_new = folder / f"{SCORING_SET_FILE}.new"
    link_new.unlink(missing_ok=True)
    link_or_copy(str(new_set), str(link_new))
    os.replace(link_new, folder / SCORING_SET_FILE)
    os.replace(folder / NEXT_REGISTRY, folder / REGISTRY_FILE)
    store.switch()
    return Materialised(wanted, written, old_set is not None)


def _base(folder: Path, held: Served | None, wanted: Served) -> Path | None:
    """Return the scoring set that the spare store holds, None where it has to be written whole.

    That is so where the definitions have changed, or a customer is no longer in the set: Feast
    has no way to remove one.
    """
    if held is None or held.definitions != wanted.definitions:
        return None
    old, new = (folder / SETS_DIR / found.scoring_set for found in (held, wanted))
    if not old.is_file():
        return None
    with duckdb.connect() as con:
        gone = _one(
            con,
            f"select count(*) from ({_scan(old)}) as old"
            f" anti join ({_scan(new)}) as new using ({ENTITY_KEY})",
        )
    return None if gone else old


def _write_group(
    con: duckdb.DuckDBPyConnection,
    repository: FeatureStore,
    group: Group,
    new_set: Path,
    old_set: Path | None,
) -> int:
    """Write the customers of a group whose values or snapshot differ; returns how many."""
    names = [feature.name for feature in group.features]
    kinds = [kind_of(feature.data_type, feature.name) for feature in group.features]
    columns = dict.fromkeys([group.date_column, *names])
    changed = f"from ({_scan(new_set)}) as new"
    if old_set is not None:
        rows = [", ".join(f"{side}.{quoted_name(c)}" for c in columns) for side in ("new", "old")]
        changed += (
            f" left join ({_scan(old_set)}) as old using ({ENTITY_KEY})"
            f" where old.{ENTITY_KEY} is null or row({rows[0]}) is distinct from row({rows[1]})"
        )
    selected = ", ".join(
        f"new.{quoted_name(name)}" for name in (ENTITY_KEY, group.date_column, *names)
    )
    found = con.execute(f"select {selected} {changed} order by new.{ENTITY_KEY}")
    view = repository.get_feature_view(group.name)
    online = get_online_store_from_config(repository.config.online_store)
    count = 0
    while rows_read := found.fetchmany(ROWS_AT_ONCE):
        batch: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
            (
                EntityKey(join_keys=[ENTITY_KEY], entity_values=[Value(string_val=customer)]),
                {
                    name: kind.value(content)
                    for name, kind, content in zip(names, kinds, contents, strict=True)
                },
                _midnight(snapshot) if snapshot else NO_SNAPSHOT,
                None,
            )
            for customer, snapshot, *contents in rows_read
        ]
        online.online_write_batch(repository.config, view, batch, None)
        count += len(batch)
    return count


def _newest_date(con: duckdb.DuckDBPyConnection, group: Group, new_set: Path) -> datetime:
    newest = _one(con, f"select max({quoted_name(group.date_column)}) from ({_scan(new_set)})")
    return _midnight(newest) if newest else NO_SNAPSHOT


def _one(con: duckdb.DuckDBPyConnection, query: str) -> Any:
    """Return the value of a query that has one row and one column."""
    row = con.execute(query).fetchone()
    assert row is not None  # an aggregate has one row
    return row[0]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _scan(file: Path) -> str:
    path = str(file).replace("'", "''")
    return f"select * from read_parquet('{path}')"


def _keep_history(folder: Path, served: Served | None) -> None:
    """Note what is served now, unless it is noted already."""
    noted = history(folder)
    if served is not None and (not noted or noted[-1] != served):
        with (folder / HISTORY_FILE).open("a") as file:
            file.write(json.dumps(asdict(served)) + "\n")


def _remove_old_sets(folder: Path, store: OnlineStore) -> None:
    """Keep the last two scoring sets: what is served, and what the spare store may hold."""
    kept = {served.scoring_set for served in history(folder)[-2:]}
    for file in (folder / SETS_DIR).glob("*.parquet"):
        if file.name not in kept:
            file.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "materialise.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise UserError(
            f"another process materialises into {folder}; wait for it to end"
        ) from error
    try:
        yield
    finally:
        lock.release()
