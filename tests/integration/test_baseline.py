"""The baseline model: no leak in its split, and scores that repeat."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from warehouse.base.paths import PROJECT_DIR
from warehouse.modelling import baseline, judging
from warehouse.modelling.data import read_loans, split_by_date
from warehouse.notebook.connection import connect
from warehouse.reporting import charts


@pytest.fixture(scope="module")
def trained(sample_datamart):
    with connect(sample_datamart) as con:
        return baseline.train(con)


def test_every_tested_loan_comes_after_every_trained_one(trained, sample):
    split = trained.split
    assert split.train.application_date.max() < split.test.application_date.min()
    assert split.test.has_clickstream.all()
    assert not split.test_without_clickstream.has_clickstream.any()
    known = split_by_date(sample, labels_known_by_test=True)
    assert known.train.label_date.max() <= known.test.application_date.min()


def test_models_beat_the_coin_but_not_the_future_and_repeat(trained, sample):
    scores = baseline.summary(trained, resamples=100)
    assert scores.AUC.between(0.6, 0.96).all()
    assert (scores["AUC low"] < scores.AUC).all()
    assert (scores["AUC high"] > scores.AUC).all()
    assert scores.Gini.round(9).equals((2 * scores.AUC - 1).round(9))
    again = baseline.train(sample)
    for name, model in trained.models.items():
        first = baseline.default_risk(model, trained.split.test)
        assert (first == baseline.default_risk(again.models[name], again.split.test)).all()


def test_every_loan_is_scored_as_in_the_test_whether_labelled_or_not(trained, sample):
    loans = read_loans(sample, trained.split.columns, is_labelled=False)
    assert len(loans) == sample.execute("select count(*) from gold.feature_store").fetchone()[0]
    for model in trained.models.values():
        scores = dict(zip(loans.loan_id, baseline.default_risk(model, loans), strict=True))
        tested = baseline.default_risk(model, trained.split.test)
        assert [scores[loan] for loan in trained.split.test.loan_id] == pytest.approx(tested)


def test_evidence_is_nothing_without_a_month_and_grows_with_months(trained):
    loans = trained.split.train.head(2).copy()
    for counter in trained.split.columns.counters:
        loans[[f"{counter}_sum_all", f"{counter}_count_all"]] = [[None, None], [600, 2]]
    evidence = baseline.Evidence().fit(trained.split.train).transform(loans)
    assert (evidence[0] == 0).all()
    assert (evidence[1] > 0).all()


def test_columns_come_from_the_catalogue_and_each_has_points(trained):
    columns = trained.split.columns
    assert "outstanding_debt" in columns.numbers["financials"]
    assert "occupation" in columns.categories["attributes"]
    assert "clickstream" not in columns.numbers
    assert len(columns.counters) == 20
    table = baseline.points(trained.models["scorecard"], columns)
    assert table.points.iloc[0] == table[table.factor == "start"].points.item()
    factors = {*columns.all_numbers, *columns.all_categories, *columns.counters}
    assert factors <= set(table.factor)


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
    model, test = trained.models["scorecard"], trained.split.test
    risk, label = baseline.default_risk(model, test), test["label"].to_numpy()
    found = judging.found(label, risk)
    roc, gap = charts.roc({"scorecard": found}).to_dict(), charts.ks(found).to_dict()
    assert "scorecard" in str(roc)
    assert f"KS {judging.ks(label, risk):.2f}" in str(gap)
    tenths = judging.deciles(label, risk)
    pair = charts.side_by_side(charts.calibration({"scorecard": tenths}), charts.lift(tenths))
    assert len(pair.to_dict()["hconcat"]) == 2
    lost = baseline.importance(model, test, trained.split.columns, repeats=1)
    assert lost.lost.is_monotonic_decreasing
    assert lost.factor[0] in charts.importance(lost.head(5)).to_json()
