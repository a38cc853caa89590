"""The full build that all rebuilds are compared with, and the databases they are made in."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.catalog import attach, files_of, quoted_text, read_parquet
from warehouse.base.errors import UserError
from warehouse.base.rows import one_row
from warehouse.proof.compare import KEYS, Comparison, Difference, Table, hash_rows
from warehouse.proof.variants import (
    KNOWN_FROM,
    NONSENSE,
    REAL,
    WATERMARKS,
    Bronze,
    Variant,
    spine_sources,
)
from warehouse.transform.compiled import CompiledProject, Model, create_relation

PROVEN_MODELS = ("feature_store", "label_store", "training_set")
# those that a view was made with: to describe it, DuckDB would plan it again
COLUMNS = "select column_name from duckdb_columns() where schema_name = ? and table_name = ?"
KNOWN_LOANS = '"proof"."known_loans"'
# DuckDB's functions that ask what time it is, by what they return.
CLOCK = {
    "date": ("current_date", "today"),
    "timestamp": ("current_localtimestamp", "localtimestamp"),
    "timestamptz": ("now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"),
}


@dataclass(frozen=True)
class FullBuild:
    """The models built from all of bronze; the tables are kept as files of the folder `scratch`."""

    project: CompiledProject
    run_dir: Path
    scratch: Path
    bronze: Bronze
    models: tuple[Model, ...]
    tables: tuple[Table, ...]

    def file(self, relation: str) -> str:
        """Return the file of a relation, in quotes."""
        return quoted_text(str(self.scratch / f"full.{relation.replace(chr(34), '')}.parquet"))


def build_full(
    con: DuckDBPyConnection, project: CompiledProject, run_dir: Path, scratch: Path
) -> FullBuild:
    """Build all that is proven from the bronze of a run, and keep it below scratch.

    Raises UserError where a model fails.
    """
    attach(con, run_dir)
    bronze = Bronze(project, scratch)
    if any(model.relation == WATERMARKS for model in project.models):
        _build(con, project.needed(["watermarks"]), "full")
    bronze.lay_out(con)
    bronze.show(con, Variant("full"))
    _build(con, project.needed(PROVEN_MODELS), "full")
    tables = [_table(con, project, project.model(name)) for name in PROVEN_MODELS]
    tables += _other_tables(con, project)
    models = tuple(project.needed(table.name for table in tables))
    full = FullBuild(project, run_dir, scratch, bronze, models, tuple(tables))
    _create_known_loans(con, full)
    for relation in [*(table.relation for table in tables), KNOWN_LOANS]:
        con.execute(
            f"copy (from {relation}) to {full.file(relation)}"
            " (format parquet, compression uncompressed)"
        )
    return full


def _build(con: DuckDBPyConnection, models: Iterable[Model], what: str) -> None:
    for model in models:
        try:
            create_relation(con, "table", model.relation, model.sql)
        except duckdb.InterruptException:
            raise
        except duckdb.Error as error:
            raise UserError(
                f"model {model.schema}.{model.name} fails in the {what} build:"
                f" {' '.join(str(error).split())[:400]}"
            ) from error


def _table(con: DuckDBPyConnection, project: CompiledProject, model: Model) -> Table:
    """Return what a built gold table looks like."""
    columns = {
        name: kind for name, kind, *_ in con.execute(f"describe {model.relation}").fetchall()
    }
    keys = [name for name in KEYS if name in columns]
    (is_unique,) = one_row(
        con, f"select count(*) = count(distinct ({', '.join(keys)})) from {model.relation}"
    )
    delay = max((source.delay_days for source in spine_sources(project)), default=0)
    return Table(model.name, model.relation, columns, keys, is_unique, delay)


def _other_tables(con: DuckDBPyConnection, project: CompiledProject) -> Iterator[Table]:
    """Yield tables of single loans that are no part of the proven ones: a user's own."""
    within = project.ancestors(PROVEN_MODELS)
    for model in project.models:
        if model.relation in within:
            continue
        with suppress(duckdb.BinderException, duckdb.CatalogException):  # reads what is not built
            create_relation(con, "view", model.relation, model.sql)
            columns = con.execute(COLUMNS, [model.schema, model.name]).fetchall()
            if {"loan_id", "application_date"}.issubset(name for (name,) in columns):
                create_relation(con, "table", model.relation, model.sql)
                yield _table(con, project, model)


