"""Builds the deck: `python -m warehouse.deck --datamart-dir datamart --out deck/NAME.pdf`.

Every figure is read from the published datamart, the pictures come from `figures`, and typst sets
the pages. Nothing is fetched; the letters come from a wheel, so the pages are the same everywhere.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import typst

from warehouse import figures, queries
from warehouse.catalog import attach
from warehouse.errors import UserError
from warehouse.paths import DATAMART_DIR, PROJECT_DIR
from warehouse.report import Gap, chance_of_outliers, gaps_of, outliers_text, read_proof
from warehouse.runs import Datamart

Row = dict[str, Any]

DECK_DIR = PROJECT_DIR / "deck"
SOURCE = "loan_default_warehouse.typ"
STYLE = "style.typ"
FONT_PACKAGE = "font_source_sans_pro"
# The lineage shows what these are made of, and below it the models that say what became of rows.
LINEAGE_ENDS = ("training_set", "feature_catalog")
LEDGER_MODELS = {
    "loads": "what came",
    "set_aside_rows": "what silver cannot use, and why",
    "quarantine": "what someone must mend",
    "row_ledger": "all counts, balanced",
}
# Models between the two ends that only count features: the picture is easier to read without.
COUNTING_MODELS = ("feature_bins", "feature_drift", "feature_statistics")
NUMBER_WORDS = {3: "three", 4: "four", 5: "five", 6: "six", 9: "nine", 12: "twelve"}
GRAINS = {
    "features_attributes": "a customer's profile on a date",
    "features_financials": "a customer's finances on a date",
    "feature_clickstream": "twenty counters of a customer's month",
    "lms_loan_daily": "a loan on an instalment date",
}
# The tables of the design slide, and why each is there.
SHOWN_TABLES = {
    "bronze": {
        "features_attributes": "profiles, personal columns included",
        "features_financials": "finances as the bureau sent them",
        "feature_clickstream": "behaviour counters by month",
        "lms_loan_daily": "repayments by instalment date",
        "loads": "what each load brought: file, hash, rows",
    },
    "silver": {
        "customer_attributes": "typed and in range, no name, no SSN",
        "customer_financials": "typed and in range, reasons for nulls",
        "clickstream": "one row a customer and month",
        "loan_repayments": "adds month on book, days past due",
        "quarantine": "rows no rule can use, with raw text",
    },
    "gold": {
        "loan_applications": "the spine: who applied, when",
        "feature_store": "features as of the application",
        "label_store": "closed windows, per definition",
        "training_set": "both, split by date",
        "row_ledger": "one fate for every raw row",
    },
}


def main(arguments: Sequence[str]) -> int:
    """Build the PDF; returns the exit code."""
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
    """Write the deck of a datamart's published run; returns the number of pages.

    Raises:
        UserError: there is no published run, or the pages cannot be set without a warning.
    """
    datamart = Datamart(datamart_dir.absolute())
    run_dir, manifest = datamart.current_run(), datamart.current_manifest()
    if run_dir is None or manifest is None:
        raise UserError(f"{datamart_dir} has no published run: run main.py first")
    with tempfile.TemporaryDirectory(prefix="deck_") as folder, duckdb.connect() as con:
        attach(con, run_dir)
        work_dir = Path(folder)
        for name in (SOURCE, STYLE):
            shutil.copy(DECK_DIR / name, work_dir)
        facts = write_pictures_and_facts(con, datamart, manifest, work_dir)
        (work_dir / "facts.json").write_text(json.dumps(facts, default=str), encoding="utf-8")
        pdf, pages = typeset(work_dir / SOURCE, _moment(manifest))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pdf)
    return pages


def typeset(source: Path, moment: datetime) -> tuple[bytes, int]:
    """The PDF of a typst source, and its number of pages; a warning counts as an error.

    Raises:
        UserError: typst refused or warned, for instance because a page overflows.
    """
    fonts = typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=True, font_paths=[_font_dir()]
    )
    try:
        compiler = typst.Compiler(str(source), root=str(source.parent), font_paths=fonts)
        pdf, warnings = compiler.compile_with_warnings(format="pdf", timestamp=moment)
        pages = compiler.compile(format="svg")
    except typst.TypstError as error:
        raise UserError(f"the deck cannot be set: {error}") from error
    if warnings:
        raise UserError(f"the deck is not clean: {'; '.join(str(one) for one in warnings)}")
    return pdf, len(pages) if isinstance(pages, list) else 1


def _font_dir() -> str:
    package = find_spec(FONT_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise UserError("the deck's font is missing: pip install -r requirements.txt")
    return str(Path(package.submodule_search_locations[0]) / "files")


# --- figures and pictures -----------------------------------------------------------------------


def write_pictures_and_facts(
    con: duckdb.DuckDBPyConnection, datamart: Datamart, manifest: Row, folder: Path
) -> Row:
    """Write the deck's pictures into folder and return its figures, as they are to be read."""
    definition = queries.default_definition(con)
    if definition is None:
        raise UserError("no loan has a label yet: there is nothing to show")
    definitions = queries.label_definitions(con)
    default = next(row for row in definitions if row["label_definition"] == definition)
    cleaning = queries.cleaning(con)
    underscores = queries.stray_underscores(con)
    cohorts = queries.label_rate_by_cohort(con, definition)
    powers = queries.group_power(con)
    money = queries.roll_forward(con)
    timeline = queries.one_timeline(con)
    proof = read_proof(datamart.current_run() or datamart.root)
    lineage = _lineage(datamart)

    def draw(name: str, svg: str) -> None:
        (folder / f"{name}.svg").write_text(svg, encoding="utf-8")

    style = figures.PRINT
    dirt = [*cleaning, *({**row, "reason": "trailing underscore"} for row in underscores)]
    draw("money", figures.money(money, default["months_on_book"], style, 616, 330))
    draw("dirt", figures.dirt(dirt, style, 504, 332))
    draw(
        "lineage",
        figures.lineage(lineage.nodes, lineage.edges, LEDGER_MODELS, style, 868, 332),
    )
    draw(
        "timeline",
        figures.timeline(timeline, style, 606, 326) if timeline else _blank(606, 326),
    )
    draw("cohorts", figures.cohort_rate(cohorts, style, 538, 306, 12))
    draw("groups", figures.group_power(powers, style, 548, 12.5, 31.6))
    draw("proof", figures.rebuild(style, 560, 326))
    return {
        **_money_facts(money, default),
        **_source_facts(con, cleaning, underscores),
        **_cleaning_facts(con, cleaning, underscores),
        **_label_facts(cohorts, definitions, default),
        **_power_facts(con, powers),
        **_time_facts(con, timeline, powers),
        **_proof_facts(proof, manifest),
        **_run_facts(con, datamart, manifest),
        "tables": _tables(con),
        "model_count": lineage.models,
        "source": _sources(manifest, powers, proof),
    }


