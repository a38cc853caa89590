"""Landing: inspected files into bronze with PySpark, as text, append-only, with provenance.

Bronze is one parquet dataset a source, `<bronze>/<source>/snapshot_date=<day>/part-*.parquet`. A
load adds files and never touches those of an earlier load. The rows of a key and date land when
the last row that the load brings of them is not the last one that bronze has of them.
"""

import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.base.errors import UserError, first_line
from warehouse.contracts.contract import PARTITION, SourceContract
from warehouse.landing.checks import check_landed
from warehouse.landing.dates import moment
from warehouse.landing.inspection import InspectedFile, Inspection
from warehouse.landing.loads import Load, SourceFile, next_load, write_load
from warehouse.spark.java import quick_start_options
from warehouse.spark.process import run_in_child
from warehouse.spark.session import SparkSettings, spark_session

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

SOURCES_AT_ONCE = 2
MALFORMED = "_malformed_line"
DATE_TEXT = "_snapshot_date_text"
LOAD_ID, SOURCE_FILE, ROW_NUMBER = "_load_id", "_source_file", "_row_number"
NO_DATE_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# What silver strips off a key: blanks, control and zero-width characters, and underscores after it.
INVISIBLE = r"\s\p{Z}\p{Cc}\p{Cf}"
AROUND_KEY = rf"\A[{INVISIBLE}]+|[{INVISIBLE}_]+\z"
CONFIG = {
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # a join that looks small on disk may be large in memory: sort and merge, which spills
    "spark.sql.autoBroadcastJoinThreshold": "-1",
    "spark.sql.shuffle.partitions": "16",
    # a load only adds files: no _SUCCESS marker to be overwritten
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    # partitions are written side by side, without the sort that a writer for one at a time needs
    "spark.sql.maxConcurrentOutputFileWriters": "64",
    # what each of those writers may hold in memory
    "spark.hadoop.parquet.block.size": str(16 * 2**20),
}

QUICK_START_BYTES = 256 * 2**20  # landing fewer is mostly Java's start


def land(
    inspection: Inspection,
    bronze_dir: Path,
    settings: SparkSettings,
    report: Callable[[str], None] = lambda line: None,
) -> Load | None:
    """Append the new and changed files to bronze as one load; None where there are none.

    Spark works in a process of its own, which has ended afterwards.

    Raises:
        UserError: Spark fails, a file changed meanwhile or is in another date format, or a row was
            lost. It leaves a half-written load, to be thrown away with its folder by the caller.
    """
    for notice in inspection.notices:
        report(notice)
    if not inspection.to_land:
        return None
    return run_in_child(_land, inspection, bronze_dir, settings, report=report)


def _land(
    inspection: Inspection,
    bronze_dir: Path,
    settings: SparkSettings,
    report: Callable[[str], None],
) -> Load:
    is_small = _bytes(inspection.to_land) <= QUICK_START_BYTES
    quick = {"spark.driver.extraJavaOptions": quick_start_options()} if is_small else {}
    with spark_session(settings, CONFIG | quick) as spark:
        return land_files(spark, inspection, bronze_dir, settings.log_file, report)


def land_files(
    spark: "SparkSession",
    inspection: Inspection,
    bronze_dir: Path,
    log_file: Path,
    report: Callable[[str], None] = lambda line: None,
) -> Load:
    """Land with a session that is there; see `land`."""
    # a task reads one block of one file: the row numbers depend on it
    for setting in ("maxPartitionBytes", "openCostInBytes"):
        spark.conf.set(f"spark.sql.files.{setting}", inspection.block_bytes)
    load_id, landed_at = next_load(bronze_dir)
    by_source: dict[str, list[InspectedFile]] = defaultdict(list)
    for inspected in inspection.to_land:
        by_source[inspected.contract.name].append(inspected)
    landed: dict[str, list[SourceFile]] = {}
    with ThreadPoolExecutor(SOURCES_AT_ONCE) as pool:
        deliveries = [
            _Delivery(spark, files, inspection.data_dir, bronze_dir, load_id, landed_at)
            for files in sorted(by_source.values(), key=_bytes, reverse=True)
        ]
        futures = {pool.submit(_land_source, one, log_file): one for one in deliveries}
        try:
            for future in as_completed(futures):
                source = futures[future].contract.name
                landed[source] = future.result()
                new = sum(file.rows_landed for file in landed[source])
                rows = sum(file.rows_in_file for file in landed[source])
                report(f"{source}: {new:,} new rows of {rows:,}")
        except BaseException:
            for future in futures:
                future.cancel()
            spark.sparkContext.cancelAllJobs()
            raise
    load = Load(load_id, landed_at, tuple(file for name in by_source for file in landed[name]))
    write_load(bronze_dir, load)
    return load