def _create_known_loans(con: DuckDBPyConnection, full: FullBuild) -> None:
    """Note from when each loan is known, and when a row of it last came late or was corrected."""
    known = " union all ".join(
        f"""
        select
            silver.loan_id,
            bronze.{KNOWN_FROM},
            bronze.{KNOWN_FROM} > silver.snapshot_date + {source.delay_days} as is_late
        from {source.silver_relation} as silver
        inner join {full.bronze.file(source, REAL)} as bronze
            on
                silver.load_id = bronze._load_id
                and silver.source_file = bronze._source_file
                and silver.row_number = bronze._row_number
        """
        for source in spine_sources(full.project)
    )
    create_relation(
        con,
        "table",
        KNOWN_LOANS,
        f"select loan_id, min({KNOWN_FROM}) as known_from,"
        f" max({KNOWN_FROM}) filter (is_late) as last_restated from ({known}) group by loan_id",
    )


class Rebuilder:
    """A database in which variants are built over and over, on another day than today."""

    def __init__(self, full: FullBuild, con: DuckDBPyConnection) -> None:
        self._full = full
        self._con = con
        attach(self._con, full.run_dir)
        _set_another_day(self._con)
        create_relation(self._con, "table", KNOWN_LOANS, f"from {full.file(KNOWN_LOANS)}")
        for table in full.tables:
            hash_rows(self._con, table, f"(from {full.file(table.relation)})", table.hashes)

    def differences(self, variant: Variant) -> tuple[list[Difference], int]:
        """Build a variant; return what of it is not as in the full build, of how many rows."""
        self._con.execute(f"set threads = {4 if variant.kind == 'threads' else 1}")
        if variant.kind == "published":
            for table in self._full.tables:
                files = files_of(self._full.run_dir / "gold", table.name)
                create_relation(self._con, "view", table.relation, f"from {read_parquet(*files)}")
        else:
            self._full.bronze.show(self._con, variant)
            _build(self._con, self._full.models, f"{variant.kind} {variant.month}")
        found: list[Difference] = []
        compared = 0
        for table in self._full.tables:
            differing, rows = self._comparison(table, variant).run(self._con)
            place = (f"gold.{table.name}", variant.month, variant.kind)
            found += [Difference(column, *place, count, loan) for column, count, loan in differing]
            compared += rows
        return found, compared

    def _comparison(self, table: Table, variant: Variant) -> Comparison:
        """Return which rows of a table are compared, and with what.

        A loan that shows up after the day is not expected, and in nonsense it may say anything. A
        label may be certain for now in a build that lacks a later correction of its loan.
        """
        expected_if = found_if = added_if = "true"
        if variant.day:
            moment = f"timestamp '{variant.day}'"
            loans = f"select loan_id from {KNOWN_LOANS} where known_from <= {moment}"
            expected_if = f"{table.due_by(variant.day)} and loan_id in ({loans})"
            found_if = expected_if if variant.kind == NONSENSE else table.due_by(variant.day)
            if table.has_labels:
                restated = f"select loan_id from {KNOWN_LOANS} where last_restated > {moment}"
                added_if = f"loan_id not in ({restated})"
        return Comparison(
            table=table,
            full=self._full.file(table.relation),
            expected_if=expected_if,
            found_if=found_if,
            added_if=added_if,
        )


def _set_another_day(con: DuckDBPyConnection) -> None:
    """Let the clock of a database run more than a year ahead."""
    moment = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d %H:%M:%S}"
    for kind, names in CLOCK.items():
        for name in names:
            con.execute(f"create macro {name}() as cast('{moment}' as {kind})")
