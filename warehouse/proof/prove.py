"""The leakage proof: gold is rebuilt without the future, and the past must not change by a byte.

For every month the models are built again from bronze without the rows that were not known by a
day of that month (`truncated`), and from bronze in which those rows say something else
(`nonsense`). What gold said of the loans up to that day, every feature and every label due by
then, has to be what the full build says. Two more full builds, one from rows in another order
(`shuffled`) and one on another number of threads (`threads`), have to be equal throughout. All
rebuilds are made on another day, so that a feature that reads the clock is found as well. The
tables as they are published (`published`), which may have grown from run to run, have to be equal
to the full build too, where the models are still those of the run.

One word may change: of a row dated by then and available later, `not_yet_known` says in the full
build that it is to come, and the builds that lack the row cannot.

It knows no feature: it runs the SQL that dbt compiles from the project as it stands.
"""

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.base.catalog import attach, quoted_name
from warehouse.base.errors import UserError
from warehouse.base.paths import DBT_DIR, PROJECT_DIR
from warehouse.datamart.runs import write_json
from warehouse.features.scoring import (
    Model,
    Queries,
    Source,
    compiled_queries,
    load_queries,
    published_run,
)

PROOF_FILE = "proof.json"
PROVEN_MODELS = ("feature_store", "label_store", "training_set")
REPAYMENTS_SOURCE = "lms_loan_daily"
REPAYMENTS = '"silver"."loan_repayments"'
LOADS = '"bronze"."loads"'
KNOWN_FROM = "__known_from"
# DuckDB's functions that ask what time it is, by what they return.
CLOCK = {
    "date": ("current_date", "today"),
    "timestamp": ("current_localtimestamp", "localtimestamp"),
    "timestamptz": ("now", "current_timestamp", "get_current_timestamp", "transaction_timestamp"),
}
PUBLISHED = "published"
ROWS = "(rows)"  # in the place of a column: a row that only one of the two builds has


@dataclass(frozen=True)
class Difference:
    """Rows of a gold column that a build without or with another future gives differently."""

    column: str
    table: str
    month: str
    variant: str
    rows: int
    example_loan_id: str


@dataclass(frozen=True)
class Variant:
    """One rebuild: what becomes of the rows that were not known by `day`."""

    kind: str
    day: date | None = None

    @property
    def month(self) -> str:
        """YYYY-MM, or `all`."""
        return f"{self.day:%Y-%m}" if self.day else "all"


def prove(
    datamart_dir: Path,
    project_dir: Path = DBT_DIR,
    months: Sequence[str] | None = None,
    on_progress: Callable[[str], None] = lambda text: None,
    workers: int = 2,
) -> dict[str, Any]:
    """Rebuild gold without the future, month by month, and compare; returns what proof.json says.

    datamart_dir holds the published bronze; project_dir the dbt project whose models are proven;
    months (YYYY-MM) which months to cut at, all by default; on_progress is told of every build.
    The result is written to `<datamart_dir>/proof.json`; its `outcome` is `passed` or `failed`.

    Raises:
        UserError: nothing is published, the folder cannot be written, the models do not compile or
            run, or a month is unknown.
    """
    started = time.monotonic()
    datamart_dir, project_dir = datamart_dir.absolute(), project_dir.absolute()
    run_dir = published_run(datamart_dir)
    if not os.access(datamart_dir, os.W_OK):
        raise UserError(f"{datamart_dir} cannot be written, and the proof is built and kept there")
    on_progress("compiling the models")
    target_dir = datamart_dir / "proof_target" if project_dir == DBT_DIR else None
    queries = compile_models(project_dir, run_dir, target_dir)
    with tempfile.TemporaryDirectory(prefix="proof_", dir=datamart_dir) as scratch:
        proof = _Proof(queries, run_dir, Path(scratch))
        proof.build_full()
        days = _chosen(proof.days(), months)
        variants = [Variant(kind, day) for day in days for kind in ("nonsense", "truncated")]
        variants += [Variant("shuffled"), Variant("threads")]
        builds = len(variants) + 1
        if queries.models == load_queries(run_dir).models:
            variants.append(Variant(PUBLISHED))
        differences = sorted(
            proof.run(variants, workers, on_progress), key=lambda d: (d.month, d.column, d.variant)
        )
        result = {
            "finished_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "run_id": run_dir.name,
            "months": [f"{day:%Y-%m}" for day in days],
            "builds": builds,
            "columns": proof.columns,
            "rows_compared": proof.rows_compared,
            "differences": [asdict(difference) for difference in differences],
            "outcome": "failed" if differences else "passed",
            "seconds": round(time.monotonic() - started, 1),
        }
    write_json(datamart_dir / PROOF_FILE, result)
    return result


