"""One run: inspect, land, build, test, publish. Everything or nothing."""

import contextlib
import functools
import hashlib
import json
import platform
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from warehouse.base.errors import UserError, first_line
from warehouse.base.memory import MemoryLimit
from warehouse.base.paths import CONTRACTS_FILE, DBT_DIR, PROJECT_DIR
from warehouse.contracts.contract import SourceContract, read_contracts
from warehouse.datamart import runs
from warehouse.landing.days import FileDays
from warehouse.landing.inspection import FileInspection, inspect_file
from warehouse.landing.java import Jvm
from warehouse.pipeline.progress import Progress

DAYS_FILE = "file_days.json"
# Modules that no run uses: a change in them does not make the published datamart an old one.
BESIDE_A_RUN = (
    *("baseline", "deck", "explain", "feature_docs", "generate", "java_cache"),
    *("notebook", "prove", "serve", "spark_target", "submission", "summary"),
)


@dataclass(frozen=True)
class Options:
    """What a user asked for."""

    data_dir: Path
    datamart_dir: Path
    as_of: str | None = None
    known_at: str | None = None
    spark_master: str = "local[*]"
    rebuild: bool = False
    memory: MemoryLimit | None = None


def run(options: Options, progress: Progress) -> tuple[dict[str, Any], bool]:
    """Bring the datamart up to date; returns the published run's manifest and whether it is new.

    Raises:
        UserError: something the user can mend; the published datamart is untouched.
    """
    datamart = runs.open_datamart(options.datamart_dir)
    with runs.locked(datamart), contextlib.ExitStack() as java_end:
        run_id = runs.new_run_id(datamart)
        log_file = datamart.logs / f"{run_id}.log"
        published = datamart.current_manifest()
        landed_before = published["inputs"]["files"] if published else []
        try:
            with progress.step("inspect", f"inspecting the files of {options.data_dir}"):
                _check_folder(options.data_dir)
                contracts = read_contracts(CONTRACTS_FILE)
                java = _java_ahead(options, contracts, landed_before, log_file, java_end)
                inspections = [
                    inspect_file(options.data_dir / contract.file, contract)
                    for contract in contracts
                ]
        except BaseException:
            with _recorded(datamart, run_id, log_file, _inputs(options, []), progress):
                raise
        inputs = _inputs(options, inspections)
        is_same = published is not None and published["inputs"] == inputs
        if is_same and datamart.is_as_published() and not options.rebuild:
            log_file.unlink(missing_ok=True)  # a file was another only before it was read
            return published, False
        from warehouse.reporting.report import build_report  # late: Java starts first

        with (
            _recorded(datamart, run_id, log_file, inputs, progress) as manifest,
            contextlib.ExitStack() as endings,
        ):
            build_dir = runs.begin(datamart, run_id)
            previous_run = _run_to_follow(datamart, options, inputs)
            content, hashed = _land_and_build(
                options,
                datamart,
                build_dir,
                inspections,
                landed_before=landed_before,
                last_days=_last_days(datamart),
                previous_run=previous_run,
                java=java,
                log_file=log_file,
                endings=endings,
                progress=progress,
            )
            manifest |= content
            manifest |= {
                "outcome": "published",
                "finished_at": _now(),
                "seconds": progress.seconds,
                "parts": progress.parts,
            }
            with progress.step("report", "writing the report"):
                page = build_report(build_dir, manifest, datamart.manifests_before(run_id))
                (build_dir / "report.html").write_text(page, encoding="utf-8")
                manifest["training_set_sha256"] = hashed.result()
            runs.write_json(build_dir / "manifest.json", manifest)
            endings.close()  # what runs beside cannot fail a run that is published
            with progress.step("publish", "publishing"):
                _check_still_so(datamart, previous_run, inputs)
                runs.publish(datamart, run_id)
        return manifest, True


def _check_folder(data_dir: Path) -> None:
    if not data_dir.is_dir():
        said = "is a file" if data_dir.exists() else "does not exist"
        raise UserError(
            f"data folder {data_dir} {said}; name the folder of the CSV files with --data-dir"
        )


