"""The charts of report, deck and notebooks: functions from rows of a gold table to Altair charts.

    from warehouse.reporting import charts
    charts.label_rates(con.table("gold.label_rates").filter("label_definition = '30dpd_6mob'"))

`rows` is a DuckDB relation, a pandas frame or a list of dicts with the columns of the table that
the function names. A chart can be changed further like any Altair chart.
"""

from warehouse.reporting.charts.clocks import two_clocks
from warehouse.reporting.charts.features import (
    feature_drift,
    feature_power,
    feature_presence,
    strongest_features,
)
from warehouse.reporting.charts.labels import (
    label_maturity,
    label_rates,
    overdue_money,
    vintage_curves,
)
from warehouse.reporting.charts.models import (
    calibration,
    group_power,
    importance,
    ks,
    lift,
    roc,
    shown_and_kept,
    side_by_side,
)
from warehouse.reporting.charts.rows import cleaned_values, run_times, set_aside_rows, splits
from warehouse.reporting.charts.story import timeline, used_months
from warehouse.reporting.theme import enable_in_notebooks, svg

__all__ = [
    "calibration",
    "cleaned_values",
    "enable_in_notebooks",
    "feature_drift",
    "feature_power",
    "feature_presence",
    "group_power",
    "importance",
    "ks",
    "label_maturity",
    "label_rates",
    "lift",
    "overdue_money",
    "roc",
    "run_times",
    "set_aside_rows",
    "shown_and_kept",
    "side_by_side",
    "splits",
    "strongest_features",
    "svg",
    "timeline",
    "two_clocks",
    "used_months",
    "vintage_curves",
]
