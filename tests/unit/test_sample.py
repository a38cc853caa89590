"""The sample files are repeatable, shaped as the real ones, and dirty in every promised way."""

import csv
import gzip
import itertools
import re
from collections import Counter, defaultdict
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from warehouse.base.paths import DATA_DIR
from warehouse.sample import __main__ as command
from warehouse.sample import files

HEADERS = {
    "features_attributes.csv": "Customer_ID,Name,Age,SSN,Occupation,snapshot_date",
    "features_financials.csv": (
        "Customer_ID,Annual_Income,Monthly_Inhand_Salary,Num_Bank_Accounts,Num_Credit_Card,"
        "Interest_Rate,Num_of_Loan,Type_of_Loan,Delay_from_due_date,Num_of_Delayed_Payment,"
        "Changed_Credit_Limit,Num_Credit_Inquiries,Credit_Mix,Outstanding_Debt,"
        "Credit_Utilization_Ratio,Credit_History_Age,Payment_of_Min_Amount,Total_EMI_per_month,"
        "Amount_invested_monthly,Payment_Behaviour,Monthly_Balance,snapshot_date"
    ),
    "feature_clickstream.csv": (
        "fe_1,fe_2,fe_3,fe_4,fe_5,fe_6,fe_7,fe_8,fe_9,fe_10,fe_11,fe_12,fe_13,fe_14,fe_15,fe_16,"
        "fe_17,fe_18,fe_19,fe_20,Customer_ID,snapshot_date"
    ),
    "lms_loan_daily.csv": (
        "loan_id,Customer_ID,loan_start_date,tenure,installment_num,loan_amt,due_amt,paid_amt,"
        "overdue_amt,balance,snapshot_date"
    ),
}
KEYS = {file: "loan_id" if file.startswith("lms") else "Customer_ID" for file in HEADERS}
HORIZON = "2025-04-01"