def _java_ahead(
    options: Options,
    contracts: Sequence[SourceContract],
    landed_before: list[dict[str, Any]],
    log_file: Path,
    java_end: contextlib.ExitStack,
) -> Jvm | None:
    """Java for the landing, started before any file is read; `java_end` ends it at the latest.

    Only where the sizes of the files tell that there is something to land. None also where it
    cannot be started: the inspection has the first word, and after it the landing tries again.
    """
    sizes_before = {file["source"]: file["bytes"] for file in landed_before}
    try:
        sizes = {c.name: (options.data_dir / c.file).stat().st_size for c in contracts}
        new_bytes = sum(size for name, size in sizes.items() if size != sizes_before.get(name))
        return _start_java(options, new_bytes, log_file, java_end) if new_bytes else None
    except (OSError, UserError):
        return None


def _start_java(
    options: Options, new_bytes: int, log_file: Path, java_end: contextlib.ExitStack
) -> Jvm:
    from warehouse.landing import (
        bronze as landing,  # late: a re-run with nothing to do needs no Spark
    )

    memory = {"memory": options.memory.spark_heap} if options.memory else {}
    java = landing.start_java(log_file, input_bytes=new_bytes, **memory)
    java_end.callback(java.end)
    return java


def _inputs(options: Options, inspections: list[FileInspection]) -> dict[str, Any]:
    """All that decides what a run makes."""
    return {
        "files": [_file_identity(inspection) for inspection in inspections],
        "code": _code_hash(),
        "as_of": options.as_of,
        "known_at": options.known_at,
    }


def _run_to_follow(
    datamart: runs.Datamart, options: Options, inputs: dict[str, Any]
) -> Path | None:
    """The published run, where what new files cannot change in it can be taken over.

    Not where a rule may differ, and not of a build that leaves rows out.
    """
    published = datamart.current_manifest()
    is_like_it = (
        published is not None
        and not options.rebuild
        and options.as_of is None
        and options.known_at is None
        and datamart.is_as_published()
        and {**published["inputs"], "files": None} == {**inputs, "files": None}
    )
    return datamart.current_run() if is_like_it else None


def _check_still_so(
    datamart: runs.Datamart, previous_run: Path | None, inputs: dict[str, Any]
) -> None:
    """Raise where what the run began with is another now, which no table would show."""
    changed = []
    if previous_run and not datamart.is_as_published():
        changed.append(f"tables of {datamart.root}, by dbt in a terminal")
    if _code_hash() != inputs["code"]:
        changed.append("models or code of the project")
    if changed:
        raise UserError(
            f"changed while the run was at work: {' and '.join(changed)}."
            " Nothing was published; run again"
        )


@contextlib.contextmanager
def _recorded(
    datamart: runs.Datamart,
    run_id: str,
    log_file: Path,
    inputs: dict[str, Any],
    progress: Progress,
) -> Iterator[dict[str, Any]]:
    """Leave a manifest and a log of a new run, whatever happens; gives its manifest.

    A run that is killed leaves the manifest of its beginning, of the outcome `unfinished`. One that
    is stopped when it is published already, while old runs are removed, ends as it would have.

    Raises:
        UserError: in the place of any other error, whose trace goes to the log.
    """
    manifest: dict[str, Any] = {
        "run_id": run_id,
        "started_at": _now(),
        "outcome": "unfinished",
        "versions": _versions(),
        "inputs": inputs,
    }
    try:
        progress.log_to(log_file)
        runs.write_json(datamart.manifests / f"{run_id}.json", manifest)
        yield manifest
    except BaseException as error:
        published = datamart.current_run()
        if published and published.name == run_id:
            progress.log_only(f"published, then stopped:\n{traceback.format_exc()}")
            return
        manifest |= {
            "outcome": "interrupted" if isinstance(error, KeyboardInterrupt) else "failed",
            "error": str(error) or type(error).__name__,
            "finished_at": _now(),
            "seconds": progress.seconds,
        }
        progress.log_only(traceback.format_exc())
        runs.discard(datamart)
        if isinstance(error, Exception) and not isinstance(error, UserError):
            raise UserError(f"{first_line(error)}; the full trace is in {log_file}") from error
        raise
    finally:
        progress.log_only(f"outcome: {manifest['outcome']} {manifest.get('error', '')}")
        with contextlib.suppress(OSError):  # a full disk has been reported already
            runs.write_json(datamart.manifests / f"{run_id}.json", manifest)
            runs.prune_records(datamart)