def show(proof: dict[str, Any], console: Console) -> None:
    """Print what a proof found: the columns that know the future, or that there are none."""
    months = proof["months"]
    span = f" ({months[0]} to {months[-1]})" if months else ""
    console.print(
        f"{proof['builds']} builds over {len(months)} months{span},"
        f" {proof['columns']:,} columns, {proof['rows_compared']:,} rows compared"
        f" in {proof['seconds']:.0f} s",
        highlight=False,
    )
    if not proof["differences"]:
        console.print("Passed: no value of a loan changes when its future does.")
        return
    table = Table("column", "table", "build", box=box.SIMPLE_HEAD)
    for heading in ("months", "most rows", "such as loan"):
        table.add_column(heading)
    groups: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for difference in proof["differences"]:
        key = tuple(difference[name] for name in ("column", "table", "variant"))
        groups.setdefault(key, []).append(difference)
    for key, found in groups.items():
        shown = sorted({difference["month"] for difference in found})
        said = shown[0] if len(shown) == 1 else f"{shown[0]} to {shown[-1]} ({len(shown)})"
        worst = max(found, key=lambda difference: difference["rows"])
        table.add_row(*key, said, f"{worst['rows']:,}", Text(worst["example_loan_id"]))
    console.print(table)
    console.print(
        f"Failed: {len({key[:2] for key in groups})} columns are not the same without the future"
        f" or in another order; all of it is in {PROOF_FILE}.",
        highlight=False,
    )


def compile_models(project_dir: Path, run_dir: Path, target_dir: Path | None = None) -> Queries:
    """Compile a dbt project over a run's folder with the run's own --as-of and --known-at.

    What dbt leaves in target_dir (default: the project's own) makes the next time quicker.

    Raises:
        UserError: dbt cannot compile it; the message is dbt's.
    """
    from dbt.cli.main import dbtRunner  # late: importing dbt takes a second

    target = target_dir or project_dir / "target"
    before = {name: os.environ.get(name) for name in ("WAREHOUSE_HOME", "WAREHOUSE_BUILD_DIR")}
    os.environ |= {"WAREHOUSE_HOME": str(PROJECT_DIR), "WAREHOUSE_BUILD_DIR": str(run_dir)}
    options = ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
    options += ["--target-path", str(target), "--vars", json.dumps(_variables(run_dir))]
    options += ["--log-level", "none", "--log-level-file", "none", "--no-write-json"]
    models = ["--select", "resource_type:model", "--indirect-selection", "empty"]
    try:
        outcome = dbtRunner().invoke(["parse", *options])
        if outcome.success:
            manifest = outcome.result
            outcome = dbtRunner(manifest=manifest).invoke(["compile", *models, *options])
        if not outcome.success:
            raise UserError(f"dbt cannot compile {project_dir}: {_compile_error(outcome)}")
        return compiled_queries(manifest)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _compile_error(outcome: Any) -> str:
    if outcome.exception:
        return " ".join(str(outcome.exception).split())
    messages = [result.message for result in outcome.result if result.message]
    return " ".join("; ".join(messages).split())


def _variables(run_dir: Path) -> dict[str, str]:
    try:
        inputs = json.loads((run_dir / "manifest.json").read_text())["inputs"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: inputs[name] for name in ("as_of", "known_at") if inputs.get(name)}


