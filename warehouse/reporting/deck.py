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
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
        pages = build_deck(options.datamart_dir, options.out)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"wrote {options.out}, {pages} pages")
    return 0


def build_deck(datamart_dir: Path, out: Path) -> int:
    """Write the deck of a datamart's published run; return the number of pages.

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
        shutil.copy(DECK_DIR / SOURCE, work_dir)
        copy_style(work_dir)
        facts = deck_facts(tables, manifest, read_proof(datamart.root), models)
        (work_dir / "facts.json").write_text(json.dumps(facts, default=str), encoding="utf-8")
        write_pictures(tables, models, work_dir)
        pdf, pages = typeset(work_dir / SOURCE, _moment(manifest))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pdf)
    return pages


def copy_style(folder: Path) -> None:
    """Bring the slides' style, and the colours of the charts for it, into a folder."""
    shutil.copy(DECK_DIR / STYLE, folder)
    (folder / PALETTE).write_text(json.dumps(theme.COLORS), encoding="utf-8")


def typeset(source: Path, moment: datetime) -> tuple[bytes, int]:
    """Return the PDF of a typst source, and its number of pages; a warning counts as an error.

    Raises:
        UserError: typst refused or warned, for instance because a page overflows.
    """
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[font_dir()]
    )
    try:
        compiler = typst.Compiler(str(source), root=str(source.parent), font_paths=fonts)
        pdf, warnings = compiler.compile_with_warnings(format="pdf", timestamp=moment)
        pages = compiler.compile(format="svg")
    except typst.TypstError as error:
        raise UserError(f"the deck cannot be set: {error}") from error
    if warnings:
        raise UserError(f"the deck is not clean: {'; '.join(str(one) for one in warnings)}")
    assert isinstance(pdf, bytes)
    return pdf, len(pages) if isinstance(pages, list) else 1


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
        "clocks": (charts.two_clocks(), 430, 200),
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
    """Return what the slides read: numbers and texts by name, and rows for their tables."""
    return {
        **tables.key_figures(),
        **{f"label_{name}": value for name, value in default_label(tables).items()},
        **_money_facts(tables["gold.overdue_by_month_on_book"]),
        **_row_facts(tables),
        **_cleaning_facts(tables),
        **_model_facts(models),
        **_gap_facts(tables["gold.feature_presence"]),
        **_proof_facts(proof),
        **_run_facts(manifest),
        "definitions": tables["gold.label_summary"],
        "groups": _groups(tables),
        "tables": _table_sizes(tables),
    }


def default_label(tables: Tables) -> Row:
    """Return the row of gold.label_summary that the training set carries.

    Raises:
        UserError: no loan has such a label yet.
    """
    for row in tables["gold.label_summary"]:
        if row["is_default"] and row["labelled"]:
            return row
    raise UserError("no loan has a label yet: there is nothing to show")


def _money_facts(money: Sequence[Row]) -> Row:
    last = money[-1]
    unpaid, of_defaults = float(last["overdue_amt"]), float(last["overdue_of_defaults_amt"])
    return {
        "money_loans": last["loans"],
        "lent": float(last["lent_amt"]),
        "unpaid": unpaid,
        "unpaid_share": unpaid / float(last["lent_amt"]),
        "unpaid_in_defaults": of_defaults / unpaid if unpaid else 0,
        "last_month": last["mob"],
    }


def _row_facts(tables: Tables) -> Row:
    latest = {row["source"]: row for row in tables["bronze.loads"]}
    fates: dict[str, int] = defaultdict(int)
    for row in tables["gold.ledger_summary"]:
        fates[row["fate"]] += row["row_count"]
    reasons = {row["reason"] for row in tables["gold.quarantine_summary"]}
    return {
        "sources": [latest[source] for source in sorted(latest)],
        "rows_read": sum(row["rows_in_files"] for row in tables["gold.ledger_balance"]),
        "quarantine_reasons": len(reasons),
        **{f"rows_{fate}": fates[fate] for fate in ("duplicate", "superseded", "quarantined")},
    }


