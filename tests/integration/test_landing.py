"""Every row of a file lands as it is, once, and can be found again in its file."""

import csv
import io
import os
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.landing import HEADER, Lander, csv_text, loans
from warehouse.base.errors import UserError
from warehouse.landing.bronze import land_files

GOOD = csv_text("L1,a,2023-01-01", "L2,b,2023-02-01")


@pytest.fixture
def lander(spark, tmp_path) -> Lander:
    return Lander(spark, tmp_path)


def counts(landed) -> list[tuple[int, int, int]]:
    return [(file.rows_in_file, file.rows_landed, file.rows_seen_before) for file in landed]


def test_values_land_as_they_are_with_their_provenance(lander):
    before = datetime.now(UTC).replace(tzinfo=None)
    landed = lander.land(f'{HEADER}\nL1, a ,2023-01-01\n\nL2,"",2023-02-01\nL3,,2023-02-01\n')
    assert counts(landed) == [(3, 3, 0)]
    assert lander.rows() == [
        ("L1", " a ", "2023-01-01"),
        ("L2", "", "2023-02-01"),
        ("L3", None, "2023-02-01"),
    ]
    ((landed_at,),) = lander.loads("landed_at")
    assert before <= landed_at <= datetime.now(UTC).replace(tzinfo=None)
    assert lander.rows("_source_file, _row_number, _load_id, _landed_at") == [
        ("loans.csv", row, 1, landed_at) for row in (1, 2, 3)
    ]
    assert lander.reports == ["loans: 3 new rows of 3"]
    folder = lander.bronze / "loans"
    assert sorted(os.listdir(folder)) == ["snapshot_date=2023-01-01", "snapshot_date=2023-02-01"]
    assert all(path.suffix == ".parquet" for path in folder.glob("*/*"))
    names = "loan_id note _source_file _row_number _load_id _landed_at _malformed_line"
    assert lander.column_names() == [*names.split(), "_snapshot_date_text", "snapshot_date"]


def test_harmless_differences_give_the_same_rows(lander):
    variants = {
        "crlf": GOOD.replace("\n", "\r\n"),
        "bom": "\ufeff" + GOOD,
        "no_end": GOOD.rstrip(),
        "blanks": "\n\n" + GOOD.replace("\n", "\n\n \t\n"),
        "order": "".join(",".join(line.split(",")[::-1]) + "\n" for line in GOOD.splitlines()),
        "quotes": GOOD.replace("L1,a", '"L1","a"'),
        "cr": GOOD.replace("\n", "\r"),
    }
    for ending in ("csv", "csv.gz"):
        lander.write({f"loans_{name}.{ending}": text for name, text in variants.items()})
    lander.land({})
    expected = [("L1", "a", "2023-01-01", 1), ("L2", "b", "2023-02-01", 2)]
    assert lander.rows("loan_id, note, snapshot_date, _row_number") == expected * 2 * len(variants)


def test_line_breaks_inside_quotes_are_part_of_the_value(lander):
    text = GOOD.replace("\n", "\r\n").replace("L1,a", 'L1,"a\n\n""b"""')
    lander.land({"loans.csv": text, "loans.csv.gz": text})
    expected = [("L1", 'a\n\n"b"', "2023-01-01", 1), ("L2", "b", "2023-02-01", 2)]
    assert lander.rows("loan_id, note, snapshot_date, _row_number") == expected * 2


def test_a_row_that_is_not_as_it_should_be_is_kept_with_its_text(lander):
    """A field of ten megabytes lands whole, in any column."""
    malformed = ["L3,c,2023-01-01,more", "L4", 'L5,"e,2023-01-01', "L7" + "," * 30_000]
    undated = ["2023-02-30", "../x", "1/5/2023", "2023-01-01 ", "0000-01-01", "2023-01-1", ""]
    undated.append("y" * 10_000_000)
    notes = ["x" * 10_000_000, *"abcdefghijkl"]
    lines = [f"G{note[:2]},{note},2023-01-01" for note in notes] + malformed
    (landed,) = lander.land(csv_text(*lines, *(f"L6,f,{text}" for text in undated)))
    assert landed.rows_landed == len(notes) + len(malformed) + len(undated)
    rows = lander.rows("note, snapshot_date, _snapshot_date_text, _malformed_line")
    assert rows[: len(notes)] == [(note, "2023-01-01", None, None) for note in notes]
    assert [line for *_, line in rows[len(notes) : -len(undated)]] == malformed
    assert rows[-len(undated) :] == [("f", None, text or None, None) for text in undated]


