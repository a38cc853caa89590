"""Shows where each value of a loan comes from, what cleaning did, and what came too late."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
from warehouse.features.lineage import (
    Row,
    Version,
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
    Source,
    connect_in_memory,
)

REASONS = {
    "no_customer": "the application names no customer",
    "no_date": "the application has no date",
    "no_history_yet": "no row of this customer was known by then",
    "expired": "the latest row is older than the source's maximum age",
    "quarantined": "the only rows known by then are in quarantine",
}
ACTIONS = {
    "placeholder": "a filler: unknown",
    "not_a_number": "not a number: unknown",
    "not_accepted": "none of the accepted values: unknown",
    "out_of_range": "not possible: unknown",
    "inconsistent": "contradicts another value of the row: unknown",
    "repaired": "not possible: taken from the list of loans",
}
LABEL_COLUMNS = ("label_definition", "maturity", "matures_on", "known_on", "days_past_due", "label")
ROWS_SHOWN = 24  # of a source, the latest first: two years of months


@dataclass(frozen=True)
class _Page:
    """What is explained and where: a run's connection, the console, its models, one loan."""

    con: DuckDBPyConnection
    console: Console
    project: CompiledProject
    loan: Row


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
            hint = f"is none of the {count:,} loans of {datamart_dir}, such as {example}"
            raise UserError(f"loan {loan_id!r} {hint if count else ': the datamart has no loans'}")
        (loan,) = found
        _print(console, f"Loan {loan_id}", style="bold")
        _print(
            console,
            f"Customer {loan['customer_id'] or 'unknown'}, applied for on"
            f" {loan['application_date']}. Run {run_dir.name}.",
        )
        versions = {
            source.name: versions_of_customer(
                con, source, loan["customer_id"], loan["application_date"]
            )
            for source in project.sources
            if source.silver
        }
        page = _Page(con, console, project, loan)
        for group in _groups(con, project):
            source = next((s for s in project.sources if s.group == group), None)
            _explain_group(page, group, source, versions)
        _explain_unused(con, console, project, versions, loan)
        _explain_labels(con, console, loan_id)


def _groups(con: DuckDBPyConnection, project: CompiledProject) -> list[str]:
    """Return the feature groups, also those without a source, in the order of the feature store."""
    order = [name for name, *_ in con.execute(f"describe gold.{FEATURE_MODEL}").fetchall()]
    models = project.between(SPINE_MODEL, FEATURE_MODEL)
    groups = [name.removesuffix("_features") for name in models if name.endswith("_features")]
    return sorted(groups, key=lambda group: min(map(order.index, _features(con, group)), default=0))


def _features(con: DuckDBPyConnection, group: str) -> list[str]:
    """Return the features of a group in its table's order, without its provenance."""
    described = con.execute(f"describe gold.{group}_features").fetchall()
    provenance = {f"{group}_{what}" for what in ("snapshot_date", "age_days", "null_reason")}
    return [name for name, *_ in described if name not in provenance and name not in SPINE_KEYS]


def _explain_group(
    page: _Page, group: str, source: Source | None, versions: Mapping[str, list[Version]]
) -> None:
    """Print the heading of a group, the rows of its source, then its values."""
    con, console, loan = page.con, page.console, page.loan
    console.print()
    _print(console, group.replace("_", " ").capitalize(), style="bold")
    features = _features(con, group)
    if source is None:
        _print(console, "Known at the application by definition.")
        console.print(_computed(features, loan))
        return
    reason = loan[f"{group}_null_reason"]
    used = None
    if reason:
        _print(console, f"Nothing: {reason}, {REASONS.get(reason, 'see the docs of the column')}.")
    else:
        used = _used_version(versions[source.name], loan[f"{group}_snapshot_date"])
        _print(console, _used_in_words(con, source, used, loan[f"{group}_age_days"]))
    dated = [v for v in versions[source.name] if v.snapshot_date <= loan["application_date"]]
    if dated:
        console.print(_versions(source, dated, used, loan))
    if len(dated) > ROWS_SHOWN:
        _print(console, f"And {_plural(len(dated) - ROWS_SHOWN, 'older row')}.")
    if used:
        _explain_values(page, group, source, used)


def _used_version(versions: Sequence[Version], snapshot_date: Any) -> Version:
    """Return the version of the group's snapshot that the application knew."""
    return next(v for v in versions if v.snapshot_date == snapshot_date and v.is_known)


def _used_in_words(con: DuckDBPyConnection, source: Source, used: Version, age_days: int) -> str:
    raw = raw_row(con, source, used)
    return (
        f"Snapshot of {used.snapshot_date}, {_plural(age_days, 'day')} old at the application:"
        f" {used.source_file}, data row {used.row_number:,}, load {used.load_id},"
        f" landed {raw['_landed_at']:%Y-%m-%d %H:%M:%S} UTC. The latest row that was known by then."
    )


