"""Models of gold/monitoring against counts made another way, on the sample."""

import math

import pytest

from warehouse.base.rows import rows_of


def one(con, sql, *parameters):
    return con.execute(sql, parameters).fetchone()[0]


def test_the_ledger_balances_and_adds_up(sample):
    for row in rows_of(sample, "select * from gold.ledger_balance"):
        landed = one(sample, f"select count(*) from bronze.{row['source']}")
        assert row["rows_in_files"] >= landed
        assert [row[f"lost_at_{layer}"] for layer in ("bronze", "silver", "gold")] == [0, 0, 0]
    total = one(sample, "select sum(row_count) from gold.ledger_summary")
    assert total == one(sample, "select sum(row_count) from gold.row_ledger")


def test_quarantine_examples_are_the_files_own_and_name_nobody(sample):
    found = rows_of(sample, "select * from gold.quarantine_summary")
    rows = one(sample, "select count(*) from silver.quarantine")
    assert sum(row["row_count"] for row in found) == rows
    for row in found:
        for text in (example["explanation"] for example in row["examples"]):
            assert not any(word in text for word in ("CUS_0x", "Name", "SSN"))
            if row["reason"] == "missing_key":
                assert text.endswith("= empty") or text.split("= ")[1].strip("' _") == ""
            if row["reason"] == "invalid_snapshot_date":
                assert text.startswith("snapshot_date = ")
            if row["source"] == "features_attributes" and row["reason"] == "malformed_row":
                assert text == "not shown: it may hold personal values"


@pytest.mark.parametrize(
    ("source", "table", "raw"),
    [
        ("features_financials", "customer_financials", "Credit_Mix"),
        ("features_attributes", "customer_attributes", "Age"),
        ("features_financials", "customer_financials", "Num_of_Loan"),
    ],
)
def test_cleaned_values_are_counted_with_their_raw_values(sample, source, table, raw):
    summary = "select * from gold.cleaning_summary where cleaned_column = ? and effect <> 'read'"
    found = rows_of(sample, summary, [raw.lower()])
    assert found
    actions = f"select count(*) from silver.{table} where list_contains(cleaning_actions, ?)"
    for row in found:
        assert row["source"] == source
        assert row["row_count"] == one(sample, actions, f"{raw.lower()}:{row['reason']}")
        for value in row["examples"]:
            assert one(sample, f'select count(*) from bronze.{source} where "{raw}" = ?', value)


def test_a_trailing_underscore_loses_nothing(sample):
    read = "select row_count from gold.cleaning_summary where effect = 'read'"
    raw = sample.execute("select coalesce(\"Age\", '') from bronze.features_attributes").fetchall()
    assert one(sample, f"{read} and cleaned_column = 'age'") == sum(
        text.endswith("_") and text.rstrip("_").lstrip("-").isdigit() for (text,) in raw
    )


def test_label_rates_have_wilson_intervals_and_their_outliers_are_binomial(sample):
    summary = rows_of(sample, "select * from gold.label_summary")
    assert [row["label_definition"] for row in summary if row["is_default"]] == ["30dpd_6mob"]
    z = 1.959964
    rates = "select * from gold.label_rates where label_definition = ?"
    for label in summary:
        months = rows_of(sample, rates, [label["label_definition"]])
        assert sum(row["loans"] for row in months) == label["loans"]
        outside = 0
        for row in (row for row in months if row["labelled"]):
            n, p = row["labelled"], row["defaults"] / row["labelled"]
            spread = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
            low, high = ((p + z * z / (2 * n) + s * spread) / (1 + z * z / n) for s in (-1, 1))
            assert (row["rate_low"], row["rate_high"]) == (pytest.approx(low), pytest.approx(high))
            is_outside = not low <= label["defaults"] / label["labelled"] <= high
            assert row["is_outside"] == is_outside
            outside += is_outside
        assert label["months_outside"] == outside
        n = label["months"]
        chance = sum(math.comb(n, k) * 0.05**k * 0.95 ** (n - k) for k in range(outside, n + 1))
        assert label["chance_of_outside"] == pytest.approx(chance)
        judged = (
            "select count(*) from gold.label_store as one inner join gold.label_store as other"
            " on one.loan_id = other.loan_id and one.label <> other.label"
            " where one.label_definition = '30dpd_6mob' and other.label_definition = ?"
        )
        assert label["judged_otherwise"] == one(sample, judged, label["label_definition"])


