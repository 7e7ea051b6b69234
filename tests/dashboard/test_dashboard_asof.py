"""The chart of an earlier day: the same judgement, nothing that came later, and the way back."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import NOW, Desk, build_chart

from smartapp.dashboard import Chart
from smartapp.dashboard.asof import EARLIEST, as_of, asked_day, end_of, known_then, result_days
from smartapp.dashboard.chart import Past
from smartapp.engine import assess
from smartapp.errors import InputError
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge
from smartapp.patient import read_record
from smartapp.patient.record import Allergy, PatientRecord, Problem
from smartapp.stories import Story, load_stories

STORIES = {story.key: story for story in load_stories(NOW.date())}
ZONE = ZoneInfo("America/New_York")
TODAY = NOW.date()


def record_of(story: Story, knowledge: Knowledge) -> PatientRecord:
    return read_record(
        read_bundle(story.json()),
        knowledge.catalogue,
        issuer="https://ehr.example/fhir",
        timezone=str(ZONE),
    )


def on(day: date, record: PatientRecord, knowledge: Knowledge) -> Chart:
    """The chart of an earlier day, as the app opens it."""
    moment = end_of(day, ZONE)
    return replace(
        build_chart(),
        record=known_then(record, knowledge.catalogue, moment),
        assessment=assess(record, knowledge, moment),
        past=Past(day, TODAY, record),
    )


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


# --- what is shown is what is judged -----


@pytest.mark.parametrize("key", STORIES)
def test_the_rows_of_an_earlier_day_give_the_answer_of_that_day(
    key: str, knowledge: Knowledge
) -> None:
    record = record_of(STORIES[key], knowledge)
    for weeks in range(0, 130, 5):
        moment = end_of(TODAY - timedelta(weeks=weeks), ZONE)
        then = known_then(record, knowledge.catalogue, moment)
        assert assess(then, knowledge, moment) == assess(record, knowledge, moment)


@pytest.mark.parametrize("key", STORIES)
def test_no_row_that_came_later_is_left(key: str, knowledge: Knowledge) -> None:
    record = record_of(STORIES[key], knowledge)
    for day in [*result_days(record, ZONE), date(2020, 1, 1)]:
        then = known_then(record, knowledge.catalogue, end_of(day, ZONE))
        assert all(known <= day for known in result_days(then, ZONE))
        assert all(row.drawn <= day for one in then.series.values() for row in one.readings)
        assert all(row.start is None or row.start <= day for row in then.therapy.episodes)
        assert all(row.known is None or row.known <= day for row in then.problems)
    nothing = known_then(record, knowledge.catalogue, end_of(date(1950, 1, 1), ZONE))
    assert nothing.series == {}


def test_the_end_of_a_day_is_the_end_on_the_patients_clock() -> None:
    assert end_of(date(2026, 5, 1), ZONE).utcoffset() == timedelta(hours=-4)
    assert end_of(date(2026, 12, 1), ZONE).utcoffset() == timedelta(hours=-5)
    assert end_of(date(2026, 5, 1), None).utcoffset() == timedelta(0)
    assert end_of(date(2026, 5, 1), ZONE).date() == date(2026, 5, 1)


# --- the page -------------------------------------------------------------------------------------


def test_the_page_of_an_earlier_day_says_so_and_shows_nothing_later(
    desk: Desk, knowledge: Knowledge
) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    days = result_days(record, ZONE)
    now = replace(build_chart(), record=record, assessment=assess(record, knowledge, NOW))
    desk.charts |= {"today": now, "launch-1": on(days[1], record, knowledge)}
    page = desk.page(f"?as-of={days[1]}")
    said = text_of(page)
    assert desk.asked == [days[1]]
    assert "As known on 2 Jan 2026, at the end of the day." in said
    assert "Not today's chart" in said
    assert "Secondary hypogonadism" in said
    later = [
        row.reference
        for series in record.series.values()
        for row in series.readings
        if row.drawn > days[1]
    ]
    today = desk.page(launch="today")
    assert [reference for reference in later if f">{reference}<" in today]
    for path in ("", "table", "unused"):
        shown = desk.page(path)
        assert "Not today's chart" in text_of(shown)
        assert not [reference for reference in later if f">{reference}<" in shown]


def test_every_link_of_an_earlier_day_stays_on_it_and_one_leads_back(
    desk: Desk, knowledge: Knowledge
) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    day = result_days(record, ZONE)[2]
    desk.charts["launch-1"] = on(day, record, knowledge)
    for path in ("", "table", "unused"):
        page = desk.page(path)
        own = re.findall(r'(?:href|src|data-spec|data-picture)="(/chart/launch-1/[^"]*)"', page)
        assert own
        assert all(f"?as-of={day}" in address for address in own), own
        assert f'action="/chart/launch-1/refresh?as-of={day}"' in page
        assert 'href="?">Back to today</a>' in page


def test_the_days_of_results_are_one_step_away(desk: Desk, knowledge: Knowledge) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    days = result_days(record, ZONE)
    now = replace(build_chart(), record=record, assessment=assess(record, knowledge, NOW))
    seen, chart = [], now
    while (before := as_of(chart, knowledge.catalogue).before) is not None:
        seen.append(date.fromisoformat(before.day))
        chart = on(seen[-1], record, knowledge)
    assert seen == list(reversed(days))
    after = as_of(chart, knowledge.catalogue).after
    assert after is not None
    assert (after.day, after.words) == (days[1].isoformat(), "2 Jan 2026")
    assert as_of(now, knowledge.catalogue).after is None
    desk.charts["launch-1"] = now
    page = desk.page()
    assert f'href="?as-of={days[-1]}" rel="prev"' in page
    assert 'rel="next"' not in page


def test_todays_chart_has_the_form_and_no_banner(desk: Desk) -> None:
    page = desk.page()
    assert desk.asked == [None]
    assert "Not today's chart" not in text_of(page)
    assert '<input id="as-of" type="date" name="as-of" value="2026-11-22"' in page
    assert "as-of=" not in re.sub(r'href="\?as-of=[^"]*"', "", page)


def test_the_drawing_is_of_the_day(desk: Desk, knowledge: Knowledge) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    day = result_days(record, ZONE)[1]
    desk.charts["launch-1"] = on(day, record, knowledge)
    drawn = json.loads(desk.get(f"chart.json?as-of={day}").data)
    assert desk.asked == [day]
    times = [row["t"] for row in drawn["datasets"]["times"]]
    assert times
    assert all(at[:10] <= day.isoformat() for at in times)
    assert desk.get(f"chart.svg?as-of={day}").status_code == 200


def test_reading_again_stays_on_the_day(desk: Desk) -> None:
    client = desk.app.test_client()
    own = {"Sec-Fetch-Site": "same-origin"}
    answer = client.post("/chart/launch-1/refresh?as-of=2026-05-01", headers=own)
    assert answer.headers["Location"] == "/chart/launch-1/?as-of=2026-05-01"
    refused = client.post("/chart/launch-1/refresh?as-of=x", headers=own)
    assert refused.status_code == 400
    assert desk.refreshed == ["launch-1"]


def test_a_finding_that_did_not_arise_then_is_not_replaced_by_another(
    desk: Desk, knowledge: Knowledge
) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    now = assess(record, knowledge, NOW)
    desk.charts["launch-1"] = on(result_days(record, ZONE)[0], record, knowledge)
    answer = desk.get(f"finding/{now.findings[0].id}?as-of=2025-12-05")
    assert answer.status_code == 404
    assert "does not follow from what was known on 5 Dec 2025" in text_of(answer.text)


# --- a day that cannot be shown -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "20260501",
        "2026-W18-5",
        "2026-02-30",
        "1899-12-31",
        "2026-5-1",
        "<b>",
        "9" * 999,
    ],
)
def test_a_day_that_cannot_be_read_is_refused_and_not_repeated(desk: Desk, text: str) -> None:
    answer = desk.get("", query_string={"as-of": text})
    assert answer.status_code == 400
    assert "year-month-day" in answer.text
    assert text not in answer.text
    assert desk.asked == []


def test_no_day_is_today() -> None:
    assert asked_day(None) is None
    assert asked_day("") is None
    assert asked_day("1900-01-01") == EARLIEST
    with pytest.raises(InputError):
        asked_day(" 2026-05-01")


# --- what only today can tell ---------------------------------------------------------------------


def problem(name: str, **changes: object) -> Problem:
    made = Problem(
        f"Condition/{name}", frozenset({"sleep-apnea"}), (), name, True, False, date(2020, 1, 1),
        date(2020, 1, 1), None, None, "condition", "code",
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def standing(record: PatientRecord, knowledge: Knowledge) -> list[str]:
    return list(as_of(on(date(2026, 5, 1), record, knowledge), knowledge.catalogue).standing)


def test_what_nobody_dated_is_named_and_what_is_dated_is_not(knowledge: Knowledge) -> None:
    record = replace(
        record_of(STORIES["eugonadal"], knowledge),
        problems=(
            problem("Dated"),
            problem("Ended", active=False, abated=date(2021, 1, 1)),
            problem("Withdrawn", refuted=True),
            problem("Over", active=False),
            problem("Begun", onset=None, recorded=None),
        ),
        allergies=(
            Allergy("AllergyIntolerance/1", frozenset(), "allergy", False, "clomiphene", None),
            Allergy("AllergyIntolerance/2", frozenset(), "allergy", True, "hCG", None),
            Allergy("AllergyIntolerance/3", frozenset(), "allergy", True, "FSH", date(2020, 1, 1)),
        ),
    )
    said = standing(record, knowledge)
    assert said[0].startswith("The rules are today's (aua ")
    assert said[2:7] == [
        "Withdrawn: withdrawn, on a day not recorded; left out on every day.",
        "Over: no longer active, since a day not recorded.",
        "Begun: since when it was known is not recorded.",
        "Allergy, clomiphene: no longer active, since a day not recorded; left out on every day.",
        "Allergy, hCG: since when it was known is not recorded.",
    ]
    assert not [line for line in said if line.startswith(("Dated", "Ended", "Allergy, FSH"))]


def test_a_death_without_a_day_and_a_status_changed_without_one_are_named(
    knowledge: Knowledge,
) -> None:
    record = record_of(STORIES["clomiphene-responding"], knowledge)
    living = standing(record, knowledge)
    dead = standing(
        replace(record, demographics=replace(record.demographics, deceased=True)), knowledge
    )
    assert set(dead) - set(living) == {"That he has died is shown on every day."}
    vague = tuple(replace(one, undated=True) for one in record.therapy.episodes)
    chart = on(date(2026, 5, 1), record, knowledge)
    therapy = replace(chart.record.therapy, episodes=vague)
    chart = replace(chart, record=replace(chart.record, therapy=therapy))
    assert (
        "Clomiphene: its status changed on a day not recorded."
        in as_of(chart, knowledge.catalogue).standing
    )


def test_results_known_in_the_evening_belong_to_the_day_of_the_patients_clock(
    knowledge: Knowledge,
) -> None:
    record = record_of(STORIES["one-low-sample"], knowledge)
    evening = datetime(2026, 11, 12, 2, 30, tzinfo=NOW.tzinfo)  # 21:30 on the 11th in New York
    bundle = json.loads(STORIES["one-low-sample"].json())
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Observation":
            entry["resource"]["issued"] = evening.isoformat()
    late = read_record(
        read_bundle(json.dumps(bundle).encode()),
        knowledge.catalogue,
        issuer=record.issuer,
        timezone=str(ZONE),
    )
    assert result_days(late, ZONE) == [date(2026, 11, 11)]
    catalogue = knowledge.catalogue
    assert known_then(late, catalogue, end_of(date(2026, 11, 11), ZONE)).series
    assert not known_then(late, catalogue, end_of(date(2026, 11, 10), ZONE)).series
