"""Files of credit-bureau enquiries for the customers of a data folder."""

import csv
import gzip
from datetime import datetime, timedelta
from pathlib import Path

HEADER = ("enquiry_id", "Customer_ID", "phone", "enquired_at", "enquiry_type", "amount")
DAYS = (-400, -80, -5, -5, 0, 20)  # of the enquiries, from the day of a loan's application on
TYPES = ("credit_card", "personal_loan", "mortgage")
BAD_ROWS = (
    ("E_no_date", "CUS_nobody", "555-9999", "2024-02-30 10:00:00", "mortgage", "100.00"),
    ("", "CUS_nobody", "555-9999", "2024-01-30 10:00:00", "mortgage", "100.00"),
)


def write_enquiries(data_dir: Path) -> list[tuple[str, ...]]:
    """Write two files, one of them gzip, and return their good rows.

    Every third loan of lms_loan_daily.csv has enquiries before, on and after the day of its
    application, two of them on one day; every seventh amount is no number. The second file
    ends with a row without a date and one without a key.
    """
    with (data_dir / "lms_loan_daily.csv").open(newline="") as file:
        loans = sorted(
            {(row["Customer_ID"], row["loan_start_date"]) for row in csv.DictReader(file)}
        )
    rows = []
    for customer, day in [loan for loan in loans if loan[0].strip()][::3]:
        applied = datetime.fromisoformat(day)
        for place, days in enumerate(DAYS):
            number = len(rows)
            moment = applied + timedelta(days=days, hours=9 + place, seconds=number % 60)
            amount = "unknown" if number % 7 == 6 else f"{500 + number % 90}.50"
            kind = TYPES[number % len(TYPES)]
            phone = f"555-{number % 10_000:04}"
            rows.append((f"E{number}", customer, phone, str(moment), kind, amount))
    half = len(rows) // 2
    with (data_dir / "bureau_enquiries_1.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows[:half]])
    with gzip.open(data_dir / "bureau_enquiries_2.csv.gz", "wt", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows[half:], *BAD_ROWS])
    return rows
