"""Charts of features: which are there, how they drift, what they tell."""

from collections import Counter
from statistics import median
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    bold,
    chart_of,
    month_bands,
    names,
    records,
    scale,
    tips,
    words,
)
from warehouse.reporting.theme import COLORS, series_colors, styled

# A feature group of more features than this shows the strongest only.
MANY_FEATURES = 50
STRONGEST = 6
PRESENT = "with a value"
MISSING_COLORS = ("bad", "warn", "violet", "rust", "muted", "gold")
DRIFT_COLUMNS = ("feature", "application_month", "psi", "psi_by_chance", "null_rate", "loans")
# drift_state: its name in the chart, its colour
DRIFT_STATES = {
    "steady": ("steady", "good-soft"),
    "moved": ("moved a little", "warn"),
    "chance": ("within chance", "faint-soft"),
    "drifted": ("drifted", "bad"),
    "unknown": ("nothing to compare", "line"),
}


def feature_presence(rows: Rows) -> Any:
    """Draw which loans have each feature group, and why not; rows of gold.feature_presence."""
    found = records(rows)
    groups = list(dict.fromkeys(row["feature_group"] for row in found))
    _stack(found, groups)
    missing = sorted({row["state"] for row in found} - {PRESENT})
    free = iter(MISSING_COLORS)
    colors = {PRESENT: COLORS["teal"]} | {
        state: COLORS["line" if state.endswith("as usual") else next(free, "bad")]
        for state in missing
    }
    labels = ",".join(f"'{place + 0.5}':'{words(name)}'" for place, name in enumerate(groups))
    axis = alt.Axis(
        title=None,
        grid=False,
        values=[place + 0.5 for place in range(len(groups))],
        labelExpr=f"({{{labels}}})[datum.value]",
        labelColor=COLORS["ink"],
        labelFontWeight="bold",
    )
    top_down = alt.Scale(domain=[0, len(groups)], reverse=True, nice=False)
    cells = chart_of(found, "Share of loans with each feature group by month").encode(
        x=month_bands(),
        y=alt.Y("low:Q", scale=top_down, axis=axis),
        y2="high:Q",
        color=alt.Color("state:N", scale=scale(colors)),
        tooltip=tips(
            feature_group="|group",
            application_month="%B %Y|month",
            state="|features",
            loans=",",
            share=".1%",
        ),
    )
    return styled(cells.mark_rect(opacity=0.85), height=42 * len(groups))


def _stack(found: list[Row], groups: list[str]) -> None:
    """Give each row its state and place: groups one below the other, shares stacked in each."""
    usual = {
        group: median(row["present_share"] for row in found if row["feature_group"] == group)
        for group in groups
    }
    loans: Counter[tuple[str, str]] = Counter()
    for row in found:
        loans[row["feature_group"], row["application_month"]] += row["loans"]
    below: Counter[tuple[str, str]] = Counter()
    for row in sorted(found, key=lambda row: row["presence"] != "present"):
        group, month = row["feature_group"], (row["feature_group"], row["application_month"])
        row["share"] = row["loans"] / loans[month]
        row["low"] = groups.index(group) + 0.92 - 0.84 * below[month] / loans[month]
        row["high"] = row["low"] - 0.84 * row["share"]
        below[month] += row["loans"]
        missing = words(row["presence"]) + (", as usual" if usual[group] < 0.5 else "")
        row["state"] = PRESENT if row["presence"] == "present" else missing


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
    group_of = {name: words(group) for group, found in shown.items() for name in found}
    found = [
        {name: row[name] for name in DRIFT_COLUMNS}
        | {"group": group_of[row["feature"]], "state": DRIFT_STATES[row["drift_state"]][0]}
        for row in records(drift)
        if row["feature"] in group_of
    ]
    there = {row["state"] for row in found}
    colors = {text: COLORS[role] for text, role in DRIFT_STATES.values() if text in there}
    order = [name for group in sorted(shown) for name in (f"{words(group)}:", *shown[group])]
    is_head = "indexof(datum.value, ':') > 0"
    axis = alt.Axis(
        title=None,
        labelExpr=f"{is_head} ? slice(datum.value, 0, -1) : datum.value",
        labelFontWeight=alt.condition(is_head, alt.value("bold"), alt.value("normal")),
        labelColor=alt.condition(is_head, alt.value(COLORS["ink"]), alt.value(COLORS["muted"])),
    )
    cells = chart_of(found, "Population stability index by feature and month").encode(
        x=month_bands(),
        y=alt.Y("feature:N", scale=alt.Scale(domain=order, paddingInner=0.1), axis=axis),
        color=alt.Color("state:N", scale=scale(colors)),
        tooltip=tips(
            feature="",
            group="",
            application_month="%B %Y|month",
            psi=".3f|PSI",
            psi_by_chance=".3f|by chance",
            null_rate=".1%|unknown",
            loans=",",
        ),
    )
    return styled(cells.mark_rect(), height=15 * len(order))


def _shown_by_group(catalog: Rows) -> dict[str, list[str]]:
    """Return the features to show of each group, the strongest first."""
    sizes = Counter(row["feature_group"] for row in records(catalog))
    shown: dict[str, list[str]] = {}
    for row in strongest_features(catalog):
        own = shown.setdefault(row["feature_group"], [])
        is_full = sizes[row["feature_group"]] > MANY_FEATURES and len(own) >= STRONGEST
        if row["null_rate"] < 1 and not is_full:
            own.append(row["feature"])
    return {group: found for group, found in shown.items() if found}


def feature_power(catalog: Rows, count: int = 15) -> Any:
    """Draw how well the best features alone rank defaults; rows of gold.feature_catalog."""
    found = [row for row in strongest_features(catalog) if row["strength"]][:count]
    for row in found:
        row["value"] = f"{row['strength']:.3f} {'↑' if row['auc'] >= 0.5 else '↓'}"
        row["group"] = words(row["feature_group"])
        row["chance"] = 0.5
    groups = sorted({words(row["feature_group"]) for row in records(catalog)})
    top = 0.5 + 1.35 * (max((row["strength"] for row in found), default=1.0) - 0.5)
    base = chart_of(found).encode(
        y=names("feature", sort=None),
        x=alt.X(
            "strength:Q",
            scale=alt.Scale(domain=[0.5, top], nice=False),
            axis=alt.Axis(title="AUC alone; ↑ the higher, the riskier", tickCount=5),
        ),
        color=alt.Color("group:N", scale=scale(series_colors(groups))),
        tooltip=tips(feature="", description="", auc=".3f|AUC", auc_loans=",|test loans"),
    )
    layers = [
        base.mark_rule(strokeWidth=2).encode(x2="chance:Q"),
        base.mark_point(filled=True, size=60, opacity=1),
        bold(base, "value:N", dx=8).encode(color=alt.value(COLORS["ink"])),
    ]
    description = "AUC of single features on later loans"
    return styled(alt.layer(*layers, description=description), height=21 * len(found))
