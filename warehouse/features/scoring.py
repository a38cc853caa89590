"""The feature store's own SQL on other applications: a caller's spine, or every customer of a day.

The compiled models of the published run are run once more over its silver tables, with other rows
as gold.loan_applications. No feature is computed a second way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.errors import UserError
from warehouse.base.layout import Datamart
from warehouse.base.rows import one_row
from warehouse.features.output import check_output, copy_to, join_parts, written_whole
from warehouse.features.spine import ROW, read_spine
from warehouse.transform.compiled import (
    FEATURE_MODEL,
    SPINE_MODEL,
    CompiledProject,
    connect_in_memory,
    create_relation,
)

SPINE_KEYS = ("loan_id", "customer_id", "application_date")
ROWS_AT_ONCE = 50_000  # whose features are built and held in memory together
NO_HISTORY, UNKNOWN_CUSTOMER = "no_history_yet", "unknown_customer"


@dataclass(frozen=True)
class FeatureSet:
    """A written scoring set: rows, the customers named in them, and those that no source knows."""

    rows: int
    customers: int
    unknown_customers: int

    @property
    def is_mostly_unknown(self) -> bool:
        """Whether no source knows most of the customers, as where the wrong column is the key."""
        return self.unknown_customers * 2 > self.customers


def published_run(datamart_dir: Path) -> Path:
    """Return the folder of the published run, which no later run changes.

    Raises UserError where nothing is published.
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
    memory_limit: str | None = None,
) -> FeatureSet:
    """Write the feature store's columns for every row of a file, as of the row's date.

    spine is a CSV or parquet file, or a folder of parquet files; out is .csv or .parquet. The
    spine's rows and columns are kept in their order; its loan_amt and tenure, if any, are taken as
    the terms of the loan. customer_column defaults to customer_id in any case of letters,
    date_column to application_date, else to the only column that holds dates. memory_limit is what
    DuckDB may hold, such as 2GiB.

    Raises UserError where a file cannot be read or written, a column is missing or has the name of
    a feature, or a date is no date. Nothing is written then.
    """
    check_output(out, datamart_dir, spine)
    run_dir = published_run(datamart_dir)
    project = CompiledProject.load(run_dir)
    with written_whole(out) as folder, connect_in_memory(None, memory_limit, folder) as con:
        attach(con, run_dir)
        own_terms = read_spine(
            con, spine, _terms(con), project.customer_key, customer_column, date_column
        )
        _refuse_shared_names(con, {*SPINE_KEYS, *own_terms})
        typed = ", ".join(f"features.{t} as {quoted_name(c)}" for t, c in own_terms.items())
        columns = f"spine.* exclude ({ROW}){f' replace ({typed})' if typed else ''}"
        return _write(con, project, folder / out.name, columns, [*SPINE_KEYS, *own_terms])


def write_scoring_set(
    datamart_dir: Path, as_of: date, out: Path, memory_limit: str | None = None
) -> FeatureSet:
    """Write the features of every customer known on a day, as of that day.

    Columns: customer_id, as_of_date and the features; one row a customer of whom any source had a
    row known on that day. Parameters and errors as in `write_features`.
    """
    check_output(out, datamart_dir)
    run_dir = published_run(datamart_dir)
    with written_whole(out) as folder:
        return build_scoring_set(run_dir, as_of, folder / out.name, memory_limit)


def build_scoring_set(
    run_dir: Path, as_of: date, file: Path, memory_limit: str | None = None
) -> FeatureSet:
    """Write the scoring set of a run's folder to a file in a folder that holds nothing else."""
    project = CompiledProject.load(run_dir)
    with connect_in_memory(None, memory_limit, file.parent) as con:
        attach(con, run_dir)
        terms = "".join(
            f", cast(null as {kind}) as {quoted_name(name)}" for name, kind in _terms(con).items()
        )
        con.execute(
            f"create table spine as select row_number() over (order by customer_id) as {ROW},"
            f" customer_id, date '{as_of}' as as_of_date"
            f" from ({_customers_known_on(project, as_of)})"
        )
        con.execute(
            f"create table applications as select {ROW}, cast({ROW} as varchar) as loan_id,"
            f" customer_id, as_of_date as application_date{terms} from spine"
        )
        return _write(con, project, file, f"spine.* exclude ({ROW})", SPINE_KEYS)


def _terms(con: DuckDBPyConnection) -> dict[str, str]:
    """Return the columns of gold.loan_applications beyond its keys, and their types."""
    described = con.execute(f"describe gold.{SPINE_MODEL}").fetchall()
    return {name: kind for name, kind, *_ in described if name not in SPINE_KEYS}