def _land_and_build(
    options: Options,
    datamart: runs.Datamart,
    build_dir: Path,
    inspections: list[FileInspection],
    landed_before: list[dict[str, Any]],
    last_days: dict[str, FileDays],
    previous_run: Path | None,
    java: Jvm | None,
    log_file: Path,
    endings: contextlib.ExitStack,
    progress: Progress,
) -> tuple[dict[str, Any], Future[str]]:
    """Fill the building folder.

    Returns the part of the manifest that says what is in it, and the hash of the training set.

    Files that are among those of the last load, `landed_before`, are not read again, and of the
    others only the days that are not as in `last_days`; `java` is the one to land with, where it
    was started already. Tables are built from those of `previous_run` and what the new load can
    change in them, or all of them whole.
    """
    from warehouse.datamart.contents import contents, training_set_hash
    from warehouse.transform.compiled import CompiledProject
    from warehouse.transform.runner import DESCRIPTIONS_FILE, Dbt, descriptions

    counter = endings.enter_context(ThreadPoolExecutor(max_workers=1))

    @functools.cache
    def count() -> tuple[Future[dict[str, Any]], Future[str]]:
        """The figures and the hash, begun where they are first asked for."""
        return counter.submit(contents, build_dir), counter.submit(training_set_hash, build_dir)

    dbt = Dbt(
        build_dir=build_dir,
        target_dir=datamart.root / "dbt_target",
        variables={"as_of": options.as_of, "known_at": options.known_at},
        on_event=progress.detail,
        on_log=progress.log_only,
        # under a limit the last tests have all of the memory
        on_last_model=(lambda: None) if options.memory else count,
        memory_limit=options.memory.duckdb if options.memory else None,
        threads=1 if options.memory else 2,  # under a limit one model at a time has all of it
        previous_run=previous_run,
    )
    new = [file for file in inspections if _file_identity(file) not in landed_before]
    if new and not java:
        java = _start_java(options, sum(file.bytes for file in new), log_file, endings)
    parse = progress.timed("build", "read the project, while Spark lands", dbt.parse)
    parsing: _Background | None = None

    def start_parsing() -> None:
        nonlocal parsing
        parsing = _Background(parse)
        endings.callback(parsing.wait)

    if new:
        with progress.step("land", f"landing {len(new)} files with Spark"):
            bronze = build_dir / "bronze"
            _land(
                options, java, bronze, inspections, new, last_days, start_parsing, endings, progress
            )
    else:
        start_parsing()
    _write_days(build_dir, inspections)
    with progress.step("build", "building and testing silver and gold with dbt"):
        parsing.join()
        result = dbt.build()
        progress.parts["build"] |= result.model_seconds | result.test_seconds
        CompiledProject.from_manifest(dbt.manifest).save(build_dir)
        runs.write_json(build_dir / DESCRIPTIONS_FILE, descriptions(dbt.manifest))
    for warning in result.warnings:
        progress.log_only(f"warning: {warning}")
    with progress.step("summarise", "counting"):
        counted, hashed = count()
        content = counted.result() | {
            "follows": previous_run.name if previous_run else None,
            "tests": {
                "passed": result.passed,
                "warnings": result.warnings,
                "seconds": sum(result.test_seconds.values()),
            },
            "model_seconds": result.model_seconds,
        }
    return content, hashed


