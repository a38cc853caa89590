"""The verdict of the run report: one finding for each thing that could be wrong with the data.

Each function takes rows of the gold table that it is named for and returns a state and a text,
None where there is nothing to judge.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.reporting.charts import strongest_features
from warehouse.reporting.charts.base import words
from warehouse.reporting.tables import Tables

Row = Mapping[str, Any]
Judged = tuple[str, str]

GOOD, LOOK, BAD = "good", "look", "bad"
STATES = (BAD, LOOK, GOOD)  # the worst first


@dataclass(frozen=True)
class Finding:
    """One line of the verdict: good, look (a person should look at it) or bad."""

    section: str
    title: str
    state: str
    text: str


def judge(
    tables: Tables, manifest: Row, proof_result: Row | None, models: Sequence[Row]
) -> list[Finding]:
    """Return the findings of a published run, the worst first."""
    judged = {
        ("rows", "Rows"): rows(tables["gold.ledger_balance"]),
        ("quarantine", "Quarantine"): quarantine(tables["gold.quarantine_summary"]),
        ("knowledge", "Late rows, corrections"): knowledge(tables["gold.knowledge_effects"]),
        ("tests", "Tests"): tests(manifest),
        ("labels", "Labels"): labels(tables.first("gold.label_summary", is_default=True)),
        ("presence", "Missing features"): presence(tables["gold.feature_presence"]),
        ("drift", "Drift"): drift(tables["gold.drift_summary"]),
        ("power", "Feature power"): power(
            tables["gold.feature_catalog"], models, tables.first("gold.key_figures")
        ),
        ("proof", "Leakage proof"): proof(proof_result),
    }
    found = [Finding(*place, *finding) for place, finding in judged.items() if finding]
    return sorted(found, key=lambda finding: STATES.index(finding.state))


def verdict(findings: Sequence[Finding]) -> str:
    """Return the one sentence that sums findings up, the worst first."""
    worst = findings[0].state if findings else GOOD
    number = sum(finding.state == worst for finding in findings)
    things = counted(number, "thing is", "things are").replace(" ", "\u00a0", 1)
    return {
        GOOD: "This run's data is good.",
        LOOK: f"The data is whole; {things} worth a look.",
        BAD: f"{things} wrong.",
    }[worst]


def counted(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun, such as 1 row or 2 rows."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def month_name(day: date) -> str:
    """Return a month in words, such as July 2024."""
    return f"{day:%B %Y}"


def rows(balance: Sequence[Row]) -> Judged:
    """Judge the ledger: gold.ledger_balance."""
    read = sum(row["rows_in_files"] for row in balance)
    lost = sum(abs(value) for row in balance for name, value in row.items() if "lost_" in name)
    if lost:
        return BAD, f"{lost:,} of {read:,} rows are not accounted for."
    return (
        GOOD,
        f"{read:,} rows read over all loads; every one has exactly one fate at every layer.",
    )


def quarantine(summary: Sequence[Row]) -> Judged:
    """Judge gold.quarantine_summary."""
    reasons: Counter[str] = Counter()
    for row in summary:
        reasons[row["reason"]] += row["row_count"]
    if not reasons:
        return GOOD, "No row is in quarantine."
    parts = ", ".join(f"{count:,} {words(reason)}" for reason, count in reasons.most_common())
    return LOOK, f"{counted(reasons.total(), 'row is', 'rows are')} in quarantine: {parts}."


def knowledge(effects: Sequence[Row]) -> Judged:
    """Say how many rows came late or were corrected: gold.knowledge_effects."""
    late, corrections, changed = (
        sum(row[kind] for row in effects)
        for kind in ("late_rows", "corrections", "applications_changed")
    )
    if not late + corrections:
        return GOOD, "No row arrived late or was corrected."
    return GOOD, (
        f"{counted(late, 'row')} arrived late and"
        f" {counted(corrections, 'was a correction', 'were corrections')};"
        f" {counted(changed, 'application keeps', 'applications keep')} what was known on the day"
        " where it differs."
    )


def tests(manifest: Row) -> Judged:
    """Judge the tests of the run's manifest."""
    found = manifest.get("tests", {})
    warnings = len(found.get("warnings", []))
    text = f"{found.get('passed', 0):,} tests passed, {counted(warnings, 'warning')}, none failed."
    return (LOOK if warnings else GOOD), text