def _customers_known_on(project: CompiledProject, day: date) -> str:
    """Return the query of the customers of whom any source had a row known on a day."""
    known = " union all ".join(
        f"select customer_id from {source.silver_relation} where known_from <= date '{day}'"
        + (f" and snapshot_date < date '{day}'" if source.boundary == "strict" else "")
        for source in project.sources
    )
    return f"select distinct customer_id from ({known}) where customer_id is not null"


def _write(
    con: DuckDBPyConnection,
    project: CompiledProject,
    file: Path,
    columns: str,
    hidden: Sequence[str],
) -> FeatureSet:
    """Build the features of the table `applications`, some rows at a time, and write them.

    columns are those of the table `spine` in front of the features, hidden the features not shown.
    """
    _find_unknown_customers(con, project)
    query = _joined_features(project, columns, hidden)
    (rows,) = one_row(con, "select count(*) from applications")
    parts: list[Path] = []
    for first in range(1, max(rows, 1) + 1, ROWS_AT_ONCE):
        last = first + ROWS_AT_ONCE - 1
        _build(con, project, first, last)
        parts.append(file.with_name(f"part_{len(parts)}.parquet"))
        rows_of_part = f"spine.{ROW} between {first} and {last} order by spine.{ROW}"
        copy_to(con, f"{query} where {rows_of_part}", parts[-1], ".parquet")
    join_parts(con, parts, file)
    customers, unknown = one_row(
        con,
        "select count(distinct applications.customer_id), count(distinct unknown.customer_id)"
        " from applications left join unknown_customers as unknown"
        " on applications.customer_id = unknown.customer_id",
    )
    return FeatureSet(rows, customers, unknown)


def _build(con: DuckDBPyConnection, project: CompiledProject, first: int, last: int) -> None:
    """Build the feature store of the applications of these rows."""
    try:
        create_relation(
            con,
            "table",
            project.model(SPINE_MODEL).relation,
            f"select * exclude ({ROW}) from applications where {ROW} between {first} and {last}",
        )
        models = project.between(SPINE_MODEL, FEATURE_MODEL)
        for model in models:
            create_relation(con, "table", model.relation, model.sql)
        for model in models[:-1]:  # all of it is in the feature store
            con.execute(f"drop table {model.relation}")
    except (duckdb.BinderException, duckdb.CatalogException) as error:
        raise UserError(
            "the models of the published run do not fit its tables"
            f" ({' '.join(str(error).split())[:200]}): run python main.py --rebuild"
        ) from error


def _find_unknown_customers(con: DuckDBPyConnection, project: CompiledProject) -> None:
    """Create unknown_customers: those of the applications that no source knows."""
    tables = [source.silver_relation for source in project.sources]
    known = " union all ".join(
        f"select customer_id from {table}" for table in [*tables, "silver.quarantine"]
    )
    con.execute(
        "create temp table unknown_customers as select distinct customer_id from applications"
        f" where customer_id is not null and customer_id not in"
        f" (select customer_id from ({known}) where customer_id is not null)"
    )


def _joined_features(project: CompiledProject, columns: str, hidden: Sequence[str]) -> str:
    """Return the query of the caller's columns with the features, the reason of strangers set."""
    replaced = ", ".join(
        f"case when unknown.customer_id is not null and features.{reason} = '{NO_HISTORY}'"
        f" then '{UNKNOWN_CUSTOMER}' else features.{reason} end as {reason}"
        for reason in (f"{source.group}_null_reason" for source in project.sources if source.group)
    )
    return (
        f"select {columns}, features.* exclude ({', '.join(hidden)})"
        f"{f' replace ({replaced})' if replaced else ''}"
        f" from spine inner join {project.model(FEATURE_MODEL).relation} as features"
        f" on cast(spine.{ROW} as varchar) = features.loan_id"
        " left join unknown_customers as unknown on features.customer_id = unknown.customer_id"
    )


def _refuse_shared_names(con: DuckDBPyConnection, allowed: set[str]) -> None:
    """Raise UserError where the spine has a column of a feature's name that is not allowed."""
    spine, features = (
        {name.lower() for name, *_ in con.execute(f"describe {table}").fetchall()}
        for table in ("spine", f"gold.{FEATURE_MODEL}")
    )
    if shared := sorted((spine & features) - allowed):
        raise UserError(
            f"column {shared[0]} of the spine is the name of a feature as well; rename or remove it"
        )
