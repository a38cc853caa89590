"""The models as dbt compiled them, to be run over other inputs: one way for all who do.

No SQL is rewritten. A DuckDB connection in memory, whose database dbt calls `memory`, shows other
tables under the names that the models read, and the models' own SQL runs in it. A feature that a
user adds to the models is there as well.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR

COMPILED_FILE = "compiled.json"
SPINE_MODEL = "loan_applications"  # what gold is built on: one row a loan application
FEATURE_MODEL = "feature_store"
KEY_RULE = "customer_key"  # meta of the spine model: how a customer's key is cleaned, as SQL


@dataclass(frozen=True)
class Model:
    """A model as compiled; relations are written "schema"."name", without the database."""

    name: str
    schema: str
    relation: str
    depends_on: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Source:
    """A bronze table with a contract, the facts of the contract, and where its rows go.

    silver is the name of its silver table, group the feature group made from it; None where
    `vars: sources` of the project has no such entry.
    """

    name: str
    relation: str
    file: str
    key: tuple[str, ...]
    customer_column: str
    columns: tuple[str, ...]
    date_column: str
    date_format: str
    delay_days: int
    boundary: str
    max_age_days: int | None
    corrections: str
    personal_columns: tuple[str, ...]
    sensitive_columns: tuple[str, ...]
    silver: str | None
    group: str | None

    @property
    def silver_relation(self) -> str:
        """The relation of its silver table."""
        return f'"silver"."{self.silver}"'


@dataclass(frozen=True)
class CompiledProject:
    """The compiled models in the order in which they are built, and the sources below them.

    customer_key is the SQL that cleans a column `customer_id`, as silver cleans it. source_columns
    maps the columns of a model, by the model's name, to the raw columns that they are made of.
    """

    models: tuple[Model, ...]
    sources: tuple[Source, ...]
    customer_key: str = "customer_id"
    source_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """Return the model of this name; raises KeyError where there is none."""
        for model in self.models:
            if model.name == name:
                return model
        raise KeyError(name)

    def source(self, name: str) -> Source:
        """Return the source of this name; raises KeyError where there is none."""
        for source in self.sources:
            if source.name == name:
                return source
        raise KeyError(name)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the relations that the named models are made from, themselves included."""
        found = {self.model(name).relation for name in names}
        for model in reversed(self.models):
            if model.relation in found:
                found.update(model.depends_on)
        return found

    def descendants(self, name: str) -> set[str]:
        """Return the relations that are made from the named model, itself excluded."""
        found = {self.model(name).relation}
        for model in self.models:
            if found.intersection(model.depends_on):
                found.add(model.relation)
        return found - {self.model(name).relation}

    def between(self, start: str, end: str) -> list[str]:
        """Return the models made from `start` that `end` is made from, in order, with `end`."""
        wanted = self.descendants(start) & self.ancestors([end])
        return [model.name for model in self.models if model.relation in wanted]

    def build(self, con: DuckDBPyConnection, names: Iterable[str], as_tables: bool = True) -> None:
        """Create the named models, in the order of the project, as tables or as views.

        con is a connection of `connect_in_memory` whose catalogue shows what the models read. A
        relation that is there already under a model's name is replaced.

        Raises duckdb.Error where a model cannot be built.
        """
        wanted = set(names)
        for model in self.models:
            if model.name in wanted:
                create_relation(con, "table" if as_tables else "view", model.relation, model.sql)

    def save(self, run_dir: Path) -> None:
        """Keep the compiled project with the run that was built from it."""
        (run_dir / COMPILED_FILE).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, run_dir: Path) -> "CompiledProject":
        """Return the compiled project that a run was built from; raises UserError without one."""
        try:
            content = json.loads((run_dir / COMPILED_FILE).read_text())
            return cls(
                models=tuple(Model(**_with_tuples(model)) for model in content["models"]),
                sources=tuple(Source(**_with_tuples(source)) for source in content["sources"]),
                customer_key=content["customer_key"],
                source_columns=content["source_columns"],
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{run_dir} has no readable {COMPILED_FILE}: run python main.py --rebuild"
            ) from error

    @classmethod
    def from_manifest(cls, manifest: Any, project_dir: Path = DBT_DIR) -> "CompiledProject":
        """Return the compiled project of the manifest that dbt worked on.

        project_dir is the dbt project, whose `vars: sources` are read.

        Raises UserError where a model has no compiled SQL: a Python model, or one left out.
        """
        nodes = {**manifest.nodes, **manifest.sources}
        models = {
            key: node
            for key, node in manifest.nodes.items()
            if node.resource_type == "model" and node.config.materialized != "ephemeral"
        }
        for node in models.values():
            if not node.compiled_code:
                reason = "was not compiled" if node.language == "sql" else "is not SQL"
                raise UserError(f"model {node.name} {reason}: it cannot be run on other rows")
        wiring = _sources_of_project(project_dir)
        spine = next((node for node in models.values() if node.name == SPINE_MODEL), None)
        key_rule = spine.config.meta.get(KEY_RULE) if spine else None
        return cls(
            models=tuple(_model(nodes, models[key]) for key in _build_order(models, nodes)),
            sources=tuple(
                _source(node, wiring.get(node.name) or {})
                for node in manifest.sources.values()
                if "file" in node.config.meta
            ),
            customer_key=key_rule or cls.customer_key,
            source_columns={
                node.name: found for node in models.values() if (found := _source_columns(node))
            },
        )


