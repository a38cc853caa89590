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


def open_page(browser, page: Path, place: str, head: str = "") -> None:
    """Open the page at a place, and wait until its head is drawn."""
    browser.get("about:blank")
    browser.get(page.as_uri() + place)
    wait(browser, lambda b: head in text(b, "h1"))


def wait(browser, condition):
    return WebDriverWait(browser, 60).until(condition)


def text(browser, selector: str) -> str:
    return " ".join(element.text for element in browser.find_elements(By.CSS_SELECTOR, selector))


def nodes_of_graph(browser) -> list[str]:
    return wait(browser, lambda b: ids if SOURCE in (ids := b.execute_script(ELEMENTS)) else False)


def test_overview_explains_the_warehouse_and_names_nobody(browser, page, sample):
    open_page(browser, page, "", "Loan-default warehouse")
    assert all(layer in text(browser, "body") for layer in ("bronze", "silver", "gold"))
    content = page.read_text()
    names = sample.execute('select distinct "Name" from bronze.features_attributes').fetchall()
    assert [name for (name,) in names if name and len(name) > 6 and name in content] == []


def test_model_shows_its_columns_with_their_descriptions_and_its_lineage(browser, page, sample):
    open_page(browser, page, "#!/model/model.loan_default.label_maturity", "label_maturity")
    columns = sample.execute("select * from gold.label_maturity limit 0").description
    rows = wait(browser, lambda b: b.find_elements(By.CSS_SELECTOR, "tr.column-row"))
    cells = browser.execute_script(
        "return arguments[0].map(row => [...row.cells].slice(0, 3).map(c => c.textContent.trim()))",
        rows,
    )
    assert {column for column, _, _ in cells} == {column[0] for column in columns}
    assert [column for column, kind, description in cells if not (kind and description)] == []
    browser.find_element(By.CSS_SELECTOR, ".launcher-btn a").click()
    browser.find_element(By.CSS_SELECTOR, "[ng-click='showExpanded()']").click()
    assert "model.loan_default.label_maturity" in wait(
        browser, lambda b: b.execute_script(ELEMENTS)
    )
    canvas = browser.find_element(By.CSS_SELECTOR, "[viz-elements] canvas")
    assert min(canvas.size["width"], canvas.size["height"]) > 100


def test_lineage_opens_on_sources_models_and_exposures(browser, page):
    open_page(browser, page, LINEAGE)
    ids = nodes_of_graph(browser)
    assert {f"model.loan_default.{name}" for name in ("training_set", "feature_store")} <= set(ids)
    kinds = {node.partition(".")[0] for node in ids if "." in node}
    assert {"source", "model", "exposure"} <= kinds
    assert not {"test", "unit_test"} & kinds