def _blank(width: float, height: float) -> str:
    return figures.Canvas(width, height, figures.PRINT).svg("Nothing to show")


def _moment(manifest: Row) -> datetime:
    return datetime.strptime(manifest["finished_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f}%"


def _millions(value: float) -> str:
    return f"{value / 1e6:,.1f} million"


def _money_facts(money: Sequence[Row], default: Row) -> Row:
    end = money[-1]
    lent, unpaid = float(end["lent"]), float(end["overdue"])
    return {
        "loans": f"{end['loans']:,}",
        "lent": _millions(lent),
        "unpaid": _millions(unpaid),
        "unpaid_share": _percent(unpaid / lent),
        "unpaid_in_defaults": _percent(
            float(end["overdue_of_defaults"]) / unpaid if unpaid else 0, 0
        ),
        "last_month": end["mob"],
        "label_month": default["months_on_book"],
        "label_month_word": NUMBER_WORDS.get(default["months_on_book"], default["months_on_book"]),
        "default_rate": _percent(default["rate"]),
    }


def _source_facts(
    con: duckdb.DuckDBPyConnection, cleaning: Sequence[Row], underscores: Sequence[Row]
) -> Row:
    balance = {row["source"]: row["in_files"] for row in queries.ledger_balance(con)}
    order = sorted(queries.sources(con), key=lambda row: list(GRAINS).index(row["source"]))
    quarantine = queries.quarantine(con)
    aside = [
        row
        for row in queries.ledger(con)
        if row["fate"] in ("duplicate", "superseded", "quarantined")
    ]
    count = sum(row["row_count"] for row in aside)
    if not aside:
        text = (
            "In this set no row is a duplicate, restated or without a key. The sample data of the"
            " project holds all of these; each has its fate in the ledger."
        )
    else:
        fates = {
            fate: sum(row["row_count"] for row in aside if row["fate"] == fate)
            for fate in ("duplicate", "superseded", "quarantined")
        }
        text = (
            f"{count:,} rows are set aside, each with its fate in the ledger: "
            + ", ".join(f"{number:,} {fate}" for fate, number in fates.items() if number)
            + f" ({len(quarantine)} reasons)."
        )
    return {
        "source_count": NUMBER_WORDS.get(len(order), len(order)).capitalize(),
        "rows_read": f"{sum(balance.values()):,}",
        "dirty_values": f"{sum(row['row_count'] for row in [*cleaning, *underscores]):,}",
        "invalid_ssns": f"{queries.invalid_ssns(con):,}",
        "quarantine_text": text,
        "sources": [
            {
                "name": row["source_file"],
                "grain": GRAINS[row["source"]],
                "rows": f"{row['rows_in_file']:,}",
                "megabytes": f"{row['file_bytes'] / 1e6:,.1f}",
            }
            for row in order
        ],
    }


def _cleaning_facts(
    con: duckdb.DuckDBPyConnection, cleaning: Sequence[Row], underscores: Sequence[Row]
) -> Row:
    def count(reason: str, *columns: str) -> str:
        return f"""{
            sum(
                row["row_count"]
                for row in cleaning
                if row["reason"] == reason and (not columns or row["column"] in columns)
            ):,}"""

    def example(column: str) -> str:
        """The raw number of a column that is furthest from possible."""
        texts = [text for row in cleaning if row["column"] == column for text in row["examples"]]
        numbers = [text.strip("_") for text in texts if text.strip("_-").replace(".", "").isdigit()]
        return max(numbers, key=lambda text: abs(float(text)), default="") if numbers else ""

    fillers = [
        row["examples"][0]
        for row in cleaning
        if row["reason"] == "placeholder" and row["examples"] and len(row["examples"][0]) < 12
    ]
    early = queries.early_payments(con)
    effects = {row["column"]: row for row in queries.cleaning_effects(con)}
    income, rate = effects["annual_income"], effects["interest_rate"]
    repaired = sum(row["row_count"] for row in cleaning if row["reason"] == "repaired")
    return {
        "nulled_values": f"{sum(row['row_count'] for row in cleaning) - repaired:,}",
        "repaired_values": f"{repaired:,}",
        "cleaning_effect": (
            f"What it does: the mean annual income falls from {income['raw_mean']:,.0f} to"
            f" {income['clean_mean']:,.0f}, the mean interest rate from {rate['raw_mean']:,.1f} to"
            f" {rate['clean_mean']:,.1f} per cent. A few impossible values had made both"
            " meaningless."
        ),
        "cleaning_rows": [
            {
                "what": f"Fillers such as {'  '.join(dict.fromkeys(fillers))}",
                "decision": "null, reason placeholder",
                "other": "reading the sentinel as a number: a model would take it for money",
                "values": count("placeholder"),
            },
            {
                "what": f"Impossible numbers: age {example('age')},"
                f" {example('num_bank_accounts')} bank accounts",
                "decision": "null, reason out_of_range",
                "other": "clipping to the edge: it invents a customer at the limit",
                "values": count("out_of_range"),
            },
            {
                "what": "In range, but not beside the salary",
                "decision": "null, reason inconsistent",
                "other": "trusting each column alone: an EMI above the salary is a slip of the key",
                "values": count("inconsistent"),
            },
            {
                "what": "Number of loans impossible, their list readable",
                "decision": "repaired from the list",
                "other": "null: the same row says how many loans there are",
                "values": f"{repaired:,}",
            },
            {
                "what": "Numbers with a stray underscore at the end",
                "decision": "read without it",
                "other": "a plain cast: DuckDB reads 1_000 as 1000, Spark as null",
                "values": f"{sum(row['row_count'] for row in underscores):,}",
            },
            {
                "what": f"Early payments: delays of {early['earliest']} to {early['latest']} days"
                if early["row_count"]
                else "Early payments: negative delays",
                "decision": "kept, it is a fact",
                "other": "nulling every negative number: an early payment is news, not an error",
                "values": f"{early['row_count']:,}",
            },
            {
                "what": "Dates such as 1/5/2023 or 5/1/23",
                "decision": "the format is declared; a file in another one is refused",
                "other": "guessing: day and month change places without any error",
                "values": "refused",
            },
        ],
    }


def _label_facts(cohorts: Sequence[Row], definitions: Sequence[Row], default: Row) -> Row:
    known = [row for row in cohorts if row["labelled"]]
    rate = sum(row["defaults"] for row in known) / sum(row["labelled"] for row in known)
    outside = sum(not row["lower"] <= rate <= row["upper"] for row in known)
    chance = chance_of_outliers(outside, len(known))
    open_loans = default["loans"] - default["labelled"]
    status = (
        f"all {default['loans']:,} windows are closed"
        if not open_loans
        else f"{open_loans:,} of {default['loans']:,} loans have no label yet, and say when or why"
    )
    return {
        "label_words": f"{default['min_days_past_due']} days past due at month"
        f" {default['months_on_book']}",
        "label_title": "no month stands apart" if chance > 0.05 else "but not the same every month",
        "label_so_what": f"{outliers_text(outside, len(known)).capitalize()}. Now {status}."
        " A label is dated at the"
        " end of its window, so a model trained on day D sees only labels dated by D.",
        "definitions": [
            {
                "name": row["label_definition"],
                "labelled": f"{row['labelled']:,}",
                "rate": "" if row["rate"] is None else _percent(row["rate"]),
                "is_default": row is default,
            }
            for row in definitions
        ],
    }


def _power_facts(con: duckdb.DuckDBPyConnection, powers: Sequence[Row]) -> Row:
    auc = {row["name"]: row for row in powers}
    one, every, all_groups = (
        auc[name] for name in ("clickstream, 1 month", "clickstream, all history", "all groups")
    )
    careless = auc["all groups, careless join"]
    return {
        "power_title": f"The honest signal is in the history: one clickstream month ranks loans at"
        f" {one['auc']:.2f}, all months at {every['auc']:.2f}",
        "power_so_what": f"All groups together reach {all_groups['auc']:.3f} on later loans, near"
        f" what this data can honestly give. A join that forgets the date would have shown"
        f" {careless['auc']:.3f}, and lost it on the first day in production.",
        "caught_in_fifth": _percent(all_groups["caught_in_fifth"], 0),
        "groups": [
            {
                "name": row["feature_group"].replace("_", " "),
                "features": f"{row['features']:,}",
                "unknown": _percent(row["null_rate"], 0),
            }
            for row in queries.group_summary(con)
        ],
    }


def _time_facts(con: duckdb.DuckDBPyConnection, timeline: Row | None, powers: Sequence[Row]) -> Row:
    gap = _clickstream_gap(con)
    later = queries.later_clickstream_share(con)
    return {
        "gap_text": (
            f"{gap.missing:,} loans from {figures.month(gap.months[0])} on have no clickstream; a"
            " filled one would look like an average customer."
        )
        if gap
        else "a filled value looks like an average customer.",
        "leak_text": f"{_percent(later, 0)} of the clickstream rows of borrowers are dated after"
        " the application. A join on the customer alone takes them all, looks better in the"
        " notebook, and cannot be repeated in production.",
    }


def _clickstream_gap(con: duckdb.DuckDBPyConnection) -> Gap | None:
    gaps = gaps_of(queries.presence_by_cohort(con))
    return next((gap for gap in gaps if gap.feature_group == "clickstream"), None)


def _proof_facts(proof: Row | None, manifest: Row) -> Row:
    tests = manifest["tests"]["passed"]
    counted = {"value": f"{tests:,}", "what": "dbt tests pass in every run", "is_good": False}
    if proof is None:
        return {
            "proof_title": "Leakage is not argued away but tested: the warehouse is rebuilt without"
            " the future and must not change",
            "proof_so_what": "The proof has not been run on this datamart yet: make prove runs it.",
            "proof_numbers": [counted],
        }
    months, columns = (
        value if isinstance(value, int) else len(value)
        for value in (proof["months"], proof["columns"])
    )
    differences = len(proof["differences"])
    is_passed = proof["outcome"] == "passed"
    return {
        "proof_title": f"Rebuilt at {months} months without the future, gold is the same"
        " to the byte"
        if is_passed
        else f"The proof found {differences:,} values that change when the future is taken away",
        "proof_so_what": "A feature that used one later row, anywhere in its SQL, would differ in"
        " one of these builds. What gold says of a loan does not move when the future does."
        if is_passed
        else "Gold must not be used for training until these differences are explained.",
        "proof_numbers": [
            {
                "value": f"{months:,} months",
                "what": f"as T: {proof.get('builds', 2 * months + 1):,} builds of gold in all",
                "is_good": False,
            },
            {
                "value": f"{_millions(proof['rows_compared'])} rows",
                "what": f"of {columns:,} columns compared",
                "is_good": False,
            },
            {"value": f"{differences:,} differences", "what": "", "is_good": is_passed},
        ],
    }


def _run_facts(con: duckdb.DuckDBPyConnection, datamart: Datamart, manifest: Row) -> Row:
    moment = _moment(manifest)
    seconds = manifest["seconds"]
    words = {"inspect": "inspect", "land": "land", "build": "build and test", "publish": "publish"}
    gap = _clickstream_gap(con)
    limits = []
    if gap:
        limits.append(
            (
                f"No clickstream from {figures.month(gap.months[0])} on.",
                f"{gap.missing:,} loans must be scored without it; a model has to"
                " be"
                " told, not fooled.",
            )
        )
    history = con.execute(
        "select count(*) filter (where loan_history_null_reason is null) from gold.feature_store"
    ).fetchone()[0]
    if not history:
        limits.append(
            (
                "One loan a customer.",
                "The history of earlier loans is built and tested, but this"
                " set has no repeat borrower to show what it is worth.",
            )
        )
    limits += [
        (
            "Counters without names.",
            "The clickstream's are anonymous: their use can be measured, not explained to a"
            " customer.",
        ),
        (
            "One machine.",
            "DuckDB and local Spark carry millions of rows. The landing can move to a Spark"
            " cluster; the models cannot yet.",
        ),
    ]
    return {
        "date": {
            "year": moment.year,
            "month": moment.month,
            "day": moment.day,
            "text": f"{moment.day} {moment:%B %Y}",
        },
        "run_seconds": f"{sum(seconds.values()):.0f} seconds",
        "run_steps": ", ".join(
            f"{words[name]} {seconds[name]:.0f} s" for name in words if seconds.get(name, 0) >= 0.5
        ),
        "limits": limits,
        "next_steps": [
            (
                "Ask for the missing months.",
                f"The clickstream ends with the customers before {figures.month(gap.months[0])}:"
                " the owner of the source can say why.",
            )
            if gap
            else ("Score on a schedule.", "Compare each month's scores with the month's labels."),
            (
                "Bring repeat borrowers.",
                "Another year or another bank would show what earlier loans say of the next one.",
            ),
            (
                "Decide with costs.",
                "Price a declined good loan against a defaulted one and set the"
                " cut-off by money, not by AUC.",
            ),
            ("Watch fairness.", "Age is a feature: check approval rates by age before use."),
        ],
        "last_so_what": f"{manifest['tests']['passed']:,} tests guard every run."
        " What to do first: find out where the clickstream of the newest loans went, because most"
        " of the signal is in it."
        if gap
        else f"{manifest['tests']['passed']:,} tests guard every run.",
    }


def _tables(con: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    sizes = {(row["layer"], row["table_name"]): row["rows"] for row in queries.table_sizes(con)}
    return {
        layer: [
            {"name": name, "rows": f"{sizes[layer, name]:,}", "why": why}
            for name, why in tables.items()
            if (layer, name) in sizes
        ]
        for layer, tables in SHOWN_TABLES.items()
    }


@dataclass(frozen=True)
class Lineage:
    """The models of the picture, and how many lie between the files and the training set."""

    nodes: list[tuple[str, str]]  # layer, name
    edges: list[tuple[str, str]]  # from name, to name
    models: int


def _lineage(datamart: Datamart) -> Lineage:
    """From dbt's own manifest of the run."""
    manifest = json.loads((datamart.root / "dbt_target" / "manifest.json").read_text())
    found = {
        key: node
        for key, node in {**manifest["nodes"], **manifest["sources"]}.items()
        if node["resource_type"] in ("model", "source")
    }
    key_of = {node["name"]: key for key, node in found.items()}
    parents = {
        key: [parent for parent in manifest["parent_map"].get(key, []) if parent in found]
        for key in found
    }

    def ancestors(names: Sequence[str]) -> set[str]:
        seen: set[str] = set()
        waiting = [key_of[name] for name in names if name in key_of]
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                waiting += parents[key]
        return seen

    hidden = {key_of[name] for name in COUNTING_MODELS if name in key_of}

    def shown_parents(key: str) -> set[str]:
        own = set(parents[key])
        for parent in own & hidden:
            own = (own - {parent}) | shown_parents(parent)
        return own - {key_of[end] for end in LINEAGE_ENDS if end in key_of}

    store = key_of.get("feature_store")  # its groups have the spine already: no second line
    shown = ancestors(LINEAGE_ENDS) - hidden
    shown |= {key_of[name] for name in LEDGER_MODELS if name in key_of}
    return Lineage(
        nodes=sorted((found[key]["schema"], found[key]["name"]) for key in shown),
        edges=sorted(
            (found[parent]["name"], found[key]["name"])
            for key in shown
            for parent in shown_parents(key) & shown
            if not (found[parent]["name"] == "loan_applications" and key == store)
        ),
        models=sum(key.startswith("model.") for key in ancestors(LINEAGE_ENDS[:1])),
    )


def _sources(manifest: Row, powers: Sequence[Row], proof: Row | None) -> Row:
    """What each slide's figures were read from."""
    run = f"run {manifest['run_id']}"
    first, last = powers[0]["first_test"], powers[0]["last_test"]
    proven = f", finished {proof['finished_at'][:10]}" if proof else ""
    return {
        "money": f"silver.loan_repayments and gold.label_store, loans with a known label; the files"
        f" name no currency; model: slide 8; {run}",
        "dirt": f"bronze.loads, cleaning_actions of the silver tables, raw text of bronze; {run}",
        "tables": f"rows of the published datamart, {run}",
        "lineage": f"dbt manifest of {run}; models that only count features are left out",
        "cleaning": f"cleaning_actions of the silver tables against the raw text of bronze; {run}",
        "timeline": f"one defaulted loan of gold.label_store with its rows of silver; {run}",
        "labels": f"gold.label_maturity and gold.label_store, Wilson interval; {run}",
        "power": f"gold.training_set: logistic models trained on {powers[0]['train_loans']:,}"
        f" loans with a label known by then, tested on {powers[0]['test_loans']:,}"
        f" with a clickstream ({first:%b %Y} to {last:%b %Y}), 95% bootstrap interval; {run}",
        "proof": f"proof.json of the datamart{proven}; {run}",
        "operations": f"manifest of {run}, {os.cpu_count()} cores",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
