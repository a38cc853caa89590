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
    points = judging.found(LABEL, SCORE)
    assert points[-1]["share"] == pytest.approx(1)


def test_the_riskiest_part_and_tenths_add_up():
    caught, rate = judging.caught(LABEL, SCORE, 0.2)
    assert (caught, rate) == (0.25, 0.5)
    table = judging.deciles(LABEL, SCORE)
    assert table["tenth"].tolist() == list(range(1, 11))
    assert table["defaults"].sum() == LABEL.sum()
    assert table["share of all defaults"].iloc[-1] == pytest.approx(1)
