"""The leakage proof: gold is rebuilt without the future, and the past must not change by a byte.

For every month the models are built again from bronze without the rows that were not known by a
day of that month (`truncated`), and from bronze in which those rows say something else
(`nonsense`). Rows are unknown by both clocks: dated later, or corrections and late rows that were
landed later. Every feature of the loans up to that day, and every label known on it, has to be
as in the full build. Two more full builds, from rows in another order (`shuffled`) and on another
number of threads (`threads`), have to be equal throughout. All rebuilds are made on another day,
so that a feature that reads the clock is found as well. The published tables (`published`) have to
be equal to the full build too, where the models are still those of the run.

It knows no feature: it runs the SQL that dbt compiles from the project as it is.
"""

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import duckdb
from duckdb import DuckDBPyConnection

from warehouse.base.errors import UserError
from warehouse.base.files import write_json
from warehouse.base.paths import DBT_DIR
from warehouse.features.scoring import published_run
from warehouse.proof.builder import FullBuild, Rebuilder, build_full
from warehouse.proof.compare import Difference
from warehouse.proof.days import days_to_cut
from warehouse.proof.variants import Variant
from warehouse.transform.compiled import CompiledProject, compile_project, connect_in_memory

PROOF_FILE = "proof.json"
WAIT_SECONDS = 0.2  # between two interrupts of the queries at work
Result = TypeVar("Result")


@dataclass(frozen=True)
class Event:
    """Something the proof did: a line of text, and what differs where it was a comparison."""

    text: str
    differences: tuple[Difference, ...] = ()


class ProofStopped(KeyboardInterrupt):
    """Somebody stopped the proof; `result` is what it had found so far, outcome `stopped`."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__("the proof was stopped")
        self.result = result


@dataclass
class Findings:
    """The findings of the proof so far."""

    run_id: str
    started: float = field(default_factory=time.monotonic)
    builds: int = 0
    columns: int = 0
    rows_compared: int = 0
    months: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)

    def result(self, outcome: str | None = None) -> dict[str, Any]:
        """Return what proof.json says; outcome defaults to passed or failed."""
        found = sorted(self.differences, key=lambda d: (d.month, d.table, d.column, d.variant))
        return {
            "finished_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "run_id": self.run_id,
            "months": sorted(self.months),
            "builds": self.builds,
            "columns": self.columns,
            "rows_compared": self.rows_compared,
            "differences": [asdict(difference) for difference in found],
            "outcome": outcome or ("failed" if found else "passed"),
            "seconds": round(time.monotonic() - self.started, 1),
        }


def prove(
    datamart_dir: Path,
    project_dir: Path = DBT_DIR,
    months: Sequence[str] | None = None,
    on_progress: Callable[[Event], None] = lambda event: None,
    fail_fast: bool = False,
    workers: int = 2,
) -> dict[str, Any]:
    """Rebuild gold without the future, month by month, and compare; return what proof.json says.

    datamart_dir holds the published bronze; project_dir is the dbt project whose models are proven;
    months (YYYY-MM) are those to cut at, all by default; on_progress gets an event a step;
    fail_fast ends the proof after the first month that differs. The result is written to
    `<datamart_dir>/proof.json`; its `outcome` is `passed` or `failed`.

    Raises:
        UserError: nothing is published, the folder cannot be written, the models do not compile or
            run, or a month is unknown.
        ProofStopped: by Ctrl-C or a like signal; nothing is written.
    """
    datamart_dir, project_dir = datamart_dir.absolute(), project_dir.absolute()
    run_dir = published_run(datamart_dir)
    if not os.access(datamart_dir, os.W_OK):
        raise UserError(f"{datamart_dir} cannot be written, and the proof is built and kept there")
    findings = Findings(run_dir.name)
    try:
        on_progress(Event("compiling the models"))
        target_dir = datamart_dir / "proof_target" if project_dir == DBT_DIR else None
        project = compile_project(project_dir, run_dir, target_dir)
        with (
            tempfile.TemporaryDirectory(prefix="proof_", dir=datamart_dir) as scratch,
            _Workers(workers) as pool,
        ):
            on_progress(Event("building all of gold"))
            con = pool.connect(Path(scratch))
            full = pool.submit(build_full, con, project, run_dir, Path(scratch)).result()
            con.close()
            findings.columns = sum(len(table.columns) for table in full.tables)
            variants = _variants(pool, full, months)
            _run(pool, full, variants, findings, on_progress, fail_fast)
    except KeyboardInterrupt as error:
        raise ProofStopped(findings.result("stopped")) from error
    result = findings.result()
    write_json(datamart_dir / PROOF_FILE, result)
    return result


class _Workers:
    """Threads that run queries, while the main thread listens for a request to stop.

    On leaving with an exception the queries at work are interrupted and the threads joined.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count)
        self._connections: list[DuckDBPyConnection] = []
        self._futures: list[Future[Any]] = []

    def __enter__(self) -> "_Workers":
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        while unfinished := [future for future in self._futures if not future.done()]:
            for con in self._connections:  # again and again: it may be between two queries
                with suppress(duckdb.ConnectionException):  # closed: it has ended
                    con.interrupt()
            wait(unfinished, timeout=WAIT_SECONDS)
        self._pool.shutdown()

    def connect(self, spill_dir: Path, threads: int | None = None) -> DuckDBPyConnection:
        """Open a database whose queries are interrupted when the proof is stopped."""
        con = connect_in_memory(threads, spill_dir=spill_dir)
        self._connections.append(con)
        return con

    def submit(self, call: Callable[..., Result], *arguments: Any) -> Future[Result]:
        """Let a thread make a call."""
        future = self._pool.submit(call, *arguments)
        self._futures.append(future)
        return future


