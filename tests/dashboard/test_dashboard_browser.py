"""The page in a real browser: what the first screen holds, what the keyboard reaches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from conftest import Desk, build_chart, finding
from werkzeug.serving import make_server

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
]


@pytest.fixture
def address(desk: Desk) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/chart/launch-1/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser: Any, address: str, width: int, height: int, **more: Any) -> tuple[Any, Any]:
    """A page and what its console complained about."""
    page = browser.new_context(viewport={"width": width, "height": height}, **more).new_page()
    page.set_default_timeout(15_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def drawn(page: Any) -> None:
    page.wait_for_selector("#chart.drawn svg", timeout=20_000)


def inside(page: Any, selector: str) -> bool:
    box = page.locator(selector).first.bounding_box()
    size = page.viewport_size
    return bool(
        box
        and box["x"] >= 0
        and box["y"] >= 0
        and box["x"] + box["width"] <= size["width"]
        and box["y"] + box["height"] <= size["height"]
    )


def test_the_first_screen_holds_strip_verdict_headlines_and_first_lanes(
    browser: Any, address: str
) -> None:
    page, complaints = opened(browser, address, 1000, 700)
    drawn(page)
    for selector in (
        ".strip .name", ".state h1", ".status .answer", ".findings .finding:nth-of-type(1) summary",
        ".findings .finding:nth-of-type(2) summary", ".questions .finding summary",
    ):  # fmt: skip
        assert inside(page, selector), selector
    for lane in ("Total testosterone (ng/dL)", "LH (IU/L)", "FSH (IU/L)"):
        assert inside(page, f"#chart text:has-text('{lane}')"), lane
    assert complaints == []


@pytest.mark.parametrize("path", ["", "table", "unused"])
@pytest.mark.parametrize("width", [320, 360, 1600])
def test_no_page_scrolls_sideways(browser: Any, address: str, path: str, width: int) -> None:
    page, _ = opened(browser, address + path, width, 700)
    if not path:
        drawn(page)
        page.eval_on_selector_all("details", "all => all.forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reads_every_draw_and_opens_its_row(browser: Any, address: str) -> None:
    page, complaints = opened(browser, address, 1000, 700)
    drawn(page)
    page.focus("#chart")
    live = page.locator("#chart-live")
    assert "Arrow keys" in live.inner_text()
    page.keyboard.press("ArrowLeft")
    assert live.inner_text().startswith("Total testosterone 238 ng/dL, below range, 10 Nov 2026")
    page.keyboard.press("ArrowLeft")
    assert "212 ng/dL" in live.inner_text()
    page.keyboard.press("ArrowDown")
    assert live.inner_text().startswith("LH 3.1 IU/L")
    page.keyboard.press("Enter")
    assert page.evaluate("document.getElementById('results').open")
    assert page.evaluate("document.activeElement.id") == "r-lh:1"
    assert complaints == []


def test_the_mouse_gets_the_same_words(browser: Any, address: str) -> None:
    page, _ = opened(browser, address, 1000, 700)
    drawn(page)
    box = page.locator("#chart [aria-label^='LH 2.8']").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5000)
    assert "2.8 IU/L" in tip.inner_text()
    assert "LH 2.8 IU/L" in page.locator("#chart-live").inner_text()


def test_without_the_charts_script_the_servers_picture_stands(browser: Any, address: str) -> None:
    page = browser.new_context().new_page()
    page.route("**/chart-assets/**", lambda route: route.abort())
    page.goto(address)
    picture = page.locator("#chart.drawn img")
    picture.wait_for(timeout=20_000)
    assert "Newest results" in picture.get_attribute("alt")


def test_without_scripts_picture_findings_and_evidence_are_there(
    browser: Any, address: str
) -> None:
    page, complaints = opened(browser, address, 1000, 700, java_script_enabled=False)
    assert page.locator("#chart img").is_visible()
    page.locator(".finding summary").first.click()
    assert page.get_by_text("Observation/hematocrit-12").first.is_visible()
    assert complaints == []


def test_in_the_dark_the_chart_is_dark(browser: Any, address: str) -> None:
    page, complaints = opened(browser, address, 1000, 700, color_scheme="dark")
    drawn(page)
    assert page.locator("#chart svg").first.get_attribute("style")
    assert "#141b22" in page.locator("#chart").inner_html()
    assert complaints == []


def test_a_critical_finding_is_on_the_first_screen(browser: Any, address: str, desk: Desk) -> None:
    usual = build_chart()
    desk.charts["launch-1"] = build_chart(
        findings=(
            *usual.assessment.findings,
            finding("visual-symptoms", "Blurred vision under clomiphene", severity="critical"),
        )
    )
    page, _ = opened(browser, address, 1000, 700)
    first = page.locator(".findings .finding").first
    assert "Critical" in first.inner_text()
    assert inside(page, ".findings .finding summary")
