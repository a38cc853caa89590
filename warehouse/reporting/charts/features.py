"""Charts of features: which are there, how they drift, what they tell."""

from collections import Counter, defaultdict
from statistics import median
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    data,
    month_bands,
    month_tip,
    records,
    scale,
    words,
)
from warehouse.reporting.theme import COLORS, series_colors, styled

# A feature group of more features than this shows the strongest only.
MANY_FEATURES = 50
STRONGEST = 6
PRESENT = "with a value"
DRIFT_COLUMNS = ("feature", "application_month", "psi", "psi_by_chance", "null_rate", "loans")
# drift_state: what it is called, its colour
DRIFT_STATES = {
    "steady": ("steady", "good-soft"),
    "moved": ("moved a little", "warn"),
    "chance": ("within chance", "faint-soft"),
    "drifted": ("drifted", "bad"),
    "unknown": ("nothing to compare", "line"),
}


def feature_presence(rows: Rows) -> Any:
    """Draw which loans have each feature group, and why not; rows of gold.feature_presence."""
    found = _stacked(records(rows))
    groups = list(dict.fromkeys(row["feature_group"] for row in found))
    states = sorted({row["state"] for row in found}, key=lambda state: (state != PRESENT, state))
    names = ",".join(f"'{place + 0.5}':'{words(name)}'" for place, name in enumerate(groups))
    chart = (
        alt.Chart(data(found), description="Share of loans with each feature group by month")
        .mark_rect(opacity=0.85)
        .encode(
            x=month_bands(),
            y=alt.Y(
                "low:Q",
                scale=alt.Scale(domain=[0, len(groups)], reverse=True, nice=False),
                axis=alt.Axis(
                    title=None,
                    grid=False,
                    values=[place + 0.5 for place in range(len(groups))],
                    labelExpr=f"({{{names}}})[datum.value]",
                    labelColor=COLORS["ink"],
                    labelFontWeight="bold",
                ),
            ),
            y2="high:Q",
            color=alt.Color("state:N", scale=scale(_state_colors(states))),
            tooltip=[
                alt.Tooltip("feature_group:N", title="group"),
                month_tip(),
                alt.Tooltip("state:N", title="features"),
                alt.Tooltip("loans:Q", format=","),
                alt.Tooltip("share:Q", format=".1%", title="share"),
            ],
        )
    )
    return styled(chart, height=42 * len(groups))


def _stacked(found: list[Row]) -> list[Row]:
    """Give each row its place: groups one below the other, shares stacked in each."""
    groups = list(dict.fromkeys(row["feature_group"] for row in found))
    shares: dict[str, list[float]] = defaultdict(list)
    loans: dict[tuple[str, str], int] = defaultdict(int)
    for row in found:
        shares[row["feature_group"]].append(row["present_share"])
        loans[row["feature_group"], row["application_month"]] += row["loans"]
    below: dict[tuple[str, str], float] = defaultdict(float)
    for row in sorted(found, key=lambda row: row["presence"] != "present"):
        month = (row["feature_group"], row["application_month"])
        floor = groups.index(row["feature_group"]) + 0.92 - 0.84 * below[month]
        row["share"] = row["loans"] / loans[month]
        below[month] += row["share"]
        row["low"], row["high"] = floor, floor - 0.84 * row["share"]
        is_usual = median(shares[row["feature_group"]]) < 0.5
        missing = words(row["presence"]) + (", as usual" if is_usual else "")
        row["state"] = PRESENT if row["presence"] == "present" else missing
    return found


def _state_colors(states: list[str]) -> dict[str, str]:
    others = iter(("bad", "warn", "violet", "rust", "muted", "gold"))
    return {
        state: COLORS["teal"]
        if state == PRESENT
        else COLORS["line" if state.endswith("as usual") else next(others, "bad")]
        for state in states
    }


def strongest_features(catalog: Rows, is_whole: bool = False) -> list[Row]:
    """Return the catalogue's features by how far they are from chance alone, best first.

    Of a group of very many the best one a source column, since its other statistics say the same;
    all of them with is_whole.
    """
    found = records(catalog)
    sizes = Counter(row["feature_group"] for row in found)
    for row in found:
        row["strength"] = None if row["auc"] is None else abs(row["auc"] - 0.5) + 0.5
    ranked = sorted(found, key=lambda row: (-(row["strength"] or 0), row["feature"]))
    if is_whole:
        return ranked
    best: dict[tuple[str, str], Row] = {}
    for row in ranked:
        is_many = sizes[row["feature_group"]] > MANY_FEATURES
        best.setdefault((row["feature_group"], row["source_column" if is_many else "feature"]), row)
    return list(best.values())


