"""Charts of rows and runs: set aside, cleaned; seconds by step."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import Rows, bold, chart_of, names, records, scale, tips, words
from warehouse.reporting.theme import COLORS, styled

FATE_COLORS = {"duplicate": "faint", "superseded": "accent", "outside_scope": "muted"}
REASON_COLORS = {
    "placeholder": "warn",
    "out_of_range": "bad",
    "inconsistent": "violet",
    "trailing_underscore": "faint",
    "repaired": "good",
}
STEP_COLORS = ("accent", "bronze", "silver", "gold", "violet", "teal", "muted")


def set_aside_rows(rows: Rows) -> Any:
    """Draw rows that silver does not use by source and reason; rows of gold.ledger_summary."""
    found = [row for row in records(rows) if row["layer"] == "silver" and row["fate"] != "used"]
    for row in found:
        is_reason = row["fate"] == "quarantined" and row["reason"]
        row["why"] = words(row["reason"] if is_reason else row["fate"])
        row["kind"] = words(row["fate"])
    kinds = sorted({row["fate"] for row in found})
    colors = {words(name): COLORS[FATE_COLORS.get(name, "bad")] for name in kinds}
    chart = (
        chart_of(found, "Rows set aside by source and reason")
        .mark_bar()
        .encode(
            y=names("source"),
            yOffset=alt.YOffset("why:N"),
            x=alt.X("row_count:Q", axis=alt.Axis(title="rows", format=",d", tickCount=5)),
            color=alt.Color("kind:N", scale=scale(colors)),
            tooltip=tips(source="", why="", row_count=",|rows"),
        )
    )
    return styled(chart, height=alt.Step(11, **{"for": "offset"}))


def cleaned_values(rows: Rows, count: int = 16) -> Any:
    """Draw cleaned values by column, and what they look like; rows of gold.cleaning_summary."""
    found = records(rows)
    totals: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for row in found:
        totals[row["cleaned_column"]] += row["row_count"]
        examples.setdefault(row["cleaned_column"], []).extend(row["examples"])
        is_same = row["reason"] == row["effect"]
        row["what"] = words(row["reason"]) + ("" if is_same else f": {row['effect']}")
    kinds = {row["reason"]: row["what"] for row in found}
    order = sorted(kinds, key=lambda reason: [*REASON_COLORS, reason].index(reason))
    colors = {kinds[reason]: COLORS[REASON_COLORS.get(reason, "rust")] for reason in order}
    columns = [name for name, _ in totals.most_common(count)]
    labels = [
        {
            "cleaned_column": name,
            "row_count": totals[name],
            "value": f"{totals[name]:,}",
            "examples": "  ".join(text[:14] for text in dict.fromkeys(examples[name][:3])),
        }
        for name in columns
    ]
    top = totals[columns[0]] if columns else 1
    base = chart_of([row for row in found if row["cleaned_column"] in columns]).encode(
        y=names("cleaned_column", sort=columns),
        x=alt.X("row_count:Q", scale=alt.Scale(domain=[0, top * 1.45], nice=False), axis=None),
    )
    what = alt.Color("what:N", scale=scale(colors), legend=alt.Legend(columns=2))
    texts = chart_of(labels).encode(y=names("cleaned_column", sort=columns), x="row_count:Q")
    raw = texts.mark_text(align="left", dx=52, color=COLORS["muted"], font="monospace")
    layers = [
        base.mark_bar(height={"band": 0.6}).encode(color=what),
        bold(texts, "value:N"),
        raw.encode(text="examples:N"),
    ]
    return styled(alt.layer(*layers, description="Cleaned values by column"), height=alt.Step(18))


def run_times(manifests: Sequence[Mapping[str, Any]], count: int = 12) -> Any:
    """Draw seconds by step of published runs, the newest at the bottom."""
    shown = sorted((m for m in manifests if m.get("seconds")), key=lambda m: m["run_id"])[-count:]
    steps = list(dict.fromkeys(step for manifest in shown for step in manifest["seconds"]))
    colors = {step: COLORS[STEP_COLORS[place % 7]] for place, step in enumerate(steps)}
    found = [
        {"run": m["run_id"], "step": step, "seconds": seconds, "place": steps.index(step)}
        for m in shown
        for step, seconds in m["seconds"].items()
    ]
    totals = [{"run": m["run_id"], "seconds": sum(m["seconds"].values())} for m in shown]
    top = max((row["seconds"] for row in totals), default=1)
    bars = chart_of(found).encode(
        y=names("run"),
        x=alt.X("seconds:Q", scale=alt.Scale(domain=[0, top * 1.2]), axis=None),
        color=alt.Color("step:N", scale=scale(colors)),
        order="place:O",
        tooltip=tips(run="", step="", seconds=".1f"),
    )
    texts = chart_of(totals).encode(y=names("run"), x="seconds:Q")
    texts = texts.transform_calculate(text="format(datum.seconds, ',.1f') + ' s'")
    chart = alt.layer(
        bars.mark_bar(), bold(texts, "text:N"), description="Seconds by step of the latest runs"
    )
    return styled(chart, height=24 * len(shown))
