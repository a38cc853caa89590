"""The feature store's own SQL on a spine of the caller's: scoring sets, ad-hoc samples, notebooks.

A run keeps the SQL that dbt compiled (`queries.json`). Here that SQL runs once more over the run's
silver tables with other rows in the place of gold.loan_applications. There is no second
implementation of a feature, and a feature that a user adds to the models is there as well.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.errors import UserError
from warehouse.datamart.runs import Datamart

QUERIES_FILE = "queries.json"
SPINE_MODEL = "loan_applications"
FEATURE_MODEL = "feature_store"
SPINE_COLUMNS = ("loan_id", "customer_id", "application_date")
FORMATS = {".parquet": "format parquet, compression zstd", ".csv": "format csv, header"}


@dataclass(frozen=True)
class Model:
    """A model as compiled; relations are quoted "schema"."name", without a database."""

    name: str
    schema: str
    relation: str
    depends_on: tuple[str, ...]
    sql: str


@dataclass(frozen=True)
class Source:
    """A bronze table with a contract, and what of the contract says when a row is known."""

    name: str
    relation: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    date_column: str
    date_format: str
    delay_days: int
    boundary: str


@dataclass(frozen=True)
class Queries:
    """The compiled models in the order in which they are built, and the sources below them."""

    models: tuple[Model, ...]
    sources: tuple[Source, ...]

    def model(self, name: str) -> Model:
        """The model of this name."""
        return next(model for model in self.models if model.name == name)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """The relations that the named models are made from, themselves included."""
        found = {self.model(name).relation for name in names}
        for model in reversed(self.models):
            if model.relation in found:
                found.update(model.depends_on)
        return found

    def descendants(self, name: str) -> set[str]:
        """The relations that are made from the named model, itself excluded."""
        found = {self.model(name).relation}
        for model in self.models:
            if found.intersection(model.depends_on):
                found.add(model.relation)
        return found - {self.model(name).relation}


def compiled_queries(manifest: Any) -> Queries:
    """The compiled models of a project, from the manifest that dbt worked on.

    Raises:
        UserError: a model has no compiled SQL: a Python model, or one left out by --select.
    """
    nodes = {**manifest.nodes, **manifest.sources}
    models = {
        key: node
        for key, node in manifest.nodes.items()
        if node.resource_type == "model" and node.config.materialized != "ephemeral"
    }
    databases = {node.database for node in nodes.values() if node.database}
    for node in models.values():
        if not node.compiled_code:
            reason = "was not compiled" if node.language == "sql" else "is not SQL"
            raise UserError(f"model {node.name} {reason}, so that it cannot be run again")
    return Queries(
        models=tuple(_model(nodes, models[key], databases) for key in _build_order(models, nodes)),
        sources=tuple(
            _source(node) for node in manifest.sources.values() if "file" in node.config.meta
        ),
    )


def save_queries(queries: Queries, run_dir: Path) -> None:
    """Keep the SQL that a run was built from with it."""
    (run_dir / QUERIES_FILE).write_text(json.dumps(asdict(queries), indent=1))


def load_queries(run_dir: Path) -> Queries:
    """The SQL that a run was built from.

    Raises:
        UserError: the run keeps none.
    """
    try:
        content = json.loads((run_dir / QUERIES_FILE).read_text())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{run_dir} keeps no {QUERIES_FILE} that can be read:"
            " build it anew with python main.py --rebuild"
        ) from error
    return Queries(
        models=tuple(Model(**_with_tuples(model)) for model in content["models"]),
        sources=tuple(Source(**_with_tuples(source)) for source in content["sources"]),
    )


def published_run(datamart_dir: Path) -> Path:
    """The folder of the published run, which no later run changes.

    Raises:
        UserError: nothing is published there.
    """
    run_dir = Datamart(datamart_dir.absolute()).current_run()
    if run_dir is None:
        raise UserError(f"{datamart_dir} holds no published datamart: run python main.py first")
    return run_dir


def write_features(
    datamart_dir: Path,
    spine: Path,
    out: Path,
    customer_column: str | None = None,
    date_column: str | None = None,
) -> int:
    """Write the feature store's columns for every row of a file, as of the row's date.

    spine and out are .csv or .parquet. The spine's rows and columns are kept as they are, in their
    order. customer_column defaults to customer_id in any case of letters; date_column to
    application_date, else to the only column that holds dates. A time of day is cut off.

    Returns the number of rows.

    Raises:
        UserError: a file cannot be read or written, a column is missing or stands for a feature
            too, or a date is not a date. Nothing is written then.
    """
    run_dir = published_run(datamart_dir)
    queries = load_queries(run_dir)
    if out.suffix.lower() not in FORMATS:
        raise UserError(f"{out}: name the output .parquet or .csv")
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        columns = _read_spine(con, spine)
        _make_applications(
            con,
            spine,
            customer_column or _customer_column(spine, columns),
            date_column or _date_column(con, spine, columns),
            columns,
        )
        con.execute(f"create table __features as {feature_sql(queries, '__applications')}")
        _refuse_shared_names(con, spine, columns)
        _write(
            con,
            f"select spine.* exclude (__row), features.* exclude ({', '.join(SPINE_COLUMNS)})"
            " from __spine as spine"
            " inner join __features as features"
            " on cast(spine.__row as varchar) = features.loan_id"
            " order by spine.__row",
            out,
        )
        return con.execute("select count(*) from __spine").fetchone()[0]


def create_macros(con: DuckDBPyConnection, run_dir: Path) -> None:
    """Create features_as_of(date): the features of every customer known on that day.

    For a connection to which catalog.attach has attached the run:
    `from features_as_of(date '2024-03-01')`. One row a customer of whom any source had an available
    row by that day.
    """
    queries = load_queries(run_dir)
    customers = "\nunion all\n".join(_known_customers(queries))
    spine = (
        "(select distinct customer_id as loan_id, customer_id,"
        " cast(as_of_date as date) as application_date"
        f" from ({customers}) where customer_id is not null)"
    )
    con.execute(
        "create or replace macro features_as_of(as_of_date) as table\n"
        f"with __applications as materialized {spine}\n"
        "select customer_id, application_date as as_of_date,"
        f" * exclude ({', '.join(SPINE_COLUMNS)})\n"
        f"from ({feature_sql(queries, '__applications')})"
    )


def feature_sql(queries: Queries, spine: str) -> str:
    """The feature store's query over another relation in the place of gold.loan_applications."""
    between = queries.descendants(SPINE_MODEL) & queries.ancestors([FEATURE_MODEL])
    names = {queries.model(SPINE_MODEL).relation: spine}
    steps = []
    for model in queries.models:
        if model.relation in between:
            names[model.relation] = f"__{model.name}"
            steps.append(f"__{model.name} as (\n{_renamed(model.sql, names)}\n)")
    return "with " + ",\n".join(steps) + f"\nselect * from __{FEATURE_MODEL}"


