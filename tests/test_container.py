"""The servers that the containers run: JupyterLab and the dbt docs."""

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.notebook import serve


def answer(url: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def free_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), None) as server:
        return server.server_address[1]


def test_docs_page_says_that_it_is_being_built_then_shows_the_page(tmp_path, monkeypatch):
    page = serve.DocsPage(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve._handler(page))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setattr(serve, "build_docs", lambda folder: b"<title>docs</title>")
    monkeypatch.setattr(serve, "_current_run", lambda: "1")
    try:
        assert answer(url) == 503
        assert answer(f"{url}/health") == 200
        assert page.refresh()
        assert answer(url) == 200
        assert answer(f"{url}/../../etc/passwd") == 404
        page.html, page.has_failed = None, True
        assert answer(f"{url}/health") == 500
    finally:
        server.shutdown()
        server.server_close()


def test_docs_are_built_again_only_when_a_run_is_published_or_a_model_changes(
    tmp_path, monkeypatch
):
    datamart, models = tmp_path / "datamart", tmp_path / "dbt_project"
    (datamart / "runs").mkdir(parents=True)
    models.mkdir()
    (models / "a.sql").write_text("select 1")
    monkeypatch.setattr(serve, "DATAMART_DIR", datamart)
    monkeypatch.setattr(serve, "DBT_DIR", models)
    built = []
    monkeypatch.setattr(serve, "build_docs", lambda folder: built.append(1) or b"page")
    page = serve.DocsPage(tmp_path / "docs")
    assert [page.refresh(), page.refresh()] == [False, False]
    assert page.is_waiting_for_a_run
    assert "No datamart yet" in page.message
    (datamart / "current").symlink_to(Path("runs") / "1")
    assert [page.refresh(), page.refresh()] == [True, False]
    assert page.shown_run() == "run 1"
    os.utime(models / "a.sql", (time.time() + 60, time.time() + 60))
    assert [page.refresh(), page.refresh()] == [True, False]


def test_docs_that_cannot_be_built_keep_the_older_page(tmp_path, monkeypatch):
    page = serve.DocsPage(tmp_path)
    page.html = b"older"

    def fails(folder):
        raise UserError("dbt said no")

    monkeypatch.setattr(serve, "build_docs", fails)
    monkeypatch.setattr(serve, "_current_run", lambda: "1")
    assert not page.refresh()
    assert page.html == b"older"
    assert "dbt said no" in page.message


def test_wrong_owner_of_the_project_is_said_with_what_to_do(monkeypatch):
    monkeypatch.setattr(serve.os, "access", lambda path, mode: False)
    owner = PROJECT_DIR.stat().st_uid
    with pytest.raises(UserError, match=rf"put HOST_UID={owner} and HOST_GID="):
        serve.check_project_is_mine()


def test_jupyterlab_starts_with_a_link_that_works(tmp_path):
    port = free_port()
    environment = os.environ | {
        "JUPYTER_PORT": str(port),
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    environment.pop("JUPYTER_TOKEN", None)
    with subprocess.Popen(
        [sys.executable, "-m", "warehouse.notebook.serve", "lab"],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as lab:
        try:
            link = next(
                found[0] for line in lab.stdout if (found := re.search(r"http\S+token=\S+", line))
            )
            assert answer(link) == 200
            check = [sys.executable, "-m", "warehouse.notebook.serve", "check", "lab"]
            assert subprocess.run(check, cwd=PROJECT_DIR, env=environment).returncode == 0
            assert answer(f"http://127.0.0.1:{port}/api/contents") == 403
            kernels = link.replace("/lab?", "/api/kernelspecs?")
            assert answer(kernels) == 200
        finally:
            lab.terminate()
            lab.wait(20)


@pytest.mark.parametrize(
    "command",
    [
        ["python", "-c", "from warehouse.notebook.connection import connect"],
        ["dbt", "ls", "--select", "training_set", "--resource-type", "model", "--quiet"],
    ],
)
def test_a_terminal_of_jupyterlab_finds_python_dbt_and_the_project(command, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.defpath)
    for name in ("PYTHONPATH", "DBT_PROJECT_DIR", "DBT_PROFILES_DIR"):
        monkeypatch.delenv(name, raising=False)
    targets = {"DBT_TARGET_PATH": str(tmp_path / "target"), "DBT_LOG_PATH": str(tmp_path)}
    environment = os.environ | serve.lab_environment() | targets
    program = shutil.which(command[0], path=environment["PATH"])
    done = subprocess.run(
        [program, *command[1:]], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "training_set" in done.stdout or command[0] == "python"


def test_health_check_fails_where_nothing_answers(monkeypatch):
    monkeypatch.setenv("DOCS_PORT", str(free_port()))
    assert serve.main(["check", "docs"]) == 1