def labels(row: Row) -> Judged | None:
    """Judge whether default rates differ more than chance allows: a row of gold.label_summary."""
    if not row or not row["labelled"]:
        return None
    outside, months = row["months_outside"], row["months"]
    chance = f"none of {months} months is outside its 95% interval"
    if outside:
        chance = (
            f"{outside} of {months} months {'is' if outside == 1 else 'are'} outside"
            f" {'its' if outside == 1 else 'their'} 95% interval; chance alone gives as many with"
            f" probability {row['chance_of_outside']:.2f}"
        )
    text = f"{row['default_rate']:.1%} of {row['labelled']:,} labelled loans default"
    return (LOOK if row["is_unusual"] else GOOD), f"{text} ({row['label_definition']}); {chance}."


def gaps(presence: Sequence[Row]) -> list[dict[str, Any]]:
    """Return months in which most loans lack a feature group that others have, a row a group.

    presence: gold.feature_presence; a row has feature_group, first, last, loans and missing.
    """
    found = []
    for group in dict.fromkeys(row["feature_group"] for row in presence if row["is_gap"]):
        own = [row for row in presence if row["is_gap"] and row["feature_group"] == group]
        found.append(
            {
                "feature_group": group,
                "first": min(row["application_month"] for row in own),
                "last": max(row["application_month"] for row in own),
                "loans": sum(row["loans"] for row in own),
                "missing": sum(row["loans"] for row in own if row["presence"] != "present"),
            }
        )
    return found


def presence(summary: Sequence[Row]) -> Judged:
    """Judge gold.feature_presence."""
    text = " ".join(
        f"{gap['missing']:,} of {gap['loans']:,} loans from {month_name(gap['first'])} to"
        f" {month_name(gap['last'])} have no {words(gap['feature_group'])} features."
        for gap in gaps(summary)
    )
    return (LOOK, text) if text else (GOOD, "No month lacks a feature group that others have.")


def drift(summary: Sequence[Row]) -> Judged:
    """Judge the latest month of gold.drift_summary."""
    latest = max((row["application_month"] for row in summary), default=None)
    if latest is None:
        return GOOD, "There is nothing to compare yet."
    drifted = [row for row in summary if row["application_month"] == latest and row["drifted"]]
    if not drifted:
        return GOOD, f"No feature drifted in {month_name(latest)}, the latest month."
    parts = []
    for row in drifted:
        unknown = f" ({row['mostly_unknown']:,} because most values are missing)"
        parts.append(
            f"{row['drifted']:,} of {row['features']:,} {words(row['feature_group'])} features"
            f" drifted{unknown if row['mostly_unknown'] else ''}"
        )
    return LOOK, f"{'; '.join(parts)} in {month_name(latest)}."


def power(catalog: Sequence[Row], models: Sequence[Row], limit: Row) -> Judged | None:
    """Judge whether a feature or an honest model is too good to be true.

    catalog: gold.feature_catalog; models: rows of `modelling.group_power`; limit: gold.key_figures.
    """
    known = [row for row in strongest_features(catalog, is_whole=True) if row["strength"]]
    if not known:
        return None
    scores = [(row["feature"], row["strength"], row["auc_loans"]) for row in known] + [
        (f"the model on {row['name']}", row["auc"], row["test_loans"])
        for row in models
        if row["is_honest"]
    ]
    for name, auc, loans in scores:
        if auc > limit["leak_auc"] and loans >= limit["leak_min_loans"]:
            return BAD, (
                f"{name} ranks at an AUC of {auc:.3f}, above {limit['leak_auc']:.2f}: too good to"
                " be true. Look for a value from after the application."
            )
    best = known[0]
    every = next((row for row in models if row["feature_group"] == "all groups"), None)
    together = f"; all groups together reach an AUC of {every['auc']:.3f}" if every else ""
    return GOOD, (
        f"{best['feature']} alone ranks a default above a good loan {best['strength']:.0%} of the"
        f" time, on the {best['auc_loans']:,} test loans that have it{together}."
    )


def proof(result: Row | None) -> Judged:
    """Judge the last leakage proof."""
    if result is None:
        return (
            LOOK,
            "The leakage proof has not been run on this datamart yet: python main.py prove.",
        )
    text = (
        f"Gold of run {result['run_id']} was rebuilt without the future at"
        f" {counted(len(result['months']), 'month')}: {result['rows_compared']:,} rows"
        f" of {result['columns']:,} columns compared,"
        f" {counted(len(result['differences']), 'difference')}."
    )
    return (GOOD if result["outcome"] == "passed" else BAD), text
