"""Every row of a file lands as it stands, once, and can be found again in its file."""

import csv
import io
import os
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.landing_support import COLUMNS, HEADER, bronze_rows, inspected, small_contract
from warehouse.base.errors import UserError
from warehouse.landing import bronze as landing
from warehouse.landing.days import write_rows_of_days

GOOD = f"{HEADER}\nL1,a,2023-01-01\nL2,b,2023-02-01\n"
RAW = "loan_id, note, snapshot_date"


@pytest.fixture
def land(spark, tmp_path):
    """Land one content as the next load of one bronze folder."""
    loads = []

    def land_content(content, contract=None, **options):
        inspection = inspected(tmp_path, content, contract, **options)
        last_days = {inspection.contract.name: loads[-1].days} if loads else {}
        loads.append(inspection)
        (landed,) = landing.land(
            spark,
            [inspection],
            tmp_path / "bronze",
            load_id=len(loads),
            landed_at=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC),
            log_file=tmp_path / "trace.log",
            changed_rows=landing.find_changed_rows([inspection], tmp_path / "bronze", last_days),
        )
        return landed

    land_content.bronze = tmp_path / "bronze"
    return land_content


def test_values_land_as_they_stand_with_their_provenance(land):
    landed = land(f'{HEADER}\nL1, a ,2023-01-01\n\nL2,"",2023-02-01\nL3,,2023-02-01\n')
    assert (landed.rows_in_file, landed.rows_landed, landed.rows_seen_before) == (3, 3, 0)
    assert bronze_rows(land.bronze, RAW) == [
        ("L1", " a ", "2023-01-01"),
        ("L2", "", "2023-02-01"),
        ("L3", None, "2023-02-01"),
    ]
    provenance = "_source_file, _row_number, _load_id, _landed_at"
    assert bronze_rows(land.bronze, provenance) == [
        ("loans.csv", row, 1, datetime(2025, 1, 2, 3, 4, 5)) for row in (1, 2, 3)
    ]


def test_the_files_lie_in_one_folder_a_date_and_nothing_else_is_left(land):
    land(GOOD)
    folder = land.bronze / "loans"
    assert sorted(os.listdir(folder)) == ["snapshot_date=2023-01-01", "snapshot_date=2023-02-01"]
    assert all(path.suffix == ".parquet" for path in folder.glob("*/*"))


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.rstrip(),
        "\n\n" + GOOD.replace("\n", "\n\n"),
        "".join(",".join(reversed(line.split(","))) + "\n" for line in GOOD.splitlines()),
        GOOD.replace("L1,a", '"L1","a"'),
    ],
    ids=["crlf", "bom", "no end", "blanks", "order", "quotes"],
)
def test_a_harmless_difference_gives_the_same_rows(land, content):
    land(content)
    assert bronze_rows(land.bronze, RAW) == [("L1", "a", "2023-01-01"), ("L2", "b", "2023-02-01")]


def test_line_breaks_inside_quotes_are_part_of_the_value(land):
    land(GOOD.replace("L1,a", 'L1,"a\n\n""b"""'))
    assert bronze_rows(land.bronze, f"{RAW}, _row_number") == [
        ("L1", 'a\n\n"b"', "2023-01-01", 1),
        ("L2", "b", "2023-02-01", 2),
    ]


def test_a_spreadsheet_export_with_line_breaks_in_cells_lands_right(land):
    land(GOOD.replace("\n", "\r\n").replace("L1,a", 'L1,"a\nb"'))
    assert bronze_rows(land.bronze, RAW) == [
        ("L1", "a\nb", "2023-01-01"),
        ("L2", "b", "2023-02-01"),
    ]


def test_a_row_with_another_number_of_fields_is_kept_with_its_line(land):
    long, stray = "L3,c,2023-01-01,more", 'L5,"e,2023-01-01'
    landed = land(GOOD + f"{long}\nL4\n{stray}\nL6,f,2023-01-01\n")
    assert landed.rows_landed == 6
    lines = dict(bronze_rows(land.bronze, "_row_number, _malformed_line"))
    assert lines == {1: None, 2: None, 3: long, 4: "L4", 5: stray, 6: None}


