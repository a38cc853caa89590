"""Which days a file speaks of, and which of them a later file says something else of."""

import csv
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.landing_support import HEADER, inspected
from warehouse.landing.days import NO_DAY, FileDays

JANUARY, FEBRUARY = "2023-01-01", "2023-02-01"
GOOD = [f"L1,a,{JANUARY}", f"L2,b,{FEBRUARY}", f'L3,"b, ""c""",{JANUARY}']


def days_of(folder, *lines: str, header: str = HEADER, end: str = "\n", **options) -> FileDays:
    return inspected(folder, end.join([header, *lines, ""]), **options).days


def test_rows_are_counted_by_the_day_that_they_name(tmp_path):
    days = days_of(tmp_path, *GOOD)
    assert days.rows == {JANUARY: 2, FEBRUARY: 1}


@pytest.mark.parametrize("line", [f'L1,a,"{JANUARY}"', "L1,a,2023-1-01", f'"L1","a, b",{JANUARY}'])
def test_a_day_may_be_written_in_several_ways(tmp_path, line):
    assert days_of(tmp_path, *GOOD, line).rows == {JANUARY: 3, FEBRUARY: 1}


@pytest.mark.parametrize(
    "line",
    ["L1", f"L1,a,b,{JANUARY}", f'"L1",a,b,{JANUARY}', "L1,a,2023-02-30", "L1,a,", "L1,,x y"],
)
def test_a_row_without_a_day_is_counted_apart(tmp_path, line):
    assert days_of(tmp_path, *GOOD, line).rows == {JANUARY: 2, FEBRUARY: 1, NO_DAY: 1}


@pytest.mark.parametrize("line", [f'L1,a"b,{JANUARY}', f'"L1"x,a,{JANUARY}', f'L1,"a,{JANUARY}'])
def test_a_quote_in_an_odd_place_leaves_the_days_of_the_file_untold(tmp_path, line):
    assert days_of(tmp_path, *GOOD, line) is None


def test_a_field_may_be_long_beside_a_quoted_day(tmp_path):
    assert days_of(tmp_path, f'L1,"{"x" * 200_000}","{JANUARY}"').rows == {JANUARY: 1}


def test_the_date_may_stand_in_any_column(tmp_path):
    header = "loan_id,snapshot_date,note"
    days = days_of(tmp_path, f"L1,{JANUARY},a", f'L2,{FEBRUARY},"b,c"', header=header)
    assert days.rows == {JANUARY: 1, FEBRUARY: 1}


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        (GOOD, GOOD, set()),
        (GOOD, [*GOOD, "L4,a,2023-03-01"], {"2023-03-01"}),
        (GOOD, [*GOOD, f"L4,a,{JANUARY}"], {JANUARY}),
        (GOOD, GOOD[1:], {JANUARY}),
        (GOOD, GOOD[:1], {JANUARY}),
        (GOOD, GOOD[1:2], set()),
        (GOOD, GOOD[::-1], {JANUARY}),
        (GOOD, [GOOD[1], GOOD[0], GOOD[2]], set()),
        ([*GOOD, "L4"], [*GOOD, "L4"], set()),
        ([*GOOD, "L4"], [*GOOD[:2], "L4"], {JANUARY}),
        ([*GOOD, "L4"], GOOD, set()),
        ([*GOOD, "L4"], [*GOOD, "L5"], {NO_DAY}),
        (GOOD, [*GOOD, "L4"], {NO_DAY}),
        (GOOD, [*GOOD, "L4,a,2023-1-01"], {JANUARY}),
    ],
)
def test_the_days_whose_rows_differ_may_bring_something(tmp_path, before, after, changed):
    assert days_of(tmp_path, *after).changed_since(days_of(tmp_path, *before)) == changed


def test_after_no_file_or_one_of_other_columns_all_may_bring_something(tmp_path):
    days = days_of(tmp_path, *GOOD)
    assert days.changed_since(None) is None
    other = days_of(tmp_path, "a,L1,2023-01-01", header="note,loan_id,snapshot_date")
    assert days.changed_since(other) is None


def test_what_is_written_down_is_read_again(tmp_path):
    days = days_of(tmp_path, *GOOD, "L4")
    assert FileDays.from_json(days.as_json()) == days


def test_a_file_with_line_breaks_in_its_fields_has_no_days(tmp_path):
    assert days_of(tmp_path, f'L1,"a\nb",{JANUARY}') is None


lines = st.lists(
    st.text(alphabet="a,\"' ", max_size=6).map(lambda text: text + f",{JANUARY}"), max_size=8
)


@given(rows=lines, block_bytes=st.integers(len(HEADER) + 4, 60), end=st.sampled_from(["\n", "\r"]))
def test_a_day_is_the_one_that_a_reader_of_csv_finds(tmp_path_factory, rows, block_bytes, end):
    folder = tmp_path_factory.mktemp("days")
    days = days_of(folder, *GOOD, *rows, end=end, block_bytes=block_bytes)
    if days is None:
        return
    found = Counter()
    for row in (*GOOD, *rows):
        fields = next(csv.reader([row]))
        found[fields[2] if len(fields) == 3 else NO_DAY] += 1
    assert days.rows == found
