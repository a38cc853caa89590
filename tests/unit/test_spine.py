"""A caller's spine is read right, or refused in one line that says what to do."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from warehouse.base.errors import UserError
from warehouse.features.spine import read_spine

KEY = "rtrim(trim(customer_id), '_')"  # how this test's silver cleans a key
TERMS = {"loan_amt": "decimal(18, 2)", "tenure": "integer"}
DAY = date(2024, 1, 31)


def applications(path: Path, columns: str = "customer_id, application_date", **named: str) -> list:
    """The applications that a file is read as."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        read_spine(con, path, TERMS, KEY, **named)
        return con.execute(f"select {columns} from applications order by __row").fetchall()


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def parquet(path: Path, query: str) -> Path:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


@pytest.mark.parametrize(
    "content",
    [
        ",customer_id,application_date\n0,A,2024-01-31\n1,B,2024-01-31\n",
        "customer_id,application_date,\nA,2024-01-31,\nB,2024-01-31,\n",
        "customer_id,application_date\nA,2024-01-31,\nB,2024-01-31,\n",
        "customer_id,application_date,\nA,2024-01-31\nB,2024-01-31\n",
        "customer_id;application_date\nA;2024-01-31\nB;2024-01-31\n",
        "customer_id\tapplication_date\nA\t2024-01-31\nB\t2024-01-31\n",
        "customer_id|application_date\nA|2024-01-31\nB|2024-01-31\n",
        " Customer_ID , application_date \nA,2024-01-31\nB,2024-01-31\n",
        "\n\ncustomer_id,application_date\nA,2024-01-31\n\nB,2024-01-31\n",
        "\ufeffcustomer_id,application_date\nA,2024-01-31\nB,2024-01-31\n",
        "customer_id,application_date\r\nA,2024-01-31\r\nB,2024-01-31\r\n",
        "\r\ncustomer_id,application_date\r\nA,2024-01-31\r\nB,2024-01-31",
        "customer_id,application_date\rA,2024-01-31\rB,2024-01-31\r",
        'customer_id,application_date,"a ""note"", long"\nA,2024-01-31,"x\ny, z"\nB,2024-01-31,\n',
        "customer_id,application_date\n A ,2024-01-31 23:59:59\nB_,2024-01-31T08:00\n",
    ],
    ids=[
        "index of pandas",
        "trailing comma",
        "trailing comma in rows",
        "trailing comma in header",
        "semicolons",
        "tabs",
        "bars",
        "blanks in header",
        "empty first lines",
        "byte order mark",
        "crlf",
        "crlf and empty first line",
        "cr",
        "quotes",
        "blanks, underscores and times",
    ],
)
def test_text_is_read_whatever_program_wrote_it(tmp_path, content):
    assert applications(written(tmp_path / "spine.csv", content)) == [("A", DAY), ("B", DAY)]


def test_names_with_brackets_stars_and_quotes_are_no_patterns(tmp_path):
    header = "customer_id,application_date\n"
    written(tmp_path / "loans1.csv", f"{header}wrong,2024-01-31\n")
    for name in ("loans[1].csv", "loans*.csv", "loans?.csv", "it's #1 ä.csv"):
        right = written(tmp_path / name, f"{header}right,2024-01-31\n")
        assert applications(right) == [("right", DAY)], name
    parquet(tmp_path / "loans1.parquet", "select 'wrong' as customer_id, date '2024-01-31' as d")
    bracketed = tmp_path / "loans[1].parquet"
    parquet(tmp_path / "x.parquet", "select 'right' as customer_id, date '2024-01-31' as d")
    (tmp_path / "x.parquet").rename(bracketed)
    assert applications(bracketed) == [("right", DAY)]


def test_fields_of_several_megabytes_are_read(tmp_path):
    note = "n" * 5_000_000
    content = f'note,customer_id,application_date\n{note},A,2024-01-31\n"{note}\n",B,2024-01-31\n'
    assert applications(written(tmp_path / "spine.csv", content)) == [("A", DAY), ("B", DAY)]


def test_a_header_alone_and_an_empty_parquet_file_have_no_rows(tmp_path):
    assert applications(written(tmp_path / "a.csv", "customer_id,application_date\n")) == []
    assert applications(written(tmp_path / "b.csv", "customer_id,application_date")) == []
    empty = "select 'A' as customer_id, date '2024-01-31' as application_date limit 0"
    assert applications(parquet(tmp_path / "c.parquet", empty)) == []


def test_a_folder_as_spark_writes_it_is_read_whole_and_without_its_notes(tmp_path):
    folder = tmp_path / "spine.parquet"
    folder.mkdir()
    for number, name in enumerate("AB"):
        parquet(
            folder / f"part-0000{number}-c000.snappy.parquet",
            f"select '{name}' as customer_id, date '2024-01-31' as application_date",
        )
    for note in ("_SUCCESS", "._SUCCESS.crc", ".part-00000-c000.snappy.parquet.crc"):
        (folder / note).write_bytes(b"crc")
    written(folder / "_temporary.parquet", b"not parquet")
    assert applications(folder) == [("A", DAY), ("B", DAY)]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"holds no \.parquet file"):
        applications(tmp_path / "empty")


@pytest.mark.parametrize("kind", ["bigint", "ubigint", "double", "decimal(20, 1)"])
def test_keys_that_are_numbers_are_their_digits(tmp_path, kind):
    values = "(values (1234567), (null)) as t(x)"
    rows = f"select cast(x as {kind}) as customer_id, date '2024-01-31' as day from {values}"
    assert applications(parquet(tmp_path / "a.parquet", rows)) == [("1234567", DAY), (None, DAY)]


