"""The verdict of the run report: one finding for each thing that could be wrong with the data.

Each function takes rows of the gold table that it is named for and returns a finding, None where
there is nothing to judge.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

Row = Mapping[str, Any]

GOOD, LOOK, BAD = "good", "look", "bad"
STATES = (BAD, LOOK, GOOD)  # the worst first


@dataclass(frozen=True)
class Finding:
    """One line of the verdict: good, look (a person should look at it) or bad."""

    section: str
    title: str
    state: str
    text: str


def plural(count: int, one: str, many: str) -> str:
    """Return the word for so many."""
    return one if count == 1 else many


def words(name: str) -> str:
    """Return a name of SQL as words."""
    return name.replace("_", " ")


def month_name(day: date) -> str:
    """Return a month in words, such as July 2024."""
    return f"{day:%B %Y}"


def rows(balance: Sequence[Row]) -> Finding:
    """Judge the ledger: gold.ledger_balance."""
    read = sum(row["rows_in_files"] for row in balance)
    lost = sum(abs(value) for row in balance for name, value in row.items() if "lost_" in name)
    text = (
        f"{lost:,} of {read:,} rows are not accounted for."
        if lost
        else f"{read:,} rows read over all loads; every one has exactly one fate at every layer."
    )
    return Finding("rows", "Rows", BAD if lost else GOOD, text)


def quarantine(summary: Sequence[Row]) -> Finding:
    """Judge gold.quarantine_summary."""
    reasons: dict[str, int] = defaultdict(int)
    for row in summary:
        reasons[row["reason"]] += row["row_count"]
    if not reasons:
        return Finding("quarantine", "Quarantine", GOOD, "No row is in quarantine.")
    total = sum(reasons.values())
    ranked = sorted(reasons.items(), key=lambda item: -item[1])
    text = f"{total:,} {plural(total, 'row is', 'rows are')} in quarantine: " + ", ".join(
        f"{count:,} {words(reason)}" for reason, count in ranked
    )
    return Finding("quarantine", "Quarantine", LOOK, text + ".")


def tests(manifest: Row) -> Finding:
    """Judge the tests of the run's manifest."""
    found = manifest.get("tests", {})
    warnings = len(found.get("warnings", []))
    text = (
        f"{found.get('passed', 0):,} tests passed, {warnings}"
        f" {plural(warnings, 'warning', 'warnings')}, none failed."
    )
    return Finding("tests", "Tests", LOOK if warnings else GOOD, text)


def labels(summary: Sequence[Row]) -> Finding | None:
    """Judge whether default rates differ more than chance allows: gold.label_summary."""
    row = next((row for row in summary if row["is_default"] and row["labelled"]), None)
    if row is None:
        return None
    text = (
        f"{row['default_rate']:.1%} of {row['labelled']:,} labelled loans default"
        f" ({row['label_definition']}); {outside_text(row)}."
    )
    return Finding("labels", "Labels", LOOK if row["is_unusual"] else GOOD, text)


def outside_text(row: Row) -> str:
    """Say how many months are outside their interval: a row of gold.label_summary."""
    outside, months = row["months_outside"], row["months"]
    if not outside:
        return f"none of {months} months is outside its 95% interval"
    return (
        f"{outside} of {months} months {plural(outside, 'is outside its', 'are outside their')}"
        f" 95% interval; chance alone gives as many with probability {row['chance_of_outside']:.2f}"
    )


@dataclass(frozen=True)
class Gap:
    """Months of application in which most loans lack a feature group that others have."""

    feature_group: str
    first: date
    last: date
    loans: int
    missing: int


def gaps(presence: Sequence[Row]) -> list[Gap]:
    """Return the gaps of gold.feature_presence, one a group."""
    found = []
    for group in dict.fromkeys(row["feature_group"] for row in presence if row["is_gap"]):
        own = [row for row in presence if row["is_gap"] and row["feature_group"] == group]
        months = [row["application_month"] for row in own]
        missing = sum(row["loans"] for row in own if row["presence"] != "present")
        found.append(
            Gap(group, min(months), max(months), sum(row["loans"] for row in own), missing)
        )
    return found


def presence(rows: Sequence[Row]) -> Finding:
    """Judge gold.feature_presence."""
    text = " ".join(
        f"{gap.missing:,} of {gap.loans:,} loans from {month_name(gap.first)} to"
        f" {month_name(gap.last)} have no {words(gap.feature_group)} features."
        for gap in gaps(rows)
    )
    return Finding(
        "presence",
        "Missing features",
        LOOK if text else GOOD,
        text or "No month lacks a feature group that others have.",
    )


