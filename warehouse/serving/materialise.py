"""Brings the scoring set of a day into the online store, whole or not at all."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from feast import FeatureStore
from feast.infra.online_stores.helpers import get_online_store_from_config
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from filelock import FileLock, Timeout

from warehouse.base.catalog import attach, quoted_name, read_parquet
from warehouse.base.errors import UserError
from warehouse.base.files import link_or_copy
from warehouse.base.rows import one_row
from warehouse.datamart.contents import table_hash
from warehouse.features.scoring import build_scoring_set, published_run
from warehouse.serving.definitions import (
    ENTITY_KEY,
    SCORING_SET_FILE,
    Definitions,
    Group,
    read_definitions,
)
from warehouse.serving.history import (
    REGISTRY_FILE,
    SETS_DIR,
    keep_history,
    remove_old_sets,
    serving_dir,
)
from warehouse.serving.repository import PROJECT, open_repository, write_settings
from warehouse.serving.stores import OnlineStore, Served
from warehouse.serving.values import kind_of

NEXT_REGISTRY = "registry.next.db"
ROWS_AT_ONCE = 500  # customers whose values are handed to Feast in one batch
NO_SNAPSHOT = "timestamp '1970-01-01'"  # event timestamp of a group without a snapshot
Say = Callable[[str], None]


def materialise(datamart_dir: Path, day: date, store: OnlineStore, say: Say) -> dict[str, int]:
    """Serve the features of every customer known on a day, from the published run.

    Only customers whose values differ from those that the spare store holds are written; returns
    how many of each group. What is served changes in one step at the end; until then, and after any
    failure, the old values are served whole.

    Raises UserError where nothing is published, another process materialises, or a feature's type
    is one that Feast cannot hold.
    """
    folder = serving_dir(datamart_dir)
    try:
        with FileLock(folder / "materialise.lock", timeout=0):
            return _materialise(folder, published_run(datamart_dir), day, store, say)
    except Timeout as error:
        raise UserError(
            f"another process materialises into {folder}; wait for it to end"
        ) from error


def _materialise(
    folder: Path, run_dir: Path, day: date, store: OnlineStore, say: Say
) -> dict[str, int]:
    say(f"computing the features of every customer known on {day}")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        new_set = Path(scratch) / "new.parquet"
        build_scoring_set(run_dir, day, new_set)
        definitions = read_definitions(run_dir, new_set)
        wanted = _describe(run_dir, day, new_set, definitions)
        (folder / SETS_DIR).mkdir(exist_ok=True)
        new_set.replace(folder / SETS_DIR / wanted.scoring_set)
    served = store.served()
    keep_history(folder, served)
    if served is not None and replace(wanted, materialised_at=served.materialised_at) == served:
        return {group.name: 0 for group in definitions.groups}
    written = write_store(folder, definitions, wanted, store, say)
    keep_history(folder, wanted)
    remove_old_sets(folder)
    return written


def _describe(run_dir: Path, day: date, new_set: Path, definitions: Definitions) -> Served:
    manifest = json.loads((run_dir / "manifest.json").read_text())
    with duckdb.connect() as con:
        attach(con, run_dir)
        (landed_at,) = one_row(con, "select max(landed_at) from bronze.loads")
        con.execute(f"create view scoring_set as {_scan(new_set)}")
        sha256 = table_hash(con, "scoring_set")
        (customers,) = one_row(con, "select count(*) from scoring_set")
    return Served(
        day=day.isoformat(),
        run_id=manifest["run_id"],
        known_at=manifest["inputs"].get("known_at") or landed_at.isoformat(),
        scoring_set=f"{day}_{sha256[:16]}.parquet",
        features_sha256=sha256,
        definitions=definitions.fingerprint,
        customers=customers,
        materialised_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
    )


def write_store(
    folder: Path, definitions: Definitions, wanted: Served, store: OnlineStore, say: Say
) -> dict[str, int]:
    """Write what of a scoring set's file differs into the spare store, and switch to it.

    Returns how many customers were written of each group.

    The file is `scoring_sets/<wanted.scoring_set>` below the repository's folder. Killed between
    the registry and the store, the old values are there under the new definitions, and the next
    materialisation completes the switch (on Redis it writes all customers again).
    """
    new_set = folder / SETS_DIR / wanted.scoring_set
    old_set = _base(folder, store.open_spare(), wanted)
    if old_set is None:
        store.clear_spare()
    (folder / NEXT_REGISTRY).unlink(missing_ok=True)
    repository = open_repository(folder, store.spare, NEXT_REGISTRY)
    repository.apply(definitions.objects(folder))
    written = {}
    with duckdb.connect() as con:
        for group in definitions.groups:
            written[group.name] = _write_group(con, repository, group, new_set, old_set)
            say(f"{group.name}: {written[group.name]:,} of {wanted.customers:,} customers written")
    write_settings(folder, store.live)
    link_new = folder / f"{SCORING_SET_FILE}.new"
    link_new.unlink(missing_ok=True)
    link_or_copy(str(new_set), str(link_new))
    link_new.replace(folder / SCORING_SET_FILE)
    os.replace(folder / NEXT_REGISTRY, folder / REGISTRY_FILE)
    store.switch(wanted)
    return written


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
        query = f"select count(*) from ({_scan(old)}) anti join ({_scan(new)}) using ({ENTITY_KEY})"
        (gone,) = one_row(con, query)
    return None if gone else old


def _write_group(
    con: DuckDBPyConnection,
    repository: FeatureStore,
    group: Group,
    new_set: Path,
    old_set: Path | None,
) -> int:
    """Write the customers of a group whose values or snapshot differ; returns how many."""
    names = [feature.name for feature in group.features]
    kinds = [kind_of(feature.data_type, feature.name) for feature in group.features]
    contents = [
        kind.sql.format(f"new.{quoted_name(n)}") for n, kind in zip(names, kinds, strict=True)
    ]
    snapshot = f"coalesce(cast(new.{quoted_name(group.date_column)} as timestamp), {NO_SNAPSHOT})"
    query = (
        f"select new.{ENTITY_KEY}, {snapshot}, {', '.join(contents)} from ({_scan(new_set)}) as new"
    )
    if old_set is not None:
        columns = [quoted_name(name) for name in dict.fromkeys([group.date_column, *names])]
        new, old = (
            f"row({', '.join(f'{side}.{column}' for column in columns)})" for side in ("new", "old")
        )
        query += (
            f" left join ({_scan(old_set)}) as old using ({ENTITY_KEY})"
            f" where old.{ENTITY_KEY} is null or {new} is distinct from {old}"
        )
    view = repository.get_feature_view(group.name)
    online = get_online_store_from_config(repository.config.online_store)
    found = con.execute(f"{query} order by new.{ENTITY_KEY}")
    count = 0
    while rows := found.fetchmany(ROWS_AT_ONCE):
        batch: list[tuple[EntityKey, dict[str, Value], datetime, datetime | None]] = [
            (
                EntityKey(join_keys=[ENTITY_KEY], entity_values=[Value(string_val=customer)]),
                {n: kind.value(x) for n, kind, x in zip(names, kinds, values, strict=True)},
                moment,
                None,
            )
            for customer, moment, *values in rows
        ]
        online.online_write_batch(repository.config, view, batch, None)
        count += len(batch)
    (newest,) = one_row(con, f"select max({snapshot}) from ({_scan(new_set)}) as new")
    repository.registry.apply_materialization(view, PROJECT, newest, newest)
    return count


def _scan(file: Path) -> str:
    return f"select * from {read_parquet(file)}"
