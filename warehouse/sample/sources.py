"""The raw files of the sample, and the queries of their rows.

The rows of a source are one SQL query over a block of customers (`sql/*.sql`). It also gives each
row a fate, a customer number and a position; the three parts of a file are selected by fate: the
body in order, ragged rows, and a tail of late rows, second copies and right versions.
"""

import zlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jinja2

from warehouse.sample import draws, settings

COUNTERS = tuple(f"fe_{number}" for number in range(1, 21))
PARTS = ("body", "ragged", "tail")
FATES = {
    "body": "not in ('late', 'missing', 'ragged')",
    "ragged": "= 'ragged'",
    "tail": "in ('late', 'duplicate', 'restated')",
}


@dataclass(frozen=True)
class Source:
    """A raw file: its columns, the template of its rows, and how a row of it goes wrong."""

    name: str
    template: str
    columns: tuple[str, ...]
    fields_of_ragged: int
    first_version: dict[str, str] = field(default_factory=dict)  # of a restated row: column -> SQL
    key: str = "Customer_ID"
    is_by_month: bool = False  # one month after the other; else one customer after the other

    @property
    def file(self) -> str:
        """Return the name of the file."""
        return f"{self.name}.csv"

    def rows(self, seed: int, customers: range, months: range) -> str:
        """Return the query of all rows of some customers and months, both by number.

        It also gives fate, customer_no and position.
        """
        template = _templates().get_template(self.template)
        return template.render(seed=seed, customers=customers, months=months)

    def select(self, part: str, relation: str, condition: str = "true") -> str:
        """Return the query of a part of the file over the rows in a relation."""
        columns = {column: f'"{column}"' for column in self.columns}
        order = "customer_no, position"
        if part == "ragged":
            columns = dict(list(columns.items())[: self.fields_of_ragged])
        if part == "body":
            columns = self._spoilt(columns)
            order = "position, customer_no" if self.is_by_month else order
        selected = ", ".join(f'{sql} as "{column}"' for column, sql in columns.items())
        return (
            f"select {selected} from {relation}"
            f" where fate {FATES[part]} and {condition} order by {order}"
        )

    def _spoilt(self, columns: dict[str, str]) -> dict[str, str]:
        """Return columns with the first versions, lost keys and bad dates of the body."""
        spoilt = dict(columns)
        for column, first_version in self.first_version.items():
            spoilt[column] = f"if(fate = 'restated', {first_version}, {columns[column]})"
        spoilt[self.key] = f"if(fate = 'no_key', null, {columns[self.key]})"
        spoilt["snapshot_date"] = (
            "case fate when 'no_date' then null "
            "when 'bad_date' then strftime(snapshot_date, '%Y-02-30') "
            "else cast(snapshot_date as varchar) end"
        )
        return spoilt


@cache
def _templates() -> jinja2.Environment:
    """Return the SQL templates, which see all settings and draws by name."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "sql"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for module in (settings, draws):
        environment.globals |= {k: v for k, v in vars(module).items() if not k.startswith("_")}
    environment.globals["crc32"] = lambda text: zlib.crc32(text.encode())
    return environment


SOURCES = (
    Source(
        name="features_attributes",
        template="attributes.sql",
        columns=("Customer_ID", "Name", "Age", "SSN", "Occupation", "snapshot_date"),
        fields_of_ragged=4,
        first_version={"Occupation": "if(Occupation = 'Manager', 'Writer', 'Manager')"},
    ),
    Source(
        name="features_financials",
        template="financials.sql",
        columns=(
            "Customer_ID", "Annual_Income", "Monthly_Inhand_Salary", "Num_Bank_Accounts",
            "Num_Credit_Card", "Interest_Rate", "Num_of_Loan", "Type_of_Loan",
            "Delay_from_due_date", "Num_of_Delayed_Payment", "Changed_Credit_Limit",
            "Num_Credit_Inquiries", "Credit_Mix", "Outstanding_Debt",
            "Credit_Utilization_Ratio", "Credit_History_Age", "Payment_of_Min_Amount",
            "Total_EMI_per_month", "Amount_invested_monthly", "Payment_Behaviour",
            "Monthly_Balance", "snapshot_date",
        ),
        fields_of_ragged=9,
        first_version={"Interest_Rate": "cast(cast(Interest_Rate as integer) + 1 as varchar)"},
    ),
    Source(
        name="feature_clickstream",
        template="clickstream.sql",
        columns=(*COUNTERS, "Customer_ID", "snapshot_date"),
        fields_of_ragged=12,
        # A month that was not over when it was first counted.
        first_version={column: f"{column} * 9 // 10" for column in COUNTERS},
        is_by_month=True,
    ),
    Source(
        name="lms_loan_daily",
        template="loans.sql",
        columns=(
            "loan_id", "Customer_ID", "loan_start_date", "tenure", "installment_num", "loan_amt",
            "due_amt", "paid_amt", "overdue_amt", "balance", "snapshot_date",
        ),
        fields_of_ragged=6,
        first_version={
            "paid_amt": "paid_amt + misbooked",
            "overdue_amt": "overdue_amt - misbooked",
            "balance": "balance - misbooked",
        },
        key="loan_id",
    ),
)  # fmt: skip
