"""Landing: source files into bronze with PySpark, as text, append-only, with provenance.

Bronze is one parquet dataset a source, `<bronze>/<source>/snapshot_date=<value>/part-*.parquet`.
A load adds files and never touches those of an older load. Every row of a file ends in bronze,
or is there already from an older load; that is counted again from what was written. A row that is
there already lands again where the file takes its key back to it, so that what the last file says
of a key is what bronze says last.
"""

import logging
import re
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from warehouse.base.errors import UserError, first_line
from warehouse.contracts.contract import SourceContract
from warehouse.landing.days import NO_DAY, ROW_NUMBER, FileDays, write_rows_of_days
from warehouse.landing.inspection import FileInspection
from warehouse.landing.java import Jvm, connect, import_pyspark, start_jvm, stop_jvm

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

SOURCES_AT_ONCE = 2
SMALL_BYTES = 512 * 2**20  # Up to here a quick start of the JVM is worth more than its speed.
# One compiler, whose code then gets so little room that collections are made for its sake.
QUICK_START = ("-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", "-XX:+UseSerialGC")
# Of a file of no more rows than this the rows to land are looked for before any is written, and
# where they are no more than that named to Spark one by one.
ROWS_COUNTED_FIRST, ROWS_NAMED = 1_000_000, 10_000
# So few rows are read before code for them would be compiled.
ROWS_INTERPRETED = 20_000
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
MALFORMED = "_malformed_line"
DATE_TEXT = "_snapshot_date_text"
LOAD_ID = "_load_id"
# What silver may strip off a key: underscores, and all that Unicode calls a space separator.
FILLERS = (
    "_ \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)

# What a strptime directive accepts.
DATE_PARTS = {
    "%Y": r"(?<year>(?!0000)\d{4})",
    "%y": r"(?<year>\d{2})",
    "%m": r"(?<month>\d{1,2})",
    "%d": r"(?<day>\d{1,2})",
}


@dataclass(frozen=True)
class LandedSource:
    """The count of one source's load: rows_in_file = rows_landed + rows_seen_before."""

    source: str
    file: str
    rows_in_file: int
    rows_landed: int
    rows_seen_before: int


@dataclass(frozen=True)
class ChangedRows:
    """The rows of a file that may bring something: their days, and they alone (None: no rows)."""

    days: set[str]
    file: Path | None


def start_java(
    log_file: Path,
    memory: str = "512m",
    input_bytes: int = 0,
    record_to: Path | None = None,
) -> Jvm:
    """The Java for landing about `input_bytes` of files, for `start_spark`; it starts meanwhile.

    `memory` is the driver's heap, which is all of Spark for a local master. Nothing is printed:
    what Java and Spark say goes to `log_file`. `record_to` is for `warehouse.landing.java_cache`. To be
    called while no other thread imports anything. Raises UserError when there is no Java.
    """
    quick = QUICK_START if input_bytes <= SMALL_BYTES else ()
    log_file.parent.mkdir(parents=True, exist_ok=True)
    java = start_jvm(memory, log_file, quick, record_to)
    try:
        import_pyspark()
    except BaseException:
        java.end()
        raise
    return java


def start_spark(java: Jvm, master: str = "local[2]") -> "SparkSession":
    """A Spark session for landing; end it with `stop_spark`.

    Raises UserError when Java or Spark does not start; then Java has ended.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    log_file = java.log_file
    logging.basicConfig(filename=log_file)  # py4j would say on the terminal what interrupted it
    gateway = connect(java)
    conf = SparkConf(loadDefaults=False).setAll(_settings(master).items())
    try:
        return SparkSession(SparkContext(conf=conf, gateway=gateway))
    except BaseException as error:
        with log_file.open("a", encoding="utf-8") as log:
            log.write(traceback.format_exc())
        # What Java threw can be read only as long as Java runs.
        said = first_line(getattr(error, "java_exception", error))
        stop_jvm(gateway)
        SparkContext._gateway = SparkContext._jvm = None
        if not isinstance(error, Exception):
            raise
        raise UserError(
            f"Spark did not start on {master}: {said[:300]}; the trace is in {log_file}"
        ) from error


def stop_spark(spark: "SparkSession") -> None:
    """End the session and its JVM; another one can be started afterwards."""
    from pyspark import SparkContext

    gateway = spark.sparkContext._gateway
    try:
        spark.stop()
    finally:
        stop_jvm(gateway)
        SparkContext._gateway = SparkContext._jvm = None


def _settings(master: str) -> dict[str, str]:
    settings = {
        "spark.master": master,
        "spark.app.name": "landing",
        "spark.submit.deployMode": "client",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
        # A join that looks small on disk may be large in memory: sort and merge, which spills.
        "spark.sql.autoBroadcastJoinThreshold": "-1",
        "spark.sql.shuffle.partitions": "16",
        # It would leave out, with a part of a plan that gives no rows, the counts taken there.
        "spark.sql.adaptive.optimizer.excludedRules": (
            "org.apache.spark.sql.execution.adaptive.AQEPropagateEmptyRelation"
        ),
        # A load only adds files: no _SUCCESS marker to be overwritten.
        "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    }
    if master.startswith("local"):
        settings |= {
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            # No .crc file beside every file.
            "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
        }
    return settings


def find_changed_rows(
    inspections: Sequence[FileInspection], folder: Path, last_days: Mapping[str, FileDays]
) -> dict[str, ChangedRows]:
    """By source, the rows that are to be read after the file it was last loaded from.

    `last_days` are the days of those files. A source of which all is best read is left out. The
    rows are written to files in `folder`, which must be there; `land` removes them.
    """
    found = {}
    for inspection in inspections:
        name = inspection.contract.name
        before = last_days.get(name)
        days = inspection.days.changed_since(before) if inspection.days else None
        if days is None:
            continue
        changed = ChangedRows(days, folder / f"{name}.changed_rows.csv" if days else None)
        if 2 * _rows_of(inspection, changed) > inspection.data_rows:
            continue
        if changed.file:
            write_rows_of_days(
                inspection.path, inspection.contract, inspection.days, days, changed.file
            )
        found[name] = changed
    return found


def land(
    spark: "SparkSession",
    inspections: Sequence[FileInspection],
    bronze_dir: Path,
    load_id: int,
    landed_at: datetime,
    log_file: Path,
    on_progress: Callable[[LandedSource], None] = lambda landed: None,
    changed_rows: Mapping[str, ChangedRows] | None = None,
) -> list[LandedSource]:
    """Append the inspected files to `bronze_dir` as one load; the counts, in the given order.

    `landed_at` is aware, or naive UTC. Rows that an older load in `bronze_dir` already holds,
    equal in every raw column, are not landed again as long as they are the latest of their key
    there too. Older files are never changed.
    `changed_rows` are what `find_changed_rows` found; of a source that is not there all is read.
    `on_progress` is called after each source, from the thread that landed it.

    Raises UserError, and leaves a half-written load to be thrown away by the caller, when Spark
    fails (the full trace is appended to `log_file`), a file changed meanwhile, its dates are in
    another format, or a row was lost.
    """

    changed_rows = changed_rows or {}

    def land_one(inspection: FileInspection) -> LandedSource:
        changed = changed_rows.get(inspection.contract.name)
        with _spark_failures_as_user_errors(inspection, log_file):
            landed = _land_source(spark, inspection, changed, bronze_dir, load_id, landed_at)
        on_progress(landed)
        return landed

    rows = sum(_rows_of(i, changed_rows.get(i.contract.name)) for i in inspections)
    is_small = rows <= ROWS_INTERPRETED
    for setting, quick in INTERPRETED.items():
        if is_small:
            spark.conf.set(setting, quick)
        else:
            spark.conf.unset(setting)
    largest_first = sorted(inspections, key=lambda inspection: -inspection.bytes)
    with ThreadPoolExecutor(len(inspections) if is_small else SOURCES_AT_ONCE) as pool:
        futures = {i.contract.name: pool.submit(land_one, i) for i in largest_first}
        _wait_or_cancel(spark, futures.values())
    return [futures[inspection.contract.name].result() for inspection in inspections]


def _wait_or_cancel(spark: "SparkSession", futures: Sequence[Future]) -> None:
    """Wait for all; when one fails stop the others and raise its error."""
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        spark.sparkContext.cancelAllJobs()
        raise


@contextmanager
def _spark_failures_as_user_errors(inspection: FileInspection, log_file: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        with log_file.open("a", encoding="utf-8") as log:
            log.write(f"\nLanding {inspection.path}\n{traceback.format_exc()}\n")
        raise UserError(
            f"{inspection.path}: Spark could not land this file: {first_line(error)[:300]}; "
            f"the full trace is in {log_file}"
        ) from error


def _land_source(
    spark: "SparkSession",
    inspection: FileInspection,
    changed: ChangedRows | None,
    bronze_dir: Path,
    load_id: int,
    landed_at: datetime,
) -> LandedSource:
    contract = inspection.contract
    folder = bronze_dir / contract.name
    with _rows_to_read(spark, inspection, changed) as read:
        rows_seen_before = inspection.data_rows - read.count
        if read.rows is not None:
            rows, seen_before = with_date_partition(read.rows, contract), None
            older = _older_rows(spark, rows, read.days, contract, folder)
            if older is not None:
                rows, seen_before = _without_rows_seen(rows, older, contract, read.count)
            if rows is not None:
                file = inspection.path.name
                _write(with_provenance(rows, contract, file, load_id, landed_at), contract, folder)
            rows_seen_before += seen_before() if seen_before else 0
    landed, undated = _count_landed(folder, contract, load_id)
    counts = LandedSource(
        source=contract.name,
        file=inspection.path.name,
        rows_in_file=inspection.data_rows,
        rows_landed=landed,
        rows_seen_before=rows_seen_before,
    )
    _check_unchanged(inspection)
    _check_none_lost(inspection, counts)
    if undated * 2 > inspection.data_rows:
        _refuse_date_format(inspection, folder, load_id)
    return counts


@dataclass(frozen=True)
class _Read:
    """The rows of a file that Spark reads (None: none), how many, and their days where told."""

    rows: "DataFrame | None"
    count: int
    days: set[date | None] | None = None


@contextmanager
def _rows_to_read(
    spark: "SparkSession", inspection: FileInspection, changed: ChangedRows | None
) -> Iterator[_Read]:
    """The changed rows of a file, all where that is None; their own file is removed afterwards."""
    told, count = inspection.days, _rows_of(inspection, changed)
    if changed is None:
        yield _Read(read_rows(spark, inspection), count, _dates(told.rows) if told else None)
    elif changed.file is None:
        yield _Read(None, count)
    else:
        try:
            rows = _read_numbered_rows(spark, inspection, changed.file)
            yield _Read(rows, count, _dates(changed.days))
        finally:
            changed.file.unlink(missing_ok=True)


def _rows_of(inspection: FileInspection, changed: ChangedRows | None) -> int:
    if changed is None:
        return inspection.data_rows
    return sum(inspection.days.rows[day] for day in changed.days)


def _dates(days: Collection[str]) -> set[date | None] | None:
    """The days as dates; None where there are rows that are not of a day by themselves.

    Among them None: what tells a row's day may still be no date for bronze, such as 2023-01-1.
    """
    return None if NO_DAY in days else {None, *map(date.fromisoformat, days)}


def read_rows(spark: "SparkSession", inspection: FileInspection) -> "DataFrame":
    """The rows of a file: its columns in its own order, `_malformed_line` and `_row_number`.

    Every value is text as it stands; an empty field is null, a quoted empty one is ''.
    """
    from pyspark.sql import functions as F

    # Blocks begin at each multiple of block_bytes and no task reads more than one: the row
    # numbers depend on both.
    for setting in ("maxPartitionBytes", "openCostInBytes"):
        spark.conf.set(f"spark.sql.files.{setting}", inspection.block_bytes)
    rows = _read_csv(spark, inspection, inspection.path, inspection.header)
    # The lower 33 bits of this id count the rows of a task, here of a block.
    row_in_block = F.monotonically_increasing_id().bitwiseAND((1 << 33) - 1)
    block = (F.col("_metadata.file_block_start") / F.lit(inspection.block_bytes)).cast("int")
    offset = F.lit(0)
    if len(inspection.block_offsets) > 1:
        offset = F.array(*[F.lit(rows) for rows in inspection.block_offsets])[block]
    return rows.select("*", (offset.cast("bigint") + row_in_block + 1).alias(ROW_NUMBER))


def _read_numbered_rows(
    spark: "SparkSession", inspection: FileInspection, part: Path
) -> "DataFrame":
    """The same of a part of the file that `write_rows_of_days` wrote."""
    from pyspark.sql import functions as F

    return _read_csv(spark, inspection, part, (ROW_NUMBER, *inspection.header)).withColumns(
        {
            ROW_NUMBER: F.col(ROW_NUMBER).cast("bigint"),
            MALFORMED: F.regexp_replace(MALFORMED, r"\A\d+,", ""),
        }
    )


def _read_csv(
    spark: "SparkSession", inspection: FileInspection, path: Path, columns: Sequence[str]
) -> "DataFrame":
    return (
        spark.read.schema(", ".join(f"`{name}` string" for name in (*columns, MALFORMED)))
        .options(
            header=True,
            enforceSchema=False,  # Fail if the header is not the inspected one any more.
            encoding="UTF-8",
            quote='"',
            escape='"',
            nullValue="\0",  # Never in the data, so that '' is not taken for null.
            mode="PERMISSIVE",
            columnNameOfCorruptRecord=MALFORMED,
            multiLine=inspection.is_multiline,
            maxCharsPerColumn=-1,
            maxColumns=inspection.most_fields + 2,  # one more than the fields, or than the part's
            __globPaths__=False,
        )
        .csv(str(path.absolute()))
    )


def with_date_partition(rows: "DataFrame", contract: SourceContract) -> "DataFrame":
    """Keep the date column only where it is a date of the declared format.

    What else stands there goes to `_snapshot_date_text`, so that no text of a file can become a
    folder name that was not meant.
    """
    from pyspark.sql import functions as F

    text, is_date = F.col(contract.date_column), F.col("_is_date")
    # A column of its own, so that it is worked out once a row.
    rows = rows.withColumn("_is_date", _is_date(text, contract.date_format))
    return rows.withColumns(
        {
            DATE_TEXT: F.when(~is_date, text),
            contract.date_column: F.when(is_date, text),
        }
    ).drop("_is_date")


def _is_date(text: "Column", date_format: str) -> "Column":
    """True for text that strptime reads with the format, false for other text and null."""
    from pyspark.sql import functions as F

    is_date = text.rlike(_date_regex(date_format)) & _as_date(text, date_format).isNotNull()
    return F.coalesce(is_date, F.lit(False))


def _as_date(text: "Column", date_format: str) -> "Column":
    """The date that a text of the format stands for, null where there is no such day."""
    from pyspark.sql import functions as F

    if date_format != "%Y-%m-%d":
        century = "20" if "%y" in date_format else ""
        iso = century + "${year}-${month}-${day}"
        text = F.regexp_replace(text, _date_regex(date_format), iso)
    return text.try_cast("date")


def _date_regex(date_format: str) -> str:
    """What strptime accepts, but for a last day of one digit: it may be half of a cut line."""
    pieces = re.findall(r"%\w|[^%]", date_format)
    parts = [DATE_PARTS.get(piece) or re.escape(piece) for piece in pieces]
    if pieces[-1] == "%d":
        parts[-1] = parts[-1].replace("{1,2}", "{2}")
    return rf"\A{''.join(parts)}\z"


def with_provenance(
    rows: "DataFrame", contract: SourceContract, file: str, load_id: int, landed_at: datetime
) -> "DataFrame":
    """The columns of bronze: the contract's, in its order, then where each row came from."""
    from pyspark.sql import functions as F

    if landed_at.tzinfo is not None:
        landed_at = landed_at.astimezone(UTC).replace(tzinfo=None)
    return rows.select(
        *contract.columns,
        F.lit(file).alias("_source_file"),
        ROW_NUMBER,
        F.lit(load_id).cast("int").alias(LOAD_ID),
        F.lit(landed_at.isoformat(sep=" ")).cast("timestamp_ntz").alias("_landed_at"),
        MALFORMED,
        DATE_TEXT,
    )


def _raw_columns(contract: SourceContract) -> tuple[str, ...]:
    """All that came from the file: two rows equal in these are the same row."""
    return (*contract.columns, MALFORMED, DATE_TEXT)


def _older_rows(
    spark: "SparkSession",
    rows: "DataFrame",
    days: set[date | None] | None,
    contract: SourceContract,
    folder: Path,
) -> "DataFrame | None":
    """The rows landed before on the days of `rows`, with their place; None if there are none.

    `days` are looked up in `rows` where they are not known.
    """
    partitions = _partitions(folder)
    if not partitions:
        return None
    if days is None:
        texts = rows.select(contract.date_column).distinct().collect()
        days = {_day(text, contract) for (text,) in texts}
    concerned = [str(path) for text, path in partitions.items() if _day(text, contract) in days]
    if not concerned:
        return None
    schema = ", ".join(f"`{name}` string" for name in _raw_columns(contract))
    schema += f", `{LOAD_ID}` int, `{ROW_NUMBER}` bigint"
    older = spark.read.schema(schema).options(basePath=str(folder), __globPaths__=False)
    return older.parquet(*concerned)


def _day(text: str | None, contract: SourceContract) -> date | None:
    """The day that a text of the date column stands for: 2023-1-01 is 2023-01-01."""
    with suppress(ValueError):
        return datetime.strptime(text, contract.date_format).date() if text else None


def _partitions(folder: Path) -> dict[str | None, Path]:
    """The partition folders of a dataset by date; None stands for rows without a date."""
    found = {}
    for path in folder.glob("*=*") if folder.is_dir() else ():
        value = path.name.partition("=")[2]
        found[None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)] = path
    return found


