"""The figures of report, deck and notebooks: against counts by hand, and against another way."""

import math
import re
from datetime import date
from urllib.parse import unquote
from xml.etree import ElementTree

import duckdb
import pytest
from IPython.core.formatters import DisplayFormatter

from warehouse.base.paths import DBT_DIR
from warehouse.reporting import figures, queries
from warehouse.reporting.drawing import (
    COLORS,
    DARK_COLORS,
    INKS,
    NOTEBOOK,
    PHONE,
    PRINT,
    WEB,
    Scale,
    text_width,
)
from warehouse.reporting.report import PHONE_WIDTH

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)


@pytest.fixture
def tiny():
    """A datamart of a few rows: what each figure must be can be counted on the fingers."""
    with duckdb.connect() as con:
        for schema in ("bronze", "silver", "gold"):
            con.execute(f"create schema {schema}")
        con.execute("""
            create table gold.row_ledger as from (values
                ('loans', 1, 'file', 'read', null, 10),
                ('loans', 1, 'bronze', 'seen_before', 'same_content', 2),
                ('loans', 1, 'bronze', 'landed', null, 8),
                ('loans', 1, 'silver', 'used', null, 5),
                ('loans', 1, 'silver', 'quarantined', 'missing_key', 2),
                ('loans', 2, 'file', 'read', null, 4),
                ('loans', 2, 'bronze', 'landed', null, 4),
                ('loans', 2, 'silver', 'used', null, 4),
                ('loans', 1, 'gold', 'known', null, 5),
                ('loans', 2, 'gold', 'not_known', 'no_application', 3)
            ) as t (source, load_id, layer, fate, reason, row_count)
        """)
        con.execute("""
            create table gold.label_maturity as from (values
                ('a', date '2024-01-05', 'd', 'closed', date '2024-07-05', 1),
                ('b', date '2024-01-09', 'd', 'closed', date '2024-07-09', 0),
                ('c', date '2024-01-30', 'd', 'closed', date '2024-07-30', 0),
                ('d', date '2024-01-31', 'd', 'closed', date '2024-07-31', 0),
                ('e', date '2024-02-01', 'd', 'open', date '2024-08-01', null),
                ('a', date '2024-01-05', 'other', 'closed', date '2024-07-05', 1)
            ) as t (loan_id, application_date, label_definition, maturity, matures_on, label)
        """)
        con.execute("""
            create table gold.feature_store as from (values
                (date '2024-01-05', null, null, null, 'no_history_yet'),
                (date '2024-01-09', null, 'expired', null, 'no_history_yet'),
                (date '2024-02-01', null, null, 'no_history_yet', null)
            ) as t (application_date, attributes_null_reason, financials_null_reason,
                    clickstream_null_reason, loan_history_null_reason)
        """)
        con.execute("""
            create table silver.quarantine as from (values
                ('feature_clickstream', 'invalid_snapshot_date', 'c.csv', 7, 1,
                 '{"Customer_ID": "CUS_1", "fe_1": "3", "snapshot_date": "2023-02-30"}'),
                ('feature_clickstream', 'missing_key', 'c.csv', 9, 1,
                 '{"Customer_ID": " ", "fe_1": "3", "snapshot_date": "2023-02-01"}'),
                ('feature_clickstream', 'malformed_row', 'c.csv', 11, 1,
                 '{"line": "3,' || repeat('x', 200000) || '"}')
            ) as t (source, reason, source_file, row_number, load_id, raw_row)
        """)
        con.execute("""
            create table bronze.feature_clickstream
                (fe_1 text, "Customer_ID" text, snapshot_date text, _load_id integer)
        """)
        yield con


def test_ledger_adds_loads_up_and_finds_the_row_that_is_missing(tiny):
    counts = {(row["layer"], row["fate"]): row["row_count"] for row in queries.ledger(tiny)}
    assert counts["file", "read"] == 14
    assert counts["silver", "used"] == 9
    assert queries.ledger_balance(tiny) == [
        {
            "source": "loans",
            "in_files": 14,
            "lost_at_bronze": 0,
            "lost_at_silver": 1,
            "lost_at_gold": 1,
        }
    ]


def test_default_rate_has_its_wilson_interval_and_open_months_have_no_rate(tiny):
    january, february = queries.label_rate_by_cohort(tiny, "d")
    assert (january["cohort"], january["loans"], january["defaults"]) == (JANUARY, 4, 1)
    assert january["rate"] == 0.25
    # 1 of 4 by the textbook's formula
    z, n, p = 1.959964, 4, 0.25
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert january["lower"] == pytest.approx(middle - half)
    assert january["upper"] == pytest.approx(middle + half)
    assert (february["loans"], february["labelled"], february["rate"]) == (1, 0, None)


