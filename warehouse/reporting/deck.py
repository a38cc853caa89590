"""Builds the deck: `python -m warehouse.reporting.deck --datamart-dir FOLDER --out FILE.pdf`.

The words of the slides are in deck/*.typ. They read their numbers from one flat JSON of facts and
their pictures from SVG files, both made here from the published datamart. Nothing is fetched; the
letters come from a wheel, so the pages are the same everywhere.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst
import vl_convert

from warehouse.base.errors import UserError
from warehouse.base.layout import LAYERS, Datamart
from warehouse.base.paths import DATAMART_DIR, PROJECT_DIR
from warehouse.modelling.group_power import group_power
from warehouse.reporting import charts, findings, theme
from warehouse.reporting.report import read_proof
from warehouse.reporting.tables import Row, Tables, open_tables

DECK_DIR = PROJECT_DIR / "deck"
SOURCE = "loan_default_warehouse.typ"
STYLE = "style.typ"
CLOCKS = PROJECT_DIR / "docs" / "two_clocks.svg"
PALETTE = "palette.json"
FONT_PACKAGE = "font_source_sans_pro"
FONT = "Source Sans Pro"
FONT_SIZE = 13  # points; none on a slide is below 10.5


def main(arguments: Sequence[str]) -> int:
    """Build the PDF; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the deck from a published datamart.")
    parser.add_argument("--datamart-dir", type=Path, default=DATAMART_DIR)
    parser.add_argument("--out", type=Path, default=DECK_DIR / "loan_default_warehouse.pdf")
    options = parser.parse_args(arguments)
    try:
        build_deck(options.datamart_dir, options.out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {options.out}")
    return 0


def build_deck(datamart_dir: Path, out: Path) -> None:
    """Write the deck of a datamart's published run.

    Raises:
        UserError: there is no published run, or the pages cannot be set without a warning.
    """
    datamart = Datamart(datamart_dir.absolute())
    run_dir, manifest = datamart.current_run(), datamart.current_manifest()
    if run_dir is None or manifest is None:
        raise UserError(f"{datamart_dir} has no published run: run main.py first")
    models = group_power(run_dir)
    if not models:
        raise UserError("too few loans have a label for a test on later ones: nothing to show")
    with tempfile.TemporaryDirectory(prefix="deck_") as folder, open_tables(run_dir) as tables:
        work_dir = Path(folder)
        for file in (DECK_DIR / SOURCE, CLOCKS):
            shutil.copy(file, work_dir)
        copy_style(work_dir)
        facts = deck_facts(tables, manifest, read_proof(datamart.root), models)
        (work_dir / "facts.json").write_text(json.dumps(facts, default=_plain), encoding="utf-8")
        write_pictures(tables, models, work_dir)
        pdf = typeset(work_dir / SOURCE, _moment(manifest))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pdf)


def copy_style(folder: Path) -> None:
    """Bring the slides' style, and the colours of the charts for it, into a folder."""
    shutil.copy(DECK_DIR / STYLE, folder)
    (folder / PALETTE).write_text(json.dumps(theme.COLORS), encoding="utf-8")


def typeset(source: Path, moment: datetime) -> bytes:
    """Return the PDF of a typst source; a warning counts as an error.

    Raises:
        UserError: typst refused or warned, for instance because a page overflows.
    """
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[font_dir()]
    )
    try:
        compiler = typst.Compiler(str(source), root=str(source.parent), font_paths=fonts)
        pdf, warnings = compiler.compile_with_warnings(format="pdf", timestamp=moment)
    except typst.TypstError as error:
        raise UserError(f"the deck cannot be set: {error}") from error
    if warnings:
        raise UserError(f"the deck is not clean: {'; '.join(str(one) for one in warnings)}")
    assert isinstance(pdf, bytes)
    return pdf


