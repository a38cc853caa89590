"""Labels: each rule on its edge, and all of them against plain loops on random rows."""

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.compiled import compiled_model, rows_of
from tests.support.label_oracle import day_known, days_past_due, maturity

APPLIED = date(2024, 1, 1)
MARKS = f"({', '.join('?' * 11)})"
HORIZON = date(2024, 6, 1)
DEFINITIONS = [
    {
        "label_definition": name,
        "min_days_past_due": days,
        "months_on_book": months,
        "observed": observed,
    }
    for name, days, months, observed in (
        ("at", 30, 3, "at_month"),
        ("ever", 30, 3, "ever_within"),
        ("ever_60", 60, 2, "ever_within"),
    )
]
TABLES = """
create schema silver;
create schema gold;
create table gold.loan_applications (loan_id varchar, customer_id varchar, application_date date);
create table gold.label_definitions (
    label_definition varchar, min_days_past_due integer, months_on_book integer, observed varchar
);
create table silver.watermarks (source varchar, watermark date);
create table silver.loan_repayments (
    loan_id varchar, snapshot_date date, known_from timestamp, known_until timestamp,
    arrival varchar, mob integer, tenure integer, balance decimal(18, 2), days_past_due integer,
    first_missed_date date, is_marginal boolean
);
"""


@pytest.fixture(scope="module")
def sql() -> str:
    return compiled_model("label_maturity")


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    """Empty tables of the kinds that labels are read from."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(TABLES)
        connection.executemany(
            "insert into gold.label_definitions values (?, ?, ?, ?)",
            [list(definition.values()) for definition in DEFINITIONS],
        )
        yield connection


def repayment(mob: int, days: int | None, **others: Any) -> dict[str, Any]:
    """A row of loan x: on the first of the month, on time, with money still to be repaid."""
    day = others.pop("snapshot_date", date(2024, 1 + mob, 1))
    row = {
        "loan_id": "x",
        "snapshot_date": day,
        "known_from": datetime(day.year, day.month, day.day),
        "known_until": None,
        "arrival": "on_time",
        "mob": mob,
        "tenure": 10,
        "balance": 5000,
        "days_past_due": days,
        "first_missed_date": day - timedelta(days=days) if days else None,
        "is_marginal": False,
    }
    return row | others


def judge(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    repayments: list[dict[str, Any]],
    loans: dict[str, date] | None = None,
    horizon: date = HORIZON,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of label_maturity by loan and definition."""
    for table in ("gold.loan_applications", "silver.watermarks", "silver.loan_repayments"):
        con.execute(f"delete from {table}")
    con.executemany(
        "insert into gold.loan_applications values (?, 'a', ?)",
        [list(loan) for loan in (loans or {"x": APPLIED}).items()],
    )
    con.execute("insert into silver.watermarks values ('lms_loan_daily', ?)", [horizon])
    con.execute("insert into silver.watermarks values ('lms_loan_daily', '2024-01-01')")
    con.execute("insert into silver.watermarks values ('feature_clickstream', '2025-01-01')")
    for row in repayments:
        con.execute("insert into silver.loan_repayments values " + MARKS, list(row.values()))
    found = rows_of(con, sql)
    assert len(found) == len(DEFINITIONS) * len(loans or {"x": APPLIED})
    return {(row["loan_id"], row["label_definition"]): row for row in found}


def good(*months: int) -> list[dict[str, Any]]:
    return [repayment(month, 0) for month in months]


