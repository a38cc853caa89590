"""Each way in which a file can break ends in a refusal, or in a row kept, judged and counted."""

import csv
from collections import Counter

import pytest

from tests.support.bronze import contracts
from tests.support.loads import Landed, fates, good_rows, line_of, sample_lines
from warehouse.base.errors import UserError

LOANS, ATTRIBUTES = "lms_loan_daily", "features_attributes"
HOSTILE = [
    "'; drop table silver.customer_attributes; --",
    '"; drop schema gold cascade; --',
    "../../../etc/passwd",
    "$(touch /tmp/owned)`id`",
    "{{ var('as_of') }}",
    "{% raw %}",
    "__HIVE_DEFAULT_PARTITION__",
    "snapshot_date=2023-01-01",
    "a,b",
    'say "hi"',
    "Ünïcödé 名前 🏦 \u202e rtl",
    "%s %d {0} \\n \\",
    "NULL",
    "x" * 5_000,
]


@pytest.fixture(scope="module")
def landed(spark, sample_datamart, tmp_path_factory) -> Landed:
    """One load of all that can be wrong with a row, each in a row of its own key."""
    folder = tmp_path_factory.mktemp("landed") / 'it\'s; drop table x -- ${HOME} {b} %41 "q" é'
    folder.mkdir()
    warehouse = Landed(folder, spark, sample_datamart)
    lines = {source: good_rows(source, 40)[1:] for source in contracts()}
    lines[LOANS] += [make() for _, make, _ in QUARANTINED]
    for number, (source, column, text) in enumerate(NULLED):
        key = "loan_id" if source == LOANS else "Customer_ID"
        lines[source].append(changed(source, **{column: text, key: f"NULLED{number}"}))
    for text in HOSTILE:
        lines[LOANS].append(changed(LOANS, loan_id=text, Customer_ID=text))
        lines[LOANS].append(changed(LOANS, snapshot_date=text))
    long = "y" * 10_000_000
    people = {text: text for text in (*HOSTILE, 'two\nlines, "quoted"')} | {"LONG": long}
    for key, text in people.items():
        cells = {"Customer_ID": key, "Name": text, "SSN": text[:5000], "Occupation": text}
        lines[ATTRIBUTES].append(changed(ATTRIBUTES, **cells))
    warehouse.land(
        {
            f"{source}.csv": "\n".join([sample_lines(source)[0], *rows, ""])
            for source, rows in lines.items()
        }
    )
    return warehouse


@pytest.fixture(scope="module")
def con(landed):
    return landed.build("feature_store", "training_set")


def changed(source: str, **cells: str) -> str:
    """One good line of a source with other values in some columns."""
    header = next(csv.reader([sample_lines(source)[0]]))
    values = dict(zip(header, next(csv.reader(good_rows(source, 1))), strict=True))
    assert set(cells) <= set(header)
    return line_of((values | cells).values())


# line of the file -> the reason with which the row is kept
QUARANTINED = [
    ("ragged: too few", lambda: good_rows(LOANS, 1)[0].rsplit(",", 2)[0], "malformed_row"),
    ("ragged: too many", lambda: good_rows(LOANS, 1)[0] + ",1", "malformed_row"),
    ("no key", lambda: changed(LOANS, loan_id=""), "missing_key"),
    ("filler key", lambda: changed(LOANS, loan_id="____"), "missing_key"),
    ("blank key", lambda: changed(LOANS, loan_id="   "), "missing_key"),
    *(
        (f"snapshot {text}", lambda text=text: changed(LOANS, snapshot_date=text), reason)
        for reason, texts in {
            "invalid_snapshot_date": [
                "1/5/2023", "5/1/23", "2023-02-30", "2023-13-01", "2023-05-01 00:00:00",
                "2023-05-01T00:00:00Z", "2023-05-01+02:00", "20230501", "May 1, 2023", "45047",
                "2023/05/01", "01-05-2023", "", "NULL", "0000-00-00", "../2023-05-01",
                "'; drop table x; --", "２０２３-05-01",
            ],
        }.items()
        for text in texts
    ),
    *(
        (f"loan start {text}", lambda text=text: changed(LOANS, loan_start_date=text), reason)
        for reason, texts in {
            "invalid_loan_start_date": ["1/5/2023", "2023-02-30", "2023-05-01 10:00", ""],
            "snapshot_before_loan_start": ["2024-01-01"],
        }.items()
        for text in texts
    ),
    *(
        (f"month on book {text!r}", lambda text=text: changed(LOANS, installment_num=text), why)
        for why in ["invalid_installment_num"]
        for text in ["", "-1", "1.5", "1,000", "x", "1e3"]
    ),
]  # fmt: skip


def test_a_bad_row_is_kept_with_its_reason(con):
    expected = Counter(reason for _, _, reason in QUARANTINED)
    expected["invalid_snapshot_date"] += len(HOSTILE)
    nulled = sum(source == LOANS for source, _, _ in NULLED)
    expected["used"] = 39 + nulled + len(HOSTILE)
    assert fates(con, LOANS) == expected
    assert con.execute(
        "select count(*) from silver.quarantine where raw_row is null"
    ).fetchone() == (0,)


