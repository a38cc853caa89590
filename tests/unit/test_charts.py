"""The charts: the right fields on the right channels, from relations, frames and lists alike."""

import json
import re
from datetime import date

import altair as alt
import duckdb
import pandas as pd
import pytest

from warehouse.base.paths import PROJECT_DIR
from warehouse.reporting import charts, page_script, theme

MONTHS = [date(2024, month, 1) for month in range(1, 5)]
RATES = [
    {
        "application_month": month,
        "labelled": 40,
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


def rows_of(spec: dict, layer: dict | None = None) -> list[dict]:
    """Return the data of a chart, or of one of its layers."""
    source = (layer or {}).get("data") or spec["data"]
    return source["values"] if "values" in source else spec["datasets"][source["name"]]


def layers(spec: dict, **mark: object) -> list[dict]:
    """Return the layers of a chart whose mark has these properties."""
    return [layer for layer in spec["layer"] if mark.items() <= layer["mark"].items()]


@pytest.mark.parametrize("kind", ["relation", "frame", "list"])
def test_rows_come_from_a_relation_a_frame_or_a_list(kind):
    frame = pd.DataFrame(RATES)
    with duckdb.connect() as con:
        rows = {"relation": con.from_df(frame), "frame": frame, "list": RATES}[kind]
        spec = charts.label_rates(rows).to_dict()
    (band,) = layers(spec, type="area")
    fields = {channel: how["field"] for channel, how in band["encoding"].items()}
    assert fields == {"x": "application_month", "y": "rate_low", "y2": "rate_high"}
    assert [row["application_month"] for row in rows_of(spec, band)] == [str(day) for day in MONTHS]


def test_months_outside_their_interval_have_a_ring():
    spec = charts.label_rates(RATES).to_dict()
    (ring,) = layers(spec, color=theme.COLORS["bad"])
    assert [row["application_month"] for row in rows_of(spec, ring)] == ["2024-04-01"]
    inside = charts.label_rates([row | {"is_outside": False} for row in RATES]).to_dict()
    assert layers(inside, color=theme.COLORS["bad"]) == []


def test_maturity_names_its_states_with_counts_closed_first():
    rows = [
        {"application_month": MONTHS[0], "maturity": state, "loans": loans, "last_matures_on": None}
        for state, loans in (("open", 5), ("stopped_past_due", 2), ("closed", 1200))
    ]
    color = charts.label_maturity(rows).to_dict()["encoding"]["color"]
    assert color["scale"]["domain"] == ["closed 1,200", "open 5", "stopped past due 2"]


def test_presence_stacks_shares_and_greys_what_is_usually_missing():
    rows = [
        {
            "feature_group": group,
            "application_month": MONTHS[0],
            "presence": presence,
            "loans": loans,
            "present_share": share,
        }
        for group, presence, loans, share in (
            ("clickstream", "present", 75, 0.75),
            ("clickstream", "no_history_yet", 25, 0.75),
            ("loan_history", "no_history_yet", 100, 0),
        )
    ]
    spec = charts.feature_presence(rows).to_dict()
    assert [round(r["low"] - r["high"], 3) for r in rows_of(spec)] == [0.63, 0.21, 0.84]
    domain = spec["encoding"]["color"]["scale"]["domain"]
    assert domain == ["with a value", "no history yet", "no history yet, as usual"]


def test_drift_shows_the_strongest_of_a_large_group_under_its_head():
    values = {"psi": 0.3, "psi_by_chance": 0.01, "null_rate": 0, "loans": 10}
    drift = [
        {"feature": row["feature"], "application_month": MONTHS[0], "drift_state": "drifted"}
        | values
        for row in CATALOG
    ]
    spec = charts.feature_drift(drift, CATALOG).to_dict()
    order = spec["encoding"]["y"]["scale"]["domain"]
    assert order[0] == "clickstream:"
    assert order.index("financials:") == 1 + 3  # three source columns, the best feature of each
    shown = {name for name in order if not name.endswith(":")}
    assert {row["feature"] for row in rows_of(spec)} == shown


def test_power_ranks_by_distance_from_chance_whichever_way():
    spec = charts.feature_power(CATALOG, 3).to_dict()
    (points,) = layers(spec, type="point")
    assert rows_of(spec, points)[-1]["value"].endswith(("↑", "↓"))
    strongest = charts.strongest_features(CATALOG)
    strengths = [row["strength"] for row in strongest]
    assert strengths == sorted(strengths, reverse=True)
    assert {row["feature"]: row["strength"] for row in strongest}["financials_0"] == 0.7


def test_every_colour_has_a_dark_one_and_pictures_use_no_other():
    rules = theme.page_colors()
    for light, dark in theme.PALETTE.values():
        assert f'svg [fill="{light}"]{{fill:{dark}}}' in rules
    picture = (PROJECT_DIR / "docs" / "two_clocks.svg").read_text()
    assert "prefers-color-scheme:dark" in picture
    used = set(re.findall(r' (?:fill|stroke)="(#\w{6})"', picture))
    assert used <= set(theme.COLORS.values())


def test_timeline_without_a_loan_says_so():
    assert "no loan to show" in json.dumps(charts.timeline([]).to_dict())


def test_notebooks_show_charts_without_a_network():
    before = alt.renderers.active
    try:
        theme.enable_in_notebooks()
        bundle = charts.label_rates(RATES)._repr_mimebundle_()
        shown = bundle[0] if isinstance(bundle, tuple) else bundle
        assert "application/vnd.vegalite.v5+json" in shown
        assert shown["image/svg+xml"].startswith("<svg")
        assert shown["text/plain"] == "Default rate by month of application, 95 % interval"
    finally:
        alt.renderers.enable(before)


def test_the_script_of_the_page_is_kept_once_for_its_versions(tmp_path, monkeypatch):
    bundled = []
    monkeypatch.setattr(page_script.vl_convert, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setattr(
        page_script.vl_convert,
        "javascript_bundle",
        lambda *made_of: bundled.append(made_of) or "js",
    )
    for _ in range(2):
        assert page_script.page_script.__wrapped__() == "js"
    assert len(bundled) == 2
    page_script.keep_script()
    assert page_script.page_script.__wrapped__() == "js"
    assert len(bundled) == 3

    monkeypatch.setattr(page_script, "version", lambda package: "another")
    page_script.page_script.__wrapped__()
    assert len(bundled) == 4
