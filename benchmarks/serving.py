"""What online serving costs: python -m benchmarks.serving --datamart-dir DIR.

The scoring set of a published run is served as it is, and with every customer ten times under
other keys. Measured are the materialisation of a whole set and of the next month, the size of the
store, and the time from request to answer of Feast's server over HTTP on this machine.
"""

import argparse
import http.client
import json
import math
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import psutil

from benchmarks.results import RESULTS_DIR
from warehouse.base.paths import DATAMART_DIR
from warehouse.features.scoring import published_run
from warehouse.serving.catalogue import SCORING_SET, Catalogue, read_catalogue
from warehouse.serving.materialise import SETS_DIR, write_store
from warehouse.serving.server import serving_process
from warehouse.serving.stores import OnlineStore, Served, online_store
from warehouse.serving.warehouse_reader import write_scoring_set

PAGE = RESULTS_DIR / "serving.md"
REDIS_PORT, FEAST_PORT = 16_379, 16_566
FEW_FEATURES = 20  # of a small model
REQUESTS = {1: 500, 100: 50}  # by customers in a request


@dataclass(frozen=True)
class Materialisation:
    """What it took to write a scoring set: CPU seconds of this process and of the store."""

    cpu_seconds: float
    wall_seconds: float
    customers_written: dict[str, int]


@dataclass(frozen=True)
class Latency:
    """Requests of so many customers and features: milliseconds, and CPU of server and store."""

    customers: int
    features: int
    p50: float
    p99: float
    cpu: float


@dataclass(frozen=True)
class Result:
    """What serving so many customers from a store took."""

    store: str
    customers: int
    features: int
    whole: Materialisation
    next_month: Materialisation
    mib: float
    latencies: list[Latency]


def main() -> None:
    """Measure each store at each size, and write the page."""
    options = _read_options()
    results = []
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="serving_") as scratch:
        days = [options.day, options.next_day]
        sets = {day: Path(scratch) / f"{day}.parquet" for day in days}
        run_dir = published_run(options.datamart_dir)
        started = time.process_time()
        for day, file in sets.items():
            write_scoring_set(run_dir, day, file)
        scoring = (time.process_time() - started) / 2
        catalogue = read_catalogue(run_dir, sets[options.day])
        for times in options.times:
            for store in options.stores:
                folder = Path(scratch) / f"{store}_{times}"
                files = _multiply(sets, folder / SETS_DIR, times)
                with _store_process(store, folder) as (setting, process):
                    results.append(_measure(setting, folder, catalogue, files, process))
                print(_line(results[-1]), flush=True)
                shutil.rmtree(folder)
    PAGE.write_text(_page(results, scoring, options))
    print(PAGE.read_text())


def _measure(
    setting: str,
    folder: Path,
    catalogue: Catalogue,
    files: dict[date, Path],
    process: psutil.Process | None,
) -> Result:
    store = online_store(setting, folder)
    whole, month = (
        _materialise(folder, catalogue, day, file, store, process) for day, file in files.items()
    )
    file = folder / "online.db"
    mib = (file.stat().st_size if file.exists() else _redis_bytes(store)) / 2**20
    names = [f"{g.name}:{f.name}" for g in catalogue.groups for f in g.features]
    latencies = []
    with serving_process(folder, "127.0.0.1", FEAST_PORT, 1) as server:
        watched = [psutil.Process(server.pid), *([process] if process else [])]
        keys = duckdb.execute(
            f"select customer_id from '{files[max(files)]}' using sample 2000 rows"
        )
        customers = [key for (key,) in keys.fetchall()]
        few = [name for name in names if not name.startswith(SCORING_SET)][
            :: len(names) // FEW_FEATURES
        ]
        for features in (few[:FEW_FEATURES], names):
            for count, requests in REQUESTS.items():
                latencies.append(_ask(customers, count, features, requests, watched))
    rows = duckdb.execute(f"select count(*) from '{files[max(files)]}'").fetchone()[0]
    return Result(setting.split(":")[0], rows, len(names), whole, month, mib, latencies)


def _materialise(
    folder: Path,
    catalogue: Catalogue,
    day: date,
    file: Path,
    store: OnlineStore,
    process: psutil.Process | None,
) -> Materialisation:
    rows = duckdb.execute(f"select count(*) from '{file}'").fetchone()[0]
    wanted = Served(str(day), "", "", file.name, "", catalogue.fingerprint, rows, str(day))
    started, cpu = time.monotonic(), time.process_time() + _cpu(process)
    done = write_store(folder, catalogue, wanted, store, lambda line: None)
    return Materialisation(
        time.process_time() + _cpu(process) - cpu, time.monotonic() - started, done.written
    )