def _renamed(sql: str, names: dict[str, str]) -> str:
    for relation, name in names.items():
        sql = sql.replace(relation, name)
    return sql


def _known_customers(queries: Queries) -> Iterator[str]:
    """Per silver table that the features read: the customers it knows by as_of_date."""
    delays = {source.relation: source.delay_days for source in queries.sources}
    silver = queries.ancestors([FEATURE_MODEL])
    for model in queries.models:
        read = [delays[relation] for relation in model.depends_on if relation in delays]
        if model.relation in silver and model.schema == "silver" and len(read) == 1:
            yield (
                f"select customer_id from {model.relation}"
                f" where snapshot_date + {read[0]} <= cast(as_of_date as date)"
            )


def _read_spine(con: DuckDBPyConnection, spine: Path) -> dict[str, str]:
    """Load the caller's file as __spine, its rows numbered from 1; its columns and their types."""
    if spine.suffix.lower() not in FORMATS:
        raise UserError(f"{spine}: the spine has to be a .csv or .parquet file")
    if not spine.is_file():
        raise UserError(f"{spine}: there is no such file")
    path = str(spine).replace("'", "''")
    try:
        scan = f"read_parquet('{path}', hive_partitioning = false)"
        if spine.suffix.lower() == ".csv":
            columns = ", ".join(f"{quoted_name(name)}: 'varchar'" for name in _csv_header(spine))
            scan = (
                f"read_csv('{path}', header = true, delim = ',', quote = '\"', escape = '\"',"
                f" auto_detect = false, columns = {{{columns}}})"
            )
        con.execute(f"create table __spine as select row_number() over () as __row, * from {scan}")
    except (duckdb.Error, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{spine} cannot be read: {_first_lines(error)}") from error
    described = con.execute("describe __spine").fetchall()
    return {name: kind for name, kind, *_ in described if name != "__row"}


def _csv_header(spine: Path) -> list[str]:
    with spine.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    names = [name.lower() for name in header]
    repeated = [name for name in names if names.count(name) > 1]
    if not header:
        raise UserError(f"{spine} is empty")
    if repeated:
        raise UserError(f"{spine}: column {repeated[0]} stands twice")
    return header


def _customer_column(spine: Path, columns: dict[str, str]) -> str:
    found = [name for name in columns if name.lower() == "customer_id"]
    if len(found) != 1:
        raise UserError(
            f"{spine} has no column customer_id, only {', '.join(columns)};"
            " name the customer's column with --customer"
        )
    return found[0]


def _date_column(con: DuckDBPyConnection, spine: Path, columns: dict[str, str]) -> str:
    """application_date, else the only column of dates."""
    named = [name for name in columns if name.lower() == "application_date"]
    found = named or [name for name, kind in columns.items() if _holds_dates(con, name, kind)]
    if len(found) != 1:
        said = f"columns {', '.join(found)} all hold dates" if found else "no column holds dates"
        raise UserError(f"{spine}: {said}; name the date's column with --date")
    return found[0]


def _holds_dates(con: DuckDBPyConnection, column: str, kind: str) -> bool:
    if kind != "VARCHAR":
        return kind == "DATE" or kind.startswith("TIMESTAMP")
    text = f"nullif(trim({quoted_name(column)}), '')"
    dates, others = con.execute(
        f"select count({_as_date(text)}), count({text}) - count({_as_date(text)}) from __spine"
    ).fetchone()
    return dates > 0 and others == 0


def _make_applications(
    con: DuckDBPyConnection,
    spine: Path,
    customer_column: str,
    date_column: str,
    columns: dict[str, str],
) -> None:
    """Create __applications: what stands in for gold.loan_applications, a row number as loan_id."""
    for column in (customer_column, date_column):
        if column not in columns:
            raise UserError(f"{spine} has no column {column}, only {', '.join(columns)}")
    date, kind = quoted_name(date_column), columns[date_column]
    if kind == "VARCHAR":
        date = _as_date(f"nullif(trim({date}), '')")
    elif kind != "DATE" and not kind.startswith("TIMESTAMP"):
        raise UserError(f"{spine}: column {date_column} is {kind}, expected dates")
    con.execute(
        "create table __applications as select cast(__row as varchar) as loan_id,"
        f" nullif(trim(cast({quoted_name(customer_column)} as varchar)), '') as customer_id,"
        f" cast({date} as date) as application_date from __spine"
    )
    if kind == "VARCHAR":
        _refuse_bad_dates(con, spine, date_column)


def _as_date(text: str) -> str:
    """A text as date, null where it is not one: YYYY-MM-DD, with or without a time behind it."""
    pattern = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d+)?)?)?$"
    return f"case when regexp_matches({text}, '{pattern}') then try_cast({text} as timestamp) end"