def _chosen(days: list[date], months: Sequence[str] | None) -> list[date]:
    if months is None:
        return days
    by_month = {f"{day:%Y-%m}": day for day in days}
    unknown = [month for month in months if month not in by_month]
    if unknown:
        raise UserError(
            f"month {unknown[0]!r} is none of the data's: {days[0]:%Y-%m} to {days[-1]:%Y-%m}"
        )
    return [by_month[month] for month in sorted(set(months))]


class _Proof:
    """The bronze rows and the full build that all rebuilds are made from and compared with."""

    def __init__(self, queries: Queries, run_dir: Path, scratch: Path) -> None:
        self.queries = queries
        self.run_dir = run_dir
        self.models = self._needed(PROVEN_MODELS)
        self.tables: list[_Table] = []
        self.last_known: dict[str, date] = {}
        self.rows_compared = 0
        self._scratch = scratch
        self._lock = threading.Lock()

    @property
    def label_delay(self) -> int:
        """After how many days a repayment row is available."""
        delays = {source.name: source.delay_days for source in self.queries.sources}
        return delays[REPAYMENTS_SOURCE]

    @property
    def columns(self) -> int:
        return sum(len(table.columns) for table in self.tables)

    def build_full(self) -> None:
        """Lay bronze and its nonsense out for many reads, build all of it once and keep it."""
        with self.connect(threads=2) as con:
            for source in self.queries.sources:
                files = (self.bronze_file(source, kind) for kind in ("real", "nonsense"))
                self.last_known[source.relation] = _lay_out(con, source, *files)
            build = _Build(con, self)
            build.run(Variant("full"))
            tables = [build.table(self.queries.model(name)) for name in PROVEN_MODELS]
            self.tables = [*tables, *build.other_tables(self.queries)]
            self.models = self._needed([table.model.name for table in self.tables])
            for model in self.models:
                build.keep(model.relation)

    def _needed(self, names: Sequence[str]) -> tuple[Model, ...]:
        needed = self.queries.ancestors(names)
        return tuple(model for model in self.queries.models if model.relation in needed)

    def days(self) -> list[date]:
        """One day a month on which applications are made or labels fall due.

        The one after which rows of customers who applied by then come soonest: a feature that
        looks a day too far is found where there is something to see. Of equal days the busiest.
        """
        features, labels = (
            self.full_file(self.queries.model(name).relation) for name in PROVEN_MODELS[:2]
        )
        rows = " union all ".join(
            f"""select '{source.name}' as source, trim("Customer_ID") as customer_id,
            {KNOWN_FROM} as day from '{self.bronze_file(source, "real")}'"""
            for source in self.queries.sources
        )
        with self.connect(threads=1) as con:
            days = con.execute(
                f"""
                with applications as (
                    select customer_id, application_date as day from '{features}'
                ),
                days as (
                    select day, count(*) as events
                    from (
                        select day from applications
                        union all
                        select label_date as day from '{labels}'
                    )
                    where day is not null
                    group by day
                ),
                next_rows as (
                    select applications.day, min(rows.day) as next_day
                    from applications
                    inner join ({rows}) as rows
                        on
                            applications.customer_id = rows.customer_id
                            and applications.day < rows.day
                    group by applications.day, applications.customer_id, rows.source
                ),
                waits as (
                    select day, next_day, count(*) / pow(next_day - day, 2) as weight
                    from next_rows
                    group by day, next_day
                ),
                weighed as (
                    select days.day, days.events, round(coalesce(sum(waits.weight), 0), 6) as weight
                    from days
                    left join waits on waits.day <= days.day and days.day < waits.next_day
                    group by days.day, days.events
                )
                select arg_max(day, (weight, events, day))
                from weighed
                group by date_trunc('month', day)
                order by date_trunc('month', any_value(day))
                """
            ).fetchall()
        return [day for (day,) in days]

    def run(
        self, variants: list[Variant], workers: int, on_progress: Callable[[str], None]
    ) -> list[Difference]:
        """Build and compare all variants, a few at a time, each worker on a database of its own."""
        local = threading.local()
        done = 0

        def work(variant: Variant) -> list[Difference]:
            nonlocal done
            if not hasattr(local, "build"):
                local.build = _Build(_on_another_day(self.connect(threads=1)), self)
            differences, rows = local.build.differences(variant)
            with self._lock:
                done += 1
                self.rows_compared += rows
                said = f"{len(differences)} columns differ" if differences else "equal"
                on_progress(f"{done} of {len(variants)}: {variant.month} {variant.kind}: {said}")
            return differences

        with ThreadPoolExecutor(workers) as pool:
            try:
                return [found for differences in pool.map(work, variants) for found in differences]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def connect(self, threads: int) -> DuckDBPyConnection:
        """A database of its own that shows the run's bronze."""
        con = duckdb.connect(":memory:", config={"threads": threads})
        con.execute("set TimeZone = 'UTC'")
        attach(con, self.run_dir)
        return con

    def full_file(self, relation: str) -> str:
        """Where the full build of a relation is kept."""
        return _sql_path(self._scratch / f"full.{relation.replace(chr(34), '')}.parquet")

    def bronze_file(self, source: Source, kind: str) -> str:
        """Where the rows of a source are kept, as they are or as nonsense."""
        return _sql_path(self._scratch / f"{kind}.{source.name}.parquet")


