"""The baseline credit models: trained on gold.training_set by date, judged out of time.

    result = train(con)                 a logistic scorecard and gradient boosting
    summary(result)                     AUC with its interval, Gini, KS, Brier score

Both read features of the feature store only. What they make of the clickstream: a counter is a
noisy reading of something that stays, so n months with the sum s are worth s - n x (the mean of
all): the evidence grows with the months, and is 0 for a loan without any. Nothing is filled.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from duckdb import DuckDBPyConnection
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from warehouse.modelling.data import Columns, Split, split_by_date, with_history
from warehouse.modelling.judging import SEED, Numbers, auc, auc_interval, ks

CLICKSTREAM = "clickstream history"

Called = TypeVar("Called", bound=Callable[..., Any])


def one_thread(function: Called) -> Called:
    """Run a function on one thread: on little data more cost more than they bring."""
    wrapped: Called = threadpool_limits.wrap(limits=1)(function)
    return wrapped


class Evidence(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Per counter: the sum of a loan's known months, less what as many average months give."""

    def fit(self, rows: pd.DataFrame, label: Any = None) -> "Evidence":
        """Learn each counter's mean over all months of the training loans."""
        self.counters_ = [
            str(c).removesuffix("_sum_all") for c in rows.columns if str(c).endswith("_sum_all")
        ]
        months = self._values(rows, "count")
        self.means_ = self._values(rows, "sum").sum(axis=0) / np.maximum(months.sum(axis=0), 1)
        return self

    def transform(self, rows: pd.DataFrame) -> Numbers:
        """Return one column per counter, 0 where no month is known."""
        evidence: Numbers = self._values(rows, "sum") - self._values(rows, "count") * self.means_
        return evidence

    def get_feature_names_out(self, names: Any = None) -> Any:
        """Return the counters' names."""
        return np.array(self.counters_, dtype=object)

    def _values(self, rows: pd.DataFrame, kind: str) -> Numbers:
        values = rows[[f"{counter}_{kind}_all" for counter in self.counters_]].fillna(0)
        return np.asarray(values, dtype=float)


