"""The deck: built from the sample's datamart, at most ten clean pages, every number its own."""

import json
import re
import shutil
import subprocess
import zlib
from datetime import UTC, datetime

import pytest

from warehouse.base.errors import UserError
from warehouse.base.layout import Datamart
from warehouse.modelling.group_power import group_power
from warehouse.reporting import deck
from warehouse.reporting.tables import open_tables

typst = pytest.importorskip("typst", reason="the deck needs requirements/deck.in")

SMALLEST = 10.5  # points: a page printed on A4 is 88 % of its size, and 9 points are still read


@pytest.fixture(scope="module")
def built(sample_datamart, tmp_path_factory):
    out = tmp_path_factory.mktemp("deck") / "deck.pdf"
    deck.build_deck(sample_datamart, out)
    return out


@pytest.fixture(scope="module")
def facts(sample_datamart):
    datamart = Datamart(sample_datamart)
    run_dir = datamart.current_run()
    with open_tables(run_dir) as tables:
        return deck.deck_facts(tables, datamart.current_manifest(), None, group_power(run_dir))


@pytest.fixture(scope="module")
def text(built):
    return pages_of(built)


def pages_of(pdf, *options: str) -> str:
    """Return the text of a PDF."""
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    command = ["pdftotext", *(options or ["-layout"]), pdf, "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def unpacked(pdf: bytes) -> bytes:
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(parts)


def number_of_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", unpacked(pdf)))


def test_it_has_at_most_ten_pages_in_its_own_letters(built, sample_datamart, tmp_path):
    pdf = built.read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert 1 < number_of_pages(pdf) <= 10
    fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([\w-]+)", unpacked(pdf)))
    assert any(font.startswith(b"SourceSansPro") for font in fonts)
    assert all(font.startswith((b"SourceSansPro", b"DejaVuSansMono")) for font in fonts), fonts
    deck.build_deck(sample_datamart, tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == pdf


def test_every_number_is_the_datamarts(facts, sample):
    label, gap = facts["label"], facts["gap"]
    labels = "gold.label_store where label_definition = '30dpd_6mob'"
    gaps = "gold.feature_presence where is_gap and presence <> 'present'"
    rows = "gold.loan_applications a join silver.clickstream c using (customer_id)"
    later = f"avg((snapshot_date > application_date)::int) from {rows} where known_until is null"
    for fact, sql in (
        (label["default_rate"], f"avg(label) from {labels}"),
        (facts["rows_read"], "sum(row_count) from gold.row_ledger where layer = 'file'"),
        (facts["fates"]["quarantined"], "count(*) from silver.quarantine"),
        (facts["applicants_under_18"], "count(*) from gold.feature_store where age < 18"),
        (facts["later_clickstream_share"], later),
        (gap["missing"], f"sum(loans) from {gaps}"),
    ):
        assert fact == pytest.approx(sample.execute(f"select {sql}").fetchone()[0]), sql
    for name, count in facts["tables"].items():
        if not name.startswith("bronze") or name == "bronze.loads":
            assert (count,) == sample.execute(f"select count(*) from {name}").fetchone(), name
    effects = "select effect, sum(row_count) from gold.cleaning_summary group by effect"
    assert facts["effects"] == dict(sample.execute(effects).fetchall())
    models = {model["feature_group"]: model for model in facts["models"]}
    careless, every = models["careless join"], models["all groups"]
    assert careless["auc_low"] < careless["auc"] < careless["auc_high"]
    assert careless["auc"] > max(careless["kept"], every["auc"])
    assert models["without"]["auc"] < every["auc"]


def test_the_pages_show_the_facts(text, facts):
    (every,) = (m for m in facts["models"] if m["feature_group"] == "all groups")
    assert f"{facts['label']['default_rate']:.1%} of loans default" in text
    assert f"{facts['rows_read']:,} rows" in text
    assert f"{facts['effects']['nulled']:,} nulled" in text
    assert f"{every['auc']:.3f} on later loans" in text
    assert "The proof has not been run on this datamart yet" in text
    assert facts["manifest"]["run_id"] in text


def test_a_proof_is_shown_as_it_ended(sample_datamart, tmp_path):
    (tmp_path / "current").symlink_to((sample_datamart / "current").resolve())
    proof = {
        "run_id": "7",
        "months": ["2024-01", "2024-02"],
        "columns": 9,
        "rows_compared": 1234,
        "seconds": 30.5,
        "finished_at": "2026-01-01T00:00:00Z",
    }
    for ended, shown in (
        ({"outcome": "passed", "differences": [], "builds": 5}, "Rebuilt at 2 months"),
        ({"outcome": "failed", "differences": [{}, {}, {}]}, "The proof found 3 values"),
    ):
        (tmp_path / "proof.json").write_text(json.dumps(proof | ended))
        deck.build_deck(tmp_path, tmp_path / "deck.pdf")
        assert number_of_pages((tmp_path / "deck.pdf").read_bytes()) <= 10
        assert shown in pages_of(tmp_path / "deck.pdf")


def test_no_personal_data_is_on_a_page(text, sample):
    assert not re.search(r"\d{3}-\d{2}-\d{4}|CUS_0x\w+", text)
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    words = set(re.split(r"\s{2,}|\n", text))
    assert not {name for (name,) in names if name} & words


def test_no_letter_is_too_small_for_print(built):
    boxes = re.findall(r'yMin="([\d.]+)".*?yMax="([\d.]+)"', pages_of(built, "-bbox"))
    assert len(boxes) > 500
    # pdftotext gives a word a box as tall as its font's size
    assert min(float(low) - float(high) for high, low in boxes) > SMALLEST - 0.1


def test_overflow_and_missing_font_stop_the_build(tmp_path):
    deck.copy_style(tmp_path)
    source = tmp_path / "slides.typ"
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    page = '#import "style.typ": *\n#show: deck\n#slide(number: 1, title: [T])[{}]'
    part = '#block(height: body-height)[#within("a part")[#lorem({})]]'
    for body, error in (
        ("#lorem(20)", None),
        ("#lorem(2000)", "body of slide 1 is too tall"),
        (part.format(20), None),
        (part.format(2000), "a part is too tall"),
        ('#text(font: "No Such Font")[x]', "unknown font"),
    ):
        source.write_text(page.format(body))
        if error is None:
            assert number_of_pages(deck.typeset(source, moment)) == 1
        else:
            with pytest.raises(UserError, match=error):
                deck.typeset(source, moment)


def test_numbers_are_written_as_they_are_read(tmp_path):
    deck.copy_style(tmp_path)
    source = tmp_path / "numbers.typ"
    checks = {
        "num(1234567.4)": "1,234,567",
        "num(-5)": "-5",
        "num(999)": "999",
        "decimals(0.9, 3)": "0.900",
        "percent(0.2882)": "28.8%",
        "percent(1, digits: 0)": "100%",
        "million(125000000)": "125 million",
        "million(27100000)": "27.1 million",
    }
    lines = [f'#assert.eq({call}, "{text}")' for call, text in checks.items()]
    source.write_text('#import "style.typ": *\n#show: deck\n' + "\n".join(lines) + "\nx")
    deck.typeset(source, datetime(2026, 1, 1, tzinfo=UTC))


def test_without_a_published_run_it_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"run main\.py first"):
        deck.build_deck(tmp_path, tmp_path / "deck.pdf")


def test_the_committed_deck_is_there_and_fits():
    pdf = (deck.DECK_DIR / "loan_default_warehouse.pdf").read_bytes()
    assert len(pdf) < 2_000_000
    assert 1 < number_of_pages(pdf) <= 10
