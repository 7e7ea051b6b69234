"""What the man wants, from whoever wrote it down last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from smartapp.patient.record import PatientRecord

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
