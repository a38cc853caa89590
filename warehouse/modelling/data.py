"""The loans that the credit models read: which columns, and which loans train and test."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from duckdb import DuckDBPyConnection

CLICKSTREAM = "clickstream"
KEPT = ("loan_id", "application_date", f"{CLICKSTREAM}_null_reason")
LABEL = ("label_date", "split", "label")


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


def read_loans(con: DuckDBPyConnection, columns: Columns, is_labelled: bool) -> pd.DataFrame:
    """Return a row a loan in order of application, with what the models read of it.

    The labelled loans of gold.training_set, else all loans of gold.feature_store, without labels.
    """
    numbers = columns.all_numbers + columns.evidence
    names = [*KEPT, *(LABEL if is_labelled else ()), *columns.all_categories, *numbers]
    table = con.table("gold.training_set" if is_labelled else "gold.feature_store")
    loans = table.project(", ".join(names)).order("application_date, loan_id")
    rows: pd.DataFrame = loans.df()
    rows["has_clickstream"] = rows[f"{CLICKSTREAM}_null_reason"].isna()
    rows[numbers] = rows[numbers].astype(float)
    texts = rows[columns.all_categories].astype(object)
    rows[columns.all_categories] = texts.where(texts.notna(), "unknown")
    return rows


def with_history(
    con: DuckDBPyConnection, rows: pd.DataFrame, columns: Columns, table: str, window: str = ""
) -> pd.DataFrame:
    """Return the loans with another clickstream history in the place of their own.

    table: a table or view of loan_id and the counters, a row a month; with a window such as 3m a
    table of loans that has the sum and the count of each counter over it.
    """
    parts: Mapping[str, str] = {"sum": "sum({})", "count": "count({})"}
    if window:
        parts = {kind: f"any_value({{}}_{kind}_{window})" for kind in parts}
    totals = ", ".join(
        f"cast({part.format(counter)} as double) as {counter}_{kind}_all"
        for counter in columns.counters
        for kind, part in parts.items()
    )
    history = con.table(table).aggregate(f"loan_id, {totals}", "loan_id").df()
    own: pd.DataFrame = rows.drop(columns=columns.evidence)
    return own.merge(history, on="loan_id", how="left")


@dataclass(frozen=True)
class Split:
    """The loans to train on and the later ones to test on."""

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


def split_by_date(con: DuckDBPyConnection, labels_known_by_test: bool = False) -> Split:
    """Split gold.training_set by its own dates: earlier applications train, later ones test.

    labels_known_by_test: leave out the loans whose label was not yet known when the first tested
    loan was applied for (the embargo), as a bank training on that day must.
    """
    columns = read_columns(con)
    rows = read_loans(con, columns, is_labelled=True)
    is_test, has_clicks = rows["split"] == "test", rows["has_clickstream"]
    earlier = rows[~is_test & ((rows["split"] != "embargo") | (not labels_known_by_test))]
    return Split(earlier, rows[is_test & has_clicks], rows[is_test & ~has_clicks], columns)