def test_a_vintage_curve_never_falls_and_ends_where_all_of_its_loans_can_be(sample):
    curves: dict = {}
    for row in rows_of(sample, "select * from gold.vintage_curves"):
        curves.setdefault(row["vintage"], []).append(row)
    horizon = one(sample, "select max(snapshot_date) from silver.loan_repayments")
    in_vintage = "date_trunc('quarter', application_date) = ?"
    latest = f"select max(application_date) from gold.loan_applications where {in_vintage}"
    for vintage, points in curves.items():
        rates = [row["past_due_rate"] for row in points]
        assert rates == sorted(rates)
        assert [row["mob"] for row in points] == list(range(len(points)))
        last = one(sample, latest, vintage)
        months = (horizon.year - last.year) * 12 + horizon.month - last.month
        assert points[-1]["mob"] <= months
    first = min(curves)
    defaults = (
        "select count(distinct loan_id) from silver.loan_repayments as repayments"
        " inner join gold.loan_applications using (loan_id)"
        f" where known_until is null and days_past_due >= 30 and mob <= 3 and {in_vintage}"
    )
    assert curves[first][3]["loans_past_due"] == one(sample, defaults, first)


def test_presence_gaps_and_snapshots_of_the_application_day(sample):
    found = rows_of(sample, "select * from gold.feature_presence")
    loans = one(sample, "select count(*) from gold.feature_store")
    for group in {row["feature_group"] for row in found}:
        own = [row for row in found if row["feature_group"] == group]
        assert sum(row["loans"] for row in own) == loans
        present = sum(row["loans"] for row in own if row["presence"] == "present")
        known = f"select count({group}_snapshot_date) from gold.feature_store"
        assert present == one(sample, known)
    gaps = {row["feature_group"] for row in found if row["is_gap"]}
    assert gaps == {"clickstream"}  # the sample's newest months lack it; a first loan is no gap
    for row in rows_of(sample, "select * from gold.boundary_sensitivity"):
        known = f"select count(*) filter ({row['feature_group']}_snapshot_date = application_date)"
        assert row["loans_of_same_day"] == one(sample, f"{known} from gold.feature_store")
        share = row["loans_of_same_day"] / row["loans_with_snapshot"]
        assert row["same_day_share"] == pytest.approx(share)


def test_drift_states_agree_with_their_limits(sample):
    (limits,) = rows_of(sample, "select psi_limit, psi_steady from gold.key_figures")
    states = rows_of(sample, "select * from gold.feature_drift where psi is not null")
    assert len(states) > 1000
    for row in states:
        is_large = row["psi"] >= 3 * row["psi_by_chance"]
        expected = (
            "drifted"
            if row["psi"] >= limits["psi_limit"] and is_large
            else "steady"
            if row["psi"] < limits["psi_steady"]
            else "moved"
            if is_large
            else "chance"
        )
        assert (row["drift_state"], row["is_drifted"]) == (expected, expected == "drifted")
    drifted = one(sample, "select count(*) from gold.feature_drift where is_drifted")
    assert one(sample, "select sum(drifted) from gold.drift_summary") == drifted


def test_the_example_loan_is_a_default_without_ids(sample):
    series: dict = {}
    for row in rows_of(sample, "select * from gold.example_loan"):
        series.setdefault(row["series"], []).append(row)
    ((applied,), (judged,), (mean,)) = (
        series[name] for name in ("application", "label", "clickstream_mean")
    )
    months = series["clickstream"]
    known = [row["value"] for row in months if row["is_known"]]
    assert 6 <= len(known) <= 14
    assert all(row["is_known"] == (row["event_date"] <= applied["event_date"]) for row in months)
    assert mean["value"] == pytest.approx(sum(known) / len(known), abs=1e-5)
    paid = {row["event_date"]: row["value"] for row in series["days_past_due"]}
    assert paid[judged["event_date"]] >= 30


def test_key_figures_are_one_row_of_counts(sample):
    (row,) = rows_of(sample, "select * from gold.key_figures")
    assert row["loans"] == one(sample, "select count(*) from gold.feature_store")
    assert row["labelled_loans"] == one(sample, "select count(*) from gold.training_set")
    minors = "select count(*) from gold.feature_store where age < 18"
    assert row["applicants_under_18"] == one(sample, minors)
    tables = ("customer_attributes", "customer_financials", "clickstream", "loan_repayments")
    assert row["ambiguous_dates"] == sum(
        day.day <= 12 and day.day != day.month
        for table in tables
        for (day,) in sample.execute(f"select snapshot_date from silver.{table}").fetchall()
    )
