"""JupyterLab and the dbt docs as a user starts them."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.support.project import run_main, user_environment
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.notebook import lab


def answer(url: str) -> tuple[int, str]:
    """Return status and text of a page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def start(*command: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "main.py", *map(str, command)],
        cwd=PROJECT_DIR,
        env=user_environment() | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_jupyterlab_starts_with_a_link_that_works(tmp_path, port):
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    with start("lab", "--port", port, HOME=str(tmp_path), **folders) as server:
        try:
            found = (re.search(r"http\S+token=\S+", line) for line in server.stdout)
            link = next(match[0] for match in found if match)
            assert answer(link)[0] == 200
            assert answer(link.replace("/lab?", "/api/kernelspecs?"))[0] == 200
            assert answer(f"http://127.0.0.1:{port}/api/contents")[0] == 403
            assert run_main("lab", "--check", "--port", port).returncode == 0
        finally:
            server.terminate()
        assert server.wait(30) == 0


def test_docs_wait_for_a_datamart(tmp_path, port):
    with start("docs", "--port", port, "--datamart-dir", tmp_path / "none") as server:
        try:
            for line in server.stdout:
                if "no datamart yet" in line:
                    break
            status, page = answer(f"http://127.0.0.1:{port}/")
            assert (status, "No datamart yet" in page) == (200, True)
            assert answer(f"http://127.0.0.1:{port}/../../etc/passwd")[0] == 404
            assert run_main("docs", "--check", "--port", port).returncode == 0
        finally:
            server.terminate()
        assert server.wait(30) == 0


def test_wrong_owner_of_the_project_says_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    owner = PROJECT_DIR.stat().st_uid
    with pytest.raises(UserError, match=rf"put HOST_UID={owner} and HOST_GID="):
        lab.check_project_is_writable()


def test_terminal_of_jupyterlab_finds_dbt_and_the_project(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    targets = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path)}
    environment = os.environ | lab.lab_environment(tmp_path / "datamart") | targets
    done = subprocess.run(
        [
            shutil.which("dbt", path=environment["PATH"]),
            "ls",
            "--select",
            "training_set",
            "--quiet",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "training_set" in done.stdout
