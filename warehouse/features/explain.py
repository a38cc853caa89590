"""One loan on one page: where each value comes from, what cleaning did, and what was not used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.features.scoring import Source, load_queries, published_run

Row = dict[str, Any]
SPINE = ("loan_id", "customer_id", "application_date")

REASONS = {
    "no_customer": "the application names no customer",
    "no_date": "the application has no date",
    "no_history_yet": "no row of this customer is dated by then",
    "expired": "the latest row is older than the source's maximum age",
    "not_yet_known": "a row is there, but it was not available or not loaded by then",
    "quarantined": "the only rows by then are in quarantine",
}
ACTIONS = {
    "placeholder": "a filler: unknown",
    "not_a_number": "not a number: unknown",
    "not_accepted": "none of the accepted values: unknown",
    "out_of_range": "not possible: unknown",
    "inconsistent": "does not fit the salary beside it: unknown",
    "repaired": "not possible: taken from the list of loans",
}
# The raw column of a feature where its name is not simply the raw column's.
RAW_COLUMNS = {
    "credit_history_age_months": "Credit_History_Age",
    "spending_level": "Payment_Behaviour",
    "payment_size": "Payment_Behaviour",
}
SNAPSHOTS_SHOWN = 24  # of the clickstream: two years of months


@dataclass(frozen=True)
class Group:
    """A feature group, the silver table that its snapshots stand in, and the table's source."""

    name: str
    silver: str
    source: str


GROUPS = (
    Group("attributes", "customer_attributes", "features_attributes"),
    Group("financials", "customer_financials", "features_financials"),
    Group("clickstream", "clickstream", "feature_clickstream"),
    Group("loan_history", "loan_repayments", "lms_loan_daily"),
)


def explain(datamart_dir: Path, loan_id: str, console: Console) -> None:
    """Print where every value of a loan comes from, and which rows lie in its future.

    Raises:
        UserError: nothing is published, or there is no such loan.
    """
    run_dir = published_run(datamart_dir)
    sources = {source.name: source for source in load_queries(run_dir).sources}
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, run_dir)
        loan = _one(con, "select * from gold.feature_store where loan_id = ?", [loan_id])
        if loan is None:
            count, example = con.execute(
                "select count(*), min(loan_id) from gold.feature_store"
            ).fetchone()
            hint = f" is none of the {count:,} loans of {datamart_dir}, such as {example}"
            raise UserError(f"loan {loan_id!r}{hint if count else ': the datamart has no loans'}")
        _say(console, f"Loan {loan_id}", style="bold")
        _say(
            console,
            f"Customer {loan['customer_id'] or 'unknown'}, applied for on"
            f" {loan['application_date']}. Run {run_dir.name}.",
        )
        for group in GROUPS:
            _explain_group(con, console, group, sources[group.source], loan)
        _explain_future(con, console, sources, loan)
        _explain_labels(con, console, loan)


def _explain_group(
    con: DuckDBPyConnection, console: Console, group: Group, source: Source, loan: Row
) -> None:
    """The heading of a group, then its values in the way that suits it."""
    console.print()
    _say(console, group.name.replace("_", " ").capitalize(), style="bold")
    snapshot_date = loan[f"{group.name}_snapshot_date"]
    if snapshot_date is None:
        reason = loan[f"{group.name}_null_reason"]
        said = REASONS.get(reason, "see the docs of the column")
        if (group.name, reason) == ("loan_history", "no_history_yet"):
            said = "no earlier loan of this customer was known by then"
        _say(console, f"Nothing: {reason}, {said}.")
        return
    if group.name == "loan_history":
        _explain_history(con, console, source, loan)
        return
    silver = _one(
        con,
        f"select * from silver.{group.silver} where customer_id = ? and snapshot_date = ?",
        [loan["customer_id"], snapshot_date],
    )
    raw = _raw_row(con, group.source, silver)
    age = loan[f"{group.name}_age_days"]
    _say(
        console,
        f"Snapshot of {snapshot_date}, {_plural(age, 'day')} old at the application:"
        f" {raw['_source_file']}, data row {raw['_row_number']:,}, load {raw['_load_id']},"
        f" landed {raw['_landed_at']:%Y-%m-%d %H:%M:%S} UTC.",
    )
    if group.name == "clickstream":
        _explain_windows(con, console, source, loan, silver, raw)
    else:
        if "loan_kinds" in silver:
            _explain_kinds(console, silver, raw["Type_of_Loan"])
        columns = _feature_columns(con, group)
        console.print(_values(columns, source, loan, silver, raw))


