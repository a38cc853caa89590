"""The dbt docs as a user sees them: one page, in a real browser, without a server."""

import json
from pathlib import Path

import pytest
import yaml

from warehouse.base.paths import DBT_DIR
from warehouse.notebook import serve
from warehouse.reporting.drawing import COLORS

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

SOURCE = "source.loan_default.bronze.feature_clickstream"
ELEMENTS = """
const graph = angular.element(document.querySelector("[viz-elements]")).scope().graph;
return graph.elements.map(element => element.data.unique_id || element.data.id);
"""


@pytest.fixture(scope="module")
def page(sample_datamart, tmp_path_factory) -> Path:
    """The static page, built from the sample's run."""
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_BUILD_DIR", str((sample_datamart / "current").resolve()))
        (folder / "index.html").write_bytes(serve.build_docs(folder))
    return folder / "index.html"


@pytest.fixture
def model_page(browser, page):
    """Opens a model's page and waits until it is drawn."""

    def open_model(name: str):
        browser.get("about:blank")
        browser.get(f"{page.as_uri()}#!/model/model.loan_default.{name}")
        wait(browser, lambda b: name in text(b, "h1"))
        return browser

    return open_model


def wait(browser, condition):
    return WebDriverWait(browser, 30).until(condition)


def text(browser, selector: str) -> str:
    return " ".join(element.text for element in browser.find_elements(By.CSS_SELECTOR, selector))


def test_overview_explains_the_warehouse_and_the_console_is_clean(browser, page):
    browser.get(page.as_uri())
    wait(browser, lambda b: "Loan-default warehouse" in text(b, "h1"))
    body = text(browser, "body")
    assert all(layer in body for layer in ("bronze", "silver", "gold"))
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("name", ["label_store", "feature_store", "training_set"])
def test_gold_model_shows_its_columns_and_their_descriptions(model_page, sample, name):
    browser = model_page(name)
    columns = sample.execute(
        "select column_name from duckdb_columns() where schema_name = 'gold' and table_name = ?",
        [name],
    ).fetchall()
    rows = wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "tr.column-row"))
    cells = browser.execute_script(
        "return arguments[0].map(row => [...row.cells].slice(0, 3).map(c => c.textContent.trim()))",
        rows,
    )
    assert {column for column, _, _ in cells} == {column for (column,) in columns}
    assert [column for column, _, description in cells if not description] == []
    assert [column for column, kind, _ in cells if not kind] == []
    assert browser.get_log("browser") == []


def test_lineage_graph_leads_from_the_source_to_the_training_set(model_page):
    browser = model_page("training_set")
    browser.find_element(By.CSS_SELECTOR, ".launcher-btn a").click()
    browser.find_element(By.CSS_SELECTOR, "[ng-click='showExpanded()']").click()
    ids = wait(
        browser,
        lambda b: ids if SOURCE in (ids := b.execute_script(ELEMENTS)) else False,
    )
    assert "model.loan_default.training_set" in ids
    assert "model.loan_default.feature_store" in ids
    canvas = browser.find_element(By.CSS_SELECTOR, "[viz-elements] canvas")
    assert canvas.size["width"] > 100
    assert canvas.size["height"] > 100
    assert browser.get_log("browser") == []


def test_a_feature_carries_what_the_catalogue_counts_of_it(
    page, sample, sample_datamart, monkeypatch
):
    monkeypatch.setenv("WAREHOUSE_BUILD_DIR", str((sample_datamart / "current").resolve()))
    features = sample.execute("select feature from gold.feature_catalog").fetchall()
    columns = {
        name: {"name": name, "description": "What it is.", "config": {"meta": {"feature_group": 1}}}
        for (name,) in features
    }
    columns["loan_id"] = {"name": "loan_id", "description": "The loan.", "config": {"meta": {}}}
    serve.add_figures({"nodes": {"a": {"columns": columns}, "b": {"columns": {}}}})
    assert columns.pop("loan_id")["description"] == "The loan."
    assert all("** " in column["description"] for column in columns.values())
    null_rate, rule, auc, psi = sample.execute("""
        select null_rate, point_in_time_rule, auc, worst_psi from gold.feature_catalog
        where feature = 'outstanding_debt'
    """).fetchone()
    told = columns["outstanding_debt"]["description"]
    for part in (f"{null_rate:.1%} unknown", rule, f"out of time, {auc:.3f}.", f"{psi:.3f} (PSI)"):
        assert part in told
    assert "most often " in columns["occupation"]["description"]
    assert json.dumps(told.partition("\n\n")[2])[1:-1] in page.read_text()


def test_the_lineage_has_the_colours_of_the_layers():
    project = yaml.safe_load((DBT_DIR / "dbt_project.yml").read_text())
    for layer in ("silver", "gold"):
        color = project["models"]["loan_default"][layer]["+docs"]["node_color"]
        assert color == COLORS[f"{layer}-ink"]


def test_page_is_self_contained_and_holds_no_personal_data(page, sample):
    content = page.read_text()
    assert "getIcon(item.type" in content  # dbt's own page, whose dead links were taken out
    assert 'xlink:href="{{' not in content
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    assert [name for (name,) in names if name and len(name) > 6 and name in content] == []
