"""Loads in whatever order and state: each row has the fate that the rule says, none is lost."""

import csv
import itertools
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import run_main
from tests.loads_support import (
    LEDGER_TESTS,
    SILVER,
    Compiled,
    Landed,
    connect,
    contracts,
    empty_bronze,
    fates,
    good_rows,
    line_of,
    sample_lines,
)
from warehouse.base.catalog import attach
from warehouse.base.paths import DATA_DIR
from warehouse.datamart.contents import table_hash
from warehouse.landing import bronze as landing

ATTRIBUTES = sample_lines("features_attributes")[0]


# The rule, stated a second time: the files as they arrived, plain loops, no SQL.


def last_mentions(files: list[list[tuple]], problem_of) -> dict[tuple, tuple]:
    """What silver has to say of each key: the last row of it in the last file that has one."""
    return {key_of(row): row for rows in files for row in rows if not problem_of(row)}


def landed_rows(files: list[list[tuple]]) -> list[tuple[int, int, tuple]]:
    """(load, line, row) of what bronze holds: rows not seen before, and the last copy of those
    that have to be repeated for a key's rows to end in the order of the last file."""
    bronze: list[tuple[int, int, tuple]] = []
    for load, rows in enumerate(files, start=1):
        older = [row for _, _, row in bronze]
        last_line = {row: line for line, row in enumerate(rows, 1)}
        again = set()
        for key in {key_of(row) for row in rows} - {None}:
            here, before = (
                in_order([row for row in some if key_of(row) == key]) for some in (rows, older)
            )
            again |= {(last_line[row], row) for row in to_repeat(here, before)}
        bronze += [
            (load, line, row)
            for line, row in enumerate(rows, 1)
            if row not in older or (line, row) in again
        ]
    return bronze


def in_order(rows: list[tuple]) -> list[tuple]:
    """Each row once, where its last copy stands."""
    return list(dict.fromkeys(reversed(rows)))[::-1]


def to_repeat(here: list[tuple], before: list[tuple]) -> list[tuple]:
    """The fewest rows that, put behind the older ones, make these end like the file."""
    for kept in range(len(here), 0, -1):
        others = [row for row in before if row not in here[kept:]]
        if others[-kept:] == here[:kept]:
            return here[kept:]
    return here


def key_of(row: tuple) -> tuple[str, date] | None:
    """What tells rows apart in silver; none where it is missing."""
    return None if attribute_problem(row[:4]) else (text(row[0]), day(row[2]))


def text(value: str) -> str:
    return value.strip(" ").rstrip("_")


def day(value: str) -> date | None:
    try:
        return datetime.strptime(value.strip(" "), "%Y-%m-%d").date()
    except ValueError:
        return None


def attribute_problem(row: tuple) -> str | None:
    key, _, snapshot_date, is_malformed = row
    if is_malformed:
        return "malformed_row"
    if not text(key):
        return "missing_key"
    return None if day(snapshot_date) else "invalid_snapshot_date"


def loan_problem(row: tuple) -> str | None:
    _, installment, snapshot_date, is_malformed, start = row
    problem = attribute_problem((row[0], installment, snapshot_date, is_malformed))
    if problem:
        return problem
    if not day(start):
        return "invalid_loan_start_date"
    if not re.fullmatch(r"\d{1,4}", installment):
        return "invalid_installment_num"
    return "snapshot_before_loan_start" if day(snapshot_date) < day(start) else None


def expected_fates(bronze: list[tuple], problem_of) -> dict[tuple[int, int], tuple[str, str]]:
    """(load, line): (fate, reason), used rows included."""
    found, versions = {}, {}
    for load, line, row in bronze:
        if problem := problem_of(row):
            found[load, line] = ("quarantined", problem)
        else:
            versions.setdefault((text(row[0]), day(row[2])), []).append((load, line, row))
    for rows in versions.values():
        rows.sort()
        for position, (load, line, row) in enumerate(rows):
            later = [other for _, _, other in rows[position + 1 :]]
            if not later:
                found[load, line] = ("used", "")
            elif row in later:
                found[load, line] = ("duplicate", "same_content")
            else:
                found[load, line] = ("superseded", "restated")
    return found


