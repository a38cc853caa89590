"""A file that is not what its contract says is refused before anything is written."""

import gzip
import io
import os
import zipfile

import pytest

from tests.landing_support import HEADER, inspected, small_contract
from warehouse.base.errors import UserError
from warehouse.landing.inspection import inspect_file

GOOD = f"{HEADER}\nL1,a,2023-01-01\nL2,b,2023-01-02\n"
REORDERED = "".join(",".join(reversed(line.split(","))) + "\n" for line in GOOD.splitlines())


def refusal(folder, content) -> str:
    with pytest.raises(UserError) as refused:
        inspected(folder, content)
    message = str(refused.value)
    assert "loans.csv" in message
    assert "\n" not in message
    return message


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
        (gzip.compress(GOOD.encode(), mtime=0), "gzip"),
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
        (GOOD.replace("note,", "note,note,"), "column found twice 'note'"),
        (GOOD.replace("note,", "loan_id,"), "missing column 'note'; column found twice 'loan_id'"),
        (
            "L1,a,2023-01-01\n",
            "found none of them; is this the right file, and is its header there",
        ),
    ],
)
def test_a_broken_contract_is_refused(tmp_path, content, expected):
    assert expected in refusal(tmp_path, content)


def test_a_row_in_the_place_of_the_header_is_not_repeated(tmp_path):
    """The message goes to the log and the manifest, the row may hold a name."""
    said = refusal(tmp_path, "L1,Jane Roe,2023-01-01\nL2,b,2023-01-01\n")
    assert not any(value in said for value in ("L1", "Jane Roe", "2023-01-01"))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"loans\.csv: there is no such file"):
        inspect_file(tmp_path / "loans.csv", small_contract())
    with pytest.raises(UserError, match="found a folder"):
        inspect_file(tmp_path, small_contract())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(tmp_path):
    path = tmp_path / "loans.csv"
    path.write_text(GOOD)
    path.chmod(0)
    with pytest.raises(UserError, match="cannot be read"):
        inspect_file(path, small_contract())


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip("\n"),
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        "\n" + GOOD.replace("\n", "\n\n \t\n"),
        GOOD.replace("L1,a", 'L1,"a, ""quoted"" value"'),
        REORDERED,
        GOOD.replace("L1,a,2023-01-01", 'L1,5" pipe,2023-01-01'),
        GOOD.replace("L1,a,2023-01-01", "L1"),
    ],
    ids=["plain", "no end", "crlf", "bom", "blanks", "quotes", "order", "inch", "ragged"],
)
def test_a_harmless_difference_passes(tmp_path, content):
    inspection = inspected(tmp_path, content)
    assert inspection.data_rows == 2
    assert not inspection.is_multiline


def test_line_breaks_inside_quotes_are_found(tmp_path):
    inspection = inspected(tmp_path, GOOD.replace("L1,a", 'L1,"a\nand\n\nmore"'))
    assert inspection.is_multiline
    assert inspection.data_rows == 2
    crlf = f'{HEADER}\nL1,"a{{}}b",2023-01-01\n'.replace("\n", "\r\n").format("\n")
    assert inspected(tmp_path, crlf).is_multiline


def test_a_carriage_return_by_itself_ends_a_line(tmp_path):
    inspection = inspected(tmp_path, GOOD.replace("L1,a", 'L1,"a\rb"'))
    assert not inspection.is_multiline
    assert inspection.data_rows == 3


@pytest.mark.parametrize("row", ['L1,"a,2023-01-01', 'L1,a,"2023-01-01'])
def test_a_stray_quote_does_not_swallow_the_rows_after_it(tmp_path, row):
    inspection = inspected(tmp_path, GOOD.replace("L1,a,2023-01-01", row))
    assert not inspection.is_multiline
    assert inspection.data_rows == 2


def test_offsets_count_the_rows_before_each_block(tmp_path):
    # Bytes 0-27 are the header, then three rows of 16 bytes: 28, 44, 60. The row at 44 begins
    # before the boundary 48; a row that began exactly on it would belong to the block before.
    content = f"{HEADER}\n" + "".join(f"L{i},a,2023-01-01\n" for i in range(3))
    assert inspected(tmp_path, content, block_bytes=16).block_offsets == (0, 0, 1, 2, 3)
    assert inspected(tmp_path, content, block_bytes=28).block_offsets == (0, 1, 2)
    assert inspected(tmp_path, content).block_offsets == (0,)