def test_keys_of_a_column_with_fractions_are_whole_where_they_can_be(tmp_path):
    """The key of NaN, as pandas writes a missing number, is none."""
    values = "(values (1.0::double), (2.5), (null), ('nan'), (12345678901234568.0)) as t(x)"
    rows = f"select x as customer_id, date '2024-01-31' as day from {values}"
    found = applications(parquet(tmp_path / "a.parquet", rows), "customer_id")
    assert [key for (key,) in found] == ["1", "2.5", None, None, "12345678901234568"]


@pytest.mark.parametrize("value", ["date '2024-01-31'", "true", "['A']"])
def test_keys_that_are_no_text_or_number_are_refused(tmp_path, value):
    rows = f"select {value} as customer_id, date '2024-01-31' as application_date"
    with pytest.raises(UserError, match="expected a customer's key as text or whole number"):
        applications(parquet(tmp_path / "a.parquet", rows))


def test_whole_numbers_that_pandas_wrote_as_decimals_are_read_as_whole(tmp_path):
    fractions = written(tmp_path / "a.csv", "customer_id,day\n7.0,2024-01-31\n,2024-01-31\n")
    assert applications(fractions) == [("7", DAY), (None, DAY)]
    texts = written(tmp_path / "b.csv", "customer_id,day\n7.0,2024-01-31\nA.0,2024-01-31\n")
    assert applications(texts) == [("7.0", DAY), ("A.0", DAY)]


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-05:00", "+0530", " UTC", "+02"])
def test_times_with_a_zone_are_refused_in_text(tmp_path, zone):
    path = written(tmp_path / "a.csv", f"customer_id,day\nA,2024-01-31 23:30:00{zone}\n")
    with pytest.raises(UserError, match=r"column day has times with a zone.*YYYY-MM-DD"):
        applications(path)


def test_times_with_a_zone_are_refused_in_parquet(tmp_path):
    rows = "select 'A' as customer_id, timestamptz '2024-01-31 23:30:00+00' as day"
    with pytest.raises(UserError, match=r"column day has times with a zone.*YYYY-MM-DD"):
        applications(parquet(tmp_path / "a.parquet", rows))


@pytest.mark.parametrize("kind", ["timestamp", "timestamp_ns", "timestamp_s", "date", "varchar"])
def test_times_without_a_zone_are_their_day(tmp_path, kind):
    value = f"cast(timestamp '2024-01-31 23:59:59' as {kind})"
    rows = f"select 'A' as customer_id, {value} as day"
    assert applications(parquet(tmp_path / "a.parquet", rows)) == [("A", DAY)]


def test_terms_of_the_loan_are_taken_where_the_file_has_them(tmp_path):
    content = "customer_id,day,Loan_Amt\nA,2024-01-31, 12000.50 \nB,2024-01-31,\n"
    found = applications(written(tmp_path / "a.csv", content), "loan_id, loan_amt, tenure")
    assert [
        (loan_id, None if amount is None else float(amount), tenure)
        for loan_id, amount, tenure in found
    ] == [
        ("1", 12000.5, None),
        ("2", None, None),
    ]
    bad = written(tmp_path / "b.csv", "customer_id,day,tenure\nA,2024-01-31,a year\n")
    with pytest.raises(UserError, match="data row 1: tenure is 'a year', expected a number"):
        applications(bad)


@pytest.mark.parametrize(
    ("content", "named", "message"),
    [
        ("name,day\nx,2024-01-01\n", {}, "has no column customer_id, only name, day"),
        ("customer_id,n\nx,1\n", {}, "no column holds dates; .*--date"),
        ("customer_id,a,b\nx,2024-01-01,2024-01-02\n", {}, "columns a, b all hold dates; .*--date"),
        (
            "customer_id,application_date\nx,2024-01-01\ny,1/5/2023\n",
            {},
            "data row 2: application_date is '1/5/2023', expected YYYY-MM-DD",
        ),
        ("customer_id,day\nx,2024-02-30\n", {"date_column": "day"}, "data row 1: day is '2024"),
        ("customer_id,day\nx,2024-02-20\n", {"date_column": "date"}, "has no column date"),
        ("customer_id,day\nx,2024-02-20\n", {"customer_column": "who"}, "has no column who"),
        ('customer_id,day\n"x,2024-01-01\n', {}, "Line: 2 .* unterminated quote"),
        ("customer_id,day\nx,2024-01-01,4\n", {}, "Line: 2 .*Expected Number of Columns: 2"),
        ("customer_id,day,DAY\nx,2024-01-01,\n", {}, "column day appears twice"),
        ("", {}, "is empty"),
        ("\n \n", {}, "is empty"),
        ("customer_id,day\nÄ,2024-01-01\n".encode("latin-1"), {}, "not UTF-8|invalid|unicode"),
        ("customer_id,day\nx,2024-01-01\n".encode("utf-16"), {}, "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, content, named, message):
    with pytest.raises(UserError, match=message) as refused:
        applications(written(tmp_path / "spine.csv", content), **named)
    assert "\n" not in str(refused.value)
    assert str(tmp_path / "spine.csv") in str(refused.value)


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(UserError, match="there is no such file"):
        applications(tmp_path / "none.csv")
    with pytest.raises(UserError, match=r"has to be a \.csv or \.parquet"):
        applications(written(tmp_path / "a.xlsx", "x"))
    with pytest.raises(UserError, match="cannot be read"):
        applications(written(tmp_path / "a.parquet", "x"))
