"""A run that follows another takes over what new loads cannot change: the rows of a full build."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import run_main
from tests.loads_support import LOADS, PROVENANCE, contracts
from tests.pit_support import copy_project
from warehouse.base.catalog import attach
from warehouse.base.paths import PROJECT_DIR

BUILT = (
    *("set_aside_rows", "quarantine", "customer_attributes", "customer_financials"),
    *("clickstream", "loan_repayments", "loan_applications", "label_definitions"),
    *("attributes_features", "financials_features", "clickstream_features"),
    *("loan_history_features", "feature_store", "label_maturity", "label_store", "training_set"),
    *("feature_deciles", "feature_bins"),
)
Load = list[tuple[str, dict[str, str | None]]]  # (source, the cells of a row that are not null)


@contextmanager
def environment(**values: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


class Warehouse:
    """Builds silver and gold with dbt from loads written to bronze by hand."""

    def __init__(self, folder: Path, changes: list[tuple[str, str, str]]) -> None:
        self._folder = folder
        self._project = copy_project(folder, changes)
        self._builds = 0
        self._first: dict[str, Path] = {}
        self._manifest = None

    def first(self, load: Load) -> Path:
        """A build of one load; the same load is built once."""
        key = repr(load)
        if key not in self._first:
            self._first[key] = self.build([load], previous=None)
        return self._first[key]

    def build(
        self, loads: list[Load], previous: Path | None, tables: Sequence[str] = BUILT
    ) -> Path:
        """The folder of a new build of these loads, on top of a previous one or whole."""
        self._builds += 1
        run_dir = self._folder / f"build_{self._builds}"
        for layer in ("bronze", "silver", "gold"):
            (run_dir / layer).mkdir(parents=True)
        write_bronze(run_dir / "bronze", loads)
        with environment(
            WAREHOUSE_HOME=str(PROJECT_DIR),
            WAREHOUSE_BUILD_DIR=str(run_dir),
            WAREHOUSE_PREVIOUS_RUN=str(previous or ""),
        ):
            if self._manifest is None:
                self._manifest = self._dbt("parse").result
            outcome = self._dbt("run", "--select", *tables)
        self._check(outcome)
        return run_dir

    def build_in_place(self, run_dir: Path) -> None:
        """What `dbt run` in a terminal does: build whole, over the tables that are there."""
        with environment(WAREHOUSE_HOME=str(PROJECT_DIR), WAREHOUSE_BUILD_DIR=str(run_dir)):
            self._check(self._dbt("run", "--select", *BUILT))

    def _check(self, outcome: Any) -> None:
        failed = [(r.node.name, r.message) for r in outcome.result or [] if r.status == "error"]
        assert outcome.success, "\n".join(map(str, failed))

    def _dbt(self, *command: str) -> Any:
        options = ["--project-dir", self._project, "--profiles-dir", self._project]
        options += ["--target-path", self._folder / "target", "--threads", "1"]
        options += ["--log-level", "none", "--log-level-file", "none"]
        return dbtRunner(manifest=self._manifest).invoke([*command, *map(str, options)])


def write_bronze(bronze_dir: Path, loads: list[Load]) -> None:
    with duckdb.connect() as con:
        con.execute(f"create table loads ({LOADS})")
        for name, contract in contracts().items():
            columns = dict.fromkeys(contract.columns, "varchar") | PROVENANCE
            described = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            con.execute(f"create table {name} ({described})")
        for load_id, rows in enumerate(loads, start=1):
            landed_at = f"2025-01-{load_id:02} 00:00:00"
            for number, (name, cells) in enumerate(rows, start=1):
                values = cells | {
                    "_source_file": "f.csv",
                    "_row_number": number,
                    "_load_id": load_id,
                    "_landed_at": landed_at,
                }
                names = ", ".join(f'"{column}"' for column in values)
                marks = ", ".join("?" * len(values))
                con.execute(f"insert into {name} ({names}) values ({marks})", [*values.values()])
            con.execute(
                f"insert into loads values ({load_id}, 'x', 'f.csv', 0, '', 0, 0, 0, '{landed_at}')"
            )
        for name in (*contracts(), "loads"):
            (bronze_dir / name).mkdir()
            con.execute(f"copy {name} to '{bronze_dir / name}/rows.parquet' (format parquet)")


def differences(one: Path, other: Path) -> dict[str, tuple[int, int]]:
    """The tables of which one build has rows that the other has not, whatever their files."""
    found, tables = {}, set()
    with duckdb.connect() as con:
        for path in sorted(one.glob("[sg]*/*.parquet")):
            table = path.name.partition(".")[0]
            if table in tables:
                continue
            tables.add(table)
            mine, others = (
                f"read_parquet('{root / path.parent.name / table}.*parquet')"
                for root in (one, other)
            )
            lost, added = (
                con.execute(f"select count(*) from (from {a} except all from {b})").fetchone()[0]
                for a, b in ((mine, others), (others, mine))
            )
            if lost or added:
                found[table] = (lost, added)
    assert tables.issuperset(BUILT)
    return found


CUSTOMERS = st.sampled_from(["a", "a", "b", "b_", "", None])
DATES = st.sampled_from(
    ["2023-01-01", "2023-02-01", "2023-03-01", "2023-3-1", "2023-04-01", "2023-05-01", "no day"]
)
STARTS = st.sampled_from(["2023-01-01", "2023-02-01", "2023-03-01"])
VALUES = st.sampled_from(["20", "30", "_", None])


@st.composite
def one_row(draw) -> tuple[str, dict[str, str | None]]:
    name = draw(st.sampled_from([*contracts(), "lms_loan_daily", "lms_loan_daily"]))
    at, value = draw(DATES), draw(VALUES)
    cells = {"Customer_ID": draw(CUSTOMERS)}
    if at == "no day":
        cells |= {"snapshot_date": None, "_snapshot_date_text": at}
    else:
        cells["snapshot_date"] = at
    if draw(st.integers(0, 20)) == 0:
        cells["_malformed_line"] = "a,b"
    if name == "lms_loan_daily":
        start = draw(STARTS)
        months = 12 * (int(at[:4]) - 2023) + int(at.split("-")[1]) if at != "no day" else 1
        cells |= {
            "loan_id": draw(st.sampled_from(["x", "y", "z"])),
            "loan_start_date": start,
            "tenure": "10",
            "installment_num": draw(st.sampled_from([str(months - int(start[5:7])), "2"])),
            "due_amt": "1000",
            "overdue_amt": draw(st.sampled_from(["0", "0", "1000", "2000", "_"])),
            "balance": value,
        }
    elif name == "features_attributes":
        cells["Age"] = value
    elif name == "features_financials":
        cells |= {"Annual_Income": value and "9000", "Outstanding_Debt": value}
    else:
        cells |= {"fe_1": value, "fe_2": draw(VALUES)}
    return name, cells


LOADS_OF_ROWS = st.lists(st.lists(one_row(), min_size=1, max_size=10), min_size=2, max_size=4)


# labels that close within the few months of the rows, a month that is no reference for others, a
# source with a rule of its own, and one file that loads may add to a table
MONTH, SOURCE = "past_due: {}, months_on_book: {}", "            file: features_financials.csv"
RULE = "            delay_days: 20\n            max_age_days: 60\n"
CHANGES = [
    ("dbt_project.yml", MONTH.format(30, 6), MONTH.format(30, 2)),
    ("dbt_project.yml", MONTH.format(90, 9), MONTH.format(90, 3)),
    ("dbt_project.yml", "validation_from: 2023-07-01", "validation_from: 2023-02-01"),
    ("dbt_project.yml", "test_from: 2024-02-01", "test_from: 2023-02-01"),
    ("models/bronze/_bronze.yml", SOURCE, RULE + SOURCE),
    ("dbt_project.yml", "appended_files: 12", "appended_files: 1"),
]


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("increment"), CHANGES)


@pytest.fixture(scope="module")
def warehouse_in_parts(tmp_path_factory) -> Warehouse:
    small = ("dbt_project.yml", "loans_a_part: 50000", "loans_a_part: 1")
    return Warehouse(tmp_path_factory.mktemp("parts"), [*CHANGES, small])


def check(warehouse: Warehouse, loads: list[Load]) -> None:
    built = warehouse.first(loads[0])
    for count in range(2, len(loads) + 1):
        built = warehouse.build(loads[:count], previous=built)
    assert differences(built, warehouse.build(loads, previous=None)) == {}


def loan(loan_id: str, customer: str, at: str, mob: int, overdue: str = "0") -> tuple[str, dict]:
    return "lms_loan_daily", {
        "loan_id": loan_id, "Customer_ID": customer, "loan_start_date": "2023-01-01",
        "tenure": "10", "installment_num": str(mob), "due_amt": "1000", "overdue_amt": overdue,
        "balance": "5", "snapshot_date": at,
    }  # fmt: skip


def age(customer: str, value: str, at: str) -> tuple[str, dict]:
    return "features_attributes", {"Customer_ID": customer, "Age": value, "snapshot_date": at}


FIRST = [
    loan("x", "a", "2023-01-01", 0),
    loan("y", "b", "2023-02-01", 1),
    age("a", "20", "2022-12-01"),
]


def increment(function):
    """Hand-made histories, then random ones."""
    for loads in (
        [FIRST, [age("a", "30", "2022-12-01")]],  # restated
        [FIRST, [age("a", "30", "2023-01-01")]],  # late, dated on the day of the application
        [FIRST, [age("a", "x", "no day")], [age("b", "40", "2023-01-01")]],
        [FIRST, [loan("x", "b", "2023-01-01", 0)]],  # the loan is another customer's
        [FIRST, [loan("z", "a", "2023-01-01", 0)]],  # a second loan of the day
        [FIRST, [loan("z", "c", "2023-03-01", 2)]],  # a loan of which the first months are missing
        [FIRST, [loan("x", "a", "2023-03-01", 2, "1000")]],  # a window closes
        [FIRST, [loan("y", "b", "2023-05-01", 4)]],  # the others' windows lack a month now
    ):
        function = example(loads=loads)(function)
    return function


few = settings(
    max_examples=1, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


@few
@increment
@given(loads=LOADS_OF_ROWS)
def test_increments_end_in_the_rows_of_a_full_build(warehouse, loads):
    check(warehouse, loads)


def test_tables_made_in_parts_hold_the_rows_of_whole_ones(warehouse, warehouse_in_parts):
    labelled = [loan("t", "e", "2023-03-01", 2), loan("u", "d", "2023-03-01", 2)]
    loads = [
        [*FIRST, loan("w", None, "2023-01-01", 0), loan("v", "b'c", "2023-01-01", 0), *labelled],
        [
            loan("z", "a", "2023-03-01", 2),
            loan("u", "d", "2023-03-01", 2, "1000"),  # another label: the training set is made anew
            age("b", "40", "2023-01-01"),
            age("b'c", "50", "2023-01-01"),
        ],
    ]
    built = None
    for count in (1, 2):
        built = warehouse_in_parts.build(loads[:count], previous=built)
    for table in ("clickstream_features", "feature_store", "training_set"):
        assert len(list(built.glob(f"gold/{table}.0*.parquet"))) == 7
    assert differences(built, warehouse.build(loads, previous=None)) == {}
    with duckdb.connect() as con:
        attach(con, built)
        assert con.execute("select count(*) from gold.feature_store").fetchone() == (7,)
        assert con.execute("select count(*) from gold.training_set").fetchone() == (3,)


def test_what_a_load_adds_is_one_more_file_until_there_are_too_many(warehouse):
    loads = [FIRST, [loan("z", "c", "2023-03-01", 2)], [loan("w", "d", "2023-03-01", 2)]]
    built = [warehouse.first(FIRST)]
    for count in (2, 3):
        built.append(warehouse.build(loads[:count], previous=built[-1]))
    files = [sorted(one.glob("gold/feature_store.*parquet")) for one in built]
    assert [len(of_one) for of_one in files] == [1, 2, 1]
    assert files[1][0].samefile(files[0][0])
    nothing_new = [built[n] / "silver" / "clickstream.parquet" for n in (0, 2)]
    assert nothing_new[1].samefile(nothing_new[0])
    whole = warehouse.build(loads, previous=None)
    assert differences(built[-1], whole) == {}

    before = {path: path.read_bytes() for path in built[0].glob("[sg]*/*.parquet")}
    warehouse.build_in_place(built[1])
    assert [path.name for path in built[1].glob("gold/feature_store.*")] == [
        "feature_store.parquet"
    ]
    assert differences(built[1], warehouse.build(loads[:2], previous=None)) == {}
    assert before == {path: path.read_bytes() for path in built[0].glob("[sg]*/*.parquet")}


@pytest.mark.parametrize("table", ["feature_deciles", "feature_bins", "training_set"])
def test_an_increment_waits_for_no_table_but_those_it_is_made_of(warehouse, table):
    loads = [FIRST, [loan("z", "c", "2023-03-01", 2)]]
    warehouse.build(loads, previous=warehouse.first(FIRST), tables=[f"+{table}"])


@pytest.mark.long
@settings(few, max_examples=150)
@given(loads=LOADS_OF_ROWS)
def test_many_histories_of_increments_end_in_the_rows_of_a_full_build(warehouse, loads):
    check(warehouse, loads)


@pytest.mark.long
@settings(few, max_examples=50)
@given(loads=LOADS_OF_ROWS)
def test_many_histories_in_parts_end_in_the_rows_of_whole_tables(
    warehouse, warehouse_in_parts, loads
):
    built = None
    for count in range(1, len(loads) + 1):
        built = warehouse_in_parts.build(loads[:count], previous=built)
    assert differences(built, warehouse.build(loads, previous=None)) == {}


def test_blanks_in_the_name_of_the_folder_stay_as_they_are(tmp_path):
    warehouse = Warehouse(tmp_path / "two  blanks", CHANGES)
    check(warehouse, [FIRST, [loan("x", "a", "2023-03-01", 2, "1000")]])


def test_a_second_run_follows_the_first_and_reads_only_what_changed(
    unpacked_project, datamart, data_dir
):
    profiles = data_dir / "features_attributes.csv"
    header, first, *others = profiles.read_text().splitlines()
    restated = first.split(",")
    restated[header.split(",").index("Age")] = "41"
    profiles.write_text("\n".join([header, first, *others, ",".join(restated)]) + "\n")
    first_run = (datamart / "current").resolve()

    result = run_main("--data-dir", data_dir, "--datamart-dir", datamart, project=unpacked_project)
    assert result.returncode == 0, result.stderr
    assert "landing 1 files" in result.stdout
    second_run = (datamart / "current").resolve()
    manifest = json.loads((second_run / "manifest.json").read_text())
    assert manifest["follows"] == first_run.name
    landed = {
        row["source"]: row["rows"] for row in manifest["rows"] if row["fate"] == "seen_before"
    }
    assert landed["features_attributes"] == len(others) + 1
    assert len(landed) == 4

    result = run_main(
        *("--data-dir", data_dir, "--datamart-dir", datamart, "--rebuild"), project=unpacked_project
    )
    assert result.returncode == 0, result.stderr
    rebuilt = (datamart / "current").resolve()
    assert json.loads((rebuilt / "manifest.json").read_text())["follows"] is None
    assert differences(second_run, rebuilt) == {}
    assert differences(second_run, first_run).keys() >= {"customer_attributes", "row_ledger"}
