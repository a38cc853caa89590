"""Shared fixtures: one published datamart of the sample for all tests that only read it."""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse.catalog import attach
from warehouse.paths import DATA_DIR, PROJECT_DIR


def run_main(*arguments: object, cwd: Path = PROJECT_DIR) -> subprocess.CompletedProcess[str]:
    """Run main.py as a user would, and return what it said and how it ended."""
    return subprocess.run(
        [sys.executable, str(PROJECT_DIR / "main.py"), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """The first run on the sample data: its datamart folder, and what it printed."""
    datamart_dir = tmp_path_factory.mktemp("sample") / "datamart"
    result = run_main("--datamart-dir", datamart_dir)
    assert result.returncode == 0, result.stdout + result.stderr
    return datamart_dir, result


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
