"""Read what is served, and what the warehouse says, in one form that can be compared."""

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from datetime import time as clock
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.project import user_environment
from tests.support.tiny import build_compiled
from warehouse.base.catalog import attach
from warehouse.base.paths import PROJECT_DIR
from warehouse.features.macros import create_macros
from warehouse.transform.compiled import CompiledProject

# Feast takes each process four seconds to import: only the one that runs these tests does.
needs_feast = pytest.mark.skipif(
    find_spec("feast") is None, reason="Feast is not installed (requirements/serve.in)"
)
Vectors = dict[str, dict[str, Any]]
NOT_SERVED = ("customer_id",)
ALIKE = 100  # customers of one request


def finish_run(run_dir: Path, project: CompiledProject, catalog: Path | None = None) -> Path:
    """Build what is served from the bronze of a run folder; catalog is that of another run."""
    (run_dir / "manifest.json").write_text(json.dumps({"run_id": run_dir.name, "inputs": {}}))
    (run_dir / "descriptions.json").write_text("{}")
    models = ["feature_store", "quarantine", *([] if catalog else ["feature_catalog"])]
    build_compiled(run_dir, project, models)
    if catalog:
        shutil.copy(catalog, run_dir / "gold")
    project.save(run_dir)
    return run_dir


def free_port() -> int:
    """Return a port of the loopback address that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def features_as_of(datamart: Path, day: str) -> Vectors:
    """Return the features of every customer of a day, as JSON would show them."""
    return _features_as_of((datamart / "current").resolve(), day)


@cache
def _features_as_of(run_dir: Path, day: str) -> Vectors:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        create_macros(con, run_dir)
        found = con.execute(f"select * from features_as_of(date '{day}')")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        with_the_request = {
            name for name, *_ in con.execute("describe gold.application_features").fetchall()
        }
    return {
        row[0]: {
            name: plain(value)
            for name, value in zip(names, row, strict=True)
            if name not in with_the_request
        }
        for row in rows
    }


def plain(value: Any) -> Any:
    """Return a value as Feast's HTTP server shows it: dates as seconds, decimals as digits."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return int(datetime.combine(value, clock(), UTC).timestamp())
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def served_features(datamart: Path) -> list[str]:
    """Return all that is served, named as Feast is asked for it."""
    from feast import FeatureStore

    views = FeatureStore(repo_path=str(datamart / "serving")).list_feature_views()
    return [f"{view.name}:{feature.name}" for view in views for feature in view.features]


def stored(folder: Path, customers: list[str], features: list[str]) -> Vectors:
    """Return what the online store holds, through Feast's own client: (field of Value, content)."""
    from feast import FeatureStore

    answer = FeatureStore(repo_path=str(folder)).get_online_features(
        features=features, entity_rows=[{"customer_id": customer} for customer in customers]
    )
    names = answer.proto.metadata.feature_names.val
    return {
        customer: {
            name: _content(result.values[place])
            for name, result in zip(names, answer.proto.results, strict=True)
            if name not in NOT_SERVED
        }
        for place, customer in enumerate(customers)
    }


def _content(value: Any) -> tuple[str | None, Any]:
    field = value.WhichOneof("val")
    content = getattr(value, field) if field else None
    return field, list(content.val) if hasattr(content, "val") else content


class Client:
    """A client of Feast's server, over HTTP."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/get-online-features"

    def ask(self, customers: list[str], features: list[str]) -> dict[str, Any]:
        """Return the server's answer."""
        asked = {"features": features, "entities": {"customer_id": customers}}
        request = urllib.request.Request(
            self.url, json.dumps(asked).encode(), {"content-type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=60) as answer:
            return json.load(answer)

    def vectors(self, customers: list[str], features: list[str]) -> Vectors:
        """Return what is served of the customers, by customer and feature."""
        found: Vectors = {}
        for first in range(0, len(customers), ALIKE):
            some = customers[first : first + ALIKE]
            answer = self.ask(some, features)
            names = answer["metadata"]["feature_names"]
            for place, customer in enumerate(some):
                found[customer] = {
                    name: result["values"][place]
                    for name, result in zip(names, answer["results"], strict=True)
                    if name not in NOT_SERVED
                }
        return found


# Notes every connection to another machine that a Python process asks for.
GUARD = """
import os, socket
def guarded(connect):
    def wrapper(self, address, *rest):
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            with open(os.environ["CONNECTIONS_LOG"], "a") as log:
                print(address, file=log)
        return connect(self, address, *rest)
    return wrapper
class Guarded(socket.socket):
    connect = guarded(socket.socket.connect)
    connect_ex = guarded(socket.socket.connect_ex)
socket.socket = Guarded
"""


@contextmanager
def running_server(datamart: Path, *options: str) -> Iterator[Client]:
    """Run `python main.py serve` until it answers, and stop it at the end.

    Fails where it or Feast has asked for a connection to another machine.
    """
    port, log, guard = free_port(), datamart / "serve.log", datamart / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)
    connections = guard / "connections.log"
    environment = user_environment()
    environment |= {
        "PYTHONPATH": f"{guard}:{environment['PYTHONPATH']}",
        "CONNECTIONS_LOG": str(connections),
    }
    command = [sys.executable, "main.py", "serve", "--datamart-dir", str(datamart)]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port), *options],
            cwd=PROJECT_DIR,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: "serving at" in log.read_text() or server.poll() is not None, 180)
        assert server.poll() is None, log.read_text()
        yield Client(port)
    finally:
        server.terminate()
        server.wait(30)
    assert not connections.exists(), connections.read_text()


@contextmanager
def running_redis(folder: Path) -> Iterator[str]:
    """Run a Redis server of our own on a free port; returns its address."""
    port = free_port()
    with subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
    ) as server:
        try:
            wait_for(lambda: _answers(port), 20)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(condition: Any, seconds: float) -> None:
    """Wait until a condition holds; fails after some seconds."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"not within {seconds} seconds"
        time.sleep(0.1)
