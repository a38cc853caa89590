"""Dockerfile and compose file as far as they can be checked without a container engine."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from warehouse.base.paths import PROJECT_DIR

COMPOSE = PROJECT_DIR / "docker-compose.yaml"
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


def program(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed."""
    installed = Path(sys.executable).parent / name
    found = str(installed) if installed.exists() else shutil.which(name)
    return found or pytest.skip(f"{name} is not installed")


def compose(**environment: str) -> dict:
    """Return the compose file as an engine reads it, variables and merge keys filled in."""
    text = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], COMPOSE.read_text())
    assert "${" not in text, "a variable without a default"
    return yaml.safe_load(text)


def test_compose_file_matches_the_schema():
    check = [program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dockerfile_passes_hadolint():
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
    assert jupyter["command"][-1] == "9999"
    assert jupyter["environment"]["JUPYTER_TOKEN"] == "t"
    assert services["docs"]["ports"] == ["127.0.0.1:9998:9998"]


def test_env_example_lists_every_setting_with_its_default():
    lines = (PROJECT_DIR / ".env.example").read_text().splitlines()
    listed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert listed == dict(VARIABLE.findall(COMPOSE.read_text()))


def test_every_service_has_a_health_check():
    assert all("healthcheck" in service for service in compose()["services"].values())


def test_only_the_profile_starts_a_cluster():
    services = compose()["services"]
    assert {name for name, s in services.items() if s.get("profiles") == ["cluster"]} == {
        "spark-master",
        "spark-worker",
    }
    assert {name for name, s in services.items() if "profiles" not in s} == {"jupyter", "docs"}


def test_the_docs_service_cannot_write_the_project():
    assert compose()["services"]["docs"]["volumes"] == [".:/project:ro"]


def test_secrets_and_results_stay_out_of_the_image():
    ignored = (PROJECT_DIR / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "datamart"} <= set(ignored)


def test_workflow_matches_the_schema():
    workflow = PROJECT_DIR / ".github" / "workflows" / "ci.yml"
    check = [program("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", workflow]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