class Bins(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Each number as the fifth of the training loans it falls in; unknown is a bin of its own."""

    def __init__(self, count: int = 5) -> None:
        """Cut into so many bins."""
        self.count = count

    def fit(self, rows: pd.DataFrame, label: Any = None) -> "Bins":
        """Learn the edges."""
        inner = np.linspace(0, 1, self.count + 1)[1:-1]
        self.edges_ = {c: np.unique(rows[c].quantile(inner).dropna()) for c in rows}
        return self

    def transform(self, rows: pd.DataFrame) -> Numbers:
        """Return one 0/1 column per bin."""
        parts = []
        for column, edges in self.edges_.items():
            values = rows[column].to_numpy()
            bins = np.where(
                np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, "left")
            )
            parts.append(bins[:, None] == np.arange(len(edges) + 2))
        return np.hstack(parts).astype(float)

    def get_feature_names_out(self, names: Any = None) -> Any:
        """Return column|bin, for the table of points."""
        out = []
        for column, edges in self.edges_.items():
            texts = [f"{edge:,.4g}" for edge in edges]
            out += [f"{column}|up to {texts[0]}"] if texts else [f"{column}|any"]
            out += [f"{column}|to {text}" for text in texts[1:]]
            out += [f"{column}|above {texts[-1]}"] if texts else []
            out += [f"{column}|unknown"]
        return np.array(out, dtype=object)


def logistic(numbers: list[str], categories: list[str], evidence: list[str]) -> Pipeline:
    """Return an unfitted logistic model on bins, categories and the clickstream's evidence."""
    parts = [
        (Bins(), numbers),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
        (make_pipeline(Evidence(), StandardScaler()), evidence),
    ]
    return make_pipeline(
        make_column_transformer(
            *[part for part in parts if part[1]], verbose_feature_names_out=False
        ),
        LogisticRegression(C=0.1, max_iter=2000),
    )


def scorecard(columns: Columns) -> Pipeline:
    """Return an unfitted logistic scorecard on all groups."""
    return logistic(columns.all_numbers, columns.all_categories, columns.evidence)


class Boosting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosting over numbers, categories and one score of all clickstream evidence.

    The evidence is linear, so a linear score sums it better than trees do. The trees learn from
    scores of loans that the score was not fitted on.
    """

    def __init__(self, columns: Columns, trees: int = 150) -> None:
        """Read these columns, with so many trees."""
        self.columns = columns
        self.trees = trees

    @one_thread
    def fit(self, rows: pd.DataFrame, label: Any) -> "Boosting":
        """Fit the linear score, then the trees."""
        self.classes_ = np.array([0, 1])
        linear = make_pipeline(
            Evidence(), StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)
        )
        evidence = rows[self.columns.evidence]
        score = cross_val_predict(linear, evidence, label, cv=5, method="decision_function")
        self.linear_ = linear.fit(evidence, label)
        self.codes_ = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan).fit(
            rows[self.columns.all_categories]
        )
        self.model_ = HistGradientBoostingClassifier(
            max_iter=self.trees, learning_rate=0.06, max_leaf_nodes=8, random_state=SEED
        ).fit(self._inputs(rows, score), label)
        return self

    @one_thread
    def predict_proba(self, rows: pd.DataFrame) -> Any:
        """Return the probabilities of repayment and of default."""
        score = self.linear_.decision_function(rows[self.columns.evidence])
        return self.model_.predict_proba(self._inputs(rows, score))

    def _inputs(self, rows: pd.DataFrame, score: Any) -> Any:
        months = rows[f"{self.columns.counters[0]}_count_all"].fillna(0).to_numpy()
        codes = self.codes_.transform(rows[self.columns.all_categories])
        return np.column_stack([rows[self.columns.all_numbers], codes, score, months])


@dataclass(frozen=True)
class Result:
    """Fitted models by name, and the loans they were trained and tested on."""

    models: dict[str, Any]
    split: Split


@one_thread
def train(con: DuckDBPyConnection, labels_known_by_test: bool = False) -> Result:
    """Return both models, fitted on the earlier loans."""
    split = split_by_date(con, labels_known_by_test)
    models = {"scorecard": scorecard(split.columns), "gradient boosting": Boosting(split.columns)}
    for model in models.values():
        model.fit(split.train, split.train["label"])
    return Result(models, split)


def default_risk(model: Any, rows: pd.DataFrame) -> Numbers:
    """Return the predicted probability of default of each loan."""
    return np.asarray(model.predict_proba(rows)[:, 1], dtype=float)


@one_thread
def summary(result: Result, resamples: int = 500) -> pd.DataFrame:
    """Return AUC with its 95 % interval, Gini, KS and Brier score; a row a model and test."""
    tested = {
        "with clickstream": result.split.test,
        "without clickstream": result.split.test_without_clickstream,
    }
    rows = []
    for loans, test in tested.items():
        for name, model in result.models.items():
            if test["label"].nunique() < 2:
                continue
            label, risk = test["label"].to_numpy(), default_risk(model, test)
            low, high = auc_interval(label, risk, resamples)
            rows.append(
                {
                    "model": name,
                    "tested loans": loans,
                    "loans": len(test),
                    "AUC": auc(label, risk),
                    "AUC low": low,
                    "AUC high": high,
                    "Gini": 2 * auc(label, risk) - 1,
                    "KS": ks(label, risk),
                    "Brier": brier_score_loss(label, risk),
                }
            )
    return pd.DataFrame(rows).set_index(["model", "tested loans"])


@one_thread
def judge(
    con: DuckDBPyConnection,
    model: Any,
    split: Split,
    months: str,
    known_months: str | None = None,
) -> dict[str, float]:
    """Return the AUC that a model shows, and what it keeps in use, with clickstream of `months`.

    Trained on such months. shown: its AUC on the tested loans with such months, as its own build
    reports it, with its 95 % interval; kept: the AUC of the same model on the same loans with what
    was known on the day of the application, which is all that there is in use: the feature store's
    months, or those of `known_months`. Both name a table of loan_id and the counters.
    """
    columns = split.columns
    train, test = (with_history(con, rows, columns, months) for rows in (split.train, split.test))
    fitted = model.fit(train, train["label"])
    known = with_history(con, split.test, columns, known_months) if known_months else split.test
    label = split.test["label"].to_numpy()
    shown, kept = default_risk(fitted, test), default_risk(fitted, known)
    low, high = auc_interval(label, shown)
    return {"shown": auc(label, shown), "low": low, "high": high, "kept": auc(label, kept)}


@one_thread
def importance(model: Any, rows: pd.DataFrame, columns: Columns, repeats: int = 3) -> pd.DataFrame:
    """Return the AUC lost when a factor is shuffled between the loans, the largest loss first.

    One row a factor; all of the clickstream is one.

    Columns that repeat one another share their importance, so a small value is no proof of none.
    """
    random = np.random.default_rng(SEED)
    factors = {name: [name] for name in [*columns.all_numbers, *columns.all_categories]}
    factors[CLICKSTREAM] = columns.evidence
    base = auc(rows["label"], default_risk(model, rows))
    drops = {}
    for name, shuffled_columns in factors.items():
        shuffled = rows.copy()
        lost = []
        for _ in range(repeats):
            order = random.permutation(len(rows))
            shuffled[shuffled_columns] = rows[shuffled_columns].to_numpy()[order]
            lost.append(base - auc(rows["label"], default_risk(model, shuffled)))
        drops[name] = np.mean(lost)
    table = pd.DataFrame({"factor": drops.keys(), "lost": drops.values()})
    return table.sort_values("lost", ascending=False, ignore_index=True)


def points(model: Pipeline, columns: Columns, base: int = 600, double: int = 20) -> pd.DataFrame:
    """Return the scorecard as points: more is safer, `double` points double the odds of repayment.

    A counter's points are per standard deviation of its evidence.
    """
    names = model[:-1].get_feature_names_out()
    weights = -model[-1].coef_[0] * double / np.log(2)
    table = pd.DataFrame({"name": names, "points": weights.round().astype(int)})
    table[["factor", "value"]] = table["name"].str.extract(r"^(.*?)(?:\|(.*))?$")
    for category in columns.all_categories:
        of_category = table["factor"].str.startswith(f"{category}_") & table["value"].isna()
        table.loc[of_category, "value"] = table["factor"][of_category].str[len(category) + 1 :]
        table.loc[of_category, "factor"] = category
    table["value"] = table["value"].fillna("per standard deviation of evidence")
    start = base - model[-1].intercept_[0] * double / np.log(2)
    first = pd.DataFrame([{"factor": "start", "value": "every loan", "points": round(start)}])
    return pd.concat([first, table[["factor", "value", "points"]]], ignore_index=True)