def test_a_declared_date_format_is_read_and_its_text_kept(spark, tmp_path):
    lander = Lander(spark, tmp_path, loans(date_format="%d/%m/%Y"))
    lander.land(csv_text("L1,a,1/5/2023", "L2,b,31/12/2023", "L3,c,5/31/2023"))
    assert lander.rows("snapshot_date, _snapshot_date_text") == [
        ("2023-05-01", "1/5/2023"),
        ("2023-12-31", "31/12/2023"),
        (None, "5/31/2023"),
    ]


def test_a_date_with_a_time_is_partitioned_by_its_day(spark, tmp_path):
    contract = loans(
        columns=("loan_id", "asked_at"),
        key=("loan_id", "asked_at"),
        date_column="asked_at",
        date_format="%Y-%m-%d %H:%M:%S",
    )
    lander = Lander(spark, tmp_path, contract)
    rows = ["L1,2023-05-01 00:00:00", "L1,2023-05-01 23:59:59", "L2,2023-05-01 24:00:00"]
    lander.land(csv_text(*rows, header="loan_id,asked_at"))
    assert lander.rows("loan_id, asked_at, snapshot_date, _snapshot_date_text") == [
        ("L1", "2023-05-01 00:00:00", "2023-05-01", None),
        ("L1", "2023-05-01 23:59:59", "2023-05-01", None),
        ("L2", "2023-05-01 24:00:00", None, "2023-05-01 24:00:00"),
    ]
    (again,) = lander.land(csv_text("L1,2023-05-01 12:00:00", *rows, header="loan_id,asked_at"))
    assert (again.rows_landed, again.rows_seen_before) == (1, 3)


def test_a_file_in_another_date_format_is_refused_with_the_likely_one(lander):
    with pytest.raises(UserError, match=r"data row 2: expected snapshot_date .*'5/31/23'") as no:
        lander.land(csv_text("L1,a,2023-01-01", "L2,b,5/31/23", "L3,c,5/2/23"))
    assert "contract of loans" in str(no.value)
    assert "likely %m/%d/%y" in str(no.value)
    assert "\n" not in str(no.value)


def test_a_file_with_day_and_month_swapped_is_refused(spark, tmp_path):
    contract = loans(
        columns=("loan_id", "start", "month", "snapshot_date"),
        date_format="%m/%d/%Y",
        months_column="month",
        months_from="start",
    )
    rows = [f"L{n},1/{n}/2023,{n},1/{2 * n}/2023" for n in range(1, 7)]
    text = csv_text(*rows, header="loan_id,start,month,snapshot_date")
    lander = Lander(spark, tmp_path, contract)
    with pytest.raises(UserError, match=r"loans\.csv: most values of month") as refused:
        lander.land(text)
    for part in ("contract of loans", "'%m/%d/%Y'", "likely in '%d/%m/%Y'"):
        assert part in str(refused.value)
    right = tmp_path / "right"
    right.mkdir()
    other = Lander(spark, right, loans(**{**vars(contract), "date_format": "%d/%m/%Y"}))
    assert counts(other.land(text)) == [(6, 6, 0)]


def test_the_same_rows_in_a_new_wrapping_add_nothing_and_touch_nothing(lander):
    content = GOOD + "L3,,2023-01-01\nL4\nL5,d,no date\nL5,d,no date\n,e,2023-01-01\n"
    lander.land(content)
    before = {path: path.stat().st_mtime_ns for path in lander.bronze.glob("loans/**/*")}
    again = lander.land({"loans.csv": content.replace("\n", "\r\n"), "loans.csv.gz": content})
    assert counts(again) == [(7, 0, 7), (7, 0, 7)]
    assert {path: path.stat().st_mtime_ns for path in lander.bronze.glob("loans/**/*")} == before


