"""What is said about the tables: complete, true of the tables, and generated where it repeats."""

import re

import duckdb
import pytest
import yaml

from tests.loads_support import Compiled
from warehouse.base.catalog import attach
from warehouse.base.paths import CONTRACTS_FILE, DBT_DIR
from warehouse.feature_docs import TARGET, clickstream_columns, generate

SOURCES = {
    "attributes": "features_attributes",
    "financials": "features_financials",
    "clickstream": "feature_clickstream",
    "loan_history": "lms_loan_daily",
}
SENSITIVE = {"age", "occupation"}


@pytest.fixture(scope="module")
def models() -> dict[tuple[str, str], dict]:
    """The described models by layer and name."""
    found = {}
    for layer in ("silver", "gold"):
        for path in sorted((DBT_DIR / "models" / layer).glob("_*.yml")):
            for model in yaml.safe_load(path.read_text()).get("models", []):
                assert (layer, model["name"]) not in found, f"{model['name']} is described twice"
                found[layer, model["name"]] = model
    return found


def meta(column: dict) -> dict:
    return column.get("config", {}).get("meta", {})


def test_the_committed_file_is_the_generated_one():
    assert (DBT_DIR / TARGET).read_text() == generate(DBT_DIR), (
        "run python -m warehouse.feature_docs"
    )


def test_every_model_is_described(models):
    files = {
        (path.parent.name, path.stem)
        for layer in ("silver", "gold")
        for path in (DBT_DIR / "models" / layer).glob("*.sql")
    }
    assert set(models) == files


def test_every_model_ends_with_its_grain_and_tests_it(models):
    for (layer, name), model in models.items():
        assert re.search(r"One row per [^.]+\.$", model["description"].strip()), name
        tests = {
            key for test in model.get("data_tests", []) if isinstance(test, dict) for key in test
        }
        assert "grain" in tests, name
        assert model.get("config", {}).get("group") == layer, name


def test_the_described_columns_are_the_columns_of_the_table(models, sample):
    for (layer, name), model in models.items():
        built = [row[0] for row in sample.execute(f"describe {layer}.{name}").fetchall()]
        assert [column["name"] for column in model["columns"]] == built, name
        assert all(column["description"].strip() for column in model["columns"]), name


def test_sensitive_columns_are_marked_wherever_they_occur(models):
    for name, model in models.items():
        marked = {column["name"] for column in model["columns"] if meta(column).get("sensitive")}
        assert marked == SENSITIVE & {column["name"] for column in model["columns"]}, name


def test_every_feature_says_its_group_and_a_column_of_the_source(models):
    contract = yaml.safe_load(CONTRACTS_FILE.read_text())["sources"][0]["tables"]
    raw = {table["name"]: {c["name"] for c in table.get("columns", [])} for table in contract}
    groups = set()
    for column in models["gold", "feature_store"]["columns"][3:]:
        if column["name"].endswith(("_snapshot_date", "_age_days", "_null_reason")):
            continue
        group = meta(column)["feature_group"]
        groups.add(group)
        for source_column in meta(column)["source_column"].split(", "):
            assert source_column in raw[SOURCES[group]], column["name"]
    assert groups == set(SOURCES)


def test_windows_and_counters_come_from_the_variables():
    columns = clickstream_columns({"clickstream_columns": 1, "clickstream_windows": {"2m": 2}})
    assert [column["name"] for column in columns] == [
        "fe_1",
        "clickstream_months_2m",
        "fe_1_count_2m",
        "fe_1_sum_2m",
        "fe_1_mean_2m",
        "fe_1_sd_2m",
        "fe_1_trend_2m",
        "fe_1_change_2m",
        "clickstream_snapshot_date",
        "clickstream_age_days",
        "clickstream_null_reason",
    ]
    assert "the 2 months up to the application" in columns[2]["description"]


def test_generated_descriptions_need_no_rendering():
    assert "{{" not in (DBT_DIR / TARGET).read_text()


def test_a_feature_that_is_not_as_described_is_found(sample_datamart):
    sql = Compiled(sample_datamart).tests["features_are_as_described"]
    changes = {
        "data_type = 'varchar' where feature = 'age'": ["age"],
        "data_type = 'integer' where feature = 'occupation'": ["occupation"],
        "description = '' where feature = 'fe_1'": ["fe_1"],
        "feature_group = null where feature = 'fe_2'": ["fe_2"],
    }
    with duckdb.connect() as con:
        attach(con, sample_datamart / "current")
        con.execute("create table plain as from gold.feature_catalog")
        con.execute("create or replace view gold.feature_catalog as from plain")
        assert con.execute(sql).fetchall() == []
        for change, features in changes.items():
            con.execute("begin")
            con.execute(f"update plain set {change}")
            assert [row[0] for row in con.execute(sql).fetchall()] == features
            con.execute("rollback")