def test_a_row_with_very_many_fields_is_kept(land):
    land(GOOD + "L3" + "," * 30_000 + "\n")
    assert [row[0] for row in bronze_rows(land.bronze, "length(_malformed_line)")] == [
        None,
        None,
        30_002,
    ]


@pytest.mark.parametrize("text", ["2023-02-30", "../x", "1/5/2023", "2023-01-01 ", "0000-01-01"])
def test_what_is_no_date_is_kept_as_text(land, text):
    land(GOOD + f"L3,c,{text}\nL4,d,\n")
    assert bronze_rows(land.bronze, "loan_id, snapshot_date, _snapshot_date_text")[2:] == [
        ("L3", None, text),
        ("L4", None, None),
    ]


def test_a_field_of_ten_megabytes_lands_whole_in_any_column(land):
    land(GOOD + f"L3,{'x' * 10_000_000},2023-01-01\nL4,d,{'y' * 10_000_000}\n")
    lengths = bronze_rows(land.bronze, "length(note), length(_snapshot_date_text)")
    assert lengths[2:] == [(10_000_000, None), (1, 10_000_000)]


def test_a_date_that_was_cut_is_the_same_row_in_the_next_file(land):
    cut = "L3,c,2023-01-1\n"
    land(GOOD + cut)
    again = land(GOOD + cut + "L4,d,2023-01-01\n")
    assert (again.rows_landed, again.rows_seen_before) == (1, 3)


def test_another_declared_date_format_is_read(land):
    contract = small_contract(date_format="%d/%m/%Y")
    land(f"{HEADER}\nL1,a,1/5/2023\nL2,b,31/12/2023\nL3,c,5/31/2023\n", contract)
    assert bronze_rows(land.bronze, "snapshot_date, _snapshot_date_text") == [
        ("1/5/2023", None),
        ("31/12/2023", None),
        (None, "5/31/2023"),
    ]


def test_a_file_in_another_date_format_is_refused(land):
    with pytest.raises(UserError, match=r"data row 2: expected snapshot_date .*'5/1/23'"):
        land(f"{HEADER}\nL1,a,2023-01-01\nL2,b,5/1/23\nL3,c,5/2/23\n")


def test_the_same_file_twice_adds_nothing_and_touches_nothing(land):
    content = GOOD + "L3,,2023-01-01\nL4\nL5,d,no date\nL5,d,no date\n"
    land(content)
    before = {path: path.stat().st_mtime_ns for path in land.bronze.rglob("*.parquet")}
    again = land(content)
    assert (again.rows_in_file, again.rows_landed, again.rows_seen_before) == (6, 0, 6)
    assert {path: path.stat().st_mtime_ns for path in land.bronze.rglob("*.parquet")} == before


def test_a_restated_row_and_a_new_one_are_landed_beside_the_older(land):
    land(GOOD)
    landed = land(GOOD.replace("L2,b", "L2,B") + "L3,c,2023-03-01\n")
    assert (landed.rows_landed, landed.rows_seen_before) == (2, 1)
    assert bronze_rows(land.bronze, "loan_id, note, _load_id, _row_number") == [
        ("L1", "a", 1, 1),
        ("L2", "b", 1, 2),
        ("L2", "B", 2, 2),
        ("L3", "c", 2, 3),
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("L1,,2023-01-01", 'L1,"",2023-01-01'),
        ("L1,,2023-01-01", ",L1,2023-01-01"),
        ("L1,,", ",,L1"),
        ("L1,ab,2023-01-01", "L1a,b,2023-01-01"),
    ],
)
def test_rows_that_are_nearly_the_same_are_two_rows(land, one, other):
    good = "L8,x,2023-01-01\nL9,x,2023-01-01\n"
    land(f"{HEADER}\n{good}{one}\n")
    landed = land(f"{HEADER}\n{good}{other}\n")
    assert (landed.rows_landed, landed.rows_seen_before) == (1, 2)


