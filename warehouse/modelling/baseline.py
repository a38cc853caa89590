"""The baseline credit models: trained on gold.training_set by date, judged out of time.

    result = train(con)                 a logistic scorecard and gradient boosting
    summary(result)                     AUC with its interval, Gini, KS, Brier score

Both read features of the feature store only. What they make of the clickstream: a counter is a
noisy reading of something that stays, so n months with the sum s are worth s - n x (the mean of
all): the evidence grows with the months, and is 0 for a loan without any. Nothing is filled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score, roc_curve
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COUNTERS = [f"fe_{number}" for number in range(1, 21)]
CATEGORIES = ["occupation", "credit_mix", "payment_of_min_amount", "spending_level", "payment_size"]
NUMBERS = [
    "age",
    "annual_income",
    "monthly_inhand_salary",
    "num_bank_accounts",
    "num_credit_card",
    "interest_rate",
    "num_of_loan",
    "delay_from_due_date",
    "num_of_delayed_payment",
    "changed_credit_limit",
    "num_credit_inquiries",
    "outstanding_debt",
    "credit_utilization_ratio",
    "credit_history_age_months",
    "total_emi_per_month",
    "amount_invested_monthly",
    "monthly_balance",
    "debt_to_income_ratio",
    "emi_to_salary_ratio",
    "invested_to_salary_ratio",
    "balance_to_salary_ratio",
    "delayed_payments_per_loan",
]
CLICKSTREAM = "clickstream history"
SEED = 7

# The data is small: threads cost more than they bring, above all beside other work.
one_thread = threadpool_limits.wrap(limits=1)


# Data


def load(con: "DuckDBPyConnection") -> pd.DataFrame:
    """The labelled loans with what the models read, in order of application."""
    clickstream = [f"{counter}_{kind}_all" for counter in COUNTERS for kind in ("sum", "count")]
    rows = con.execute(
        f"select loan_id, application_date, label_date, split, label,"
        f" clickstream_null_reason is null as has_clickstream,"
        f" {', '.join(CATEGORIES)}, {', '.join(NUMBERS + clickstream)}"
        f" from gold.training_set order by application_date, loan_id"
    ).df()
    rows[NUMBERS + clickstream] = rows[NUMBERS + clickstream].astype(float)
    rows[CATEGORIES] = rows[CATEGORIES].astype(object).where(rows[CATEGORIES].notna(), "unknown")
    return rows


def with_clickstream_of(con: "DuckDBPyConnection", rows: pd.DataFrame, months: str) -> pd.DataFrame:
    """The same loans with another clickstream history: `months` names a table of loan_id, fe_*.

    For comparing ways to join: everything else, the models included, stays as it is.
    """
    other = con.execute(
        rf"""
        select
            loan_id,
            sum(columns('(fe_\d+)')) as '\1_sum_all',
            count(columns('(fe_\d+)')) as '\1_count_all'
        from {months}
        group by loan_id
        """
    ).df()
    other[_clickstream_columns()] = other[_clickstream_columns()].astype(float)
    return rows.drop(columns=_clickstream_columns()).merge(other, on="loan_id", how="left")


@dataclass(frozen=True)
class Split:
    """Which loans are trained on and which are tested, by date."""

    train: pd.DataFrame
    test: pd.DataFrame  # later applications with a clickstream
    test_without_clickstream: pd.DataFrame

    def __str__(self) -> str:
        parts = {
            "trained on": self.train,
            "tested on": self.test,
            "tested on, without clickstream": self.test_without_clickstream,
        }
        return "\n".join(f"{name:31} {_described(rows)}" for name, rows in parts.items())


def _described(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "no loan"
    first, last = rows.application_date.min(), rows.application_date.max()
    return (
        f"{len(rows):6,} loans of {first:%Y-%m} to {last:%Y-%m},"
        f" {rows.label.mean():.1%} of them defaulted"
    )


def split_by_date(rows: pd.DataFrame, labels_known_by_test: bool = False) -> Split:
    """Later applications test what earlier ones teach; the date is the training set's own split.

    labels_known_by_test: leave out the loans whose label was not yet known when the first tested
    loan was applied for (the embargo), as a bank training on that day must.
    """
    is_test = rows.split == "test"
    earlier = rows[~is_test & ((rows.split != "embargo") | (not labels_known_by_test))]
    return Split(
        earlier, rows[is_test & rows.has_clickstream], rows[is_test & ~rows.has_clickstream]
    )


# Models


class Evidence(TransformerMixin, BaseEstimator):
    """Per counter: the sum of a loan's known months, less what as many average months give."""

    def fit(self, rows: pd.DataFrame, label: Any = None) -> "Evidence":
        """Learn each counter's mean over all months of the training loans."""
        months = self._values(rows, "count")
        self.means_ = self._values(rows, "sum").sum(axis=0) / np.maximum(months.sum(axis=0), 1)
        return self

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """One column per counter, 0 where no month is known."""
        return self._values(rows, "sum") - self._values(rows, "count") * self.means_

    def get_feature_names_out(self, names: Any = None) -> np.ndarray:
        """The counters' names."""
        return np.array(COUNTERS, dtype=object)

    @staticmethod
    def _values(rows: pd.DataFrame, kind: str) -> np.ndarray:
        return rows[[f"{counter}_{kind}_all" for counter in COUNTERS]].fillna(0).to_numpy()