def _cleaning_facts(tables: Tables) -> Row:
    """Return values by reason and by effect, and raw examples by <column>_<reason>."""
    facts: Row = defaultdict(int)
    for row in tables["gold.cleaning_summary"]:
        facts[f"values_{row['reason']}"] += row["row_count"]
        facts[row["effect"]] += row["row_count"]
    examples = {
        f"{row['cleaned_column']}_{row['reason']}": row["examples"] or []
        for row in tables["gold.cleaning_summary"]
    }
    fillers = [text[0] for name, text in examples.items() if name.endswith("_placeholder") and text]
    effects = {row["cleaned_column"]: row for row in tables["gold.cleaning_effects"]}
    names = ("placeholder", "out_of_range", "inconsistent", "repaired", "trailing_underscore")
    return {
        **{f"values_{name}": facts[f"values_{name}"] for name in names},
        **{f"{effect}_values": facts[effect] for effect in ("nulled", "repaired", "read")},
        "raw_examples": examples,
        "fillers": [text for text in dict.fromkeys(fillers) if len(text) < 12],
        "means": effects,
    }


def _model_facts(models: Sequence[Row]) -> Row:
    by_group: dict[str, Row] = {}
    for row in models:
        by_group.setdefault(row["feature_group"], row)
    history = [row for row in models if row["feature_group"] == "clickstream"]
    every, careless = by_group["all groups"], by_group["careless join"]
    without = by_group.get("without")
    return {
        "auc_all": every["auc"],
        "auc_latest_month": history[0]["auc"],
        "auc_all_months": history[-1]["auc"],
        "auc_without": without and without["auc"],
        "auc_careless": careless["auc"],
        "auc_careless_kept": careless["kept"],
        **{name: every[name] for name in ("train_loans", "test_loans", "first_test", "last_test")},
        **{name: every[name] for name in ("caught_in_fifth", "rate_in_fifth")},
    }


def _gap_facts(presence: Sequence[Row]) -> Row:
    gap = next((gap for gap in findings.gaps(presence) if gap.feature_group == "clickstream"), None)
    return {
        "gap_loans": gap.loans if gap else 0,
        "gap_missing": gap.missing if gap else 0,
        "gap_first": findings.month_name(gap.first) if gap else "",
        "gap_last": findings.month_name(gap.last) if gap else "",
    }


def _proof_facts(proof: Mapping[str, Any] | None) -> Row:
    if proof is None:
        return {"proof_outcome": "none"}
    months = findings.count(proof.get("months"))
    return {
        "proof_outcome": proof["outcome"],
        "proof_months": months,
        "proof_columns": findings.count(proof.get("columns")),
        "proof_rows": proof["rows_compared"],
        "proof_differences": len(proof["differences"]),
        "proof_builds": proof.get("builds", 0),
        "proof_seconds": proof["seconds"],
        "proof_run": proof["run_id"],
        "proof_date": str(proof["finished_at"])[:10],
    }


def _run_facts(manifest: Mapping[str, Any]) -> Row:
    moment = _moment(manifest)
    seconds = manifest["seconds"]
    return {
        "run_id": manifest["run_id"],
        "year": moment.year,
        "month": moment.month,
        "day": moment.day,
        "date": f"{moment.day} {moment:%B %Y}",
        "run_seconds": sum(seconds.values()),
        "run_steps": {name: value for name, value in seconds.items() if value >= 0.5},
        "tests_passed": manifest["tests"]["passed"],
    }


def _groups(tables: Tables) -> list[Row]:
    """Return gold.group_summary with the share of loans that lack each group."""
    loans: dict[str, int] = defaultdict(int)
    missing: dict[str, int] = defaultdict(int)
    for row in tables["gold.feature_presence"]:
        loans[row["feature_group"]] += row["loans"]
        missing[row["feature_group"]] += row["loans"] if row["presence"] != "present" else 0
    return [
        row | {"missing_share": missing[name] / loans[name] if loans[name] else 0}
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