SPELLINGS = (" {}", "{}_", "{} __", "\t{}\u00a0", "\u200b{}\ufeff", "{}\u3000")
KEYS = [f"K{number}" for number in range(len(SPELLINGS))]
ALIKE = ("A8,x,2023-01-01", "A9,x,2023-01-01", "A9,y,2023-02-01")
# a file of each load: its lines, and how many of them land
HISTORIES = {
    "a correction, a new row and a value that comes back": [
        (("L1,a,2023-01-01", "L2,b,2023-02-01"), 2),
        (("L1,a,2023-01-01", "L2,B,2023-02-01", "L3,c,2023-03-01"), 2),
        (("L1,a,2023-01-01", "L2,b,2023-02-01"), 1),
    ],
    # else a key could not take back what its other spelling has changed
    "keys are compared as silver cleans them": [
        (tuple(f"{key},a,2023-01-01" for key in KEYS), 6),
        (tuple(f"{s.format(key)},b,2023-01-01" for s, key in zip(SPELLINGS, KEYS, strict=True)), 6),
        (tuple(f"{key},a,2023-01-01" for key in KEYS), 6),
        (("_K1,b,2023-01-01", "K 1,c,2023-01-01", "K1,a,2023-01-01"), 2),
    ],
    "rows that are nearly the same are two rows": [
        ((*ALIKE, "A1,,2023-01-01", "A2,,2023-01-01", "A3,,", "A4,ab,2023-01-01"), 7),
        ((*ALIKE, 'A1,"",2023-01-01', ",A2,2023-01-01", ",,A3", "A4a,b,2023-01-01"), 4),
    ],
    "all rows of a key and date land or none": [
        (("T1,a,2023-01-01", "T2,b,2023-02-01", "T1,c,2023-01-01"), 3),
        (("T1,c,2023-01-01",), 0),
        (("T1,a,2023-01-01", "T2,b,2023-02-01", "T1,d,2023-01-01"), 2),
    ],
}


def test_rows_land_where_the_last_of_their_key_and_date_is_another(lander):
    for number in range(4):
        files = {
            f"loans {name}.csv": loads[number]
            for name, loads in HISTORIES.items()
            if number < len(loads)
        }
        landed = lander.land({name: csv_text(*lines) for name, (lines, _) in files.items()})
        new = {name: count for name, (_, count) in files.items()}
        assert {file.source_file: file.rows_landed for file in landed} == new
        assert all(rows == new + seen for rows, new, seen in counts(landed))
    rows = lander.rows("loan_id, note, _load_id, _row_number")
    assert [row for row in rows if row[0] in ("L2", "L3")] == [
        ("L2", "b", 1, 2),
        ("L2", "B", 2, 2),
        ("L3", "c", 2, 3),
        ("L2", "b", 3, 2),
    ]


def test_the_last_row_of_a_load_is_that_of_its_last_file(lander):
    lander.land({"loans_2.csv": csv_text("L1,b,2023-01-01"), "loans_1.csv": GOOD})
    again = lander.land({"loans_3.csv": csv_text("L1,b,2023-01-01")})
    assert counts(again) == [(1, 0, 1)]
    assert counts(lander.land({"loans_1.csv": GOOD + "\n"})) == [(2, 1, 1)]


