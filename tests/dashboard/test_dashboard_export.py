"""The files that leave the app: the sheet, the readings, the assessment."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
from conftest import EASTERN, NOW, Desk, build_chart, finding, reading, series
from pypdf import PdfReader

from smartapp.dashboard import Chart, figures
from smartapp.dashboard.chart import Past
from smartapp.engine import assess, to_json
from smartapp.engine.assessment import Due, NotEvaluable
from smartapp.fhir.model import Gap
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.labs.reading import Unused
from smartapp.patient import read_record
from smartapp.patient.record import Demographics
from smartapp.stories import Story, load_stories

FILES = ("summary.pdf", "readings.csv", "assessment.json")
STORIES = load_stories(NOW.date())


def chart_of(story: Story, knowledge: Knowledge) -> Chart:
    record = read_record(
        read_bundle(story.json()),
        knowledge.catalogue,
        issuer="https://ehr.example/fhir",
        timezone="America/New_York",
    )
    return replace(build_chart(), record=record, assessment=assess(record, knowledge, NOW))


def sheet(desk: Desk) -> PdfReader:
    answer = desk.get("summary.pdf")
    assert answer.status_code == 200
    return PdfReader(BytesIO(answer.data))


def text(of: PdfReader) -> str:
    return flat(" ".join(page.extract_text() for page in of.pages))


def flat(words: str) -> str:
    return re.sub(r"\s+", " ", words)


def rows(desk: Desk) -> list[dict[str, str]]:
    answer = desk.get("readings.csv")
    assert answer.status_code == 200
    return list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_kept_by_no_cache_and_named_after_nobody(desk: Desk, file: str) -> None:
    answer = desk.get(file)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="hpg-{file}"'


@pytest.mark.parametrize("file", FILES)
def test_a_launch_that_is_over_gives_no_file(desk: Desk, file: str) -> None:
    answer = desk.get(file, launch="another")
    assert answer.status_code >= 400
    assert b"Okafor" not in answer.data


@pytest.mark.parametrize("page", ["", "table", "unused"])
def test_every_page_leads_to_the_files(desk: Desk, page: str) -> None:
    html = desk.page(page)
    for file in FILES:
        assert f'href="/chart/launch-1/{file}"' in html


# -- the sheet


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.key)
def test_every_story_fits_one_sheet_that_says_all_that_matters(
    story: Story, desk: Desk, knowledge: Knowledge
) -> None:
    chart = desk.charts["launch-1"] = chart_of(story, knowledge)
    pdf = sheet(desk)
    said = text(pdf)
    assert len(pdf.pages) == 1
    assert f"{chart.record.demographics.name}, " in said
    assert "page 1 of 1" in said
    for one in chart.assessment.findings:
        assert flat(one.summary) in said
        assert one.severity == "info" or one.rule in said
    for question in chart.assessment.not_evaluable:
        assert flat(question.reason) in said
        assert flat(question.fix) in said
    for due in chart.assessment.due:
        assert due.test in said
        assert figures.day(due.due) in said


def test_the_sheet_names_man_values_versions_and_what_it_is_for(desk: Desk) -> None:
    said = text(sheet(desk))
    for words in (
        "Daniel Okafor", "Born 14 Mar 1987, 39 years", "Patient/42", "Wish for children: yes",
        "As known on 22 Nov 2026, 10:42", "Secondary hypogonadism", "238 ng/dL",
        "10 Nov 2026, 08:10", "Rule A-HCT", "AUA testosterone guideline 2018",
        "Prolactin was not measured", "Order prolactin (LOINC 2842-3)", "PSA, due 1 Oct 2026",
        "not approved anywhere known", "25 mg every other day", "acts at 52 %",
        "Protocol aua 2026.11.1", "HPG Recalibration Monitor", "rest with the prescriber",
    ):  # fmt: skip
        assert words in said, words


def test_the_sheet_can_be_read_aloud(desk: Desk) -> None:
    catalog: Any = sheet(desk).trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"].value is True
    assert catalog["/Lang"] == "en"
    (document,) = catalog["/StructTreeRoot"]["/K"]
    parts = [part.get_object() for part in document.get_object()["/K"]]
    kinds = [part["/S"] for part in parts]
    assert kinds[0] == "/H1"
    assert kinds.count("/H2") >= 5
    (figure,) = (part for part in parts if part["/S"] == "/Figure")
    assert figure["/Alt"].startswith("Newest results: ")


def test_the_files_own_title_names_nobody(desk: Desk) -> None:
    told = sheet(desk).metadata
    assert told is not None
    assert told.title == "HPG summary"
    assert "Okafor" not in str(dict(told))


@pytest.mark.parametrize("name", ["Łukasz Żółć", "Дмитрий Орлов", "Γιώργος Νέος", "Çağrı Yıldız"])
def test_a_name_in_other_letters_is_printed_in_them(desk: Desk, name: str) -> None:
    desk.charts["launch-1"] = named(name)
    said = text(sheet(desk))
    assert name in said
    assert "cannot print" not in said


def test_letters_the_sheet_does_not_have_are_owned_up_to(desk: Desk) -> None:
    desk.charts["launch-1"] = named("王 Okafor")
    said = text(sheet(desk))
    assert "? Okafor" in said
    assert "Letters that this sheet cannot print are shown as ?" in said


def named(name: str) -> Chart:
    who = Demographics(
        "Patient/42", name, date(1987, 3, 14), "male", "M", "male", "administrative gender male"
    )
    usual = build_chart()
    return replace(usual, record=replace(usual.record, demographics=who))


def test_many_notes_give_way_and_are_counted(desk: Desk) -> None:
    notes = tuple(finding(f"note-{n}", f"Note number {n} of many", id=f"n-{n}") for n in range(40))
    grave = finding("grave", "The one grave thing", severity="critical")
    desk.charts["launch-1"] = build_chart(findings=(*notes, grave))
    pdf = sheet(desk)
    said = text(pdf)
    assert len(pdf.pages) == 1
    assert "The one grave thing" in said
    told = said.count("Note number")
    assert f"and {40 - told} more of the kind Note" in said


def test_warnings_never_give_way_they_take_a_second_sheet(desk: Desk) -> None:
    many = tuple(
        finding(f"w-{n}", f"Warning number {n:02}.", id=f"w-{n}", severity="warning")
        for n in range(40)
    )
    note = finding("note", "A note among them")
    desk.charts["launch-1"] = build_chart(findings=(*many, note))
    pdf = sheet(desk)
    said = text(pdf)
    assert len(pdf.pages) > 1
    assert all(one.summary in said for one in many)
    # Nothing is gained by leaving it out, so it stays.
    assert "A note among them" in said
    for number, page in enumerate(pdf.pages, start=1):
        own = flat(page.extract_text())
        assert f"Daniel Okafor, 14 Mar 1987, page {number} of {len(pdf.pages)}" in own
        assert "rest with the prescriber" in own


def test_a_text_longer_than_a_sheet_runs_on(desk: Desk) -> None:
    long = " ".join(f"word{n}" for n in range(3000))
    desk.charts["launch-1"] = build_chart(
        not_evaluable=(NotEvaluable("R-WU-01", "axis-workup", long, "Order prolactin."),)
    )
    pdf = sheet(desk)
    said = text(pdf)
    assert len(pdf.pages) > 2
    assert all(f"word{n}" in said for n in range(0, 3000, 97))
    assert "Order prolactin." in said


def test_what_could_not_be_read_stands_before_the_verdict(desk: Desk) -> None:
    usual = build_chart(open_server=True)
    gap = Gap("Condition", "failed", "the EHR answered 503")
    desk.charts["launch-1"] = replace(usual, record=replace(usual.record, gaps=(gap,)))
    said = text(sheet(desk))
    assert said.index("the EHR answered 503") < said.index("Verdict")
    assert said.index("Open test server") < said.index("Verdict")


def test_without_results_there_is_a_sheet_without_a_picture(desk: Desk) -> None:
    usual = build_chart()
    desk.charts["launch-1"] = replace(usual, record=replace(usual.record, series={}))
    pdf = sheet(desk)
    assert len(pdf.pages) == 1
    assert not pdf.pages[0].images
    assert "Course" not in text(pdf)


def test_tests_due_on_one_day_share_a_line_and_overdue_ones_do_not(desk: Desk) -> None:
    window = (date(2026, 12, 1), date(2027, 1, 1))
    later = [Due(test, "1-8", date(2026, 12, 15), window, False) for test in ("LH", "FSH")]
    late = [Due(test, "1-8", date(2026, 10, 1), window, True) for test in ("PSA", "ALT")]
    desk.charts["launch-1"] = build_chart(due=(*later, *late))
    said = text(sheet(desk))
    assert "15 Dec 2026 LH, FSH (window" in said
    assert said.count("Overdue") == 2


# -- the readings


def test_every_result_has_its_line_with_what_was_sent_and_what_became_of_it(desk: Desk) -> None:
    table = rows(desk)
    by = {row["reference"]: row for row in table}
    sent = by["Observation/testosterone-400"]
    assert sent["drawn"] == "2025-10-18T08:10:00-05:00"
    assert sent["analyte"] == "Total testosterone"
    assert sent["value as sent"] == "20.1 nmol/L"
    assert (sent["converted value"], sent["converted unit"]) == ("579.740", "ng/dL")
    assert (sent["range source"], sent["used"]) == ("laboratory", "yes")
    assert by["Observation/psa-12"]["drawn"] == "2026-11-10"
    assert by["Observation/estradiol-12"]["converted value"] == "<10"
    assert by["Observation/fsh-12"]["range source"] == "default"
    odd = by["Observation/odd-1"]
    assert (odd["used"], odd["value as sent"]) == ("no", "9.1 ng/dL")
    assert "suspected to be nmol/L" in odd["reason"]
    assert by["Observation/9"]["flags"] == "malformed"
    record = desk.charts["launch-1"].record
    assert len(table) == sum(len(one.readings) for one in record.series.values()) + 2


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.key)
def test_no_row_of_any_story_is_lost(story: Story, desk: Desk, knowledge: Knowledge) -> None:
    chart = desk.charts["launch-1"] = chart_of(story, knowledge)
    told = [(row["reference"], row["used"]) for row in rows(desk)]
    for one in chart.record.series.values():
        for used in one.readings:
            assert (used.reference, "yes") in told
    for unused in chart.assessment.unused:
        assert (unused.reference, "no") in told


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", " =", "\r", "＝"])
def test_nothing_an_ehr_sends_runs_as_a_formula(desk: Desk, start: str) -> None:
    evil = f'{start}HYPERLINK("https://evil.example")'
    row = Unused(evil, evil, "testosterone", NOW, None, evil)
    desk.charts["launch-1"] = build_chart(
        unused=(row,), series=series(reading("lh", "3", 3, original=evil))
    )
    for told in rows(desk):
        for cell in told.values():
            assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝")), cell
    assert any(evil in cell for told in rows(desk) for cell in told.values())


def test_a_negative_number_stays_a_number(desk: Desk) -> None:
    bone = reading("lh", "-2.5", 3, original="-2.5")
    desk.charts["launch-1"] = build_chart(series=series(bone), unused=())
    assert rows(desk)[0]["value as sent"] == "-2.5"


# -- the assessment


def test_the_assessment_is_the_contracts_to_the_byte(desk: Desk) -> None:
    answer = desk.get("assessment.json")
    assert answer.mimetype == "application/json"
    assert answer.data == to_json(desk.charts["launch-1"].assessment)


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_of_the_day_its_page_is_of(desk: Desk, file: str) -> None:
    assert desk.get(f"{file}?as-of=tomorrow").status_code == 400
    assert desk.get(f"{file}?as-of=2026-05-01").status_code == 200
    assert desk.asked[-1] == date(2026, 5, 1)


def test_an_earlier_day_stays_in_the_links_and_on_the_sheet(desk: Desk) -> None:
    usual = desk.charts["launch-1"]
    past = Past(date(2026, 5, 1), NOW.date(), usual.record)
    then = replace(usual.assessment, as_of=datetime(2026, 5, 1, 20, 0, tzinfo=EASTERN))
    desk.charts["launch-1"] = replace(usual, past=past, assessment=then)
    for file in FILES:
        assert f'href="/chart/launch-1/{file}?as-of=2026-05-01"' in desk.page()
    said = text(sheet(desk))
    assert said.index("As known on 1 May 2026, at the end of the day") < said.index("Verdict")