KEYS = st.sampled_from(["C1", "C2", "C3", "C1_", " C2", "", "_", "'; drop table x; --"])
DATES = st.sampled_from(["2023-01-01", "2023-1-01", "2023-02-01", "2023-02-30", "", "1/5/2023"])
VALUES = st.sampled_from(["20", "30", "40", "old"])
MALFORMED = st.sampled_from([False] * 9 + [True])
ATTRIBUTE_ROWS = st.tuples(KEYS, VALUES, DATES, MALFORMED)
LOAN_ROWS = st.tuples(
    KEYS, st.sampled_from(["0", "1", "-1", ""]), DATES, MALFORMED,
    st.sampled_from(["2023-01-01", "2023-01-15", "no date"]),
)  # fmt: skip


def arrivals(rows: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.lists(rows, min_size=1, max_size=8), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def compiled(sample_datamart) -> Compiled:
    return Compiled(sample_datamart)


@pytest.fixture(scope="module")
def tables(compiled):
    """A connection on which silver and the ledger stand, empty, to be made anew with other rows."""
    with connect() as con:
        empty_bronze(con)
        compiled.build(con, "row_ledger", "quarantine")
        yield con


def fill_bronze(con, source: str, files: list[list[tuple]], bronze: list[tuple], cells) -> None:
    """Write rows to a bronze table; cells gives the columns of a row that are not null."""
    con.execute(f"delete from bronze.{source}")
    con.execute("delete from bronze.loads")
    for load, line, row in bronze:
        values = cells(row) | {
            "_source_file": "f.csv",
            "_row_number": line,
            "_load_id": load,
            "_landed_at": f"2025-01-{load:02} 00:00:00",
        }
        columns = ", ".join(f'"{column}"' for column in values)
        marks = ", ".join("?" * len(values))
        con.execute(
            f"insert into bronze.{source} ({columns}) values ({marks})", list(values.values())
        )
    for load, rows in enumerate(files, start=1):
        new = sum(1 for found, _, _ in bronze if found == load)
        con.execute(
            "insert into bronze.loads values (?, ?, 'f.csv', 0, '', ?, ?, ?, '2025-01-01')",
            [load, source, len(rows), new, len(rows) - new],
        )


def snapshot_cells(snapshot_date: str, is_malformed: bool) -> dict[str, str | None]:
    """How the landing keeps a date, and the line of a malformed row."""
    return {
        "snapshot_date": snapshot_date if day(snapshot_date) else None,
        "_snapshot_date_text": None if day(snapshot_date) else snapshot_date or None,
        "_malformed_line": "a,b" if is_malformed else None,
    }


def attribute_cells(row: tuple) -> dict:
    return {"Customer_ID": row[0], "Age": row[1]} | snapshot_cells(row[2], row[3])


def loan_cells(row: tuple) -> dict:
    return {
        "loan_id": row[0],
        "installment_num": row[1],
        "loan_start_date": row[4],
    } | snapshot_cells(row[2], row[3])


def make(compiled: Compiled, con: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Make these models anew, and no others."""
    for name in names:
        model = compiled.queries.model(name)
        con.execute(f"create or replace table {model.relation} as {model.sql}")


def check_arrival(compiled, con, source: str, files: list[list[tuple]], problem_of, cells):
    """Build from the files in their order of arrival and hold every row against the rule."""
    bronze = landed_rows(files)
    expected = expected_fates(bronze, problem_of)
    fill_bronze(con, source, files, bronze, cells)
    make(compiled, con, "set_aside_rows", SILVER[source], "quarantine", "row_ledger")
    set_aside = con.execute(
        "select load_id, row_number, fate, reason from silver.set_aside_rows where source = ?",
        [source],
    ).fetchall()
    used = con.execute(f"select load_id, row_number from silver.{SILVER[source]}").fetchall()
    found = {(load, line): (fate, reason) for load, line, fate, reason in set_aside}
    found |= {(load, line): ("used", "") for load, line in used}
    assert len(found) == len(set_aside) + len(used)
    assert found == expected
    check_used(bronze, used, last_mentions(files, problem_of))
    ledger = con.execute(
        "select fate, coalesce(reason, ''), sum(row_count)::integer from gold.row_ledger"
        " where layer = 'silver' group by all"
    ).fetchall()
    assert {(fate, reason): rows for fate, reason, rows in ledger} == Counter(expected.values())
    for test in LEDGER_TESTS:
        assert compiled.failures(con, test) == []
    quarantined = con.execute("select load_id, row_number, reason from silver.quarantine")
    assert {(load, line): ("quarantined", why) for load, line, why in quarantined.fetchall()} == {
        place: fate for place, fate in found.items() if fate[0] == "quarantined"
    }


def check_used(bronze: list[tuple], used: list[tuple[int, int]], expected: dict) -> None:
    """Silver uses one row of each key, and it is the expected one."""
    rows = {(load, line): row for load, line, row in bronze}
    assert len(used) == len(expected)
    assert {key_of(rows[place]): rows[place] for place in used} == expected


A, B = ("C1", "20", "2023-01-01", False), ("C1", "30", "2023-01-01", False)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
many = settings(few, max_examples=500)


def check_attributes(compiled, tables, files):
    tables.execute("delete from bronze.lms_loan_daily")
    make(compiled, tables, "set_aside_rows", "loan_repayments")
    check_arrival(
        compiled, tables, "features_attributes", files, attribute_problem, attribute_cells
    )


def check_loans(compiled, tables, files):
    tables.execute("delete from bronze.features_attributes")
    make(compiled, tables, "set_aside_rows", "customer_attributes")
    check_arrival(compiled, tables, "lms_loan_daily", files, loan_problem, loan_cells)


@few
@example(files=[[A], [B], [A]])
@example(files=[[A, B], [A]])
@example(files=[[B], [A, B]])
@example(files=[[A, A, B, A]])
@given(files=arrivals(ATTRIBUTE_ROWS))
def test_attributes_in_any_order_of_arrival_follow_the_rule(compiled, tables, files):
    check_attributes(compiled, tables, files)


@few
@given(files=arrivals(LOAN_ROWS))
def test_loans_in_any_order_of_arrival_follow_the_rule(compiled, tables, files):
    check_loans(compiled, tables, files)


@pytest.mark.long
@many
@given(attributes=arrivals(ATTRIBUTE_ROWS), loans=arrivals(LOAN_ROWS))
def test_many_orders_of_arrival_follow_the_rule(compiled, tables, attributes, loans):
    check_attributes(compiled, tables, attributes)
    check_loans(compiled, tables, loans)


def test_files_that_restate_nothing_give_the_same_silver_in_any_order(compiled, tables):
    months = [
        [(f"C{n}", str(20 + n + month), f"2023-0{month}-01", False) for n in range(3)]
        for month in (1, 2, 3)
    ]
    found = set()
    for files in itertools.permutations(months):
        check_attributes(compiled, tables, list(files))
        found.add(
            table_hash(
                tables,
                "(select * exclude (load_id, row_number) from silver.customer_attributes)",
            )
        )
    assert len(found) == 1


# The same with real files, landed by Spark.


@pytest.fixture
def warehouse(spark, compiled, tmp_path) -> Landed:
    return Landed(tmp_path, spark, compiled)


def attributes(*rows: tuple[str, object, str]) -> str:
    """An attributes file of (customer, age, snapshot date)."""
    lines = [
        line_of((customer, "Ann", age, "123-45-6789", "Lawyer", day_of))
        for customer, age, day_of in rows
    ]
    return "\n".join([ATTRIBUTES, *lines]) + "\n"


def ages(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], int]:
    """{(customer, month): age} of silver."""
    found = con.execute(
        "select customer_id, strftime(snapshot_date, '%Y-%m'), age from silver.customer_attributes"
    ).fetchall()
    return {(customer, month): age for customer, month, age in found}


JANUARY, FEBRUARY = "2023-01-01", "2023-02-01"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            [[("C1", 30, FEBRUARY)], [("C1", 30, FEBRUARY), ("C1", 29, JANUARY)]],
            {("C1", "2023-01"): 29, ("C1", "2023-02"): 30},
            id="a late row joins",
        ),
        pytest.param(
            [[("C1", 30, JANUARY)], [("C1", 31, JANUARY)]],
            {("C1", "2023-01"): 31},
            id="a restated row: the later load is right",
        ),
        pytest.param(
            [[("C1", 31, JANUARY)], [("C1", 30, JANUARY)]],
            {("C1", "2023-01"): 30},
            id="an older file after a newer one: what arrives last is right",
        ),
        pytest.param(
            [[("C1", 30, JANUARY), ("C2", 40, JANUARY)], [("C1", 31, FEBRUARY)]],
            {("C1", "2023-01"): 30, ("C2", "2023-01"): 40, ("C1", "2023-02"): 31},
            id="only the newest month: the others stay",
        ),
        pytest.param(
            [[("C1", 30, JANUARY), ("C2", 40, JANUARY)], [("C1", 30, JANUARY)]],
            {("C1", "2023-01"): 30, ("C2", "2023-01"): 40},
            id="a row deleted from the source: stays, bronze only grows",
        ),
        pytest.param(
            [[("C1", 30, JANUARY)], [("C1", 30, JANUARY)]],
            {("C1", "2023-01"): 30},
            id="the same file twice: nothing is added",
        ),
        pytest.param(
            [[("", 30, JANUARY), ("C2", 40, JANUARY)], [("C1", 30, JANUARY), ("C2", 40, JANUARY)]],
            {("C1", "2023-01"): 30, ("C2", "2023-01"): 40},
            id="a mended row comes back",
        ),
        pytest.param(
            [[("C1", 30, "1/5/2023"), ("C2", 40, JANUARY), ("C3", 50, JANUARY)]],
            {("C2", "2023-01"): 40, ("C3", "2023-01"): 50},
            id="a date in another format is kept apart",
        ),
    ],
)
def test_a_load_gives_the_documented_result(warehouse, files, expected):
    for rows in files:
        landed = warehouse.land(features_attributes=attributes(*rows))
    assert ages(warehouse.build()) == expected
    again = warehouse.land(features_attributes=attributes(*files[-1]))
    assert (
        landed["features_attributes"].rows_in_file == again["features_attributes"].rows_seen_before
    )
    assert ages(warehouse.build()) == expected


def test_a_mended_row_leaves_its_old_version_in_quarantine(warehouse):
    warehouse.land(features_attributes=attributes(("", 30, JANUARY), ("C2", 40, JANUARY)))
    assert fates(warehouse.build(), "features_attributes") == {"used": 1, "missing_key": 1}
    warehouse.land(features_attributes=attributes(("C1", 30, JANUARY), ("C2", 40, JANUARY)))
    assert fates(warehouse.build(), "features_attributes") == {"used": 2, "missing_key": 1}


def test_a_mended_rule_brings_its_rows_back(warehouse, compiled):
    header, first = sample_lines("lms_loan_daily")[0], good_rows("lms_loan_daily", 1)[0]
    row = dict(zip(header.split(","), next(csv.reader([first])), strict=True))
    early = row | {"loan_start_date": FEBRUARY, "snapshot_date": JANUARY}
    warehouse.land(lms_loan_daily="\n".join([header, line_of(early.values())]) + "\n")
    con = warehouse.build()
    assert fates(con, "lms_loan_daily") == {"snapshot_before_loan_start": 1}
    for model in compiled.queries.models:
        if model.relation in compiled.queries.ancestors(["row_ledger", "quarantine"]):
            sql = re.sub(r"when [^\n]+ then 'snapshot_before_loan_start'", "", model.sql)
            con.execute(f"create or replace table {model.relation} as {sql}")
    assert fates(con, "lms_loan_daily") == {"used": 1}
    for test in LEDGER_TESTS:
        assert compiled.failures(con, test) == []


@pytest.mark.parametrize(
    ("files", "landed"),
    [
        pytest.param([[("C1", 30, JANUARY)], [("C1", 31, JANUARY)], [("C1", 30, JANUARY)]], 1),
        pytest.param([[("C1", 30, JANUARY), ("C1", 31, JANUARY)], [("C1", 30, JANUARY)]], 1),
        pytest.param([[("C1", 31, JANUARY)], [("C1", 30, JANUARY), ("C1", 31, JANUARY)]], 2),
        pytest.param([[("C1", 30, JANUARY)], [("C1", 30, JANUARY), ("C1", 31, JANUARY)]], 1),
        pytest.param([[("C1", 30, JANUARY), ("C1", 31, JANUARY)]] * 2, 0),
        pytest.param([[(" C1_", 30, "2023-1-01")], [("C1", 31, JANUARY)]] * 2, 1),
        pytest.param([[("\u00a0C1", 30, JANUARY)], [("C1\u3000", 31, JANUARY)]] * 2, 1),
    ],
    ids=["A B A", "AB A", "B AB", "A AB", "AB AB", "one key spelt twice", "odd blanks"],
)
def test_what_the_last_file_says_of_a_key_is_used(warehouse, files, landed):
    for rows in files:
        counts = warehouse.land(features_attributes=attributes(*rows))["features_attributes"]
    assert (counts.rows_landed, counts.rows_seen_before) == (landed, len(files[-1]) - landed)
    assert ages(warehouse.build())["C1", "2023-01"] == files[-1][-1][1]


DAYS = ("2023-01-01", "2023-1-01", "2023-01-01", "2023-02-01", "2023-02-30")


def histories(rng: random.Random, row_of: Callable[[str], tuple]) -> list[list[tuple]]:
    """Four files with rows of 150 keys, each told in its own way, and some rows without a key."""
    files: list[list[tuple]] = [[] for _ in range(4)]
    for number in range(150):
        for rows in files:
            spellings = [f"K{number}", f"K{number}", f" K{number}", f"K{number}_", ""]
            rows += [row_of(rng.choice(spellings)) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
    for rows in files:
        rng.shuffle(rows)
    return files


def csv_files(people: list[tuple], loans: list[tuple]) -> dict[str, str]:
    """The files of these rows; a malformed one has a field too many."""
    header = sample_lines("lms_loan_daily")[0]
    good = dict(zip(header.split(","), good_rows("lms_loan_daily", 1)[0].split(","), strict=True))
    loan_lines = []
    for key, installment, snapshot_date, is_malformed, start in loans:
        cells = good | {
            "loan_id": key,
            "installment_num": installment,
            "snapshot_date": snapshot_date,
            "loan_start_date": start,
        }
        loan_lines.append(line_of(cells.values()) + ",x" * is_malformed)
    people_lines = [
        line_of((key, "Ann", age, "123-45-6789", "Lawyer", snapshot_date)) + ",x" * is_malformed
        for key, age, snapshot_date, is_malformed in people
    ]
    return {
        "features_attributes": "\n".join([ATTRIBUTES, *people_lines]),
        "lms_loan_daily": "\n".join([header, *loan_lines]),
    }


@pytest.mark.parametrize("counted_first", [landing.ROWS_COUNTED_FIRST, 0], ids=["small", "large"])
def test_spark_lands_what_the_rule_says(warehouse, monkeypatch, counted_first):
    """Hundreds of histories at once: a file holds many keys. As a small file and as a large one."""
    monkeypatch.setattr(landing, "ROWS_COUNTED_FIRST", counted_first)
    if not counted_first:
        monkeypatch.setattr(landing, "ROWS_INTERPRETED", 0)
    rng = random.Random(4)
    people = histories(
        rng, lambda key: (key, rng.choice(("20", "30")), rng.choice(DAYS), rng.random() < 0.05)
    )
    loans = histories(
        rng,
        lambda key: (
            key,
            rng.choice(("1", "1", "-1")),
            rng.choice(DAYS),
            rng.random() < 0.05,
            rng.choice(("2023-01-01", "2023-01-01", "2023-01-15")),
        ),
    )
    for files in zip(people, loans, strict=True):
        landed = warehouse.land(**csv_files(*files))
    con = warehouse.build()
    for source, files, problem_of in (
        ("features_attributes", people, attribute_problem),
        ("lms_loan_daily", loans, loan_problem),
    ):
        bronze = landed_rows(files)
        places = con.execute(f"select _load_id, _row_number from bronze.{source}").fetchall()
        assert sorted(places) == [(load, line) for load, line, _ in bronze]
        used = con.execute(f"select load_id, row_number from silver.{SILVER[source]}").fetchall()
        check_used(bronze, used, last_mentions(files, problem_of))
        assert landed[source].rows_seen_before > 0
    again = warehouse.land(**csv_files(people[-1], loans[-1]))
    assert [counts.rows_landed for counts in again.values()] == [0, 0]


# Month by month.

GOLD = ("feature_store", "label_store", "training_set")


# The month in which a row arrives, 1 to 24: that of its snapshot; the first for one without.
MONTH_OF_ARRIVAL = (
    "coalesce(least(greatest(datediff('month', date '2023-01-01',"
    " try_cast(snapshot_date as date)) + 1, 1), 24), 1)"
)


def bronze_of_the_sample(con, load_of: str) -> None:
    """The sample's files as bronze, without Spark; load_of says with which load a row came."""
    con.execute("create schema bronze")
    for name, contract in contracts().items():
        con.execute(
            f"""
            create table bronze.{name} as
            select
                * exclude (snapshot_date, file_row),
                if(try_cast(snapshot_date as date) is null, null, snapshot_date) as snapshot_date,
                '{contract.file}' as _source_file,
                row_number() over (partition by {load_of} order by file_row) as _row_number,
                cast({load_of} as integer) as _load_id,
                timestamp '2025-01-01 00:00:00' as _landed_at,
                cast(null as varchar) as _malformed_line,
                if(try_cast(snapshot_date as date) is null, snapshot_date, null)
                    as _snapshot_date_text
            from (
                select *, row_number() over () as file_row
                from read_csv(
                    '{DATA_DIR / contract.file}', header = true, all_varchar = true,
                    null_padding = true, strict_mode = false
                )
            )
            """
        )
    loads = " union all ".join(
        f"select _load_id as load_id, '{name}' as source, '' as source_file, 0 as file_bytes,"
        " '' as file_sha256, count(*) as rows_in_file, count(*) as rows_landed,"
        f" 0 as rows_seen_before, max(_landed_at) as landed_at from bronze.{name} group by all"
        for name in contracts()
    )
    con.execute(f"create table bronze.loads as {loads}")


def test_monthly_arrival_ends_in_the_same_gold_as_one_load(compiled):
    hashes = []
    for load_of in ("1", MONTH_OF_ARRIVAL):
        with connect() as con:
            bronze_of_the_sample(con, load_of)
            compiled.build(con, *GOLD, "row_ledger")
            hashes.append([table_hash(con, f"gold.{table}") for table in GOLD])
            for test in LEDGER_TESTS:
                assert compiled.failures(con, test) == []
            loads = con.execute("select count(distinct load_id) from gold.row_ledger").fetchone()
    assert loads == (24,)
    assert hashes[0] == hashes[1]


@pytest.mark.long
def test_24_monthly_runs_end_in_the_same_gold_as_one_run(sample_datamart, tmp_path):
    data_dir, datamart = tmp_path / "data", tmp_path / "datamart"
    data_dir.mkdir()
    slices = {name: slices_of(name) for name in contracts()}
    for month in range(1, 25):
        for name, contract in contracts().items():
            lines = [sample_lines(name)[0], *slices[name][month]]
            (data_dir / contract.file).write_text("\n".join(lines) + "\n")
        result = run_main("--data-dir", data_dir, "--datamart-dir", datamart)
        assert result.returncode == 0, f"month {month}: {result.stderr}"
    hashes = []
    for root in (sample_datamart, datamart):
        with duckdb.connect() as con:
            attach(con, root / "current")
            hashes.append([table_hash(con, f"gold.{table}") for table in GOLD])
    assert hashes[0] == hashes[1]
    manifest = json.loads((datamart / "current" / "manifest.json").read_text())
    landed = sum(row["rows"] for row in manifest["rows"] if row["fate"] == "landed")
    assert landed == sum(len(sample_lines(name)) - 1 for name in contracts())


def slices_of(source: str) -> dict[int, list[str]]:
    """The lines of a sample file by month of arrival; those without a date one by one to each."""
    header, *lines = sample_lines(source)
    position = header.split(",").index("snapshot_date")
    found: dict[int, list[str]] = {month: [] for month in range(1, 25)}
    for number, line in enumerate(lines):
        cells = next(csv.reader([line]))
        at = day(cells[position]) if len(cells) > position else None
        month = (at.year - 2023) * 12 + at.month if at else 1 + number % 24
        found[min(max(month, 1), 24)].append(line)
    return found


def test_the_sample_is_in_utf8_lines_without_breaks_in_fields():
    """What slices_of relies on."""
    for source in contracts():
        path = Path(DATA_DIR / contracts()[source].file)
        with path.open(newline="") as file:
            assert sum(1 for _ in csv.reader(file)) == len(sample_lines(source))
