"""The SQL that dbt compiles from the project, for tests that run it over rows of their own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from warehouse.base.catalog import attach
from warehouse.base.rows import rows_of
from warehouse.transform.compiled import CompiledProject, connect_in_memory, create_relation
from warehouse.transform.dbt_options import invoke, run_options, run_variables

# Variables for what needs no width: few columns of the clickstream in few windows.
NARROW = {"clickstream_columns": 3, "clickstream_windows": {"3m": 3, "all": None}}


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
def parsed_project() -> Any:
    """Return dbt's manifest of the project, parsed once a process; compiling it takes variables."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _dbt("parse", Path(folder), **run_variables()).result


@cache
def compiled() -> Compiled:
    """Compile the project over an empty datamart, once a process."""
    selected = ["--select", "resource_type:model", "test_type:singular"]
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        manifest = parsed_project()
        _dbt("compile", Path(folder), *selected, manifest=manifest)
    tests = {
        node.name: node.compiled_code
        for node in manifest.nodes.values()
        if node.resource_type == "test" and node.compiled_code
    }
    return Compiled(CompiledProject.from_manifest(manifest), tests, manifest)


def compile_models(folder: Path, variables: Mapping[str, Any]) -> CompiledProject:
    """Compile the models with other variables, over the published tables of `folder`/run."""
    manifest = parsed_project()
    _dbt("compile", folder, "--select", "resource_type:model", manifest=manifest, **variables)
    return CompiledProject.from_manifest(manifest)


def render(template: str) -> str:
    """Return a template as dbt renders it outside of any model; AssertionError if it refuses."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        inline = _dbt("compile", Path(folder), "--inline", template, manifest=parsed_project())
    return inline.result[0].node.compiled_code


def _dbt(command: str, folder: Path, *options: str, manifest: Any = None, **variables: Any) -> Any:
    options += (*run_options(folder / "run", folder / "target", variables),)
    if command == "compile":
        options += ("--indirect-selection", "empty")
    messages: list[str] = []
    outcome = invoke([command, *options], manifest, lambda event: messages.append(event.info.msg))
    assert outcome.success, " ".join(" ".join(messages).split())
    return outcome


def compiled_model(name: str) -> str:
    """Return the compiled SQL of a model."""
    return compiled().project.model(name).sql


@contextmanager
def built(run_dir: Path, *names: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection with the bronze of a run folder and the named models built from it."""
    project = compiled().project
    with connect_in_memory(threads=1) as con:
        attach(con, run_dir)
        for model in project.needed(names):
            create_relation(con, "table", model.relation, model.sql)
        yield con


def compiled_project() -> CompiledProject:
    """Return the compiled models of the project."""
    return compiled().project


@cache
def narrow_project() -> CompiledProject:
    """Return the compiled models of a narrow project."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return compile_models(Path(folder), NARROW)