def _explain_kinds(console: Console, silver: Row, raw: Any) -> None:
    """The list that loans are counted from, kind by kind."""
    kinds = silver["loan_kinds"]
    value = "no loans" if kinds == [] else _shown(kinds and ", ".join(kinds))
    said = [a for a in silver["cleaning_actions"] if a.startswith("loan_kinds:")]
    _say(console, f"Type_of_Loan in the file: {_shown(raw)}")
    _say(console, f"read as: {value}{f' ({said[0]})' if said else ''}")


def _values(columns: Sequence[str], source: Source, loan: Row, silver: Row, raw: Row) -> Table:
    """Feature by feature: what stands in the file, what it was read as, and why."""
    table = Table("feature", "in the file", "value", "cleaning", box=box.SIMPLE_HEAD)
    raw_names = {name.lower(): name for name in source.columns} | RAW_COLUMNS
    for column in columns:
        raw_name = raw_names.get(column)
        if raw_name is None:
            table.add_row(column, "", _shown(loan[column]), "computed from the values above")
            continue
        said = _cleaning(column, raw_name, raw[raw_name], loan[column], silver["cleaning_actions"])
        table.add_row(column, Text(_shown(raw[raw_name])), Text(_shown(loan[column])), said)
    return table


def _cleaning(column: str, raw_name: str, raw: Any, value: Any, actions: Sequence[str]) -> str:
    for action in actions:
        cleaned, reason = action.split(":", 1)
        if cleaned in (column, raw_name.lower()):
            return ACTIONS.get(reason, reason)
    if raw is None:
        return "nothing stands in the file"
    if value is None:
        return "unknown"
    return "" if str(raw).strip() == _shown(value) else "read from the text"


def _explain_windows(
    con: DuckDBPyConnection, console: Console, source: Source, loan: Row, silver: Row, raw: Row
) -> None:
    """The counters at the application, their means over the windows, and the months behind."""
    counters = [name for name in source.columns if name in loan]
    windows = [name.rsplit("_", 1)[1] for name in loan if name.startswith(f"{counters[0]}_mean_")]
    table = Table("counter", "in the file", "value", box=box.SIMPLE_HEAD)
    for window in windows:
        table.add_column(f"mean {window} (of)", justify="right")
    for counter in counters:
        means = []
        for window in windows:
            mean = loan[f"{counter}_mean_{window}"]
            count = loan[f"{counter}_count_{window}"]
            means.append("" if mean is None else f"{mean:.2f} ({count})")
        table.add_row(counter, Text(_shown(raw[counter])), _shown(loan[counter]), *means)
    console.print(table)
    if silver["cleaning_actions"]:
        _say(console, f"Cleaning: {', '.join(silver['cleaning_actions'])}.")
    rows = con.execute(
        "select snapshot_date, load_id, row_number, cleaning_actions from silver.clickstream"
        f" where customer_id = ? and {_is_known(source)} order by snapshot_date desc",
        [loan["customer_id"], loan["application_date"]],
    ).fetchall()
    for window in windows:
        count = loan[f"clickstream_months_{window}"]
        said = _span([day for day, *_ in rows[:count]]) if count else "no snapshot"
        _say(console, f"Window {window} rests on {_plural(count, 'snapshot')}: {said}.")
    others = [
        name.removeprefix(f"{counters[0]}_").removesuffix(f"_{windows[0]}")
        for name in loan
        if name.startswith(f"{counters[0]}_") and name.endswith(f"_{windows[0]}")
    ]
    others = [name for name in others if name not in ("mean", "count")]
    _say(console, f"So do the other figures of a window: {', '.join(others)}.")
    _explain_snapshots(console, loan, rows)


def _explain_snapshots(console: Console, loan: Row, rows: list[tuple[Any, ...]]) -> None:
    """Where the snapshots stand that the windows rest on, the latest first."""
    table = Table("snapshot used", box=box.SIMPLE_HEAD)
    for heading in ("days old", "load", "data row"):
        table.add_column(heading, justify="right")
    table.add_column("cleaning")
    for day, load_id, row_number, actions in rows[:SNAPSHOTS_SHOWN]:
        age = (loan["application_date"] - day).days
        table.add_row(
            str(day), f"{age:,}", str(load_id), f"{row_number:,}", Text(", ".join(actions))
        )
    console.print(table)
    if len(rows) > SNAPSHOTS_SHOWN:
        _say(console, f"And {_plural(len(rows) - SNAPSHOTS_SHOWN, 'older snapshot')}.")


