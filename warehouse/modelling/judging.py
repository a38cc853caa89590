"""Measures of a score: ranking, calibration, lift. Labels are 0 or 1, a higher score is riskier."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score, roc_curve

SEED = 7

Numbers = NDArray[np.float64]


def auc(label: ArrayLike, score: ArrayLike) -> float:
    """Return how often a default has a higher score than a good loan, ties counting half."""
    return float(roc_auc_score(label, score))


def auc_interval(
    label: ArrayLike, score: ArrayLike, resamples: int = 500, level: float = 0.95
) -> tuple[float, float]:
    """Return the bootstrap interval of an AUC: loans drawn again and again, with replacement."""
    labels = np.asarray(label)
    random = np.random.default_rng(SEED)
    _, place = np.unique(np.asarray(score), return_inverse=True)
    drawn = []
    for _ in range(resamples):
        times = np.bincount(random.integers(0, len(labels), len(labels)), minlength=len(labels))
        bad = np.bincount(place, times * labels)
        good = np.bincount(place, times * (1 - labels))
        if bad.sum() and good.sum():
            pairs_in_order = bad @ (np.cumsum(good) - good / 2)
            drawn.append(pairs_in_order / (bad.sum() * good.sum()))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def found(label: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """Return shares of all loans, defaults and repaid loans above each score, riskiest first.

    Defaults over repaid loans are the ROC curve.
    """
    repaid, defaults, _ = roc_curve(label, score)
    bad = float(np.mean(np.asarray(label)))
    share = defaults * bad + repaid * (1 - bad)
    return pd.DataFrame({"share": share, "defaults": defaults, "repaid": repaid})


def ks(label: ArrayLike, score: ArrayLike) -> float:
    """Return the largest gap between the shares of defaults and of repaid loans above a score."""
    curve = found(label, score)
    return float((curve["defaults"] - curve["repaid"]).max())


def caught(label: ArrayLike, score: ArrayLike, part: float = 0.2) -> tuple[float, float]:
    """Return of the riskiest part of the loans its share of all defaults, and its default rate."""
    labels, scores = np.asarray(label), np.asarray(score)
    riskiest = np.argsort(-scores, kind="stable")[: int(len(labels) * part)]
    return float(labels[riskiest].sum() / labels.sum()), float(labels[riskiest].mean())


def deciles(label: ArrayLike, score: ArrayLike) -> pd.DataFrame:
    """Return ten equal parts of the loans, riskiest first: rates predicted and observed, lift.

    One row a tenth, column tenth 1 to 10.
    """
    frame = pd.DataFrame({"label": np.asarray(label), "predicted": np.asarray(score)})
    rank = frame["predicted"].rank(method="first", ascending=False)
    frame["tenth"] = np.ceil(rank * 10 / len(frame)).astype(int)
    table = frame.groupby("tenth").agg(
        loans=("label", "size"),
        defaults=("label", "sum"),
        predicted=("predicted", "mean"),
        observed=("label", "mean"),
    )
    table["lift"] = table["observed"] / frame["label"].mean()
    table["share of all defaults"] = table["defaults"].cumsum() / table["defaults"].sum()
    return table.reset_index()
