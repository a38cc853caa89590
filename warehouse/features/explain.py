"""Shows where each value of a loan comes from, what cleaning did, and what came too late."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.rows import one_row, rows_of
from warehouse.contracts.contract import SourceContract
from warehouse.features.lineage import (
    Row,
    quarantined_rows,
    raw_row,
    silver_row,
    versions_of_customer,
)
from warehouse.features.scoring import SPINE_KEYS, published_run
from warehouse.transform.compiled import (
    FEATURE_MODEL,
    SPINE_MODEL,
    CompiledProject,
    connect_in_memory,
)

LABEL_COLUMNS = ("label_definition", "maturity", "matures_on", "known_on", "days_past_due", "label")
ROWS_SHOWN = 24  # of a source, the latest first: two years of months


@dataclass(frozen=True)
class _Page:
    """One explanation at work: a run's connection, the console, its models, one loan.

    versions are those of the customer's rows, by source; meanings are what reason codes mean.
    """

    con: DuckDBPyConnection
    console: Console
    project: CompiledProject
    loan: Row
    versions: dict[str, list[Row]]
    meanings: dict[str, str]

    def text(self, text: str, style: str = "") -> None:
        """Print a line."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def heading(self, text: str) -> None:
        """Print the heading of a section."""
        self.console.print()
        self.text(text, style="bold")

    def table(self, headings: Iterable[str], rows: Iterable[Sequence[Any]]) -> None:
        """Print a table, if it has rows."""
        table = Table(box=box.SIMPLE_HEAD)
        for heading in headings:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(v if isinstance(v, Text) else Text(_shown(v)) for v in row))
        if table.row_count:
            self.console.print(table)


def explain(datamart_dir: Path, loan_id: str, console: Console) -> None:
    """Print where every value of a loan comes from, and which rows came too late for it.

    Raises UserError where nothing is published, or there is no such loan.
    """
    run_dir = published_run(datamart_dir)
    project = CompiledProject.load(run_dir)
    with connect_in_memory() as con:
        attach(con, run_dir)
        found = rows_of(con, "select * from gold.feature_store where loan_id = ?", [loan_id])
        if not found:
            count, example = one_row(con, "select count(*), min(loan_id) from gold.feature_store")
            hint = f"is not among the {count:,} loans of {datamart_dir}, such as {example}"
            raise UserError(f"loan {loan_id!r} {hint if count else ': the datamart has no loans'}")
        (loan,) = found
        customer, applied = loan["customer_id"], loan["application_date"]
        versions = {
            source.name: versions_of_customer(con, source, customer, applied)
            for source in project.sources
        }
        reasons = "from gold.reasons where kind in ('no_snapshot', 'cleaning')"
        meanings = {row["reason"]: row["meaning"] for row in rows_of(con, reasons)}
        page = _Page(con, console, project, loan, versions, meanings)
        page.text(f"Loan {loan_id}", style="bold")
        page.text(
            f"Customer {customer or 'unknown'}, applied for on {applied}. Run {run_dir.name}."
        )
        for group, features in _groups(page).items():
            _explain_group(page, group, features)
        _explain_unused(page)
        _explain_labels(page)


def _groups(page: _Page) -> dict[str, list[str]]:
    """Return the feature groups in the order of the feature store, each with its features.

    Groups without a source are among them; the provenance of a group is no feature.
    """
    order = list(page.loan)
    models = [model.name for model in page.project.between(SPINE_MODEL, FEATURE_MODEL)]
    groups = {}
    for group in [m.removesuffix("_features") for m in models if m.endswith("_features")]:
        described = page.con.execute(f"describe gold.{group}_features").fetchall()
        own = {f"{group}_{part}" for part in ("snapshot_date", "age_days", "null_reason")}
        groups[group] = [name for name, *_ in described if name not in {*own, *SPINE_KEYS}]
    return dict(sorted(groups.items(), key=lambda found: order.index(found[1][0])))


def _explain_group(page: _Page, group: str, features: list[str]) -> None:
    """Print the heading of a group, the rows of its source, then its values."""
    loan = page.loan
    page.heading(group.replace("_", " ").capitalize())
    source = next((source for source in page.project.sources if source.group == group), None)
    if source is None:
        page.text("Known at the application by definition.")
        page.table(("feature", "value"), ((name, loan[name]) for name in features))
        return
    dated = [
        v for v in page.versions[source.name] if v["snapshot_date"] <= loan["application_date"]
    ]
    used = None
    if reason := loan[f"{group}_null_reason"]:
        page.text(f"Nothing: {reason}, {page.meanings.get(reason, 'see the docs of the column')}.")
    else:
        snapshot = loan[f"{group}_snapshot_date"]
        used = next(v for v in dated if v["snapshot_date"] == snapshot and not v["verdict"])
        raw = raw_row(page.con, source, used)
        page.text(
            f"Snapshot of {snapshot}, {_plural(loan[f'{group}_age_days'], 'day')} old at the"
            f" application: {used['source_file']}, data row {used['row_number']:,},"
            f" load {used['load_id']}, landed {raw['_landed_at']:%Y-%m-%d %H:%M:%S} UTC."
            " The latest row known at the application."
        )
    _show_versions(page, source, dated, used)
    if used:
        _explain_values(page, group, features, source, used)