def font_dir() -> str:
    """Return the folder of the deck's letters."""
    package = find_spec(FONT_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise UserError("the deck's font is missing: make deck installs requirements/deck.lock")
    return str(Path(package.submodule_search_locations[0]) / "files")


def write_pictures(tables: Tables, models: Sequence[Row], folder: Path) -> None:
    """Write the deck's charts as SVG into a folder, at the size that the slides show them in."""
    vl_convert.register_font_directory(font_dir())
    label = default_label(tables)
    name = label["label_definition"]
    rates = [row for row in tables["gold.label_rates"] if row["label_definition"] == name]
    money = tables["gold.overdue_by_month_on_book"]
    drawn = {
        "money": (charts.overdue_money(money, label["months_on_book"]), 560, 280),
        "dirt": (charts.cleaned_values(tables["gold.cleaning_summary"]), 330, 250),
        "timeline": (charts.timeline(tables["gold.example_loan"]), 480, 270),
        "rates": (charts.label_rates(rates), 440, 250),
        "groups": (charts.group_power(models), 380, 24 * len(models)),
    }
    for picture, (chart, width, height) in drawn.items():
        sized = theme.styled(chart, width, height, FONT_SIZE, FONT)
        (folder / f"{picture}.svg").write_text(theme.svg(sized), encoding="utf-8")


def deck_facts(
    tables: Tables,
    manifest: Mapping[str, Any],
    proof: Mapping[str, Any] | None,
    models: Sequence[Row],
) -> Row:
    """Return what the slides read: rows of gold tables, and their sums by code."""
    moment = _moment(manifest)
    latest = {row["source"]: row for row in tables["bronze.loads"]}
    cleaning = tables["gold.cleaning_summary"]
    examples = {f"{row['cleaned_column']}_{row['reason']}": row["examples"] for row in cleaning}
    fillers = dict.fromkeys(r["examples"][0] for r in cleaning if r["reason"] == "placeholder")
    gaps = findings.gaps(tables["gold.feature_presence"])
    gap = next((gap for gap in gaps if gap["feature_group"] == "clickstream"), None)
    counted = {name: len(proof[name]) for name in ("months", "differences")} if proof else {}
    return {
        **tables.first("gold.key_figures"),
        "label": default_label(tables),
        "definitions": tables["gold.label_summary"],
        "money": tables["gold.overdue_by_month_on_book"][-1],
        "sources": [latest[source] for source in sorted(latest)],
        "rows_read": sum(row["rows_in_files"] for row in tables["gold.ledger_balance"]),
        "fates": _row_counts(tables["gold.ledger_summary"], "fate"),
        "effects": _row_counts(cleaning, "effect"),
        "reasons": _row_counts(cleaning, "reason"),
        "raw_examples": examples,
        "fillers": [text for text in fillers if len(text) < 12],
        "means": {row["cleaned_column"]: row for row in tables["gold.cleaning_effects"]},
        "models": models,
        "gap": gap and gap | {end: findings.month_name(gap[end]) for end in ("first", "last")},
        "groups": _groups(tables),
        "tables": _table_sizes(tables),
        "proof": proof and {**proof, **counted},
        "manifest": manifest,
        "moment": {"year": moment.year, "month": moment.month, "day": moment.day},
        "date": f"{moment.day} {moment:%B %Y}",
    }


def default_label(tables: Tables) -> Row:
    """Return the row of gold.label_summary that the training set carries.

    Raises:
        UserError: no loan has such a label yet.
    """
    label = tables.first("gold.label_summary", is_default=True)
    if not label.get("labelled"):
        raise UserError("no loan has a label yet: there is nothing to show")
    return label


def _row_counts(rows: Sequence[Row], code: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row[code]] += row["row_count"]
    return counts


def _groups(tables: Tables) -> list[Row]:
    """Return gold.group_summary with the share of loans that lack each group."""
    loans: Counter[str] = Counter()
    present: Counter[str] = Counter()
    for row in tables["gold.feature_presence"]:
        loans[row["feature_group"]] += row["loans"]
        present[row["feature_group"]] += row["loans"] * (row["presence"] == "present")
    return [
        row | {"missing_share": 1 - present[name] / loans[name] if loans[name] else 0}
        for row in tables["gold.group_summary"]
        for name in (row["feature_group"],)
    ]


def _table_sizes(tables: Tables) -> dict[str, int]:
    """Return the rows of every table by layer.name."""
    found = tables.con.execute("select schema_name, view_name from duckdb_views()").fetchall()
    return {
        f"{layer}.{name}": tables.con.table(f'{layer}."{name}"').shape[0]
        for layer, name in found
        if layer in LAYERS
    }


def _moment(manifest: Mapping[str, Any]) -> datetime:
    return datetime.strptime(manifest["finished_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _plain(value: Any) -> float | str:
    return float(value) if isinstance(value, Decimal) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