def _bytes(files: Iterable[InspectedFile]) -> int:
    return sum(inspected.file.file_bytes for inspected in files)


@dataclass(frozen=True)
class _Delivery:
    """The files of one source in one load."""

    spark: "SparkSession"
    files: list[InspectedFile]
    data_dir: Path
    bronze_dir: Path
    load_id: int
    landed_at: datetime

    @property
    def contract(self) -> SourceContract:
        return self.files[0].contract

    @property
    def folder(self) -> Path:
        return self.bronze_dir / self.contract.name


def _land_source(delivery: _Delivery, log_file: Path) -> list[SourceFile]:
    """Land the files of one source and return their counts, checked on what was written."""
    contract, folder = delivery.contract, delivery.folder
    before = set(_parquet_files(folder))
    try:
        rows = with_snapshot_date(read_rows(delivery), contract)
        expected = _write_changed_rows(delivery, rows)
    except Exception as error:
        with log_file.open("a", encoding="utf-8") as log:
            log.write(f"\nLanding {contract.name}\n{traceback.format_exc()}\n")
        is_full = "No space left on device" in str(error)
        reason = "the disk is full" if is_full else first_line(error)[:300]
        raise UserError(
            f"{delivery.data_dir / contract.file}: Spark could not land {contract.name}: {reason};"
            f" the full trace is in {log_file}"
        ) from error
    written = sorted(set(_parquet_files(folder)) - before)
    return check_landed(delivery.files, written, expected)


def _write_changed_rows(delivery: _Delivery, rows: "DataFrame") -> Counter[str]:
    """Append the rows that bronze does not have as its last ones; return their number by file."""
    in_files = Counter({one.file.source_file: one.file.rows_in_file for one in delivery.files})
    if not delivery.folder.is_dir():
        _write(delivery, rows)
        return in_files
    prints = _fingerprints(rows, delivery.contract).persist()
    with ExitStack() as cached:
        cached.callback(prints.unpersist)
        older = _older_rows(
            delivery, [day for (day,) in prints.select(PARTITION).distinct().collect()]
        )
        if older is None:
            _write(delivery, rows)
            return in_files
        changed = _changed(prints, _fingerprints(older, delivery.contract)).persist()
        cached.callback(changed.unpersist)
        counts = prints.join(changed, "_identity", "left_semi").groupBy(SOURCE_FILE).count()
        to_land: Counter[str] = Counter({name: rows for name, rows in counts.collect()})
        if to_land == in_files:
            _write(delivery, rows)
        elif to_land:
            identified = rows.withColumn("_identity", _identity(delivery.contract))
            wanted = identified.join(changed, "_identity", "left_semi").drop("_identity")
            _write(delivery, wanted)
        return to_land


def read_rows(delivery: _Delivery) -> "DataFrame":
    """Read the files: the contract's columns, `_malformed_line`, `_source_file`, `_row_number`.

    Every value is text as it is in the file; an empty field is null, a quoted empty one is ''.
    """
    alike: dict[tuple[object, ...], list[InspectedFile]] = defaultdict(list)
    for one in delivery.files:
        in_blocks = one.path if len(one.csv.block_offsets) > 1 else None
        alike[one.csv.header, one.csv.is_multiline, in_blocks].append(one)
    parts = [_read_files(delivery, files) for files in alike.values()]
    return reduce(lambda part, other: part.unionByName(other), parts)


