"""Charts of credit models: how well they rank, whether they promise the right rate."""

from collections.abc import Mapping
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Row,
    Rows,
    bold,
    chart_of,
    names,
    numbers,
    records,
    scale,
    tips,
    words,
)
from warehouse.reporting.theme import COLORS, SERIES, series_colors, styled

SIDE = 300
SHARE: Row = {"format": ".0%", "tickCount": 5}
SPECIAL = {"all groups": "gold", "careless join": "bad", "without": "faint"}


def group_power(rows: Rows) -> Any:
    """Draw the out-of-time AUC of models on one feature group each; rows of `group_power`."""
    found = records(rows)
    for row in found:
        row["kind"] = words(row["feature_group"])
        row["value"] = f"{row['auc']:.3f}"
        row["chance"] = 0.5
        row["auc_low"] = max(row["auc_low"], 0.5)
    groups = sorted({row["kind"] for row in found} - set(SPECIAL))
    colors = series_colors(groups) | {name: COLORS[role] for name, role in SPECIAL.items()}
    base = chart_of(found).encode(
        y=names("name", sort=None),
        tooltip=tips(name="", auc=".3f|AUC", auc_low=".3f|from", auc_high=".3f|to", test_loans=","),
    )
    auc = alt.X(
        "auc:Q",
        scale=alt.Scale(domain=[0.5, 1.06], nice=False),
        axis=alt.Axis(title=None, values=[0.5, 0.6, 0.7, 0.8, 0.9, 1]),
    )
    color = alt.Color("kind:N", scale=scale(colors), legend=None)
    layers = [
        base.mark_bar(height={"band": 0.55}).encode(x=auc, x2="chance:Q", color=color),
        base.mark_rule(color=COLORS["ink"]).encode(x="auc_low:Q", x2="auc_high:Q"),
        bold(base.encode(x="auc_high:Q"), "value:N"),
    ]
    description = "Out-of-time AUC by feature group, 95 %"
    return styled(alt.layer(*layers, description=description), height=28 * len(found))


def roc(curves: Mapping[str, Rows]) -> Any:
    """Draw ROC curves; by name of the model rows of `judging.found`."""
    points = {
        name: [(r["repaid"], r["defaults"]) for r in records(c)] for name, c in curves.items()
    }
    layers = _curves(points, "repaid loans flagged", "defaults flagged")
    return _square(alt.layer(_diagonal(1), *layers, description="ROC curve"))


def ks(rows: Rows) -> Any:
    """Draw the shares of defaults and of repaid loans above each score; rows of `found`."""
    found = records(rows)
    points = {kind: [(row["share"], row[kind]) for row in found] for kind in ("defaults", "repaid")}
    best = max(found, key=lambda row: row["defaults"] - row["repaid"])
    text = f"KS {best['defaults'] - best['repaid']:.2f}"
    gap = chart_of([best | {"text": text}]).encode(x="share:Q", y="defaults:Q")
    layers = [
        *_curves(points, "share of loans, riskiest first", "share found"),
        gap.mark_rule(color=COLORS["ink"], strokeDash=[3, 3]).encode(y2="repaid:Q"),
        bold(gap, "text:N", dy=18),
    ]
    return _square(alt.layer(*layers, description="Defaults and repaid loans found"))


def calibration(models: Mapping[str, Rows]) -> Any:
    """Draw predicted against observed default rates; by name of the model its `deciles`."""
    points = {
        name: [(row["predicted"], row["observed"]) for row in records(rows)]
        for name, rows in models.items()
    }
    end = max(max(point) for line in points.values() for point in line)
    layers = _curves(
        points, "predicted", "observed", point=alt.OverlayMarkDef(size=30, filled=True)
    )
    return _square(alt.layer(_diagonal(end), *layers, description="Calibration"))


def lift(rows: Rows) -> Any:
    """Draw the lift of each tenth of the loans, riskiest first; rows of `deciles`."""
    axis = alt.Axis(title="tenth of the loans, riskiest first", labelAngle=0)
    bars = chart_of(records(rows), "Lift by tenth of the loans, riskiest first").encode(
        x=alt.X("tenth:O", axis=axis),
        y=numbers("lift", title="lift"),
        tooltip=tips(tenth="", lift=".2f", loans=",", defaults=","),
    )
    return _square(bars.mark_bar(color=COLORS["accent"]))


def importance(rows: Rows) -> Any:
    """Draw the AUC lost when a factor is shuffled; rows of `importance`: factor, lost."""
    base = chart_of(records(rows)).encode(
        y=names("factor", sort=None),
        x=alt.X("lost:Q", axis=alt.Axis(title="AUC lost", tickCount=5)),
    )
    layers = [
        base.mark_bar(color=COLORS["accent"], height={"band": 0.55}),
        bold(base.transform_calculate(text="format(datum.lost, '.3f')"), "text:N", dx=5),
    ]
    description = "AUC lost when a factor is shuffled"
    return styled(alt.layer(*layers, description=description), height=alt.Step(21))


def shown_and_kept(rows: Rows) -> Any:
    """Draw the AUC that a join shows and what it keeps in use; rows: name, shown, kept."""
    found = records(rows)
    points = [
        {"name": row["name"], "auc": row[kind], "kind": kind}
        for row in found
        for kind in ("shown", "kept")
    ]
    low = min(row["auc"] for row in points) - 0.03
    x = alt.X("auc:Q", scale=alt.Scale(domain=[low, 1], nice=False), axis=alt.Axis(title="AUC"))
    y = names("name", sort=None)
    lines = chart_of(found).encode(y=y, x="shown:Q", x2="kept:Q")
    dots = chart_of(points).encode(
        y=y,
        x=x,
        color=alt.Color("kind:N", scale=scale({"shown": COLORS["bad"], "kept": COLORS["teal"]})),
        tooltip=tips(name="", kind="", auc=".3f|AUC"),
    )
    layers = [
        lines.mark_rule(color=COLORS["faint"], strokeWidth=3),
        dots.mark_point(filled=True, size=110, opacity=1),
    ]
    return styled(alt.layer(*layers, description="AUC shown, and kept in use"), height=alt.Step(34))


def side_by_side(*charts: Any) -> Any:
    """Put styled charts next to each other."""
    parts = [chart.copy(deep=False) for chart in charts]
    for part in parts:
        part.config = alt.Undefined
    return styled(alt.hconcat(*parts, spacing=36), width=None)


def _curves(
    lines: Mapping[str, list[tuple[float, float]]], x: str, y: str, point: Any = False
) -> list[Any]:
    """Return a layer with a line a name; x, y: the titles of the axes."""
    rows = [{"line": name, "x": x, "y": y} for name, found in lines.items() for x, y in found]
    colors = {name: COLORS[SERIES[2 + place]] for place, name in enumerate(lines)}
    curves = chart_of(rows).encode(
        x=alt.X("x:Q", axis=alt.Axis(title=x, **SHARE)),
        y=alt.Y("y:Q", axis=alt.Axis(title=y, **SHARE)),
        order="x:Q",
        color=alt.Color("line:N", scale=scale(colors), legend=alt.Legend(columns=1)),
    )
    return [curves.mark_line(point=point)]


def _diagonal(end: float) -> Any:
    corners = chart_of([{"x": 0, "y": 0, "end": end}])
    rule = corners.mark_rule(color=COLORS["faint"], strokeDash=[3, 3])
    return rule.encode(x="x:Q", x2="end:Q", y="y:Q", y2="end:Q")


def _square(chart: Any) -> Any:
    return styled(chart, width=SIDE, height=SIDE)
