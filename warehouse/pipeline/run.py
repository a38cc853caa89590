"""One run: inspect, land, build, test, publish, report. Everything or nothing is published."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from warehouse.base.errors import UserError
from warehouse.base.files import write_json
from warehouse.base.layout import REPORT_FILE
from warehouse.base.memory import MemoryLimit
from warehouse.contracts.contract import read_contracts
from warehouse.datamart import publish as publishing
from warehouse.datamart.foreign import missing_files
from warehouse.datamart.lock import locked
from warehouse.datamart.runs import begin, open_datamart
from warehouse.landing.bronze import land as land_files
from warehouse.landing.inspection import Inspection, inspect_sources
from warehouse.pipeline.inputs import code_hash
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
class Inspected:
    """The files of the data folder, all of them fit, and what they mean for the published run.

    Attributes:
        files: the files of all sources, those to land inspected.
        inputs: all that decides what the run makes, for its manifest.
        unchanged_run: folder of the published run, when it was made of the same inputs.
        is_incremental: the run builds on the tables of the published one.
    """

    files: Inspection
    inputs: dict[str, Any]
    unchanged_run: Path | None = None
    is_incremental: bool = False


@dataclass(frozen=True)
class Built:
    """dbt on a building folder whose silver and gold are built, and the seconds of each model."""

    dbt: Dbt
    model_seconds: dict[str, float]


@dataclass(frozen=True)
class Tested:
    """A building folder that passed all tests, and its figures for the manifest."""

    build_dir: Path
    figures: dict[str, Any]


def run(options: Options, progress: Progress) -> tuple[dict[str, Any], bool]:
    """Bring the datamart up to date; returns the published run's manifest, and if it is new.

    A report that cannot be written fails the command, not the run: the run stays published, and the
    next command writes the report.

    Raises:
        UserError: something that the user can put right. Unless the message says otherwise, the
            published datamart is as it was.
    """
    datamart = open_datamart(options.datamart_dir)
    with locked(datamart), Record(datamart, progress) as record:
        warn_of_moved(progress, publishing.recover(datamart))
        inspected = inspect(options, record)
        if inspected.unchanged_run:
            report(record, inspected.unchanged_run)
            return datamart.current_manifest() or {}, False
        record.begin(inspected.inputs)
        landed = land(options, record, inspected)
        built = build(record, landed)
        tested = test(record, built)
        published = publish(record, tested)
        report(record, published)
        record.finish()
        return record.manifest, True


def inspect(options: Options, record: Record) -> Inspected:
    """Check the files of the data folder against their contracts, and compare with the published.

    Raises:
        UserError: a file is missing or does not keep its contract.
    """
    datamart = record.datamart
    with record.progress.step("inspect", f"inspecting the files of {options.data_dir}"):
        published, run_dir = datamart.current_manifest(), datamart.current_run()
        bronze_dir = (run_dir or datamart.root / "runs") / "bronze"
        files = inspect_sources(read_contracts(), options.data_dir, bronze_dir)
        inputs = {
            "files": [
                {
                    "source": file.source,
                    "file": file.source_file,
                    "bytes": file.file_bytes,
                    "sha256": file.file_sha256,
                    "rows": file.rows_in_file,
                }
                for file in files.files
            ],
            "code": code_hash(),
            "as_of": options.as_of,
            "known_at": options.known_at,
        }
        is_damaged = run_dir is not None and _is_damaged(run_dir)
        if published is None or is_damaged or options.rebuild:
            return Inspected(files, inputs)
        is_same_but_files = {**published["inputs"], "files": inputs["files"]} == inputs
        is_whole_history = options.as_of is None and options.known_at is None
        return Inspected(
            files,
            inputs,
            unchanged_run=run_dir if published["inputs"] == inputs else None,
            is_incremental=is_same_but_files and is_whole_history,
        )


def _is_damaged(run_dir: Path) -> bool:
    """Return whether somebody removed or overwrote tables of a run; they are built again.

    Raises:
        UserError: a file of bronze is among them, which cannot be built again.
    """
    damaged = missing_files(run_dir)
    for name in damaged:
        if name.startswith("bronze/"):
            raise UserError(
                f"{run_dir}/{name} was removed or changed by somebody, and bronze cannot be built"
                " again from other tables: put the file back, or land all files into another"
                " --datamart-dir"
            )
    return bool(damaged)


def land(options: Options, record: Record, inspected: Inspected) -> Dbt:
    """Append the files that are new to bronze, in a building folder of the run's own.

    Returns dbt on that folder: incremental when the run follows the published one.

    Raises:
        UserError: a file cannot be read as its contract says, or Spark cannot be started.
    """
    progress, memory = record.progress, options.memory
    dbt = Dbt(
        run_dir=begin(record.datamart, record.run_id, inspected.is_incremental),
        target_dir=record.datamart.root / "dbt_target",
        variables=run_variables(options.as_of, options.known_at),
        is_incremental=inspected.is_incremental,
        on_model=progress.detail,
        on_log=progress.log,
        threads=1 if memory else 2,  # under a limit one model at a time has all of it
        memory_limit=memory.duckdb if memory else None,
    )
    new, files = inspected.files.to_land, inspected.files.files
    if new:
        with progress.step("land", f"landing {len(new)} of {len(files)} files"):
            if not memory:  # under a limit Spark has the memory for itself
                Thread(target=_prepare, args=(dbt,), daemon=True).start()
            heap = {"memory": memory.spark_heap} if memory else {}
            settings = SparkSettings(record.log_file, options.spark_master, **heap)
            land_files(inspected.files, dbt.run_dir / "bronze", settings, progress.detail)
    return dbt


def _prepare(dbt: Dbt) -> None:
    """Load dbt and the project while Spark lands: four seconds less to wait.

    What goes wrong here goes wrong again in its own step, which says so.
    """
    with suppress(Exception):
        dbt.parse()


def build(record: Record, landed: Dbt) -> Built:
    """Build silver and gold with dbt.

    Raises:
        UserError: a model could not be built.
    """
    from warehouse.transform.compiled import CompiledProject

    with record.progress.step("build", "building silver and gold"):
        landed.parse()
        seconds = landed.build_models()
        if not landed.is_incremental:  # an incremental run keeps the SQL of the whole build before
            CompiledProject.from_manifest(landed.manifest).save(landed.run_dir)
        write_json(landed.run_dir / DESCRIPTIONS_FILE, descriptions(landed.manifest))
    return Built(landed, seconds)


def test(record: Record, built: Built) -> Tested:
    """Run dbt's tests, and check that no closed application has other features than before.

    Raises:
        UserError: a test failed, or the features of a closed application changed.
    """
    from warehouse.datamart.contents import changed_closed_months, contents

    dbt = built.dbt
    with record.progress.step("test", "testing silver and gold"):
        results = dbt.run_tests()
        for warning in results.warnings:
            record.progress.log(f"warning: {warning}")
        found = contents(dbt.run_dir, _sources_that_close(), dbt.memory_limit)
        follows = record.datamart.current_run() if dbt.is_incremental else None
        if follows:
            months = changed_closed_months(dbt.run_dir, follows, found["application_months"])
            if months:
                raise UserError(
                    f"features of closed applications of {', '.join(months)} differ from run"
                    f" {follows.name}, which no new file may cause: a model reads rows that were"
                    " not known then. Nothing was published; `python main.py prove` names the"
                    " columns, --rebuild builds all tables again"
                )
    figures = found | {
        "follows": follows and follows.name,
        "tests": {"passed": results.passed, "warnings": results.warnings},
        "parts": {"build": built.model_seconds, "test": results.seconds},
    }
    return Tested(dbt.run_dir, figures)


def _sources_that_close() -> list[str]:
    """Return the sources whose watermarks close applications; none if one is retroactive.

    A correction of a source with `corrections: retroactive` changes any application.
    """
    contracts = read_contracts()
    if any(contract.corrections == "retroactive" for contract in contracts):
        return []
    return [contract.name for contract in contracts]


def publish(record: Record, tested: Tested) -> Path:
    """Publish the building folder by one rename, with the run's manifest; returns the run's folder.

    Raises:
        UserError: the code changed while the run was at work.
    """
    if code_hash() != record.manifest["inputs"]["code"]:
        raise UserError(
            "models or code of the project changed while the run was at work."
            " Nothing was published; run again"
        )
    with record.progress.step("publish", "publishing"):
        write_json(tested.build_dir / "manifest.json", record.published(tested.figures))
        warn_of_moved(record.progress, publishing.publish(record.datamart, record.run_id))
    run_dir = record.datamart.runs / record.run_id
    write_json(run_dir / "manifest.json", record.manifest)  # now with the seconds of this step
    return run_dir


def report(record: Record, published: Path) -> None:
    """Write the report of the published run into its folder, unless it is there."""
    if (published / REPORT_FILE).exists():
        return
    with record.progress.step("report", "writing the report"):
        from warehouse.reporting.report import write_report  # takes two seconds

        write_report(record.datamart)


def warn_of_moved(progress: Progress, moved: list[Path]) -> None:
    """Say that a user's files are in the lab now."""
    for path in moved:
        progress.warn(f"a file that no run wrote was under bronze, silver or gold: now {path}")
