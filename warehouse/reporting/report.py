"""The run report: one self-contained page that says whether this run's data is good.

It is written at the end of every run, so it draws its pictures as SVG (`figures`) from a few
queries (`queries`) and needs nothing else. No script, no font and no picture is fetched.
"""

import json
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from html import escape
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

from warehouse.base.catalog import LAYERS, attach
from warehouse.datamart.runs import Datamart
from warehouse.reporting import figures, queries
from warehouse.reporting.drawing import COLORS, DARK_COLORS, PHONE, SANS, WEB, Picture, month

Row = dict[str, Any]

SHOWN_RUNS = 12
SHOWN_FEATURES = 15
PHONE_WIDTH = 330
OUTSIDE = 0.05  # the share of months that lie outside their 95% band by chance


@dataclass(frozen=True)
class Finding:
    """One line of the verdict: good, look (a person should look at it) or bad."""

    state: str
    title: str
    text: str
    section: str


@dataclass(frozen=True)
class Section:
    """One part of the page; lead is the sentence to take away."""

    name: str
    title: str
    lead: str
    body: str


def build_report(run_dir: Path, manifest: Row, earlier_manifests: Sequence[Row]) -> str:
    """The report of the run built in run_dir, as HTML.

    earlier_manifests: what the runs before said of themselves, in any order, failed ones too.
    """
    proof = read_proof(run_dir)
    with duckdb.connect() as con, ThreadPoolExecutor(max_workers=2) as pool:
        attach(con, run_dir)
        definition = queries.default_definition(con)
        parts = [
            _rows,
            _quarantine,
            _cleaning,
            lambda _: _tests(manifest),
            *([partial(_labels, definition=definition)] if definition else []),
            _presence,
            _drift,
            _power,
            lambda _: _proof(proof),
            lambda _: _timings([*earlier_manifests, manifest], manifest["run_id"]),
        ]
        sections, found = zip(*pool.map(lambda part: part(con.cursor()), parts), strict=True)
        findings = [finding for finding in found if finding]
        catalog, newest = _catalog(con), queries.newest_application(con)
    return _page(manifest, findings, sections, catalog, newest)


def renew_report(datamart: Datamart) -> None:
    """Write the published run's report again, with what came after the run: the leakage proof."""
    run_dir, manifest = datamart.current_run(), datamart.current_manifest()
    if run_dir is None or manifest is None:
        return
    earlier = datamart.manifests_before(manifest["run_id"])
    beside = run_dir / "report.html.new"
    beside.write_text(build_report(run_dir, manifest, earlier), encoding="utf-8")
    beside.replace(run_dir / "report.html")