def compile_project(
    project_dir: Path, run_dir: Path, target_dir: Path | None = None
) -> CompiledProject:
    """Compile a dbt project, with the --as-of and --known-at of a run.

    target_dir (default: the project's own) holds what dbt keeps to be quicker the next time.

    Raises UserError with dbt's message where it cannot compile the project.
    """
    from dbt.cli.main import dbtRunner  # late: importing dbt takes a second

    target = target_dir or project_dir / "target"
    # an empty folder of one name, not the run's: dbt parses anew whenever a variable changes
    variables = {"run_dir": str(target / "empty_run"), "memory_limit": None}
    variables |= _moment_of_run(run_dir)
    options = ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
    options += ["--target", "run", "--vars", json.dumps(variables)]
    options += ["--target-path", str(target)]
    options += ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    models = ["--select", "resource_type:model", "--indirect-selection", "empty"]
    outcome = dbtRunner().invoke(["parse", *options])
    if outcome.success:
        manifest: Any = outcome.result
        outcome = dbtRunner(manifest=manifest).invoke(["compile", *models, *options])
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    if not outcome.success:
        raise UserError(f"dbt cannot compile {project_dir}: {_dbt_message(outcome)}")
    return CompiledProject.from_manifest(manifest, project_dir)


def _moment_of_run(run_dir: Path) -> dict[str, str]:
    try:
        inputs = json.loads((run_dir / "manifest.json").read_text())["inputs"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: inputs[name] for name in ("as_of", "known_at") if inputs.get(name)}


def _dbt_message(outcome: Any) -> str:
    if outcome.exception:
        return " ".join(str(outcome.exception).split())
    messages = [result.message for result in outcome.result if result.message]
    return " ".join("; ".join(messages).split())


@contextmanager
def connect_in_memory(
    threads: int | None = None, memory_limit: str | None = None, spill_dir: Path | None = None
) -> Iterator[DuckDBPyConnection]:
    """Open a database in memory, in UTC, in which compiled models can run; close it afterwards.

    memory_limit is written as DuckDB takes it, such as 2GiB; what exceeds it goes to spill_dir.
    """
    con = open_in_memory(threads, memory_limit, spill_dir)
    try:
        yield con
    finally:
        con.close()


def open_in_memory(
    threads: int | None = None, memory_limit: str | None = None, spill_dir: Path | None = None
) -> DuckDBPyConnection:
    """Open the database of `connect_in_memory`; the caller closes it."""
    con = duckdb.connect(":memory:", config={"threads": threads} if threads else {})
    con.execute("set TimeZone = 'UTC'")
    if spill_dir:
        con.execute("set temp_directory = ?", [str(spill_dir)])
    if memory_limit:
        con.execute("set memory_limit = ?", [memory_limit])
    return con


