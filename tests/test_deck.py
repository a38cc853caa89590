"""The deck: built from the sample's datamart, at most ten clean pages."""

import re
import shutil
import subprocess
import sys
import zlib

import pytest

from warehouse import deck
from warehouse.errors import UserError
from warehouse.paths import PROJECT_DIR
from warehouse.runs import Datamart

pytest.importorskip("sklearn", reason="the deck's models need scikit-learn")


@pytest.fixture(scope="module")
def built(sample_datamart, tmp_path_factory):
    out = tmp_path_factory.mktemp("deck") / "deck.pdf"
    result = subprocess.run(
        [sys.executable, "-m", "warehouse.deck", "--datamart-dir", sample_datamart, "--out", out],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return out, result.stdout


def test_it_has_at_most_ten_pages_and_says_so(built):
    out, said = built
    pages = int(re.search(r"(\d+) pages", said)[1])
    assert 1 < pages <= 10
    assert out.read_bytes().startswith(b"%PDF-")


def test_same_run_gives_the_same_file(built, sample_datamart, tmp_path):
    deck.build_deck(sample_datamart, tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == built[0].read_bytes()


def test_letters_are_carried_along_and_no_other_font_slips_in(built):
    fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([\w-]+)", _unpacked(built[0].read_bytes())))
    assert any(font.startswith(b"SourceSansPro") for font in fonts)
    assert all(font.startswith((b"SourceSansPro", b"DejaVuSansMono")) for font in fonts), fonts


def _unpacked(pdf: bytes) -> bytes:
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(parts)


def test_no_personal_data_is_on_a_page(built, sample, tmp_path):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    subprocess.run(["pdftotext", built[0], tmp_path / "text"], check=True)
    text = (tmp_path / "text").read_text()
    assert "default" in text
    assert not re.search(r"\d{3}-\d{2}-\d{4}|CUS_0x\w+", text)
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    words = set(re.split(r"\s*\n\s*", text))
    assert not {name for (name,) in names if name} & words


def test_overflow_and_missing_font_stop_the_build(tmp_path):
    shutil.copy(deck.DECK_DIR / deck.STYLE, tmp_path)
    source = tmp_path / "slides.typ"
    moment = deck.datetime(2026, 1, 1, tzinfo=deck.UTC)
    page = '#import "style.typ": *\n#show: deck\n#slide(number: 1, title: [T])[{}]'
    source.write_text(page.format("#lorem(20)"))
    assert deck.typeset(source, moment)[1] == 1
    source.write_text(page.format("#lorem(2000)"))
    with pytest.raises(UserError, match="body of slide 1 is too tall"):
        deck.typeset(source, moment)
    source.write_text(page.format('#text(font: "No Such Font")[x]'))
    with pytest.raises(UserError, match="unknown font"):
        deck.typeset(source, moment)


def test_without_a_published_run_it_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"run main\.py first"):
        deck.build_deck(tmp_path, tmp_path / "deck.pdf")


def test_figures_are_read_from_the_datamart(sample, sample_datamart, tmp_path):
    datamart = Datamart(sample_datamart)
    facts = deck.write_pictures_and_facts(sample, datamart, datamart.current_manifest(), tmp_path)
    labelled, defaults = sample.execute(
        "select count(*), sum(label) from gold.label_store where label_definition = '30dpd_6mob'"
    ).fetchone()
    assert facts["default_rate"] == f"{defaults / labelled * 100:.1f}%"
    read = sample.execute(
        "select sum(row_count) from gold.row_ledger where layer = 'file'"
    ).fetchone()[0]
    assert facts["rows_read"] == f"{read:,}"
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg"}


def test_committed_deck_is_there_and_fits():
    pdf = (deck.DECK_DIR / "loan_default_warehouse.pdf").read_bytes()
    assert len(pdf) < 2_000_000
    found = re.findall(rb"/Type\s*/Page\b", _unpacked(pdf))
    assert 1 < len(found) <= 10
