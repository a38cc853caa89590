"""Builds the deck: `python -m warehouse.reporting.deck --datamart-dir datamart --out deck/NAME.pdf`.

Every figure is read from the published datamart, the pictures come from `figures`, and typst sets
the pages. Nothing is fetched; the letters come from a wheel, so the pages are the same everywhere.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import typst

from warehouse.base.catalog import attach
from warehouse.base.errors import UserError
from warehouse.base.paths import DATAMART_DIR, PROJECT_DIR
from warehouse.datamart.runs import Datamart
from warehouse.transform.compiled import CompiledProject
from warehouse.reporting import figures, queries
from warehouse.reporting.drawing import COLORS, PRINT, Canvas
from warehouse.reporting.report import Gap, chance_of_outliers, gaps_of, outliers_text, read_proof

Row = dict[str, Any]

DECK_DIR = PROJECT_DIR / "deck"
SOURCE = "loan_default_warehouse.typ"
STYLE = "style.typ"
PALETTE = "palette.json"
FONT_PACKAGE = "font_source_sans_pro"
# The lineage shows what these are made of, and below it the models that say what became of rows.
LINEAGE_ENDS = ("training_set", "feature_catalog")
LEDGER_MODELS = {
    "loads": "what came",
    "set_aside_rows": "not used, and why",
    "quarantine": "to be mended",
    "row_ledger": "all counts, balanced",
}
# Models between the two ends that only count features: the picture is easier to read without.
COUNTING_MODELS = ("feature_deciles", "feature_bins", "feature_drift", "feature_aucs")
UNDERSCORE = "trailing_underscore"
NUMBER_WORDS = {3: "three", 4: "four", 5: "five", 6: "six", 9: "nine", 12: "twelve"}
GRAINS = {
    "features_attributes": "a customer's profile on a date",
    "features_financials": "a customer's finances on a date",
    "feature_clickstream": "twenty counters of a customer's month",
    "lms_loan_daily": "a loan on an instalment date",
}
# The tables of the design slide, each with the reason for its layer.
SHOWN_TABLES = {
    "bronze": {
        "features_attributes": "with Name and SSN: they go no further",
        "features_financials": "fillers and slips too: a rule may change",
        "feature_clickstream": "past and future months alike, as sent",
        "lms_loan_daily": "as restated, each version kept",
        "loads": "file, hash and rows of all that ever came",
    },
    "silver": {
        "customer_attributes": "true of a customer, whatever the loan",
        "customer_financials": "the same, with a reason beside each null",
        "clickstream": "a customer's month, no loan in it yet",
        "loan_repayments": "days past due come before any label",
        "quarantine": "no later layer should meet these rows",
    },
    "gold": {
        "loan_applications": "the spine: which loan, decided when",
        "feature_store": "joined on that day: it needs the spine",
        "label_store": "windows that open on that day, once closed",
        "training_set": "features and labels meet only here",
        "row_ledger": "counts of all layers: it comes last",
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
        shutil.copy(DECK_DIR / SOURCE, work_dir)
        copy_style(work_dir)
        facts = write_pictures_and_facts(con, datamart, manifest, work_dir)
        (work_dir / "facts.json").write_text(json.dumps(facts, default=str), encoding="utf-8")
        pdf, pages = typeset(work_dir / SOURCE, _moment(manifest))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(pdf)
    return pages


def copy_style(folder: Path) -> None:
    """Bring the slides' style, and the colours of the pictures for it, into a folder."""
    shutil.copy(DECK_DIR / STYLE, folder)
    (folder / PALETTE).write_text(json.dumps(COLORS), encoding="utf-8")


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
    if not powers:
        raise UserError("too few loans have a label for a test on later ones: nothing to show")
    money = queries.roll_forward(con)
    timeline = queries.one_timeline(con)
    gap = _clickstream_gap(con)
    proof = read_proof(datamart.current_run() or datamart.root)
    lineage = _lineage(CompiledProject.load(datamart.current))
    style = PRINT
    nothing = Canvas(606, 326, style).picture("No loan has months before and after its application")
    for name, picture in {
        "money": figures.money(money, default["months_on_book"], style, 616, 330),
        "dirt": figures.dirt([*cleaning, *underscores], style, 504, 310),
        "lineage": figures.lineage(lineage.nodes, lineage.edges, LEDGER_MODELS, style, 868, 328),
        "timeline": figures.timeline(timeline, style, 606, 326) if timeline else nothing,
        "cohorts": figures.cohort_rate(cohorts, style, 538, 306, 12),
        "groups": figures.group_power(powers, style, 548, 12.5, 28.4),
        "proof": figures.rebuild(style, 578, 330),
    }.items():
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
    return {
        **_money_facts(money, default, powers),
        **_source_facts(con, cleaning, underscores, gap),
        **_cleaning_facts(con, cleaning, underscores),
        **_label_facts(con, cohorts, definitions, default),
        **_power_facts(con, powers),
        **_time_facts(con, gap),
        **_proof_facts(proof, manifest),
        **_run_facts(con, manifest, gap),
        "tables": _tables(con),
        "model_count": lineage.models,
        "source": _sources(manifest, powers, proof),
    }


