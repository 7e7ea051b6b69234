"""What a physician finds on the pages, and what a browser is told about them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from conftest import NOW, Desk, build_chart, evidence, finding, reading, series

from smartapp.dashboard import ShownFinding, words
from smartapp.engine.assessment import (
    Assessment,
    Axis,
    AxisState,
    Basis,
    Citation,
    Option,
    Recommendation,
    RecommendationStatus,
    Why,
)
from smartapp.fhir.model import Gap
from smartapp.labs.reading import Range, Unused

PAGES = ("", "table", "unused", "finding/f-hematocrit-high")
HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'"&'


class Markup(HTMLParser):
    """Collects what a strict policy forbids, and the text a reader sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.inline: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        handlers = [name for name in given if name.startswith("on") or name == "style"]
        if handlers or tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(f"{tag} {given}")
        if (given.get("href") or "").lower().startswith(("javascript:", "data:")):
            self.inline.append(f"{tag} {given}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.text))


def said(html: str) -> str:
    return Markup(html).words


def test_the_answer_comes_before_the_details(desk: Desk) -> None:
    words_ = said(desk.page())
    order = [
        "Daniel Okafor",
        "Secondary hypogonadism",
        "Two morning testosterones below 300 ng/dL",
        "Candidate for recalibration therapy",
        "Hematocrit 51.4 %: recheck",
        "Cannot judge",
        "Prolactin was not measured",
        "Course",
    ]
    places = [words_.index(text) for text in order]
    assert places == sorted(places)


def test_findings_stand_by_severity_with_word_and_icon(desk: Desk) -> None:
    html = desk.page()
    assert html.index("finding-f-hematocrit-high") < html.index("finding-f-recalibration-candidate")
    assert 'href="#i-warning"' in html
    assert "Warning" in said(html)


def test_every_finding_shows_its_evidence_rule_basis_and_source(desk: Desk) -> None:
    chart = desk.charts["launch-1"]
    words_ = said(desk.page())
    for one in chart.assessment.findings:
        assert one.summary in words_
        assert one.rule in words_
        assert words.BASIS[one.basis] in words_
        for datum in one.evidence:
            assert datum.original and datum.original in words_
            assert datum.reference in words_
        for citation in one.citations:
            assert citation.label in words_
            assert f'href="{citation.url}"' in desk.page()
    assert "Hematocrit 51.4 %, acts at 52 %" in words_


def test_a_result_is_shown_as_sent_with_the_converted_figure_beside_it(desk: Desk) -> None:
    words_ = said(desk.page("table"))
    assert "20.1 nmol/L (579.7 ng/dL)" in words_
    assert "238 ng/dL (238" not in words_
    assert "< 10 pg/mL" in words_
    assert "not a morning draw" in words_


def test_the_page_needs_no_script(desk: Desk) -> None:
    html = desk.page()
    assert '<noscript><img src="/chart/launch-1/chart.svg"' in html
    for one in desk.charts["launch-1"].record.series.values():
        for row in one.readings:
            assert row.original in said(html)


def test_what_was_not_used_stands_with_its_reason(desk: Desk) -> None:
    words_ = said(desk.page("unused"))
    assert "9.1 ng/dL" in words_
    assert "suspected to be nmol/L" in words_
    assert "$.valueQuantity.value" in words_
    assert "the value is not a number" in words_
    assert "Not used 2" in said(desk.page())


@pytest.mark.parametrize("path", PAGES)
def test_pages_carry_name_intended_use_and_versions(desk: Desk, path: str) -> None:
    words_ = said(desk.page(path))
    assert "Daniel Okafor" in words_
    assert words.INTENDED_USE in words_
    assert "protocol aua 2026.11.1" in words_
    assert "Data read 22 Nov 2026, 10:42" in words_
    assert "administrative gender male, birth sex M" in words_


@pytest.mark.parametrize("path", PAGES)
def test_no_inline_script_or_style_anywhere(desk: Desk, path: str) -> None:
    markup = Markup(desk.page(path))
    assert markup.inline == []
    assert markup.tags


@pytest.mark.parametrize("path", (*PAGES, "chart.json", "chart.svg"))
def test_headers_allow_no_foreign_code_and_only_the_ehr_as_frame(desk: Desk, path: str) -> None:
    headers = desk.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'; script-src 'self'; style-src 'self'" in policy
    assert policy.endswith("frame-ancestors https://ehr.example")
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_launch_without_frame_ancestors_may_not_be_framed(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(frame_ancestors=())
    assert desk.get().headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")


@pytest.mark.parametrize("path", PAGES)
def test_hostile_text_is_only_text(desk: Desk, path: str) -> None:
    row = reading("testosterone", "210", 30, original=HOSTILE, reference=HOSTILE)
    usual = build_chart()
    desk.charts["launch-1"] = build_chart(
        demographics=replace(usual.record.demographics, name=HOSTILE, sex_basis=HOSTILE),
        series=series(row, unused=(Unused(HOSTILE, HOSTILE, "lh", NOW, NOW, HOSTILE),)),
        unused=(Unused(HOSTILE, HOSTILE, "lh", NOW, NOW, HOSTILE),),
        gaps=(Gap(HOSTILE, "failed", HOSTILE),),
        axis=Axis("secondary", HOSTILE, (evidence(row),)),
        findings=(
            finding(
                "hematocrit-high", HOSTILE, evidence(row), detail=HOSTILE, rule=HOSTILE,
                citations=(Citation(HOSTILE, f'javascript:alert("{HOSTILE}")'),),
            ),
        ),
    )  # fmt: skip
    html = desk.page(path)
    markup = Markup(html)
    assert markup.inline == []
    assert not [tag for tag, given in markup.tags if tag == "img" and given.get("src") == "x"]
    assert [given for tag, given in markup.tags if tag == "script" and "alert" in str(given)] == []
    assert HOSTILE in markup.words


def test_hostile_text_cannot_break_out_of_the_chart(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(
        series=series(reading("lh", "3", 30, original=HOSTILE, flags=(HOSTILE,)))
    )
    answer = desk.get("chart.json")
    assert answer.mimetype == "application/json"
    assert json.loads(answer.data)["datasets"]["points_lh"][0]["value"] == HOSTILE
    assert "<script" not in desk.page("chart.svg")


def shown(**changes: Any) -> ShownFinding:
    made = ShownFinding(
        "f-hematocrit-high", "hematocrit-high", "warning", "Hematocrit 52.4 %: recheck",
        NOW - timedelta(minutes=30), "print-1",
    )  # fmt: skip
    return replace(made, **changes)


def test_a_finding_opened_from_its_card_is_first_and_open(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(
        wanted="f-recalibration-candidate",
        shown=shown(id="f-recalibration-candidate", code="recalibration-candidate"),
    )
    html = desk.page()
    assert html.index("finding-f-recalibration-candidate") < html.index("finding-f-hematocrit-high")
    assert re.search(r'id="finding-f-recalibration-candidate" open', html)
    assert "the same finding on the same evidence" in said(html)


def test_a_finding_on_other_evidence_says_what_differs(desk: Desk) -> None:
    corrected = reading("hematocrit", "51.4", 12, status="corrected")
    usual = build_chart()
    desk.charts["launch-1"] = build_chart(
        wanted="f-hematocrit-high",
        shown=shown(fingerprint="print-0", severity="critical"),
        series={**usual.record.series, **series(corrected)},
    )
    words_ = said(desk.page())
    assert "Shown at 10:12 from the EHR's prefetch; with the data read now:" in words_
    assert "The card said: Hematocrit 52.4 %: recheck" in words_
    assert "It was a critical; it is now a warning." in words_
    assert "Corrected by the laboratory: Hematocrit 51.4 %, drawn 10 Nov 2026, 08:10." in words_


def test_a_finding_that_is_gone_is_still_told_and_nothing_opens_in_its_place(desk: Desk) -> None:
    later = reading("hematocrit", "44", 1, recorded=NOW - timedelta(minutes=5))
    desk.charts["launch-1"] = build_chart(
        wanted="f-gone", shown=shown(id="f-gone"), series=series(later), findings=(),
    )  # fmt: skip
    html = desk.page()
    words_ = said(html)
    assert "Hematocrit 52.4 %: recheck" in words_
    assert "with the data read now: this finding no longer arises." in words_
    assert "Known since: Hematocrit 44 %" in words_
    assert "Near the limit now: Hematocrit 51.4 %, acts at 52 %" in words_
    assert not re.search(r'<details class="finding[^>]* open', html)


def test_a_launch_naming_an_unknown_finding_says_so(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(wanted="nobody-knows-this")
    html = desk.page()
    assert "The finding that was asked for is not among those" in said(html)
    assert "nobody-knows-this" not in html
    assert desk.get("finding/nobody-knows-this").status_code == 404


def test_data_that_could_not_be_read_are_named_with_what_still_holds(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(
        gaps=(Gap("Condition", "failed", "The EHR refused the search (403)."),)
    )
    words_ = said(desk.page())
    assert "Read only in part." in words_
    assert "Diagnoses could not be read: The EHR refused the search (403)." in words_
    assert "What is shown from the other data still holds." in words_


def test_a_chart_without_results_says_so_and_draws_nothing(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(series={}, unused=(), findings=())
    assert "No hormone results." in said(desk.page())
    assert "<figure" not in desk.page()
    assert desk.get("chart.json").status_code == 404
    assert desk.get("chart.svg").status_code == 404


def test_somebody_outside_the_rules_is_shown_as_unknown_not_as_normal(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(
        axis=Axis("not-applicable", "Gender is not recorded as male."),
        recommendation=Recommendation("cannot-assess"),
        findings=(),
        not_evaluable=(),
    )
    html = desk.page()
    assert "Outside these rules" in said(html)
    assert 'class="state tone-unknown"' in html
    assert "tone-go" not in html


def test_a_range_stands_as_the_laboratory_sent_it(desk: Desk) -> None:
    within = Range(Decimal("265.3"), Decimal("917.2"), "laboratory", "9.2 nmol/L to 31.8 nmol/L")
    row = reading("testosterone", "268.2", 3, original="9.3 nmol/L", range=within)
    desk.charts["launch-1"] = build_chart(series=series(row, reading("fsh", "4", 3)))
    words_ = said(desk.page("table"))
    assert "9.2 nmol/L to 31.8 nmol/L (265.3 to 917.2 ng/dL), laboratory" in words_
    assert "1.5 to 12.4 IU/L, our default" in words_


def test_an_option_closed_by_the_drug_is_told_from_one_closed_for_now(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(
        recommendation=Recommendation(
            "confirm-first",
            (
                Option(
                    "clomiphene",
                    False,
                    "25 mg",
                    ("confirm-first",),
                    (),
                    "off-label",
                    blocked_words=("open points come first",),
                ),
                Option(
                    "hcg",
                    False,
                    "1500 IU",
                    ("hematocrit-stop", "confirm-first"),
                    (),
                    "",
                    blocked_words=(
                        "hematocrit at the limit for stopping",
                        "open points come first",
                    ),
                ),
            ),
            (Why("prolactin-missing", "Prolactin was not measured.", "Order prolactin."),),
        )
    )
    html = desk.page()
    words_ = said(html)
    assert "Clomiphene Not eligible now" in words_
    assert "open points come first" in words_
    assert "Prolactin was not measured. Order prolactin." in words_
    assert "hCG Not eligible Blocked" in words_
    assert "<dt>Published start</dt>" not in html
    assert "tone-go" not in html


def test_no_unknown_state_is_painted_in_the_tone_of_a_good_answer() -> None:
    unknown = {"indeterminate", "insufficient", "not-applicable"}
    assert {words.AXIS[state].tone for state in unknown} == {"unknown"}
    assert words.STATUS["cannot-assess"].tone == "unknown"


def test_every_state_status_and_basis_has_its_words() -> None:
    assert set(words.AXIS) == set(get_args(AxisState))
    assert set(words.STATUS) == set(get_args(RecommendationStatus))
    assert set(words.BASIS) == set(get_args(Basis))


def test_the_strip_gives_way_to_the_ehrs_own_banner_but_the_name_stays(desk: Desk) -> None:
    desk.charts["launch-1"] = build_chart(need_patient_banner=False)
    html = desk.page()
    assert "Daniel Okafor" in said(html)
    assert "39 years" not in said(html)


def test_an_open_test_server_is_named_as_such(desk: Desk) -> None:
    assert "Open test server" not in desk.page()
    desk.charts["launch-1"] = build_chart(open_server=True)
    assert "Open test server" in said(desk.page())


def test_two_launches_show_each_its_own_man(desk: Desk) -> None:
    usual = build_chart()
    desk.charts["launch-2"] = build_chart(
        demographics=replace(usual.record.demographics, name="Peter Lindqvist")
    )
    for _ in range(2):
        assert "Daniel Okafor" in desk.page()
        assert "Peter Lindqvist" not in desk.page()
        assert "Peter Lindqvist" in desk.page(launch="launch-2")
        assert "/chart/launch-2/refresh" in desk.page(launch="launch-2")


def test_reading_again_and_closing_are_posts_of_our_own_pages(desk: Desk) -> None:
    client = desk.app.test_client()
    answer = client.post("/chart/launch-1/refresh", headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/chart/launch-1/")
    assert client.get("/chart/launch-1/refresh").status_code == 405
    assert desk.refreshed == ["launch-1"]
    foreign = client.post("/chart/launch-1/logout", headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 401
    assert desk.ended == []
    closed = client.post("/chart/launch-1/logout")
    assert desk.ended == ["launch-1"]
    assert "Daniel" not in closed.get_data(as_text=True)
    assert closed.headers["Content-Security-Policy"].endswith("frame-ancestors *")


def test_an_expired_launch_is_refused_by_its_own_error(desk: Desk) -> None:
    assert desk.get(launch="over").status_code == 410


def test_the_assessment_type_has_no_member_the_page_forgets(desk: Desk) -> None:
    shown_on_page = {
        "patient", "as_of", "protocol", "axis", "therapy", "recommendation", "findings",
        "not_evaluable", "near_misses", "due", "wishes", "unused",
    }  # fmt: skip
    # Endpoints get their lane with the questionnaires; a new member must be given a place.
    assert set(Assessment.__dataclass_fields__) == shown_on_page | {"endpoints"}