def _land(
    options: Options,
    java: Jvm,
    bronze_dir: Path,
    inspections: list[FileInspection],
    new: list[FileInspection],
    last_days: dict[str, FileDays],
    on_spark: Callable[[], None],
    endings: contextlib.ExitStack,
    progress: Progress,
) -> None:
    """Land the new ones of the files as one load and write down what all of them brought.

    A file that is the one of the load before brings nothing, so that it need not be read.
    `on_spark` is called when Spark has started, for which Python and Java take a core each, and
    much of the landing is Java's alone. Spark ends in the background, while dbt works; endings
    waits for it.
    """
    from warehouse.landing import bronze as landing

    load_id = 1 + max((int(path.stem[-6:]) for path in (bronze_dir / "loads").glob("*")), default=0)
    landed_at = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    changed_rows = landing.find_changed_rows(new, bronze_dir, last_days)  # while Java starts
    spark = progress.timed("land", "start Java and Spark", landing.start_spark)(
        java, options.spark_master
    )
    on_spark()
    started = time.monotonic()

    def say(source: landing.LandedSource) -> None:
        progress.parts["land"][f"{source.file}, beside others"] = time.monotonic() - started
        progress.detail(
            f"{source.file}: {source.rows_landed:,} new rows of {source.rows_in_file:,}"
        )

    try:
        landed = landing.land(
            spark, new, bronze_dir, load_id, landed_at, java.log_file, say, changed_rows
        )
        _write_load(bronze_dir / "loads", load_id, landed_at, inspections, landed)
    except BaseException:
        landing.stop_spark(spark)
        raise
    endings.callback(_Background(lambda: landing.stop_spark(spark)).join)


class _Background:
    """A call in a thread of its own; wait for its end, or join: wait and give what it gave."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        self._thread.join()

    def join(self) -> Any:
        self.wait()
        if self._error:
            raise self._error
        return self._result


def _file_identity(inspection: FileInspection) -> dict[str, Any]:
    return {
        "source": inspection.contract.name,
        "file": inspection.path.name,
        "bytes": inspection.bytes,
        "sha256": inspection.sha256,
        "rows": inspection.data_rows,
    }


def _write_days(build_dir: Path, inspections: list[FileInspection]) -> None:
    """Write down of what days the files in bronze are, for the next load."""
    days = {i.contract.name: i.days.as_json() for i in inspections if i.days}
    runs.write_json(build_dir / DAYS_FILE, days)


def _last_days(datamart: runs.Datamart) -> dict[str, FileDays]:
    """The days of the files that the published bronze was last made of, by source."""
    try:
        content = json.loads((datamart.current / DAYS_FILE).read_text())
    except OSError:
        return {}  # no run yet, or one of a release that did not write them
    return {source: FileDays.from_json(days) for source, days in content.items()}


def _write_load(
    loads_dir: Path,
    load_id: int,
    landed_at: datetime,
    inspections: list[FileInspection],
    landed: list[Any],
) -> None:
    """Write bronze.loads for one load: one row per source, in one new parquet file."""
    import duckdb  # late: Java starts first

    rows_landed = {source.source: source.rows_landed for source in landed}
    rows = [
        (
            load_id,
            inspection.contract.name,
            inspection.path.name,
            inspection.bytes,
            inspection.sha256,
            inspection.data_rows,
            new := rows_landed.get(inspection.contract.name, 0),
            inspection.data_rows - new,
            landed_at,
        )
        for inspection in inspections
    ]
    loads_dir.mkdir(exist_ok=True)
    with duckdb.connect() as con:
        con.execute(
            "create table loads (load_id integer, source varchar, source_file varchar,"
            " file_bytes bigint, file_sha256 varchar, rows_in_file bigint, rows_landed bigint,"
            " rows_seen_before bigint, landed_at timestamp)"
        )
        con.executemany("insert into loads values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        path = str(loads_dir / f"load_{load_id:06}.parquet").replace("'", "''")
        con.execute(f"copy loads to '{path}' (format parquet)")


def _code_hash() -> str:
    """The sha256 of everything that decides what a run makes of its files."""
    files = [
        path
        for folder in ("models", "macros", "tests")
        for path in (DBT_DIR / folder).rglob("*")
        if path.suffix in (".sql", ".yml", ".csv")
    ]
    files += [DBT_DIR / "dbt_project.yml", PROJECT_DIR / "requirements.txt"]
    files += (p for p in (PROJECT_DIR / "warehouse").rglob("*.py") if p.stem not in BESIDE_A_RUN)
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    from importlib.metadata import version  # late: Java starts first

    packages = ("dbt-core", "dbt-duckdb", "duckdb", "pyspark")
    return {"python": platform.python_version()} | {name: version(name) for name in packages}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
