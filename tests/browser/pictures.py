"""Takes the pictures of docs/pictures: `python tests/browser/pictures.py` (needs Chromium)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from browser_steps import Ehr, app_frame
from conftest import ARGS, CHROMIUM, free_port
from playwright.sync_api import Browser, expect, sync_playwright

from smartapp.serve import DemoPair

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {"1000": (1000, 700), "360": (360, 740)}


def main() -> None:
    """Every page of the walk at both widths, at fixed names."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as home,
        DemoPair(Path(home), free_port(), free_port()) as pair,
        sync_playwright() as playwright,
    ):
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for name, (width, height) in SIZES.items():
            walk(chromium, pair, name, width, height)
        chromium.close()


def walk(chromium: Browser, pair: DemoPair, name: str, width: int, height: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    ehr = Ehr(page, pair)

    def shoot(what: str) -> None:
        page.screenshot(path=PICTURES / f"{what}-{name}.png")

    page.goto(f"{pair.ehr_url}/")
    shoot("patients")
    ehr.open_chart("severe-primary")
    shoot("chart")
    ehr.draft("severe-primary", "clomiphene 25 mg")
    page.get_by_test_id("sign").click()
    page.locator("[data-indicator=critical]").first.wait_for()
    if width < 600:
        page.locator("[data-indicator=critical]").first.scroll_into_view_if_needed()
    shoot("order")
    for story, what in (
        ("severe-primary", "dashboard"),
        ("secondary-fertility", "candidate"),
        ("clomiphene-responding", "on-therapy"),
        ("si-units-oddities", "oddities"),
    ):
        ehr.open_chart(story)
        page.get_by_role("link", name="Open app").click()
        frame = app_frame(page)
        expect(frame.locator("#chart svg").first).to_be_visible(timeout=30_000)
        frame.locator("body").evaluate("() => document.fonts.ready")
        page.locator("iframe.app").screenshot(path=PICTURES / f"{what}-{name}.png")
    context.close()


if __name__ == "__main__":
    main()
