"""Models of gold/monitoring against counts made another way, on the sample."""

import math

import pytest


def rows(con, sql, *parameters):
    """Return the rows of a query as dicts."""
    cursor = con.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def one(con, sql, *parameters):
    return con.execute(sql, parameters).fetchone()[0]


def test_the_ledger_balances_and_adds_up(sample):
    for row in rows(sample, "select * from gold.ledger_balance"):
        landed = one(sample, f"select count(*) from bronze.{row['source']}")
        assert row["rows_in_files"] >= landed
        assert [row[f"lost_at_{layer}"] for layer in ("bronze", "silver", "gold")] == [0, 0, 0]
    total = one(sample, "select sum(row_count) from gold.ledger_summary")
    assert total == one(sample, "select sum(row_count) from gold.row_ledger")


def test_quarantine_examples_are_the_files_own_and_name_nobody(sample):
    found = rows(sample, "select * from gold.quarantine_summary")
    assert sum(row["row_count"] for row in found) == one(
        sample, "select count(*) from silver.quarantine"
    )
    for row in found:
        for example in row["examples"]:
            text = example["explanation"]
            assert "CUS_0x" not in text
            assert "Name" not in text and "SSN" not in text
            if row["reason"] == "missing_key":
                assert text.endswith("= empty") or text.split("= ")[1].strip("' _") == ""
            if row["reason"] == "invalid_snapshot_date":
                assert text.startswith("snapshot_date = ")
            if row["source"] == "features_attributes" and row["reason"] == "malformed_row":
                assert text == "not shown: it may hold personal values"


@pytest.mark.parametrize(
    ("source", "table", "column", "raw"),
    [
        ("features_financials", "customer_financials", "credit_mix", "Credit_Mix"),
        ("features_attributes", "customer_attributes", "age", "Age"),
        ("features_financials", "customer_financials", "num_of_loan", "Num_of_Loan"),
    ],
)
def test_cleaned_values_are_counted_with_their_raw_values(sample, source, table, column, raw):
    found = rows(
        sample,
        "select * from gold.cleaning_summary where cleaned_column = ? and effect <> 'read'",
        column,
    )
    assert found
    for row in found:
        assert row["source"] == source
        actions = one(
            sample,
            f"select count(*) from silver.{table} where list_contains(cleaning_actions, ?)",
            f"{column}:{row['reason']}",
        )
        assert row["row_count"] == actions
        for value in row["examples"]:
            assert one(sample, f'select count(*) from bronze.{source} where "{raw}" = ?', value)


def test_a_trailing_underscore_loses_nothing(sample):
    found = {
        row["cleaned_column"]: row["row_count"]
        for row in rows(sample, "select * from gold.cleaning_summary where effect = 'read'")
    }
    raw = [
        text
        for (text,) in sample.execute('select "Age" from bronze.features_attributes').fetchall()
    ]
    assert found["age"] == sum(
        bool(text) and text.endswith("_") and text.rstrip("_").lstrip("-").isdigit() for text in raw
    )


def test_label_rates_have_wilson_intervals_and_their_outliers_are_binomial(sample):
    summary = rows(sample, "select * from gold.label_summary")
    assert [row["label_definition"] for row in summary if row["is_default"]] == ["30dpd_6mob"]
    z = 1.959964
    for label in summary:
        months = rows(
            sample,
            "select * from gold.label_rates where label_definition = ?",
            label["label_definition"],
        )
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


def test_labels_judged_otherwise_are_counted_loan_by_loan(sample):
    for row in rows(sample, "select * from gold.label_summary"):
        assert row["judged_otherwise"] == one(
            sample,
            """
            select count(*) from gold.label_store as one
            inner join gold.label_store as other on one.loan_id = other.loan_id
            where one.label_definition = '30dpd_6mob' and other.label_definition = ?
            and one.label <> other.label
            """,
            row["label_definition"],
        )