def _without_rows_seen(
    rows: "DataFrame", older: "DataFrame", contract: SourceContract, rows_in_file: int
) -> tuple["DataFrame | None", Callable[[], int]]:
    """The rows to land beside the older ones (None: there are none), and how many are left out.

    Ask for the number only after the rows have been written.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as F

    read, new = Observation(), Observation()
    count = F.count(F.lit(1)).alias("rows")
    observed = rows.observe(read, count).withColumn(LOAD_ID, F.lit(None).cast("int"))
    numbers = _rows_to_land(_fingerprints(observed, contract), _fingerprints(older, contract))
    if rows_in_file <= ROWS_COUNTED_FIRST:
        wanted = [number for (number,) in numbers.collect()]
        seen_before = read.get["rows"] - len(wanted)
        if len(wanted) <= ROWS_NAMED or not seen_before:
            return _rows_numbered(rows, wanted, is_all=not seen_before), lambda: seen_before
    rows = rows.join(numbers.observe(new, count), on=ROW_NUMBER, how="left_semi")
    return rows, lambda: read.get["rows"] - new.get["rows"]


def _rows_numbered(rows: "DataFrame", wanted: list[int], is_all: bool) -> "DataFrame | None":
    """The rows with these numbers, without the cost of a join."""
    if is_all:
        return rows
    return rows.where(f"{ROW_NUMBER} in ({', '.join(map(str, wanted))})") if wanted else None


def _fingerprints(rows: "DataFrame", contract: SourceContract) -> "DataFrame":
    """What tells which rows are equal, which are of one key and where they stand.

    Equal rows have the same `_content`; that others share its 128 bits is not to be expected.
    Rows that silver takes for versions of one row have the same `_key`. Where two keys share its
    64 bits, or a few odd characters are all that tells them apart, the order of both is kept.
    """
    from pyspark.sql import functions as F

    # A null would leave a hash as it is; a NUL is in no file.
    raw = [F.coalesce(F.col(f"`{name}`"), F.lit("\0")) for name in _raw_columns(contract)]
    (key_column,) = set(contract.key) - {contract.date_column}
    key = F.btrim(F.col(f"`{key_column}`"), F.lit(FILLERS))
    day = _as_date(F.col(f"`{contract.date_column}`"), contract.date_format)
    is_keyed = F.col(MALFORMED).isNull() & (key != "") & day.isNotNull()
    return rows.select(
        F.when(is_keyed, F.xxhash64(key, day)).otherwise(F.xxhash64(*raw)).alias("_key"),
        F.struct(F.xxhash64(*raw), F.xxhash64(F.lit(1), *raw)).alias("_content"),
        LOAD_ID,
        ROW_NUMBER,
    )


def _rows_to_land(rows: "DataFrame", older: "DataFrame") -> "DataFrame":
    """The row numbers of the rows to land beside the older ones, of the fingerprints of both.

    A row that no older load holds lands. The last copy of another one lands again unless it keeps
    its place: in the order of the file, the rows of a key do as long as each is later in bronze
    than the one before it, and the first later than all that the file does not say of the key.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    number, is_older = F.col(ROW_NUMBER), F.col(LOAD_ID).isNotNull()
    last_number, place = F.col("_last_number"), F.col("_place")
    of_key = Window.partitionBy("_key")
    of_row = Window.partitionBy("_key", "_content")
    in_file_order = of_key.orderBy(last_number, number)
    up_to_it = in_file_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    place_before = F.coalesce(F.lag(place).over(in_file_order), "_place_of_others", place)
    return (
        rows.unionByName(older)
        .withColumns(
            {
                "_last_number": F.max(F.when(~is_older, number)).over(of_row),
                "_place": F.max(F.when(is_older, F.struct(LOAD_ID, ROW_NUMBER))).over(of_row),
            }
        )
        .withColumn("_place_of_others", F.max(F.when(last_number.isNull(), place)).over(of_key))
        .where(~is_older)
        .withColumn("_is_later", F.coalesce(place >= place_before, F.lit(False)))
        .withColumn("_keeps_place", F.every("_is_later").over(up_to_it))
        .where(place.isNull() | ((number == last_number) & ~F.col("_keeps_place")))
        .select(ROW_NUMBER)
    )


