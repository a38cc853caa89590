"""The sample files are repeatable, shaped as the real ones, and dirty in every promised way."""

import csv
import gzip
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from warehouse.base.paths import DATA_DIR
from warehouse.sample import __main__ as command
from warehouse.sample import files
from warehouse.sample.sources import SOURCES

FILES = {
    "attributes": "features_attributes.csv",
    "financials": "features_financials.csv",
    "clickstream": "feature_clickstream.csv",
    "loans": "lms_loan_daily.csv",
}
PROFILES = ("attributes", "financials")


def contents(folder: Path) -> dict[str, bytes]:
    """The four files, byte for byte."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# Repeatable


def test_the_files_of_the_project_are_those_of_make_sample(tmp_path):
    files.write_files(1200, 7, tmp_path)
    assert contents(tmp_path) == {file: (DATA_DIR / file).read_bytes() for file in FILES.values()}


def test_same_bytes_whatever_the_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MONTHS", range(2))
    files.write_files(10, 3, tmp_path / "one")
    monkeypatch.setattr(files, "BLOCK", 6)
    files.write_files(10, 3, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_one_customer_is_the_same_alone_and_another_seed_replaces_every_file(tmp_path):
    assert command.main(["--customers", "1", "--seed", "7", "--out", str(tmp_path)]) == 0
    first = contents(tmp_path)
    assert sorted(first) == sorted(FILES.values())
    for file, text in first.items():
        lines, all_lines = text.split(b"\n"), (DATA_DIR / file).read_bytes().split(b"\n")
        assert lines[0] == all_lines[0]
        assert set(lines) <= set(all_lines)
    assert first["lms_loan_daily.csv"].count(b"\n") > 4
    files.write_files(1, 8, tmp_path)
    second = contents(tmp_path)
    assert sorted(second) == sorted(first)
    assert not any(first[file] == second[file] for file in first)


def test_deliveries_by_month_hold_the_same_rows_late_ones_and_corrections_a_month_later(tmp_path):
    files.write_files(100, 7, tmp_path / "whole")
    files.write_deliveries(100, 7, tmp_path / "months", is_gzipped=True)
    earlier, late, corrected = set(), 0, 0
    for source in SOURCES:
        lines = []
        for path in sorted((tmp_path / "months" / source.name).iterdir()):
            header, *rows = gzip.decompress(path.read_bytes()).decode().splitlines()
            lines += rows
            if source.name != "lms_loan_daily":
                continue
            whole = [dict(zip(header.split(","), row.split(","), strict=False)) for row in rows]
            keys = {(r["loan_id"], r["snapshot_date"]) for r in whole if r.get("snapshot_date")}
            keys = {key for key in keys if not key[1].endswith("-02-30")}
            assert all(day[:7] <= path.name[:7] for _, day in keys)
            corrected += len(keys & earlier)
            late += sum(day[:7] < path.name[:7] for _, day in keys - earlier)
            earlier |= keys
        whole_file = (tmp_path / "whole" / source.file).read_text().splitlines()
        assert Counter(lines) == Counter(whole_file[1:])
    assert late and corrected


# Shaped as the real set


@pytest.fixture(scope="module")
def con():
    """The usable rows of each file: with all fields, a key and a date."""
    with duckdb.connect() as con:
        for (table, file), source in zip(FILES.items(), SOURCES, strict=True):
            con.execute(
                f"create table {table} as select row_number() over () as row, *, {source.key} as k,"
                f" from read_csv('{DATA_DIR / file}', header = true, all_varchar = true,"
                " ignore_errors = true) qualify k is not null"
                " and try_cast(snapshot_date as date) is not null"
            )
        con.execute(
            "create table starts as select Customer_ID, min(loan_start_date) as first,"
            " count(distinct loan_start_date) as loans from loans group by 1"
        )
        yield con


SHARES = {  # shares in the real set: 5.1 %, 0.8 %, 1.6 %, ...
    "attributes": [
        ("Age", r"\d+_", 0.03, 0.08),
        ("Age", r"-500", 0.003, 0.02),
        ("Age", r"\d{3,4}_?", 0.005, 0.03),
        ("Age", r"1[4-7]_?", 0.03, 0.10),
        ("SSN", r"#F%\$D@\*&8", 0.04, 0.08),
        ("SSN", r"9\d\d-[0-4]\d-\d{4}", 0.92, 0.96),
        ("Occupation", r"_______", 0.05, 0.10),
        ("Name", r'.*".*', 0.001, 0.03),
        ("Name", r", .*", 0.0001, 0.01),
    ],
    "financials": [
        ("Annual_Income", r"[\d.]+_", 0.05, 0.10),
        ("Annual_Income", r"\d{7,8}\.0_?", 0.003, 0.02),
        ("Num_Bank_Accounts", r"-1", 0.0001, 0.005),
        ("Num_Bank_Accounts", r"\d{3,4}", 0.005, 0.03),
        ("Num_Credit_Card", r"\d{3,4}", 0.01, 0.04),
        ("Interest_Rate", r"\d{3,4}", 0.01, 0.04),
        ("Num_of_Loan", r"\d_", 0.03, 0.07),
        ("Num_of_Loan", r"-100", 0.025, 0.06),
        ("Num_of_Loan", r"\d{2,4}_?", 0.001, 0.02),
        ("Type_of_Loan", r"", 0.08, 0.15),
        ("Type_of_Loan", r"[^,]+(, [^,]+)*, and [^,]+", 0.6, 0.9),
        ("Type_of_Loan", r".*Not Specified.*", 0.25, 0.45),
        ("Delay_from_due_date", r"-[1-5]", 0.002, 0.02),
        ("Num_of_Delayed_Payment", r"\d+_", 0.02, 0.05),
        ("Num_of_Delayed_Payment", r"-[1-3]_?", 0.002, 0.02),
        ("Num_of_Delayed_Payment", r"\d{3,4}_?", 0.002, 0.02),
        ("Changed_Credit_Limit", r"_", 0.01, 0.04),
        ("Num_Credit_Inquiries", r"\d{1,2}\.0", 0.95, 1),
        ("Num_Credit_Inquiries", r"\d{3,4}\.0", 0.005, 0.03),
        ("Credit_Mix", r"_", 0.17, 0.25),
        ("Outstanding_Debt", r"[\d.]+_", 0.005, 0.02),
        ("Credit_History_Age", r"\d+ Years and \d+ Months", 1, 1),
        ("Payment_of_Min_Amount", r"NM", 0.08, 0.15),
        ("Total_EMI_per_month", r"\d{4,5}\.0", 0.02, 0.05),
        ("Amount_invested_monthly", r"__10000__", 0.03, 0.07),
        ("Payment_Behaviour", r"!@9#%8", 0.06, 0.11),
        ("Monthly_Balance", r"__-3{27}__", 0.0001, 0.005),
    ],
    "clickstream": [("fe_20", r"-\d+", 0.1, 0.2), ("fe_1", r"-?\d+", 1, 1)],
    "loans": [("balance", r"\d+\.0", 1, 1)],
}


@pytest.mark.parametrize("table", SHARES)
def test_values_and_dirt_are_as_common_as_in_the_real_set(con, table):
    for column, pattern, low, high in SHARES[table]:
        (share,) = con.execute(
            f"select avg(regexp_full_match(coalesce({column}, ''), ?)::integer) from {table}",
            [pattern],
        ).fetchone()
        assert low <= share <= high, (column, pattern)


def test_placeholders_are_not_in_quotes():
    assert b",#F%$D@*&8," in (DATA_DIR / FILES["attributes"]).read_bytes()
    assert b",!@9#%8," in (DATA_DIR / FILES["financials"]).read_bytes()


IN_DEFAULT = "Customer_ID in (select Customer_ID from loans where overdue_amt::double >= 2000)"
MONTHS = "list_distinct(list(installment_num::integer))"


class Fact(NamedTuple):
    """A query of one value, the least and the most that it may be."""

    query: str
    least: Any
    most: Any


FACTS = {
    "the number of loans is the length of the list": Fact(
        "select count(*) from (select try_cast(rtrim(Num_of_Loan, '_') as integer) as loans,"
        " coalesce(len(string_split(replace(Type_of_Loan, ', and ', ', '), ', ')), 0) as kinds"
        " from financials) where loans between 0 and 9 and loans <> kinds",
        0,
        0,
    ),
    "income goes with salary": Fact(
        "select avg((rtrim(Annual_Income, '_')::double / 12 / Monthly_Inhand_Salary::double"
        " between 0.67 and 1.5)::integer) from financials",
        0.97,
        1,
    ),
    "amounts of a loan add up": Fact(
        "select count(*) from (select *, installment_num::integer as month from loans) where not ("
        " due_amt::double = if(month > 0, 1000, 0)"
        " and overdue_amt::double = 1000 * month - (10000 - balance::double)"
        " and k = Customer_ID || '_' || replace(loan_start_date, '-', '_')"
        " and date_diff('month', loan_start_date::date, snapshot_date::date) = month)",
        0,
        0,
    ),
    "as many loans default as in the real set": Fact(
        "select avg((overdue >= 1000)::integer) from (select max_by(overdue_amt::double, row)"
        " as overdue from loans where installment_num = '6' group by k)",
        0.25,
        0.33,
    ),
    **{
        f"the signal of {counter}": Fact(
            f"select avg({counter}::integer) filter ({IN_DEFAULT})"
            f" - avg({counter}::integer) filter (not {IN_DEFAULT}) from clickstream",
            least,
            most,
        )
        for counter, least, most in [("fe_5", 10, 40), ("fe_10", -40, -10), ("fe_20", -8, 8)]
    },
    **{
        f"the {what} of {table} is as promised": Fact(f"select {what} from {table}", day, day)
        for table, what, day in [
            ("loans", "min(loan_start_date)", "2023-01-01"),
            ("loans", "max(loan_start_date)", "2025-01-01"),
            ("loans", "max(snapshot_date)", "2025-04-01"),
            ("clickstream", "min(snapshot_date)", "2023-01-01"),
            ("clickstream", "max(snapshot_date)", "2024-12-01"),
        ]
    },
    **{
        f"nothing is known of {table} after the horizon": Fact(
            f"select count(*) from {table} where snapshot_date > '2025-04-01'", 0, 0
        )
        for table in FILES
    },
    "loans begin in 25 months": Fact("select count(distinct loan_start_date) from loans", 25, 25),
    "some labels are open": Fact(
        "select count(distinct loan_start_date) from loans where loan_start_date not in"
        " (select loan_start_date from loans where installment_num = '6')",
        3,
        3,
    ),
    "some customers borrow again": Fact("select avg((loans > 1)::integer) from starts", 0.05, 0.2),
    "no customer borrows more than three times": Fact("select max(loans) from starts", 3, 3),
    "some repayment months are missing": Fact(
        f"select avg((len(months) <= list_max(months))::integer) from (select {MONTHS} as months"
        " from loans group by k)",
        0.0001,
        0.1,
    ),
    "some loans lack the month of the label": Fact(
        f"select count(*) from (select {MONTHS} as months from loans group by k)"
        " where not list_contains(months, 6) and list_max(months) > 6",
        1,
        100,
    ),
    **{
        f"some loans slip once by {amount} and recover": Fact(
            "select count(*) from (select max(overdue_amt::double) as most from loans group by k"
            " having min_by(overdue_amt, -installment_num::integer) = '0.0')"
            f" where most = {amount}",
            1,
            1000,
        )
        for amount in (500, 1000)
    },
    "debts change": Fact("select avg((change > 0)::integer) from changes", 0.9, 1),
    "debts change slowly": Fact("select avg(change) from changes", 1, 300),
    "the clickstream is there for early loans only": Fact(
        "select count(*) from clickstream inner join starts using (Customer_ID)"
        " where first > '2024-06-01'",
        0,
        0,
    ),
    "the clickstream has 24 months": Fact(
        "select count(distinct snapshot_date) from clickstream", 24, 24
    ),
    "most clickstreams are whole": Fact("select avg((months = 24)::integer) from streams", 0.5, 1),
    "some clickstreams have gaps": Fact(
        "select count(*) filter (months < 21) from streams", 50, 500
    ),
    "some early customers have no clickstream": Fact(
        "select count(*) from starts where first <= '2024-06-01'"
        " and Customer_ID not in (select Customer_ID from streams)",
        1,
        100,
    ),
}
VIEWS = """
create view streams as
    select Customer_ID, count(distinct snapshot_date) as months from clickstream group by all;