EARLY = {"balance": 0}
CASES = {
    "28 days are no default": (
        [*good(1, 2), repayment(3, 29)],
        ("closed", date(2024, 4, 1), 0),
        ("closed", date(2024, 4, 1), 0),
    ),
    "30 days are": (
        [*good(1, 2), repayment(3, 30)],
        ("closed", date(2024, 4, 1), 1),
        ("closed", date(2024, 4, 1), 1),
    ),
    "a default that was cured": (
        [*good(1), repayment(2, 31), repayment(3, 0)],
        ("closed", date(2024, 4, 1), 0),
        ("closed", date(2024, 3, 1), 1),
    ),
    "ever is certain although a month is missing": (
        [repayment(2, 31), repayment(4, 0)],
        ("missing_repayment_month", None, None),
        ("closed", date(2024, 3, 1), 1),
    ),
    "ever is not certain where a month is missing": (
        good(1, 3),
        ("closed", date(2024, 4, 1), 0),
        ("missing_repayment_month", None, None),
    ),
    "repaid early, and the rows end": (
        [*good(1), repayment(2, 0, **EARLY)],
        ("repaid_early", date(2024, 3, 1), 0),
        ("repaid_early", date(2024, 3, 1), 0),
    ),
    "repaid early, and rows go on": (
        [*good(1), repayment(2, 0, **EARLY), repayment(3, 31)],
        ("repaid_early", date(2024, 3, 1), 0),
        ("repaid_early", date(2024, 3, 1), 0),
    ),
    "repaid after a default": (
        [repayment(1, 31), repayment(2, 0, **EARLY)],
        ("repaid_early", date(2024, 3, 1), 0),
        ("closed", date(2024, 2, 1), 1),
    ),
    "repaid after a month that was never reported": (
        [repayment(2, 0, **EARLY)],
        ("repaid_early", date(2024, 3, 1), 0),
        ("missing_repayment_month", None, None),
    ),
    "repaid at the end of the window": (
        [*good(1, 2), repayment(3, 0, **EARLY)],
        ("closed", date(2024, 4, 1), 0),
        ("closed", date(2024, 4, 1), 0),
    ),
    "nothing to be repaid but money owed": (
        [*good(1), repayment(2, 1, **EARLY)],
        ("stopped_past_due", None, None),
        ("stopped_past_due", None, None),
    ),
    "the rows stop while the loan is past due": (
        [*good(1), repayment(2, 28)],
        ("stopped_past_due", None, None),
        ("stopped_past_due", None, None),
    ),
    "the rows stop while nothing is due": (
        good(1, 2),
        ("missing_repayment_month", None, None),
        ("missing_repayment_month", None, None),
    ),
    "rows after the missing month": (
        [*good(1), repayment(2, 28), repayment(4, 28)],
        ("missing_repayment_month", None, None),
        ("missing_repayment_month", None, None),
    ),
    "the instalments begin again": (
        [
            *good(1),
            repayment(0, 0, snapshot_date=date(2024, 3, 1)),
            repayment(1, 0, snapshot_date=date(2024, 4, 1)),
            repayment(3, 90, snapshot_date=date(2024, 6, 1)),
        ],
        ("rescheduled", None, None),
        ("rescheduled", None, None),
    ),
    "another tenure": (
        [*good(1), repayment(2, 0, tenure=24), repayment(3, 0, tenure=24)],
        ("rescheduled", None, None),
        ("rescheduled", None, None),
    ),
    "a default before the instalments begin again": (
        [repayment(1, 31), repayment(0, 0, snapshot_date=date(2024, 3, 1))],
        ("rescheduled", None, None),
        ("closed", date(2024, 2, 1), 1),
    ),
    "rescheduled after the window": (
        [*good(1, 2, 3), repayment(0, 0, snapshot_date=date(2024, 5, 1))],
        ("closed", date(2024, 4, 1), 0),
        ("closed", date(2024, 4, 1), 0),
    ),
    "unknown days past due": (
        [*good(1, 2), repayment(3, None)],
        ("days_past_due_unknown", None, None),
        ("days_past_due_unknown", None, None),
    ),
    "a loan shorter than the window that never was repaid": (
        [repayment(1, 0, tenure=2), repayment(2, 0, tenure=2)],
        ("term_shorter_than_window", None, None),
        ("term_shorter_than_window", None, None),
    ),
    "a loan shorter than the window, repaid": (
        [repayment(1, 0, tenure=2), repayment(2, 0, tenure=2, **EARLY)],
        ("repaid_early", date(2024, 3, 1), 0),
        ("repaid_early", date(2024, 3, 1), 0),
    ),
    "a month that is reported twice": (
        [*good(1, 2, 3), repayment(3, 90, snapshot_date=date(2024, 4, 15))],
        ("closed", date(2024, 4, 1), 0),
        ("closed", date(2024, 4, 1), 0),
    ),
    "no window ends on the day of the application": (
        [repayment(2, 0, snapshot_date=date(2023, 12, 31)), repayment(3, 0, snapshot_date=APPLIED)],
        ("missing_repayment_month", None, None),
        ("missing_repayment_month", None, None),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_label_on_its_edge(con, sql, case):
    repayments, *expected = CASES[case]
    found = judge(con, sql, repayments)
    for name, (reason, matures_on, label) in zip(("at", "ever"), expected, strict=True):
        row = found["x", name]
        assert (row["maturity"], row["matures_on"], row["label"]) == (reason, matures_on, label)
        assert row["window_ends_on"] == date(2024, 4, 1)


def test_a_window_is_open_until_the_watermark_is_past_its_end(con, sql):
    for horizon, expected in ((date(2024, 4, 1), "open"), (date(2024, 4, 2), "stopped_past_due")):
        rows = [*good(1), repayment(2, 28)]
        assert judge(con, sql, rows, horizon=horizon)["x", "at"]["maturity"] == expected


def test_one_row_dated_far_ahead_closes_no_window_of_other_loans(con, sql):
    """The horizon is the watermark, which a few stray rows do not move."""
    stray = repayment(2, 0, loan_id="y", snapshot_date=date(2024, 5, 31))
    loans = {"x": APPLIED, "y": APPLIED}
    found = judge(con, sql, [*good(1), stray], loans, horizon=date(2024, 2, 15))
    assert (found["x", "at"]["maturity"], found["x", "at"]["matures_on"]) == (
        "open",
        date(2024, 4, 1),
    )


def test_a_restated_month_is_known_with_its_correction(con, sql):
    corrected_at = datetime(2024, 5, 20, 8, 30)
    before = repayment(3, 31, known_until=corrected_at)
    after = repayment(3, 0, known_from=corrected_at, arrival="correction")
    row = judge(con, sql, [*good(1, 2), before, after])["x", "at"]
    assert (row["label"], row["matures_on"]) == (0, date(2024, 4, 1))
    assert row["known_on"] == date(2024, 5, 21)


def test_a_late_default_is_known_when_it_came(con, sql):
    late = repayment(1, 31, known_from=datetime(2024, 5, 1), arrival="late")
    row = judge(con, sql, [late, *good(2, 3)])["x", "ever"]
    assert (row["label"], row["matures_on"]) == (1, date(2024, 2, 1))
    assert row["known_on"] == date(2024, 5, 1)


def test_a_default_for_less_than_a_hundredth_of_an_instalment_is_marginal(con, sql):
    def is_marginal(days: int, **others: Any) -> bool:
        return judge(con, sql, [*good(1, 2), repayment(3, days, **others)])["x", "at"][
            "is_marginal"
        ]

    one_missed = {"first_missed_date": date(2024, 3, 1)}
    two_missed = {"first_missed_date": date(2024, 2, 1)}
    assert is_marginal(31, is_marginal=True, **one_missed)
    assert not is_marginal(31, is_marginal=False, **one_missed)
    assert not is_marginal(60, is_marginal=True, **two_missed)  # 31 days without the last cent
    assert not is_marginal(0)


DAYS = st.sampled_from(
    [
        date.fromisoformat(day)
        for day in (
            *("2023-12-31", "2024-01-01", "2024-01-31", "2024-02-01", "2024-02-29"),
            *("2024-03-01", "2024-03-02", "2024-03-31", "2024-04-01", "2024-05-01"),
        )
    ]
)
LOANS = st.dictionaries(st.sampled_from("xyz"), DAYS, min_size=1)
ARRIVALS = st.sampled_from([("on_time", 0), ("on_time", 0), ("late", 40), ("correction", 70.3)])
REPAYMENTS = st.dictionaries(
    st.tuples(st.sampled_from("xyz"), DAYS),
    st.tuples(
        st.sampled_from([0, 1, 1, 2, 2, 3]),
        st.sampled_from([0, 0, 29, 30, 61, None]),
        st.sampled_from([None, 1, 10, 10, 10]),
        st.sampled_from([None, 0, 100, 100]),
        ARRIVALS,
        st.booleans(),
    ),
    min_size=1,
    max_size=14,
)


def versions(key: tuple[str, date], values: tuple) -> list[dict[str, Any]]:
    """A drawn row, as the first or as the second version of its key and date."""
    (loan, day), (mob, days, tenure, balance, (arrival, delay), was_restated) = key, values
    known_from = datetime(day.year, day.month, day.day) + timedelta(days=delay)
    row = repayment(
        mob, days, loan_id=loan, snapshot_date=day, tenure=tenure, balance=balance,
        arrival=arrival, known_from=known_from,
    )  # fmt: skip
    if arrival != "correction" or not was_restated:
        return [row]
    return [row, repayment(mob, 61, loan_id=loan, snapshot_date=day, known_until=known_from)]


def test_labels_are_right_on_any_repayments(con, sql):
    @settings(max_examples=150, deadline=None, database=None)
    @given(LOANS, REPAYMENTS, DAYS)
    def holds(loans, repayments, horizon):
        rows = [row for item in repayments.items() for row in versions(*item)]
        found = judge(con, sql, rows, loans, max(horizon, date(2024, 1, 1)))
        for (loan, name), row in found.items():
            definition = next(d for d in DEFINITIONS if d["label_definition"] == name)
            asked = {"loan_id": loan, "application_date": loans[loan]}
            expected = maturity(asked, definition, rows, max(horizon, date(2024, 1, 1)))
            assert {column: row[column] for column in expected} == expected

    holds()


def test_what_comes_later_changes_no_label_that_was_known(con, sql):
    """Labels known by a day are those that a build without what came after it knows."""

    @settings(max_examples=100, deadline=None, database=None)
    @given(LOANS, REPAYMENTS, DAYS)
    def holds(loans, repayments, day):
        rows = [row for item in repayments.items() for row in versions(*item)]
        now = judge(con, sql, rows, loans, date(2024, 5, 1))
        known = {
            key: row for key, row in now.items() if row["is_closed"] and row["known_on"] <= day
        }
        then = judge(con, sql, as_of(rows, day), loans, day)
        assert {key: then[key] for key in known} == known

    holds()


def as_of(rows: list[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """The versions known by a day, the latest of each open-ended."""
    moment = datetime(day.year, day.month, day.day)
    return [
        row | {"known_until": None}
        for row in rows
        if day_known(row["known_from"]) <= day
        and (row["known_until"] is None or row["known_until"] > moment)
    ]


BRONZE = """
create schema bronze;
create schema silver;
create table bronze.lms_loan_daily (
    loan_id varchar, "Customer_ID" varchar, loan_start_date varchar, tenure varchar,
    installment_num varchar, loan_amt varchar, due_amt varchar, paid_amt varchar,
    overdue_amt varchar, balance varchar, snapshot_date varchar, _source_file varchar,
    _row_number bigint, _load_id integer, _landed_at timestamp, _malformed_line varchar,
    _snapshot_date_text varchar
);
create table silver.set_aside_rows (
    source varchar, load_id integer, source_file varchar, row_number bigint
);
create table silver.watermarks (
    source varchar, load_id integer, landed_at timestamp, watermark date, watermark_before date
);
insert into silver.watermarks values
    ('lms_loan_daily', 1, '2024-05-02', '2024-05-01', null),
    ('lms_loan_daily', 2, '2024-09-02', '2024-09-01', '2024-05-01');
"""


@pytest.fixture(scope="module")
def bronze() -> duckdb.DuckDBPyConnection:
    """Empty tables of the kinds that repayments are read from, and the watermarks of two loads."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(BRONZE)
        yield connection


def repayments_of(
    bronze: duckdb.DuckDBPyConnection, rows: list[tuple[int, int, str, str]]
) -> list[dict[str, Any]]:
    """silver.loan_repayments of rows of one loan: load, month of 2024, due_amt, overdue_amt."""
    bronze.execute("delete from bronze.lms_loan_daily")
    for number, (load, month, due, overdue) in enumerate(rows):
        bronze.execute(
            "insert into bronze.lms_loan_daily by name select 'x' as loan_id, '2024-01-01' as"
            " loan_start_date, '3' as tenure, ? as installment_num, ? as due_amt, ? as overdue_amt,"
            " ? as snapshot_date, ? as _load_id, ? as _row_number, 'f' as _source_file,"
            " if(_load_id = 1, timestamp '2024-05-02', timestamp '2024-09-02') as _landed_at",
            [str(month - 1), due, overdue, f"2024-{month:02}-01", load, number],
        )
    return rows_of(bronze, compiled_model("loan_repayments"))


def test_days_past_due_go_on_counting_after_the_last_instalment(bronze):
    """Two of three instalments of 100 are never paid, and a part of them long after the term."""
    amounts = (
        ("100", "0"),
        ("100", "100"),
        ("100", "200"),
        ("0", "200"),
        ("0", "100.5"),
        ("0", "0"),
    )
    rows = repayments_of(bronze, [(1, month, *pair) for month, pair in enumerate(amounts, start=2)])
    assert [row["days_past_due"] for row in rows] == [0, 29, 60, 90, 121, 0]
    assert [row["installments_missed"] for row in rows] == [0, 1, 2, 2, 2, 0]
    assert [row["is_marginal"] for row in rows] == [False, False, False, False, True, False]
    assert {row["first_missed_date"] for row in rows[2:5]} == {date(2024, 2, 1)}


def test_an_instalment_restated_later_changes_no_day_past_due_of_before(bronze):
    rows = [(1, 2, "100", "100"), (1, 3, "0", "200"), (2, 2, "50", "50"), (2, 3, "0", "200")]
    found = {
        (row["snapshot_date"].month, row["arrival"]): row["installments_missed"]
        for row in repayments_of(bronze, rows)
    }
    assert found == {
        (2, "on_time"): 1,
        (3, "on_time"): 2,
        (2, "correction"): 1,
        (3, "correction"): 4,
    }


REPORTED = st.dictionaries(
    st.tuples(st.sampled_from([1, 2]), st.integers(1, 9)),
    st.tuples(
        st.sampled_from(["0", "0", "100", "50", "_"]),
        st.sampled_from(["0", "50", "100", "150.01", "200", "_"]),
    ),
    max_size=10,
)


def test_days_past_due_are_right_on_any_rows(bronze):
    @settings(max_examples=100, deadline=None, database=None)
    @given(REPORTED)
    def holds(reported):
        rows = repayments_of(bronze, [(*key, *amounts) for key, amounts in reported.items()])
        assert len(rows) == len(reported)
        for row in rows:
            assert row["days_past_due"] == days_past_due(row, rows)

    holds()