class Bins(TransformerMixin, BaseEstimator):
    """Each number as the fifth of the training loans it falls in; unknown is a bin of its own."""

    def __init__(self, count: int = 5) -> None:
        self.count = count

    def fit(self, rows: pd.DataFrame, label: Any = None) -> "Bins":
        """Learn the edges."""
        self.columns_ = list(rows.columns)
        inner = np.linspace(0, 1, self.count + 1)[1:-1]
        self.edges_ = {c: np.unique(rows[c].quantile(inner).dropna()) for c in rows}
        return self

    def transform(self, rows: pd.DataFrame) -> np.ndarray:
        """One 0/1 column per bin."""
        parts = []
        for column, edges in self.edges_.items():
            values = rows[column].to_numpy()
            bins = np.where(
                np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, "left")
            )
            parts.append(bins[:, None] == np.arange(len(edges) + 2))
        return np.hstack(parts).astype(float)

    def get_feature_names_out(self, names: Any = None) -> np.ndarray:
        """column|bin, for the table of points."""
        out = []
        for column, edges in self.edges_.items():
            texts = [f"{edge:,.4g}" for edge in edges]
            out += [f"{column}|up to {texts[0]}"] if texts else [f"{column}|any"]
            out += [f"{column}|to {text}" for text in texts[1:]]
            out += [f"{column}|above {texts[-1]}"] if texts else []
            out += [f"{column}|unknown"]
        return np.array(out, dtype=object)


def scorecard() -> Pipeline:
    """A logistic scorecard: bins of the numbers, the categories, the clickstream's evidence."""
    return make_pipeline(
        make_column_transformer(
            (Bins(), NUMBERS),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), CATEGORIES),
            (make_pipeline(Evidence(), StandardScaler()), _clickstream_columns()),
            verbose_feature_names_out=False,
        ),
        LogisticRegression(C=0.1, max_iter=2000),
    )


class Boosting(ClassifierMixin, BaseEstimator):
    """Gradient boosting over numbers, categories and one score of all clickstream evidence.

    The evidence is linear, so a linear score sums it better than trees do. The trees learn from
    scores of loans that the score was not fitted on.
    """

    def __init__(self, trees: int = 150) -> None:
        self.trees = trees

    @one_thread
    def fit(self, rows: pd.DataFrame, label: Any) -> "Boosting":
        """Fit the linear score, then the trees."""
        self.classes_ = np.array([0, 1])
        linear = make_pipeline(
            Evidence(), StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)
        )
        score = cross_val_predict(linear, rows, label, cv=5, method="decision_function")
        self.linear_ = linear.fit(rows, label)
        self.codes_ = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan).fit(
            rows[CATEGORIES]
        )
        self.model_ = HistGradientBoostingClassifier(
            max_iter=self.trees, learning_rate=0.06, max_leaf_nodes=8, random_state=SEED
        ).fit(self._inputs(rows, score), label)
        return self

    @one_thread
    def predict_proba(self, rows: pd.DataFrame) -> np.ndarray:
        """The probabilities of repayment and of default."""
        return self.model_.predict_proba(self._inputs(rows, self.linear_.decision_function(rows)))

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """1 where a default is more likely than not."""
        return (self.predict_proba(rows)[:, 1] > 0.5).astype(int)

    def _inputs(self, rows: pd.DataFrame, score: np.ndarray) -> np.ndarray:
        months = rows[f"{COUNTERS[0]}_count_all"].fillna(0).to_numpy()
        return np.column_stack(
            [rows[NUMBERS], self.codes_.transform(rows[CATEGORIES]), score, months]
        )