def _write(rows: "DataFrame", contract: SourceContract, folder: Path) -> None:
    rows.write.mode("append").partitionBy(contract.date_column).parquet(str(folder))


def _count_landed(folder: Path, contract: SourceContract, load_id: int) -> tuple[int, int]:
    """Rows of this load on disk, and those of them that are whole but without a usable date."""
    files = _parquet_files(folder)
    if not files:
        return 0, 0
    return _query(
        f"""
        select count(*), count(*) filter ({_undated(contract)})
        from read_parquet(?, hive_partitioning = true, hive_types_autocast = false)
        where _load_id = ?
        """,
        [files, load_id],
    )


def _undated(contract: SourceContract) -> str:
    return f'"{contract.date_column}" is null and {MALFORMED} is null'


def _parquet_files(folder: Path) -> list[str]:
    return [str(path) for path in folder.glob("*=*/*.parquet")] if folder.is_dir() else []


def _query(sql: str, parameters: list) -> tuple:
    import duckdb

    with duckdb.connect() as connection:
        return connection.execute(sql, parameters).fetchone()


def _check_unchanged(inspection: FileInspection) -> None:
    now = inspection.path.stat()
    if (now.st_size, now.st_mtime_ns) != (inspection.bytes, inspection.modified_ns):
        raise UserError(f"{inspection.path}: the file changed while it was read; run again")


def _check_none_lost(inspection: FileInspection, counts: LandedSource) -> None:
    if counts.rows_in_file != counts.rows_landed + counts.rows_seen_before:
        raise UserError(
            f"{inspection.path}: expected {counts.rows_in_file} rows in bronze, found "
            f"{counts.rows_landed} landed and {counts.rows_seen_before} seen before; "
            "nothing is published"
        )


def _refuse_date_format(inspection: FileInspection, folder: Path, load_id: int) -> None:
    contract = inspection.contract
    row, text = _query(
        f"""
        select {ROW_NUMBER}, coalesce({DATE_TEXT}, '')
        from read_parquet(?, hive_partitioning = true, hive_types_autocast = false)
        where _load_id = ? and {_undated(contract)}
        order by {ROW_NUMBER}
        limit 1
        """,
        [_parquet_files(folder), load_id],
    )
    raise UserError(
        f"{inspection.path}, data row {row}: expected {contract.date_column} written as "
        f"{contract.date_format}, found {text[:60]!r}; more than half of the rows are like this, "
        "so the file is in another date format"
    )