def drift(summary: Sequence[Row]) -> Finding:
    """Judge the latest month of gold.drift_summary."""
    latest = max((row["application_month"] for row in summary), default=None)
    if latest is None:
        return Finding("drift", "Drift", GOOD, "There is nothing to compare yet.")
    drifted = [row for row in summary if row["application_month"] == latest and row["drifted"]]
    parts = [
        f"{row['drifted']:,} of {row['features']:,} {words(row['feature_group'])} features drifted"
        + (
            f" ({row['mostly_unknown']:,} because most values are missing)"
            if row["mostly_unknown"]
            else ""
        )
        for row in drifted
    ]
    text = f"{'; '.join(parts) or 'No feature drifted'} in {month_name(latest)}"
    return Finding(
        "drift",
        "Drift",
        LOOK if drifted else GOOD,
        text + (", the latest month." * (not parts) or "."),
    )


def power(strongest: Sequence[Row], models: Sequence[Row], limit: Row) -> Finding | None:
    """Judge whether a feature or an honest model is too good to be true.

    strongest: features of gold.feature_catalog with their strength, best first; models: rows of
    `modelling.group_power`; limit: gold.key_figures.
    """
    known = [row for row in strongest if row["strength"] is not None]
    if not known:
        return None
    leaks = [
        (row["feature"], row["strength"])
        for row in known
        if row["strength"] > limit["leak_auc"] and row["auc_loans"] >= limit["leak_min_loans"]
    ] + [
        (f"the model on {row['name']}", row["auc"])
        for row in models
        if row["is_honest"]
        and row["auc"] > limit["leak_auc"]
        and row["test_loans"] >= limit["leak_min_loans"]
    ]
    if leaks:
        name, auc = leaks[0]
        text = (
            f"{name} ranks at an AUC of {auc:.3f}, above {limit['leak_auc']:.2f}: too good to be"
            " true. Look for a value from after the application."
        )
        return Finding("power", "Feature power", BAD, text)
    best = known[0]
    text = (
        f"{best['feature']} alone ranks a default above a good loan {best['strength']:.0%} of the"
        f" time, on the {best['auc_loans']:,} test loans that have it"
    )
    every = next((row for row in models if row["feature_group"] == "all groups"), None)
    text += f"; all groups together reach an AUC of {every['auc']:.3f}." if every else "."
    return Finding("power", "Feature power", GOOD, text)


def knowledge(effects: Sequence[Row]) -> Finding:
    """Say how many rows came late or were corrected: gold.knowledge_effects."""
    late, corrections = (sum(row[kind] for row in effects) for kind in ("late_rows", "corrections"))
    title = "Late rows, corrections"
    if not late + corrections:
        return Finding("knowledge", title, GOOD, "No row arrived late or was corrected.")
    changed = sum(row["applications_changed"] for row in effects)
    text = (
        f"{late:,} {plural(late, 'row', 'rows')} arrived late and {corrections:,}"
        f" {plural(corrections, 'was a correction', 'were corrections')}; {changed:,}"
        f" {plural(changed, 'application keeps', 'applications keep')} what was known on the day"
        " where it differs."
    )
    return Finding("knowledge", title, GOOD, text)


def proof(result: Row | None) -> Finding:
    """Judge the last leakage proof."""
    if result is None:
        text = "The leakage proof has not been run on this datamart yet: python main.py prove."
        return Finding("proof", "Leakage proof", LOOK, text)
    months, columns, differences = (
        count(result.get(n)) for n in ("months", "columns", "differences")
    )
    text = (
        f"Gold of run {result.get('run_id', 'unknown')} was rebuilt without the future at"
        f" {months:,} {plural(months, 'month', 'months')}: {result.get('rows_compared', 0):,} rows"
        f" of {columns:,} columns compared, {differences:,}"
        f" {plural(differences, 'difference', 'differences')}."
    )
    state = GOOD if result.get("outcome") == "passed" else BAD
    return Finding("proof", "Leakage proof", state, text)


def count(value: Any) -> int:
    """Return how many, of a number or a list."""
    return value if isinstance(value, int) else len(value or ())


def verdict(findings: Sequence[Finding]) -> str:
    """Return the one sentence that sums the findings up."""
    worst = next((state for state in STATES if any(f.state == state for f in findings)), GOOD)
    number = sum(finding.state == worst for finding in findings)
    things = f"{number}\u00a0{plural(number, 'thing is', 'things are')}"
    return {
        GOOD: "This run's data is good.",
        LOOK: f"The data is whole; {things} worth a look.",
        BAD: f"{things} wrong.",
    }[worst]