def test_a_vintage_curve_never_falls_and_ends_where_all_of_its_loans_can_be(sample):
    curves: dict = {}
    for row in rows(sample, "select * from gold.vintage_curves"):
        curves.setdefault(row["vintage"], []).append(row)
    horizon = one(sample, "select max(snapshot_date) from silver.loan_repayments")
    for vintage, points in curves.items():
        rates = [row["past_due_rate"] for row in points]
        assert rates == sorted(rates)
        assert [row["mob"] for row in points] == list(range(len(points)))
        latest = one(
            sample,
            "select max(application_date) from gold.loan_applications"
            " where date_trunc('quarter', application_date) = ?",
            vintage,
        )
        months = (horizon.year - latest.year) * 12 + horizon.month - latest.month
        assert points[-1]["mob"] <= months
    first = min(curves)
    defaults = one(
        sample,
        """
        select count(distinct r.loan_id) from silver.loan_repayments as r
        inner join gold.loan_applications as a on r.loan_id = a.loan_id
        where r.known_until is null and r.days_past_due >= 30 and r.mob <= 3
        and date_trunc('quarter', a.application_date) = ?
        """,
        first,
    )
    assert curves[first][3]["loans_past_due"] == defaults


def test_presence_and_gaps(sample):
    found = rows(sample, "select * from gold.feature_presence")
    loans = one(sample, "select count(*) from gold.feature_store")
    for group in {row["feature_group"] for row in found}:
        own = [row for row in found if row["feature_group"] == group]
        assert sum(row["loans"] for row in own) == loans
        present = sum(row["loans"] for row in own if row["presence"] == "present")
        assert present == one(
            sample, f"select count({group}_snapshot_date) from gold.feature_store"
        )
    gaps = {row["feature_group"] for row in found if row["is_gap"]}
    assert gaps == {"clickstream"}  # the sample's newest months lack it; a first loan is no gap


def test_sensitivity_counts_snapshots_of_the_application_day(sample):
    for row in rows(sample, "select * from gold.boundary_sensitivity"):
        group = row["feature_group"]
        same_day = one(
            sample,
            f"select count(*) from gold.feature_store"
            f" where {group}_snapshot_date = application_date",
        )
        assert row["loans_of_same_day"] == same_day
        assert row["same_day_share"] == pytest.approx(same_day / row["loans_with_snapshot"])


def test_drift_states_agree_with_their_limits(sample):
    limits = rows(sample, "select psi_limit, psi_steady from gold.key_figures")[0]
    states = rows(sample, "select * from gold.feature_drift where psi is not null")
    assert len(states) > 1000
    for row in states:
        expected = (
            "drifted"
            if row["psi"] >= limits["psi_limit"] and row["psi"] >= 3 * row["psi_by_chance"]
            else "steady"
            if row["psi"] < limits["psi_steady"]
            else "chance"
            if row["psi"] < 3 * row["psi_by_chance"]
            else "moved"
        )
        assert (row["drift_state"], row["is_drifted"]) == (expected, expected == "drifted")
    summary = "select sum(drifted) from gold.drift_summary"
    assert one(sample, summary) == one(
        sample, "select count(*) from gold.feature_drift where is_drifted"
    )


def test_the_example_loan_is_a_default_without_ids(sample):
    found = rows(sample, "select * from gold.example_loan")
    months = [row for row in found if row["series"] == "clickstream"]
    applied = next(row["event_date"] for row in found if row["series"] == "application")
    assert 6 <= sum(row["is_known"] for row in months) <= 14
    assert all(row["is_known"] == (row["event_date"] <= applied) for row in months)
    known = [row["value"] for row in months if row["is_known"]]
    mean = next(row["value"] for row in found if row["series"] == "clickstream_mean")
    assert mean == pytest.approx(sum(known) / len(known), abs=1e-5)
    judged = next(row["event_date"] for row in found if row["series"] == "label")
    paid = {row["event_date"]: row["value"] for row in found if row["series"] == "days_past_due"}
    assert paid[judged] >= 30


def test_key_figures_are_one_row_of_counts(sample):
    (row,) = rows(sample, "select * from gold.key_figures")
    assert row["loans"] == one(sample, "select count(*) from gold.feature_store")
    assert row["labelled_loans"] == one(sample, "select count(*) from gold.training_set")
    assert row["applicants_under_18"] == one(
        sample, "select count(*) from gold.feature_store where age < 18"
    )
    dates = [
        day
        for table in (
            "customer_attributes",
            "customer_financials",
            "clickstream",
            "loan_repayments",
        )
        for (day,) in sample.execute(f"select snapshot_date from silver.{table}").fetchall()
    ]
    assert row["ambiguous_dates"] == sum(day.day <= 12 and day.day != day.month for day in dates)