def test_duplicates_within_one_file_are_all_landed(land):
    assert land(f"{HEADER}\n" + "L1,a,2023-01-01\n" * 3).rows_landed == 3


def test_a_file_that_changed_after_its_inspection_is_refused(spark, tmp_path):
    inspection = inspected(tmp_path, GOOD)
    inspection.path.write_text(GOOD.replace("note", "other"))
    with pytest.raises(UserError, match=r"loans\.csv") as refused:
        landing.land(
            spark, [inspection], tmp_path / "b", 1, datetime(2025, 1, 1), tmp_path / "trace.log"
        )
    assert "\n" not in str(refused.value)


def test_a_failure_of_spark_is_one_line_and_its_trace_is_in_the_log(spark, tmp_path):
    inspection = inspected(tmp_path, GOOD)
    (tmp_path / "bronze").write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"could not land this file.*trace\.log") as refused:
        landing.land(
            spark,
            [inspection],
            tmp_path / "bronze",
            1,
            datetime(2025, 1, 1),
            tmp_path / "trace.log",
        )
    assert "\n" not in str(refused.value)
    assert "Traceback" in (tmp_path / "trace.log").read_text()


def test_a_lost_row_is_noticed(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(landing, "_write", lambda rows, contract, folder: None)
    with pytest.raises(UserError, match="expected 2 rows in bronze, found 0"):
        landing.land(
            spark,
            [inspected(tmp_path, GOOD)],
            tmp_path / "bronze",
            1,
            datetime(2025, 1, 1),
            tmp_path / "trace.log",
        )


def test_several_sources_land_in_the_order_given_and_report_progress(spark, tmp_path):
    inspections = [
        inspected(tmp_path, GOOD + "L3,c,2023-01-01\n" * n, small_contract(f"loans_{n}"))
        for n in range(3)
    ]
    seen = []
    landed = landing.land(
        spark,
        inspections,
        tmp_path / "bronze [x] {y}*",
        1,
        datetime(2025, 1, 1),
        tmp_path / "trace.log",
        on_progress=seen.append,
    )
    assert [(one.source, one.rows_landed) for one in landed] == [
        ("loans_0", 2),
        ("loans_1", 3),
        ("loans_2", 4),
    ]
    assert sorted(one.source for one in seen) == ["loans_0", "loans_1", "loans_2"]


plain = st.text(alphabet="ab ,é\"'", max_size=8)
with_breaks = st.text(alphabet='ab\n ,"', max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\n\n", "\n \n", "\r\n\t\r\n", "\n\r\n"])


@st.composite
def csv_files(draw, values, breaks):
    """The text of a valid file, and its rows as (loan_id, note, snapshot_date)."""
    rows = draw(st.lists(values, min_size=1, max_size=12))
    text = HEADER
    for number, note in enumerate(rows):
        line = io.StringIO()
        csv.writer(line).writerow((f"L{number}", note, "2023-01-01"))
        text += draw(breaks) + line.getvalue().removesuffix("\r\n")
    return text + draw(st.sampled_from(["", "\n"])), rows


def land_anywhere(spark, text, block_bytes):
    """Land a text with small blocks; the rows as (row number, loan_id, note or '')."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inspection = inspected(folder, text, block_bytes=block_bytes)
        (landed,) = landing.land(
            spark, [inspection], folder / "bronze", 1, datetime(2025, 1, 1), folder / "trace.log"
        )
        assert landed.rows_landed == landed.rows_in_file
        return bronze_rows(folder / "bronze", "_row_number, loan_id, coalesce(note, '')")


random_files = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@random_files
@given(file=csv_files(plain, line_ends), block_bytes=st.integers(len(HEADER) + 4, 60))
def test_row_numbers_are_those_of_the_file_wherever_spark_cuts_it(spark, file, block_bytes):
    text, notes = file
    assert land_anywhere(spark, text, block_bytes) == [
        (number + 1, f"L{number}", note) for number, note in enumerate(notes)
    ]


@random_files
@given(file=csv_files(with_breaks, st.sampled_from(["\n", "\n\n"])))
def test_row_numbers_hold_with_line_breaks_inside_quotes(spark, file):
    text, notes = file
    assert land_anywhere(spark, text, block_bytes=40) == [
        (number + 1, f"L{number}", note) for number, note in enumerate(notes)
    ]


@random_files
@given(
    body=st.text(alphabet='ab,"\n\r ', min_size=1, max_size=80),
    block_bytes=st.integers(len(HEADER) + 4, 60),
)
def test_no_row_of_any_file_is_lost(spark, body, block_bytes):
    text = HEADER + "\nL0,a,2023-01-01\n" * 20 + body
    numbers = [row[0] for row in land_anywhere(spark, text, block_bytes)]
    assert numbers == list(range(1, len(numbers) + 1))


ODD_LINES = (
    "L1",
    "L1,a,2023-01-01,x",
    'L1,"a,b","2023-01-01"',
    "L1,a,2023-1-01",
    "L1,a, 2023-01-01",
    "L1,a,",
)
TOLD_LINES = ('L{},"a, {}",{}', "L{},{},{}", "_L{},{},{}", ',"L{}{}",{}')


MONTHS = [f"2023-0{month}-01" for month in range(1, 9)]


def next_file(rng: random.Random, lines: list[str]) -> list[str]:
    """A file that says something else of a day or two than the one before it."""
    days = rng.sample(MONTHS, rng.choice((1, 2)))
    kept = [line for line in lines if not line.endswith(tuple(days)) or rng.random() < 0.7]
    if rng.random() < 0.1:
        rng.shuffle(kept)
    for _ in range(rng.choice((0, 1, 5))):
        line = rng.choice(TOLD_LINES).format(rng.randrange(5), rng.randrange(3), rng.choice(days))
        kept.insert(rng.randrange(len(kept) + 1), line)
    return kept


def test_reading_the_days_that_changed_lands_what_reading_all_lands(spark, tmp_path, monkeypatch):
    rng = random.Random(1)
    parts = []

    def write_part(path, contract, days, wanted, out):
        write_rows_of_days(path, contract, days, wanted, out)
        parts.append(wanted)

    monkeypatch.setattr(landing, "write_rows_of_days", write_part)
    lines = [*ODD_LINES, *(f"L{n % 5},{n},{MONTHS[n % 8]}" for n in range(80))]
    last_days = None
    for load_id in range(1, 7):
        inspection = inspected(tmp_path, "\r\n".join([HEADER, *lines, ""]))
        landed = [
            landing.land(
                spark,
                [inspection],
                tmp_path / bronze,
                load_id,
                datetime(2025, 1, load_id),
                tmp_path / "trace.log",
                changed_rows=landing.find_changed_rows([inspection], tmp_path / bronze, known),
            )
            for bronze, known in (("whole", {}), ("by_day", {"loans": last_days}))
        ]
        assert landed[0] == landed[1]
        last_days = inspection.days
        lines = next_file(rng, lines)
    assert bronze_rows(tmp_path / "by_day") == bronze_rows(tmp_path / "whole")
    assert len(parts) > 2
    assert not list((tmp_path / "by_day").glob("*.csv"))


def test_columns_of_bronze_are_those_of_the_file_then_provenance(land):
    land(GOOD)
    (path, *_) = (land.bronze / "loans").glob("*/*.parquet")
    with duckdb.connect() as connection:
        names = [row[0] for row in connection.execute(f"describe from '{path}'").fetchall()]
    assert set(names) - {"snapshot_date"} == {*COLUMNS[:2], *(n for n in names if n[0] == "_")}
    assert [name for name in names if name != "snapshot_date"][2:] == [
        "_source_file",
        "_row_number",
        "_load_id",
        "_landed_at",
        "_malformed_line",
        "_snapshot_date_text",
    ]
