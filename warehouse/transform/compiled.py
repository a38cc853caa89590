"""The models as dbt compiled them, to be run over other inputs: one way for all who do.

No SQL is rewritten. A DuckDB connection in memory, whose database dbt calls `memory`, shows other
tables under the names that the models read, and the models' own SQL runs in it. A feature that a
user adds to the models is there as well.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.errors import UserError
from warehouse.base.files import read_json
from warehouse.base.paths import CONTRACTS_FILE, DBT_DIR
from warehouse.contracts.contract import SourceContract, read_contracts
from warehouse.transform.dbt_options import invoke, run_options, run_variables, shared_target

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
class CompiledProject:
    """The compiled models in the order in which they are built, and the sources below them.

    customer_key is the SQL that cleans a column `customer_id`, as silver cleans it. source_columns
    maps the columns of a model, by the model's name, to the raw columns that they are made of.
    """

    models: tuple[Model, ...]
    sources: tuple[SourceContract, ...]
    customer_key: str = "customer_id"
    source_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """Return the model of this name; raises KeyError where there is none."""
        return {model.name: model for model in self.models}[name]

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """Return the relations that the named models are made from, themselves included."""
        found = {self.model(name).relation for name in names}
        for model in reversed(self.models):
            if model.relation in found:
                found.update(model.depends_on)
        return found

    def needed(self, names: Iterable[str]) -> list[Model]:
        """Return the named models and all that they are made from, in the order of building."""
        needed = self.ancestors(names)
        return [model for model in self.models if model.relation in needed]

    def between(self, start: str, end: str) -> list[Model]:
        """Return the models made from `start` that `end` is made from, in order, with `end`."""
        above = {self.model(start).relation}
        between = []
        for model in self.needed([end]):
            if above.intersection(model.depends_on):
                above.add(model.relation)
                between.append(model)
        return between

    def save(self, run_dir: Path) -> None:
        """Keep the compiled project with the run that was built from it."""
        (run_dir / COMPILED_FILE).write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def load(cls, run_dir: Path) -> "CompiledProject":
        """Return the compiled project that a run was built from; raises UserError without one."""
        try:
            content = json.loads((run_dir / COMPILED_FILE).read_text())
            return cls(
                models=tuple(_loaded(Model, model) for model in content["models"]),
                sources=tuple(_loaded(SourceContract, source) for source in content["sources"]),
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

        project_dir is the dbt project, whose source contracts are read.

        Raises UserError where a model has no compiled SQL: a Python model, or one left out.
        """
        nodes = {**manifest.nodes, **manifest.sources}
        models = {key: node for key, node in nodes.items() if node.resource_type == "model"}
        parents = {key: sorted(node.depends_on.nodes) for key, node in sorted(models.items())}
        order = [models[key] for key in TopologicalSorter(parents).static_order() if key in models]
        order = [node for node in order if node.config.materialized != "ephemeral"]
        for node in order:
            if not node.compiled_code:
                reason = "was not compiled" if node.language == "sql" else "is not SQL"
                raise UserError(f"model {node.name} {reason}: it cannot be run on other rows")
        spine = next((node for node in order if node.name == SPINE_MODEL), None)
        contracts = project_dir / CONTRACTS_FILE.relative_to(DBT_DIR)
        return cls(
            models=tuple(_model(nodes, node) for node in order),
            sources=read_contracts(contracts, project_dir / "dbt_project.yml"),
            customer_key=(spine and spine.config.meta.get(KEY_RULE)) or cls.customer_key,
            source_columns={node.name: found for node in order if (found := _source_columns(node))},
        )


def compile_project(
    project_dir: Path, run_dir: Path, target_dir: Path | None = None
) -> CompiledProject:
    """Compile a dbt project, with the --as-of and --known-at of a run.

    target_dir (default: the one that runs share) holds what dbt keeps to be quicker the next time.

    Raises UserError with dbt's message where it cannot compile the project.
    """
    target = target_dir or shared_target(project_dir)
    inputs = (read_json(run_dir / "manifest.json") or {}).get("inputs", {})
    variables = run_variables(inputs.get("as_of"), inputs.get("known_at"))
    options = run_options(target / "empty_run", target, variables, project_dir=project_dir)
    models = ["--select", "resource_type:model", "--indirect-selection", "empty", "--full-refresh"]
    outcome = invoke(["parse", *options])
    if outcome.success:
        manifest: Any = outcome.result
        outcome = invoke(["compile", *models, *options], manifest)
    if not outcome.success:
        raise UserError(f"dbt cannot compile {project_dir}: {_dbt_message(outcome)}")
    return CompiledProject.from_manifest(manifest, project_dir)


def _dbt_message(outcome: Any) -> str:
    if outcome.exception:
        return " ".join(str(outcome.exception).split())
    messages = [result.message for result in outcome.result if result.message]
    return " ".join("; ".join(messages).split())


def connect_in_memory(
    threads: int | None = None, memory_limit: str | None = None, spill_dir: Path | None = None
) -> DuckDBPyConnection:
    """Open a database in memory, in UTC, in which compiled models can run; `with` closes it.

    memory_limit is written as DuckDB takes it, such as 2GiB; what exceeds it goes to spill_dir.
    """
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


def _loaded(kind: Any, content: Mapping[str, Any]) -> Any:
    """Return a dataclass from what JSON kept of it."""
    values = {part.name: content.get(part.name) for part in fields(kind)}
    return kind(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})


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
    for parent in filter(None, map(nodes.get, node.depends_on.nodes)):
        if parent.config.get("materialized") == "ephemeral":
            yield from _parents(nodes, parent)
        else:
            yield _relation(parent)


def _source_columns(node: Any) -> dict[str, str]:
    """Return the raw column of each column of a model that names one (meta source_column)."""
    metas = {
        name: {**column.meta, **(column.config.meta or {})} for name, column in node.columns.items()
    }
    return {name: m["source_column"] for name, m in metas.items() if m.get("source_column")}