def read_proof(run_dir: Path) -> Row | None:
    """The last result of the leakage proof, which lies in the datamart above the run's folder."""
    for folder in run_dir.resolve().parents[:2]:
        try:
            return json.loads((folder / "proof.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
    return None


# --- the sections -------------------------------------------------------------------------------


def _rows(con: duckdb.DuckDBPyConnection) -> tuple[Section, Finding]:
    ledger = queries.ledger(con)
    balance = queries.ledger_balance(con)
    read = sum(row["in_files"] for row in balance)
    lost = sum(abs(row[f"lost_at_{layer}"]) for row in balance for layer in LAYERS)
    groups = queries.group_summary(con)
    loans, labelled = con.execute(
        "select (select count(*) from gold.feature_store), (select count(*) from gold.training_set)"
    ).fetchone()
    gold = [
        (f"{loans:,}", "loans"),
        (f"{sum(group['features'] for group in groups):,}", "features each"),
        (f"{labelled:,}", "with a label"),
    ]
    landed = _table(
        ("file", "rows in file", "new", "seen before", "in bronze", "size"),
        [
            (
                row["source_file"],
                f"{row['rows_in_file']:,}",
                f"{row['rows_landed']:,}",
                f"{row['rows_seen_before']:,}",
                f"{row['rows_in_bronze']:,}",
                f"{row['file_bytes'] / 1e6:,.1f} MB",
            )
            for row in queries.sources(con)
        ],
        "rows in file, new, seen before, in bronze, size",
    )
    text = (
        f"{read:,} rows read over all loads; every one has exactly one fate at every layer."
        if not lost
        else f"{lost:,} of {read:,} rows are not accounted for."
    )
    return (
        Section(
            "rows",
            "From file to gold",
            text,
            _figure(partial(figures.flow, ledger, gold))
            + "<h3>The latest load of each source</h3>"
            + landed,
        ),
        Finding("bad" if lost else "good", "Rows", text, "rows"),
    )


def _quarantine(con: duckdb.DuckDBPyConnection) -> tuple[Section, Finding]:
    found = queries.quarantine(con)
    total = sum(row["row_count"] for row in found)
    if not found:
        text = "No row is in quarantine."
        return (
            Section("quarantine", "Quarantine", text, ""),
            Finding("good", "Quarantine", text, "quarantine"),
        )
    reasons: dict[str, int] = defaultdict(int)
    for row in found:
        reasons[row["reason"]] += row["row_count"]
    text = f"{total:,} {_plural(total, 'row is', 'rows are')} in quarantine: " + ", ".join(
        f"{count:,} {_words(reason)}"
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
    )
    text += "."
    table = _table(
        ("reason", "rows", "examples: file, row, raw values"),
        [
            (
                Raw(f"{escape(_words(row['reason']))}<br><small>{escape(row['source'])}</small>"),
                f"{row['row_count']:,}",
                Raw(
                    "<br>".join(
                        f"<small>{escape(example['file'])}, row {example['row_number']:,}</small>"
                        f" <code>{escape(example['values'])}</code>"
                        for example in row["examples"]
                    )
                ),
            )
            for row in found
        ],
        "rows",
    )
    note = (
        "<p class=note>A quarantined row is kept with its raw values in silver.quarantine and comes"
        " back by itself when its file or the rule is corrected. Identifiers that are whole and"
        " personal columns are not shown here.</p>"
    )
    return (
        Section("quarantine", "Quarantine", text, table + note),
        Finding("look", "Quarantine", text, "quarantine"),
    )


def _cleaning(con: duckdb.DuckDBPyConnection) -> tuple[Section, None]:
    found = queries.cleaning(con)
    total = sum(row["row_count"] for row in found)
    repaired = sum(row["row_count"] for row in found if row["reason"] == "repaired")
    most = max((row["share"] for row in found), default=1)
    table = _table(
        ("column", "why", "rows", "share", "", "raw values, the most frequent first"),
        [
            (
                row["column"],
                Raw(f"<span class=nowrap>{escape(_words(row['reason']))}</span>"),
                f"{row['row_count']:,}",
                f"{row['share']:.1%}",
                Raw(f'<i class=bar style="--w:{row["share"] / most:.3f}"></i>'),
                Raw(
                    " ".join(f"<code>{escape(value)}</code>" for value in row["examples"])
                    + _more(row["distinct_values"] - len(row["examples"]))
                ),
            )
            for row in found
        ],
        "rows, share",
    )
    text = (
        f"{total - repaired:,} impossible or filler values became null and say why;"
        f" {repaired:,} were repaired from another column. No row was dropped for them."
    )
    return Section("cleaning", "Cleaned values", text, table), None


def _more(count: int) -> str:
    return f" <small>and {count:,} more</small>" if count > 0 else ""


def _tests(manifest: Row) -> tuple[Section, Finding]:
    tests = manifest.get("tests", {})
    passed, warnings = tests.get("passed", 0), tests.get("warnings", [])
    text = (
        f"{passed:,} tests passed, {len(warnings)}"
        f" {_plural(len(warnings), 'warning', 'warnings')}, none failed."
    )
    body = (
        "<p class=note>A run whose tests fail is not published, so a report that you can read is of"
        " a run without failures.</p>"
    )
    if warnings:
        body = _table(("warning",), [(warning,) for warning in warnings]) + body
    return (
        Section("tests", "Tests", text, body),
        Finding("look" if warnings else "good", "Tests", text, "tests"),
    )


def _labels(con: duckdb.DuckDBPyConnection, definition: str) -> tuple[Section, Finding]:
    cohorts = queries.label_rate_by_cohort(con, definition)
    known = [row for row in cohorts if row["labelled"]]
    labelled = sum(row["labelled"] for row in known)
    defaults = sum(row["defaults"] for row in known)
    rate = defaults / labelled if labelled else 0
    outside = [row for row in known if not row["lower"] <= rate <= row["upper"]]
    is_odd = chance_of_outliers(len(outside), len(known)) < 0.01
    definitions = _table(
        ("definition", "default when", "loans", "labelled", "defaults", "rate"),
        [
            (
                row["label_definition"],
                f"{row['min_days_past_due']} days past due"
                f" {'at' if row['observed'] == 'at_month' else 'ever up to'}"
                f" month {row['months_on_book']}",
                f"{row['loans']:,}",
                f"{row['labelled']:,}",
                f"{row['defaults']:,}",
                "" if row["rate"] is None else f"{row['rate']:.1%}",
            )
            for row in queries.label_definitions(con)
        ],
        "loans, labelled, defaults, rate",
    )
    text = (
        f"{rate:.1%} of {labelled:,} labelled loans default ({definition});"
        f" {outliers_text(len(outside), len(known))}."
    )
    body = (
        _figure(partial(figures.cohort_rate, cohorts))
        + "<h3>Is the label known yet? Loans by month of application</h3>"
        + _figure(partial(figures.maturity, queries.maturity_by_cohort(con, definition)))
        + "<h3>The definitions</h3>"
        + definitions
    )
    return (
        Section("labels", "Labels: default rate and maturity by month", text, body),
        Finding("look" if is_odd else "good", "Labels", text, "labels"),
    )


def chance_of_outliers(outside: int, months: int) -> float:
    """How probable at least so many months outside their 95% bands are when nothing is wrong."""
    return sum(
        math.comb(months, count) * OUTSIDE**count * (1 - OUTSIDE) ** (months - count)
        for count in range(outside, months + 1)
    )


def outliers_text(outside: int, months: int) -> str:
    """How many months lie outside their band, and whether that is unusual."""
    if not outside:
        return f"none of {months} months lies outside its 95% band"
    chance = chance_of_outliers(outside, months)
    return (
        f"{outside} of {months} months {_plural(outside, 'lies', 'lie')} outside"
        f" {_plural(outside, 'its', 'their')} 95% band; chance alone gives as many with"
        f" probability {chance:.2f}"
    )


def _presence(con: duckdb.DuckDBPyConnection) -> tuple[Section, Finding]:
    rows = queries.presence_by_cohort(con)
    gaps = gaps_of(rows)
    text = (
        " ".join(
            f"{gap.missing:,} of {gap.loans:,} loans from {month(gap.months[0], True)} to"
            f" {month(gap.months[-1], True)} have no {_words(gap.feature_group)} features."
            for gap in gaps
        )
        or "No month lacks a feature group that others have."
    )
    return (
        Section(
            "presence",
            "Missing features: which are there, and why not",
            text,
            _figure(partial(figures.presence, rows))
            + "<p class=note>A missing group is said per row in &lt;group&gt;_null_reason and never"
            " filled.</p>",
        ),
        Finding("look" if gaps else "good", "Missing features", text, "presence"),
    )


@dataclass(frozen=True)
class Gap:
    """Months of application in which most loans of a feature group have no value."""

    feature_group: str
    months: list[date]
    loans: int
    missing: int


def gaps_of(rows: Sequence[Row]) -> list[Gap]:
    """The gaps in `queries.presence_by_cohort`: months with less than half of the usual share.

    The history of earlier loans is left out: a first loan has none, and that is no fault.
    """
    gaps = []
    for group in dict.fromkeys(row["feature_group"] for row in rows):
        loans: dict[date, int] = defaultdict(int)
        present: dict[date, int] = defaultdict(int)
        for row in rows:
            if row["feature_group"] == group and group != "loan_history":
                loans[row["cohort"]] += row["loans"]
                present[row["cohort"]] += row["loans"] if row["reason"] is None else 0
        shares = {month: present[month] / loans[month] for month in loans}
        usual = median(shares.values()) if shares else 0
        empty = sorted(month for month, share in shares.items() if share < usual / 2)
        if empty:
            total = sum(loans[month] for month in empty)
            missing = total - sum(present[month] for month in empty)
            gaps.append(Gap(group, empty, total, missing))
    return gaps


def _drift(con: duckdb.DuckDBPyConnection) -> tuple[Section, Finding]:
    rows = queries.drift(con)
    months = queries.drifted_by_month(con)
    latest = max((row["application_month"] for row in months), default=None)
    drifted = {
        row["feature_group"]: (row["drifted"], row["features"], row["mostly_unknown"])
        for row in months
        if row["application_month"] == latest and row["drifted"]
    }
    text = (
        "; ".join(
            f"{count:,} of {of:,} {_words(group)} features drifted"
            + (f" ({unknown:,} because most values are missing)" if unknown else "")
            for group, (count, of, unknown) in drifted.items()
        )
        + f" in {month(latest, True)}."
        if drifted
        else f"No feature drifted in {month(latest, True)}, the latest month."
        if latest
        else "There is nothing to compare yet."
    )
    note = (
        "<p class=note>Population stability index against the applications before the validation"
        f" months, ten bins and one for unknown. Below {figures.STEADY_PSI} is steady."
        " A feature has drifted from psi_limit (dbt_project.yml) on, when that is also three times"
        " what equal populations of that size show by chance. Sums over all history grow and means"
        " settle with the months known, so they drift by design. Of the clickstream the strongest"
        " features are shown.</p>"
    )
    return (
        Section("drift", "Drift", text, _figure(partial(figures.drift, rows)) + note),
        Finding("look" if drifted else "good", "Drift", text, "drift"),
    )


def _power(con: duckdb.DuckDBPyConnection) -> tuple[Section, Finding | None]:
    rows = [row for row in queries.catalog(con) if row["strength"] is not None]
    if not rows:
        return Section(
            "power", "Power: what tells defaults apart", "No test label is known yet.", ""
        ), None
    # of one reading's sums and means, the strongest stands for all
    best: dict[tuple[str, str], Row] = {}
    for row in rows:
        own = row["feature"] if row["feature_group"] != "clickstream" else row["source_column"]
        best.setdefault((row["feature_group"], own), row)
    strongest = rows[0]
    table = _table(
        ("group", "from", "best alone", "features", "values unknown", "information value", "AUC"),
        [
            (
                _words(group["feature_group"]),
                group["source"],
                group["best_feature"],
                f"{group['features']:,}",
                f"{group['null_rate']:.1%}",
                ""
                if group["best_information_value"] is None
                else f"{group['best_information_value']:.3f}",
                "" if group["best_strength"] is None else f"{group['best_strength']:.3f}",
            )
            for group in queries.group_summary(con)
        ],
        "features, values unknown, information value, AUC",
    )
    text = (
        f"{strongest['feature']} alone ranks a default above a good loan"
        f" {strongest['strength']:.0%} of the time, on the {strongest['auc_loans']:,} test loans"
        " that have it."
    )
    suspicious = [row for row in rows if row["strength"] > 0.96]
    finding = Finding(
        "bad" if suspicious else "good",
        "Feature power",
        text if not suspicious else f"{suspicious[0]['feature']} is too good to be true.",
        "power",
    )
    return (
        Section(
            "power",
            "Power: what tells defaults apart, out of time",
            text,
            _figure(partial(figures.power, list(best.values())[:SHOWN_FEATURES])) + table,
        ),
        finding,
    )


def _proof(proof: Row | None) -> tuple[Section, Finding]:
    if proof is None:
        text = "The leakage proof has not been run on this datamart yet: python main.py prove."
        return Section("proof", "Leakage proof: no look into the future", text, ""), Finding(
            "look", "Leakage proof", text, "proof"
        )
    differences = proof.get("differences", [])
    months = _count(proof.get("months"))
    columns = _count(proof.get("columns"))
    is_passed = proof.get("outcome") == "passed"
    text = (
        f"Gold of run {proof.get('run_id', 'unknown')} was rebuilt without the future at"
        f" {months:,} {_plural(months, 'month', 'months')}:"
        f" {proof.get('rows_compared', 0):,} rows of {columns:,} columns compared,"
        f" {len(differences):,} {_plural(len(differences), 'difference', 'differences')}."
    )
    finished = str(proof.get("finished_at", "")).replace("T", " ").rstrip("Z")
    body = (
        f"<p class=note>The last proof, finished {escape(finished)} UTC. It is run by hand, after"
        " a run: python main.py prove.</p>"
    )
    if differences:
        body += _table(
            ("difference",), [(json.dumps(item, default=str),) for item in differences[:20]]
        )
    return (
        Section("proof", "Leakage proof: no look into the future", text, body),
        Finding("good" if is_passed else "bad", "Leakage proof", text, "proof"),
    )


def _count(value: Any) -> int:
    """How many: months and columns are given as a number or as a list."""
    return value if isinstance(value, int) else len(value or ())


def _timings(manifests: Sequence[Row], run_id: str) -> tuple[Section, None]:
    published = [
        manifest
        for manifest in manifests
        if manifest.get("outcome") == "published" or manifest["run_id"] == run_id
    ]
    by_id = {row["run_id"]: row for row in queries.timings(published)}
    shown = [by_id[key] for key in sorted(by_id)][-SHOWN_RUNS:]
    failed = [
        manifest
        for manifest in manifests
        if manifest.get("outcome") in ("failed", "interrupted") and manifest["run_id"] != run_id
    ]
    body = _figure(partial(figures.timings, shown)) if shown else ""
    if failed:
        body += "<h3>Runs that failed and changed nothing</h3>" + _table(
            ("run", "why"),
            [(item["run_id"], str(item.get("error", ""))[:200]) for item in failed[-5:]],
        )
    own = by_id.get(run_id)
    text = f"This run took {own['total']:.1f} s up to this report." if own else ""
    return Section("timings", "Time against earlier runs", text, body), None


def _catalog(con: duckdb.DuckDBPyConnection) -> str:
    rows = queries.catalog(con)
    table = _table(
        (
            "feature",
            "group",
            "what it is",
            "type",
            "unknown",
            "mean or top value",
            "sd",
            "worst PSI",
            "IV",
            "AUC",
        ),
        [
            (
                row["feature"],
                _words(row["feature_group"] or ""),
                row["description"] or "",
                row["data_type"],
                f"{row['null_rate']:.1%}",
                row["top_value"] or _number(row["mean"]),
                _number(row["sd"]),
                _number(row["worst_psi"], 3),
                _number(row["information_value"], 3),
                _number(row["auc"], 3),
            )
            for row in rows
        ],
        "unknown, sd, worst PSI, IV, AUC, mean or top value",
    )
    return (
        f"<details><summary>All {len(rows):,} features (gold.feature_catalog)</summary>"
        f"{table}</details>"
    )


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:,.{digits}f}"


# --- the page -----------------------------------------------------------------------------------


class Raw(str):
    """Text that is HTML already."""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], figures: str = "") -> str:
    """A table that scrolls sideways where the page is narrow.

    figures: the heads whose columns hold figures, separated by commas.
    """
    tags = [" class=n" if head and head in figures.split(", ") else "" for head in heads]
    head = "".join(f"<th{tag}>{escape(name)}</th>" for tag, name in zip(tags, heads, strict=True))
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{tag}>{value if isinstance(value, Raw) else escape(value)}</td>"
            for tag, value in zip(tags, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f"<div class=scroll tabindex=0><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )


def _figure(draw: Callable[..., Picture]) -> str:
    """A picture as it is on a desk, and as it is on a phone; the page shows one of them."""
    return (
        f"<figure class=desk>{draw(theme=WEB)}</figure>"
        f"<figure class=phone>{draw(theme=PHONE, width=PHONE_WIDTH)}</figure>"
    )


def _plural(count: int, one: str, many: str) -> str:
    return one if count == 1 else many


def _words(name: str) -> str:
    return name.replace("_", " ")


STATES = {
    "good": ("✓", "good"),
    "look": ("!", "look"),
    "bad": ("✕", "bad"),
}


def _page(
    manifest: Row,
    findings: Sequence[Finding],
    sections: Sequence[Section],
    catalog: str,
    newest: date | None,
) -> str:
    order = ("bad", "look", "good")
    worst = next((state for state in order if any(f.state == state for f in findings)), "good")
    count = sum(finding.state == worst for finding in findings)
    verdict = {
        "good": "This run's data is good.",
        "look": f"The data is whole; {count}\u00a0{_plural(count, 'thing is', 'things are')}"
        " worth a look.",
        "bad": f"{count}\u00a0{_plural(count, 'thing is', 'things are')} wrong.",
    }[worst]
    cards = "".join(
        f'<a class="card {finding.state}" href="#{finding.section}">'
        f"<b><i>{STATES[finding.state][0]}</i> {escape(finding.title)}"
        f"<span class=state>{STATES[finding.state][1]}</span></b>"
        f"<span>{escape(finding.text).replace('_', '_<wbr>')}</span></a>"
        for finding in sorted(findings, key=lambda finding: order.index(finding.state))
    )
    inputs = manifest.get("inputs", {})
    asked = [
        f"{name.replace('_', ' ')} {inputs[name]}"
        for name in ("as_of", "known_at")
        if inputs.get(name)
    ]
    versions = ", ".join(f"{name} {text}" for name, text in manifest.get("versions", {}).items())
    finished = manifest.get("finished_at") or manifest.get("started_at", "")
    finished = finished.replace("T", " ").rstrip("Z")
    body = "".join(
        f"<section id={section.name}><h2>{escape(section.title)}</h2>"
        f"<p class=lead>{escape(section.lead)}</p>{section.body}</section>"
        for section in sections
    )
    nav = "".join(
        f'<a href="#{name}">{escape(title.split(":")[0])}</a>'
        for name, title in [*((s.name, s.title) for s in sections), ("catalog", "Catalogue")]
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Run {escape(manifest["run_id"])} of the loan-default warehouse</title>
<style>{_css()}</style>
</head>
<body>
<header>
<p class=kicker>Loan-default warehouse · run report</p>
<h1>{escape(verdict)}</h1>
<p class=meta>Run {escape(manifest["run_id"])} · {escape(finished)} UTC\
{f" · applications up to {newest.day} {month(newest, True)}" if newest else ""}\
{" · built " + escape(", ".join(asked)) if asked else ""}</p>
<div class=cards>{cards}</div>
<nav>{nav}</nav>
</header>
<main>{body}
<section id=catalog><h2>Feature catalogue</h2>
<p class=lead>What every feature is, how full it is, how it moves and what it tells.</p>
{catalog}</section>
</main>
<footer>{escape(versions)}</footer>
</body>
</html>
"""


def _css() -> str:
    light = "".join(f"--{name}:{value};" for name, value in COLORS.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK_COLORS.items())
    return (
        f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"body{{font:16px/1.5 {SANS}}}{STYLE}"
    )


STYLE = """
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font-variant-numeric:tabular-nums}
header,main,footer{max-width:58rem;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
.kicker{margin:0;color:var(--muted);font-size:.85rem;letter-spacing:.02em}
h1{font-size:clamp(1.6rem,5vw,2.3rem);line-height:1.15;margin:.3rem 0 .4rem;
 letter-spacing:-.015em;font-weight:700;text-wrap:balance}
.meta{color:var(--muted);margin:0 0 1.5rem;font-size:.9rem}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.7rem}
.card{display:block;padding:.75rem .9rem .85rem;background:var(--panel);border-radius:6px;
 color:inherit;text-decoration:none;border-top:3px solid var(--faint);font-size:.9rem;
 line-height:1.4}
.card:hover,.card:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.card b{display:flex;gap:.45rem;align-items:baseline;margin-bottom:.15rem;font-size:.95rem}
.card i{font-style:normal;font-weight:700}
.card .state{margin-left:auto;white-space:nowrap;font-weight:400;font-size:.8rem}
.card.good{border-color:var(--good)}.card.good i,.card.good .state{color:var(--good)}
.card.look{border-color:var(--warn)}.card.look i,.card.look .state{color:var(--warn-ink)}
.card.bad{border-color:var(--bad)}.card.bad i,.card.bad .state{color:var(--bad)}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:1.6rem 0 0;padding:.7rem 0;
 border-block:1px solid var(--line);font-size:.88rem}
