"""A file that is not what its contract says is refused before anything is written."""

import gzip
import io
import os
import zipfile
from collections.abc import Iterable

import pytest

from tests.support.landing import HEADER, Lander, csv_text, loans
from warehouse.base.errors import UserError
from warehouse.landing.loads import Load, SourceFile, next_load, write_load

GOOD = csv_text("L1,a,2023-01-01", "L2,b,2023-01-02")
REORDERED = "".join(",".join(reversed(line.split(","))) + "\n" for line in GOOD.splitlines())
CUT_GZIP = gzip.compress(GOOD.encode() * 100, mtime=0)[:-20]


@pytest.fixture
def lander(tmp_path) -> Lander:
    return Lander(None, tmp_path)


def refusal(lander: Lander, name: str = "loans.csv") -> str:
    with pytest.raises(UserError) as refused:
        lander.inspect()
    message = str(refused.value)
    assert name in message
    assert "\n" not in message
    return message


def names(files: Iterable[SourceFile]) -> list[str]:
    return [file.source_file for file in files]


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("loans.csv"), text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty file"),
        (b"\n \n", "only blank lines"),
        (HEADER, "expected data rows"),
        (HEADER + "\n\n  \n", "expected data rows"),
        (GOOD.encode("utf-16"), "UTF-16"),
        (GOOD.encode("utf-32"), "UTF-32"),
        (GOOD.encode("utf-16-le"), "UTF-16"),
        (GOOD.replace("L2,b", "L2,é").encode("latin-1"), "line 3: expected UTF-8"),
        (GOOD.encode() + b"L3,\xc3", "line 4: expected UTF-8"),
        (GOOD.replace("L2,b", "L2,\0"), "line 3: expected UTF-8 text, found a NUL byte"),
        (zipped(GOOD), "zip archive"),
        (gzip.compress(GOOD.encode(), mtime=0), "found gzip data in a file that is not named .gz"),
        (b"PAR1" + GOOD.encode(), "parquet"),
        (GOOD.replace(",", ";"), "found semicolons"),
        (GOOD.replace(",", "\t"), "found tabs"),
        (
            REORDERED[:-2],
            "the last line has no line end, so that its loan_id may have been cut off",
        ),
        (GOOD.replace("note,", ""), "missing column 'note'"),
        (GOOD.replace("note,", "Note,"), "missing column 'note'; unknown column 'Note'"),
        (GOOD.replace("note,", "note,extra,"), "unknown column 'extra'"),
        (GOOD.replace("note", '"x; drop table y"'), "unknown column 'x; drop table y'"),
        (GOOD.replace("note", "[bold]{{ x }}%s"), "unknown column '[bold]{{ x }}%s'"),
        (GOOD.replace("note,", "note,note,"), "column found twice 'note'"),
        (GOOD.replace("note,", "loan_id,"), "missing column 'note'; column found twice 'loan_id'"),
        (
            "L1,a,2023-01-01\n",
            "found none of them; is this the right file, and is its header there",
        ),
    ],
)
def test_a_broken_contract_is_refused(lander, content, expected):
    lander.write({"loans.csv": content})
    assert expected in refusal(lander)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (CUT_GZIP, "cut off or damaged"),
        (CUT_GZIP[:20], "cut off or damaged"),
        (CUT_GZIP[:40] + b"????" + gzip.compress(GOOD.encode())[44:], "cut off or damaged"),
        (GOOD.encode(), "found other data in a file that is named .gz"),
        (GOOD.replace("L2,b", "L2,\0"), "line 3: expected UTF-8 text, found a NUL byte"),
    ],
)
def test_a_gzip_file_that_is_broken_is_refused(lander, content, expected):
    lander.write({"loans.csv.gz": content})
    assert expected in refusal(lander, "loans.csv.gz")


def test_a_row_in_the_place_of_the_header_is_not_repeated(lander):
    """The message goes to the log and the manifest, the row may hold a name."""
    lander.write({"loans.csv": "L1,Jane Roe,2023-01-01\nL2,b,2023-01-01\n"})
    message = refusal(lander)
    assert not any(value in message for value in ("L1", "Jane Roe", "2023-01-01"))


def test_a_source_without_a_file_is_refused(lander):
    assert "there is no such file of loans" in refusal(lander, "**/loans*")


def test_a_wrong_data_folder_is_refused(lander):
    lander.data.rmdir()
    assert "does not exist" in refusal(lander, "data folder")
    lander.data.touch()
    assert "is a file" in refusal(lander, "data folder")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path):
    lander = Lander(None, tmp_path, loans(file="loans.csv"))
    (lander.data / "loans.csv").mkdir()
    assert "found a folder" in refusal(lander)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(lander):
    lander.write({"loans.csv": GOOD})
    (lander.data / "loans.csv").chmod(0)
    assert "cannot be read" in refusal(lander)


