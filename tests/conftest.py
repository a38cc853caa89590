"""Shared fixtures: one published datamart of the sample for all tests that only read it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from filelock import FileLock
from pit_support import tiny, tiny_data, tiny_queries  # noqa: F401

from warehouse.base.catalog import attach
from warehouse.base.paths import DATA_DIR, PROJECT_DIR
from warehouse.landing import bronze as landing
from warehouse.submission import pack

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def run_main(*arguments: object, project: Path = PROJECT_DIR) -> subprocess.CompletedProcess[str]:
    """Run main.py as a user would, and return what it said and how it ended."""
    return subprocess.run(
        [sys.executable, "main.py", *map(str, arguments)],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=600,
        env=environment(),
    )


def environment() -> dict[str, str]:
    """The environment of a user's terminal: dbt on the path, nothing of the project's own set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WAREHOUSE_")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def spark(tmp_path_factory) -> Iterator["SparkSession"]:
    """Spark as a landing has it."""
    java = landing.start_java(tmp_path_factory.mktemp("spark") / "spark.log")
    session = landing.start_spark(java)
    yield session
    landing.stop_spark(session)


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """What is handed in, unpacked and run once: its datamart folder, and what it printed.

    One run serves all test processes; whoever comes first makes it.
    """
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    project, said = folder / "unpacked" / "project", folder / "unpacked" / "said.json"
    with FileLock(folder / "unpacked.lock"):
        if not said.exists():
            pack(folder / "unpacked" / "submission.zip")
            with zipfile.ZipFile(folder / "unpacked" / "submission.zip") as archive:
                archive.extractall(project)
            result = run_main(project=project)
            said.write_text(json.dumps([result.args, result.returncode, *_output(result)]))
    result = subprocess.CompletedProcess(*json.loads(said.read_text()))
    assert result.returncode == 0, result.stdout + result.stderr
    return project / "datamart", result


def _output(result: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    return result.stdout, result.stderr


@pytest.fixture(scope="session")
def unpacked_project(sample_run) -> Path:
    """The project as handed in, unpacked in an empty folder, after its first run."""
    return sample_run[0].parent


@pytest.fixture(scope="session")
def sample_datamart(sample_run) -> Path:
    """The datamart of the sample; tests read it and change nothing."""
    return sample_run[0]


@pytest.fixture
def sample(sample_datamart):
    """A DuckDB connection that shows the sample's bronze, silver and gold."""
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        yield con


@pytest.fixture
def datamart(sample_datamart, tmp_path) -> Path:
    """A published datamart of a test's own."""
    copy = tmp_path / "datamart"
    shutil.copytree(sample_datamart, copy, symlinks=True)
    return copy


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1500,1000",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """A headless Chromium that keeps what its console says; skips where there is none."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if not found or not driver:
        pytest.skip("no Chromium with its chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = found
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromium = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield chromium
    chromium.quit()


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """A copy of the sample files that a test may change."""
    copy = tmp_path / "data"
    shutil.copytree(DATA_DIR, copy)
    return copy
