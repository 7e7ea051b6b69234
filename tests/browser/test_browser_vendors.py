"""One short walk for each kind of EHR: chart, cards, launch, dashboard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_steps import Ehr, app_frame
from playwright.sync_api import Page, expect

from smartapp.demo import vendors
from smartapp.serve import DemoPair

pytestmark = pytest.mark.browser


@pytest.fixture(params=vendors())
def vendor_pair(
    request: pytest.FixtureRequest, tmp_path: Path, free_ports: tuple[int, int]
) -> Iterator[DemoPair]:
    with DemoPair(tmp_path, *free_ports, vendor=request.param) as pair:
        yield pair


def test_from_chart_to_dashboard_whoever_made_the_ehr(page: Page, vendor_pair: DemoPair) -> None:
    ehr = Ehr(page, vendor_pair)
    ehr.open_chart("severe-primary")
    expect(page.get_by_test_id("card").first).to_contain_text("testicular failure")
    ehr.open_app()
    app = app_frame(page)
    expect(app.locator(".strip")).to_contain_text(ehr.name)
    expect(app.locator("h1")).to_contain_text(re.compile("primary", re.IGNORECASE))
    expect(app.locator("details.finding").first).to_contain_text("testicular failure")