def test_presence_counts_loans_by_group_month_and_reason(tiny):
    counts = {
        (row["feature_group"], row["cohort"], row["reason"]): row["loans"]
        for row in queries.presence_by_cohort(tiny)
    }
    assert counts == {
        ("attributes", JANUARY, None): 2,
        ("attributes", FEBRUARY, None): 1,
        ("financials", JANUARY, None): 1,
        ("financials", JANUARY, "expired"): 1,
        ("financials", FEBRUARY, None): 1,
        ("clickstream", JANUARY, None): 2,
        ("clickstream", FEBRUARY, "no_history_yet"): 1,
        ("loan_history", JANUARY, "no_history_yet"): 2,
        ("loan_history", FEBRUARY, None): 1,
    }


def test_quarantine_shows_what_is_to_blame_and_no_whole_identifier(tiny):
    shown = {row["reason"]: row["examples"][0]["values"] for row in queries.quarantine(tiny)}
    assert shown == {
        "invalid_snapshot_date": "snapshot_date = '2023-02-30'",
        "missing_key": "Customer_ID = ' '",
        "malformed_row": "2 values in the line for 3 columns",
    }


def test_catalog_says_what_an_independent_count_says(sample):
    numpy = pytest.importorskip("numpy")
    metrics = pytest.importorskip("sklearn.metrics")
    loans = sample.execute("""
        select features.*, if(training.split = 'test', training.label, null) as test_label
        from gold.feature_store as features
        left join (select loan_id, split, label from gold.training_set) as training
            on features.loan_id = training.loan_id
    """).df()
    months = loans.application_date.dt.strftime("%Y-%m-01")
    catalog = queries.catalog(sample)
    assert len(catalog) > 500
    for row in catalog:
        name = row["feature"]
        values = loans[name]
        assert row["null_rate"] == pytest.approx(values.isna().mean()), name
        if row["data_type"] == "varchar":
            assert row["top_value_share"] == pytest.approx(
                values.value_counts().max() / len(values)
            )
            continue
        numbers = values.astype(float)
        if numbers.notna().any():
            assert row["mean"] == pytest.approx(numbers.mean(), rel=1e-6, abs=1e-5), name
        tested = loans.test_label.notna() & numbers.notna()
        if loans.test_label[tested].nunique() == 2:
            auc = metrics.roc_auc_score(loans.test_label[tested].astype(int), numbers[tested])
            assert row["auc"] == pytest.approx(auc), name
        else:
            assert row["auc"] is None, name
    # the drift of one feature with nulls, bin by bin
    drift = sample.execute("""
        select cast(application_month as varchar) as month, psi from gold.feature_drift
        where feature = 'num_bank_accounts'
    """).df()
    values = loans.num_bank_accounts.astype(float)
    is_reference = months < "2023-07-01"
    known = numpy.sort(values[is_reference].dropna().to_numpy())
    cuts = [known[math.ceil(q * len(known) / 10) - 1] for q in range(1, 10)]
    bins = numpy.where(values.isna(), -1, numpy.searchsorted(cuts, values, side="left"))
    kinds = numpy.unique(bins)
    for month, psi in drift.itertuples(index=False):
        in_month = (months == month).to_numpy()
        total = 0.0
        for kind in kinds:
            share = ((bins[in_month] == kind).sum() + 0.5) / (in_month.sum() + 0.5 * len(kinds))
            base = ((bins[is_reference] == kind).sum() + 0.5) / (
                is_reference.sum() + 0.5 * len(kinds)
            )
            total += (share - base) * math.log(share / base)
        assert psi == pytest.approx(total, abs=1e-5), month


def test_catalog_describes_every_feature_of_the_store(sample):
    described = {row["feature"]: row for row in queries.catalog(sample)}
    columns = {row[0] for row in sample.execute("describe gold.feature_store").fetchall()}
    spine = {"loan_id", "customer_id", "application_date"}
    provenance = {
        f"{group}_{kind}"
        for group in queries.GROUPS
        for kind in ("snapshot_date", "age_days", "null_reason")
    }
    assert set(described) == columns - spine - provenance
    assert all(row["description"] and row["source_column"] for row in described.values())
    assert {row["point_in_time_rule"] for row in described.values()} == {
        "snapshots dated on or before the application date"
    }


