"""Support of the point-in-time tests: a tiny datamart that is built once, without Spark."""

import csv
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.bronze import contracts, land_files, land_rows
from tests.support.compiled import compile_models, narrow_project
from warehouse.base.catalog import attach
from warehouse.sample.files import write_files
from warehouse.transform.compiled import CompiledProject, connect_in_memory

FIRST_LOAD, SECOND_LOAD = "2024-07-01 06:00:00", "2025-06-01 06:00:00"


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of sixty made-up customers: repeat borrowers, late and restated rows, gaps."""
    folder = tmp_path_factory.mktemp("tiny_data")
    write_files(60, 3, folder)
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published narrow datamart of tiny_data, in two loads: up to 2024-06, then the others."""
    root = tmp_path_factory.mktemp("tiny")
    run_dir = root / "runs" / "tiny"
    land(tiny_data, run_dir)
    build_compiled(run_dir, narrow_project())
    publish(root, run_dir, narrow_project())
    return root


@pytest.fixture(scope="session")
def two_clocks(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published narrow datamart of tiny_data in three deliveries, corrected and late rows too."""
    root = tmp_path_factory.mktemp("two_clocks")
    run_dir = land_with_corrections(tiny_data, root)
    build_compiled(run_dir, narrow_project())
    publish(root, run_dir, narrow_project())
    return root


def land(data: Path, run_dir: Path, condition: str = "true") -> None:
    """Write the rows of the files that meet a condition as bronze, in two loads."""
    first = "snapshot_date <= '2024-06-30'"
    land_files(run_dir, data, 1, FIRST_LOAD, f"({condition}) and {first}")
    land_files(run_dir, data, 2, SECOND_LOAD, f"({condition}) and not {first}")


def land_with_corrections(data: Path, folder: Path) -> Path:
    """Write bronze of three deliveries into a run folder below `folder`; return the run folder.

    Rows up to 2024-06 are landed in July 2024, rows up to 2024-09 in October, the others in June
    2025. The second brings corrections of a third of the clickstream of April to June 2024, and
    a ninth that the first did not bring; the third corrects loans of the summer. One row of the
    year 1900 comes last.
    """
    run_dir = folder / "run"
    corrected = folder / "corrected"
    shutil.copytree(data, corrected)
    with duckdb.connect() as con:
        for source, column in (("feature_clickstream", "fe_1"), ("lms_loan_daily", "paid_amt")):
            file = corrected / f"{source}.csv"
            con.execute(
                f"copy (select * replace (coalesce(try_cast({column} as double), 0) + 5000"
                f" as {column}) from read_csv('{file}', header = true, all_varchar = true,"
                f" null_padding = true, strict_mode = false)) to '{file}.new' (header)"
            )
            Path(f"{file}.new").replace(file)
    spring = "snapshot_date between '2024-04-01' and '2024-06-30'"
    third, ninth = (f"hash(customer_id) % {n} = {n - 1}" for n in (3, 9))
    clickstream = ["feature_clickstream"]
    others = [name for name in contracts() if name not in clickstream]
    first = "snapshot_date <= '2024-06-30'"
    land_files(run_dir, data, 1, "2024-07-01 06:00:00", first, others)
    on_time = f"{first} and not ({spring} and {ninth})"
    land_files(run_dir, data, 1, "2024-07-01 06:00:00", on_time, clickstream)
    second = "snapshot_date between '2024-07-01' and '2024-09-30'"
    land_files(run_dir, data, 2, "2024-10-05 06:00:00", second)
    late = f"{spring} and {third}"
    land_files(run_dir, corrected, 2, "2024-10-05 06:00:00", late, clickstream)
    land_files(run_dir, data, 3, "2025-06-01 06:00:00", "snapshot_date > '2024-09-30'")
    land_files(run_dir, corrected, 3, "2025-06-01 06:00:00", second, ["lms_loan_daily"])
    with (data / "features_attributes.csv").open() as lines:
        customer = next(csv.DictReader(lines))["Customer_ID"]
    mistyped = {"Customer_ID": customer, "snapshot_date": "1900-01-01", "_row_number": 9999}
    land_rows(run_dir, 4, "2025-06-02 06:00:00", {"features_attributes": [mistyped]})
    return run_dir


BUILT_MODELS = ("training_set", "label_store", "feature_store", "quarantine", "reasons")


def build(run_dir: Path, **variables: Any) -> CompiledProject:
    """Build the feature and label stores of a run folder from its bronze, with these variables."""
    (run_dir / "manifest.json").write_text(json.dumps({"inputs": variables}))
    project = compile_models(run_dir.parent, variables)
    build_compiled(run_dir, project)
    return project


def build_compiled(
    run_dir: Path, project: CompiledProject, models: Iterable[str] = BUILT_MODELS
) -> None:
    """Build the stores of a run folder from its bronze by models that are compiled already."""
    with connect_in_memory(threads=1) as con:
        attach(con, run_dir)
        for model in project.needed(models):
            path = run_dir / model.schema / f"{model.name}.parquet"
            path.parent.mkdir(exist_ok=True)
            con.execute(f"copy (\n{model.sql}\n) to '{path}' (format parquet)")
            con.execute(f"create or replace view {model.relation} as from '{path}'")


def publish(root: Path, run_dir: Path, project: CompiledProject | None = None) -> None:
    """Make a built run folder the published one."""
    if project:
        project.save(run_dir)
    (root / "next").symlink_to(run_dir)
    (root / "next").replace(root / "current")


def rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    """The rows of a query as a sorted multiset, so that two can be compared."""
    return sorted(con.execute(query).fetchall(), key=repr)
