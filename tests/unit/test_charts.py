"""The charts: the right fields on the right channels, from relations, frames and lists alike."""

import json
import re
from datetime import date

import duckdb
import pandas as pd
import pytest

from warehouse.reporting import charts, theme

MONTHS = [date(2024, month, 1) for month in range(1, 5)]
RATES = [
    {
        "application_month": month,
        "loans": 40,
        "labelled": 40,
        "defaults": 10,
        "default_rate": 0.25 + 0.1 * place,
        "rate_low": 0.15 + 0.1 * place,
        "rate_high": 0.4 + 0.1 * place,
        "overall_rate": 0.3,
        "is_outside": place == 3,
    }
    for place, month in enumerate(MONTHS)
]
CATALOG = [
    {
        "feature": f"{group}_{number}",
        "feature_group": group,
        "source_column": f"raw_{number % 3}",
        "description": "a feature",
        "auc": auc,
        "auc_loans": 100,
        "null_rate": 0.1,
    }
    for group, count in (("financials", 2), ("clickstream", 60))
    for number, auc in zip(
        range(count), [0.3, 0.6, *[0.5 + n / 200 for n in range(60)]], strict=False
    )
]


def rows_of(spec: dict, layer: int | None = None) -> list[dict]:
    """Return the data of a chart, or of one of its layers."""
    part = spec if layer is None else spec["layer"][layer]
    source = part.get("data") or spec["data"]
    return source["values"] if "values" in source else spec["datasets"][source["name"]]


def encodings(spec: dict) -> dict[str, str]:
    """Return the fields by channel, those of every layer together."""
    found: dict[str, str] = {}
    for layer in [spec, *spec.get("layer", [])]:
        for channel, how in layer.get("encoding", {}).items():
            if isinstance(how, dict) and "field" in how:
                found.setdefault(channel, how["field"])
    return found


@pytest.mark.parametrize("kind", ["relation", "frame", "list"])
def test_rows_come_from_a_relation_a_frame_or_a_list(kind):
    frame = pd.DataFrame(RATES)
    with duckdb.connect() as con:
        rows = {"relation": con.from_df(frame), "frame": frame, "list": RATES}[kind]
        spec = charts.label_rates(rows).to_dict()
    fields = encodings(spec)
    assert fields["x"] == "application_month"
    assert (fields["y"], fields["y2"]) == ("rate_low", "rate_high")
    band = rows_of(spec, 0)
    assert [row["application_month"] for row in band] == [day.isoformat() for day in MONTHS]


def test_months_outside_their_interval_have_a_ring():
    def rings(rows):
        spec = charts.label_rates(rows).to_dict()
        return [
            rows_of(spec, place)
            for place, layer in enumerate(spec["layer"])
            if layer["mark"].get("color") == theme.COLORS["bad"]
        ]

    (marked,) = rings(RATES)
    assert [row["application_month"] for row in marked] == ["2024-04-01"]
    assert rings([row | {"is_outside": False} for row in RATES]) == []


def test_maturity_names_its_states_with_counts_closed_first():
    rows = [
        {"application_month": MONTHS[0], "maturity": state, "loans": loans, "last_matures_on": None}
        for state, loans in (("open", 5), ("stopped_past_due", 2), ("closed", 1200))
    ]
    color = charts.label_maturity(rows).to_dict()["encoding"]["color"]
    assert color["scale"]["domain"] == ["closed 1,200", "open 5", "stopped past due 2"]


def test_presence_stacks_shares_and_greys_what_is_usually_missing():
    def row(group, presence, loans, share):
        return {
            "feature_group": group,
            "application_month": MONTHS[0],
            "presence": presence,
            "loans": loans,
            "present_share": share,
        }

    rows = [
        row("clickstream", "present", 75, 0.75),
        row("clickstream", "no_history_yet", 25, 0.75),
        row("loan_history", "no_history_yet", 100, 0),
    ]
    spec = charts.feature_presence(rows).to_dict()
    found = rows_of(spec)
    assert [round(r["low"] - r["high"], 3) for r in found] == [0.63, 0.21, 0.84]
    domain = spec["encoding"]["color"]["scale"]["domain"]
    assert domain == ["with a value", "no history yet", "no history yet, as usual"]


def test_drift_shows_the_strongest_of_a_large_group_under_its_head():
    drift = [
        {
            "feature": row["feature"],
            "application_month": MONTHS[0],
            "psi": 0.3,
            "psi_by_chance": 0.01,
            "null_rate": 0,
            "loans": 10,
            "drift_state": "drifted",
        }
        for row in CATALOG
    ]
    spec = charts.feature_drift(drift, CATALOG).to_dict()
    order = spec["encoding"]["y"]["scale"]["domain"]
    assert order[0] == "clickstream:"
    assert order.index("financials:") == 1 + 3  # three source columns, the best feature of each
    assert {row["feature"] for row in rows_of(spec)} == {
        name for name in order if not name.endswith(":")
    }


def test_power_ranks_by_distance_from_chance_whichever_way():
    rows = rows_of(charts.feature_power(CATALOG, 3).to_dict(), 0)
    assert [row["value"] for row in rows][-1].endswith(("↑", "↓"))
    strengths = [row["strength"] for row in charts.strongest_features(CATALOG)]
    assert strengths == sorted(strengths, reverse=True)
    assert any(
        row["feature"] == "financials_0" and row["strength"] == 0.7
        for row in charts.strongest_features(CATALOG)
    )


def test_every_colour_has_a_dark_one():
    assert theme.COLORS.keys() == theme.DARK_COLORS.keys()
    rules = theme.dark_rules("svg")
    for role, color in theme.COLORS.items():
        assert f'svg [fill="{color}"]{{fill:{theme.DARK_COLORS[role]}}}' in rules, role


def test_two_clocks_tell_what_each_application_sees():
    spec = charts.two_clocks().to_dict()
    texts = json.dumps(spec)
    for text in ("uses 3,000", "uses 2,500", "a correction", "late-arriving", "load of 10 June"):
        assert text in texts
    picture = theme.svg_for_readers(charts.two_clocks())
    assert picture.startswith("<svg")
    assert "prefers-color-scheme:dark" in picture
    used = set(re.findall(r'(?:fill|stroke)="(#\w{6})"', picture))
    assert used <= set(theme.COLORS.values())


def test_timeline_without_a_loan_says_so():
    assert "no loan to show" in json.dumps(charts.timeline([]).to_dict())


def test_charts_stand_side_by_side():
    curve = {"auc": 0.8, "points": [(0, 0), (0.2, 0.6), (1, 1)]}
    pair = charts.side_by_side(charts.roc({"one": curve}), charts.roc({"two": curve}))
    assert len(pair.to_dict()["hconcat"]) == 2


def test_notebooks_show_charts_without_a_network():
    import altair as alt

    before = alt.renderers.active
    try:
        charts.enable_in_notebooks()
        bundle = charts.label_rates(RATES)._repr_mimebundle_()
        shown = bundle[0] if isinstance(bundle, tuple) else bundle
        assert "application/vnd.vegalite.v5+json" in shown
        assert shown["image/svg+xml"].startswith("<svg")
        assert shown["text/plain"] == "Default rate by month of application, 95 % interval"
    finally:
        alt.renderers.enable(before)