def _clickstream_columns() -> list[str]:
    return [f"{counter}_{kind}_all" for counter in COUNTERS for kind in ("sum", "count")]


# Training and judging


@dataclass(frozen=True)
class Result:
    """Fitted models by name, and the loans they were trained and tested on."""

    models: dict[str, Any]
    split: Split


@one_thread
def train(con: "DuckDBPyConnection", labels_known_by_test: bool = False) -> Result:
    """Both models, fitted on the earlier loans."""
    split = split_by_date(load(con), labels_known_by_test)
    models = {"scorecard": scorecard(), "gradient boosting": Boosting()}
    for model in models.values():
        model.fit(split.train, split.train.label)
    return Result(models, split)


def default_risk(model: Any, rows: pd.DataFrame) -> np.ndarray:
    """The predicted probability of default of each loan."""
    return model.predict_proba(rows)[:, 1]


@one_thread
def summary(result: Result, resamples: int = 500) -> pd.DataFrame:
    """One row per model and tested loans: AUC with its 95 % interval, Gini, KS, Brier score."""
    tested = {
        "with clickstream": result.split.test,
        "without clickstream": result.split.test_without_clickstream,
    }
    rows = []
    for loans, test in tested.items():
        for name, model in result.models.items():
            if test.label.nunique() < 2:
                continue
            label, risk = test.label.to_numpy(), default_risk(model, test)
            low, high = auc_interval(label, risk, resamples)
            rows.append(
                {
                    "model": name,
                    "tested loans": loans,
                    "loans": len(test),
                    "AUC": roc_auc_score(label, risk),
                    "AUC low": low,
                    "AUC high": high,
                    "Gini": 2 * roc_auc_score(label, risk) - 1,
                    "KS": ks(label, risk),
                    "Brier": brier_score_loss(label, risk),
                }
            )
    return pd.DataFrame(rows).set_index(["model", "tested loans"])


def auc_interval(
    label: np.ndarray, score: np.ndarray, resamples: int = 500, level: float = 0.95
) -> tuple[float, float]:
    """The bootstrap interval of an AUC: loans drawn anew, with replacement."""
    random = np.random.default_rng(SEED)
    _, place = np.unique(score, return_inverse=True)
    drawn = []
    for _ in range(resamples):
        times = np.bincount(random.integers(0, len(label), len(label)), minlength=len(label))
        bad = np.bincount(place, times * label)
        good = np.bincount(place, times * (1 - label))
        if bad.sum() and good.sum():
            pairs_in_order = bad @ (np.cumsum(good) - good / 2)
            drawn.append(pairs_in_order / (bad.sum() * good.sum()))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def ks(label: np.ndarray, score: np.ndarray) -> float:
    """The largest gap between the shares of defaults and of repaid loans above a score."""
    false, true, _ = roc_curve(label, score)
    return float(np.max(true - false))


def roc(label: np.ndarray, score: np.ndarray) -> dict[str, Any]:
    """The AUC, and the points of the ROC curve: shares of repaid loans and of defaults flagged."""
    false, true, _ = roc_curve(label, score)
    return {
        "auc": float(roc_auc_score(label, score)),
        "points": list(zip(false.tolist(), true.tolist(), strict=True)),
    }


def found(label: np.ndarray, score: np.ndarray) -> list[dict[str, float]]:
    """Shares of all loans, of defaults and of repaid loans above each score, riskiest first."""
    false, true, _ = roc_curve(label, score)
    bad = float(np.mean(label))
    return [
        {"share": d * bad + r * (1 - bad), "defaults": d, "repaid": r}
        for r, d in zip(false.tolist(), true.tolist(), strict=True)
    ]