def test_monthly_files_in_any_order_give_the_rows_of_one_file(spark, tmp_path):
    rng = random.Random(1)
    months = [f"2023-{month:02}-01" for month in range(1, 13)]
    lines = {month: [f"L{n},{n},{month}" for n in range(rng.randint(1, 4))] for month in months}
    (tmp_path / "whole").mkdir()
    whole = Lander(spark, tmp_path / "whole")
    whole.land(csv_text(*(line for month in months for line in lines[month])))
    names = [f"month {number}/loans %41+é#[1].csv{number % 2 * '.gz'}" for number in range(12)]
    rng.shuffle(names)
    apart = Lander(spark, tmp_path)
    files = {name: csv_text(*lines[month]) for name, month in zip(names, months, strict=True)}
    first, last = dict(list(files.items())[:11]), dict(list(files.items())[11:])
    assert len(apart.land(first)) == 11
    assert [file.source_file for file in apart.land(last)] == list(last)
    assert sorted(apart.rows()) == sorted(whole.rows())
    found = {
        (file, number): loan
        for file, number, loan in apart.rows(
            "_source_file, _row_number, loan_id || ',' || note || ',' || snapshot_date"
        )
    }
    assert found == {
        (name, number): line
        for name, month in zip(names, months, strict=True)
        for number, line in enumerate(lines[month], start=1)
    }


def test_bronze_loads_counts_each_file_that_was_read(spark, tmp_path):
    lander = Lander(spark, tmp_path, loans(), loans(name="others", file="others.csv"))
    lander.land({"loans_1.csv": GOOD, "loans_2.csv": GOOD, "others.csv": GOOD})
    lander.land({"loans_2.csv": GOOD + "L3,c,2023-01-01\n"})
    columns = "load_id, source, source_file, rows_in_file, rows_landed, rows_seen_before"
    assert lander.loads(columns) == [
        (1, "loans", "loans_1.csv", 2, 2, 0),
        (1, "loans", "loans_2.csv", 2, 2, 0),
        (1, "others", "others.csv", 2, 2, 0),
        (2, "loans", "loans_2.csv", 3, 1, 2),
    ]


def test_a_file_that_changed_after_its_inspection_is_refused(lander):
    lander.write({"loans.csv": GOOD})
    inspection = lander.inspect()
    lander.write({"loans.csv": GOOD.replace("L2,b", "L2,B")})
    with pytest.raises(UserError, match=r"loans\.csv: the file changed while it was read"):
        land_files(lander.spark, inspection, lander.bronze, lander.log_file)


def test_a_failure_of_spark_is_one_line_and_its_trace_is_in_the_log(lander):
    lander.write({"loans.csv": GOOD})
    inspection = lander.inspect()
    lander.write({"loans.csv": GOOD.replace("note", "other")})
    with pytest.raises(UserError, match=r"could not land loans.*spark\.log") as refused:
        land_files(lander.spark, inspection, lander.bronze, lander.log_file)
    assert "\n" not in str(refused.value)
    assert "Traceback" in lander.log_file.read_text()


def test_a_lost_row_is_noticed(lander, monkeypatch):
    monkeypatch.setattr("warehouse.landing.bronze._write", lambda delivery, rows: None)
    with pytest.raises(UserError, match="expected 2 of its 2 rows in bronze, found 0"):
        lander.land(GOOD)


plain_text = st.text(alphabet="ab ,é\"'", max_size=8)
with_breaks = st.text(alphabet='ab\n ,"', max_size=8)
line_ends = st.sampled_from(["\n", "\r\n", "\n\n", "\n \n", "\r\n\t\r\n", "\n\r\n"])


@st.composite
def csv_files(draw, values, breaks):
    """The text of a valid file, and its notes in order."""
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
        lander = Lander(spark, Path(name), block_bytes=block_bytes)
        (landed,) = lander.land(text)
        assert landed.rows_landed == landed.rows_in_file
        return lander.rows("_row_number, loan_id, coalesce(note, '')")


random_files = settings(
    max_examples=6,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@random_files
@given(
    file=csv_files(plain_text, line_ends) | csv_files(with_breaks, st.sampled_from(["\n", "\n\n"])),
    block_bytes=st.integers(len(HEADER) + 4, 60),
)
def test_row_numbers_are_those_of_the_file_wherever_spark_cuts_it(spark, file, block_bytes):
    text, notes = file
    assert land_anywhere(spark, text, block_bytes) == [
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