@dataclass(frozen=True)
class _Table:
    """A gold table of single loans, to be compared row by row."""

    model: Model
    columns: dict[str, str]
    is_unique: bool

    @property
    def keys(self) -> list[str]:
        return [name for name in ("loan_id", "label_definition") if name in self.columns]

    def due_by(self, day: date | None, delay_days: int) -> str:
        """The condition under which a row has to be the same without what came after the day."""
        if day is None:
            return "true"
        conditions = [f"application_date <= date '{day}'"]
        if "label_date" in self.columns:
            conditions.append(f"label_date + {delay_days} <= date '{day}'")
        return " and ".join(conditions)

    def seen(self, relation: str) -> str:
        """The relation as it is compared: reasons that lack a row yet to come are no difference."""
        reasons = [quoted_name(name) for name in self.columns if name.endswith("_null_reason")]
        same = ", ".join(f"replace({c}, 'not_yet_known', 'no_history_yet') as {c}" for c in reasons)
        return f"(select * {f'replace ({same})' if reasons else ''} from {relation})"

    def row_hashes(self, relation: str) -> str:
        """Query of the keys and the hash of all bytes of a row (of all its rows, if they repeat).

        The signs stand beside the row because DuckDB's hash takes 0.0 and -0.0 for one.
        """
        signs = "".join(f", signbit({quoted_name(name)})" for name in self._floats())
        value = f"hash(t{signs})"
        keys = ", ".join(self.keys)
        if self.is_unique:
            return f"select {keys}, {value} as row_hash from {relation} as t"
        return f"select {keys}, sum({value}) as row_hash from {relation} as t group by {keys}"

    def differs(self, column: str) -> str:
        """The condition under which a column of the rows a and b is not the same byte for byte."""
        a, b = (f"{side}.{quoted_name(column)}" for side in "ab")
        condition = f"{a} is distinct from {b}"
        if column in self._floats():
            condition += f" or signbit({a}) is distinct from signbit({b})"
        return condition

    def _floats(self) -> list[str]:
        return [name for name, kind in self.columns.items() if kind in ("DOUBLE", "FLOAT")]


