"""The run report: complete, from the ledger's own numbers, without personal data or a network."""

import json
import re

import pytest

from warehouse.base.layout import GROUP_POWER_FILE, REPORT_FILE, Datamart
from warehouse.modelling.group_power import group_power
from warehouse.reporting.report import build_report, read_proof, renew_report

SECTIONS = "rows loads quarantine cleaning knowledge tests labels presence drift power splits"
CHARTS = "rates maturity vintages presence drift power models splits times"


@pytest.fixture(scope="module")
def html(sample_datamart) -> str:
    datamart = Datamart(sample_datamart)
    failed = {
        "run_id": "20260101T000000Z",
        "outcome": "failed",
        "error": "data/feature_clickstream.csv: column fe_7 is missing",
        "seconds": {"inspect": 0.2},
    }
    group_power(datamart.current_run())
    return build_report(datamart.current_run(), datamart.current_manifest(), [failed, failed], None)


def text_of(html: str) -> str:
    """Return what the page says, without tags, styles and scripts."""
    body = re.sub(r"<(style|script).*?</\1>", "", html, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body))


def test_every_section_is_there_and_says_something(html):
    for name in [*SECTIONS.split(), "boundary", "proof", "times", "catalog"]:
        section = re.search(rf'<section id="{name}">(.*?)</section>', html, re.S)
        assert section, name
        assert re.search(r'<p class="lead">[^<]{10,}</p>', section[1]), name
        assert f'href="#{name}"' in html
    assert "column fe_7 is missing" in html


def test_charts_bring_their_rows_along(html):
    specs = json.loads(re.search(r'id="charts">(.*?)</script>', html, re.S)[1])
    assert set(specs) == set(CHARTS.split())
    for name, spec in specs.items():
        assert spec["width"] == "container", name
        assert spec["description"], name
        assert "url" not in json.dumps(spec), name
        assert f'id="chart-{name}"' in html


def test_numbers_are_the_ledgers_own_and_every_row_is_somewhere(html, sample):
    text = text_of(html)
    rows = sample.execute(
        "select source, layer, fate, reason, sum(row_count) from gold.row_ledger group by all"
    ).fetchall()
    for source, layer, fate, reason, count in rows:
        if (layer, fate) in (("file", "read"), ("bronze", "landed"), ("silver", "used")):
            assert f"{count:,} {fate}" in text, source
        if fate == "quarantined":
            assert f"{count:,} quarantined: {reason.replace('_', ' ')}" in text, source
    reasons = sample.execute(
        "select reason, count(*) from silver.quarantine group by all order by 2 desc"
    ).fetchall()
    parts = ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in reasons)
    assert f"{sum(count for _, count in reasons):,} rows are in quarantine: {parts}." in text
    loads = sample.execute("select source_file from bronze.loads").fetchall()
    assert all(file in text for (file,) in loads)
    meanings = "select meaning from gold.reasons where kind = 'quarantined' and reason in $1"
    used = sample.execute(meanings, [[reason for reason, _ in reasons]]).fetchall()
    assert all(meaning in text for (meaning,) in used)


def test_no_personal_data_no_identifier_no_path_and_nothing_to_fetch(html, sample, sample_datamart):
    personal = sample.execute("""
        select distinct value from (
            unpivot (select "Name", "SSN" from bronze.features_attributes) on "Name", "SSN"
        )
        where regexp_matches(value, '^[0-9]{3}-[0-9]{2}-[0-9]{4}$') or length(value) > 5
    """).fetchall()
    assert len(personal) > 1000
    page = re.sub(r"<script>.*?</script>", "", html, flags=re.S)
    assert {value for (value,) in personal}.isdisjoint(re.findall(r'[^<>"]+', page))
    assert not re.search(r"\d{3}-\d{2}-\d{4}|CUS_0x\w+", page)
    assert str(sample_datamart.parent) not in html
    fetched = re.findall(r'<(?:script|img|link|iframe)[^>]*? (?:src|href)="([^"]*)', page)
    assert fetched == ["data:,"]
    assert "@import" not in page and "url(" not in page


def test_the_report_is_renewed_with_the_last_proof_and_a_model_a_group(datamart):
    run_dir = Datamart(datamart).current_run()
    (run_dir / GROUP_POWER_FILE).unlink(missing_ok=True)
    proof = {
        "run_id": "7",
        "outcome": "failed",
        "months": ["2024-01"],
        "columns": 9,
        "rows_compared": 12,
        "differences": [{"column": "fe_1", "month": "2024-01"}],
        "finished_at": "2026-01-01T00:00:00Z",
    }
    assert read_proof(datamart) is None
    (datamart / "proof.json").write_text("{")
    assert read_proof(datamart) is None
    (datamart / "proof.json").write_text(json.dumps(proof))
    renew_report(Datamart(datamart))
    html = (datamart / REPORT_FILE).read_text(encoding="utf-8")
    text = text_of(html)
    assert "1\u00a0thing is wrong." in html
    assert "Gold of run 7 was rebuilt without the future at 1 month" in text
    assert "fe_1" in html
    assert "all groups together reach an AUC of" in text
    assert 'id="chart-models"' in html
