"""Shared fixtures: one published datamart of the sample for all tests that only read it."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import duckdb
import pytest
from pit_support import tiny, tiny_data, tiny_queries  # noqa: F401

from warehouse.catalog import attach
from warehouse.paths import DATA_DIR, PROJECT_DIR
from warehouse.submission import pack


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


@pytest.fixture(scope="session")
def unpacked_project(tmp_path_factory) -> Path:
    """What is handed in, unpacked in an empty folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    pack(folder / "submission.zip")
    with zipfile.ZipFile(folder / "submission.zip") as archive:
        archive.extractall(folder / "project")
    return folder / "project"


@pytest.fixture(scope="session")
def sample_run(unpacked_project) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The first run on the sample data: its datamart folder, and what it printed."""
    result = run_main(project=unpacked_project)
    assert result.returncode == 0, result.stdout + result.stderr
    return unpacked_project / "datamart", result


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
def data_dir(tmp_path) -> Path:
    """A copy of the sample files that a test may change."""
    copy = tmp_path / "data"
    shutil.copytree(DATA_DIR, copy)
    return copy