def _variants(pool: _Workers, full: FullBuild, months: Sequence[str] | None) -> list[Variant]:
    """Return the rebuilds to make: two a month, in the order of months, then the others."""
    days = _chosen(pool.submit(days_to_cut, full).result(), months)
    variants = [Variant(kind, day) for day in days for kind in ("nonsense", "truncated")]
    variants += [Variant("shuffled"), Variant("threads")]
    if full.project.models == CompiledProject.load(full.run_dir).models:
        variants.append(Variant("published"))
    return variants


def _chosen(days: list[date], months: Sequence[str] | None) -> list[date]:
    if months is None:
        return days
    by_month = {f"{day:%Y-%m}": day for day in days}
    for month in months:
        if month not in by_month:
            span = f"{days[0]:%Y-%m} to {days[-1]:%Y-%m}" if days else "none"
            raise UserError(f"month {month!r} is not in the data: {span}")
    return [by_month[month] for month in sorted(set(months))]


def _run(
    pool: _Workers,
    full: FullBuild,
    variants: list[Variant],
    findings: Findings,
    on_progress: Callable[[Event], None],
    fail_fast: bool,
) -> None:
    """Build and compare the variants, and add what differs to the findings as it is found."""
    findings.builds = 1  # the full one
    databases = [pool.connect(full.scratch, threads=1) for _ in range(pool.count)]
    idle: SimpleQueue[Rebuilder] = SimpleQueue()
    for made in [pool.submit(Rebuilder, full, con) for con in databases]:
        idle.put(made.result())

    def differences(variant: Variant) -> tuple[list[Difference], int]:
        rebuilder = idle.get()
        try:
            return rebuilder.differences(variant)
        finally:
            idle.put(rebuilder)

    variant_of = {pool.submit(differences, variant): variant for variant in variants}
    for done, future in enumerate(as_completed(variant_of), start=1):
        variant = variant_of[future]
        found, rows = future.result()
        findings.builds += variant.kind != "published"
        findings.rows_compared += rows
        findings.differences += found
        if variant.day:
            findings.months.add(variant.month)
        text = f"{done} of {len(variants)}: {variant.month} {variant.kind}: {_summary(found)}"
        on_progress(Event(text, tuple(found)))
        if fail_fast and found:
            return


def _summary(differences: list[Difference]) -> str:
    """Return what differs in one line."""
    if not differences:
        return "equal"
    names = sorted({f"{d.table}.{d.column}" for d in differences})
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{len(names)} column{'s differ' if len(names) > 1 else ' differs'}: {shown}"
