"""The run report in a real browser: drawn, quiet, readable, on desk and phone, light and dark."""

import re
import time

import pytest

from warehouse.base.layout import Datamart
from warehouse.reporting.report import build_report

CHARTS = 9


@pytest.fixture(scope="module")
def page(sample_datamart, tmp_path_factory):
    datamart = Datamart(sample_datamart)
    path = tmp_path_factory.mktemp("report") / "report.html"
    html = build_report(datamart.current_run(), datamart.current_manifest(), [], None)
    path.write_text(html, encoding="utf-8")
    return path.as_uri()


def open_page(browser, page, width, scheme):
    """Open the page at a width and colour scheme, and wait until all of its charts are drawn."""
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.execute_cdp_cmd("Network.enable", {})
    browser.execute_cdp_cmd(
        "Network.emulateNetworkConditions",
        {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
    )
    browser.get(page)
    for _ in range(100):
        if (
            browser.execute_script("return document.querySelectorAll('figure svg').length")
            == CHARTS
        ):
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
    # what is wider than the page scrolls inside its own frame
    outside = browser.execute_script("""
        return [...document.querySelectorAll('body *')]
            .filter(e => !e.closest('.scroll') && !e.closest('details:not([open])'))
            .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
            .map(e => e.outerHTML.slice(0, 120))
    """)
    assert outside == []
    background, ink = browser.execute_script("""
        const style = getComputedStyle(document.body)
        return [style.backgroundColor, style.color]
    """)
    brightness = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (background, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    # the labels of charts are read on this background
    labels = set(
        browser.execute_script("""
        return [...document.querySelectorAll('figure svg .mark-text text')]
            .map(e => getComputedStyle(e).fill)
    """)
    )
    paper = sum(map(int, re.findall(r"\d+", background)[:3]))
    assert labels
    assert all(abs(sum(map(int, re.findall(r"\d+", c)[:3])) - paper) > 150 for c in labels), labels
    fetched = browser.execute_script("return performance.getEntriesByType('resource').length")
    assert fetched == 0
    assert browser.get_log("browser") == []


def test_letters_of_charts_are_not_too_small_on_a_phone(browser, page):
    open_page(browser, page, 390, "light")
    sizes = browser.execute_script("""
        return [...document.querySelectorAll('figure svg text')]
            .filter(e => e.textContent && e.getBoundingClientRect().height)
            .map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)
    """)
    assert min(sizes) >= 10


def test_a_point_tells_more_when_it_is_pointed_at(browser, page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    open_page(browser, page, 1280, "light")
    bar = browser.find_element(By.CSS_SELECTOR, "#chart-maturity svg .mark-rect path")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    ActionChains(browser).move_to_element(bar).perform()
    time.sleep(0.3)
    tip = browser.find_element(By.ID, "vg-tooltip-element")
    assert tip.is_displayed()
    assert "loans" in tip.text
    assert "2023" in tip.text