def _versions(
    source: Source, versions: Sequence[Version], used: Version | None, loan: Row
) -> Table:
    """Return the rows dated by the application, each with its versions and what became of them."""
    has_entities = source.key[0] != source.customer_column
    table = Table(box=box.SIMPLE_HEAD)
    if has_entities:
        table.add_column(source.key[0], overflow="fold")
    for heading in ("dated", "days old", "version", "known from", "known until", "used"):
        table.add_column(heading)
    table.add_column("file", overflow="fold")
    for heading in ("data row", "load", "cleaning"):
        table.add_column(heading)
    for version in versions[:ROWS_SHOWN]:
        verdict = "used" if version is used else version.verdict or "known"
        table.add_row(
            *([version.entity] if has_entities else []),
            str(version.snapshot_date),
            f"{(loan['application_date'] - version.snapshot_date).days:,}",
            version.arrival.replace("_", " "),
            _shown(version.known_from),
            _shown(version.known_until),
            Text(verdict, style="bold" if version is used else ""),
            Text(version.source_file),
            f"{version.row_number:,}",
            str(version.load_id),
            Text(", ".join(version.cleaning_actions)),
        )
    return table


def _explain_values(page: _Page, group: str, source: Source, used: Version) -> None:
    """Print the features read from the row that was used, then those computed from several."""
    con, console, loan = page.con, page.console, page.loan
    raw, silver = raw_row(con, source, used), silver_row(con, source, used)
    described = page.project.source_columns.get(f"{group}_features", {})
    by_name = {name.lower(): name for name in source.columns if name in raw}
    raw_names = {
        feature: described.get(feature, by_name.get(feature)) for feature in _features(con, group)
    }
    read = {
        feature: name for feature, name in raw_names.items() if name in raw and feature in silver
    }
    if read:
        table = Table("feature", "in the file", "value", "cleaning", box=box.SIMPLE_HEAD)
        for feature, name in read.items():
            words = _cleaning(
                feature, name, raw[name], loan[feature], silver.get("cleaning_actions") or ()
            )
            table.add_row(feature, Text(_shown(raw[name])), Text(_shown(loan[feature])), words)
        console.print(table)
    others = [name for name in raw_names if name not in read]
    shown = [name for name in others if not any(name.startswith(f"{start}_") for start in read)]
    if shown:
        console.print(_computed(shown, loan))
    if len(shown) < len(others):
        _print(
            console,
            f"{len(others) - len(shown):,} more features are figures of the known rows above, such"
            f" as {next(name for name in others if name not in shown)}.",
        )


def _computed(features: Sequence[str], loan: Row) -> Table:
    table = Table("feature", "value", box=box.SIMPLE_HEAD)
    for feature in features:
        table.add_row(feature, Text(_shown(loan[feature])))
    return table


def _cleaning(feature: str, raw_name: str, raw: Any, value: Any, actions: Sequence[str]) -> str:
    for action in actions:
        cleaned, reason = action.split(":", 1)
        if cleaned in (feature, raw_name.lower()):
            return ACTIONS.get(reason, reason.replace("_", " "))
    if raw is None:
        return "nothing in the file"
    if value is None:
        return "unknown"
    return "" if str(raw).strip() == _shown(value) else "read from the text"


def _explain_unused(
    con: DuckDBPyConnection,
    console: Console,
    project: CompiledProject,
    versions: Mapping[str, list[Version]],
    loan: Row,
) -> None:
    """Print how many rows of the customer were not known at the application, and why."""
    console.print()
    _print(console, "Not used, because not known at the application", style="bold")
    table = Table("source", "why", box=box.SIMPLE_HEAD)
    for heading in ("rows", "first dated", "last dated"):
        table.add_column(heading, justify="right")
    sources = [source for source in project.sources if source.silver]
    for source in sources:
        unknown = [v for v in versions[source.name] if not v.is_known]
        for verdict, count in sorted(Counter(v.verdict for v in unknown).items()):
            days = [v.snapshot_date for v in unknown if v.verdict == verdict]
            table.add_row(source.name, verdict, f"{count:,}", str(min(days)), str(max(days)))
        if not unknown:
            table.add_row(source.name, "", "0", _shown(None), _shown(None))
    console.print(table)
    quarantined = [
        (source.name, row)
        for source in sources
        for row in quarantined_rows(con, source, loan["customer_id"])
    ]
    if quarantined:
        table = Table(
            "in quarantine",
            "reason",
            "dated",
            "known from",
            "file",
            "data row",
            "load",
            box=box.SIMPLE_HEAD,
        )
        for name, row in quarantined:
            table.add_row(
                name,
                row["reason"],
                _shown(row["snapshot_date"]),
                _shown(row["known_from"]),
                Text(row["source_file"]),
                f"{row['row_number']:,}",
                str(row["load_id"]),
            )
        console.print(table)


def _explain_labels(con: DuckDBPyConnection, console: Console, loan_id: str) -> None:
    console.print()
    _print(console, "Labels", style="bold")
    described = {name for name, *_ in con.execute("describe gold.label_maturity").fetchall()}
    columns = [name for name in LABEL_COLUMNS if name in described]
    table = Table(
        *(name.removeprefix("label_").replace("_", " ") for name in columns), box=box.SIMPLE_HEAD
    )
    for row in rows_of(
        con,
        f"select {', '.join(columns)} from gold.label_maturity where loan_id = ?"
        " order by label_definition",
        [loan_id],
    ):
        row["maturity"] = row["maturity"].replace("_", " ")
        table.add_row(*(_shown(row[name]) for name in columns))
    console.print(table)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text.removesuffix(" 00:00:00") if hasattr(value, "hour") else text


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style), soft_wrap=True)
