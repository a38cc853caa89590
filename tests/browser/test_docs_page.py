"""The dbt docs as a user sees them: one page, in a real browser, without a server."""

from pathlib import Path

import pytest

from warehouse.notebook.docs import LINEAGE, write_docs

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
    file = tmp_path_factory.mktemp("docs") / "index.html"
    write_docs(sample_datamart, file)
    return file


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


def test_overview_explains_the_warehouse(browser, page):
    browser.get(page.as_uri())
    wait(browser, lambda b: "Loan-default warehouse" in text(b, "h1"))
    body = text(browser, "body")
    assert all(layer in body for layer in ("bronze", "silver", "gold"))


@pytest.mark.parametrize("name", ["label_store", "label_maturity", "row_ledger"])
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


def test_lineage_opens_on_sources_models_and_exposures(browser, page):
    browser.get("about:blank")
    browser.get(page.as_uri() + LINEAGE)
    ids = wait(browser, lambda b: ids if SOURCE in (ids := b.execute_script(ELEMENTS)) else False)
    kinds = {node.partition(".")[0] for node in ids if "." in node}
    assert {"source", "model", "exposure"} <= kinds
    assert not {"test", "unit_test"} & kinds


def test_page_is_self_contained_and_holds_no_personal_data(page, sample):
    content = page.read_text()
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    assert [name for (name,) in names if name and len(name) > 6 and name in content] == []
