"""The six steps of a run. Each is a function whose result the next step takes."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from warehouse.base.errors import UserError
from warehouse.base.files import write_json, write_text
from warehouse.base.layout import REPORT_FILE, Datamart
from warehouse.base.memory import MemoryLimit
from warehouse.contracts.contract import read_contracts
from warehouse.datamart import foreign, runs
from warehouse.datamart import publish as publishing
from warehouse.landing.bronze import land as land_files
from warehouse.landing.inspection import Inspection, inspect_sources
from warehouse.landing.loads import SourceFile
from warehouse.pipeline.inputs import code_hash, is_same_code_and_options
from warehouse.pipeline.progress import Progress
from warehouse.pipeline.record import Record
from warehouse.spark.session import SparkSettings
from warehouse.transform.dbt_options import run_variables
from warehouse.transform.runner import DESCRIPTIONS_FILE, Dbt, descriptions


@dataclass(frozen=True)
class Options:
    """The options of a run.

    Attributes:
        data_dir: folder of the files to land.
        datamart_dir: folder of the datamart, made when it is not there.
        as_of: build as on this day, YYYY-MM-DD.
        known_at: build from what had been landed at this moment, YYYY-MM-DD HH:MM:SS in UTC.
        spark_master: where Spark lands the files.
        rebuild: build all tables whole, even when nothing has changed.
        memory: memory that the run's processes may take together; None for their defaults.
    """

    data_dir: Path
    datamart_dir: Path
    as_of: str | None = None
    known_at: str | None = None
    spark_master: str = "local[*]"
    rebuild: bool = False
    memory: MemoryLimit | None = None


@dataclass(frozen=True)
class Work:
    """A run at work: its options, datamart, record and progress; all steps take it."""

    options: Options
    datamart: Datamart
    record: Record
    progress: Progress


@dataclass(frozen=True)
class Published:
    """A published run, its manifest, and whether it is new."""

    run_dir: Path
    manifest: dict[str, Any]
    is_new: bool


@dataclass(frozen=True)
class Inspected:
    """The files to land, all of them fit, and what they mean for the published run.

    Attributes:
        files: the files of all sources, those to land inspected.
        inputs: all that decides what the run makes, for its manifest.
        published: manifest of the published run, None before the first.
        unchanged: the published run, when it was made of the same inputs, else None.
        follows: folder of the published run when this one builds on its tables, else None.
    """

    files: Inspection
    inputs: dict[str, Any]
    published: dict[str, Any] | None
    unchanged: Published | None
    follows: Path | None


@dataclass(frozen=True)
class Landed:
    """A building folder whose bronze holds all files, and dbt to build the rest there."""

    inspected: Inspected
    build_dir: Path
    dbt: Dbt


@dataclass(frozen=True)
class Built:
    """A building folder whose silver and gold are built."""

    landed: Landed
    model_seconds: dict[str, float]


@dataclass(frozen=True)
class Tested:
    """A building folder that passed all tests, and its figures for the manifest."""

    built: Built
    contents: dict[str, Any]


def inspect(work: Work) -> Inspected:
    """Check the files of the data folder against their contracts, and compare with the published.

    Raises:
        UserError: a file is missing or does not keep its contract.
    """
    options, datamart = work.options, work.datamart
    with work.progress.step("inspect", f"inspecting the files of {options.data_dir}"):
        published, run_dir = datamart.current_manifest(), datamart.current_run()
        bronze_dir = (run_dir or datamart.root / "runs") / "bronze"
        files = inspect_sources(read_contracts(), options.data_dir, bronze_dir)
        inputs = {
            "files": [_identity(file) for file in files.files],
            "code": code_hash(),
            "as_of": options.as_of,
            "known_at": options.known_at,
        }
        damaged = _damaged_files(run_dir)
        inspected = Inspected(files, inputs, published, unchanged=None, follows=None)
        if published is None or run_dir is None or damaged or options.rebuild:
            return inspected
        if published["inputs"] == inputs:
            return replace(inspected, unchanged=Published(run_dir, published, is_new=False))
        is_whole_history = options.as_of is None and options.known_at is None
        if is_whole_history and is_same_code_and_options(inputs, published):
            return replace(inspected, follows=run_dir)
        return inspected


def _identity(file: SourceFile) -> dict[str, Any]:
    """Return what tells a file from others, for the manifest."""
    return {
        "source": file.source,
        "file": file.source_file,
        "bytes": file.file_bytes,
        "sha256": file.file_sha256,
        "rows": file.rows_in_file,
    }


def _damaged_files(run_dir: Path | None) -> list[str]:
    """Return tables of the published run that somebody removed or overwrote; they are built again.

    Raises:
        UserError: a file of bronze is among them, which cannot be built again.
    """
    damaged = foreign.missing_files(run_dir) if run_dir else []
    for name in damaged:
        if name.startswith("bronze/"):
            raise UserError(
                f"{run_dir}/{name} was removed or changed by somebody, and bronze cannot be built"
                " again from other tables: put the file back, or land all files into another"
                " --datamart-dir"
            )
    return damaged


def land(work: Work, inspected: Inspected) -> Landed:
    """Append the files that are new to bronze, in a building folder of the run's own.

    Raises:
        UserError: a file cannot be read as its contract says, or Spark cannot be started.
    """
    record, memory = work.record, work.options.memory
    build_dir = runs.begin(work.datamart, record.run_id, inspected.follows is not None)
    dbt = _dbt(work, inspected, build_dir)
    new, files = inspected.files.to_land, inspected.files.files
    if new:
        with work.progress.step("land", f"landing {len(new)} of {len(files)} files"):
            if not memory:  # under a limit Spark has the memory for itself
                Thread(target=_prepare, args=(dbt,), daemon=True).start()
            heap = {"memory": memory.spark_heap} if memory else {}
            settings = SparkSettings(record.log_file, work.options.spark_master, **heap)
            land_files(inspected.files, build_dir / "bronze", settings, work.progress.detail)
    return Landed(inspected, build_dir, dbt)


def _prepare(dbt: Dbt) -> None:
    """Load what build and report need, while Spark lands: six seconds less to wait.

    What goes wrong here goes wrong again in its own step, which says so.
    """
    with suppress(Exception):
        dbt.parse()
        from warehouse.reporting.theme import page_script

        page_script()


def _dbt(work: Work, inspected: Inspected, build_dir: Path) -> Dbt:
    """Return dbt on the building folder: incremental when the run follows the published one."""
    options, memory = work.options, work.options.memory
    return Dbt(
        run_dir=build_dir,
        target_dir=work.datamart.root / "dbt_target",
        variables=run_variables(options.as_of, options.known_at),
        is_incremental=inspected.follows is not None,
        on_model=work.progress.detail,
        on_log=work.progress.log,
        threads=1 if memory else 2,  # under a limit one model at a time has all of it
        memory_limit=memory.duckdb if memory else None,
    )


def build(work: Work, landed: Landed) -> Built:
    """Build silver and gold with dbt.

    Raises:
        UserError: a model could not be built.
    """
    from warehouse.transform.compiled import CompiledProject

    dbt = landed.dbt
    with work.progress.step("build", "building silver and gold"):
        dbt.parse()
        model_seconds = dbt.build_models()
        work.progress.parts["build"] = model_seconds
        if not dbt.is_incremental:  # an incremental run keeps the SQL of the whole build it follows
            CompiledProject.from_manifest(dbt.manifest).save(landed.build_dir)
        write_json(landed.build_dir / DESCRIPTIONS_FILE, descriptions(dbt.manifest))
    return Built(landed, model_seconds)


def test(work: Work, built: Built) -> Tested:
    """Run dbt's tests, and check that no closed application has other features than before.

    Raises:
        UserError: a test failed, or the features of a closed application changed.
    """
    from warehouse.datamart.contents import contents

    dbt, build_dir = built.landed.dbt, built.landed.build_dir
    follows = built.landed.inspected.follows
    with work.progress.step("test", "testing silver and gold"):
        results = dbt.run_tests()
        work.progress.parts["test"] = results.seconds
        for warning in results.warnings:
            work.progress.log(f"warning: {warning}")
        found = contents(build_dir, _sources_that_close(dbt), dbt.memory_limit)
        if follows is not None:
            before = built.landed.inspected.published or {}
            _check_closed_months(build_dir, follows, found, before)
    return Tested(
        built,
        found
        | {
            "follows": follows.name if follows else None,
            "tests": {
                "passed": results.passed,
                "warnings": results.warnings,
                "seconds": sum(results.seconds.values()),
            },
            "model_seconds": built.model_seconds,
        },
    )


def _sources_that_close(dbt: Dbt) -> list[str]:
    """Return the sources whose watermarks close applications; none if one is retroactive.

    A correction of a source with `corrections: retroactive` changes any application.
    """
    contracts = {node.name: node.config.meta for node in dbt.manifest.sources.values()}
    sources = {name: meta for name, meta in contracts.items() if "file" in meta}
    if any(meta.get("corrections") == "retroactive" for meta in sources.values()):
        return []
    return sorted(sources)


def _check_closed_months(
    build_dir: Path, follows: Path, found: dict[str, Any], before: dict[str, Any]
) -> None:
    from warehouse.datamart.contents import changed_closed_months

    months = changed_closed_months(
        build_dir, follows, found["application_months"], before.get("application_months", [])
    )
    if months:
        raise UserError(
            f"features of closed applications of {', '.join(months)} differ from run"
            f" {follows.name}, which no new file may cause: a model reads rows that were not known"
            " then. Nothing was published; `python main.py prove` names the columns,"
            " --rebuild builds all tables again"
        )


def publish(work: Work, tested: Tested) -> Published:
    """Publish the building folder by one rename, with the run's manifest.

    Raises:
        UserError: the code changed while the run was at work.
    """
    record = work.record
    if code_hash() != record.manifest["inputs"]["code"]:
        raise UserError(
            "models or code of the project changed while the run was at work."
            " Nothing was published; run again"
        )
    with work.progress.step("publish", "publishing"):
        manifest = record.published(tested.contents)
        write_json(tested.built.landed.build_dir / "manifest.json", manifest)
        warn_of_moved(work.progress, publishing.publish(work.datamart, record.run_id))
    return Published(work.datamart.runs / record.run_id, manifest, is_new=True)


def report(work: Work, published: Published) -> None:
    """Write the report of the published run into its folder, unless it is there."""
    if (published.run_dir / REPORT_FILE).exists():
        return
    with work.progress.step("report", "writing the report"):
        from warehouse.reporting.report import build_report, read_proof  # takes two seconds

        earlier = work.datamart.manifests_before(published.run_dir.name)
        proof = read_proof(work.datamart.root)
        page = build_report(published.run_dir, published.manifest, earlier, proof)
        write_text(published.run_dir / REPORT_FILE, page)
        publishing.show_report(work.datamart)


def warn_of_moved(progress: Progress, moved: list[Path]) -> None:
    """Say that a user's files are in the lab now."""
    for path in moved:
        progress.warn(f"a file that no run wrote was under bronze, silver or gold: now {path}")