class _Build:
    """One database in which the models are built over and over."""

    def __init__(self, con: DuckDBPyConnection, proof: _Proof) -> None:
        self._con = con
        self._proof = proof
        self._marks: dict[str, tuple[Any, ...]] = {}
        self._hashed: set[str] = set()
        views = con.execute("select schema_name, view_name from duckdb_views()").fetchall()
        self._kinds = {f'"{schema}"."{name}"': "view" for schema, name in views}

    def run(self, variant: Variant) -> set[str]:
        """Build the models in order; returns the relations that are as in the full build.

        A model all of whose inputs are as in the full build is not built but taken from there.
        """
        unchanged = self._show_bronze(variant)
        for model in self._proof.models:
            if variant.day and unchanged.issuperset(model.depends_on):
                self._create(
                    "view", model.relation, f"from '{self._proof.full_file(model.relation)}'"
                )
                unchanged.add(model.relation)
                continue
            is_read_again = any(model.relation in other.depends_on for other in self._proof.models)
            try:
                self._create("table" if is_read_again else "view", model.relation, model.sql)
            except duckdb.Error as error:
                raise UserError(
                    f"model {model.schema}.{model.name} fails in the {variant.kind} build of"
                    f" {variant.month}: {' '.join(str(error).split())[:400]}"
                ) from error
            if variant.day and is_read_again and self._is_as_in_full(model.relation):
                unchanged.add(model.relation)
        return unchanged

    def table(self, model: Model) -> _Table:
        """What a built gold table looks like."""
        described = self._con.execute(f"describe {model.relation}").fetchall()
        table = _Table(model, {name: kind for name, kind, *_ in described}, is_unique=True)
        if "loan_id" not in table.columns:
            return table
        is_unique = self._con.execute(
            f"select count(*) = count(distinct ({', '.join(table.keys)})) from {model.relation}"
        ).fetchone()[0]
        return replace(table, is_unique=is_unique)

    def other_tables(self, queries: Queries) -> Iterator[_Table]:
        """Tables of single loans that are no part of the proven ones: a user's own."""
        within = queries.ancestors(PROVEN_MODELS)
        for model in queries.models:
            if model.relation in within:
                continue
            with suppress(duckdb.Error):  # a report on a table that was not built
                self._create("view", model.relation, model.sql)
                described = self._con.execute(f"describe {model.relation}").fetchall()
                if {"loan_id", "application_date"}.issubset(name for name, *_ in described):
                    self._create("table", model.relation, model.sql)
                    yield self.table(model)

    def keep(self, relation: str) -> None:
        """Write a relation of the full build to its file."""
        self._con.execute(
            f"copy (from {relation}) to '{self._proof.full_file(relation)}'"
            " (format parquet, compression uncompressed)"
        )

    def differences(self, variant: Variant) -> tuple[list[Difference], int]:
        """Build a variant; what of it is not as in the full build, of how many rows compared."""
        if variant.kind == "threads":
            self._con.execute("set threads = 4")
        unchanged = self._show_published() if variant.kind == PUBLISHED else self.run(variant)
        found, rows = [], 0
        for table in self._proof.tables:
            if table.model.relation not in unchanged:
                differences, compared = self._compare(table, variant)
                found += differences
                rows += compared
        if variant.kind == "threads":
            self._con.execute("set threads = 1")
        return found, rows

    def _show_published(self) -> set[str]:
        """Let the tables show what is published; none is taken to be as in the full build."""
        for table in self._proof.tables:
            model = table.model
            path = self._proof.run_dir / model.schema / f"{model.name}.*parquet"
            self._create("view", model.relation, f"from read_parquet('{_sql_path(path)}')")
        return set()

    def _show_bronze(self, variant: Variant) -> set[str]:
        """Let the sources show what the variant knows; returns those that show all there is."""
        unchanged = {parent for model in self._proof.models for parent in model.depends_on} - {
            model.relation for model in self._proof.models
        }
        for source in self._proof.queries.sources:
            real, nonsense = (
                f"select * exclude ({KNOWN_FROM}) from '{self._proof.bronze_file(source, kind)}'"
                for kind in ("real", "nonsense")
            )
            if variant.day:
                future = f"{KNOWN_FROM} > date '{variant.day}'"
                if variant.kind == "nonsense":
                    nonsense = f" union all {nonsense} where {future}"
                else:
                    nonsense = ""
                real += f" where {KNOWN_FROM} is null or not {future}{nonsense}"
                if self._proof.last_known[source.relation] > variant.day:
                    unchanged.discard(source.relation)
            if variant.kind == "shuffled":
                order = "md5(concat_ws('/', _load_id, _row_number))"
                self._create("table", source.relation, f"{real} order by {order}")
            else:
                self._create("view", source.relation, real)
        if LOADS in unchanged:
            files = _sql_path(self._proof.run_dir / "bronze" / "loads" / "*.parquet")
            known = f"landed_at < date '{variant.day}' + interval 1 day" if variant.day else "true"
            self._create("view", LOADS, f"select * from '{files}' where {known}")
            if variant.day:
                unchanged.discard(LOADS)
        return unchanged

    def _create(self, kind: str, relation: str, sql: str) -> None:
        if relation in self._kinds:
            self._con.execute(f"drop {self._kinds.pop(relation)} {relation}")
        self._con.execute(f"create {kind} {relation} as\n{sql}")
        self._kinds[relation] = kind

    def _is_as_in_full(self, relation: str) -> bool:
        """Whether a small relation is as in the full build; large ones are not asked."""
        columns = len(self._con.execute(f"describe {relation}").fetchall())
        rows = self._con.execute(f"select count(*) from {relation}").fetchone()[0]
        if rows * columns > 1_000_000:
            return False
        query = "select count(*), sum(hash(t)), bit_xor(hash(t)) from {} as t"
        if relation not in self._marks:
            full = f"'{self._proof.full_file(relation)}'"
            self._marks[relation] = self._con.execute(query.format(full)).fetchone()
        return self._con.execute(query.format(relation)).fetchone() == self._marks[relation]

    def _compare(self, table: _Table, variant: Variant) -> tuple[list[Difference], int]:
        """The columns of a table that differ from the full build; how many rows were compared."""
        self._keep_full(table)
        name = table.model.name
        due = table.due_by(variant.day, self._proof.label_delay)
        full_due, variant_due = due, due
        if variant.day:
            # a loan that shows up later is not expected, and in nonsense it may say anything
            known = (
                f"loan_id in (select loan_id from known_loans where known_from <= '{variant.day}')"
            )
            full_due = f"{due} and {known}"
            variant_due = full_due if variant.kind == "nonsense" else due
        expected = f"(from full_{name} where {full_due})"
        found = f"(from {table.seen(table.model.relation)} where {variant_due})"
        keys = ", ".join(table.keys)
        rows, missing, added, changed = self._con.execute(
            f"""
            select
                count(a.row_hash),
                count(*) filter (where b.row_hash is null),
                count(*) filter (where a.row_hash is null),
                count(*) filter (where a.row_hash <> b.row_hash)
            from (select {keys}, row_hash from {expected}) as a
            full join ({table.row_hashes(found)}) as b using ({keys})
            """
        ).fetchone()
        differences = []
        if missing or added:
            differences.append((ROWS, missing + added, self._example(table, expected, found)))
        if changed:
            differences += self._changed_columns(table, expected, found, changed)
        return [
            Difference(column, f"gold.{name}", variant.month, variant.kind, count, example)
            for column, count, example in differences
        ], rows

    def _keep_full(self, table: _Table) -> None:
        """Make full_<table> (the full build with the hash of each row) and known_loans, once."""
        name = table.model.name
        if name in self._hashed:
            return
        full = table.seen(f"'{self._proof.full_file(table.model.relation)}'")
        keys = ", ".join(table.keys)
        self._con.execute(
            f"create table hashes_{name} as {table.row_hashes(full)};"
            f"create view full_{name} as from {full} inner join hashes_{name} using ({keys})"
        )
        self._con.execute(
            "create table if not exists known_loans as"
            f" select loan_id, min(snapshot_date) + {self._proof.label_delay} as known_from"
            f" from '{self._proof.full_file(REPAYMENTS)}' group by loan_id"
        )
        self._hashed.add(name)

    def _example(self, table: _Table, expected: str, found: str) -> str:
        keys = ", ".join(table.keys)
        return self._con.execute(
            f"select min(loan_id) from (select {keys} from {expected} as a"
            f" full join (select {keys}, true as is_found from {found}) as b using ({keys})"
            " where a.row_hash is null or b.is_found is null)"
        ).fetchone()[0]

    def _changed_columns(
        self, table: _Table, expected: str, found: str, changed: int
    ) -> list[tuple[str, int, str]]:
        """The columns in which rows of one key differ: how many rows, and the first such loan."""
        keys = ", ".join(table.keys)
        columns = [name for name in table.columns if name not in table.keys]
        if not table.is_unique:
            return [(ROWS, changed, self._example(table, expected, found))]
        counts = self._con.execute(
            "select "
            + ", ".join(
                f"count(*) filter (where {table.differs(name)}),"
                f" min(a.loan_id) filter (where {table.differs(name)})"
                for name in columns
            )
            + f" from {expected} as a inner join {found} as b using ({keys})"
        ).fetchone()
        return [
            (name, rows, example)
            for name, rows, example in zip(columns, counts[::2], counts[1::2], strict=True)
            if rows
        ]


