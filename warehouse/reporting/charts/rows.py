"""Charts of rows and runs: set aside, cleaned, split; seconds by step."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from warehouse.reporting.charts.base import (
    Rows,
    data,
    month_bands,
    month_tip,
    records,
    scale,
    words,
)
from warehouse.reporting.theme import COLORS, styled

EFFECT_TEXTS = {
    "placeholder": ("filler: unknown", "warn"),
    "out_of_range": ("impossible: unknown", "bad"),
    "inconsistent": ("contradicts its row: unknown", "violet"),
    "trailing_underscore": ("stray underscore: read without it", "faint"),
    "repaired": ("repaired from another column", "good"),
}
SPLIT_COLORS = {"train": "accent", "validation": "teal", "embargo": "faint", "test": "gold"}
STEP_COLORS = ("accent", "bronze", "silver", "gold", "violet", "teal", "muted")


def set_aside_rows(rows: Rows) -> Any:
    """Draw rows that silver does not use by source and reason; rows of gold.ledger_summary."""
    found = [row for row in records(rows) if row["layer"] == "silver" and row["fate"] != "used"]
    colors = {"duplicate": "faint", "superseded": "accent", "outside_scope": "muted"}
    for row in found:
        is_reason = row["fate"] == "quarantined" and row["reason"]
        row["why"] = words(row["reason"] if is_reason else row["fate"])
        row["kind"] = words(row["fate"])
    kinds = sorted({row["fate"] for row in found})
    chart = (
        alt.Chart(data(found), description="Rows set aside by source and reason")
        .mark_bar()
        .encode(
            y=alt.Y("source:N", axis=alt.Axis(title=None, labelColor=COLORS["ink"])),
            yOffset=alt.YOffset("why:N"),
            x=alt.X("row_count:Q", axis=alt.Axis(title="rows", format=",d", tickCount=5)),
            color=alt.Color(
                "kind:N",
                scale=scale({words(name): COLORS[colors.get(name, "bad")] for name in kinds}),
            ),
            tooltip=["source:N", "why:N", alt.Tooltip("row_count:Q", format=",", title="rows")],
        )
    )
    return styled(chart, height=alt.Step(11, **{"for": "offset"}))


def cleaned_values(rows: Rows, count: int = 16) -> Any:
    """Draw cleaned values by column, and what they look like; rows of gold.cleaning_summary."""
    found = records(rows)
    totals: dict[str, int] = defaultdict(int)
    examples: dict[str, list[str]] = defaultdict(list)
    for row in found:
        totals[row["cleaned_column"]] += row["row_count"]
        examples[row["cleaned_column"]] += row["examples"]
        row["what"] = EFFECT_TEXTS.get(row["reason"], (words(row["reason"]), "rust"))[0]
    order = sorted(totals, key=lambda name: -totals[name])[:count]
    colors = {
        text: COLORS[role]
        for text, role in EFFECT_TEXTS.values()
        if any(row["what"] == text for row in found)
    }
    labels = [
        {
            "cleaned_column": name,
            "row_count": totals[name],
            "value": f"{totals[name]:,}",
            "examples": "  ".join(text[:14] for text in dict.fromkeys(examples[name][:3])),
        }
        for name in order
    ]
    y = alt.Y(
        "cleaned_column:N",
        sort=order,
        axis=alt.Axis(title=None, labelColor=COLORS["ink"]),
    )
    top = totals[order[0]] if order else 1
    x = alt.X("row_count:Q", scale=alt.Scale(domain=[0, top * 1.45], nice=False), axis=None)
    kept = [row for row in found if row["cleaned_column"] in order]
    bars = (
        alt.Chart(data(kept))
        .mark_bar(height={"band": 0.6})
        .encode(
            y=y, x=x, color=alt.Color("what:N", scale=scale(colors), legend=alt.Legend(columns=2))
        )
    )
    texts = alt.Chart(data(labels)).encode(y=y, x="row_count:Q")
    layers = [
        bars,
        texts.mark_text(align="left", dx=6, fontWeight="bold").encode(text="value:N"),
        texts.mark_text(align="left", dx=52, color=COLORS["muted"], font="monospace").encode(
            text="examples:N"
        ),
    ]
    return styled(alt.layer(*layers, description="Cleaned values by column"), height=alt.Step(18))


def splits(rows: Rows) -> Any:
    """Draw the training set by month and split; rows of gold.split_summary."""
    found = records(rows)
    there = {row["split"] for row in found}
    colors = {name: COLORS[role] for name, role in SPLIT_COLORS.items() if name in there}
    chart = (
        alt.Chart(data(found), description="Labelled loans by month of application and split")
        .mark_bar()
        .encode(
            x=month_bands(),
            y=alt.Y("loans:Q", axis=alt.Axis(title=None, tickCount=4, format=",d")),
            color=alt.Color("split:N", scale=scale(colors)),
            tooltip=[
                "split:N",
                month_tip(),
                alt.Tooltip("loans:Q", format=","),
                alt.Tooltip("default_rate:Q", format=".1%", title="default rate"),
            ],
        )
    )
    return styled(chart, height=140)


def run_times(manifests: Sequence[Mapping[str, Any]], count: int = 12) -> Any:
    """Draw seconds by step of published runs, the newest at the bottom."""
    shown = sorted((m for m in manifests if m.get("seconds")), key=lambda m: m["run_id"])[-count:]
    steps = list(dict.fromkeys(step for manifest in shown for step in manifest["seconds"]))
    found = [
        {"run": m["run_id"], "step": step, "seconds": seconds, "place": steps.index(step)}
        for m in shown
        for step, seconds in m["seconds"].items()
    ]
    totals = [{"run": m["run_id"], "seconds": sum(m["seconds"].values())} for m in shown]
    for row in totals:
        row["text"] = f"{row['seconds']:.1f} s"
    y = alt.Y("run:N", axis=alt.Axis(title=None, labelColor=COLORS["ink"]))
    top = max((row["seconds"] for row in totals), default=1)
    colors = {step: COLORS[STEP_COLORS[place % 7]] for place, step in enumerate(steps)}
    bars = (
        alt.Chart(data(found))
        .mark_bar()
        .encode(
            y=y,
            x=alt.X("seconds:Q", scale=alt.Scale(domain=[0, top * 1.2]), axis=None),
            color=alt.Color("step:N", scale=scale(colors)),
            order="place:O",
            tooltip=["run:N", "step:N", alt.Tooltip("seconds:Q", format=".1f")],
        )
    )
    texts = (
        alt.Chart(data(totals))
        .mark_text(align="left", dx=6, fontWeight="bold")
        .encode(y=y, x="seconds:Q", text="text:N")
    )
    return styled(
        alt.layer(bars, texts, description="Seconds by step of the latest runs"),
        height=24 * len(shown),
    )