RUNS = [{"run_id": "20260101T000000Z", "seconds": {"land": 2.0}, "total": 2.0}]
MODELS = {
    "scorecard": {"auc": 0.75, "points": [(0, 0), (0.25, 0.75), (1, 1)]},
    "gradient boosting": {"auc": 0.8, "points": [(0, 0), (0.2, 0.8), (1, 1)]},
}
FOUND = [
    {"share": 0, "defaults": 0, "repaid": 0},
    {"share": 0.5, "defaults": 0.8, "repaid": 0.2},
    {"share": 1, "defaults": 1, "repaid": 1},
]
TENTHS = [
    {"tenth": n, "predicted": 1 - n / 10, "observed": 1 - n / 11, "lift": 3 / n}
    for n in range(1, 11)
]
WAYS = [
    {"name": "right join", "shown": 0.9, "kept": 0.9},
    {"name": "whole history", "shown": 0.97, "kept": 0.9},
]
POWERS = [
    {"name": name, "note": note, "role": "bad", "auc": auc, "lower": auc - 0.1, "upper": auc + 0.02}
    for name, note, auc in (("age", "", 0.52), ("all groups", "every one of them", 0.97))
]


def responsive_pictures(con, **how):
    """Every picture of the report, which is drawn for a desk and for a phone."""
    definition = queries.default_definition(con)
    gold = [("1,427", "loans"), ("546", "features each"), ("1,249", "with a label")]
    return {
        "flow": figures.flow(queries.ledger(con), gold, **how),
        "cohort_rate": figures.cohort_rate(queries.label_rate_by_cohort(con, definition), **how),
        "maturity": figures.maturity(queries.maturity_by_cohort(con, definition), **how),
        "presence": figures.presence(queries.presence_by_cohort(con), **how),
        "drift": figures.drift(queries.drift(con), **how),
        "power": figures.power(queries.catalog(con)[:10], **how),
        "timings": figures.timings(RUNS, **how),
    }


def pictures(con, theme):
    """Every picture there is."""
    dirt = [*queries.cleaning(con), *queries.stray_underscores(con)]
    money = queries.roll_forward(con)
    months = [date(2024, month, 1) for month in range(1, 7)]
    used = {"right join": [True] * 3 + [False] * 3, "whole history": [True] * 6}
    nodes = [("bronze", "files"), ("silver", "clickstream"), ("gold", "store"), ("gold", "ledger")]
    edges = [("files", "clickstream"), ("clickstream", "store"), ("files", "ledger")]
    return responsive_pictures(con, theme=theme) | {
        "money": figures.money(money, 6, theme),
        "dirt": figures.dirt(dirt, theme),
        "timeline": figures.timeline(queries.one_timeline(con), theme),
        "narrow timeline": figures.timeline(queries.one_timeline(con), theme, 606),
        "rebuild": figures.rebuild(theme),
        "lineage": figures.lineage(nodes, edges, {"ledger": "all counts"}, theme),
        "group_power": figures.group_power(POWERS, theme),
        "importance": figures.importance([{"factor": "age", "lost": 0.25}], theme),
        "roc": figures.roc(MODELS, theme),
        "ks": figures.ks(FOUND, theme),
        "calibration": figures.calibration({"scorecard": TENTHS}, theme),
        "lift": figures.lift(TENTHS, theme),
        "used_months": figures.used_months(months, used, months[2], months[4], "right join", theme),
        "shown_and_kept": figures.shown_and_kept(WAYS, "right join", theme),
    }


def check_frames(drawn, theme):
    """Every picture is XML with a name, and no text leaves its frame."""
    for name, svg in drawn.items():
        picture = ElementTree.fromstring(svg)
        assert picture.get("aria-label") == svg.label, name
        left_edge, top_edge, width, height = map(float, picture.get("viewBox").split())
        for text in picture.iter("{http://www.w3.org/2000/svg}text"):
            # a usual sans-serif is a tenth narrower than the widest
            letter = min(theme.letter, 0.9)
            wide = letter * text_width(text.text or "", float(text.get("font-size")))
            x = float(text.get("x"))
            left = x - wide * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor")]
            assert left >= left_edge - 1.5, (name, text.text)
            assert left + wide <= left_edge + width + 1.5, (name, text.text)
            assert top_edge <= float(text.get("y")) <= top_edge + height + 0.5, (name, text.text)


@pytest.mark.parametrize("theme", [WEB, PRINT, NOTEBOOK], ids=["web", "print", "notebook"])
def test_pictures_are_whole_and_nothing_leaves_their_frame(sample, theme):
    drawn = pictures(sample, theme)
    check_frames(drawn, theme)
    for name, svg in drawn.items():
        assert ("var(--" in svg) == theme.is_css, name