def _lay_out(con: DuckDBPyConnection, source: Source, real: str, nonsense: str) -> date:
    """Write a source's rows, and nonsense of them; returns when the last one is known.

    A row is known from its date and delay on, a day later where the boundary is strict. Rows
    without a readable date belong to no month and are never cut off. In the nonsense half of the
    rows are gone and the others keep their keys and dates alone.
    """
    con.execute(
        f"create temp table laid_out as select *, {_known_from(source)} as {KNOWN_FROM}"
        f" from {source.relation} order by {KNOWN_FROM}, _load_id, _row_number"
    )
    kept = {*source.key, source.date_column, "Customer_ID"}
    columns = [name for name in source.columns if name not in kept]
    values = ", ".join(f"{_nonsense(name)} as {quoted_name(name)}" for name in columns)
    options = "(format parquet, compression uncompressed, dictionary_size_limit 100000)"
    con.execute(f"copy laid_out to '{real}' {options}")
    con.execute(
        f"""
        copy (
            select this.* replace ({values})
            from laid_out as this
            positional join (
                from laid_out order by md5(concat_ws('/', _row_number, _load_id))
            ) as other
            where hash(this._load_id, this._row_number, 'gone') % 2 = 0
        ) to '{nonsense}' {options}
        """
    )
    last = con.execute(f"select max({KNOWN_FROM}) from laid_out").fetchone()[0]
    con.execute("drop table laid_out")
    return last or date.min


