"""The charts of report, deck and notebooks: functions from rows of a gold table to Altair charts.

    from warehouse.reporting import charts
    charts.label_rates(con.table("gold.label_rates").filter("label_definition = '30dpd_6mob'"))

`rows` is a DuckDB relation, a pandas frame or a list of dicts with the columns of the table that
the function names. A chart can be changed further like any Altair chart.
"""

from warehouse.reporting.charts.features import feature_drift as feature_drift
from warehouse.reporting.charts.features import feature_power as feature_power
from warehouse.reporting.charts.features import feature_presence as feature_presence
from warehouse.reporting.charts.features import strongest_features as strongest_features
from warehouse.reporting.charts.labels import auc_by_month as auc_by_month
from warehouse.reporting.charts.labels import label_maturity as label_maturity
from warehouse.reporting.charts.labels import label_rates as label_rates
from warehouse.reporting.charts.labels import overdue_money as overdue_money
from warehouse.reporting.charts.labels import splits as splits
from warehouse.reporting.charts.labels import vintage_curves as vintage_curves
from warehouse.reporting.charts.models import calibration as calibration
from warehouse.reporting.charts.models import group_power as group_power
from warehouse.reporting.charts.models import importance as importance
from warehouse.reporting.charts.models import ks as ks
from warehouse.reporting.charts.models import lift as lift
from warehouse.reporting.charts.models import roc as roc
from warehouse.reporting.charts.models import shown_and_kept as shown_and_kept
from warehouse.reporting.charts.models import side_by_side as side_by_side
from warehouse.reporting.charts.rows import cleaned_values as cleaned_values
from warehouse.reporting.charts.rows import run_times as run_times
from warehouse.reporting.charts.rows import set_aside_rows as set_aside_rows
from warehouse.reporting.charts.story import timeline as timeline
from warehouse.reporting.charts.story import used_months as used_months