# a value that is no such value: the row is used, the value is null and the row says so
NULLED = [
    (LOANS, "paid_amt", "1,000"),
    (LOANS, "paid_amt", "1.000,50"),
    (LOANS, "paid_amt", "1 000"),
    (LOANS, "paid_amt", "$1000"),
    (LOANS, "paid_amt", "0x10"),
    (LOANS, "paid_amt", "1_000"),
    (LOANS, "paid_amt", "nan"),
    (LOANS, "paid_amt", "Infinity"),
    (LOANS, "paid_amt", "1e308"),
    (LOANS, "paid_amt", "9" * 400),
    (LOANS, "paid_amt", "１００"),
    (LOANS, "tenure", "10.5"),
    (ATTRIBUTES, "Age", "thirty"),
    (ATTRIBUTES, "Age", "3,0"),
    (ATTRIBUTES, "Age", "30; drop table x"),
    (ATTRIBUTES, "Occupation", "'; drop table x; --"),
    ("features_financials", "Annual_Income", "50,000.00"),
    ("features_financials", "Credit_History_Age", "99999999999999999999 Years and 3 Months"),
    ("features_financials", "Credit_History_Age", "600 months"),
    ("features_financials", "Payment_Behaviour", "High_spent_'_value_payments"),
    ("feature_clickstream", "fe_1", "1,234"),
    ("feature_clickstream", "fe_1", "99999999999999999999"),
]
SILVER_COLUMN = {"fe_1": "fe_1", "Payment_Behaviour": "payment_size"} | {
    "Credit_History_Age": "credit_history_age_months"
}


def test_a_value_that_cannot_be_read_becomes_null_and_the_row_says_so(con):
    assert {source for source, _, _ in NULLED} == set(contracts())
    for number, (source, column, text) in enumerate(NULLED):
        key = "loan_id" if source == LOANS else "customer_id"
        table = {
            LOANS: "loan_repayments",
            ATTRIBUTES: "customer_attributes",
            "features_financials": "customer_financials",
            "feature_clickstream": "clickstream",
        }[source]
        cleaned = SILVER_COLUMN.get(column, column.lower())
        value, actions = con.execute(
            f"select {cleaned}, cleaning_actions from silver.{table} where {key} = ?",
            [f"NULLED{number}"],
        ).fetchone()
        effects = [action.split(":")[0] for action in actions]
        assert value is None, f"{column} {text!r} was read as {value!r}"
        assert {cleaned, column.lower()} & set(effects), f"{column} {text!r}: null without a reason"


def test_hostile_and_long_text_is_only_text(con, landed):
    """As a key, as a date, as any value, and as the folder of everything."""
    nulled = sum(source == ATTRIBUTES for source, _, _ in NULLED)
    assert fates(con, ATTRIBUTES) == {"used": 39 + nulled + len(HOSTILE) + 2}
    for table, key in (("customer_attributes", "customer_id"), ("loan_repayments", "loan_id")):
        found = con.execute(f"select {key} from silver.{table}").fetchall()
        assert {text.rstrip("_") for text in HOSTILE} <= {value for (value,) in found}
    folders = {path.name for path in (landed.bronze / LOANS).iterdir()}
    assert all(name.startswith("snapshot_date=2") or "HIVE" in name for name in folders)
    names = con.execute("select max(length(Name)) from bronze.features_attributes").fetchone()
    assert names == (10_000_000,)


TRUNCATED = good_rows(LOANS, 1)[0][:-2] + "15"  # of which 2023-05-1 could be left


def test_a_truncated_last_line_is_never_a_wrong_value(spark, sample_datamart, tmp_path):
    """Cut anywhere, the last line is quarantined, or whole; its last column is a date."""
    cuts = (2, 38, len(TRUNCATED) - 10, len(TRUNCATED) - 1)
    header, good = sample_lines(LOANS)[0], good_rows(LOANS, 2)[1]
    warehouse = Landed(tmp_path, spark, sample_datamart)
    warehouse.land(
        {f"{LOANS}_{cut}.csv": "\n".join([header, good, good, TRUNCATED[:cut]]) for cut in cuts}
    )
    found = fates(warehouse.build(), LOANS)
    assert found.pop("used") == 1
    assert found.pop("duplicate") == 2 * len(cuts) - 1
    assert found.total() == len(cuts)


def test_a_broken_file_is_refused_in_one_line_and_leaves_nothing(landed):
    before = sorted(path for path in landed.bronze.rglob("*.parquet"))
    broken = "\n".join(sample_lines(LOANS)[:30]).replace("tenure", "[bold]{{ x }}%s", 1)
    with pytest.raises(UserError, match=r"lms_loan_daily\.csv") as refused:
        landed.land({f"{LOANS}.csv": broken})
    assert "\n" not in str(refused.value)
    assert sorted(path for path in landed.bronze.rglob("*.parquet")) == before