def _known_from(source: Source) -> str:
    text, date_format = f"trim({quoted_name(source.date_column)})", source.date_format
    days = source.delay_days
    if source.boundary == "strict" and "loan_id" not in source.key:
        days += 1
    return f"cast(try_strptime({text}, '{date_format}') as date) + {days}"


def _nonsense(column: str) -> str:
    """What a row says instead: what another row says, a number that is wrong, filler or nothing."""
    mine, other = (f"{table}.{quoted_name(column)}" for table in ("this", "other"))
    number = f"try_cast({mine} as double)"
    return f"""
        case hash(this._load_id, this._row_number, '{column}') % 8
            when 0 then coalesce(cast(try_cast({number} * -1000 - 7 as bigint) as varchar), {other})
            when 1 then coalesce(cast(try_cast({number} / 2 + 3 as bigint) as varchar), {other})
            when 2 then coalesce(cast(try_cast({number} * 2 + 1 as bigint) as varchar), {other})
            when 3 then '#nonsense'
            when 4 then null
            else {other}
        end"""


def _on_another_day(con: DuckDBPyConnection) -> DuckDBPyConnection:
    """The same database with a clock that runs more than a year ahead."""
    moment = f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d %H:%M:%S}"
    for kind, names in CLOCK.items():
        for name in names:
            con.execute(f"create macro {name}() as cast('{moment}' as {kind})")
    return con


def _sql_path(path: Path) -> str:
    return str(path).replace("'", "''")
