"""The run report: complete, without personal data, and readable in a real browser."""

import json
import re
import time

import pytest

from tests.conftest import run_main
from warehouse.datamart import runs
from warehouse.reporting import report

SECTIONS = (
    "rows",
    "quarantine",
    "cleaning",
    "tests",
    "labels",
    "presence",
    "drift",
    "power",
    "proof",
    "timings",
    "catalog",
)


@pytest.fixture(scope="module")
def html(sample_datamart) -> str:
    datamart = runs.Datamart(sample_datamart)
    failed = {
        "run_id": "20260101T000000Z",
        "outcome": "failed",
        "error": "data/feature_clickstream.csv: column fe_7 is missing",
        "seconds": {"inspect": 0.2},
    }
    return report.build_report(
        datamart.current_run(), datamart.current_manifest(), [failed, failed]
    )


@pytest.fixture(scope="module")
def page(html, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


def test_every_section_is_there_and_says_something(html):
    for name in SECTIONS:
        section = re.search(rf"<section id={name}>(.*?)</section>", html, re.S)
        assert section, name
        assert re.search(r"<p class=lead>[^<]{10,}</p>", section[1]), name
    assert "column fe_7 is missing" in html


def test_figures_are_the_ledgers_own(html, sample):
    landed = sample.execute(
        "select sum(row_count) from gold.row_ledger where layer = 'bronze' and fate = 'landed'"
        " and source = 'feature_clickstream'"
    ).fetchone()[0]
    quarantined = sample.execute("select count(*) from silver.quarantine").fetchone()[0]
    assert f"{landed:,} landed" in html
    assert f"{quarantined:,} rows are in quarantine: " in html
    reasons = sample.execute(
        "select reason, count(*) from silver.quarantine group by all order by 2 desc"
    ).fetchall()
    assert ", ".join(f"{count:,} {reason.replace('_', ' ')}" for reason, count in reasons) in html


def test_no_personal_data_no_identifier_no_path_no_address(html, sample, sample_datamart):
    personal = sample.execute("""
        select distinct value from (
            unpivot (select "Name", "SSN" from bronze.features_attributes) on "Name", "SSN"
        )
        where regexp_matches(value, '^[0-9]{3}-[0-9]{2}-[0-9]{4}$') or length(value) > 5
    """).fetchall()
    assert len(personal) > 1000
    words = set(re.findall(r"[^<>]+", html))
    for (value,) in personal:
        assert value not in words, value
    assert not re.search(r"\d{3}-\d{2}-\d{4}", html)
    assert not re.search(r"CUS_0x\w+", html)
    assert str(sample_datamart.parent) not in html
    assert set(re.findall(r"https?://[^\"' <]+", html)) == {"http://www.w3.org/2000/svg"}


def test_proof_is_told_as_it_ended(sample_datamart, tmp_path):
    run_dir = tmp_path / "runs" / "1"
    run_dir.mkdir(parents=True)
    assert report.read_proof(run_dir) is None
    said = {"run_id": "7", "months": ["2024-01"], "columns": 9, "rows_compared": 12}
    said["differences"] = []
    (tmp_path / "proof.json").write_text(json.dumps(said | {"outcome": "passed"}))
    section, finding = report._proof(report.read_proof(run_dir))
    assert finding.state == "good"
    assert section.lead.startswith("Gold of run 7 was rebuilt")
    assert "at 1 month: 12 rows of 9 columns compared, 0 differences" in section.lead
    said["differences"] = [{"column": "fe_1", "month": "2024-01"}]
    (tmp_path / "proof.json").write_text(json.dumps(said | {"outcome": "failed"}))
    section, finding = report._proof(report.read_proof(run_dir))
    assert finding.state == "bad"
    assert "fe_1" in section.body


def test_months_without_a_group_are_a_gap_and_first_loans_are_not():
    def row(group, month, reason, loans):
        cohort = report.date(2024, month, 1)
        return {"feature_group": group, "cohort": cohort, "reason": reason, "loans": loans}

    rows = [row("clickstream", month, None, 10) for month in (1, 2, 3)]
    rows += [row("clickstream", 4, "no_history_yet", 8), row("clickstream", 4, None, 2)]
    rows += [row("loan_history", 1, "no_history_yet", 10), row("loan_history", 2, None, 10)]
    (gap,) = report.gaps_of(rows)
    assert (gap.feature_group, gap.months, gap.loans, gap.missing) == (
        "clickstream",
        [report.date(2024, 4, 1)],
        10,
        8,
    )


def test_writing_it_costs_a_run_little(sample_datamart):
    datamart = runs.Datamart(sample_datamart)
    started = time.process_time()
    report.build_report(datamart.current_run(), datamart.current_manifest(), [])
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_fits_and_is_quiet(browser, page, width, scheme):
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.get(page)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    # of each picture the drawing for this width is shown, and no other
    shown = browser.execute_script("""
        return [...document.querySelectorAll('figure')].filter(e => e.offsetHeight)
            .map(e => e.className)
    """)
    assert len(shown) == 7
    assert set(shown) == {"phone" if width < 500 else "desk"}
    # letters are not shrunk beyond reading, and no card is too narrow for its words
    assert (
        browser.execute_script("""
        return Math.min(...[...document.querySelectorAll('figure text')]
            .filter(e => e.getBoundingClientRect().height)
            .map(e => e.getAttribute('font-size') * e.getScreenCTM().a))
    """)
        > 8.5
    )
    assert browser.execute_script("""
        return [...document.querySelectorAll('.card')].every(e => e.scrollWidth <= e.clientWidth)
    """)
    # what is wider than the page scrolls inside its own frame
    outside = browser.execute_script("""
        return [...document.querySelectorAll('body *')]
            .filter(e => !e.closest('.scroll') && !e.closest('details:not([open])'))
            .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
            .map(e => e.outerHTML.slice(0, 80))
    """)
    assert outside == []
    background, ink = browser.execute_script("""
        const style = getComputedStyle(document.body)
        return [style.backgroundColor, style.color]
    """)
    brightness = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (background, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    # every colour of a picture is defined
    assert browser.execute_script("""
        return [...document.querySelectorAll('svg rect')].every(
            e => getComputedStyle(e).fill.startsWith('rgb'))
    """)
    assert browser.get_log("browser") == []


def test_a_proof_stands_in_the_report_of_its_run(datamart):
    before = (datamart / "report.html").read_text()
    assert "has not been run on this datamart yet" in before
    done = run_main("prove", "--months", "2024-01", "--datamart-dir", datamart)
    assert done.returncode == 0, done.stdout + done.stderr
    after = (datamart / "report.html").read_text()
    assert "was rebuilt without the future at 1 month" in after
    assert "has not been run" not in after
    assert after.count("<section id=") == before.count("<section id=")
