"""Charts of credit models: how well they rank, whether they promise the right rate."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import Row, Rows, data, records, scale, words
from warehouse.reporting.theme import COLORS, SERIES, series_colors, styled

SIDE = 300
SHARE: Row = {"format": ".0%", "tickCount": 5}


def group_power(rows: Rows) -> Any:
    """Draw the out-of-time AUC of models on one feature group each; rows of `group_power`."""
    found = records(rows)
    for row in found:
        row["kind"] = words(row["feature_group"])
        row["value"] = f"{row['auc']:.3f}"
        row["chance"] = 0.5
        row["auc_low"] = max(row["auc_low"], 0.5)
    base = alt.Chart(data(found)).encode(
        y=alt.Y("name:N", sort=None, axis=alt.Axis(title=None, labelColor=COLORS["ink"])),
        tooltip=[
            "name:N",
            alt.Tooltip("auc:Q", format=".3f", title="AUC"),
            alt.Tooltip("auc_low:Q", format=".3f", title="from"),
            alt.Tooltip("auc_high:Q", format=".3f", title="to"),
            alt.Tooltip("test_loans:Q", format=",", title="test loans"),
        ],
    )
    special = {"all groups": "gold", "careless join": "bad", "without": "faint"}
    groups = sorted({row["kind"] for row in found} - set(special))
    colors = series_colors(groups) | {name: COLORS[role] for name, role in special.items()}
    auc = alt.X(
        "auc:Q",
        scale=alt.Scale(domain=[0.5, 1.06], nice=False),
        axis=alt.Axis(title=None, values=[0.5, 0.6, 0.7, 0.8, 0.9, 1]),
    )
    layers = [
        base.mark_bar(height={"band": 0.55}).encode(
            x=auc, x2="chance:Q", color=alt.Color("kind:N", scale=scale(colors), legend=None)
        ),
        base.mark_rule(color=COLORS["ink"]).encode(x="auc_low:Q", x2="auc_high:Q"),
        base.mark_text(align="left", dx=6, fontWeight="bold").encode(
            x="auc_high:Q", text="value:N"
        ),
    ]
    return styled(
        alt.layer(*layers, description="Out-of-time AUC by feature group, 95 %"),
        height=28 * len(found),
    )


def roc(curves: Mapping[str, Row]) -> Any:
    """Draw ROC curves; by name of the model its auc and its points (repaid, defaults flagged)."""
    found = [
        {"model": f"{name} {curve['auc']:.3f}", "x": x, "y": y}
        for name, curve in curves.items()
        for x, y in curve["points"]
    ]
    return _curves(found, "repaid loans flagged", "defaults flagged", "ROC curve", diagonal=True)


def ks(rows: Rows) -> Any:
    """Draw the shares of defaults and of repaid loans above each score; rows of `found`."""
    points = records(rows)
    found = [
        {"model": words(name), "x": row["share"], "y": row[name]}
        for name in ("defaults", "repaid")
        for row in points
    ]
    best = max(points, key=lambda row: row["defaults"] - row["repaid"])
    gap = alt.Chart(data([best | {"text": f"KS {best['defaults'] - best['repaid']:.2f}"}])).encode(
        x="share:Q", y="defaults:Q"
    )
    chart = _layers(found, "share of loans, riskiest first", "share found", diagonal=False)
    chart += [
        gap.mark_rule(color=COLORS["ink"], strokeDash=[3, 3]).encode(y2="repaid:Q"),
        gap.mark_text(align="left", dx=6, dy=18, fontWeight="bold").encode(text="text:N"),
    ]
    return _square(alt.layer(*chart, description="Defaults and repaid loans found"))


def calibration(models: Mapping[str, Rows]) -> Any:
    """Draw predicted against observed default rates; by name of the model its `deciles`."""
    found = [
        {"model": name, "x": row["predicted"], "y": row["observed"]}
        for name, rows in models.items()
        for row in records(rows)
    ]
    return _curves(found, "predicted", "observed", "Calibration", diagonal=True, has_points=True)


def lift(rows: Rows) -> Any:
    """Draw the lift of each tenth of the loans, riskiest first; rows of `deciles`."""
    chart = (
        alt.Chart(data(records(rows)), description="Lift by tenth of the loans, riskiest first")
        .mark_bar(color=COLORS["accent"])
        .encode(
            x=alt.X(
                "tenth:O", axis=alt.Axis(title="tenth of the loans, riskiest first", labelAngle=0)
            ),
            y=alt.Y("lift:Q", axis=alt.Axis(title="lift", tickCount=5)),
            tooltip=["tenth:O", alt.Tooltip("lift:Q", format=".2f"), "loans:Q", "defaults:Q"],
        )
    )
    return _square(chart)


def importance(rows: Rows) -> Any:
    """Draw the AUC lost when a factor is shuffled; rows of `importance`: factor, lost."""
    base = alt.Chart(data(records(rows))).encode(
        y=alt.Y(
            "factor:N",
            sort=None,
            axis=alt.Axis(title=None, labelColor=COLORS["ink"]),
        ),
        x=alt.X("lost:Q", axis=alt.Axis(title="AUC lost", tickCount=5)),
    )
    text = base.mark_text(align="left", dx=5, fontWeight="bold").encode(
        text=alt.Text("lost:Q", format=".3f")
    )
    bars = base.mark_bar(color=COLORS["accent"], height={"band": 0.55})
    return styled(
        alt.layer(bars, text, description="AUC lost when a factor is shuffled"), height=alt.Step(21)
    )


def shown_and_kept(rows: Rows) -> Any:
    """Draw the AUC that a join shows and what it keeps in use; rows: name, shown, kept."""
    found = records(rows)
    y = alt.Y("name:N", sort=None, axis=alt.Axis(title=None, labelColor=COLORS["ink"]))
    base = alt.Chart(data(found)).encode(y=y)
    low = min(min(row["shown"], row["kept"]) for row in found) - 0.03
    points = [
        {"name": row["name"], "auc": row[kind], "kind": kind}
        for row in found
        for kind in ("shown", "kept")
    ]
    x = alt.X("auc:Q", scale=alt.Scale(domain=[low, 1], nice=False), axis=alt.Axis(title="AUC"))
    dots = alt.Chart(data(points)).encode(
        y=y,
        x=x,
        color=alt.Color("kind:N", scale=scale({"shown": COLORS["bad"], "kept": COLORS["teal"]})),
        tooltip=["name:N", "kind:N", alt.Tooltip("auc:Q", format=".3f", title="AUC")],
    )
    layers = [
        base.mark_rule(color=COLORS["faint"], strokeWidth=3).encode(x="shown:Q", x2="kept:Q"),
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
    found: Sequence[Row], x: str, y: str, description: str, diagonal: bool, has_points: bool = False
) -> Any:
    layers = _layers(found, x, y, diagonal, has_points)
    return _square(alt.layer(*layers, description=description))


def _layers(
    found: Sequence[Row], x: str, y: str, diagonal: bool, has_points: bool = False
) -> list[Any]:
    names = list(dict.fromkeys(row["model"] for row in found))
    colors = {name: COLORS[SERIES[2 + place]] for place, name in enumerate(names)}
    line = alt.Chart(data(found)).mark_line(
        point=alt.OverlayMarkDef(size=30, filled=True) if has_points else False
    )
    curves = line.encode(
        x=alt.X("x:Q", axis=alt.Axis(title=x, **SHARE)),
        y=alt.Y("y:Q", axis=alt.Axis(title=y, **SHARE)),
        order="x:Q",
        color=alt.Color("model:N", scale=scale(colors), legend=alt.Legend(columns=1)),
    )
    end = max((max(row["x"], row["y"]) for row in found), default=1)
    corners = alt.Chart(data([{"x": 0, "y": 0, "end": end}]))
    rule = corners.mark_rule(color=COLORS["faint"], strokeDash=[3, 3])
    return [rule.encode(x="x:Q", x2="end:Q", y="y:Q", y2="end:Q"), curves] if diagonal else [curves]


def _square(chart: Any) -> Any:
    return styled(chart, width=SIDE, height=SIDE)
