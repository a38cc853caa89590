"""A small datamart for tests of whole runs, published by main.py from a bronze by DuckDB."""

import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.bronze import contracts, land_files
from tests.support.tiny import SECOND_LOAD
from warehouse.cli.main import main
from warehouse.landing.inspection import inspect_sources
from warehouse.landing.loads import Load, write_load


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of every small datamart: dbt parses the project again in any other folder."""
    return tmp_path_factory.mktemp("small") / "datamart"


@pytest.fixture(scope="session")
def published_small(place: Path, tiny_data: Path) -> Path:
    """A published datamart of tiny_data; tests read it and change nothing."""
    run_dir = place / "runs" / "20250601T060000Z"
    files = inspect_sources(list(contracts().values()), tiny_data, run_dir / "bronze").files
    land_files(run_dir, tiny_data, 1, SECOND_LOAD)
    shutil.rmtree(run_dir / "bronze" / "loads")
    landed = [replace(file, rows_landed=file.rows_in_file) for file in files]
    write_load(run_dir / "bronze", Load(1, datetime.fromisoformat(SECOND_LOAD), tuple(landed)))
    (place / "current").symlink_to(run_dir)
    assert main(["--data-dir", str(tiny_data), "--datamart-dir", str(place)]) == 0
    shutil.rmtree(run_dir)
    kept = place.with_name("published")
    shutil.copytree(place, kept, symlinks=True, ignore=shutil.ignore_patterns("dbt_target"))
    return kept


@pytest.fixture
def small(published_small: Path, place: Path) -> Path:
    """A copy of the small datamart that a test may change, with what dbt has parsed already."""
    for path in place.iterdir():
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.name != "dbt_target":
            shutil.rmtree(path)
    shutil.copytree(published_small, place, symlinks=True, dirs_exist_ok=True)
    return place


@pytest.fixture
def small_data(tiny_data: Path, tmp_path: Path) -> Path:
    """A copy of the files of the small datamart that a test may change."""
    return Path(shutil.copytree(tiny_data, tmp_path / "data"))
