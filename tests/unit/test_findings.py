"""The verdict of the report: what is good, what a person should look at, what is wrong."""

from datetime import date

import pytest

from warehouse.reporting import findings

LIMITS = {"leak_auc": 0.96, "leak_min_loans": 100}
BALANCE = {"source": "s", "rows_in_files": 10, "lost_at_bronze": 0, "lost_at_silver": 0}


def test_a_lost_row_is_wrong():
    assert findings.rows([BALANCE | {"lost_at_gold": 0}])[0] == "good"
    lost = findings.rows([BALANCE | {"lost_at_gold": -2}])
    assert lost == ("bad", "2 of 10 rows are not accounted for.")


def test_quarantine_adds_up_reasons_over_sources():
    rows = [
        {"source": source, "reason": reason, "row_count": count}
        for source, reason, count in (
            ("a", "missing_key", 2),
            ("b", "missing_key", 3),
            ("a", "malformed_row", 1),
        )
    ]
    text = "6 rows are in quarantine: 5 missing key, 1 malformed row."
    assert findings.quarantine(rows) == ("look", text)
    assert findings.quarantine([])[0] == "good"


def test_gaps_are_the_months_that_lack_a_group():
    rows = [
        {
            "feature_group": "clickstream",
            "application_month": date(2024, month, 1),
            "presence": state,
            "loans": loans,
            "is_gap": month > 3,
        }
        for month, state, loans in (
            (3, "present", 90),
            (4, "present", 2),
            (4, "no_history_yet", 8),
            (5, "no_history_yet", 10),
        )
    ]
    (gap,) = findings.gaps(rows)
    assert (gap["first"], gap["last"]) == (date(2024, 4, 1), date(2024, 5, 1))
    assert (gap["loans"], gap["missing"]) == (20, 18)
    assert "18 of 20 loans from April 2024 to May 2024" in findings.presence(rows)[1]


@pytest.mark.parametrize(
    ("auc", "loans", "state"), [(0.05, 500, "good"), (0.97, 500, "bad"), (0.03, 99, "good")]
)
def test_a_feature_above_the_limit_is_a_leak_if_enough_loans_have_it(auc, loans, state):
    feature = {"feature": "x", "feature_group": "g", "auc": auc, "auc_loans": loans}
    assert findings.power([feature], [], LIMITS)[0] == state


@pytest.mark.parametrize(("is_honest", "state"), [(True, "bad"), (False, "good")])
def test_an_honest_model_above_the_limit_is_a_leak(is_honest, state):
    model = {"name": "all", "feature_group": "all groups", "is_honest": is_honest}
    model |= {"auc": 0.97, "test_loans": 500}
    feature = {"feature": "x", "feature_group": "g", "auc": 0.7, "auc_loans": 500}
    assert findings.power([feature], [model], LIMITS)[0] == state
    assert findings.power([], [], LIMITS) is None


def test_drift_is_judged_in_the_latest_month():
    def row(month, drifted):
        found = {"features": 6, "drifted": drifted, "mostly_unknown": 0}
        month = date(2024, month, 1)
        return {"feature_group": "loan_history", "application_month": month} | found

    assert findings.drift([row(1, 6), row(2, 0)])[0] == "good"
    text = "3 of 6 loan history features drifted in February 2024."
    assert findings.drift([row(1, 0), row(2, 3)]) == ("look", text)


def test_the_proof_is_shown_as_it_ended():
    assert findings.proof(None)[0] == "look"
    result = {"run_id": "7", "months": ["2024-01"], "columns": 9, "rows_compared": 12}
    state, text = findings.proof(result | {"differences": [], "outcome": "passed"})
    assert state == "good"
    assert "at 1 month: 12 rows of 9 columns compared, 0 differences." in text
    failed = findings.proof(result | {"differences": [{"column": "fe_1"}], "outcome": "failed"})
    assert failed[0] == "bad"


def test_late_rows_and_corrections_are_counted_over_sources():
    none = {"late_rows": 0, "corrections": 0, "applications_changed": 0}
    some = {"late_rows": 2, "corrections": 1, "applications_changed": 3}
    assert findings.knowledge([none])[1] == "No row arrived late or was corrected."
    text = findings.knowledge([none, some])[1]
    assert text.startswith("2 rows arrived late and 1 was a correction; 3 applications keep")


def test_the_verdict_counts_the_worst():
    good, look, bad = (findings.Finding("s", "t", state, "") for state in ("good", "look", "bad"))
    assert findings.verdict([good]) == "This run's data is good."
    two = "The data is whole; 2\u00a0things are worth a look."
    assert findings.verdict([look, look, good]) == two
    assert findings.verdict([bad, look]) == "1\u00a0thing is wrong."