def create_relation(con: DuckDBPyConnection, kind: str, relation: str, sql: str) -> None:
    """Create a table or view (`kind`) of a query; one of this name is replaced, whatever its kind.

    relation is written "schema"."name"; the schema is made when it is not there.
    """
    schema, name = (part.strip('"') for part in relation.split("."))
    con.execute(f'create schema if not exists "{schema}"')
    found = con.execute(
        "select if(table_type = 'VIEW', 'view', 'table') from information_schema.tables"
        " where table_catalog = current_database() and table_schema = ? and table_name = ?",
        [schema, name],
    ).fetchone()
    if found:
        con.execute(f"drop {found[0]} {relation}")
    con.execute(f"create {kind} {relation} as\n{sql}")


def _with_tuples(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }


def _sources_of_project(project_dir: Path) -> Mapping[str, Mapping[str, str]]:
    """Return `vars: sources`: per source its silver table and feature group."""
    import yaml

    path = project_dir / "dbt_project.yml"
    try:
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
        return project["vars"]["sources"] or {}
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UserError(f"{path}: `vars: sources` cannot be read") from error


def _relation(node: Any) -> str:
    return f'"{node.schema}"."{node.identifier}"'


def _model(nodes: Mapping[str, Any], node: Any) -> Model:
    return Model(
        name=node.name,
        schema=node.schema,
        relation=_relation(node),
        depends_on=tuple(sorted(set(_parents(nodes, node)))),
        sql=node.compiled_code.strip(),
    )


def _parents(nodes: Mapping[str, Any], node: Any) -> Iterator[str]:
    """Yield the relations that a model reads, also through models that are ephemeral."""
    for key in node.depends_on.nodes:
        parent = nodes.get(key)
        if parent is None:
            continue
        if parent.config.get("materialized") == "ephemeral":
            yield from _parents(nodes, parent)
        else:
            yield _relation(parent)


def _source(node: Any, wiring: Mapping[str, str]) -> Source:
    meta = node.config.meta
    flags = {name: _column_meta(column) for name, column in node.columns.items()}
    columns = tuple(name for name in node.columns if not name.startswith("_"))
    return Source(
        name=node.name,
        relation=_relation(node),
        file=meta["file"],
        key=tuple(meta["key"]),
        customer_column=meta.get("customer_column", "Customer_ID"),
        columns=columns,
        date_column=meta["date_column"],
        date_format=meta["date_format"],
        delay_days=meta["delay_days"],
        boundary=meta["boundary"],
        max_age_days=meta.get("max_age_days"),
        corrections=meta.get("corrections", "as_known"),
        personal_columns=tuple(name for name in columns if flags[name].get("personal")),
        sensitive_columns=tuple(name for name in columns if flags[name].get("sensitive")),
        silver=wiring.get("silver"),
        group=wiring.get("group"),
    )


def _source_columns(node: Any) -> dict[str, str]:
    """Return the raw column of each column of a model that names one (meta source_column)."""
    found = {
        name: _column_meta(column).get("source_column") for name, column in node.columns.items()
    }
    return {name: raw for name, raw in found.items() if raw}


def _column_meta(column: Any) -> Mapping[str, Any]:
    return {**column.meta, **(column.config.meta or {})}


def _build_order(models: Mapping[str, Any], nodes: Mapping[str, Any]) -> list[str]:
    """Return the keys of the models, each behind those it reads, else by name."""
    order: list[str] = []
    placed: set[str] = set()

    def place(key: str) -> None:
        if key in placed or key not in models:
            return
        placed.add(key)
        for parent in sorted(models[key].depends_on.nodes):
            place(parent)
        order.append(key)

    for key in sorted(models, key=lambda key: nodes[key].name):
        place(key)
    return order
