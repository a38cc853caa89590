"""The notebooks' pictures: each function draws on given axes, or on new ones, and returns them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

if TYPE_CHECKING:
    import pandas as pd

BLUE, ORANGE, GREEN, RED, GREY = "#2f6690", "#e08e45", "#4f9d69", "#c8553d", "#9aa5b1"
COLOURS = (BLUE, ORANGE, GREEN, RED, GREY)


def new_axes(width: float = 7.0, height: float = 3.6, columns: int = 1, rows: int = 1) -> Any:
    """Empty axes in the house style: one, or an array of them."""
    style = {
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": GREY,
        "axes.titlesize": 10,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e6e9ec",
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "legend.fontsize": 8,
        "legend.frameon": False,
        "axes.prop_cycle": plt.cycler(color=COLOURS),
    }
    with plt.rc_context(style):
        _, axes = plt.subplots(rows, columns, figsize=(width, height), dpi=80, layout="constrained")
    return axes


def frame_chart(frame: "pd.DataFrame", kind: str = "line", axes: Axes | None = None) -> Axes:
    """Draw a frame: its first column is x, every other a series; `hist` counts every column."""
    axes = axes or new_axes()
    if kind == "hist":
        frame.plot.hist(ax=axes, bins=30, alpha=0.8, color=_colours(frame.columns))
        return axes
    x, series = frame.columns[0], list(frame.columns[1:])
    if kind == "scatter":
        for column, colour in zip(series, _colours(series), strict=True):
            axes.scatter(frame[x], frame[column], s=14, alpha=0.7, color=colour, label=column)
    else:
        sideways = kind == "bar" and _are_names(frame[x])
        if kind == "bar":
            frame = frame.assign(**{x: _short(frame[x])})
            kind = "barh" if sideways else "bar"
        options = {"width": 0.8} if kind.startswith("bar") else {}
        frame.plot(
            kind=kind, x=x, y=series, ax=axes, legend=False, color=_colours(series), **options
        )
        axes.grid(visible=False, axis="y" if sideways else "x")
        if sideways:
            axes.invert_yaxis()
            axes.figure.set_figheight(max(2.0, 0.26 * len(frame) * max(1, len(series) / 2) + 0.8))
        elif kind == "bar":
            axes.tick_params(axis="x", rotation=0 if len(frame) <= 8 else 60)
    value = series[0] if len(series) == 1 else ""
    axes.set_xlabel(value if kind == "barh" else str(x))
    axes.set_ylabel(str(x) if kind == "barh" else value)
    if len(series) > 1:
        axes.legend()
    return axes


def _colours(columns: Sequence[str]) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(len(columns))]


def _are_names(values: "pd.Series") -> bool:
    return bool(values.astype(str).str.len().max() > 12) and not hasattr(values.iloc[0], "month")


def _short(values: "pd.Series") -> list[str]:
    return [f"{value:%Y-%m}" if hasattr(value, "strftime") else str(value) for value in values]


# Point-in-time joins


def used_months(
    months: Sequence[date],
    used: Mapping[str, Sequence[bool]],
    application_date: date,
    label_date: date,
    right: str,
) -> Axes:
    """One customer's months, a line per way to join: which of them each way puts into a feature.

    Filled: used. Red: used although dated after the application.
    """
    axes = new_axes(8.0, 0.5 * len(used) + 1.3)
    for row, is_used in enumerate(used.values()):
        for month, taken in zip(months, is_used, strict=True):
            colour = RED if month > application_date else BLUE
            axes.scatter(
                month, -row, s=46, color=colour if taken else "white", edgecolor=colour, zorder=3
            )
    axes.axvline(application_date, color="black", linewidth=1)
    axes.axvline(label_date, color="black", linewidth=1, linestyle=":")
    axes.text(application_date, 0.6, " application", fontsize=8, va="bottom")
    axes.text(label_date, 0.6, " label known", fontsize=8, va="bottom")
    axes.set_yticks([-row for row in range(len(used))], list(used))
    axes.get_yticklabels()[list(used).index(right)].set_fontweight("bold")
    axes.set_ylim(-len(used) + 0.5, 0.6)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return axes


def shown_and_real(scores: "pd.DataFrame", right: str) -> Axes:
    """The score that a build shows beside the one it keeps in use, one line per build."""
    axes = new_axes(8.0, 0.5 * len(scores) + 1.3)
    for row, (name, score) in enumerate(scores.iterrows()):
        axes.plot([score.shown, score.in_use], [-row, -row], color=GREY, linewidth=2, zorder=1)
        axes.scatter(score.shown, -row, s=60, color=BLUE if name == right else RED, zorder=3)
        axes.scatter(
            score.in_use,
            -row,
            s=60,
            color="white",
            edgecolor=BLUE if name == right else RED,
            zorder=2 if name == right else 4,
        )
        axes.annotate(
            f"shows {score.shown:.3f}, keeps {score.in_use:.3f}",
            (max(score.shown, score.in_use), -row),
            (8, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_yticks([-row for row in range(len(scores))], list(scores.index))
    axes.set_ylim(-len(scores) + 0.5, 0.5)
    values = scores[["shown", "in_use"]].to_numpy()
    axes.set_xlim(right=values.max() + 0.6 * np.ptp(values))
    axes.set_xticks([tick for tick in axes.get_xticks() if tick <= 1])
    axes.set_xlim(values.min() - 0.1 * np.ptp(values), values.max() + 0.6 * np.ptp(values))
    axes.set_xlabel("AUC on later loans (filled: as the build shows it, hollow: in use)")
    axes.grid(visible=False, axis="y")
    return axes


# Credit models


def roc(scores: Mapping[str, tuple[np.ndarray, np.ndarray]], axes: Axes | None = None) -> Axes:
    """ROC curves by name, each of labels and scores."""
    from sklearn.metrics import roc_auc_score, roc_curve

    axes = axes or new_axes(4.2, 4.0)
    for name, (label, score) in scores.items():
        false, true, _ = roc_curve(label, score)
        axes.plot(false, true, label=f"{name}: AUC {roc_auc_score(label, score):.3f}")
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    axes.set(xlabel="share of the repaid loans flagged", ylabel="share of the defaults flagged")
    axes.set_title("ROC")
    axes.legend(loc="lower right")
    return axes


def ks(label: np.ndarray, score: np.ndarray, axes: Axes | None = None) -> Axes:
    """Cumulative shares of defaults and repaid loans from the riskiest down, and their gap."""
    axes = axes or new_axes(4.2, 4.0)
    order = np.argsort(-score, kind="stable")
    bad = np.cumsum(label[order]) / label.sum()
    good = np.cumsum(1 - label[order]) / (1 - label).sum()
    share = np.arange(1, len(label) + 1) / len(label)
    at = int(np.argmax(bad - good))
    axes.plot(share, bad, color=RED, label="defaults")
    axes.plot(share, good, color=BLUE, label="repaid")
    axes.vlines(share[at], good[at], bad[at], color="black", linewidth=1)
    axes.text(share[at], (bad[at] + good[at]) / 2, f" KS {bad[at] - good[at]:.2f}", fontsize=9)
    axes.set(xlabel="share of the loans, riskiest first", ylabel="share found")
    axes.set_title("Kolmogorov-Smirnov")
    axes.legend(loc="lower right")
    return axes


def calibration(deciles: Mapping[str, "pd.DataFrame"], axes: Axes | None = None) -> Axes:
    """Predicted against observed default rate by tenth of the scores (baseline.deciles)."""
    axes = axes or new_axes(4.2, 4.0)
    for name, frame in deciles.items():
        axes.plot(frame.predicted, frame.observed, marker="o", markersize=4, label=name)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", linewidth=1)
    axes.set(xlabel="predicted default rate", ylabel="observed default rate")
    axes.set_title("Calibration by tenth of the scores")
    axes.legend(loc="upper left")
    return axes


def lift(deciles: "pd.DataFrame", axes: Axes | None = None) -> Axes:
    """Default rate of each tenth of the loans over the average, riskiest first."""
    axes = axes or new_axes(4.2, 4.0)
    axes.bar(deciles.index, deciles.lift, color=BLUE)
    axes.axhline(1, color="black", linewidth=1)
    for tenth, value in deciles.lift.items():
        axes.text(tenth, value, f"{value:.1f}", ha="center", va="bottom", fontsize=8)
    axes.set(xlabel="tenth of the loans, riskiest first", ylabel="default rate / average")
    axes.set_xticks(deciles.index)
    axes.set_title("Lift")
    axes.grid(visible=False, axis="x")
    return axes


def importance(drops: "pd.Series", axes: Axes | None = None) -> Axes:
    """How much AUC is lost when a factor is shuffled, largest first (baseline.importance)."""
    axes = axes or new_axes(7.0, 0.28 * len(drops) + 1.0)
    drops = drops[::-1]
    axes.barh(drops.index, drops, color=BLUE)
    axes.set_xlabel("AUC lost when the factor is shuffled")
    axes.grid(visible=False, axis="y")
    return axes
