"""What a physician does in the sandbox EHR, as verbs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from playwright.sync_api import FrameLocator, Locator, Page, expect

from smartapp.serve import DemoPair
from smartapp.stories import Story, load_stories


class Ehr:
    """One tab of the sandbox EHR."""

    def __init__(self, page: Page, pair: DemoPair) -> None:
        self.page = page
        self.pair = pair
        self.name = ""
        self.patient_id = ""

    def open_chart(self, story: str) -> None:
        """From the patient list to the chart of a story's patient, cards and all."""
        self.patient_id = patient_of(story)
        self.page.goto(f"{self.pair.ehr_url}/")
        self.page.locator(f"ul.patients a[href$='/{self.patient_id}']").click()
        name = self.page.locator("section.patient .name").text_content()
        assert name
        self.name = name.strip()

    def open_app(self) -> None:
        self.page.get_by_role("link", name="Open app").click()

    def draft(self, story: str, label: str) -> None:
        """Put a draft of the drug whose label begins so on the order pad: order-select fires."""
        self.patient_id = patient_of(story)
        if "/orders" not in self.page.url:
            self.page.get_by_role("link", name="Orders").click()
        options = self.page.locator("#choice option")
        wanted = options.filter(has_text=re.compile(re.escape(label), re.IGNORECASE)).first
        value = wanted.get_attribute("value")
        assert value
        self.page.select_option("#choice", value)
        self.page.get_by_role("button", name="Add draft").click()
        expect(self.page.get_by_test_id("draft").first).to_be_visible()


def patient_of(story: str) -> str:
    return _story(story).patient_id


def results_of(story: str, loinc: str) -> list[dict[str, Any]]:
    """The story's Observations with that LOINC code, as the sandbox serves them today."""
    return [
        resource
        for resource in _story(story).resources()
        if resource["resourceType"] == "Observation"
        and any(c.get("code") == loinc for c in resource["code"].get("coding", ()))
    ]


def _story(key: str) -> Story:
    today = datetime.now(UTC).astimezone().date()
    return next(s for s in load_stories(today) if s.key == key)


def app_frame(page: Page) -> FrameLocator:
    """The app inside the EHR's page."""
    return page.frame_locator("iframe.app")


def open_finding(finding: Locator) -> None:
    """Open a finding's evidence unless it is open already."""
    if finding.get_attribute("open") is None:
        finding.locator("summary").first.click()
