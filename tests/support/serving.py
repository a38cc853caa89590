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
from datetime import UTC, date, datetime, time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from tests.support.project import user_environment
from warehouse.base.catalog import attach
from warehouse.base.paths import PROJECT_DIR
from warehouse.features.macros import create_macros

Vectors = dict[str, dict[str, Any]]
NOT_SERVED = ("customer_id",)
ALIKE = 100  # customers of one request


def copy_datamart(datamart: Path, target: Path) -> Path:
    """Copy a datamart's folder by hard links, so that serving writes into a folder of its own."""
    shutil.copytree(datamart, target, symlinks=True, copy_function=_link)
    return target


def _link(source: str, target: str) -> None:
    Path(target).hardlink_to(source)


def free_port() -> int:
    """Return a port of the loopback address that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def features_as_of(datamart: Path, day: str) -> Vectors:
    """Return the features of every customer of a day, as JSON would show them."""
    run_dir = (datamart / "current").resolve()
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        create_macros(con, run_dir)
        found = con.execute(f"select * from features_as_of(date '{day}')")
        names = [column[0] for column in found.description]
        rows = found.fetchall()
        asked = con.execute(
            "select feature from gold.feature_catalog where feature_group = 'application'"
        )
        with_the_request = {name for (name,) in asked.fetchall()}
    return {
        row[0]: {
            name: plain(value)
            for name, value in zip(names, row, strict=True)
            if name not in with_the_request and name not in NOT_SERVED
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


@contextmanager
def running_server(datamart: Path, port: int, *options: str) -> Iterator[Client]:
    """Run `python main.py serve` until it answers, and stop it at the end."""
    log = datamart / "serve.log"
    command = [sys.executable, "main.py", "serve", "--datamart-dir", str(datamart)]
    with log.open("w") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port), *options],
            cwd=PROJECT_DIR,
            env=user_environment(),
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