Row = dict[str, str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of the size that the project ships."""
    out = tmp_path_factory.mktemp("sample")
    files.write_files(1200, 7, out)
    return out


@cache
def read(folder: Path, file: str) -> list[Row]:
    """The rows of a file that have all their fields."""
    with (folder / file).open(newline="") as lines:
        return [row for row in csv.DictReader(lines) if None not in row.values()]


def is_date(given: str) -> bool:
    """Whether a text is a day of the calendar."""
    try:
        return bool(date.fromisoformat(given))
    except ValueError:
        return False


@cache
def usable(folder: Path, file: str) -> list[Row]:
    """The rows with a key and a possible date."""
    return [row for row in read(folder, file) if row[KEYS[file]] and is_date(row["snapshot_date"])]


def contents(folder: Path) -> dict[str, bytes]:
    """The four files, byte for byte."""
    return {file: (folder / file).read_bytes() for file in HEADERS}


def by_customer(rows: list[Row]) -> dict[str, list[Row]]:
    """Rows grouped by customer."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["Customer_ID"]].append(row)
    return groups


@cache
def starts(folder: Path) -> dict[str, list[str]]:
    """The days on which each customer's loans began."""
    loans = by_customer(usable(folder, "lms_loan_daily.csv"))
    return {
        customer: sorted({row["loan_start_date"] for row in rows})
        for customer, rows in loans.items()
    }


# Repeatable


def test_same_bytes_whatever_the_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files.write_files(150, 3, tmp_path / "one")
    monkeypatch.setattr(files, "BLOCK", 80)
    files.write_files(150, 3, tmp_path / "three")
    assert contents(tmp_path / "one") == contents(tmp_path / "three")


def test_one_customer_is_the_same_alone_and_among_many(folder: Path, tmp_path: Path) -> None:
    assert command.main(["--customers", "1", "--seed", "7", "--out", str(tmp_path)]) == 0
    for file, text in contents(tmp_path).items():
        lines = text.split(b"\n")
        assert lines[0].decode() == HEADERS[file]
        assert set(lines) <= set(contents(folder)[file].split(b"\n"))
    assert len(read(tmp_path, "lms_loan_daily.csv")) >= 4


def test_the_files_of_the_project_are_those_of_make_sample(folder: Path) -> None:
    assert contents(folder) == contents(DATA_DIR)


def test_another_seed_replaces_every_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    files.write_files(5, 1, tmp_path)
    first = contents(tmp_path)
    files.write_files(5, 2, tmp_path)
    second = contents(tmp_path)
    assert not any(first[file] == second[file] for file in HEADERS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(HEADERS)


# Shaped as the real set


@pytest.mark.parametrize(
    ("file", "column", "pattern", "low", "high"),
    [  # shares in the real set: 5.1 %, 0.8 %, 1.6 %, ...
        ("features_attributes.csv", "Age", r"\d+_", 0.03, 0.08),
        ("features_attributes.csv", "Age", r"-500", 0.003, 0.02),
        ("features_attributes.csv", "Age", r"\d{3,4}_?", 0.005, 0.03),
        ("features_attributes.csv", "Age", r"1[4-7]_?", 0.03, 0.10),
        ("features_attributes.csv", "SSN", r"#F%\$D@\*&8", 0.04, 0.08),
        ("features_attributes.csv", "SSN", r"9\d\d-[0-4]\d-\d{4}", 0.92, 0.96),
        ("features_attributes.csv", "Occupation", r"_______", 0.05, 0.10),
        ("features_attributes.csv", "Name", r'.*".*', 0.001, 0.03),
        ("features_attributes.csv", "Name", r", .*", 0.0001, 0.01),
        ("features_financials.csv", "Annual_Income", r"[\d.]+_", 0.05, 0.10),
        ("features_financials.csv", "Annual_Income", r"\d{7,8}\.0_?", 0.003, 0.02),
        ("features_financials.csv", "Num_Bank_Accounts", r"-1", 0.0001, 0.005),
        ("features_financials.csv", "Num_Bank_Accounts", r"\d{3,4}", 0.005, 0.03),
        ("features_financials.csv", "Num_Credit_Card", r"\d{3,4}", 0.01, 0.04),
        ("features_financials.csv", "Interest_Rate", r"\d{3,4}", 0.01, 0.04),
        ("features_financials.csv", "Num_of_Loan", r"\d_", 0.03, 0.07),
        ("features_financials.csv", "Num_of_Loan", r"-100", 0.025, 0.06),
        ("features_financials.csv", "Num_of_Loan", r"\d{2,4}_?", 0.001, 0.02),
        ("features_financials.csv", "Type_of_Loan", r"", 0.08, 0.15),
        ("features_financials.csv", "Type_of_Loan", r"[^,]+(, [^,]+)*, and [^,]+", 0.6, 0.9),
        ("features_financials.csv", "Type_of_Loan", r".*Not Specified.*", 0.25, 0.45),
        ("features_financials.csv", "Delay_from_due_date", r"-[1-5]", 0.002, 0.02),
        ("features_financials.csv", "Num_of_Delayed_Payment", r"\d+_", 0.02, 0.05),
        ("features_financials.csv", "Num_of_Delayed_Payment", r"-[1-3]_?", 0.002, 0.02),
        ("features_financials.csv", "Num_of_Delayed_Payment", r"\d{3,4}_?", 0.002, 0.02),
        ("features_financials.csv", "Changed_Credit_Limit", r"_", 0.01, 0.04),
        ("features_financials.csv", "Num_Credit_Inquiries", r"\d{1,2}\.0", 0.95, 1),
        ("features_financials.csv", "Num_Credit_Inquiries", r"\d{3,4}\.0", 0.005, 0.03),
        ("features_financials.csv", "Credit_Mix", r"_", 0.17, 0.25),
        ("features_financials.csv", "Outstanding_Debt", r"[\d.]+_", 0.005, 0.02),
        ("features_financials.csv", "Credit_History_Age", r"\d+ Years and \d+ Months", 1, 1),
        ("features_financials.csv", "Payment_of_Min_Amount", r"NM", 0.08, 0.15),
        ("features_financials.csv", "Total_EMI_per_month", r"\d{4,5}\.0", 0.02, 0.05),
        ("features_financials.csv", "Amount_invested_monthly", r"__10000__", 0.03, 0.07),
        ("features_financials.csv", "Payment_Behaviour", r"!@9#%8", 0.06, 0.11),
        ("features_financials.csv", "Monthly_Balance", r"__-3{27}__", 0.0001, 0.005),
        ("feature_clickstream.csv", "fe_20", r"-\d+", 0.1, 0.2),
        ("feature_clickstream.csv", "fe_1", r"-?\d+", 1, 1),
        ("lms_loan_daily.csv", "balance", r"\d+\.0", 1, 1),
    ],
)
def test_values_and_dirt_are_as_common_as_in_the_real_set(
    folder: Path, file: str, column: str, pattern: str, low: float, high: float
) -> None:
    values = [row[column] for row in read(folder, file)]
    found = sum(1 for value in values if re.fullmatch(pattern, value))
    assert low <= found / len(values) <= high


def test_placeholders_are_not_in_quotes(folder: Path) -> None:
    text = b"".join(contents(folder).values())
    assert b",#F%$D@*&8," in text
    assert b",!@9#%8," in text


def test_number_of_loans_is_the_length_of_the_list(folder: Path) -> None:
    for row in usable(folder, "features_financials.csv"):
        loans = int(row["Num_of_Loan"].rstrip("_"))
        if 0 <= loans <= 9:
            kinds = row["Type_of_Loan"].replace(", and ", ", ").split(", ")
            assert loans == (len(kinds) if row["Type_of_Loan"] else 0)


def test_income_goes_with_salary(folder: Path) -> None:
    rows = usable(folder, "features_financials.csv")
    ratios = [
        float(row["Annual_Income"].rstrip("_")) / 12 / float(row["Monthly_Inhand_Salary"])
        for row in rows
    ]
    assert sum(0.67 <= ratio <= 1.5 for ratio in ratios) / len(ratios) > 0.97


def test_loan_amounts_add_up(folder: Path) -> None:
    for row in usable(folder, "lms_loan_daily.csv"):
        month = int(row["installment_num"])
        assert float(row["due_amt"]) == (1000 if month else 0)
        paid = 10000 - float(row["balance"])
        assert float(row["overdue_amt"]) == 1000 * month - paid
        assert row["loan_id"] == f"{row['Customer_ID']}_{row['loan_start_date'].replace('-', '_')}"
        first, now = (date.fromisoformat(row[c]) for c in ("loan_start_date", "snapshot_date"))
        assert (now.year - first.year) * 12 + now.month - first.month == month


def test_about_as_many_loans_default_as_in_the_real_set(folder: Path) -> None:
    overdue = {
        row["loan_id"]: float(row["overdue_amt"])  # the last row is right
        for row in usable(folder, "lms_loan_daily.csv")
        if row["installment_num"] == "6"
    }
    assert 0.25 < sum(amount >= 1000 for amount in overdue.values()) / len(overdue) < 0.33


def test_counters_carry_the_signal_and_the_noise(folder: Path) -> None:
    in_default = {
        row["Customer_ID"]
        for row in usable(folder, "lms_loan_daily.csv")
        if float(row["overdue_amt"]) >= 2000
    }
    means = {}
    for column in ("fe_5", "fe_10", "fe_20"):
        groups: dict[bool, list[int]] = {True: [], False: []}
        for row in usable(folder, "feature_clickstream.csv"):
            groups[row["Customer_ID"] in in_default].append(int(row[column]))
        means[column] = sum(groups[True]) / len(groups[True]) - sum(groups[False]) / len(
            groups[False]
        )
    assert means["fe_5"] > 10
    assert means["fe_10"] < -10
    assert abs(means["fe_20"]) < 8


# What the real set lacks


@pytest.mark.parametrize("file", HEADERS)
def test_nothing_is_known_after_the_horizon(folder: Path, file: str) -> None:
    days = {row["snapshot_date"] for row in usable(folder, file)}
    assert max(days) <= HORIZON


def test_loans_run_over_the_calendar_and_some_labels_are_open(folder: Path) -> None:
    rows = usable(folder, "lms_loan_daily.csv")
    days = {row["loan_start_date"] for row in rows}
    assert (min(days), max(days), len(days)) == ("2023-01-01", "2025-01-01", 25)
    labelled = {row["loan_start_date"] for row in rows if row["installment_num"] == "6"}
    assert max(labelled) == "2024-10-01"
    assert max(row["snapshot_date"] for row in rows) == HORIZON


def test_some_customers_borrow_again_later(folder: Path) -> None:
    loans = Counter(len(days) for days in starts(folder).values())
    assert set(loans) == {1, 2, 3}
    assert 0.05 < (loans[2] + loans[3]) / sum(loans.values()) < 0.2


@pytest.mark.parametrize("file", ["features_attributes.csv", "features_financials.csv"])
def test_profiles_are_seen_before_on_and_after_the_application(folder: Path, file: str) -> None:
    first = {customer: days[0] for customer, days in starts(folder).items()}
    groups = by_customer(usable(folder, file))
    assert sum(len({row["snapshot_date"] for row in rows}) > 1 for rows in groups.values()) > 100
    seen = Counter(
        (row["snapshot_date"] > first[customer]) - (row["snapshot_date"] < first[customer])
        for customer, rows in groups.items()
        for row in rows
    )
    assert min(seen[-1], seen[0], seen[1]) > 100
    only_later = [
        customer
        for customer, rows in groups.items()
        if min(row["snapshot_date"] for row in rows) > first[customer]
    ]
    assert only_later


@pytest.mark.parametrize("file", ["features_attributes.csv", "features_financials.csv"])
def test_some_customers_have_no_profile(folder: Path, file: str) -> None:
    absent = set(starts(folder)) - {row["Customer_ID"] for row in read(folder, file)}
    assert 5 <= len(absent) <= 60


def test_profiles_change_slowly(folder: Path) -> None:
    changes = []
    for rows in by_customer(usable(folder, "features_financials.csv")).values():
        days = {row["snapshot_date"]: float(row["Outstanding_Debt"].rstrip("_")) for row in rows}
        debts = [debt for _, debt in sorted(days.items())]
        changes += [abs(later - earlier) for earlier, later in itertools.pairwise(debts)]
    assert sum(change > 0 for change in changes) / len(changes) > 0.9
    assert sum(changes) / len(changes) < 300


def test_clickstream_is_there_for_early_loans_only_and_has_gaps(folder: Path) -> None:
    first = {customer: days[0] for customer, days in starts(folder).items()}
    groups = by_customer(usable(folder, "feature_clickstream.csv"))
    assert max(first[customer] for customer in groups) == "2024-06-01"
    months = {c: {row["snapshot_date"] for row in rows} for c, rows in groups.items()}
    assert {day for days in months.values() for day in days} == {
        f"{year}-{month:02}-01" for year in (2023, 2024) for month in range(1, 13)
    }
    assert sum(len(days) == 24 for days in months.values()) > len(months) / 2
    assert sum(len(days) < 21 for days in months.values()) > 50
    early = {customer for customer, day in first.items() if day <= "2024-06-01"}
    assert early - set(groups)


def test_some_repayment_months_are_missing(folder: Path) -> None:
    months = defaultdict(set)
    for row in usable(folder, "lms_loan_daily.csv"):
        months[row["loan_id"]].add(int(row["installment_num"]))
    assert any(6 not in seen and max(seen) > 6 for seen in months.values())
    assert sum(len(seen) <= max(seen) for seen in months.values()) < len(months) / 10


def test_some_loans_slip_once_and_recover(folder: Path) -> None:
    overdue = defaultdict(dict)
    for row in usable(folder, "lms_loan_daily.csv"):
        overdue[row["loan_id"]][int(row["installment_num"])] = float(row["overdue_amt"])
    peaks = Counter(max(amounts.values()) for amounts in overdue.values() if amounts.get(10) == 0)
    assert peaks[500] and peaks[1000]


@pytest.mark.parametrize("file", HEADERS)
def test_rows_come_twice_restated_and_late(folder: Path, file: str) -> None:
    place = [column for column in (KEYS[file], "installment_num") if column in HEADERS[file]]
    versions = defaultdict(list)
    for number, row in enumerate(usable(folder, file)):
        versions[tuple(row[c] for c in place), row["snapshot_date"]].append((number, row))
    twice = [found for found in versions.values() if len(found) > 1]
    total = sum(len(found) for found in versions.values())
    assert any(first == second for (_, first), (_, second) in twice)
    assert any(first != second for (_, first), (_, second) in twice)
    assert len(twice) < 0.03 * total
    tail = usable(folder, file)[-(len(twice) + 5) :]
    late = [
        row
        for row in tail
        if len(versions[tuple(row[c] for c in place), row["snapshot_date"]]) == 1
    ]
    assert any(row["snapshot_date"] < "2024-06-01" for row in late)


@pytest.mark.parametrize("file", HEADERS)
def test_a_few_rows_cannot_be_used(folder: Path, file: str) -> None:
    with (folder / file).open(newline="") as lines:
        header, *rows = csv.reader(lines)
    key, day = header.index(KEYS[file]), header.index("snapshot_date")
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
        (["--customers", "0", "--out", "x"], "--customers: must be a whole number, 1 or more"),
        (["--customers", "ten", "--out", "x"], "--customers: must be a whole number"),
        (["--seed", "-1", "--out", "x"], "--seed"),
        ([], "--out"),
    ],
)
def test_a_bad_call_is_one_clear_line(
    options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        command.main(options)
    *_, last = capsys.readouterr().err.splitlines()
    assert stopped.value.code != 0
    assert "error: " in last and complaint in last


def test_a_folder_that_cannot_be_written_is_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert command.main(["--customers", "1", "--out", str(tmp_path / "file" / "out")]) != 0
    output = capsys.readouterr().err
    assert output.startswith("error: cannot write to ") and output.count("\n") == 1
    assert (tmp_path / "file").read_text() == "in the way"


# Deliveries by month


def delivered(folder: Path, source: str) -> dict[str, list[Row]]:
    """The rows of each delivery of a source, by month of delivery."""
    rows = {}
    for path in sorted((folder / source).iterdir()):
        with gzip.open(path, "rt", newline="") as lines:
            rows[path.name[:7]] = [r for r in csv.DictReader(lines) if None not in r.values()]
    return rows


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("deliveries")
    files.write_deliveries(300, 7, out, is_gzipped=True)
    return out


def test_deliveries_hold_the_rows_of_the_single_files(deliveries: Path, tmp_path: Path) -> None:
    files.write_files(300, 7, tmp_path)
    for file in HEADERS:
        lines = [
            line
            for path in (deliveries / file.removesuffix(".csv")).iterdir()
            for line in gzip.decompress(path.read_bytes()).splitlines()[1:]
        ]
        assert Counter(lines) == Counter((tmp_path / file).read_bytes().splitlines()[1:])


def test_late_rows_and_corrections_come_a_month_after_their_month(deliveries: Path) -> None:
    earlier, late, corrected = set(), 0, 0
    for month, rows in delivered(deliveries, "lms_loan_daily").items():
        keys = {
            (row["loan_id"], row["snapshot_date"]) for row in rows if is_date(row["snapshot_date"])
        }
        assert all(day[:7] <= month for _, day in keys)
        corrected += len(keys & earlier)
        late += sum(day[:7] < month for _, day in keys - earlier)
        earlier |= keys
    assert late and corrected
