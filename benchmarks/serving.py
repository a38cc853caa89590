"""Measures online serving: writing a day's scoring set, the store's size, answers over HTTP.

All features are served of the real set's customers, and a model's worth of them of ten times as
many, made by serving every customer ten times under other keys.
"""

import http.client
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import psutil

from benchmarks.measure import Cost
from benchmarks.results import Part, Table

if TYPE_CHECKING:
    from benchmarks.__main__ import Setting

DAY = date(2024, 12, 1)
PORT, REDIS_PORT = 16_566, 16_379
MODEL_FEATURES = 5  # of each group: what a model uses
REQUESTS = {1: 200, 100: 20}  # by customers in a request


@dataclass(frozen=True)
class Served:
    """A store that was written, and what it took."""

    name: str
    cost: Cost
    customers: int
    features: int
    mib: float


def run(setting: "Setting") -> Part:
    """Serve the published run of the data from SQLite, and from Redis where there is a server."""
    from warehouse.features.scoring import build_scoring_set
    from warehouse.serving.definitions import read_definitions

    run_dir, sets = setting.published_run(), setting.folder / "sets"
    sets.mkdir()
    build_scoring_set(run_dir, DAY, sets / "x1.parquet")
    definitions = read_definitions(run_dir, sets / "x1.parquet")
    model = replace(
        definitions,
        groups=tuple(
            replace(group, features=group.features[:MODEL_FEATURES]) for group in definitions.groups
        ),
    )
    duckdb.execute(
        "copy (select customer_id || '_' || copy as customer_id, * exclude (customer_id, copy)"
        f" from '{sets / 'x1.parquet'}', range(10) as copies(copy)) to '{sets / 'x10.parquet'}'"
    )
    part = Part("serving", "What does online serving cost?", 1)
    costs: dict[str, Cost] = {}
    for store in ["sqlite", "redis"] if shutil.which("redis-server") else ["sqlite"]:
        for size, served in (("x1", definitions), ("x10", model)):
            folder = setting.folder / f"{store}_{size}"
            (folder / "scoring_sets").mkdir(parents=True)
            shutil.copy(sets / f"{size}.parquet", folder / "scoring_sets")
            with _online(store, folder) as (address, watched):
                written = _write(address, folder, served, size, watched)
                costs[written.name] = written.cost
                part.notes += [_size(written), *_ask(folder, served, model, written)]
            shutil.rmtree(folder)
    part.tables = [Table("Writing a whole scoring set through Feast", next(iter(costs)), costs)]
    return part


@contextmanager
def _online(store: str, folder: Path) -> Iterator[tuple[str, list[psutil.Process]]]:
    """Start a Redis server where that is the store; gives the store's setting and its process."""
    if store == "sqlite":
        yield store, []
        return
    command = ["redis-server", "--port", str(REDIS_PORT), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as server:
        time.sleep(2)
        try:
            yield f"redis://127.0.0.1:{REDIS_PORT}/0", [psutil.Process(server.pid)]
        finally:
            server.terminate()


def _write(
    address: str, folder: Path, definitions: object, size: str, watched: list[psutil.Process]
) -> Served:
    from warehouse.serving import materialise, stores

    store = stores.online_store(address, folder)
    file = f"{size}.parquet"
    (customers,) = duckdb.execute(f"select count(*) from '{folder}/scoring_sets/{file}'").fetchone()
    wanted = stores.Served(str(DAY), "", "", file, "", definitions.fingerprint, customers, "")
    processes = [psutil.Process(), *watched]
    started, before = time.monotonic(), sum(map(_cpu, processes))
    materialise.write_store(folder, definitions, wanted, store, lambda line: None)
    memory = max(process.memory_info().rss for process in processes) / 2**20
    cost = Cost(time.monotonic() - started, sum(map(_cpu, processes)) - before, memory)
    features = sum(len(group.features) for group in definitions.groups)
    if watched:
        import redis

        stored = redis.Redis(port=REDIS_PORT).info("memory")["used_memory"]
    else:
        stored = (folder / "online.db").stat().st_size
    name = f"{address.partition(':')[0]}, {customers:,} customers, {features} features"
    return Served(name, cost, customers, features, stored / 2**20)


def _size(written: Served) -> str:
    each = written.mib * 2**20 / written.customers / written.features
    return f"{written.name}: {written.mib:,.0f} MiB, {each:.0f} bytes a value."


def _ask(folder: Path, served: object, model: object, written: Served) -> Iterator[str]:
    """Ask Feast's server over one HTTP connection; returns a line a kind of request."""
    from warehouse.serving.server import serving_process

    query = f"select customer_id from '{folder}/scoring_set.parquet' using sample 2000 rows"
    customers = [customer for (customer,) in duckdb.execute(query).fetchall()]
    with serving_process(folder, "127.0.0.1", PORT, 1):
        for asked in [model] if served is model else [model, served]:
            names = [f"{g.name}:{feature.name}" for g in asked.groups for feature in g.features]
            for count, requests in REQUESTS.items():
                times = sorted(_seconds(customers, names, count, requests))
                p50, p99 = statistics.median(times), times[int(0.99 * len(times))]
                yield (
                    f"{written.name}: {count} of them with {len(names)} features take"
                    f" p50 {p50 * 1000:,.1f} ms, p99 {p99 * 1000:,.1f} ms."
                )


def _seconds(
    customers: list[str], features: list[str], count: int, requests: int
) -> Iterator[float]:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    for place in range(-10, requests):  # the first ten fill caches and are not counted
        some = [customers[(place * count + k) % len(customers)] for k in range(count)]
        body = json.dumps({"features": features, "entities": {"customer_id": some}})
        started = time.perf_counter()
        connection.request(
            "POST", "/get-online-features", body, {"content-type": "application/json"}
        )
        answer = connection.getresponse().read()
        if place >= 0:
            yield time.perf_counter() - started
        assert len(json.loads(answer)["results"]) == len(features) + 1


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