def _show_versions(page: _Page, source: SourceContract, dated: list[Row], used: Row | None) -> None:
    """Print the rows dated by the application, each with its versions and what became of them."""
    entity = [] if source.key[0] == source.customer_column else [source.key[0]]
    headings = "dated,days old,version,known from,known until,used,file,data row,load,cleaning"
    page.table(
        [*entity, *headings.split(",")],
        (
            [
                *([version["entity"]] if entity else []),
                version["snapshot_date"],
                f"{(page.loan['application_date'] - version['snapshot_date']).days:,}",
                version["arrival"].replace("_", " "),
                version["known_from"],
                version["known_until"],
                Text("used", "bold") if version is used else version["verdict"] or "known",
                version["source_file"],
                f"{version['row_number']:,}",
                version["load_id"],
                ", ".join(version["cleaning_actions"] or ()),
            ]
            for version in dated[:ROWS_SHOWN]
        ),
    )
    if len(dated) > ROWS_SHOWN:
        page.text(f"And {_plural(len(dated) - ROWS_SHOWN, 'older row')}.")


def _explain_values(
    page: _Page, group: str, features: list[str], source: SourceContract, used: Row
) -> None:
    """Print the features read from the row that was used, then those computed from several."""
    loan = page.loan
    raw, silver = raw_row(page.con, source, used), silver_row(page.con, source, used)
    described = page.project.source_columns.get(f"{group}_features", {})
    by_name = {name.lower(): name for name in source.columns if name in raw}
    read = {
        feature: name
        for feature in features
        if (name := described.get(feature, by_name.get(feature))) in raw and feature in silver
    }
    done = dict(action.split(":", 1) for action in silver.get("cleaning_actions") or ())
    page.table(
        ("feature", "in the file", "value", "cleaning"),
        (
            (feature, raw[name], loan[feature], _cleaning(page, (feature, name), raw, done))
            for feature, name in read.items()
        ),
    )
    others = [name for name in features if name not in read]
    shown = [name for name in others if not any(name.startswith(f"{start}_") for start in read)]
    page.table(("feature", "value"), ((name, loan[name]) for name in shown))
    if hidden := [name for name in others if name not in shown]:
        page.text(
            f"{len(hidden):,} more features are figures of the known rows above, such as"
            f" {hidden[0]}."
        )


def _cleaning(page: _Page, names: tuple[str, str], raw: Row, done: dict[str, str]) -> str:
    """Say how the value of a feature was made of its raw column (names)."""
    feature, column = names
    if reason := done.get(feature, done.get(column.lower())):
        return page.meanings.get(reason, reason.replace("_", " "))
    if raw[column] is None:
        return "nothing in the file"
    if page.loan[feature] is None:
        return "unknown"
    return "" if str(raw[column]).strip() == _shown(page.loan[feature]) else "read from the text"


def _explain_unused(page: _Page) -> None:
    """Print how many rows of the customer were not known at the application, and why."""
    page.heading("Not used, because not known at the application")
    rows: list[Sequence[Any]] = []
    for source, versions in page.versions.items():
        for verdict, count in sorted(
            Counter(v["verdict"] for v in versions if v["verdict"]).items()
        ):
            days = [v["snapshot_date"] for v in versions if v["verdict"] == verdict]
            rows.append((source, verdict, f"{count:,}", min(days), max(days)))
        if not any(version["verdict"] for version in versions):
            rows.append((source, "", 0, None, None))
    page.table(("source", "why", "rows", "first dated", "last dated"), rows)
    page.table(
        ("in quarantine", "reason", "dated", "known from", "file", "data row", "load"),
        (
            (*list(row.values())[:-2], f"{row['row_number']:,}", row["load_id"])
            for row in quarantined_rows(page.con, page.loan["customer_id"])
        ),
    )


def _explain_labels(page: _Page) -> None:
    """Print the labels of the loan by definition, whether known yet or not."""
    page.heading("Labels")
    rows = rows_of(
        page.con,
        f"select {', '.join(LABEL_COLUMNS)} from gold.label_maturity where loan_id = ?"
        " order by label_definition",
        [page.loan["loan_id"]],
    )
    page.table(
        (name.removeprefix("label_").replace("_", " ") for name in LABEL_COLUMNS),
        (list((row | {"maturity": row["maturity"].replace("_", " ")}).values()) for row in rows),
    )


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text.removesuffix(" 00:00:00") if hasattr(value, "hour") else text


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
