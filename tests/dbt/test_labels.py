"""Labels: each rule on its edge, and all of them against plain loops on random rows."""

from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bronze import create_bronze
from tests.support.compiled import compiled_model, rows_of
from tests.support.label_oracle import day_known, days_past_due, maturity

APPLIED = date(2024, 1, 1)
HORIZON = date(2024, 6, 1)
WINDOW_END = date(2024, 4, 1)  # of three months
DEFINED_BY = ("label_definition", "min_days_past_due", "months_on_book", "observed")
DEFINITIONS = [
    dict(zip(DEFINED_BY, definition, strict=True))
    for definition in (
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
        fill(connection, "gold.label_definitions", DEFINITIONS)
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


def fill(con: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """Put these rows in the place of those of a table."""
    con.execute(f"delete from {table}")
    if rows:
        marks = f"({', '.join('?' * len(rows[0]))})"
        con.execute(
            f"insert into {table} ({', '.join(rows[0])}) values {', '.join([marks] * len(rows))}",
            [value for row in rows for value in row.values()],
        )


def judge(
    con: duckdb.DuckDBPyConnection,
    sql: str,
    repayments: list[dict[str, Any]],
    loans: dict[str, date] | None = None,
    horizon: date = HORIZON,
) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows of label_maturity by loan and definition."""
    applications = [
        {"loan_id": loan, "customer_id": "a", "application_date": day}
        for loan, day in (loans or {"x": APPLIED}).items()
    ]
    watermarks = [
        {"source": "lms_loan_daily", "watermark": horizon},
        {"source": "lms_loan_daily", "watermark": APPLIED},
        {"source": "feature_clickstream", "watermark": date(2025, 1, 1)},
    ]
    fill(con, "gold.loan_applications", applications)
    fill(con, "silver.watermarks", watermarks)
    fill(con, "silver.loan_repayments", repayments)
    found = rows_of(con, sql)
    assert len(found) == len(DEFINITIONS) * len(applications)
    return {(row["loan_id"], row["label_definition"]): row for row in found}


def good(*months: int) -> list[dict[str, Any]]:
    return [repayment(month, 0) for month in months]


def never(reason: str) -> tuple[str, None, None]:
    return reason, None, None


REPAID = {"balance": 0}
GOOD = ("closed", WINDOW_END, 0)
BAD = ("closed", WINDOW_END, 1)
BAD_IN_MARCH = ("closed", date(2024, 3, 1), 1)
BAD_IN_FEBRUARY = ("closed", date(2024, 2, 1), 1)
REPAID_IN_MARCH = ("repaid_early", date(2024, 3, 1), 0)
MISSING, STOPPED = never("missing_repayment_month"), never("stopped_past_due")
RESCHEDULED = never("rescheduled")

# repayments, the label at_month, and ever_within where it is another
CASES = {
    "28 days are no default": ([*good(1, 2), repayment(3, 29)], GOOD),
    "30 days are": ([*good(1, 2), repayment(3, 30)], BAD),
    "a default that was cured": (
        [*good(1), repayment(2, 31), repayment(3, 0)], GOOD, BAD_IN_MARCH,
    ),
    "ever is certain although a month is missing": (
        [repayment(2, 31), repayment(4, 0)], MISSING, BAD_IN_MARCH,
    ),
    "ever is not certain where a month is missing": (good(1, 3), GOOD, MISSING),
    "repaid early, and the rows end": ([*good(1), repayment(2, 0, **REPAID)], REPAID_IN_MARCH),
    "repaid early, and rows go on": (
        [*good(1), repayment(2, 0, **REPAID), repayment(3, 31)], REPAID_IN_MARCH,
    ),
    "repaid after a default": (
        [repayment(1, 31), repayment(2, 0, **REPAID)], REPAID_IN_MARCH, BAD_IN_FEBRUARY,
    ),
    "repaid after a month that was never reported": (
        [repayment(2, 0, **REPAID)], REPAID_IN_MARCH, MISSING,
    ),
    "repaid at the end of the window": ([*good(1, 2), repayment(3, 0, **REPAID)], GOOD),
    "nothing to be repaid but money owed": ([*good(1), repayment(2, 1, **REPAID)], STOPPED),
    "the rows stop while the loan is past due": ([*good(1), repayment(2, 28)], STOPPED),
    "the rows stop while nothing is due": (good(1, 2), MISSING),
    "rows after the missing month": ([*good(1), repayment(2, 28), repayment(4, 28)], MISSING),
    "the instalments begin again": (
        [
            *good(1),
            repayment(0, 0, snapshot_date=date(2024, 3, 1)),
            repayment(1, 0, snapshot_date=date(2024, 4, 1)),
            repayment(3, 90, snapshot_date=date(2024, 6, 1)),
        ],
        RESCHEDULED,
    ),
    "another tenure": (
        [*good(1), repayment(2, 0, tenure=24), repayment(3, 0, tenure=24)], RESCHEDULED,
    ),
    "a default before the instalments begin again": (
        [repayment(1, 31), repayment(0, 0, snapshot_date=date(2024, 3, 1))],
        RESCHEDULED, BAD_IN_FEBRUARY,
    ),
    "rescheduled after the window": (
        [*good(1, 2, 3), repayment(0, 0, snapshot_date=date(2024, 5, 1))], GOOD,
    ),
    "unknown days past due": (
        [*good(1, 2), repayment(3, None)], never("days_past_due_unknown"),
    ),
    "a loan shorter than the window that never was repaid": (
        [repayment(1, 0, tenure=2), repayment(2, 0, tenure=2)], never("term_shorter_than_window"),
    ),
    "a loan shorter than the window, repaid": (
        [repayment(1, 0, tenure=2), repayment(2, 0, tenure=2, **REPAID)], REPAID_IN_MARCH,
    ),
    "a month that is reported twice": (
        [*good(1, 2, 3), repayment(3, 90, snapshot_date=date(2024, 4, 15))], GOOD,
    ),
    "no window ends on the day of the application": (
        [repayment(2, 0, snapshot_date=date(2023, 12, 31)), repayment(3, 0, snapshot_date=APPLIED)],
        MISSING,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_label_on_its_edge(con, sql, case):
    repayments, *expected = CASES[case]
    found = judge(con, sql, repayments)
    for name, outcome in (("at", expected[0]), ("ever", expected[-1])):
        row = found["x", name]
        assert (row["maturity"], row["matures_on"], row["label"]) == outcome
        assert row["window_ends_on"] == WINDOW_END


def test_a_window_is_open_until_the_watermark_is_past_its_end(con, sql):
    for horizon, expected in ((date(2024, 4, 1), "open"), (date(2024, 4, 2), "stopped_past_due")):
        rows = [*good(1), repayment(2, 28)]
        assert judge(con, sql, rows, horizon=horizon)["x", "at"]["maturity"] == expected


def test_one_row_dated_far_ahead_closes_no_window_of_other_loans(con, sql):
    """The horizon is the watermark, which a few stray rows do not move."""
    stray = repayment(2, 0, loan_id="y", snapshot_date=date(2024, 5, 31))
    loans = {"x": APPLIED, "y": APPLIED}
    found = judge(con, sql, [*good(1), stray], loans, horizon=date(2024, 2, 15))
    row = found["x", "at"]
    assert (row["maturity"], row["matures_on"]) == ("open", WINDOW_END)


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
        rows = [*good(1, 2), repayment(3, days, **others)]
        return judge(con, sql, rows)["x", "at"]["is_marginal"]

    one_missed = {"first_missed_date": date(2024, 3, 1)}
    two_missed = {"first_missed_date": date(2024, 2, 1)}
    assert is_marginal(31, is_marginal=True, **one_missed)
    assert not is_marginal(31, is_marginal=False, **one_missed)
    assert not is_marginal(60, is_marginal=True, **two_missed)  # 31 days without the last cent
    assert not is_marginal(0)


EDGES = ((1, 1), (1, 31), (2, 1), (2, 29), (3, 1), (3, 2), (3, 31), (4, 1), (5, 1))
DAYS = st.sampled_from([date(2023, 12, 31), *(date(2024, *edge) for edge in EDGES)])
LOANS = st.dictionaries(st.sampled_from("uvwxyz"), DAYS, min_size=2)
ARRIVALS = st.sampled_from([("on_time", 0), ("on_time", 0), ("late", 40), ("correction", 70.3)])
REPAYMENTS = st.dictionaries(
    st.tuples(st.sampled_from("uvwxyz"), DAYS),
    st.tuples(
        st.sampled_from([0, 1, 1, 2, 2, 3]),
        st.sampled_from([0, 0, 29, 30, 61, None]),
        st.sampled_from([None, 1, 10, 10, 10]),
        st.sampled_from([None, 0, 100, 100]),
        ARRIVALS,
        st.booleans(),
    ),
    min_size=1,
    max_size=28,
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
    @settings(max_examples=40, deadline=None, database=None)
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

    @settings(max_examples=30, deadline=None, database=None)
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


SILVER = """
create schema silver;
create table silver.set_aside_rows (
    source varchar, load_id integer, source_file varchar, row_number bigint
);
create table silver.watermarks as
from (values
    ('lms_loan_daily', 1, timestamp '2024-05-02', date '2024-05-01', null),
    ('lms_loan_daily', 2, timestamp '2024-09-02', date '2024-09-01', date '2024-05-01')
) as loads (source, load_id, landed_at, watermark, watermark_before);
"""
LANDED_AT = {1: datetime(2024, 5, 2), 2: datetime(2024, 9, 2)}


@pytest.fixture(scope="module")
def bronze() -> duckdb.DuckDBPyConnection:
    """Empty tables of the kinds that repayments are read from, and the watermarks of two loads."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(SILVER)
        create_bronze(connection, ["lms_loan_daily"])
        yield connection


def repayments_of(
    bronze: duckdb.DuckDBPyConnection, rows: list[tuple[int, int, str, str]], loans: str = ""
) -> list[dict[str, Any]]:
    """silver.loan_repayments of such rows: load, month of 2024, due_amt, overdue_amt.

    `loans` has the id of each row's loan, a letter each; without it all are of one.
    """
    found = [
        {
            "loan_id": loan,
            "loan_start_date": "2024-01-01",
            "tenure": "3",
            "installment_num": str(month - 1),
            "due_amt": due,
            "overdue_amt": overdue,
            "snapshot_date": f"2024-{month:02}-01",
            "_load_id": load,
            "_row_number": number,
            "_source_file": "f",
            "_landed_at": LANDED_AT[load],
        }
        for number, ((load, month, due, overdue), loan) in enumerate(
            zip(rows, loans or "x" * len(rows), strict=True)
        )
    ]
    fill(bronze, "bronze.lms_loan_daily", found)
    return rows_of(bronze, compiled_model("loan_repayments"))


def test_days_past_due_go_on_counting_after_the_last_instalment(bronze):
    """Two of three instalments of 100 are never paid, and a part of them long after the term."""
    due = ("100", "100", "100", "0", "0", "0")
    overdue = ("0", "100", "200", "200", "100.5", "0")
    rows = repayments_of(bronze, list(zip([1] * 6, range(2, 8), due, overdue, strict=True)))
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
    st.tuples(st.sampled_from("xyz"), st.sampled_from([1, 2]), st.integers(1, 9)),
    st.tuples(
        st.sampled_from(["0", "0", "100", "50", "_"]),
        st.sampled_from(["0", "50", "100", "150.01", "200", "_"]),
    ),
    max_size=30,
)


def test_days_past_due_are_right_on_any_rows(bronze):
    @settings(max_examples=20, deadline=None, database=None)
    @given(REPORTED)
    def holds(reported):
        keys = "".join(loan for loan, _, _ in reported)
        given_rows = [(load, month, *amounts) for (_, load, month), amounts in reported.items()]
        rows = repayments_of(bronze, given_rows, keys)
        assert len(rows) == len(reported)
        for row in rows:
            of_loan = [other for other in rows if other["loan_id"] == row["loan_id"]]
            assert row["days_past_due"] == days_past_due(row, of_loan)

    holds()
