"""The baseline model: no leak in its split, and scores that repeat."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from warehouse.base.paths import PROJECT_DIR
from warehouse.modelling import baseline, judging
from warehouse.modelling.data import Columns, load, split_by_date
from warehouse.notebook.connection import connect
from warehouse.reporting import charts


@pytest.fixture(scope="module")
def trained(sample_datamart):
    with connect(sample_datamart) as con:
        return baseline.train(con)


def test_every_tested_loan_comes_after_every_trained_one(trained):
    split = trained.split
    assert split.train.application_date.max() < split.test.application_date.min()
    assert split.test.has_clickstream.all()
    assert not split.test_without_clickstream.has_clickstream.any()


def test_labels_not_known_at_the_start_of_the_test_can_be_left_out(sample):
    split = split_by_date(load(sample), labels_known_by_test=True)
    assert split.train.label_date.max() <= split.test.application_date.min()


def test_models_beat_the_coin_but_not_the_future(trained):
    scores = baseline.summary(trained, resamples=100)
    assert scores.AUC.between(0.6, 0.96).all()
    assert (scores["AUC low"] < scores.AUC).all()
    assert (scores["AUC high"] > scores.AUC).all()
    assert scores.Gini.round(9).equals((2 * scores.AUC - 1).round(9))


def test_training_again_gives_the_same_scores(trained, sample):
    again = baseline.train(sample)
    for name, model in trained.models.items():
        first = baseline.default_risk(model, trained.split.test)
        second = baseline.default_risk(again.models[name], again.split.test)
        assert (first == second).all()


def test_evidence_is_nothing_without_a_month_and_grows_with_months(trained):
    loans = trained.split.train.head(2).copy()
    for counter in trained.split.columns.counters:
        loans[[f"{counter}_sum_all", f"{counter}_count_all"]] = [[None, None], [600, 2]]
    evidence = baseline.Evidence().fit(trained.split.train).transform(loans)
    assert (evidence[0] == 0).all()
    assert (evidence[1] > 0).all()


def test_tenths_hold_every_loan_once_riskiest_first():
    table = judging.deciles([0, 1] * 50, [i / 100 for i in range(100)])
    assert table.loans.tolist() == [10] * 10
    assert table.predicted.is_monotonic_decreasing
    assert table["share of all defaults"].iloc[-1] == 1


def test_scorecard_points_add_up_to_the_score(trained):
    model = trained.models["scorecard"]
    columns = trained.split.columns
    table = baseline.points(model, columns)
    assert table.points.iloc[0] == table[table.factor == "start"].points.item()
    factors = {*columns.all_numbers, *columns.all_categories, *columns.counters}
    assert factors <= set(table.factor)
    assert len(columns.counters) == 20


def test_a_leaky_join_shows_a_better_score_than_the_right_one(sample):
    from sklearn.metrics import roc_auc_score

    sample.execute(
        "create view whole_history as select loans.loan_id, clickstream.*"
        " from gold.loan_applications as loans inner join silver.clickstream as clickstream"
        " on loans.customer_id = clickstream.customer_id"
    )
    split = split_by_date(load(sample))
    leaky = baseline.judge(sample, baseline.Boosting(split.columns), split, "whole_history")
    model = baseline.Boosting(split.columns).fit(split.train, split.train.label)
    honest = roc_auc_score(split.test.label, baseline.default_risk(model, split.test))
    assert leaky["shown"] > honest
    assert leaky["shown"] > leaky["kept"]
    assert leaky["low"] < leaky["shown"] < leaky["high"]


@pytest.mark.long
def test_the_real_set_reaches_the_score_it_is_known_for(tmp_path):
    data = Path(os.environ.get("WAREHOUSE_REAL_DATA", PROJECT_DIR.parent / "shared" / "data"))
    if not (data / "lms_loan_daily.csv").is_file():
        pytest.skip(f"the real set is not in {data}; name its folder in WAREHOUSE_REAL_DATA")
    command = [sys.executable, PROJECT_DIR / "main.py", "--data-dir", data]
    subprocess.run([*command, "--datamart-dir", tmp_path / "datamart"], check=True)
    with connect(tmp_path / "datamart") as con:
        result = baseline.train(con)
    assert f"{result.split.test.application_date.min():%Y-%m}" == "2024-02"
    assert f"{result.split.test.application_date.max():%Y-%m}" == "2024-06"
    scores = baseline.summary(result).AUC
    assert 0.94 <= scores["gradient boosting", "with clickstream"] < 0.96
    assert 0.94 <= scores["scorecard", "with clickstream"] < 0.96
    assert scores["gradient boosting", "without clickstream"] < 0.85


def test_charts_of_the_models_show_what_the_models_score(trained):
    test = trained.split.test
    risk = baseline.default_risk(trained.models["scorecard"], test)
    label = test["label"].to_numpy()
    scores = baseline.summary(trained, resamples=10).loc["scorecard", "with clickstream"]
    roc = charts.roc({"scorecard": judging.roc(label, risk)}).to_json()
    assert f"scorecard {scores.AUC:.3f}" in roc
    assert f"KS {scores.KS:.2f}" in charts.ks(judging.found(label, risk)).to_json()
    tenths = judging.deciles(label, risk)
    pair = charts.side_by_side(charts.calibration({"scorecard": tenths}), charts.lift(tenths))
    assert len(pair.to_dict()["hconcat"]) == 2
    columns = trained.split.columns
    lost = baseline.importance(trained.models["scorecard"], test, columns, repeats=1)
    assert lost.lost.is_monotonic_decreasing
    assert lost.factor[0] in charts.importance(lost.head(5)).to_json()


def test_columns_come_from_the_catalogue(trained):
    columns = trained.split.columns
    assert isinstance(columns, Columns)
    assert "outstanding_debt" in columns.numbers["financials"]
    assert "occupation" in columns.categories["attributes"]
    assert "clickstream" not in columns.numbers


def test_found_shares_of_defaults_and_repaid_loans_make_the_share_of_all():
    rows = judging.found(np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.2, 0.1]))
    assert rows[-1] == {"share": 1.0, "defaults": 1.0, "repaid": 1.0}
    assert {"share": 0.2, "defaults": 0.5, "repaid": 0.0} in rows


def test_caught_counts_the_riskiest_part():
    label, score = np.array([1, 1, 0, 0, 1] * 2), np.arange(10)[::-1]
    assert judging.caught(label, score, 0.3) == (pytest.approx(2 / 6), pytest.approx(2 / 3))
