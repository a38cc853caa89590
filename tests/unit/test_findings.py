"""The verdict of the report: what is good, what a person should look at, what is wrong."""

from datetime import date

import pytest

from warehouse.reporting import findings
from warehouse.reporting.report import flow

LIMITS = {"leak_auc": 0.96, "leak_min_loans": 100}
BALANCE = {"source": "s", "rows_in_files": 10, "lost_at_bronze": 0, "lost_at_silver": 0}


def presence(group, month, state, loans, is_gap):
    return {
        "feature_group": group,
        "application_month": date(2024, month, 1),
        "presence": state,
        "loans": loans,
        "is_gap": is_gap,
    }


def test_a_lost_row_is_wrong():
    assert findings.rows([BALANCE | {"lost_at_gold": 0}]).state == "good"
    lost = findings.rows([BALANCE | {"lost_at_gold": -2}])
    assert lost.state == "bad"
    assert lost.text == "2 of 10 rows are not accounted for."


def test_quarantine_adds_up_reasons_over_sources():
    rows = [
        {"source": source, "reason": "missing_key", "row_count": count}
        for source, count in (("a", 2), ("b", 3))
    ]
    found = findings.quarantine([*rows, {"source": "a", "reason": "malformed_row", "row_count": 1}])
    assert found.text == "6 rows are in quarantine: 5 missing key, 1 malformed row."
    assert findings.quarantine([]).state == "good"


def test_gaps_are_the_months_that_lack_a_group():
    rows = [
        presence("clickstream", 3, "present", 90, False),
        presence("clickstream", 4, "present", 2, True),
        presence("clickstream", 4, "no_history_yet", 8, True),
        presence("clickstream", 5, "no_history_yet", 10, True),
    ]
    (gap,) = findings.gaps(rows)
    assert (gap.first, gap.last) == (date(2024, 4, 1), date(2024, 5, 1))
    assert (gap.loans, gap.missing) == (20, 18)
    assert "18 of 20 loans from April 2024 to May 2024" in findings.presence(rows).text


@pytest.mark.parametrize(
    ("strength", "loans", "state"), [(0.95, 500, "good"), (0.97, 500, "bad"), (0.97, 99, "good")]
)
def test_a_feature_above_the_limit_is_a_leak_if_enough_loans_have_it(strength, loans, state):
    row = {"feature": "x", "strength": strength, "auc_loans": loans}
    assert findings.power([row], [], LIMITS).state == state


@pytest.mark.parametrize(("is_honest", "state"), [(True, "bad"), (False, "good")])
def test_an_honest_model_above_the_limit_is_a_leak(is_honest, state):
    model = {
        "name": "all groups",
        "feature_group": "all groups",
        "is_honest": is_honest,
        "auc": 0.97,
        "test_loans": 500,
    }
    row = {"feature": "x", "strength": 0.7, "auc_loans": 500}
    found = findings.power([row], [model], LIMITS)
    assert found.state == state
    assert findings.power([], [], LIMITS) is None


def test_drift_is_judged_in_the_latest_month():
    def row(month, drifted):
        return {
            "feature_group": "loan_history",
            "application_month": date(2024, month, 1),
            "features": 6,
            "drifted": drifted,
            "mostly_unknown": 0,
        }

    assert findings.drift([row(1, 6), row(2, 0)]).state == "good"
    found = findings.drift([row(1, 0), row(2, 3)])
    assert found.text == "3 of 6 loan history features drifted in February 2024."


def test_the_proof_is_shown_as_it_ended():
    assert findings.proof(None).state == "look"
    result = {"run_id": "7", "months": ["2024-01"], "columns": 9, "rows_compared": 12}
    passed = findings.proof(result | {"differences": [], "outcome": "passed"})
    assert passed.state == "good"
    assert "at 1 month: 12 rows of 9 columns compared, 0 differences." in passed.text
    failed = findings.proof(result | {"differences": [{"column": "fe_1"}], "outcome": "failed"})
    assert failed.state == "bad"


def test_the_verdict_counts_the_worst():
    good, look, bad = (findings.Finding("s", "t", state, "") for state in ("good", "look", "bad"))
    assert findings.verdict([good]) == "This run's data is good."
    assert (
        findings.verdict([good, look, look]) == "The data is whole; 2\u00a0things are worth a look."
    )
    assert findings.verdict([look, bad]) == "1\u00a0thing is wrong."


def test_the_flow_keeps_every_row_and_says_where_it_left():
    def row(layer, fate, count, reason=None):
        return {
            "source": "s",
            "layer": layer,
            "fate": fate,
            "reason": reason,
            "row_count": count,
        }

    ledger = [
        row("file", "read", 100),
        row("bronze", "landed", 90),
        row("bronze", "seen_before", 10, "same_content"),
        row("silver", "used", 80),
        row("silver", "quarantined", 10, "missing_key"),
        row("gold", "known", 50),
        row("gold", "not_known", 30, "after_every_application"),
    ]
    (lane,) = flow(ledger)
    assert [station["count"] for station in lane["stations"]] == [100, 90, 80, 50]
    assert [(leaving["count"], leaving["text"]) for leaving in lane["exits"]] == [
        (10, "seen before"),
        (10, "quarantined: missing key"),
        (30, "after every application"),
    ]


def test_late_rows_and_corrections_are_counted_over_sources():
    none = {"late_rows": 0, "corrections": 0, "applications_changed": 0}
    some = {"late_rows": 2, "corrections": 1, "applications_changed": 3}
    assert findings.knowledge([none]).text == "No row arrived late or was corrected."
    text = findings.knowledge([none, some]).text
    assert text.startswith("2 rows arrived late and 1 was a correction; 3 applications keep")
