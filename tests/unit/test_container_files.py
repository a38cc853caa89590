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


def compose(**environment: str) -> dict:
    """Return the services of the compose file as an engine reads it, variables filled in."""
    text = VARIABLE.sub(lambda found: environment.get(found[1]) or found[2], COMPOSE.read_text())
    assert "${" not in text, "a variable without a default"
    return yaml.safe_load(text)["services"]


@pytest.mark.parametrize(
    ("schema", "file"),
    [
        ("vendor.compose-spec", "docker-compose.yaml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
    ],
)
def test_file_matches_its_schema(schema, file):
    command = pytest.importorskip("check_jsonschema.cli.main_command")
    with pytest.raises(SystemExit) as ended:
        command.main(["--builtin-schema", schema, str(PROJECT_DIR / file)])
    assert ended.value.code in (0, None)


def test_dockerfile_passes_hadolint():
    installed = Path(sys.executable).parent / "hadolint"
    hadolint = str(installed) if installed.exists() else shutil.which("hadolint")
    if not hadolint:
        pytest.skip("hadolint is not installed")
    command = [hadolint, "--no-color", PROJECT_DIR / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_services_are_confined_and_watched():
    services = compose()
    for name, service in services.items():
        assert service["user"] == "1000:1000", name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "healthcheck" in service, name
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert services["docs"]["volumes"] == [".:/project:ro"]


def test_only_the_profile_starts_a_cluster():
    profiles = {name: service.get("profiles") for name, service in compose().items()}
    cluster = {"spark-master": ["cluster"], "spark-worker": ["cluster"]}
    assert profiles == {"jupyter": None, "docs": None, **cluster}


def test_settings_of_the_env_file_reach_the_services():
    services = compose(
        HOST_UID="1234", HOST_GID="99", JUPYTER_PORT="9999", DOCS_PORT="9998", JUPYTER_TOKEN="t"
    )
    jupyter = services["jupyter"]
    assert jupyter["user"] == "1234:99"
    assert jupyter["build"]["args"] == {"HOST_UID": 1234, "HOST_GID": 99}
    # the same port on both sides, or the link in the terminal would be wrong
    assert jupyter["ports"] == ["127.0.0.1:9999:9999"]
    assert jupyter["command"][-1] == "9999"
    assert jupyter["environment"]["JUPYTER_TOKEN"] == "t"
    assert services["docs"]["ports"] == ["127.0.0.1:9998:9998"]
    lines = (PROJECT_DIR / ".env.example").read_text().splitlines()
    listed = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert listed == dict(VARIABLE.findall(COMPOSE.read_text()))


def test_secrets_and_results_stay_out_of_the_image():
    ignored = (PROJECT_DIR / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "datamart"} <= set(ignored)
