"""Writes dbt_project/models/gold/_feature_store.yml, run as `python -m warehouse.feature_docs`.

clickstream_features, feature_store and training_set repeat one another's several hundred columns.
Nobody writes those by hand: the features of the other groups are described in _gold.yml, columns
that occur in several tables in docs.md, the clickstream's here as one pattern per statistic, with
the windows and the number of counters of dbt_project.yml. The descriptions come out as plain
text, because dbt renders every one that is not.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from warehouse.base.paths import DBT_DIR

TARGET = Path("models/gold/_feature_store.yml")
DOCS_BLOCK = re.compile(r"{%-?\s*docs\s+(\w+)\s*-?%}(.*?){%-?\s*enddocs\s*-?%}", re.DOTALL)
DOC_CALL = re.compile(r"{{\s*doc\(\s*['\"](\w+)['\"]\s*\)\s*}}")

# In the order of the columns of clickstream_features.sql, each per window and counter.
STATISTICS = {
    "count": "Number of months of {window} in which {counter} is known; 0 where none.",
    "sum": "Sum of {counter} over {window}. Null where no month is known.",
    "mean": "Mean of {counter} over {window}. Null where no month is known.",
    "sd": "Standard deviation (of a sample) of {counter} over {window}. Null below two months.",
    "trend": "Least-squares slope of {counter} over {window}, change a month."
    " Null below two months.",
    "change": "{counter} of the latest known month minus its mean over {window}."
    " Null where either is unknown.",
}

CLICKSTREAM_MODEL = """\
  - name: clickstream_features
    description: >
      The customer's behaviour counters at the application and over trailing windows of the own
      past. The counters are noisy readings, so the windows tell more than the latest month; the
      number of months stands beside them. A window of n months holds the n calendar months up to
      and with the application's own. Feature group `clickstream` of the feature store.
      One row per loan.
    config: {group: gold, access: private}
    data_tests:
      - grain:
          arguments: {columns: [loan_id]}
      - one_row_per_application
"""

FEATURE_STORE_MODEL = """\
  - name: feature_store
    description: >
      Every feature of every loan as it was known on the application date, and per group which
      snapshot was used, how old it was, and why there is none.
      One row per loan.
    config: {group: gold, access: public}
    data_tests:
      - grain:
          arguments: {columns: [loan_id]}
      - one_row_per_application
      - point_in_time:
          name: point_in_time_feature_store
          arguments:
            counts: clickstream_months_|fe_[0-9]+_count_|earlier_loans
"""

TRAINING_SET_MODEL = """\
  - name: training_set
    description: >
      The feature store with the labels of the default definition, split by application date.
      Models are trained on this table.
      One row per loan with a known label of the default definition.
    config: {group: gold, access: public}
    data_tests:
      - grain:
          arguments: {columns: [loan_id]}
"""

SPLIT = (
    "train, validation, test (applications from var test_from on, inclusive) or embargo (before"
    " it, with a label known only after it: for no use). Train and validation labels were known"
    " by test_from, inclusive."
)

Column = dict[str, Any]

CLICKSTREAM_PROVENANCE: list[Column] = [
    {
        "name": "clickstream_snapshot_date",
        "description": "Date of the clickstream month that was used as the latest, on or before"
        " the application date (inclusive). Null: none was known.",
    },
    {
        "name": "clickstream_age_days",
        "description": "Days from that month's date to the application.",
    },
    {
        "name": "clickstream_null_reason",
        "description": "Why the group has no values: no_customer, no_history_yet, expired,"
        " not_yet_known or quarantined. Null where a month was used.",
    },
]


def main() -> None:
    """Write the generated file."""
    path = DBT_DIR / TARGET
    path.write_text(generate(DBT_DIR), encoding="utf-8")
    print(f"wrote {path}")


def generate(dbt_dir: Path) -> str:
    """The text of the file, from the hand-written ones of the dbt project."""
    variables = _read_yaml(dbt_dir / "dbt_project.yml")["vars"]
    gold = _described_columns(dbt_dir)
    spine = gold["loan_applications"]
    groups = {
        "attributes": gold["attributes_features"],
        "financials": gold["financials_features"],
        "clickstream": spine + clickstream_columns(variables),
        "loan_history": gold["loan_history_features"],
    }
    features = [column for columns in groups.values() for column in columns[len(spine) :]]
    labels = [column for column in gold["label_store"] if column not in spine]
    labels.sort(key=lambda column: column["name"] != "label_definition")  # first in training_set
    split = {"name": "split", "description": SPLIT}
    return "".join(
        [
            "# Generated by `python -m warehouse.feature_docs`: do not edit.\n",
            "version: 2\n\nmodels:\n",
            *_model(CLICKSTREAM_MODEL, groups["clickstream"]),
            "\n",
            *_model(FEATURE_STORE_MODEL, spine + features),
            "\n",
            *_model(TRAINING_SET_MODEL, spine + _plain(features) + labels + [split]),
        ]
    )


def clickstream_columns(variables: dict[str, Any]) -> list[Column]:
    """The clickstream's features and provenance, in the order of its model."""
    counters = [f"fe_{i}" for i in range(1, variables["clickstream_columns"] + 1)]
    columns = [
        _feature(counter, f"{counter} of the latest known month.", counter) for counter in counters
    ]
    for window, months in variables["clickstream_windows"].items():
        span = f"the {months} months up to the application" if months else "all months known"
        columns.append(
            _feature(
                f"clickstream_months_{window}",
                f"Number of months of {span} that have a row; 0 where none.",
                "snapshot_date",
            )
        )
        columns += [
            _feature(
                f"{counter}_{statistic}_{window}",
                description.format(counter=counter, window=span),
                counter,
            )
            for counter in counters
            for statistic, description in STATISTICS.items()
        ]
    return [*columns, *CLICKSTREAM_PROVENANCE]


def _plain(features: list[Column]) -> list[Column]:
    """Features without their origin, which stands in feature_store: it costs dbt time to read."""
    return [
        {"name": column["name"], "description": column["description"]}
        | ({"config": {"meta": {"sensitive": True}}} if _is_sensitive(column) else {})
        for column in features
    ]


def _is_sensitive(column: Column) -> bool:
    return bool(column.get("config", {}).get("meta", {}).get("sensitive"))


def _feature(name: str, description: str, source_column: str) -> Column:
    meta = {"feature_group": "clickstream", "source_column": source_column}
    return {"name": name, "description": description, "config": {"meta": meta}}


def _model(head: str, columns: list[Column]) -> list[str]:
    """A model's text: its hand-written head, then one line per column. JSON is YAML, too."""
    return [head, "    columns:\n", *(f"      - {json.dumps(column)}\n" for column in columns)]


def _described_columns(dbt_dir: Path) -> dict[str, list[Column]]:
    """The columns of the models of _gold.yml, with the docs blocks put in place."""
    blocks = {
        name: text.strip()
        for name, text in DOCS_BLOCK.findall((dbt_dir / "models/docs.md").read_text("utf-8"))
    }
    models = _read_yaml(dbt_dir / "models/gold/_gold.yml")["models"]
    return {
        model["name"]: [
            column
            | {
                "description": DOC_CALL.sub(
                    lambda call: blocks[call.group(1)], column["description"]
                ).strip()
            }
            for column in model["columns"]
        ]
        for model in models
    }


def _read_yaml(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