def _ask(
    customers: list[str],
    count: int,
    features: list[str],
    requests: int,
    watched: list[psutil.Process],
) -> Latency:
    """Ask for vectors of other customers each time, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", FEAST_PORT, timeout=120)
    seconds, cpu = [], 0.0
    for place in range(-10, requests):  # the first ten fill caches and are not counted
        if place == 0:
            cpu = sum(map(_tree_cpu, watched))
        some = [customers[(place * count + k) % len(customers)] for k in range(count)]
        body = json.dumps({"features": features, "entities": {"customer_id": some}})
        started = time.perf_counter()
        connection.request(
            "POST", "/get-online-features", body, {"content-type": "application/json"}
        )
        answer = connection.getresponse().read()
        if place >= 0:
            seconds.append(time.perf_counter() - started)
        assert len(json.loads(answer)["results"]) == len(features) + 1
    cpu = (sum(map(_tree_cpu, watched)) - cpu) / requests
    seconds.sort()
    p99 = seconds[math.ceil(0.99 * requests) - 1]
    return Latency(count, len(features), seconds[requests // 2] * 1e3, p99 * 1e3, cpu * 1e3)


def _multiply(sets: dict[date, Path], folder: Path, times: int) -> dict[date, Path]:
    """Write the scoring sets with every customer so many times."""
    folder.mkdir(parents=True)
    for file in sets.values():
        duckdb.execute(
            "copy (select customer_id || case when copy = 0 then '' else '_' || copy end"
            f" as customer_id, * exclude (customer_id, copy) from '{file}'"
            f" cross join range({times}) as copies(copy)) to '{folder / file.name}'"
        )
    return {day: folder / file.name for day, file in sets.items()}


@contextmanager
def _store_process(store: str, folder: Path) -> Iterator[tuple[str, psutil.Process | None]]:
    """Start a Redis server, where that is the store; its setting and its process."""
    if store == "sqlite":
        yield store, None
        return
    command = ["redis-server", "--port", str(REDIS_PORT), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=folder) as server:
        time.sleep(2)
        try:
            yield f"redis://127.0.0.1:{REDIS_PORT}/0", psutil.Process(server.pid)
        finally:
            server.terminate()


def _redis_bytes(store: OnlineStore) -> float:
    """Return what Redis needs for one of the two databases: half of what both take."""
    import redis

    return float(redis.Redis(port=REDIS_PORT).info("memory")["used_memory"]) / 2


def _cpu(process: psutil.Process | None) -> float:
    if process is None:
        return 0.0
    times = process.cpu_times()
    return float(times.user + times.system)


def _tree_cpu(process: psutil.Process) -> float:
    return sum(map(_cpu, [process, *process.children(recursive=True)]))


def _line(result: Result) -> str:
    return f"{result.store} {result.customers:,}: {result}"


def _page(results: list[Result], scoring: float, options: argparse.Namespace) -> str:
    lines = [
        "# Online serving",
        "",
        "Written by `python -m benchmarks.serving`: Feast's feature server with one worker, asked"
        f" over HTTP on the same machine, {os.cpu_count()} cores. Computing the scoring set of a"
        f' day took {scoring:.1f} CPU seconds. "Next month" is the materialisation of'
        f" {options.next_day} over {options.day}. A Redis needs its size twice, for the spare"
        " database.",
        "",
        *_table("store, customers, features, whole set CPU s (wall), next month CPU s (wall), MiB"),
    ]
    for r in results:
        whole, month = (
            f"{done.cpu_seconds:,.0f} ({done.wall_seconds:,.0f})"
            for done in (r.whole, r.next_month)
        )
        lines.append(
            f"| {r.store} | {r.customers:,} | {r.features} | {whole} | {month} | {r.mib:,.0f} |"
        )
    lines += [
        "",
        *_table("store, customers in it, asked for, features, p50 ms, p99 ms, CPU ms of both"),
    ]
    lines += [
        f"| {r.store} | {r.customers:,} | {one.customers} | {one.features} | {one.p50:,.1f}"
        f" | {one.p99:,.1f} | {one.cpu:,.1f} |"
        for r in results
        for one in r.latencies
    ]
    return "\n".join(lines) + "\n"


def _table(titles: str) -> list[str]:
    """Return the head of a Markdown table."""
    names = titles.split(", ")
    rule = ["---", *["---:"] * (len(names) - 1)]
    return [f"| {' | '.join(names)} |", f"| {' | '.join(rule)} |"]


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--datamart-dir", type=Path, default=DATAMART_DIR)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2024, 11, 1))
    parser.add_argument("--next-day", type=date.fromisoformat, default=date(2024, 12, 1))
    parser.add_argument("--stores", nargs="+", default=["sqlite", "redis"])
    parser.add_argument("--times", nargs="+", type=int, default=[1, 10])
    parser.add_argument("--scratch", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
