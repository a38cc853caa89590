"""The run report in a real browser: drawn, quiet, readable, on desk and phone, light and dark."""

import re
import time

import pytest

from warehouse.base.layout import Datamart
from warehouse.modelling.group_power import group_power
from warehouse.reporting.report import build_report

CHARTS = 9
SIZES = """
return [...document.querySelectorAll('figure svg text')]
    .filter(e => e.textContent && e.getBoundingClientRect().height)
    .map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)
"""
# what is wider than the page scrolls inside its own frame
OUTSIDE = """
return [...document.querySelectorAll('body *')]
    .filter(e => !e.closest('.scroll') && !e.closest('details:not([open])'))
    .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))
"""
# the page's background and ink, then the labels of charts, which are read on it
COLORS = """
const style = getComputedStyle(document.body)
const labels = [...document.querySelectorAll('figure svg .mark-text text')]
return [style.backgroundColor, style.color, ...labels.map(e => getComputedStyle(e).fill)]
"""


@pytest.fixture(scope="module")
def page(sample_datamart, tmp_path_factory) -> str:
    """Return the address of the sample's report, as it is after the proof: with all charts."""
    datamart = Datamart(sample_datamart)
    group_power(datamart.current_run())
    file = tmp_path_factory.mktemp("report") / "report.html"
    html = build_report(datamart.current_run(), datamart.current_manifest(), [], None)
    file.write_text(html, encoding="utf-8")
    return file.as_uri()


def open_page(browser, page, width, scheme):
    """Open the page at a width and colour scheme, and wait until all of its charts are drawn."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    browser.get(page)
    drawn = "return document.querySelectorAll('figure svg').length"
    for _ in range(200):
        if browser.execute_script(drawn) == CHARTS:
            return
        time.sleep(0.1)
    raise AssertionError("not every chart was drawn")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_and_is_quiet(browser, page, width, scheme):
    open_page(browser, page, width, scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("""
        return [...document.querySelectorAll('.card')].every(e => e.scrollWidth <= e.clientWidth)
    """)
    assert browser.execute_script(OUTSIDE) == []
    paper, ink, *labels = (
        sum(map(int, re.findall(r"\d+", color)[:3])) for color in browser.execute_script(COLORS)
    )
    assert (paper > ink) == (scheme == "light")
    assert labels
    assert all(abs(label - paper) > 150 for label in labels), set(labels)
    assert min(browser.execute_script(SIZES)) >= 10
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.get_log("browser") == []
    if width > 390:
        check_that_a_bar_tells_more_when_it_is_pointed_at(browser)


def check_that_a_bar_tells_more_when_it_is_pointed_at(browser):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    bar = browser.find_element(By.CSS_SELECTOR, "#chart-maturity svg .mark-rect path")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    ActionChains(browser).move_to_element(bar).perform()
    time.sleep(0.3)
    tip = browser.find_element("id", "vg-tooltip-element")
    assert tip.is_displayed()
    assert "loans" in tip.text
    assert "2023" in tip.text