def _moment(manifest: Row) -> datetime:
    return datetime.strptime(manifest["finished_at"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _percent(share: float, digits: int = 1) -> str:
    return f"{share * 100:.{digits}f}%"


def _millions(value: float) -> str:
    return f"{value / 1e6:,.1f}".removesuffix(".0") + " million"


def _money_facts(money: Sequence[Row], default: Row, powers: Sequence[Row]) -> Row:
    end = money[-1]
    model = next(row for row in powers if row["name"] == "all groups")
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
        "caught_in_fifth": _percent(model["caught_in_fifth"], 0),
        "rate_in_fifth": _percent(model["rate_in_fifth"], 0),
    }


def _source_facts(
    con: duckdb.DuckDBPyConnection,
    cleaning: Sequence[Row],
    underscores: Sequence[Row],
    gap: Gap | None,
) -> Row:
    balance = {row["source"]: row["in_files"] for row in queries.ledger_balance(con)}
    order = sorted(queries.sources(con), key=lambda row: list(GRAINS).index(row["source"]))
    reasons = {row["reason"].replace("_", " ") for row in queries.quarantine(con)}
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
            + (f" for {len(reasons)} reasons." if reasons else ".")
        )
    return {
        "source_count": NUMBER_WORDS.get(len(order), len(order)).capitalize(),
        "rows_read": f"{sum(balance.values()):,}",
        "dirty_values": f"{sum(row['row_count'] for row in [*cleaning, *underscores]):,}",
        "invalid_ssns": f"{queries.invalid_ssns(con):,}",
        "quarantine_text": text,
        "gap": {
            "head": f"{gap.missing:,} of {gap.loans:,} loans have no clickstream"
            if gap.missing < gap.loans
            else f"{gap.missing:,} loans have no clickstream at all:",
            "text": ("of those" if gap.missing < gap.loans else "all that were")
            + f" applied for from {figures.month(gap.months[0], True)} to"
            f" {figures.month(gap.months[-1], True)}. No rule can mend that.",
        }
        if gap
        else None,
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
    by_reason: dict[str, int] = defaultdict(int)
    for row in [*cleaning, *underscores]:
        by_reason[row["reason"]] += row["row_count"]
    of_column = {(row["column"], row["reason"]): row for row in [*cleaning, *underscores]}

    def examples(column: str, reason: str) -> list[str]:
        return of_column.get((column, reason), {"examples": []})["examples"]

    def largest(column: str) -> str:
        numbers = [text.strip("_") for text in examples(column, "out_of_range")]
        return max(numbers, key=lambda text: abs(float(text)), default="none")

    fillers = [
        row["examples"][0]
        for row in cleaning
        if row["reason"] == "placeholder" and row["examples"] and len(row["examples"][0]) < 12
    ]
    early = queries.early_payments(con)
    dates = queries.ambiguous_dates(con)
    beside = queries.contradiction(con)
    effects = {row["column"]: row for row in queries.cleaning_effects(con)}
    income, rate, invested = (
        effects[name] for name in ("annual_income", "interest_rate", "amount_invested_monthly")
    )
    stray = [text for column in ("age", "num_of_loan") for text in examples(column, UNDERSCORE)]
    unreadable = sum(row["unreadable"] for row in underscores)
    day = dates["example"]
    nulled = sum(by_reason.values()) - by_reason["repaired"] - by_reason[UNDERSCORE]
    return {
        "nulled_values": f"{nulled:,}",
        "repaired_values": f"{by_reason['repaired']:,}",
        "cleaning_effect": (
            f"What it does: the mean annual income falls from {income['raw_mean']:,.0f} to"
            f" {income['clean_mean']:,.0f}, the mean interest rate from {rate['raw_mean']:,.1f} to"
            f" {rate['clean_mean']:,.1f} per cent. A few impossible values had made both"
            " meaningless."
        ),
        "cleaning_rows": [
            {"what": what, "decision": decision, "other": other, "values": f"{values:,}"}
            for what, decision, other, values in (
                (
                    f"Fillers such as {'  '.join(dict.fromkeys(fillers))}",
                    "null, reason placeholder",
                    "reading a sentinel as a number: the mean monthly investment would be"
                    f" {invested['raw_mean']:,.0f}, not {invested['clean_mean']:,.0f}",
                    by_reason["placeholder"],
                ),
                (
                    f"Impossible numbers: age {largest('age')},"
                    f" {largest('num_bank_accounts')} bank accounts",
                    "null, reason out_of_range",
                    "clipping to the edge: it invents a customer at the limit",
                    by_reason["out_of_range"],
                ),
                (
                    f"Impossible beside its row: {_column_words(beside['column'])}"
                    f" {float(beside['value'].strip('_')):,.0f}, salary"
                    f" {float(beside['salary'].strip('_')):,.0f}"
                    if beside
                    else "Impossible beside its row",
                    "null, reason inconsistent",
                    "trusting each column alone: one slip of the key and the ratios are wrong",
                    by_reason["inconsistent"],
                ),
                (
                    "A number of loans such as "
                    + ", ".join(examples("num_of_loan", "repaired")[:2])
                    + " beside a list of loans",
                    "repaired from the list",
                    "null: the same row says how many loans there are",
                    by_reason["repaired"],
                ),
                (
                    f"A stray underscore behind a number: {', '.join(stray[:3])}",
                    "read without it",
                    f"a plain cast: {unreadable:,} values would be null for a slip of the key",
                    by_reason[UNDERSCORE],
                ),
                (
                    f"Early payments: delays of {early['earliest']} to {early['latest']} days",
                    "kept: it is a fact",
                    "nulling every negative number: an early payment is news, not an error",
                    early["row_count"],
                ),
                (
                    f"Dates: {day} may come as {day.day}/{day.month}/{day.year} or"
                    f" {day.month}/{day.day}/{day:%y}"
                    if day
                    else "",
                    "format declared; a file in another is refused",
                    "guessing: so many dates are another valid date with day and month swapped",
                    dates["ambiguous"],
                ),
            )
            if values
        ],
    }


def _column_words(column: str) -> str:
    return {"total_emi_per_month": "instalments of", "annual_income": "an income of"}[column]


def _label_facts(
    con: duckdb.DuckDBPyConnection,
    cohorts: Sequence[Row],
    definitions: Sequence[Row],
    default: Row,
) -> Row:
    missed = queries.one_missed_instalment(con)
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
        "label_title": "the months differ no more than chance allows"
        if chance > 0.05
        else "the months differ more than chance allows",
        "missed_text": f"one missed instalment is {missed['fewest']} to {missed['most']} days past"
        f" due, and in {missed['below_30']:,} rows not yet 30."
        if missed["row_count"]
        else "one missed instalment may be fewer than 30 days past due.",
        "label_so_what": f"{outliers_text(outside, len(known)).capitalize()}. Now {status}."
        " A label is dated at the"
        " end of its window, so a model trained on day D sees only labels known by D.",
        "cut_off": _cut_off(definitions, default),
        "definitions": [
            {
                "name": row["label_definition"],
                "labelled": f"{row['labelled']:,}",
                "rate": "" if row["rate"] is None else _percent(row["rate"]),
                "otherwise": "" if row is default else f"{row['judged_otherwise']:,}",
                "is_default": row is default,
            }
            for row in definitions
        ],
    }


