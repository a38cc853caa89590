"""The run report: one self-contained page that says whether this run's data is good.

Made from a published run: every number is a row of a gold table. The words and the layout of the
page are in templates/report.html.j2 and report.css; its charts draw themselves, by a script that
the page brings along, so that it opens without a network.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import altair as alt
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from warehouse.base.files import write_text
from warehouse.base.layout import REPORT_FILE, Datamart
from warehouse.datamart.publish import show_report
from warehouse.modelling.group_power import group_power
from warehouse.reporting import charts, findings, theme
from warehouse.reporting.findings import Finding
from warehouse.reporting.tables import Row, Tables, open_tables

TEMPLATES = Path(__file__).parent / "templates"
SHOWN_FAILURES = 5
SHOWN_LOADS = 40
FLOW_HEIGHT = 54  # pixels of the largest source
FATE_ROLES = {"quarantined": "bad", "superseded": "accent"}
FILLING = {"width": "container", "autosize": alt.AutoSizeParams(type="fit-x", contains="padding")}
LAYERS = (
    ("file", "read", "read"),
    ("bronze", "landed", "landed"),
    ("silver", "used", "used"),
    ("gold", "known", "known"),
)


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
    with open_tables(run_dir) as tables:
        models = group_power(run_dir)
        found = _findings(tables, manifest, proof, models)
        page = {
            "manifest": manifest,
            "findings": sorted(found, key=lambda finding: findings.STATES.index(finding.state)),
            "leads": {finding.section: finding.text for finding in found},
            "verdict": findings.verdict(found),
            "proof": proof,
            "models": models,
            "failed_runs": _failed(manifest, earlier_manifests),
            "figures": tables.key_figures(),
            "flow": flow(tables["gold.ledger_summary"]),
            "catalog": charts.strongest_features(tables["gold.feature_catalog"], is_whole=True),
            "charts": _charts(tables, [*earlier_manifests, manifest], models),
            "loads": tables["bronze.loads"][-SHOWN_LOADS:],
            "tables": tables,
        }
        return _environment().get_template("report.html.j2").render(page)


def renew_report(datamart: Datamart) -> None:
    """Write the published run's report again, with what came after the run: the leakage proof."""
    run_dir, manifest = datamart.current_run(), datamart.current_manifest()
    if run_dir is None or manifest is None:
        return
    earlier = datamart.manifests_before(str(manifest["run_id"]))
    page = build_report(run_dir, manifest, earlier, read_proof(datamart.root))
    write_text(run_dir / REPORT_FILE, page)
    show_report(datamart)


def read_proof(datamart_dir: Path) -> dict[str, Any] | None:
    """Return the last result of the leakage proof, None where there is none."""
    try:
        return dict(json.loads((datamart_dir / "proof.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _findings(
    tables: Tables,
    manifest: Mapping[str, Any],
    proof: Mapping[str, Any] | None,
    models: Sequence[Row],
) -> list[Finding]:
    strongest = charts.strongest_features(tables["gold.feature_catalog"], is_whole=True)
    found = [
        findings.rows(tables["gold.ledger_balance"]),
        findings.quarantine(tables["gold.quarantine_summary"]),
        findings.knowledge(tables["gold.knowledge_effects"]),
        findings.tests(manifest),
        findings.labels(tables["gold.label_summary"]),
        findings.presence(tables["gold.feature_presence"]),
        findings.drift(tables["gold.drift_summary"]),
        findings.power(strongest, models, tables.key_figures()),
        findings.proof(proof),
    ]
    return [finding for finding in found if finding]


def _charts(
    tables: Tables, manifests: Sequence[Mapping[str, Any]], models: Sequence[Row]
) -> dict[str, Any]:
    """Return the specifications of the page's charts by their place, where there is data."""
    default = next((row for row in tables["gold.label_summary"] if row["is_default"]), {})
    name = default.get("label_definition")

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


def flow(ledger: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the way of each source's rows through the layers; rows of gold.ledger_summary."""
    largest = max((row["row_count"] for row in ledger if row["layer"] == "file"), default=1)
    lanes = []
    for source in dict.fromkeys(row["source"] for row in ledger):
        own = [row for row in ledger if row["source"] == source]
        stations = []
        for layer, fate, text in LAYERS:
            total = sum(row["row_count"] for row in own if row["fate"] == fate)
            height = 4 + FLOW_HEIGHT * total / largest
            stations.append({"layer": layer, "count": total, "text": text, "height": height})
        kept = {fate for _, fate, _ in LAYERS}
        exits = [
            {
                "layer": row["layer"],
                "count": row["row_count"],
                "role": FATE_ROLES.get(row["fate"], "muted"),
                "text": findings.words(_why(row)),
            }
            for row in own
            if row["fate"] not in kept
        ]
        lanes.append({"source": source, "stations": stations, "exits": exits})
    return lanes


def _why(row: Row) -> str:
    if row["fate"] == "quarantined":
        return f"quarantined: {row['reason']}"
    return str(row["reason"] if row["fate"] == "not_known" else row["fate"])


def _failed(
    manifest: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    failed = [
        item
        for item in earlier
        if item.get("outcome") in ("failed", "interrupted") and item["run_id"] != manifest["run_id"]
    ]
    return sorted(failed, key=lambda item: str(item["run_id"]))[-SHOWN_FAILURES:]


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
        "words": findings.words,
        "month": lambda day: day if not isinstance(day, date) else findings.month_name(day),
        "moment": lambda text: str(text or "").replace("T", " ").rstrip("Z"),
    }
    environment.globals |= {
        "css": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "light": Markup(theme.css_variables(theme.COLORS)),
        "dark": Markup(theme.css_variables(theme.DARK_COLORS)),
        "dark_rules": Markup(theme.dark_rules("figure svg")),
        "font": Markup(theme.SANS),
        "script": Markup(theme.page_script()),
    }
    return environment
