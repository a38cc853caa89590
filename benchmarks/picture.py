"""The benchmarks as a picture: the join beside its peers, and growth beside the sizing model."""

import math
from collections.abc import Sequence

from benchmarks.results import Part
from warehouse.reporting.drawing import NOTEBOOK, Canvas, polygon

WIDTH, HEIGHT = 880, 330
TOP, BOTTOM = 34, 290
PANELS = ((58, 340), (560, 720))  # from left to right, in units of the canvas
COLORS = ("muted", "financials", "clickstream", "loan_history", "attributes", "warn", "silver")


def picture(parts: Sequence[Part]) -> str:
    """An SVG of the series of the parts `joins` and `growth`, as far as they are there."""
    canvas = Canvas(WIDTH, HEIGHT, NOTEBOOK)
    titles = {
        "joins": "Point-in-time join: CPU seconds",
        "growth": "A first run: CPU seconds",
    }
    for part in parts:
        if part.name in titles and part.series:
            left, right = PANELS[list(titles).index(part.name)]
            canvas.text(left, 14, titles[part.name], weight=600)
            _lines(canvas, part.series, left, right)
    return canvas.picture("CPU seconds by the size of the data, both axes logarithmic")


def _lines(
    canvas: Canvas, series: dict[str, list[tuple[float, float]]], left: float, right: float
) -> None:
    """One line a series over sizes in real sets; both axes are logarithmic."""
    points = [point for line in series.values() for point in line]
    low, high = (
        math.floor(min(math.log10(y) for _, y in points)),
        math.ceil(max(math.log10(y) for _, y in points)),
    )
    first, last = (f(math.log10(x) for x, _ in points) for f in (min, max))

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (right - left) * (math.log10(x) - first) / max(last - first, 1e-9),
            BOTTOM - (BOTTOM - TOP) * (math.log10(y) - low) / max(high - low, 1e-9),
        )

    for power in range(low, high + 1):
        y = place(1, 10**power)[1]
        canvas.line(left, y, right, y)
        canvas.text(left - 6, y + 4, f"{10**power:,g}", "muted", "end")
    for size in sorted({x for x, _ in points}):
        canvas.text(place(size, 1)[0], BOTTOM + 16, f"x{size:g}", "muted", "middle")
    ends = sorted((place(*line[-1])[1], name) for name, line in series.items())
    labels, lowest = {}, -math.inf
    for y, name in ends:
        lowest = labels[name] = max(y, lowest + canvas.size * 1.15)
    for number, (name, line) in enumerate(series.items()):
        color = "accent" if number == 0 else COLORS[number % len(COLORS)]
        at = [place(*point) for point in line]
        canvas.path(polygon(at), stroke=color, width=2.4 if number == 0 else 1.3)
        for x, y in at:
            canvas.circle(x, y, 2.6, color)
        # beside the right end of the panel, so that names of short lines do not lie on others
        last = line[-1][1]
        seconds = f"{last:,.0f}" if last >= 100 else f"{last:.3g}"
        canvas.text(right + 10, labels[name] + 4, f"{name}, {seconds} s", color)
