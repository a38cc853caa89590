"""The deck: built from the sample's datamart, at most ten clean pages."""

import re
import shutil
import subprocess
import sys
import zlib

import pytest

from tests.test_personal_data import leaks, personal_values
from warehouse.base.errors import UserError
from warehouse.base.paths import DATA_DIR, PROJECT_DIR
from warehouse.datamart.runs import Datamart
from warehouse.reporting import deck, queries

pytest.importorskip("sklearn", reason="the deck's models need scikit-learn")


@pytest.fixture(scope="module")
def built(sample_datamart, tmp_path_factory):
    out = tmp_path_factory.mktemp("deck") / "deck.pdf"
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "warehouse.reporting.deck",
            "--datamart-dir",
            sample_datamart,
            "--out",
            out,
        ],
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
    assert leaks([built[0]], personal_values(DATA_DIR)) == []


SMALLEST = 10.5  # pt: a page printed on A4 is made smaller to 88 %, and 9 pt is still read


def test_no_letter_is_too_small_for_print(built, sample, sample_datamart, tmp_path):
    datamart = Datamart(sample_datamart)
    deck.write_pictures_and_facts(sample, datamart, datamart.current_manifest(), tmp_path)
    sizes = {
        (path.name, float(size))
        for path in tmp_path.glob("*.svg")
        for size in re.findall(r'font-size="([\d.]+)"', path.read_text())
    }
    assert len({name for name, _ in sizes}) == 7
    assert not {(name, size) for name, size in sizes if size < SMALLEST}
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
    moment = deck.datetime(2026, 1, 1, tzinfo=deck.UTC)
    page = '#import "style.typ": *\n#show: deck\n#slide(number: 1, title: [T])[{}]'
    source.write_text(page.format("#lorem(20)"))
    assert deck.typeset(source, moment)[1] == 1
    source.write_text(page.format("#lorem(2000)"))
    with pytest.raises(UserError, match="body of slide 1 is too tall"):
        deck.typeset(source, moment)
    part = '#block(height: body-height)[#within("a part")[#lorem({})]]'
    source.write_text(page.format(part.format(20)))
    assert deck.typeset(source, moment)[1] == 1
    source.write_text(page.format(part.format(2000)))
    with pytest.raises(UserError, match="a part is too tall"):
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
    count = sample.execute("""
        select count(*) from silver.loan_repayments
        where installments_missed = 1 and days_past_due < 30
    """).fetchone()[0]
    assert f"in {count:,} rows not yet 30" in facts["missed_text"]
    minors = sample.execute("select count(*) from gold.feature_store where age < 18").fetchone()[0]
    assert [head for head, _ in facts["limits"] if head.startswith(f"{minors:,} applicants")]


def test_the_weight_of_the_cut_off_is_counted_loan_by_loan(sample):
    definitions = queries.label_definitions(sample)
    default = next(row for row in definitions if row["label_definition"] == "30dpd_6mob")
    counts = {row["label_definition"]: row["judged_otherwise"] for row in definitions}
    assert counts.pop("30dpd_6mob") == 0
    for name, count in counts.items():
        assert (
            count
            == sample.execute(
                """
            select count(*) from gold.label_store as one
            inner join gold.label_store as other on one.loan_id = other.loan_id
            where one.label_definition = '30dpd_6mob' and other.label_definition = ?
            and one.label <> other.label
            """,
                [name],
            ).fetchone()[0]
        )
    said = deck._cut_off(definitions, default)
    share = max(counts.values()) / default["loans"]
    assert said["head"] == f"The cut-off decides {share:.1%} of the labels"
    assert said["text"] == f"At most {max(counts.values())} loans are judged otherwise."
    same_later = [row | {"judged_otherwise": 0} for row in definitions]
    default = next(row for row in same_later if row["label_definition"] == "30dpd_6mob")
    said = deck._cut_off(same_later, default)
    assert "Nobody in default at month 6 has recovered at month 9" in said["text"]


def test_examples_of_cleaning_are_those_of_the_files(sample):
    facts = deck._cleaning_facts(
        sample, queries.cleaning(sample), queries.stray_underscores(sample)
    )
    said = {row["decision"]: row["what"] for row in facts["cleaning_rows"]}
    stray = re.findall(r"\S+_(?=,|$)", said["read without it"])
    repaired = re.search(r"such as (.*) beside", said["repaired from the list"])[1].split(", ")
    age = re.search(r"age (\d+)", said["null, reason out_of_range"])[1]
    day = re.search(r"\d{4}-\d\d-\d\d", said["format declared; a file in another is refused"])[0]
    for column, source, values in (
        ('"Age"', "features_attributes", [age, *stray[:2]]),
        ('"Num_of_Loan"', "features_financials", [*repaired, *stray[2:]]),
        ("snapshot_date", "lms_loan_daily", [day]),
    ):
        for value in values:
            found = sample.execute(
                f"select count(*) from bronze.{source} where cast({column} as text) = ?", [value]
            ).fetchone()[0]
            assert found, (column, value)
    assert len(stray) == 3


def test_a_run_without_its_proof_claims_none(sample, sample_datamart):
    manifest = Datamart(sample_datamart).current_manifest()
    assert deck._proof_facts(None, manifest)["proof_words"] == "can prove"
    proof = {"months": ["2024-01"], "columns": 9, "rows_compared": 12, "seconds": 1.0}
    failed = proof | {"differences": [{"column": "fe_1"}], "outcome": "failed"}
    assert deck._proof_facts(failed, manifest)["proof_words"] == "does not yet prove"
    passed = proof | {"differences": [], "outcome": "passed"}
    assert deck._proof_facts(passed, manifest)["proof_words"] == "proves"


def test_careless_join_shows_more_than_it_keeps_and_the_missing_clickstream_is_told(sample):
    powers = {row["name"]: row for row in queries.group_power(sample)}
    careless = powers["all groups, careless join"]
    assert careless["auc"] > careless["kept"]
    assert powers["without a clickstream"]["auc"] < powers["all groups"]["auc"]
    assert all(row["lower"] < row["auc"] < row["upper"] for row in powers.values())


def test_committed_deck_is_there_and_fits():
    pdf = (deck.DECK_DIR / "loan_default_warehouse.pdf").read_bytes()
    assert len(pdf) < 2_000_000
    found = re.findall(rb"/Type\s*/Page\b", _unpacked(pdf))
    assert 1 < len(found) <= 10