def test_pictures_fit_a_phone(sample):
    drawn = responsive_pictures(sample, theme=PHONE, width=PHONE_WIDTH)
    check_frames(drawn, PHONE)
    assert all(f'width="{PHONE_WIDTH}"' in svg for svg in drawn.values())


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@pytest.mark.parametrize("colors", [COLORS, DARK_COLORS], ids=["light", "dark"])
def test_letters_stand_out_from_the_paper(colors):
    letters = {INKS.get(role, role) for role in colors} - {"paper", "panel", "line"}
    letters -= set(INKS) - {"muted"}
    for role in letters:
        bright, dim = sorted((luminance(colors[role]), luminance(colors["paper"])), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, role


def test_a_picture_shows_itself_in_a_notebook_and_says_what_it_is():
    picture = figures.roc(MODELS)
    shown, _ = DisplayFormatter().format(picture)
    source = re.search(r'src="data:image/svg\+xml,([^"]*)"', shown["text/html"])[1]
    assert unquote(source) == picture
    assert (
        'alt="ROC curves; scorecard: AUC 0.750, gradient boosting: AUC 0.800"' in shown["text/html"]
    )
    assert shown["text/plain"] == picture.label


def test_pictures_beside_one_another_are_one_picture():
    both = figures.beside(figures.roc(MODELS), figures.ks(FOUND))
    root = ElementTree.fromstring(both)
    inner = root.findall("{http://www.w3.org/2000/svg}svg")
    assert [float(part.get("x", 0)) for part in inner] == [0, float(inner[0].get("width")) + 28]
    assert float(root.get("width")) == 2 * float(inner[0].get("width")) + 28
    assert "ROC curves" in both.label
    assert "KS 0.60" in both.label


def test_every_reason_of_cleaning_has_its_colour():
    documented = re.search(
        r"docs cleaning_actions %}(.*?){% enddocs", (DBT_DIR / "models/docs.md").read_text(), re.S
    )[1]
    reasons = {reason for reason in figures.DIRT if reason in documented}
    named = set(re.findall(r"[a-z]+(?:_[a-z]+)+|placeholder|inconsistent|repaired", documented))
    assert named - {"cleaning_actions"} == reasons
    rows = [
        {"column": reason, "reason": reason, "row_count": 2, "examples": ["x"]}
        for reason in reasons
    ]
    svg = figures.dirt(rows, WEB)
    assert all(words in svg for reason, (*_, words) in figures.DIRT.items() if reason in reasons)


def test_timeline_draws_each_snapshot_on_its_own_day():
    day, before = date(2024, 3, 15), date(2024, 1, 1)
    row = {
        "application_date": day,
        "label_date": date(2024, 9, 15),
        "days_past_due": 61,
        "months": [before, date(2024, 2, 1), date(2024, 4, 1)],
        "readings": [10, 30, 90],
        "attributes_snapshot_date": before,
        "financials_snapshot_date": None,
        "fe_10_mean_all": 20.0,
        "repayments": [{"date": date(2024, 4, 15), "mob": 1, "dpd": 0}],
    }
    root = ElementTree.fromstring(figures.timeline(row, PRINT, 600, 326))
    boxes = {
        color: [
            float(rect.get("x")) + float(rect.get("width")) / 2
            for rect in root.iter("{http://www.w3.org/2000/svg}rect")
            if COLORS[color] in rect.get("style")
        ]
        for color in ("attributes", "financials")
    }
    dots = [
        float(dot.get("cx"))
        for dot in root.iter("{http://www.w3.org/2000/svg}circle")
        if COLORS["clickstream"] in dot.get("style")
    ]
    assert boxes == {"attributes": [dots[0]], "financials": []}
    assert len(dots) == 2


def test_axis_marks_are_round_and_as_many_as_asked_for():
    assert Scale(0, 0.43, 0, 100).ticks(6) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    assert Scale(0, 73, 0, 100).ticks(3) == [0, 50]
    for high in (0.05, 0.9, 7, 28_755_000):
        for most in (1, 3, 6):
            assert 1 <= len(Scale(0, high, 0, 1).ticks(most)) <= most + 1


def test_flow_draws_a_ribbon_as_wide_as_its_rows_and_names_every_fate(tiny):
    svg = figures.flow(queries.ledger(tiny), [("9", "rows")], WEB)
    for words in ("14", "12 landed", "9 used", "2 seen before", "2 quarantined: missing key"):
        assert re.search(rf">{words}<", svg), words