def _read_files(delivery: _Delivery, files: Sequence[InspectedFile]) -> "DataFrame":
    """Read files that are alike; those of several blocks come alone."""
    from pyspark.sql import functions as F

    file = files[0].csv
    rows = (
        delivery.spark.read.schema(_text_schema((*file.header, MALFORMED)))
        .options(
            header=True,
            enforceSchema=False,  # fail if the header is not the inspected one any more
            encoding="UTF-8",
            quote='"',
            escape='"',
            nullValue="\0",  # never in the data, so that '' is not taken for null
            mode="PERMISSIVE",
            columnNameOfCorruptRecord=MALFORMED,
            multiLine=file.is_multiline,
            maxCharsPerColumn=-1,
            maxColumns=max(one.csv.most_fields for one in files) + 1,
        )
        .csv([_path(one.path) for one in files])
    )
    # the lower 33 bits of this id count the rows of a task, here of a block of a file
    row_in_block = F.monotonically_increasing_id().bitwiseAND((1 << 33) - 1)
    offset: Column = F.lit(0)
    if len(file.block_offsets) > 1:
        block_bytes = int(delivery.spark.conf.get("spark.sql.files.maxPartitionBytes") or 0)
        block = (F.col("_metadata.file_block_start") / F.lit(block_bytes)).cast("int")
        offset = F.array(*[F.lit(rows) for rows in file.block_offsets])[block]
    return rows.select(
        *(F.col(_quoted(name)) for name in (*delivery.contract.columns, MALFORMED)),
        _source_file(delivery.data_dir, files).alias(SOURCE_FILE),
        (offset.cast("bigint") + row_in_block + 1).alias(ROW_NUMBER),
    )


def _source_file(data_dir: Path, files: Sequence[InspectedFile]) -> "Column":
    """Return the name of the file below the data folder."""
    from pyspark.sql import functions as F

    if len(files) == 1:
        return F.lit(files[0].file.source_file)
    # a + is a blank for url_decode, and itself in this path
    path = F.url_decode(F.replace(F.col("_metadata.file_path"), F.lit("+"), F.lit("%2B")))
    return F.substring(path, len(f"file:{data_dir}/") + 1, 2**30)


def _path(path: Path) -> str:
    """Return a path as Spark takes it: with characters of a glob pattern escaped."""
    return "".join(f"\\{c}" if c in "[]{}*?\\" else c for c in str(path.absolute()))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _text_schema(columns: Iterable[str]) -> str:
    return ", ".join(f"{_quoted(name)} string" for name in columns)


def with_snapshot_date(rows: "DataFrame", contract: SourceContract) -> "DataFrame":
    """Add `snapshot_date`, the ISO day of the date column, and the text that it does not say.

    Where the date column is called snapshot_date the day takes its place, and
    `_snapshot_date_text` keeps any other text. Else the date column is kept as it is, and
    `_snapshot_date_text` holds the text that is no date of the declared format.
    """
    from pyspark.sql import functions as F

    text = F.col(_quoted(contract.date_column))
    rows = rows.withColumn("_day", moment(text, contract.date_format).cast("date").cast("string"))
    day = F.col("_day")
    is_iso = text.eqNullSafe(day) if contract.date_column == PARTITION else day.isNotNull()
    return rows.withColumns({DATE_TEXT: F.when(~is_iso, text), PARTITION: day}).drop("_day")


def _write(delivery: _Delivery, rows: "DataFrame") -> None:
    """Append rows as the columns of bronze: the contract's, then where each row came from."""
    from pyspark.sql import functions as F

    landed_at = delivery.landed_at.isoformat(sep=" ")
    rows.select(
        *(F.col(_quoted(name)) for name in delivery.contract.columns if name != PARTITION),
        SOURCE_FILE,
        ROW_NUMBER,
        F.lit(delivery.load_id).cast("int").alias(LOAD_ID),
        F.lit(landed_at).cast("timestamp_ntz").alias("_landed_at"),
        MALFORMED,
        DATE_TEXT,
        PARTITION,
    ).write.mode("append").partitionBy(PARTITION).parquet(str(delivery.folder.absolute()))


