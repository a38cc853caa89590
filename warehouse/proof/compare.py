"""Compares a rebuilt gold table with the full build, byte by byte, and names what differs."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection

from warehouse.base.catalog import quoted_name
from warehouse.base.rows import one_row

ROWS = "(rows)"  # instead of a column: a row that only one of the two builds has
KEYS = ("loan_id", "label_definition")
KNOWN_ON = ("known_on", "label_known_on")  # the day on which an outcome was certain
COLUMNS_AT_ONCE = 50  # whose differences one query counts; the time to plan it grows faster


@dataclass(frozen=True)
class Difference:
    """Rows of a gold column that a build without the future, or with another, gives differently."""

    column: str
    table: str
    month: str
    variant: str
    rows: int
    example_loan_id: str


Found = tuple[str, int, str]  # a column that differs, in how many rows, the first such loan


@dataclass(frozen=True)
class Table:
    """A gold table of single loans: columns with their DuckDB types, those that identify a row."""

    name: str
    relation: str
    columns: dict[str, str]
    keys: list[str]
    is_unique: bool
    label_delay_days: int

    @property
    def hashes(self) -> str:
        """The table of the hashes of its rows in the full build."""
        return f"hashes_{self.name}"

    @property
    def has_labels(self) -> bool:
        """Whether rows come with an outcome, which is known on a day of its own."""
        return any(name in self.columns for name in (*KNOWN_ON, "label_date"))

    def due_by(self, day: date) -> str:
        """Return the condition under which a row has to be the same without what came later."""
        due = f"application_date <= date '{day}'"
        for name in KNOWN_ON:
            if name in self.columns:
                return f"{due} and {name} <= date '{day}'"
        if "label_date" in self.columns:
            return f"{due} and label_date + {self.label_delay_days} <= date '{day}'"
        return due

    def row_hash(self) -> str:
        """Return the SQL of the hash of all bytes of a row `t`, or of all rows of a repeated key.

        The signs are hashed too, because DuckDB's hash takes 0.0 and -0.0 for one.
        """
        signs = "".join(f", signbit({quoted_name(name)})" for name in self._floats())
        return f"hash(t{signs})" if self.is_unique else f"sum(hash(t{signs}))"

    def differs(self, column: str) -> str:
        """Return the condition under which a column of rows a and b differs in any byte."""
        a, b = (f"{side}.{quoted_name(column)}" for side in "ab")
        condition = f"{a} is distinct from {b}"
        if column in self._floats():
            condition += f" or signbit({a}) is distinct from signbit({b})"
        return condition

    def _floats(self) -> list[str]:
        return [name for name, kind in self.columns.items() if kind in ("DOUBLE", "FLOAT")]


def hash_rows(con: DuckDBPyConnection, table: Table, rows: str, target: str) -> None:
    """Create the temporary table `target` of the keys and the row_hash of `rows`, a FROM clause."""
    keys = ", ".join(table.keys)
    grouped = "" if table.is_unique else f" group by {keys}"
    con.execute(
        f"create or replace temp table {target} as"
        f" select {keys}, {table.row_hash()} as row_hash from (from {rows}) as t{grouped}"
    )


@dataclass(frozen=True)
class Comparison:
    """A rebuilt table, found under its own name, compared with the full build.

    full is the file of the full build; table.hashes the table of its keys and row_hash.
    expected_if and found_if are conditions on the rows that have to be there and to be the same;
    added_if is one on the rows of the variant that the full build has to have as well.
    """

    table: Table
    full: str
    expected_if: str
    found_if: str
    added_if: str

    def run(self, con: DuckDBPyConnection) -> tuple[list[Found], int]:
        """Return what differs, and how many rows of the full build were compared."""
        hash_rows(con, self.table, f"{self.table.relation} where {self.found_if}", "found_hashes")
        keys = ", ".join(self.table.keys)
        con.execute(
            f"""
            create or replace temp table differing as
            select
                {keys},
                expected.row_hash is null as is_added,
                found_hashes.row_hash is null as is_missing
            from (
                select * from {self.table.hashes}
                semi join (from {self.full} where {self.expected_if}) using ({keys})
            ) as expected
            full join found_hashes using ({keys})
            where expected.row_hash is distinct from found_hashes.row_hash
            """
        )
        (compared,) = one_row(con, f"select count(*) from {self.full} where {self.expected_if}")
        return [*self._missing_and_added(con), *self._changed(con)], compared

    def _missing_and_added(self, con: DuckDBPyConnection) -> list[Found]:
        keys = ", ".join(self.table.keys)
        rows, example = one_row(
            con,
            f"""
            select count(*), min(loan_id) from differing
            where
                is_missing or (is_added and ({keys}) in (
                    select ({keys}) from {self.table.relation}
                    where {self.found_if} and {self.added_if}
                ))
            """,
        )
        return [(ROWS, rows, example)] if rows else []

    def _changed(self, con: DuckDBPyConnection) -> list[Found]:
        """Return the columns in which rows of one key differ; both sides are materialised first."""
        keys = ", ".join(self.table.keys)
        changed = f"select {keys} from differing where not is_added and not is_missing"
        rows, example = one_row(con, f"select count(*), min(loan_id) from ({changed})")
        if rows == 0 or not self.table.is_unique:
            return [(ROWS, rows, example)] if rows else []
        for side, relation in (("a", self.full), ("b", self.table.relation)):
            con.execute(
                f"create or replace temp table changed_{side} as"
                f" from {relation} semi join ({changed}) using ({keys}) order by {keys}"
            )
        columns = [name for name in self.table.columns if name not in self.table.keys]
        counts = self._by_column(con, columns, "count(*)")
        differing = [name for name in columns if counts[name]]
        examples = self._by_column(con, differing, "min(a.loan_id)")
        return [(name, counts[name], examples[name]) for name in differing]

    def _by_column(
        self, con: DuckDBPyConnection, names: list[str], aggregate: str
    ) -> dict[str, Any]:
        """Return an aggregate over the rows in which a column differs, for each column."""
        values: dict[str, Any] = {}
        for start in range(0, len(names), COLUMNS_AT_ONCE):
            some = names[start : start + COLUMNS_AT_ONCE]
            figures = (f"{aggregate} filter ({self.table.differs(name)})" for name in some)
            query = (
                f"select {', '.join(figures)} from changed_a as a positional join changed_b as b"
            )
            values |= zip(some, one_row(con, query), strict=True)
        return values
