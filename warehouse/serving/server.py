"""Runs Feast's own feature server over the repository, and lets it follow what is materialised."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.base.errors import UserError
from warehouse.base.servers import answers, check_port_is_free
from warehouse.serving.history import REGISTRY_FILE

SECONDS_BETWEEN_LOOKS = 0.5
SECONDS_TO_START = 120
SECONDS_TO_STOP = 15
Server = subprocess.Popen[bytes]


def serve(folder: Path, host: str, port: int, workers: int, say: Callable[[str], None]) -> int:
    """Run `feast serve` until it or this process is stopped; returns the exit code.

    Its workers are replaced one after another, without a pause, when another process has
    materialised: the new ones open the new registry and the new store.

    Raises UserError where the port is taken, or the server ends before it answers.
    """
    with serving_process(folder, host, port, workers) as server:
        say(f"serving at http://{host}:{port}, stop with Ctrl-C")
        seen = _files(folder)
        while server.poll() is None:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            if seen != (seen := _files(folder)):
                server.send_signal(signal.SIGHUP)
                say("a new scoring set: the workers are replaced")
        return server.returncode


@contextmanager
def serving_process(folder: Path, host: str, port: int, workers: int) -> Iterator[Server]:
    """Run `feast serve` over a repository's folder from its first answer to the end of the block.

    Raises UserError where the port is taken, or the server ends before it answers.
    """
    check_port_is_free(host, port)
    command = [
        Path(sys.executable).with_name("feast"), "--chdir", folder, "serve",
        "--host", host, "--port", port, "--workers", workers, "--no-access-log",
        "--max-requests", 0, "--registry_ttl_sec", 0,
    ]  # fmt: skip
    with subprocess.Popen([str(part) for part in command], cwd=folder) as server:
        try:
            _wait_until_it_answers(server, f"http://{host}:{port}/health")
            yield server
        finally:
            server.terminate()
            try:
                server.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                server.kill()


def _files(folder: Path) -> list[tuple[int, int]]:
    """Return what tells the files that the workers hold open from later ones of the same name."""
    names = (folder / name for name in (REGISTRY_FILE, "online.db"))
    return [(file.stat().st_ino, file.stat().st_mtime_ns) for file in names if file.exists()]


def _wait_until_it_answers(server: Server, url: str) -> None:
    give_up = time.monotonic() + SECONDS_TO_START
    while not answers(url):
        if server.poll() is not None:
            raise UserError(f"Feast's server ended with code {server.returncode}; see its messages")
        if time.monotonic() > give_up:
            raise UserError(f"Feast's server did not answer at {url} in {SECONDS_TO_START} seconds")
        time.sleep(0.2)