create view changes as
    select abs(debt - lag(debt) over (partition by k order by snapshot_date)) as change
    from (
        select k, snapshot_date, max_by(rtrim(Outstanding_Debt, '_')::double, row) as debt
        from financials group by all
    ) qualify change is not null;
"""


def test_sample_has_the_promised_facts(con):
    con.execute(VIEWS)
    found = {name: con.execute(fact.query).fetchone()[0] for name, fact in FACTS.items()}
    wrong = {
        name: found[name]
        for name, fact in FACTS.items()
        if not fact.least <= found[name] <= fact.most
    }
    assert wrong == {}


@pytest.mark.parametrize("table", PROFILES)
def test_profiles_are_seen_before_on_and_after_the_application_or_never(con, table):
    before, on, after, several, only_later = con.execute(
        f"""
        with dated as (from {table} inner join starts using (Customer_ID)),
        customers as (
            select
                count(distinct snapshot_date) as days,
                min(snapshot_date) > any_value(first) as is_later
            from dated group by k
        )
        select
            (select count(*) from dated where snapshot_date < first),
            (select count(*) from dated where snapshot_date = first),
            (select count(*) from dated where snapshot_date > first),
            count(*) filter (days > 1), count(*) filter (is_later)
        from customers
        """
    ).fetchone()
    assert min(before, on, after, several) > 100
    assert only_later
    (absent,) = con.execute(
        f"select count(*) from starts anti join {table} using (Customer_ID)"
    ).fetchone()
    assert 5 <= absent <= 60


@pytest.mark.parametrize("table", FILES)
def test_rows_come_twice_restated_and_late_and_a_few_cannot_be_used(con, table):
    columns = ", ".join(f'"{c}"' for c in SOURCES[list(FILES).index(table)].columns)
    total, twice, equal, late = con.execute(
        f"""
        with versions as (
            select
                snapshot_date, count(*) as n, count(distinct ({columns})) as texts,
                max(row) as last
            from {table} group by k, snapshot_date
        ),
        tail as (select max(last) - count(*) filter (n > 1) - 5 as first from versions)
        select
            sum(n), count(*) filter (n > 1), count(*) filter (n > 1 and texts = 1),
            count(*) filter (n = 1 and snapshot_date < '2024-06-01' and last > tail.first)
        from versions, tail
        """
    ).fetchone()
    assert 0 < equal < twice < 0.03 * total
    assert late

    with (DATA_DIR / FILES[table]).open(newline="") as lines:
        header, *rows = csv.reader(lines)
    key, day = (
        header.index("loan_id" if table == "loans" else "Customer_ID"),
        header.index("snapshot_date"),
    )
    whole = [row for row in rows if len(row) == len(header)]
    kinds = {
        "too few fields": len(rows) - len(whole),
        "no key": sum(not row[key] for row in whole),
        "no date": sum(not row[day] for row in whole),
        "impossible date": sum(row[day].endswith("-02-30") for row in whole),
    }
    assert all(kinds.values()), kinds
    assert sum(kinds.values()) < 0.01 * len(rows)


# Bad calls


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--customers", "0", "--out", "x"], "--customers must be 1 or more"),
        (["--customers", "ten", "--out", "x"], "--customers"),
        (["--seed", "-1", "--out", "x"], "--seed"),
        ([], "--out"),
        (["--gzip", "--out", "x"], "--gzip goes with --deliveries by-month"),
    ],
)
def test_a_bad_call_is_one_clear_line(options, complaint, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(options)
    *_, last = capsys.readouterr().err.splitlines()
    assert stopped.value.code != 0
    assert "error: " in last and complaint in last


def test_a_folder_that_cannot_be_written_is_one_clear_line(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert command.main(["--customers", "1", "--out", str(tmp_path / "file" / "out")]) != 0
    output = capsys.readouterr().err
    assert output.startswith("error: cannot write to ") and output.count("\n") == 1
    assert (tmp_path / "file").read_text() == "in the way"
