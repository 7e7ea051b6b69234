"""What the man wants, from whoever wrote it down last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from smartapp.patient.record import PatientRecord, Wishes
from smartapp.patient.wishes import wishes_on

ReadMan = Callable[..., PatientRecord]


def goal(text: str, day: str = "2026-05-01", status: str = "active", ident: str = "g") -> Any:
    return {
        "resourceType": "Goal",
        "id": ident,
        "lifecycleStatus": status,
        "description": {"text": text},
        "startDate": day,
    }


def condition(code: str, day: str, ident: str = "c") -> Any:
    return {
        "resourceType": "Condition",
        "id": ident,
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
        "recordedDate": day,
    }


def answer(text: str, **value: Any) -> Any:
    return {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "code": {"text": text},
        "effectiveDateTime": "2026-06-01",
        **value,
    }


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Wants to father a child", "yes"),
        ("Preserve fertility", "yes"),
        ("Partner wishes to conceive within a year", "yes"),
        ("Does not want more children", "no"),
        ("Family is complete", "no"),
        ("No fertility wish", "no"),
        ("Walk 8000 steps a day", "unknown"),
    ],
)
def test_a_goal_tells_the_fertility_wish(read_man: ReadMan, text: str, wish: str) -> None:
    wishes = read_man(goal(text)).wishes
    assert wishes.fertility == wish
    assert wishes.date == (None if wish == "unknown" else date(2026, 5, 1))


def test_a_goal_that_was_given_up_or_reached_is_no_wish(read_man: ReadMan) -> None:
    for status in ("cancelled", "rejected", "completed", "entered-in-error"):
        assert read_man(goal("Father a child", status=status)).wishes.fertility == "unknown"


@pytest.mark.parametrize("code", ["Z31.69", "Z31.41", "N46.01", "N46.9"])
def test_fertility_care_tells_the_wish(read_man: ReadMan, code: str) -> None:
    wishes = read_man(condition(code, "2026-02-03")).wishes
    assert (wishes.fertility, wishes.source) == ("yes", "Condition/c")


@pytest.mark.parametrize("code", ["Z98.52", "Z30.2"])
def test_a_later_sterilization_ends_the_wish_an_earlier_one_does_not(
    read_man: ReadMan, code: str
) -> None:
    wish = condition("Z31.69", "2026-02-03", "w")
    assert read_man(wish, condition(code, "2026-04-01", "v")).wishes.fertility == "no"
    assert read_man(wish, condition(code, "2020-04-01", "v")).wishes.fertility == "yes"


@pytest.mark.parametrize(
    ("value", "wish"),
    [
        ({"valueBoolean": True}, "yes"),
        ({"valueBoolean": False}, "no"),
        ({"valueCodeableConcept": {"text": "Yes"}}, "yes"),
        ({"valueCodeableConcept": {"text": "No, not now"}}, "no"),
        ({"valueCodeableConcept": {"text": "undecided"}}, "unknown"),
    ],
)
def test_an_answer_to_the_question_tells_the_wish(
    read_man: ReadMan, value: dict[str, Any], wish: str
) -> None:
    assert read_man(answer("Fertility desired", **value)).wishes.fertility == wish


def test_the_newest_word_counts(read_man: ReadMan) -> None:
    old = goal("Father a child", "2024-01-01", ident="g1")
    new = goal("Does not want children any more", "2026-01-01", ident="g2")
    assert read_man(old, new).wishes.fertility == "no"
    assert read_man(new, old) == read_man(old, new)


def test_the_wish_to_keep_ones_own_testosterone_is_a_wish_of_its_own(read_man: ReadMan) -> None:
    wishes = read_man(goal("Keep his own testosterone production; no testosterone")).wishes
    assert (wishes.endogenous, wishes.fertility) == ("yes", "unknown")
    assert wishes.source == "Goal/g"


def test_nobody_asked_is_unknown(read_man: ReadMan) -> None:
    wishes = read_man().wishes
    assert (wishes.fertility, wishes.endogenous, wishes.source) == ("unknown", "unknown", None)


# ---- every word is kept, so that an earlier day can be answered


def on(record: PatientRecord, day: str, days: int = 730) -> tuple[str, str]:
    wishes = wishes_on(record.wishes, date.fromisoformat(day), days)
    return wishes.fertility, wishes.endogenous


def test_an_earlier_day_knows_the_words_of_its_time(read_man: ReadMan) -> None:
    record = read_man(
        goal("Wants to father a child", "2026-01-01", ident="g1"),
        goal("No wish for children", "2026-06-01", ident="g2"),
    )
    assert [word.source for word in record.wishes.history] == ["Goal/g1", "Goal/g2"]
    assert on(record, "2025-12-31") == ("unknown", "unknown")
    assert on(record, "2026-05-31") == ("yes", "unknown")
    assert on(record, "2026-06-01") == ("no", "unknown")


def test_a_word_grows_old_after_its_days(read_man: ReadMan) -> None:
    record = read_man(goal("Wants to father a child", "2024-01-01"))
    assert record.wishes.fertility == "yes"
    assert on(record, "2025-12-31") == ("yes", "unknown")
    assert on(record, "2026-01-01") == ("unknown", "unknown")


def test_a_sterilization_does_not_grow_old_and_is_known_when_recorded(read_man: ReadMan) -> None:
    vasectomy = {**condition("Z98.52", "2026-03-01", "v"), "onsetDateTime": "2019-05-01"}
    record = read_man(vasectomy, goal("Wants to father a child", "2018-01-01"))
    assert on(record, "2026-02-28") == ("unknown", "unknown")
    assert on(record, "2030-01-01") == ("no", "unknown")


def test_a_wish_after_the_sterilization_counts(read_man: ReadMan) -> None:
    record = read_man(
        condition("Z30.2", "2025-03-01", "v"), goal("Wants to father a child", "2026-01-01")
    )
    assert on(record, "2026-05-01") == ("yes", "unknown")
    assert on(record, "2025-12-01") == ("no", "unknown")


def test_infertility_that_is_still_active_does_not_grow_old(read_man: ReadMan) -> None:
    active = {"clinicalStatus": {"coding": [{"code": "active"}]}}
    old = condition("N46.9", "2020-03-01")
    assert on(read_man({**old, **active}), "2026-05-01") == ("yes", "unknown")
    assert on(read_man(old), "2026-05-01") == ("unknown", "unknown")


def test_a_word_without_a_date_is_no_recent_one(read_man: ReadMan) -> None:
    undated = goal("Wants to father a child")
    del undated["startDate"]
    record = read_man(undated)
    assert record.wishes.fertility == "yes"
    assert on(record, "2026-05-01") == ("unknown", "unknown")


def test_wishes_that_were_not_read_stay_as_they_are() -> None:
    made = Wishes("yes", "unknown", "Goal/1", date(2020, 1, 1))
    assert wishes_on(made, date(2026, 5, 1), 730) is made
