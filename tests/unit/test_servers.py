"""JupyterLab and the dbt docs: a port that is taken, a page that waits for a datamart."""

import socket

import pytest

from tests.support.project import run_main
from warehouse.base.errors import UserError
from warehouse.notebook.docs import write_docs
from warehouse.notebook.lab import lab_environment
from warehouse.notebook.servers import answers, check_port_is_free


def test_free_port_passes_and_a_taken_one_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .*choose another with --port"):
            check_port_is_free("127.0.0.1", port)
    check_port_is_free("127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("192.0.2.1", 8888)])
def test_address_that_is_none_of_this_machine_is_refused(host, port):
    with pytest.raises(UserError, match="cannot listen on"):
        check_port_is_free(host, port)


def test_server_that_is_not_there_does_not_answer():
    assert not answers("http://127.0.0.1:9/")


def test_docs_without_a_datamart_say_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"run `python main.py`"):
        write_docs(tmp_path, tmp_path / "page.html")


def test_kernels_find_dbt_and_the_datamart_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    variables = lab_environment(tmp_path / "datamart")
    assert variables["WAREHOUSE_DATAMART_DIR"] == str(tmp_path / "datamart")
    assert variables["DBT_PROJECT_DIR"].endswith("dbt_project")


def test_health_check_fails_where_no_server_is():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert run_main("docs", "--check", "--port", port).returncode == 1