def _parquet_files(folder: Path) -> list[str]:
    return [str(path) for path in folder.glob("*=*/*.parquet")] if folder.is_dir() else []


def _older_rows(delivery: _Delivery, days: Sequence[str | None]) -> "DataFrame | None":
    """Return the rows that bronze has of these days, None where there are none."""
    folders = [
        folder
        for folder in (delivery.folder / f"{PARTITION}={day or NO_DATE_FOLDER}" for day in days)
        if folder.is_dir()
    ]
    if not folders:
        return None
    texts = (*delivery.contract.columns, MALFORMED, DATE_TEXT, SOURCE_FILE)
    schema = _text_schema(dict.fromkeys((*texts, PARTITION)))
    return (
        delivery.spark.read.schema(f"{schema}, {LOAD_ID} int, {ROW_NUMBER} bigint")
        .option("basePath", str(delivery.folder.absolute()))
        .parquet(*(_path(folder) for folder in folders))
    )


def _fingerprints(rows: "DataFrame", contract: SourceContract) -> "DataFrame":
    """Return what tells which rows are versions of one row, which are equal, and their order."""
    from pyspark.sql import functions as F

    load_id = F.col(LOAD_ID) if LOAD_ID in rows.columns else F.lit(0)
    return rows.select(
        _identity(contract).alias("_identity"),
        F.struct(*_hashes(_raw_columns(contract))).alias("_content"),
        F.struct(load_id, SOURCE_FILE, ROW_NUMBER).alias("_place"),
        SOURCE_FILE,
        PARTITION,
    )


def _identity(contract: SourceContract) -> "Column":
    """Return what versions of one row share: cleaned key and date, else their whole content.

    Keys are compared as silver cleans them. Were ` K1` and `K1` two keys here, the second could go
    back to an earlier value without landing, and silver would go on with the value of the first.
    """
    from pyspark.sql import functions as F

    key = F.regexp_replace(_quoted(contract.key_column), AROUND_KEY, "")
    text = F.col(_quoted(contract.date_column))
    if contract.date_column == PARTITION:
        text = F.coalesce(DATE_TEXT, PARTITION)
    date = moment(text, contract.date_format)
    is_keyed = F.col(MALFORMED).isNull() & (key != "") & date.isNotNull()
    by_key, by_content = _hashes([key, date]), _hashes(_raw_columns(contract))
    return F.when(is_keyed, F.struct(*by_key)).otherwise(F.struct(*by_content))


def _raw_columns(contract: SourceContract) -> "list[Column]":
    """Return all that came from the file: two rows equal in these are the same row."""
    from pyspark.sql import functions as F

    names = dict.fromkeys((*contract.columns, PARTITION, MALFORMED, DATE_TEXT))
    # a hash passes over a null; a NUL is in no file
    return [F.coalesce(F.col(_quoted(name)), F.lit("\0")) for name in names]


def _hashes(columns: "Sequence[Column]") -> "list[Column]":
    """Return two independent hashes: that two different rows share both is not to be expected."""
    from pyspark.sql import functions as F

    return [
        F.xxhash64(*columns).alias("a"),
        F.xxhash64(F.lit(1), *columns).alias("b"),
    ]


def _changed(rows: "DataFrame", older: "DataFrame") -> "DataFrame":
    """Return the identities whose last row is another one than the last of the older rows."""
    from pyspark.sql import functions as F

    def last(prints: "DataFrame", name: str) -> "DataFrame":
        return prints.groupBy("_identity").agg(F.max_by("_content", "_place").alias(name))

    both = last(rows, "_now").join(last(older, "_before"), "_identity", "left")
    return both.where(~F.col("_now").eqNullSafe(F.col("_before"))).select("_identity")
