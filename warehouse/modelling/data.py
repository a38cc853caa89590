"""The labelled loans that the credit models read: which columns, and which loans train and test."""

from dataclasses import dataclass

import pandas as pd
from duckdb import DuckDBPyConnection

CLICKSTREAM = "clickstream"
KEPT = ("loan_id", "application_date", "label_date", "split", "label", f"{CLICKSTREAM}_null_reason")


@dataclass(frozen=True)
class Columns:
    """The features that the models read, as gold.feature_catalog describes them.

    numbers, categories: by feature group, without the clickstream; counters: monthly counters of
    the clickstream, of which <counter>_sum_all and <counter>_count_all are read.
    """

    numbers: dict[str, list[str]]
    categories: dict[str, list[str]]
    counters: list[str]

    @property
    def all_numbers(self) -> list[str]:
        """The numbers of all groups."""
        return [name for names in self.numbers.values() for name in names]

    @property
    def all_categories(self) -> list[str]:
        """The categories of all groups."""
        return [name for names in self.categories.values() for name in names]

    @property
    def evidence(self) -> list[str]:
        """The columns of the clickstream's history: a sum and a count per counter."""
        return [f"{counter}_{kind}_all" for counter in self.counters for kind in ("sum", "count")]


def read_columns(con: DuckDBPyConnection) -> Columns:
    """Return the features that the models read, without those of one value everywhere."""
    numbers: dict[str, list[str]] = {}
    categories: dict[str, list[str]] = {}
    counters: list[str] = []
    catalog = con.execute(
        "select feature, feature_group, data_type, null_rate, sd from gold.feature_catalog"
        " order by feature"
    ).fetchall()
    for feature, group, data_type, null_rate, sd in catalog:
        if group == CLICKSTREAM:
            if feature.endswith("_sum_all"):
                counters.append(feature.removesuffix("_sum_all"))
        elif null_rate < 1 and (data_type == "varchar" or (sd or 0) > 0):
            kind = categories if data_type == "varchar" else numbers
            kind.setdefault(group, []).append(feature)
    return Columns(numbers, categories, counters)


@dataclass(frozen=True)
class Loans:
    """Labelled loans, one row a loan in order of application, and what the models read of them."""

    rows: pd.DataFrame
    columns: Columns


def load(con: DuckDBPyConnection) -> Loans:
    """Return the labelled loans of gold.training_set."""
    columns = read_columns(con)
    numbers = columns.all_numbers + columns.evidence
    needed = [*KEPT, *columns.all_categories, *numbers]
    table = con.table("gold.training_set").project(", ".join(needed))
    rows = table.order("application_date, loan_id").df()
    rows["has_clickstream"] = rows[f"{CLICKSTREAM}_null_reason"].isna()
    rows[numbers] = rows[numbers].astype(float)
    texts = rows[columns.all_categories].astype(object)
    rows[columns.all_categories] = texts.where(texts.notna(), "unknown")
    return Loans(rows, columns)


def history_of(con: DuckDBPyConnection, months: str, columns: Columns) -> pd.DataFrame:
    """Return the sums and counts of a table or view of loan_id and counters, a row a month."""
    totals = ", ".join(
        f"cast({kind}({counter}) as double) as {counter}_{kind}_all"
        for counter in columns.counters
        for kind in ("sum", "count")
    )
    sums: pd.DataFrame = con.table(months).aggregate(f"loan_id, {totals}", "loan_id").df()
    return sums


def with_history(rows: pd.DataFrame, history: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the loans with the clickstream history of another frame in the place of their own."""
    return rows.drop(columns=columns.evidence).merge(history, on="loan_id", how="left")


@dataclass(frozen=True)
class Split:
    """Which loans are trained on and which are tested, by date."""

    train: pd.DataFrame
    test: pd.DataFrame  # later applications with a clickstream
    test_without_clickstream: pd.DataFrame
    columns: Columns

    def __str__(self) -> str:
        """Describe the three parts, a line each."""
        parts = {
            "trained on": self.train,
            "tested on": self.test,
            "tested on, without clickstream": self.test_without_clickstream,
        }
        return "\n".join(f"{name:31} {_described(rows)}" for name, rows in parts.items())


def _described(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "no loan"
    first, last = rows["application_date"].min(), rows["application_date"].max()
    return (
        f"{len(rows):6,} loans of {first:%Y-%m} to {last:%Y-%m},"
        f" {rows['label'].mean():.1%} of them defaulted"
    )


def split_by_date(loans: Loans, labels_known_by_test: bool = False) -> Split:
    """Split by the training set's own dates: earlier applications train, later ones test.

    labels_known_by_test: leave out the loans whose label was not yet known when the first tested
    loan was applied for (the embargo), as a bank training on that day must.
    """
    rows = loans.rows
    is_test, has_clicks = rows["split"] == "test", rows["has_clickstream"]
    earlier = rows[~is_test & ((rows["split"] != "embargo") | (not labels_known_by_test))]
    return Split(earlier, rows[is_test & has_clicks], rows[is_test & ~has_clicks], loans.columns)
