"""JupyterLab and the dbt docs as a user starts them."""

import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from tests.support.project import user_environment
from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.base.servers import answers, check_port_is_free
from warehouse.cli.main import main
from warehouse.notebook import lab
from warehouse.notebook.docs import write_docs


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
            assert main(["lab", "--check", "--port", str(port)]) == 0
        finally:
            server.terminate()
        assert server.wait(30) == 0


def test_docs_wait_for_a_datamart(tmp_path, port):
    assert main(["docs", "--check", "--port", str(port)]) == 1
    with start("docs", "--port", port, "--datamart-dir", tmp_path / "none") as server:
        try:
            assert any("no datamart yet" in line for line in server.stdout)
            status, page = answer(f"http://127.0.0.1:{port}/")
            assert (status, "No datamart yet" in page) == (200, True)
            assert answer(f"http://127.0.0.1:{port}/../../etc/passwd")[0] == 404
            assert main(["docs", "--check", "--port", str(port)]) == 0
        finally:
            server.terminate()
        assert server.wait(30) == 0
    with pytest.raises(UserError, match=r"run `python main.py`"):
        write_docs(tmp_path, tmp_path / "page.html")


def test_port_that_is_taken_and_address_of_another_machine_are_refused(port):
    refused = pytest.raises(UserError, match=f"port {port} .*choose another with --port")
    with socket.create_server(("127.0.0.1", port)), refused:
        check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)
    assert not answers(f"http://127.0.0.1:{port}/")
    for address in (("127.0.0.1", 70000), ("192.0.2.1", 8888)):
        with pytest.raises(UserError, match="cannot listen on"):
            check_port_is_free(*address)


def test_wrong_owner_of_the_project_says_what_to_do(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    owner = PROJECT_DIR.stat().st_uid
    with pytest.raises(UserError, match=rf"put HOST_UID={owner} and HOST_GID="):
        lab.check_project_is_writable()


def test_kernels_find_dbt_and_the_datamart_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = lab.lab_environment(tmp_path / "datamart")
    assert variables["WAREHOUSE_DATAMART_DIR"] == str(tmp_path / "datamart")
    assert variables["DBT_PROJECT_DIR"] == variables["DBT_PROFILES_DIR"]
    assert variables["DBT_PROJECT_DIR"] == str(PROJECT_DIR / "dbt_project")