def _explain_history(con: DuckDBPyConnection, console: Console, source: Source, loan: Row) -> None:
    """The customer's earlier loans as they stood, and what they come to."""
    rows = con.execute(
        f"""
        with known as (
            select * from silver.loan_repayments
            where customer_id = ? and loan_start_date < ? and {_is_known(source)}
        ),

        loans as (
            select
                loan_id,
                min(loan_start_date) as began,
                max(snapshot_date) as snapshot_date,
                max(days_past_due) as worst
            from known
            group by loan_id
        )

        select
            loans.loan_id, loans.began, loans.snapshot_date, known.load_id, known.row_number,
            known.mob, known.days_past_due, loans.worst, known.balance, known.cleaning_actions
        from loans
        inner join known
            on loans.loan_id = known.loan_id and loans.snapshot_date = known.snapshot_date
        order by loans.began, loans.loan_id
        """,
        [loan["customer_id"], loan["application_date"], loan["application_date"]],
    ).fetchall()
    latest = max(rows, key=lambda row: row[2])
    raw = _raw_row(con, source.name, {"load_id": latest[3], "row_number": latest[4]})
    _say(
        console,
        f"Snapshot of {loan['loan_history_snapshot_date']},"
        f" {_plural(loan['loan_history_age_days'], 'day')} old at the application, the latest of"
        f" the rows below: {raw['_source_file']}, load {raw['_load_id']},"
        f" landed {raw['_landed_at']:%Y-%m-%d %H:%M:%S} UTC.",
    )
    table = Table("earlier loan", "began", "last row known", box=box.SIMPLE_HEAD)
    for heading in ("load", "data row", "month", "days past due", "worst so far", "balance"):
        table.add_column(heading, justify="right")
    for *values, actions in rows:
        table.add_row(*(_shown(value) for value in values))
        if actions:
            table.add_row(Text(f"  {', '.join(actions)}"))
    console.print(table)
    for column in _feature_columns(con, GROUPS[3]):
        _say(console, f"{column}: {_shown(loan[column])}")


def _explain_future(
    con: DuckDBPyConnection, console: Console, sources: dict[str, Source], loan: Row
) -> None:
    """The customer's rows that were not known at the application."""
    console.print()
    _say(console, "Not used, because not known at the application", style="bold")
    table = Table("source", box=box.SIMPLE_HEAD)
    for heading in ("rows", "first dated", "last dated"):
        table.add_column(heading, justify="right")
    for group in GROUPS:
        count, first, last = con.execute(
            f"select count(*), min(snapshot_date), max(snapshot_date) from silver.{group.silver}"
            f" where customer_id = ? and not ({_is_known(sources[group.source])})",
            [loan["customer_id"], loan["application_date"]],
        ).fetchone()
        table.add_row(group.source, f"{count:,}", _shown(first), _shown(last))
    console.print(table)


def _explain_labels(con: DuckDBPyConnection, console: Console, loan: Row) -> None:
    console.print()
    _say(console, "Labels", style="bold")
    table = Table("definition", "window", "matures on", "known on", box=box.SIMPLE_HEAD)
    for heading in ("days past due", "label"):
        table.add_column(heading, justify="right")
    rows = con.execute(
        "select label_definition, maturity, matures_on, known_on, days_past_due, label"
        " from gold.label_maturity where loan_id = ? order by label_definition",
        [loan["loan_id"]],
    ).fetchall()
    for definition, maturity, *rest in rows:
        table.add_row(definition, maturity.replace("_", " "), *(_shown(value) for value in rest))
    console.print(table)


def _is_known(source: Source) -> str:
    comparison = "<=" if source.boundary == "inclusive" else "<"
    return f"snapshot_date + {source.delay_days} {comparison} cast(? as date)"


def _raw_row(con: DuckDBPyConnection, source: str, silver: Row) -> Row:
    return _one(
        con,
        f"select * from bronze.{source} where _load_id = ? and _row_number = ?",
        [silver["load_id"], silver["row_number"]],
    )


def _feature_columns(con: DuckDBPyConnection, group: Group) -> list[str]:
    """The features of a group in its table's order: those read first, those computed last."""
    described = con.execute(f"describe gold.{group.name}_features").fetchall()
    provenance = {f"{group.name}_{what}" for what in ("snapshot_date", "age_days", "null_reason")}
    return [name for name, *_ in described if name not in provenance and name not in SPINE]


def _one(con: DuckDBPyConnection, query: str, parameters: list[Any]) -> Row | None:
    cursor = con.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    return None if row is None else dict(zip(names, row, strict=True))


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def _span(days: list[date]) -> str:
    return str(days[0]) if len(days) == 1 else f"{days[-1]} to {days[0]}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
