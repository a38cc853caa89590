"""The run report: one self-contained page that says whether this run's data is good.

Made from a published run: every number is a row of a gold table. The words and the layout of the
page are in templates/report.html.j2 and report.css; its charts draw themselves, by a script that
the page brings along, so that it opens without a network.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warehouse.base.files import read_json, write_text
from warehouse.base.layout import GROUP_POWER_FILE, REPORT_FILE, Datamart
from warehouse.datamart.publish import show_report
from warehouse.reporting import charts, findings, theme
from warehouse.reporting.charts.base import words
from warehouse.reporting.page_script import page_script
from warehouse.reporting.tables import Row, Tables, open_tables

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_FAILURES = 5
SHOWN_LOADS = 40
FILLING = {"width": "container", "autosize": alt.AutoSizeParams(type="fit-x", contains="padding")}


def build_report(
    run_dir: Path,
    manifest: Mapping[str, Any],
    earlier_manifests: Sequence[Mapping[str, Any]],
    proof: Mapping[str, Any] | None,
) -> str:
    """Return the report of a published run as HTML.

    earlier_manifests: manifests of the runs before, in any order, failed ones too; proof: the last
    result of the leakage proof, None where it was never run.
    """
    models = read_json(run_dir / GROUP_POWER_FILE) or []
    with open_tables(run_dir) as tables:
        found = findings.judge(tables, manifest, proof, models)
        page = {
            "manifest": manifest,
            "findings": found,
            "leads": {finding.section: finding.text for finding in found},
            "verdict": findings.verdict(found),
            "proof": proof,
            "models": models,
            "failed_runs": _failed(manifest, earlier_manifests),
            "figures": tables.first("gold.key_figures"),
            "catalog": charts.strongest_features(tables["gold.feature_catalog"], is_whole=True),
            "charts": _charts(tables, [*earlier_manifests, manifest], models),
            "loads": tables["bronze.loads"][-SHOWN_LOADS:],
            "meanings": {(r["kind"], r["reason"]): r["meaning"] for r in tables["gold.reasons"]},
            "tables": tables,
        }
        return _environment().get_template("report.html.j2").render(page)


def write_report(datamart: Datamart) -> None:
    """Write the report of the published run into its folder, and show it."""
    run_dir, manifest = datamart.current_run(), datamart.current_manifest()
    if run_dir is None or manifest is None:
        return
    earlier = datamart.manifests_before(run_dir.name)
    page = build_report(run_dir, manifest, earlier, read_proof(datamart.root))
    write_text(run_dir / REPORT_FILE, page)
    show_report(datamart)


def renew_report(datamart: Datamart) -> None:
    """Write the published run's report again, with what takes longer than a run should.

    That is the last leakage proof, and a model a feature group: an honest one that is too good to
    be true is a leak, too.
    """
    from warehouse.modelling.group_power import group_power

    if run_dir := datamart.current_run():
        group_power(run_dir)  # kept in the run's folder, where build_report reads it
        write_report(datamart)


def read_proof(datamart_dir: Path) -> dict[str, Any] | None:
    """Return the last result of the leakage proof, None where there is none."""
    proof: dict[str, Any] | None = read_json(datamart_dir / "proof.json")
    return proof


def _charts(
    tables: Tables, manifests: Sequence[Mapping[str, Any]], models: Sequence[Row]
) -> dict[str, Any]:
    """Return the specifications of the page's charts by their place, where there is data."""
    name = tables.first("gold.label_summary", is_default=True).get("label_definition")

    def of_default(table: str) -> list[Row]:
        return [row for row in tables[table] if row["label_definition"] == name]

    published = [manifest for manifest in manifests if manifest.get("outcome") == "published"]
    catalog = tables["gold.feature_catalog"]
    drawn: dict[str, tuple[Callable[..., Any], list[Any]]] = {
        "rates": (charts.label_rates, [of_default("gold.label_rates")]),
        "maturity": (charts.label_maturity, [of_default("gold.label_maturity_by_month")]),
        "vintages": (charts.vintage_curves, [tables["gold.vintage_curves"]]),
        "presence": (charts.feature_presence, [tables["gold.feature_presence"]]),
        "drift": (charts.feature_drift, [tables["gold.feature_drift"], catalog]),
        "power": (charts.feature_power, [catalog]),
        "models": (charts.group_power, [models]),
        "splits": (charts.splits, [tables["gold.split_summary"]]),
        "times": (charts.run_times, [published]),
    }
    return {
        place: chart(*rows).properties(**FILLING).to_dict(validate=False)
        for place, (chart, rows) in drawn.items()
        if rows[0]
    }


def _failed(
    manifest: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    failed = [item for item in earlier if item.get("outcome") in ("failed", "interrupted")]
    others = [item for item in failed if item["run_id"] != manifest["run_id"]]
    return sorted(others, key=lambda item: str(item["run_id"]))[-SHOWN_FAILURES:]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": lambda value, digits=0: "" if value is None else f"{value:,.{digits}f}",
        "percent": lambda value, digits=1: "" if value is None else f"{value:.{digits}%}",
        "words": words,
        "month": lambda day: findings.month_name(day) if isinstance(day, date) else day,
        "moment": lambda text: str(text or "").replace("T", " ").rstrip("Z"),
    }
    environment.globals |= {
        "css": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "colors": Markup(theme.page_colors()),
        "font": Markup(theme.SANS),
        "script": Markup(page_script()),
    }
    return environment