def _cut_off(definitions: Sequence[Row], default: Row) -> Row:
    """How much hangs on the definition."""
    others = [row for row in definitions if row is not default]
    most = max((row["judged_otherwise"] for row in others), default=0)
    final = [
        row
        for row in others
        if not row["judged_otherwise"] and row["months_on_book"] > default["months_on_book"]
    ]
    return {
        "head": f"The cut-off decides {_percent(most / default['loans'])} of the labels",
        "text": f"{'At most ' if len(others) > 1 else ''}{most:,} loans are judged otherwise."
        + (
            f" Nobody in default at month {default['months_on_book']} has recovered at month"
            f" {final[-1]['months_on_book']}: tidier than a bank's books."
            if final
            else ""
        ),
    }


def _power_facts(con: duckdb.DuckDBPyConnection, powers: Sequence[Row]) -> Row:
    auc = {row["name"]: row for row in powers}
    one, every, all_groups, careless = (
        auc[name]
        for name in (
            "clickstream, 1 month",
            "clickstream, all history",
            "all groups",
            "all groups, careless join",
        )
    )
    without = auc.get("without a clickstream")
    missing: dict[str, int] = defaultdict(int)
    loans: dict[str, int] = defaultdict(int)
    for row in queries.presence_by_cohort(con):
        loans[row["feature_group"]] += row["loans"]
        missing[row["feature_group"]] += row["loans"] if row["reason"] else 0
    return {
        "power_title": f"The honest signal is in the history: one clickstream month ranks loans at"
        f" {one['auc']:.2f}, all months at {every['auc']:.2f}",
        "power_so_what": f"All groups together reach {all_groups['auc']:.3f} on later loans"
        + (f", {without['auc']:.3f} on those without a clickstream" if without else "")
        + f". A join that forgets the date shows {careless['auc']:.3f} and keeps"
        f" {careless['kept']:.3f} in use"
        + (": the difference was the future." if careless["auc"] > careless["kept"] else "."),
        "short_histories": f"{queries.short_histories(con):,}",
        "groups": [
            {
                "name": row["feature_group"].replace("_", " "),
                "features": f"{row['features']:,}",
                "without": _percent(missing[name] / loans[name], 0),
                "best": "–" if missing[name] == loans[name] else f"{row['best_strength']:.2f}",
            }
            for row in queries.group_summary(con)
            for name in (row["feature_group"],)
        ],
    }