def _refuse_bad_dates(con: DuckDBPyConnection, spine: Path, date_column: str) -> None:
    date = f"spine.{quoted_name(date_column)}"
    bad = con.execute(
        f"select spine.__row, {date} from __spine as spine"
        " inner join __applications as read on cast(spine.__row as varchar) = read.loan_id"
        f" where read.application_date is null and trim({date}) <> ''"
        " order by spine.__row limit 1"
    ).fetchone()
    if bad:
        raise UserError(
            f"{spine}, data row {bad[0]:,}: {date_column} is {bad[1]!r}, expected YYYY-MM-DD"
        )


def _refuse_shared_names(con: DuckDBPyConnection, spine: Path, columns: dict[str, str]) -> None:
    described = con.execute("describe __features").fetchall()
    features = {name.lower() for name, *_ in described if name not in SPINE_COLUMNS}
    shared = [name for name in columns if name.lower() in features]
    if shared:
        raise UserError(
            f"{spine}: column {shared[0]} is the name of a feature as well; rename or remove it"
        )


def _write(con: DuckDBPyConnection, query: str, out: Path) -> None:
    """Write a query's rows whole: beside their place first, then renamed."""
    beside = out.with_name(f".{out.name}.new")
    path = str(beside).replace("'", "''")
    try:
        con.execute(f"copy ({query}) to '{path}' ({FORMATS[out.suffix.lower()]})")
        beside.replace(out)
    except (duckdb.IOException, OSError) as error:
        raise UserError(f"{out} cannot be written: {_first_lines(error)}") from error
    finally:
        if beside.is_file():
            beside.unlink()


def _build_order(models: dict[str, Any], nodes: dict[str, Any]) -> list[str]:
    """The models' ids, each behind those it is made from."""
    order: list[str] = []

    def visit(key: str) -> None:
        for parent in nodes[key].depends_on_nodes:
            if parent in nodes:
                visit(parent)
        if key in models and key not in order:
            order.append(key)

    for key in sorted(models):
        visit(key)
    return order


def _model(nodes: dict[str, Any], node: Any, databases: set[str]) -> Model:
    sql = node.compiled_code
    for database in databases:
        sql = sql.replace(f'"{database}"."', '"')
    return Model(
        name=node.name,
        schema=node.schema,
        relation=_relation(node),
        depends_on=tuple(dict.fromkeys(_parents(nodes, node))),
        sql=sql,
    )


def _parents(nodes: dict[str, Any], node: Any) -> Iterator[str]:
    """The relations a model reads; through models that are no relation themselves."""
    for key in node.depends_on_nodes:
        parent = nodes.get(key)
        if parent is None:
            continue
        if parent.config.get("materialized") == "ephemeral":
            yield from _parents(nodes, parent)
        else:
            yield _relation(parent)


def _relation(node: Any) -> str:
    return f'"{node.schema}"."{node.identifier}"'


def _source(node: Any) -> Source:
    meta = node.config.meta
    return Source(
        name=node.name,
        relation=_relation(node),
        key=tuple(meta["key"]),
        columns=tuple(name for name in node.columns if not name.startswith("_")),
        date_column=meta["date_column"],
        date_format=meta["date_format"],
        delay_days=meta["delay_days"],
        boundary=meta["boundary"],
    )


def _with_tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }


def _first_lines(error: Exception) -> str:
    return " ".join(str(error).split("Possible fixes")[0].split())[:300]
