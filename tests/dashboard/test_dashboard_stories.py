"""The fixture patients, read, judged and shown by the real rooms."""

from __future__ import annotations

import html
from dataclasses import replace

import pytest
from conftest import NOW, Desk, build_chart

from smartapp.engine import assess
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.patient import read_record
from smartapp.stories import Story, load_stories

STORIES = load_stories(NOW.date())


@pytest.fixture(params=STORIES, ids=lambda story: story.key)
def story(request: pytest.FixtureRequest, desk: Desk, knowledge: Knowledge) -> Story:
    told: Story = request.param
    record = read_record(
        read_bundle(told.json()),
        knowledge.catalogue,
        issuer="https://ehr.example/fhir",
        timezone="America/New_York",
    )
    usual = build_chart()
    desk.charts["launch-1"] = replace(
        usual, record=record, assessment=assess(record, knowledge, NOW)
    )
    return told


def test_every_finding_of_every_story_is_shown_with_what_it_rests_on(
    story: Story, desk: Desk
) -> None:
    chart = desk.charts["launch-1"]
    page = html.unescape(desk.page())
    assert chart.record.demographics.name in page
    for one in chart.assessment.findings:
        assert one.summary in page
        assert one.rule in page
        assert one.citations
        assert all(citation.url in page for citation in one.citations)
        for datum in one.evidence:
            assert datum.reference in page
            assert datum.original is None or datum.original in page
    for question in chart.assessment.not_evaluable:
        assert question.reason in page
        assert question.fix in page


def test_every_result_and_every_unused_row_of_every_story_is_on_its_page(
    story: Story, desk: Desk
) -> None:
    chart = desk.charts["launch-1"]
    table, left = html.unescape(desk.page("table")), html.unescape(desk.page("unused"))
    for series in chart.record.series.values():
        for reading in series.readings:
            assert reading.original in table
            assert reading.reference in table
    for row in chart.assessment.unused:
        assert row.reference in left


def test_every_story_with_hormones_can_be_drawn(story: Story, desk: Desk) -> None:
    drawn = desk.get("chart.json").status_code
    assert (drawn == 200) == ("<figure" in desk.page())