def _time_facts(con: duckdb.DuckDBPyConnection, gap: Gap | None) -> Row:
    return {
        "gap_text": (
            f"{gap.missing:,} loans from {figures.month(gap.months[0], True)} on have no"
            " clickstream; a filled one would look like an average customer."
        )
        if gap
        else "a filled value looks like an average customer.",
        "leak_text": f"{_percent(queries.later_clickstream_share(con), 0)} of the clickstream rows"
        " of borrowers are dated after the application. A join on the customer alone takes them"
        " all: it looks better in the notebook, and cannot be repeated in production.",
    }


def _clickstream_gap(con: duckdb.DuckDBPyConnection) -> Gap | None:
    gaps = gaps_of(queries.presence_by_cohort(con))
    return next((gap for gap in gaps if gap.feature_group == "clickstream"), None)


def _proof_facts(proof: Row | None, manifest: Row) -> Row:
    tests = manifest["tests"]["passed"]
    counted = {"value": f"{tests:,}", "what": "dbt tests passed in this run", "is_good": False}
    if proof is None:
        return {
            "proof_title": "Leakage is not argued away but tested: the warehouse is rebuilt without"
            " the future and must not change",
            "proof_so_what": "The proof has not been run on this datamart yet: make prove runs it.",
            "proof_numbers": [counted],
            "proof_words": "can prove",
        }
    months, columns = (
        value if isinstance(value, int) else len(value)
        for value in (proof["months"], proof["columns"])
    )
    differences = len(proof["differences"])
    is_passed = proof["outcome"] == "passed"
    return {
        "proof_words": "proves" if is_passed else "does not yet prove",
        "proof_title": f"Rebuilt at {months} months without the future, gold is the same"
        " to the byte"
        if is_passed
        else f"The proof found {differences:,} values that change when the future is taken away",
        "proof_so_what": "A feature whose SQL reads a later row changes when those rows are gone or"
        " turn to nonsense. What gold says of a loan does not move when the future does."
        if is_passed
        else "Gold must not be used for training until these differences are explained.",
        "proof_numbers": [
            {
                "value": f"{months:,} months",
                "what": f"as T: {proof.get('builds', 2 * months + 1):,} builds of gold in all,"
                f" {proof['seconds']:,.0f} seconds",
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


def _run_facts(con: duckdb.DuckDBPyConnection, manifest: Row, gap: Gap | None) -> Row:
    moment = _moment(manifest)
    seconds = manifest["seconds"]
    words = {"inspect": "inspect", "land": "land", "build": "build and test", "publish": "publish"}
    minors = queries.minors(con)
    repeat = con.execute(
        "select count(*) from gold.feature_store where loan_history_null_reason is null"
    ).fetchone()[0]
    since = figures.month(gap.months[0], True) if gap else ""
    limits = [
        (f"No clickstream from {since} on.", f"{gap.missing:,} loans are scored without it.")
        if gap
        else (),
        (
            f"{minors:,} applicants are under 18",
            "by the files. They are kept as given: nobody here can say which age is wrong.",
        )
        if minors
        else (),
        (
            "One loan a customer.",
            "The history of earlier loans is built and tested, but nobody here borrows twice.",
        )
        if not repeat
        else (),
        (
            "Counters without names.",
            "The clickstream can be measured, not explained to a customer.",
        ),
        (
            "One machine.",
            "DuckDB and local Spark carry millions of rows. Landing and models run on a Spark"
            " cluster too, proven on a small one only.",
        ),
    ]
    next_steps = [
        (
            "Ask for the missing months.",
            f"The owner of the clickstream can say where the customers of {since} on are.",
        )
        if gap
        else ("Score on a schedule.", "Compare each month's scores with the month's labels."),
        (
            "Ask about the ages.",
            "A loan to a minor is a legal matter or a data error: the owner of the profiles knows.",
        )
        if minors
        else (),
        (
            "Bring repeat borrowers.",
            "Another year or another bank would show what earlier loans say of the next one.",
        )
        if not repeat
        else (),
        (
            "Decide with costs.",
            "Price a declined good loan against a defaulted one and set the cut-off by money, not"
            " by AUC.",
        ),
        ("Watch fairness.", "Age is a feature: check approval rates by age before use."),
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
        "limits": [limit for limit in limits if limit],
        "next_steps": [step for step in next_steps if step],
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


def _lineage(built_from: Queries) -> Lineage:
    """From the queries that the run keeps."""
    parents = {model.relation: model.depends_on for model in built_from.models}
    for relation in {parent for found in parents.values() for parent in found}:
        parents.setdefault(relation, ())  # a source
    key_of = {_names(relation)[1]: relation for relation in parents}

    hidden = {key_of[name] for name in COUNTING_MODELS if name in key_of}

    def shown_parents(key: str) -> set[str]:
        own = set(parents[key])
        for parent in own & hidden:
            own = (own - {parent}) | shown_parents(parent)
        return own - {key_of[end] for end in LINEAGE_ENDS if end in key_of}

    store = key_of.get("feature_store")  # its groups have the spine already: no second line
    shown = built_from.ancestors(LINEAGE_ENDS) - hidden
    shown |= {key_of[name] for name in LEDGER_MODELS if name in key_of}
    models = {model.relation for model in built_from.models}
    return Lineage(
        nodes=sorted(_names(key) for key in shown),
        edges=sorted(
            (_names(parent)[1], _names(key)[1])
            for key in shown
            for parent in shown_parents(key) & shown
            if not (_names(parent)[1] == "loan_applications" and key == store)
        ),
        models=len(models & built_from.ancestors(LINEAGE_ENDS[:1])),
    )


def _names(relation: str) -> tuple[str, str]:
    """The schema and the name in "schema"."name"."""
    schema, name = relation.strip('"').split('"."')
    return schema, name


def _sources(manifest: Row, powers: Sequence[Row], proof: Row | None) -> Row:
    """What each slide's figures were read from."""
    run = f"run {manifest['run_id']}"
    test = next(row for row in powers if row["name"] == "all groups")
    proven = f" of run {proof['run_id']}, finished {proof['finished_at'][:10]}" if proof else ""
    return {
        "money": f"silver.loan_repayments and gold.label_store, loans with a known label; the files"
        f" name no currency; model: slide 8; {run}",
        "dirt": f"bronze.loads, cleaning_actions of the silver tables, raw text of bronze; {run}",
        "tables": f"rows of the published datamart, {run}",
        "lineage": f"compiled.json of {run}; models that only count features are left out",
        "cleaning": f"cleaning_actions of the silver tables against the raw text of bronze; {run}",
        "timeline": f"one defaulted loan of gold.label_store with its rows of silver; {run}",
        "labels": f"gold.label_maturity and gold.label_store, Wilson interval; {run}",
        "power": f"gold.training_set: logistic models trained on {test['train_loans']:,} loans with"
        f" a label known by then, tested on {test['test_loans']:,} with a clickstream"
        f" ({test['first_test']:%b %Y} to {test['last_test']:%b %Y}), 95% bootstrap band; {run}",
        "proof": f"proof.json{proven}; published: {run}",
        "operations": f"manifest of {run}",
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
