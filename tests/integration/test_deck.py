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
    return out, deck.build_deck(sample_datamart, out)


@pytest.fixture(scope="module")
def facts(sample_datamart):
    datamart = Datamart(sample_datamart)
    with open_tables(datamart.current_run()) as tables:
        return deck.deck_facts(
            tables, datamart.current_manifest(), None, group_power(datamart.current_run())
        )


@pytest.fixture(scope="module")
def text(built, tmp_path_factory):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    out = tmp_path_factory.mktemp("text") / "text"
    subprocess.run(["pdftotext", "-layout", built[0], out], check=True)
    return out.read_text()


def unpacked(pdf: bytes) -> bytes:
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.S):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"".join(parts)


def test_it_has_at_most_ten_pages_in_its_own_letters(built, sample_datamart, tmp_path):
    out, pages = built
    assert 1 < pages <= 10
    pdf = out.read_bytes()
    assert pdf.startswith(b"%PDF-")
    fonts = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([\w-]+)", unpacked(pdf)))
    assert any(font.startswith(b"SourceSansPro") for font in fonts)
    assert all(font.startswith((b"SourceSansPro", b"DejaVuSansMono")) for font in fonts), fonts
    deck.build_deck(sample_datamart, tmp_path / "again.pdf")
    assert (tmp_path / "again.pdf").read_bytes() == pdf


def test_every_number_is_the_datamarts(facts, sample):
    def one(sql):
        return sample.execute(sql).fetchone()[0]

    labels = "from gold.label_store where label_definition = '30dpd_6mob'"
    assert facts["label_default_rate"] == pytest.approx(one(f"select avg(label) {labels}"))
    assert facts["rows_read"] == one(
        "select sum(row_count) from gold.row_ledger where layer = 'file'"
    )
    assert facts["rows_quarantined"] == one("select count(*) from silver.quarantine")
    assert facts["rows_missing_one_below_30_days"] == one(
        "select count(*) from silver.loan_repayments"
        " where known_until is null and installments_missed = 1 and days_past_due < 30"
    )
    assert facts["applicants_under_18"] == one(
        "select count(*) from gold.feature_store where age < 18"
    )
    assert facts["later_clickstream_share"] == pytest.approx(
        one(
            "select avg((c.snapshot_date > a.application_date)::int) from gold.loan_applications a"
            " join silver.clickstream c using (customer_id) where c.known_until is null"
        )
    )
    values = dict(
        sample.execute(
            "select effect, sum(row_count) from gold.cleaning_summary group by effect"
        ).fetchall()
    )
    assert facts["nulled_values"] == values["nulled"]
    assert facts["repaired_values"] == values["repaired"] == facts["values_repaired"]
    assert facts["gap_missing"] == one(
        "select sum(loans) from gold.feature_presence where is_gap and presence <> 'present'"
    )
    for name, count in facts["tables"].items():
        if not name.startswith("bronze") or name == "bronze.loads":
            assert count == one(f"select count(*) from {name}"), name
    json.dumps(facts, default=str)


def test_the_pages_show_the_facts(text, facts):
    assert f"{facts['label_default_rate']:.1%} of loans default" in text
    assert f"{facts['rows_read']:,} rows" in text
    assert f"{facts['nulled_values']:,} nulled" in text
    assert f"{facts['auc_all']:.3f} on later loans" in text
    assert "The proof has not been run on this datamart yet" in text
    assert facts["run_id"] in text


def test_no_personal_data_is_on_a_page(text, sample):
    assert not re.search(r"\d{3}-\d{2}-\d{4}|CUS_0x\w+", text)
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    words = set(re.split(r"\s{2,}|\n", text))
    assert not {name for (name,) in names if name} & words


def test_the_careless_join_shows_more_than_it_keeps(facts):
    assert facts["auc_careless"] > facts["auc_careless_kept"]
    assert facts["auc_without"] < facts["auc_all"]


def test_no_letter_is_too_small_for_print(built, tmp_path):
    if not shutil.which("pdftotext"):
        pytest.skip("no pdftotext on this machine")
    subprocess.run(["pdftotext", "-bbox", built[0], tmp_path / "boxes"], check=True)
    boxes = re.findall(r'yMin="([\d.]+)".*?yMax="([\d.]+)"', (tmp_path / "boxes").read_text())
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
            assert deck.typeset(source, moment)[1] == 1
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
    assert 1 < len(re.findall(rb"/Type\s*/Page\b", unpacked(pdf))) <= 10
