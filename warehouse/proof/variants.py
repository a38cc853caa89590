"""Variants of bronze: without the rows not known by a day, or with nonsense in their place.

A row of bronze is known from its date and delay on (a day later where the boundary is strict). A
correction or late row, dated within what an earlier load vouched for, is known from the moment its
load was landed, if that is later, unless corrections of its source count for all time.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from duckdb import DuckDBPyConnection

from warehouse.base.catalog import quoted_name, quoted_text
from warehouse.base.rows import one_row
from warehouse.contracts.contract import SourceContract
from warehouse.transform.compiled import SPINE_MODEL, CompiledProject, create_relation

KNOWN_FROM = "__known_from"
LOADS = '"bronze"."loads"'
WATERMARKS = '"silver"."watermarks"'
REAL, NONSENSE = "real", "nonsense"


@dataclass(frozen=True)
class Variant:
    """One rebuild: kind of change, and the day at whose end the rows still unknown are changed.

    Kinds: truncated (those rows are gone), nonsense (they say something else), shuffled (all rows
    in another order), threads (another number of threads), published (no rebuild: what users read).
    """

    kind: str
    day: date | None = None

    @property
    def month(self) -> str:
        """YYYY-MM, or `all`."""
        return f"{self.day:%Y-%m}" if self.day else "all"

    @property
    def is_known(self) -> str:
        """The condition under which a row of bronze, dated or not, is known by the day."""
        return f"coalesce({KNOWN_FROM} <= timestamp '{self.day}', true)"


class Bronze:
    """The bronze of a run, laid out in a folder for many reads: as it is, and as nonsense."""

    def __init__(self, project: CompiledProject, folder: Path) -> None:
        self._project = project
        self._folder = folder
        self._loads = quoted_text(str(folder / "loads.parquet"))

    def lay_out(self, con: DuckDBPyConnection) -> None:
        """Write the rows of every source, with when they are known, and nonsense of them.

        con shows the run's bronze and silver.watermarks.
        """
        for source in self._project.sources:
            is_spine = source in spine_sources(self._project)
            con.execute(
                f"create or replace temp table laid_out as"
                f" select bronze.*, {_known_from(source, is_spine)} as {KNOWN_FROM},"
                f" watermarks.watermark as __watermark"
                f" from {source.relation} as bronze left join {WATERMARKS} as watermarks"
                f" on watermarks.source = '{source.name}' and watermarks.load_id = bronze._load_id"
                f" order by {KNOWN_FROM}, _load_id, _source_file, _row_number"
            )
            options = "(format parquet, compression uncompressed, dictionary_size_limit 100000)"
            con.execute(
                f"copy (select * exclude (__watermark) from laid_out)"
                f" to {self.file(source, REAL)} {options}"
            )
            nonsense = _nonsense_rows(source, _date_columns(con, source) if is_spine else set())
            con.execute(f"copy ({nonsense}) to {self.file(source, NONSENSE)} {options}")
        con.execute("drop table if exists laid_out")
        con.execute(f"copy (from {LOADS}) to {self._loads} (format parquet)")

    def show(self, con: DuckDBPyConnection, variant: Variant) -> None:
        """Let the bronze relations of a connection show what a variant has of them."""
        for source in self._project.sources:
            kind = "table" if variant.kind == "shuffled" else "view"
            create_relation(con, kind, source.relation, self._rows(source, variant))
        loads = f"from {self._loads}"
        if variant.day:
            # those landed by the day, and those that brought what was known by it: the backfill
            shown = " union all ".join(
                f"select _load_id from {source.relation}" for source in self._project.sources
            )
            loads = (
                f"select * {loads} where landed_at <= timestamp '{variant.day}'"
                f" or load_id in ({shown})"
            )
        create_relation(con, "table", LOADS, loads)

    def file(self, source: SourceContract, kind: str) -> str:
        """Return the file of the rows of a source, real or nonsense, in quotes."""
        return quoted_text(str(self._folder / f"{kind}.{source.name}.parquet"))

    def _rows(self, source: SourceContract, variant: Variant) -> str:
        rows = f"select * exclude ({KNOWN_FROM}) from {self.file(source, REAL)}"
        if variant.day:
            rows += f" where {variant.is_known}"
        if variant.kind == "nonsense":
            rows += (
                f" union all by name select * exclude ({KNOWN_FROM})"
                f" from {self.file(source, NONSENSE)} where not {variant.is_known}"
            )
        if variant.kind == "shuffled":
            rows += " order by md5(concat_ws('/', _load_id, _source_file, _row_number))"
        return rows


def spine_sources(project: CompiledProject) -> list[SourceContract]:
    """Return the sources whose rows make the loan applications."""
    made_from = project.ancestors([SPINE_MODEL])
    return [source for source in project.sources if source.silver_relation in made_from]


def _known_from(source: SourceContract, is_spine: bool) -> str:
    """Return the SQL of the moment from which a row of bronze is known, null without a date.

    A source of the spine is read by the labels too, which know nothing of a strict boundary.
    """
    days = source.delay_days + (source.boundary == "strict" and not is_spine)
    day = _day("bronze", source)
    known_from = f"cast({day} + {days} as timestamp)"
    if source.corrections == "retroactive":
        return known_from
    return (
        f"case when {day} <= watermarks.watermark_before"
        f" then greatest({known_from}, bronze._landed_at) else {known_from} end"
    )


def _day(table: str, source: SourceContract) -> str:
    """Return the SQL of the day that a row describes, null where it is no date."""
    is_own = source.date_column == "snapshot_date"
    date_format = source.date_format if is_own else "%Y-%m-%d"
    return f"cast(try_strptime(trim({table}.snapshot_date), '{date_format}') as date)"


def _date_columns(con: DuckDBPyConnection, source: SourceContract) -> set[str]:
    """Return the columns of laid_out that hold dates, such as the start of a loan."""
    shares = ", ".join(
        f"count(try_strptime(trim({quoted_name(name)}), '{source.date_format}')) * 2"
        f" > count({quoted_name(name)})"
        for name in source.columns
    )
    is_date = one_row(con, f"select {shares} from laid_out")
    return {name for name, found in zip(source.columns, is_date, strict=True) if found}


def _nonsense_rows(source: SourceContract, dates: set[str]) -> str:
    """Return the query of the rows of laid_out saying something else; half of them are gone.

    Keys and customers stay, and the given columns of dates: a loan of a later day is no application
    of an earlier one. The watermark of every load stays too: it is made from dates, and would move
    what later loads brought from late to on time.
    """
    kept = {*source.key, source.date_column, source.customer_column, *dates}
    columns = [name for name in source.columns if name not in kept]
    values = ", ".join(f"{_nonsense(name)} as {quoted_name(name)}" for name in columns)
    return f"""
        with this as (
            select
                *,
                {_day("laid_out", source)} as __day,
                max({_day("laid_out", source)}) over (partition by _load_id) as __last_day
            from laid_out
        )
        select this.* exclude (__watermark, __day, __last_day) replace ({values})
        from this
        positional join (
            from laid_out order by md5(concat_ws('/', _row_number, _load_id))
        ) as other
        where
            hash(this._load_id, this._row_number, 'gone') % 2 = 0
            or not coalesce(
                this.__day < this.__watermark and this.__last_day = this.__watermark, false
            )
    """


def _nonsense(column: str) -> str:
    """Return the SQL of another value: of another row, a wrong number, a filler or nothing."""
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
