"""The SQL that dbt compiles from the project, for tests that run it over rows of their own."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.paths import DBT_DIR
from warehouse.base.rows import rows_of
from warehouse.transform.compiled import CompiledProject, connect_in_memory


@dataclass(frozen=True)
class Compiled:
    """The models of the project, and the SQL of its singular tests by name."""

    project: CompiledProject
    tests: dict[str, str]
    manifest: Any

    def failures(self, con: duckdb.DuckDBPyConnection, test: str) -> list[dict[str, Any]]:
        """Return the rows that a singular test finds in the tables of a connection."""
        return rows_of(con, self.tests[test])


@cache
def compiled() -> Compiled:
    """Compile the project over an empty datamart, once a test session."""
    from dbt.cli.main import dbtRunner

    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options = ["--project-dir", str(DBT_DIR), "--profiles-dir", str(DBT_DIR), "--target", "run"]
        options += ["--vars", json.dumps({"run_dir": folder, "memory_limit": None})]
        options += ["--target-path", f"{folder}/target", "--no-write-json"]
        options += ["--log-level", "none", "--log-level-file", "none"]
        manifest = dbtRunner().invoke(["parse", *options]).result
        selected = ["--select", "resource_type:model", "test_type:singular"]
        selected += ["--indirect-selection", "empty"]
        outcome = dbtRunner(manifest=manifest).invoke(["compile", *selected, *options])
        assert outcome.success, outcome.exception
    tests = {
        node.name: node.compiled_code
        for node in manifest.nodes.values()
        if node.resource_type == "test" and node.compiled_code
    }
    return Compiled(CompiledProject.from_manifest(manifest), tests, manifest)


def compiled_model(name: str) -> str:
    """Return the compiled SQL of a model."""
    return compiled().project.model(name).sql


@contextmanager
def built(run_dir: Path, *names: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the bronze of a run folder and the named models built from it."""
    project = compiled().project
    wanted = project.ancestors(names)
    with connect_in_memory(threads=1) as con:
        attach(con, run_dir)
        project.build(con, [model.name for model in project.models if model.relation in wanted])
        yield con


def compiled_project() -> CompiledProject:
    """Return the compiled models of the project."""
    return compiled().project
