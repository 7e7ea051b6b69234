"""The slider over the days of results, in a real browser; and the same form without any script."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from conftest import NOW, Desk, build_chart
from test_dashboard_browser import address, browser, opened, pytestmark  # noqa: F401 - fixtures

from smartapp.dashboard.asof import as_of
from smartapp.dashboard.chart import Past
from smartapp.knowledge import Knowledge

DAY = (NOW - timedelta(days=12)).date()


@pytest.fixture
def earlier(desk: Desk, knowledge: Knowledge) -> tuple[str, ...]:
    """A chart of 12 days ago; the stops of its slider."""
    usual = build_chart()
    moment = NOW - timedelta(days=12)
    desk.charts["launch-1"] = replace(
        usual,
        assessment=replace(usual.assessment, as_of=moment),
        past=Past(DAY, NOW.date(), usual.record),
    )
    return as_of(desk.charts["launch-1"], knowledge.catalogue).days


def test_arrow_keys_choose_a_day_and_enter_shows_it(
    browser: Any,  # noqa: F811
    address: str,  # noqa: F811
    earlier: tuple[str, ...],
) -> None:
    page, complaints = opened(browser, address, 1000, 700)
    slider = page.get_by_role("slider")
    assert slider.input_value() == str(earlier.index(DAY.isoformat()))
    slider.focus()
    page.keyboard.press("ArrowLeft")
    chosen = earlier[earlier.index(DAY.isoformat()) - 1]
    assert page.locator("#as-of").input_value() == chosen
    assert "as-of" not in page.url, "no page is loaded for a day passed over"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/?as-of={chosen}")
    assert not complaints


def test_a_pointer_that_lets_go_shows_the_day(
    browser: Any,  # noqa: F811
    address: str,  # noqa: F811
    earlier: tuple[str, ...],
) -> None:
    page, _ = opened(browser, address, 360, 740)
    box = page.get_by_role("slider").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 360
    page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    page.wait_for_url(f"**/?as-of={earlier[0]}")


def test_without_script_the_field_and_the_button_do(
    browser: Any,  # noqa: F811
    address: str,  # noqa: F811
    earlier: tuple[str, ...],
) -> None:
    page, _ = opened(browser, address, 1000, 700, java_script_enabled=False)
    assert page.get_by_role("slider").count() == 0
    page.locator("#as-of").fill("2026-05-01")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?as-of=2026-05-01")