@pytest.mark.parametrize(
    ("one", "other"),
    [("**/loans*", "*.csv"), ("loans.csv", "loans.csv"), ("**/*.csv", "loans.csv")],
)
def test_a_file_that_two_sources_claim_is_refused(tmp_path, one, other):
    lander = Lander(None, tmp_path, loans(name="first", file=one), loans(name="two", file=other))
    lander.write({"loans.csv": GOOD})
    assert "of first and" in refusal(lander)


def test_a_pattern_finds_files_below_the_folder_and_no_hidden_ones(tmp_path):
    lander = Lander(None, tmp_path, loans(file="month/*.csv*"))
    found = ["month/b.csv", "month/a.csv.gz", "month/.c.csv", "month/_d.csv", "loans.csv"]
    lander.write(dict.fromkeys(found, GOOD))
    assert names(lander.inspect().files) == [
        "month/a.csv.gz",
        "month/b.csv",
    ]


def test_a_name_with_brackets_is_a_name_where_there_is_such_a_file(tmp_path):
    lander = Lander(None, tmp_path, loans(file="loans[1].csv"))
    lander.write({"loans[1].csv": GOOD, "loans1.csv": GOOD})
    assert names(lander.inspect().files) == ["loans[1].csv"]
    (lander.data / "loans[1].csv").unlink()
    assert names(lander.inspect().files) == ["loans1.csv"]


def remember(lander: Lander) -> None:
    """Write bronze.loads as if what is there had landed."""
    files = tuple(inspected.file for inspected in lander.inspect().to_land)
    load_id, landed_at = next_load(lander.bronze)
    write_load(lander.bronze, Load(load_id, landed_at, files))


def test_only_files_that_are_new_or_changed_are_landed(lander):
    lander.write({"loans_1.csv": GOOD, "loans_2.csv": GOOD})
    remember(lander)
    lander.write({"loans_2.csv": GOOD.replace("b", "B"), "loans_3.csv": GOOD})
    inspection = lander.inspect()
    assert names(one.file for one in inspection.to_land) == ["loans_2.csv", "loans_3.csv"]
    assert names(inspection.unchanged) == ["loans_1.csv"]
    assert names(inspection.files) == ["loans_1.csv", "loans_2.csv", "loans_3.csv"]
    remember(lander)
    lander.write({"loans_2.csv": GOOD})
    assert names(one.file for one in lander.inspect().to_land) == ["loans_2.csv"]


def test_an_unchanged_file_is_not_looked_into(lander):
    lander.write({"loans.csv": GOOD})
    remember(lander)
    lander.contracts = (loans(columns=("another", "header", "snapshot_date")),)
    assert lander.inspect().to_land == ()


def test_files_that_are_gone_are_noticed_and_take_nothing_away(tmp_path):
    lander = Lander(None, tmp_path, loans(), loans(name="others", file="others.csv"))
    lander.write({"loans.csv": GOOD, "others.csv": GOOD})
    remember(lander)
    (lander.data / "others.csv").unlink()
    (notice,) = lander.inspect().notices
    assert "others.csv: there is no such file of others; bronze keeps" in notice
    (lander.data / "loans.csv").unlink()
    assert "there is no such file" in refusal(lander, "**/loans*")


def test_a_load_is_later_than_any_earlier_one(tmp_path):
    times = []
    for _ in range(5):
        load_id, landed_at = next_load(tmp_path)
        times.append(landed_at)
        write_load(tmp_path, Load(load_id, landed_at, (SourceFile("s", "f", 1, "x", 1, 1, 0),)))
    assert times == sorted(set(times))
    assert next_load(tmp_path)[0] == 6


@pytest.mark.parametrize("name", ["loans.csv", "loans.csv.gz"])
@pytest.mark.parametrize(
    ("row", "rows", "is_multiline"),
    [
        ('L1,"a, ""quoted"" value",2023-01-01', 1, False),
        ('L1,5" pipe,2023-01-01', 1, False),
        ('L1,"a,2023-01-01', 1, False),
        ('L1,a,"2023-01-01', 1, False),
        ("L1", 1, False),
        ('L1,"a\nand\n\nmore",2023-01-01', 1, True),
        ('L1,"a\rb",2023-01-01', 2, False),
    ],
)
def test_only_line_breaks_inside_quotes_are_part_of_a_row(lander, name, row, rows, is_multiline):
    """A stray quote does not swallow the rows after it; a CR by itself ends a line."""
    lander.write({name: GOOD + row + "\n"})
    (one,) = lander.inspect().to_land
    assert (one.csv.rows, one.csv.is_multiline) == (2 + rows, is_multiline)


def test_a_file_cut_in_a_fraction_of_a_second_is_refused(tmp_path):
    lander = Lander(None, tmp_path, loans(date_format="%Y-%m-%d %H:%M:%S.%f"))
    lander.write({"loans.csv": csv_text("L1,a,2023-01-01 10:00:00.123456")[:-4]})
    assert "no line end" in refusal(lander)
