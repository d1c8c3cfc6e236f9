# SPDX-License-Identifier: Apache-2.0
"""The page in a browser: charts drawn, nothing fetched, nothing on the console, keyboard, contrast, phone, paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wsfracbnn.gen.report.page import write_report
from wsfracbnn.gen.report.sources import Measurements
from wsfracbnn.model.description import NetworkDescription

from .pages import everything_known, explored, nothing_known

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FOUND = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(FOUND is None, reason="no Chromium: apt-get install chromium"),
]

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 800}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with api.sync_playwright() as playwright:
        # Without its sandbox, which containers do not let it have; it opens one file of our own.
        browser = playwright.chromium.launch(executable_path=FOUND, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page_file(network: NetworkDescription, simulation_folder: Path, nothing_measured: Measurements) -> Path:
    path = simulation_folder.parent / "report.html"
    designs = [everything_known(simulation_folder, nothing_measured), nothing_known(network)]
    write_report(designs, path, "wsfracbnn report a b", [explored()])
    return path


class Opened:
    """A page that is open, with all that it wrote to the console and asked the network for."""

    def __init__(self, browser: Browser, path: Path, *, dark: bool = False, size: ViewportSize | None = None):
        context = browser.new_context(viewport=size or DESKTOP, color_scheme="dark" if dark else "light")
        self.page: Page = context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function(
            "document.querySelectorAll('.chart').length === document.querySelectorAll('.chart[data-drawn]').length"
        )


def test_every_chart_is_drawn_and_nothing_is_fetched_or_complained_of(browser: Browser, page_file: Path) -> None:
    opened = Opened(browser, page_file)
    sizes = opened.page.evaluate(
        "[...document.querySelectorAll('.chart')].map(chart => {"
        " const marks = chart.querySelectorAll('svg .role-mark path, svg .role-mark text');"
        " const seen = [...marks].filter(mark => mark.getBoundingClientRect().width > 0);"
        " return [chart.id, seen.length, chart.querySelector('svg').getBoundingClientRect().width]; })"
    )
    assert len(sizes) == 9
    for name, marks, width in sizes:
        assert marks >= 2, name
        assert width > 300, name
    assert opened.said == []
    assert opened.asked == [page_file.as_uri()]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(browser: Browser, page_file: Path, dark: bool, size: ViewportSize) -> None:
    opened = Opened(browser, page_file, dark=dark, size=size)
    opened.page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    found = axe.Axe().run(opened.page)
    passed = {rule["id"] for rule in found.response["passes"]} if "passes" in found.response else set()
    assert found.violations_count == 0, found.generate_report()
    assert "color-contrast" in passed


def test_dark_is_dark(browser: Browser, page_file: Path) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('.chart svg text')).fill"
    light, dark = Opened(browser, page_file).page, Opened(browser, page_file, dark=True).page
    assert light.evaluate(paper) == "rgb(255, 255, 255)"
    assert max(map(int, dark.evaluate(paper)[4:-1].split(","))) < 40
    assert max(map(int, light.evaluate(ink)[4:-1].split(","))) < 60
    assert min(map(int, dark.evaluate(ink)[4:-1].split(","))) > 200


SHOWN = "[...document.querySelectorAll('#pipeline-1 .panel')].filter(p => p.offsetParent).map(p => p.id)"
FOCUSED = "document.activeElement.dataset.stage"


def test_a_click_on_a_stage_shows_its_panel(browser: Browser, page_file: Path) -> None:
    page = Opened(browser, page_file).page
    assert page.evaluate(SHOWN) == ["stage-1-input"]
    page.click("#pipeline-1 .wide [data-stage=stage-1-stage_02]")
    assert page.evaluate(SHOWN) == ["stage-1-stage_02"]
    current = page.locator("#pipeline-1 .wide [aria-current]")
    assert current.get_attribute("data-stage") == "stage-1-stage_02"


def test_the_keyboard_goes_everywhere(browser: Browser, page_file: Path) -> None:
    page = Opened(browser, page_file).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.focus("#pipeline-1 .wide .stage")
    for key, stage in (
        ("ArrowRight", "stage-1-stage_01"),
        ("ArrowDown", "stage-1-stage_02"),
        ("ArrowLeft", "stage-1-stage_01"),
        ("End", "stage-1-head"),
        ("ArrowRight", "stage-1-head"),
        ("Home", "stage-1-input"),
    ):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == stage, key
        assert page.evaluate(SHOWN) == [stage], key
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "stage-1-stage_01"
    assert page.evaluate(SHOWN) == ["stage-1-input"]
    page.keyboard.press("Enter")
    assert page.evaluate(SHOWN) == ["stage-1-stage_01"]
    outline = page.evaluate("getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth")
    assert outline == "4px", "where the focus is can be seen"


def test_a_phone_shows_it_all_in_its_width(browser: Browser, page_file: Path) -> None:
    page = Opened(browser, page_file, size=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.locator("#pipeline-1 .narrow .graph").is_visible()
    assert not page.locator("#pipeline-1 .wide .graph").is_visible()
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('#pipeline-1 .narrow text')]"
        ".map(text => text.getBoundingClientRect().height))"
    )
    assert smallest > 9


def test_paper_is_light_and_shows_tables_in_place_of_panels(browser: Browser, page_file: Path) -> None:
    page = Opened(browser, page_file, dark=True).page
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(SHOWN) == []
    assert not page.locator("nav").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#pipeline-1 details.all table").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not page.locator("#pipeline-1 details.all table").is_visible()


def test_without_javascript_every_panel_is_there(browser: Browser, page_file: Path) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(page_file.as_uri())
    panels = page.locator("#pipeline-1 .panel")
    assert panels.count() > 2
    assert all(panels.nth(number).is_visible() for number in range(panels.count()))
