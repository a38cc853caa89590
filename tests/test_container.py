"""What can be known of Dockerfile and compose file without a container engine.

The build itself is proven by hand with a real engine; here stand the promises that an edit could
break unseen: who runs, what is open to the network, what ends in the image.
"""

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
import yaml

from warehouse.base.errors import UserError
from warehouse.base.paths import PROJECT_DIR
from warehouse.notebook import serve

DOCKERFILE = (PROJECT_DIR / "Dockerfile").read_text()
COMPOSE = PROJECT_DIR / "docker-compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def program(name: str) -> str:
    """A program of the virtual environment or the PATH; the test is skipped where there is none."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed (pip install -r requirements-dev.txt)")
    return found


def compose(**environment: str) -> dict:
    """The compose file as an engine would read it, variables and merge keys filled in."""
    text = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], COMPOSE.read_text())
    assert "${" not in text, "a variable without a default"
    return yaml.safe_load(text)


def instructions(name: str) -> list[str]:
    """The arguments of each use of a Dockerfile instruction, continuation lines joined."""
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return [line.partition(" ")[2] for line in joined.splitlines() if line.startswith(f"{name} ")]


def test_compose_file_matches_the_schema():
    check = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_hadolint_has_no_remark():
    done = subprocess.run(
        [program("hadolint"), "--no-color", str(PROJECT_DIR / "Dockerfile")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_every_service_runs_without_root_and_without_privileges():
    for name, service in compose()["services"].items():
        assert service["user"] == "1000:1000", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    assert instructions("USER") == ["${HOST_UID}:${HOST_GID}"]


def test_no_port_is_open_to_the_network():
    services = compose()["services"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_settings_of_the_env_file_reach_the_services():
    services = compose(
        HOST_UID="1234", HOST_GID="99", JUPYTER_PORT="9999", DOCS_PORT="9998", JUPYTER_TOKEN="t"
    )["services"]
    jupyter = services["jupyter"]
    assert jupyter["user"] == "1234:99"
    assert jupyter["build"]["args"] == {"HOST_UID": 1234, "HOST_GID": 99}
    # the same port on both sides, or the link in the terminal would be wrong
    assert jupyter["ports"] == ["127.0.0.1:9999:9999"]
    assert jupyter["environment"]["JUPYTER_PORT"] == 9999
    assert jupyter["environment"]["JUPYTER_TOKEN"] == "t"
    assert services["docs"]["ports"] == ["127.0.0.1:9998:9998"]


def test_env_example_lists_every_setting_with_its_default():
    lines = (PROJECT_DIR / ".env.example").read_text().splitlines()
    listed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert listed == dict(VARIABLE.findall(COMPOSE.read_text()))


def test_every_service_says_whether_it_is_well():
    services = compose()["services"]
    without = [name for name, service in services.items() if "healthcheck" not in service]
    assert without == ["jupyter"]  # it has the image's own
    assert len(instructions("HEALTHCHECK")) == 1


def test_only_the_profile_starts_a_cluster():
    services = compose()["services"]
    assert {name for name, s in services.items() if s.get("profiles") == ["cluster"]} == {
        "spark-master",
        "spark-worker",
    }
    assert {name for name, s in services.items() if "profiles" not in s} == {"jupyter", "docs"}


def test_the_docs_service_cannot_write_the_project():
    assert compose()["services"]["docs"]["volumes"] == [".:/project:ro"]


def test_requirements_are_a_layer_before_the_code():
    copied = instructions("COPY")
    assert copied[0] == "requirements.txt ."
    assert copied[-1].endswith(" . .")
    order = [line.split()[0] for line in DOCKERFILE.splitlines() if re.match(r"(COPY|RUN) ", line)]
    assert order == ["COPY", "RUN", "RUN", "RUN", "COPY"]


def test_image_needs_no_registry_syntax_no_java_package_and_no_fixed_java_home():
    assert re.fullmatch(r"python:3\.\d+-slim-(bookworm|trixie)", instructions("FROM")[0])
    assert "# syntax" not in DOCKERFILE
    assert not [line for line in instructions("ENV") if "JAVA_HOME" in line]
    assert "apt-get" not in DOCKERFILE


def test_secrets_and_results_stay_out_of_the_image():
    ignored = (PROJECT_DIR / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "datamart"} <= set(ignored)


# The servers that the containers run


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
