"""How good a score is, against counts by hand."""

import numpy as np
import pytest

from warehouse.modelling import judging

LABEL = np.array([0, 0, 1, 0, 1, 1, 0, 1, 0, 0])
SCORE = np.array([0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.1, 0.1])


def test_auc_counts_pairs_in_order_ties_half():
    pairs = [(s > t) + 0.5 * (s == t) for s in SCORE[LABEL == 1] for t in SCORE[LABEL == 0]]
    assert judging.auc(LABEL, SCORE) == pytest.approx(np.mean(pairs))
    low, high = judging.auc_interval(LABEL, SCORE, 200)
    assert low < judging.auc(LABEL, SCORE) < high <= 1


def test_ks_is_the_widest_gap_between_defaults_and_repaid_found():
    gaps = [
        abs((SCORE[LABEL == 1] >= cut).mean() - (SCORE[LABEL == 0] >= cut).mean()) for cut in SCORE
    ]
    assert judging.ks(LABEL, SCORE) == pytest.approx(max(gaps))
    rows = judging.found([1, 0, 1, 0, 0], [0.9, 0.8, 0.7, 0.2, 0.1]).to_dict("records")
    assert rows[-1] == {"share": 1.0, "defaults": 1.0, "repaid": 1.0}
    assert {"share": 0.2, "defaults": 0.5, "repaid": 0.0} in rows


def test_the_riskiest_part_and_tenths_add_up():
    assert judging.caught(LABEL, SCORE, 0.2) == (0.25, 0.5)
    table = judging.deciles([0, 1] * 50, [i / 100 for i in range(100)])
    assert table.tenth.tolist() == list(range(1, 11))
    assert table.loans.tolist() == [10] * 10
    assert table.predicted.is_monotonic_decreasing
    assert table.defaults.sum() == 50
    assert table["share of all defaults"].iloc[-1] == 1