def caught(label: np.ndarray, score: np.ndarray, part: float = 0.2) -> tuple[float, float]:
    """Of the riskiest part of the loans: its share of all defaults, and its own default rate."""
    riskiest = np.argsort(-score, kind="stable")[: int(len(label) * part)]
    return float(label[riskiest].sum() / label.sum()), float(label[riskiest].mean())


@one_thread
def judge(
    con: "DuckDBPyConnection",
    model: Any,
    split: Split,
    months: str,
    known_months: str | None = None,
) -> dict[str, float]:
    """What a model shows, and what it keeps in use, whose clickstream comes from `months`.

    Trained on such months. shown: its AUC on the tested loans with such months, as its own build
    reports it, with its 95 % interval; kept: the AUC of the same model on the same loans with what
    was known on the day of the application, which is all that there is in use: the feature store's
    months, or those of `known_months`. Both name a table of loan_id, fe_*.
    """
    fitted = model.fit(with_clickstream_of(con, split.train, months), split.train.label)
    known = with_clickstream_of(con, split.test, known_months) if known_months else split.test
    label = split.test.label.to_numpy()
    shown = default_risk(fitted, with_clickstream_of(con, split.test, months))
    lower, upper = auc_interval(label, shown)
    return {
        "shown": float(roc_auc_score(label, shown)),
        "lower": lower,
        "upper": upper,
        "kept": float(roc_auc_score(label, default_risk(fitted, known))),
    }


def deciles(label: Sequence[int], score: np.ndarray) -> pd.DataFrame:
    """Ten equal parts of the loans, riskiest first: predicted and observed default rate, lift."""
    frame = pd.DataFrame({"label": np.asarray(label), "predicted": score})
    rank = frame.predicted.rank(method="first", ascending=False)
    frame["tenth"] = np.ceil(rank * 10 / len(frame)).astype(int)
    table = frame.groupby("tenth").agg(
        loans=("label", "size"),
        defaults=("label", "sum"),
        predicted=("predicted", "mean"),
        observed=("label", "mean"),
    )
    table["lift"] = table.observed / frame.label.mean()
    table["share of all defaults"] = table.defaults.cumsum() / table.defaults.sum()
    return table


@one_thread
def importance(model: Any, rows: pd.DataFrame, repeats: int = 3) -> pd.DataFrame:
    """AUC lost when a factor is shuffled between the loans; all of the clickstream is one factor.

    One row per factor, the largest loss first.

    Columns that repeat one another share their importance, so a small value is no proof of none.
    """
    random = np.random.default_rng(SEED)
    factors = {name: [name] for name in [*NUMBERS, *CATEGORIES]}
    factors[CLICKSTREAM] = _clickstream_columns()
    base = roc_auc_score(rows.label, default_risk(model, rows))
    drops = {}
    for name, columns in factors.items():
        shuffled = rows.copy()
        lost = []
        for _ in range(repeats):
            order = random.permutation(len(rows))
            shuffled[columns] = rows[columns].to_numpy()[order]
            lost.append(base - roc_auc_score(rows.label, default_risk(model, shuffled)))
        drops[name] = np.mean(lost)
    table = pd.DataFrame({"factor": drops.keys(), "lost": drops.values()})
    return table.sort_values("lost", ascending=False, ignore_index=True)


def points(model: Pipeline, base: int = 600, double: int = 20) -> pd.DataFrame:
    """The scorecard as points: more is safer, `double` points double the odds of repayment.

    A counter's points are per standard deviation of its evidence.
    """
    names = model[:-1].get_feature_names_out()
    weights = -model[-1].coef_[0] * double / np.log(2)
    table = pd.DataFrame({"name": names, "points": weights.round().astype(int)})
    table[["factor", "value"]] = table.name.str.extract(r"^(.*?)(?:\|(.*))?$")
    for category in CATEGORIES:
        of_category = table.factor.str.startswith(f"{category}_") & table.value.isna()
        table.loc[of_category, "value"] = table.factor[of_category].str[len(category) + 1 :]
        table.loc[of_category, "factor"] = category
    table["value"] = table.value.fillna("per standard deviation of evidence")
    start = base - model[-1].intercept_[0] * double / np.log(2)
    first = pd.DataFrame([{"factor": "start", "value": "every loan", "points": round(start)}])
    return pd.concat([first, table[["factor", "value", "points"]]], ignore_index=True)