def feature_drift(drift: Rows, catalog: Rows) -> Any:
    """Draw the drift of each feature by month; rows of gold.feature_drift and feature_catalog.

    Of a group of very many features the strongest are shown.
    """
    shown = _shown_by_group(catalog)
    group_of = {name: group for group, names in shown.items() for name in names}
    found = [
        {name: row[name] for name in DRIFT_COLUMNS}
        | {"group": words(group_of[row["feature"]])}
        | {"state": DRIFT_STATES[row["drift_state"]][0]}
        for row in records(drift)
        if row["feature"] in group_of
    ]
    there = {row["state"] for row in found}
    colors = {text: COLORS[role] for text, role in DRIFT_STATES.values() if text in there}
    order = [name for group in sorted(shown) for name in (f"{words(group)}:", *shown[group])]
    is_head = "indexof(datum.value, ':') > 0"
    chart = (
        alt.Chart(data(found), description="Population stability index by feature and month")
        .mark_rect()
        .encode(
            x=month_bands(),
            y=alt.Y(
                "feature:N",
                scale=alt.Scale(domain=order, paddingInner=0.1),
                axis=alt.Axis(
                    title=None,
                    labelExpr=f"{is_head} ? slice(datum.value, 0, -1) : datum.value",
                    labelFontWeight=alt.condition(is_head, alt.value("bold"), alt.value("normal")),
                    labelColor=alt.condition(
                        is_head, alt.value(COLORS["ink"]), alt.value(COLORS["muted"])
                    ),
                ),
            ),
            color=alt.Color("state:N", scale=scale(colors)),
            tooltip=[
                "feature:N",
                "group:N",
                month_tip(),
                alt.Tooltip("psi:Q", format=".3f", title="PSI"),
                alt.Tooltip("psi_by_chance:Q", format=".3f", title="by chance"),
                alt.Tooltip("null_rate:Q", format=".1%", title="unknown"),
                alt.Tooltip("loans:Q", format=","),
            ],
        )
    )
    return styled(chart, height=15 * len(order))


def _shown_by_group(catalog: Rows) -> dict[str, list[str]]:
    """Return the features to show of each group, the strongest first."""
    sizes = Counter(row["feature_group"] for row in records(catalog))
    shown: dict[str, list[str]] = defaultdict(list)
    for row in strongest_features(catalog):
        group = row["feature_group"]
        is_full = sizes[group] > MANY_FEATURES and len(shown[group]) >= STRONGEST
        if row["null_rate"] < 1 and not is_full:
            shown[group].append(row["feature"])
    return shown


def feature_power(catalog: Rows, count: int = 15) -> Any:
    """Draw how well the best features alone rank defaults; rows of gold.feature_catalog."""
    found = [row for row in strongest_features(catalog) if row["strength"]][:count]
    for row in found:
        row["value"] = f"{row['strength']:.3f} {'↑' if row['auc'] >= 0.5 else '↓'}"
        row["group"] = words(row["feature_group"])
        row["chance"] = 0.5
    strongest = max((row["strength"] for row in found), default=1.0)
    groups = sorted({words(row["feature_group"]) for row in records(catalog)})
    base = alt.Chart(data(found)).encode(
        y=alt.Y(
            "feature:N",
            sort=None,
            axis=alt.Axis(title=None, labelColor=COLORS["ink"]),
        ),
        x=alt.X(
            "strength:Q",
            scale=alt.Scale(domain=[0.5, 0.5 + 1.35 * (strongest - 0.5)], nice=False),
            axis=alt.Axis(title="AUC alone; ↑ the higher, the riskier", tickCount=5),
        ),
        color=alt.Color("group:N", scale=scale(series_colors(groups))),
        tooltip=[
            "feature:N",
            "description:N",
            alt.Tooltip("auc:Q", format=".3f", title="AUC"),
            alt.Tooltip("auc_loans:Q", format=",", title="test loans"),
        ],
    )
    layers = [
        base.mark_rule(strokeWidth=2).encode(x2="chance:Q"),
        base.mark_point(filled=True, size=60, opacity=1),
        base.mark_text(align="left", dx=8, fontWeight="bold").encode(
            text="value:N", color=alt.value(COLORS["ink"])
        ),
    ]
    return styled(
        alt.layer(*layers, description="AUC of single features on later loans"),
        height=21 * len(found),
    )
