"""Shared fixtures: one published datamart of the sample for all tests that only read it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest
from filelock import FileLock

from tests.support.project import copy_project, run_main
from tests.support.small import place, published_small, small, small_data  # noqa: F401
from tests.support.tiny import tiny, tiny_data, two_clocks  # noqa: F401
from warehouse.base.catalog import attach
from warehouse.base.paths import DATA_DIR
from warehouse.landing import bronze as landing
from warehouse.spark.java import quick_start_options
from warehouse.spark.session import SparkSettings, spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# for a few rows compiling costs more than it saves
QUICK_SPARK = {
    **landing.CONFIG,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory) -> Iterator["SparkSession"]:
    """Return a Spark session as a landing has it; one serves all tests of a process."""
    log_file = tmp_path_factory.mktemp("spark") / "spark.log"
    config = QUICK_SPARK | {"spark.driver.extraJavaOptions": quick_start_options()}
    with spark_session(SparkSettings(log_file, "local[2]"), config) as session:
        yield session


# Started first, so that no process is left alone with one of them at the end. The first one makes
# the first run on the sample; the second, in another process, can do without it meanwhile.
LONGEST_FILES = (
    *("test_prove.py", "test_landing.py", "test_serving.py", "test_survival.py"),
    *("test_dbt_in_a_terminal.py", "test_features.py", "test_notebooks.py"),
)


def pytest_collection_modifyitems(items) -> None:
    """Put the tests of the longest files first; takes --no-loadscope-reorder of pytest-xdist."""
    rank = {name: number for number, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


def pytest_addoption(parser) -> None:
    """Add the options of this test suite to those of pytest."""
    parser.addoption(
        "--sample-run",
        metavar="DIR",
        help="keep the first run on the sample in DIR, and use the one that is there",
    )


@pytest.fixture(scope="session")
def sample_run(request, tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Return the datamart folder of a first run on the sample, and what the run printed.

    It runs in a copy of the project. One run serves all test processes: the first one makes it.
    """
    if kept := request.config.getoption("--sample-run"):
        folder = Path(kept).resolve()
        folder.mkdir(parents=True, exist_ok=True)
    else:
        folder = tmp_path_factory.getbasetemp()
        if os.environ.get("PYTEST_XDIST_WORKER"):
            folder = folder.parent
    project, output = folder / "sample_project", folder / "sample_run.json"
    with FileLock(folder / "sample_run.lock"):
        if not output.exists():
            result = run_main(project=copy_project(project))
            output.write_text(
                json.dumps([result.args, result.returncode, result.stdout, result.stderr])
            )
    result = subprocess.CompletedProcess(*json.loads(output.read_text()))
    assert result.returncode == 0, result.stdout + result.stderr
    return project / "datamart", result


@pytest.fixture(scope="session")
def sample_project(sample_run) -> Path:
    """Return a copy of the project after its first run; tests read it and change nothing."""
    return sample_run[0].parent


@pytest.fixture(scope="session")
def sample_datamart(sample_run) -> Path:
    """Return the datamart of the sample; tests read it and change nothing."""
    return sample_run[0]


@pytest.fixture
def sample(sample_datamart):
    """Return a DuckDB connection that shows the sample's bronze, silver and gold."""
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        yield con


@pytest.fixture
def datamart(sample_datamart, tmp_path) -> Path:
    """Return a copy of the published datamart that a test may change."""
    copy = tmp_path / "datamart"
    shutil.copytree(sample_datamart, copy, symlinks=True)
    return copy


@pytest.fixture
def data_dir(tmp_path) -> Path:
    """Return a copy of the sample files that a test may change."""
    copy = tmp_path / "data"
    shutil.copytree(DATA_DIR, copy)
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
    """Return a headless Chromium that keeps its console's messages; skip where there is none."""
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
