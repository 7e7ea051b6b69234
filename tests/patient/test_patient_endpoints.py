"""What the man tells in figures: scales, totals, signs; and what is on no scale we know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from smartapp.knowledge.catalogue import Catalogue
from smartapp.patient.record import EndpointReading, PatientRecord

ReadMan = Callable[..., PatientRecord]
OURS = "https://hpg-recalibration.example/fhir/CodeSystem/endpoint"
FORM = "https://hpg-recalibration.example/fhir/Questionnaire/"
LOINC = "http://loinc.org"
PHQ = (
    "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3",
    "44260-8",
)  # fmt: skip
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")


def response(*items: Any, identity: str = "q1", form: str = "check-in", **more: Any) -> Any:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": identity,
        "questionnaire": FORM + form,
        "status": "completed",
        "subject": {"reference": "Patient/m"},
        "authored": "2026-05-04T09:30:00-05:00",
        "item": list(items),
        **more,
    }


def answered(link: str, **value: Any) -> dict[str, Any]:
    return {"linkId": link, "answer": [value]}


def observation(code: str, system: str = OURS, identity: str = "o1", **more: Any) -> Any:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "subject": {"reference": "Patient/m"},
        "code": {"coding": [{"system": system, "code": code}]},
        "effectiveDateTime": "2026-05-04",
        **more,
    }


def told(record: PatientRecord) -> dict[tuple[str, str], Decimal]:
    return {(e.tool, e.item): e.value for e in record.endpoints}


def only(record: PatientRecord) -> EndpointReading:
    (reading,) = record.endpoints
    return reading


def test_our_own_form_tells_scales_and_signs(read_man: ReadMan) -> None:
    record = read_man(
        response(
            {
                "linkId": "nrs",
                "item": [
                    answered("nrs.energy", valueInteger=3),
                    answered("nrs.libido", valueDecimal=2.5),
                ],
            },
            {"linkId": "signs", "item": [
                answered("signs.visual", valueCoding={"code": "Y"}),
                answered("signs.edema", valueBoolean=False),
                {"linkId": "signs.breast"},
            ]},
        )
    )  # fmt: skip
    assert told(record) == {
        ("nrs", "energy"): 3,
        ("nrs", "libido"): Decimal("2.5"),
        ("signs", "visual"): 1,
        ("signs", "edema"): 0,
    }
    energy = next(e for e in record.endpoints if e.item == "energy")
    assert (energy.low, energy.high, energy.better) == (0, 10, "high")
    assert energy.day == date(2026, 5, 4)
    assert energy.recorded == energy.effective
    assert energy.reference == "QuestionnaireResponse/q1"
    assert energy.source == "questionnaire"


def test_the_wishes_of_our_form_are_wishes(read_man: ReadMan) -> None:
    record = read_man(
        response(
            answered("wishes.fertility", valueCoding={"code": "Y"}),
            answered("wishes.endogenous", valueBoolean=True),
        )
    )
    assert (record.wishes.fertility, record.wishes.endogenous) == ("yes", "yes")
    assert record.wishes.source == "QuestionnaireResponse/q1"
    assert record.endpoints == ()


@pytest.mark.parametrize("form", ["codes", "weights", "figures", "paths"])
def test_a_complete_phq_9_adds_up_however_it_is_answered(read_man: ReadMan, form: str) -> None:
    weight = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
    items = []
    for place, code in enumerate(PHQ):
        figure = place % 4
        value: dict[str, Any] = {"valueInteger": figure}
        if form in ("codes", "paths"):
            value = {"valueCoding": {"system": LOINC, "code": ANSWERS[figure]}}
        if form == "weights":
            extension = [{"url": weight, "valueDecimal": figure}]
            value = {"valueCoding": {"display": "some words", "extension": extension}}
        items.append(answered(f"/44249-1/{code}" if form == "paths" else code, **value))
    record = read_man(response(*items, questionnaire="https://else.where/Questionnaire/phq"))
    figures = told(record)
    assert figures["phq-9", "total"] == 12
    assert figures["phq-9", "self-harm"] == 0
    assert figures["phq-9", "down"] == 1
    total = next(e for e in record.endpoints if e.item == "total")
    assert total.flags == ("from-items",)


def test_a_phq_9_with_a_question_left_open_has_no_total(read_man: ReadMan) -> None:
    items = [answered(code, valueInteger=1) for code in PHQ[1:]]
    figures = told(read_man(response(*items)))
    assert ("phq-9", "total") not in figures
    assert figures["phq-9", "self-harm"] == 1


def test_a_total_that_its_items_contradict_is_not_used(read_man: ReadMan) -> None:
    items = [answered(code, valueInteger=1) for code in PHQ]
    record = read_man(response(*items, answered("44261-6", valueInteger=14)))
    assert ("phq-9", "total") not in told(record)
    (unused,) = record.unused
    assert "14" in unused.reason and "9" in unused.reason
    agreed = read_man(response(*items, answered("44261-6", valueInteger=9)))
    assert told(agreed)["phq-9", "total"] == 9


@pytest.mark.parametrize(
    ("tool", "link", "low", "high"),
    [
        ("qadam", "qadam.total", 10, 50),
        ("ams", "ams.total", 17, 85),
        ("iief", "iief.total", 1, 25),
        ("phq-9", "phq-9.total", 0, 27),
        ("nrs", "nrs.mood", 0, 10),
    ],
)
def test_a_figure_outside_its_scale_is_told_and_not_used(
    read_man: ReadMan, tool: str, link: str, low: int, high: int
) -> None:
    for figure in (low, high):
        assert only(read_man(response(answered(link, valueInteger=figure)))).value == figure
    for figure in (low - 1, high + 1):
        record = read_man(response(answered(link, valueInteger=figure)))
        assert record.endpoints == ()
        assert f"{figure} is outside" in record.unused[0].reason


def test_a_qadam_that_counts_yes_answers_is_refused_with_the_reason(read_man: ReadMan) -> None:
    record = read_man(observation("qadam", valueQuantity={"value": 7}))
    assert record.endpoints == ()
    assert "counts yes answers" in record.unused[0].reason


@pytest.mark.parametrize(
    "value",
    [
        {"valueQuantity": {"value": 14, "unit": "{score}"}},
        {"valueInteger": 14},
        {"valueString": "14"},
    ],
)
def test_an_observation_reports_a_total(read_man: ReadMan, value: dict[str, Any]) -> None:
    issued = {"issued": "2026-05-06T10:00:00Z"}
    reading = only(read_man(observation("44261-6", LOINC, **value, **issued)))
    assert (reading.tool, reading.item, reading.value) == ("phq-9", "total", 14)
    assert (reading.source, reading.reference) == ("observation", "Observation/o1")
    assert str(reading.recorded).startswith("2026-05-06")


def test_single_observations_of_one_moment_add_up(read_man: ReadMan) -> None:
    rows = [
        observation(code, LOINC, f"o{n}", valueCodeableConcept={"coding": [{"code": ANSWERS[2]}]})
        for n, code in enumerate(PHQ)
    ]
    assert told(read_man(*rows))["phq-9", "total"] == 18
    assert ("phq-9", "total") not in told(read_man(*rows[1:]))
    given = observation("44261-6", LOINC, "sum", valueInteger=18)
    totals = [e for e in read_man(*rows, given).endpoints if e.item == "total"]
    assert [e.reference for e in totals] == ["Observation/sum"]


def test_a_panel_carries_its_items_as_components(read_man: ReadMan) -> None:
    part = {"code": {"coding": [{"system": LOINC, "code": "44260-8"}]}, "valueInteger": 2}
    record = read_man(observation("44249-1", LOINC, component=[part]))
    assert told(record) == {("phq-9", "self-harm"): 2}


def test_the_site_says_which_of_its_codes_is_a_scale(read_man: ReadMan) -> None:
    row = observation("NRS_LIB", "urn:site", valueInteger=4)
    assert read_man(row).endpoints == ()
    record = read_man(row, local_codes={"urn:site|NRS_LIB": ("libido", None)})
    assert told(record) == {("nrs", "libido"): 4}
    assert record.unused == ()


def test_the_same_word_in_another_code_system_is_no_scale_of_ours(read_man: ReadMan) -> None:
    assert read_man(observation("libido", "urn:other", valueInteger=4)).endpoints == ()
    assert read_man(observation("44261-6", "urn:other", valueInteger=4)).endpoints == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (response(answered("nrs.mood", valueInteger=4), status="in-progress"), "not completed"),
        (response(answered("nrs.mood", valueInteger=4), status="entered-in-error"), "in error"),
        (response(answered("nrs.mood", valueInteger=4), authored=None), "no day"),
        (response(answered("nrs.mood", valueInteger=4), authored="2026-05"), "no day"),
        (response(answered("nrs.mood", valueString="fine")), "none that this question has"),
        (response(answered("nrs.mood", valueBoolean=True)), "none that this question has"),
        (response(answered("signs.visual", valueInteger=7)), "outside"),
        (response(answered("a1", valueInteger=4), form="adam/qADAM-v2"), "no code that is known"),
        (observation("mood", valueInteger=4, status="preliminary"), "preliminary"),
        (observation("mood", valueInteger=4, effectiveDateTime=None), "no day"),
        (observation("mood", valueQuantity={"value": 4, "comparator": "<"}), "none that this"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_reason(
    read_man: ReadMan, row: Any, reason: str
) -> None:
    record = read_man(row)
    assert record.endpoints == ()
    (unused,) = record.unused
    assert reason in unused.reason


def test_one_odd_answer_hides_no_other(read_man: ReadMan) -> None:
    record = read_man(
        response(
            {"linkId": "nrs.mood", "answer": [{"valueInteger": [4]}]},
            {"linkId": "nrs.energy", "answer": ["six", {"valueInteger": 6}]},
            answered("nrs.libido", valueInteger="5"),
        )
    )
    assert told(record) == {("nrs", "energy"): 6, ("nrs", "libido"): 5}


def test_questionnaires_of_others_leave_no_trace(read_man: ReadMan) -> None:
    record = read_man(
        response(answered("smoker", valueBoolean=True), questionnaire="https://else.where/q/diet")
    )
    assert (record.endpoints, record.unused) == ((), ())


def test_a_question_asked_after_an_answer_is_read(read_man: ReadMan) -> None:
    follow = answered("nrs.mood", valueInteger=4)
    record = read_man(
        response({"linkId": "x", "answer": [{"valueBoolean": True, "item": [follow]}]})
    )
    assert told(record) == {("nrs", "mood"): 4}


def test_another_mans_answers_are_not_his(read_man: ReadMan) -> None:
    other = {"reference": "Patient/other"}
    record = read_man(response(answered("nrs.mood", valueInteger=4), subject=other))
    assert record.endpoints == ()
    assert record.unused[0].void


def test_a_figure_recorded_twice_is_one_and_they_come_oldest_first(read_man: ReadMan) -> None:
    rows = [
        observation("mood", identity="b", valueInteger=4),
        observation("mood", identity="a", valueInteger=4),
        observation("mood", identity="z", valueInteger=7, effectiveDateTime="2026-01-04"),
    ]
    for mixed in (rows, rows[::-1]):
        found = [(e.reference, e.value) for e in read_man(*mixed).endpoints]
        assert found == [("Observation/z", 7), ("Observation/a", 4)]


def test_every_question_of_our_forms_is_read_back(read_man: ReadMan, catalogue: Catalogue) -> None:
    """What our Questionnaires ask, our reader understands."""
    known = catalogue.questionnaires
    assert known is not None
    for form in known.forms.values():
        links = [link for link, field in known.by_link.items() if field.tool.key in form.tools]
        items = []
        for link in links:
            field = known.by_link[link]
            if field.item is None and field.tool.items:
                continue
            high = field.tool.high if field.item is None else field.item.high
            items.append(answered(link, valueInteger=int(high)))
        record = read_man(response(*items, form=form.key))
        assert record.unused == ()
        assert len(record.endpoints) + len(record.wishes.history) >= len(items)
