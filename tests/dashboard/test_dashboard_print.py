"""The overview on paper: one sheet, A4 or Letter, with what a colleague must read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from threading import Thread
from typing import Any

import pytest
from conftest import NOW, Desk, build_chart
from pypdf import PdfReader
from werkzeug.serving import make_server

from smartapp.engine import assess
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.knowledge.spelling import readable_unit
from smartapp.patient import read_record
from smartapp.stories import Story, load_stories

sync_api = pytest.importorskip("playwright.sync_api")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
STORIES = load_stories(NOW.date())

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


def pages(page: Any, paper: str) -> list[str]:
    """The text of each sheet, on one line."""
    pdf = PdfReader(BytesIO(page.pdf(format=paper)))
    return [re.sub(r"\s+", " ", sheet.extract_text()) for sheet in pdf.pages]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.key)
def test_every_story_prints_on_one_sheet_without_a_script(
    story: Story, desk: Desk, knowledge: Knowledge, browser: Any, address: str
) -> None:
    record = read_record(
        read_bundle(story.json()),
        knowledge.catalogue,
        issuer="https://ehr.example/fhir",
        timezone="America/New_York",
    )
    judged = assess(record, knowledge, NOW)
    desk.charts["launch-1"] = replace(build_chart(), record=record, assessment=judged)
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        for paper in ("A4", "Letter"):
            (said,) = pages(page, paper)
            assert record.demographics.name in said
            for one in judged.findings:
                assert one.rule in said
                sent = [readable_unit(d.original) for d in one.evidence if d.original and d.analyte]
                assert all(figure in said for figure in sent)
            assert all(q.fix in said for q in judged.not_evaluable)
            assert "rest with the prescriber" in said


def test_the_drawn_chart_prints_too_and_the_furniture_does_not(browser: Any, address: str) -> None:
    with browser.new_context(viewport={"width": 1000, "height": 700}) as context:
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("#chart.drawn svg", timeout=20_000)
        (said,) = pages(page, "A4")
    assert "Total testosterone (ng/dL)" in said
    assert "Read again" not in said
    assert "Same data as a table" not in said
    assert "Summary on one sheet" not in said