nav a{color:var(--accent);text-decoration:none}nav a:hover{text-decoration:underline}
section{padding:2.3rem 0 .4rem;scroll-margin-top:.5rem}
h2{font-size:1.35rem;line-height:1.25;margin:0;letter-spacing:-.01em}
h3{font-size:1rem;margin:1.6rem 0 .5rem}
.lead{margin:.25rem 0 1.1rem;color:var(--muted);max-width:46rem}
.note{color:var(--muted);font-size:.88rem;max-width:46rem}
figure{margin:0 0 .5rem}
.scroll{overflow-x:auto;background:
 linear-gradient(to right,var(--paper) 30%,transparent) 0 0/2.5rem 100% no-repeat local,
 linear-gradient(to left,var(--paper) 30%,transparent) 100% 0/2.5rem 100% no-repeat local,
 linear-gradient(to right,var(--faint),transparent) 0 0/.6rem 100% no-repeat scroll,
 linear-gradient(to left,var(--faint),transparent) 100% 0/.6rem 100% no-repeat scroll}
.scroll:focus-visible{outline:2px solid var(--accent)}
figure svg{display:block;width:100%;height:auto}
.phone{display:none}
@media(max-width:40rem){.desk{display:none}.phone{display:block}}
table{border-collapse:collapse;width:100%;font-size:.88rem;line-height:1.35}
th{text-align:left;font-weight:600;color:var(--muted);font-size:.82rem;
 border-bottom:1px solid var(--faint);white-space:nowrap}
th,td{padding:.38rem 1rem .38rem 0;vertical-align:top}
td{border-bottom:1px solid var(--line)}
.n{text-align:right;white-space:nowrap}
code{font:.85em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--panel);
 padding:.08em .35em;border-radius:3px;overflow-wrap:anywhere}
small,.nowrap{white-space:nowrap}
small{color:var(--muted)}
.bar{display:block;width:7rem;height:.6rem;margin-top:.3rem;border-radius:2px;
 background:linear-gradient(var(--warn) 0 0) 0/calc(var(--w)*100%) 100% no-repeat var(--panel)}
details{border:1px solid var(--line);border-radius:6px;padding:.2rem .9rem}
summary{cursor:pointer;padding:.5rem 0;font-weight:600}
details td:nth-child(3){min-width:18rem}
footer{color:var(--muted);font-size:.82rem;padding-top:2rem;padding-bottom:3rem}
@media print{nav{display:none}figure,tr{break-inside:avoid}.card{border:1px solid var(--line)}}
"""
