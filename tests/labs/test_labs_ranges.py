"""Rule R-REF-01: the laboratory's range where it can be believed, else the default, saying why."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from labs_writing import Lab

from smartapp.labs import Range

SNOMED = "http://snomed.info/sct"
MALE = {"coding": [{"system": SNOMED, "code": "248153007"}]}
FEMALE = {"coding": [{"system": SNOMED, "code": "248152002"}]}


def bounds(low: object, high: object, unit: str = "IU/L", **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = dict(more)
    if low is not None:
        found["low"] = {"value": low, "unit": unit}
    if high is not None:
        found["high"] = {"value": high, "unit": unit}
    return found


def range_of(lab: Lab, *ranges: dict[str, Any], loinc: str = "10501-5", **how: Any) -> Range:
    units = {"10501-5": "mIU/mL", "2986-8": "ng/dL", "13967-5": "nmol/L", "1742-6": "U/L"}
    reading = lab.one(lab.row(loinc, 30, units[loinc], referenceRange=list(ranges)), **how)
    assert reading.range is not None
    assert ("default-range" in reading.flags) == (reading.range.source == "default")
    return reading.range


@pytest.mark.parametrize(
    ("low", "high", "source"),
    [
        (1.7, 8.6, "laboratory"),
        (0.5, 7, "laboratory"),
        (2.5, 12, "laboratory"),
        (0.49, 8.6, "default"),
        (2.51, 8.6, "default"),
        (1.7, 6.9, "default"),
        (1.7, 12.1, "default"),
        (1.7, 86.5, "default"),
        (None, 8.6, "default"),
        (1.7, None, "default"),
        (8.6, 1.7, "default"),
    ],
)
def test_the_accept_window_of_lh(lab: Lab, low: object, high: object, source: str) -> None:
    found = range_of(lab, bounds(low, high))
    assert found.source == source
    if source == "default":
        assert (found.low, found.high) == (Decimal("1.7"), Decimal("9.4"))
        assert found.text


@pytest.mark.parametrize(
    ("loinc", "unit", "low", "high", "source"),
    [
        ("2986-8", "ng/dL", 200, 700, "laboratory"),
        ("2986-8", "ng/dL", 350, 1200, "laboratory"),
        ("2986-8", "ng/dL", 199, 900, "default"),
        ("2986-8", "ng/dL", 264, 1201, "default"),
        ("2986-8", "nmol/L", 9.2, 31.8, "laboratory"),
        ("2986-8", "ng/dL", 8, 60, "default"),
        ("13967-5", "nmol/L", 10, 45, "laboratory"),
        ("13967-5", "nmol/L", None, 90, "laboratory"),
        ("13967-5", "nmol/L", 10, 91, "default"),
        ("1742-6", "U/L", None, 55, "laboratory"),
    ],
)
def test_other_windows(
    lab: Lab, loinc: str, unit: str, low: object, high: object, source: str
) -> None:
    assert range_of(lab, bounds(low, high, unit), loinc=loinc).source == source


def test_a_range_in_another_unit_is_converted(lab: Lab) -> None:
    found = range_of(lab, bounds(9.2, 31.8, "nmol/L"), loinc="2986-8")
    assert (found.low, found.high) == (Decimal("265.346"), Decimal("917.176"))
    assert found.text == "9.2 nmol/L to 31.8 nmol/L"


def test_a_limit_without_unit_is_in_that_of_the_result(lab: Lab) -> None:
    found = range_of(lab, {"low": {"value": 1.7}, "high": {"value": 8.6}})
    assert (found.source, found.high) == ("laboratory", Decimal("8.6"))


@pytest.mark.parametrize(
    "candidate",
    [
        bounds(1.7, 8.6, appliesTo=[FEMALE]),
        bounds(1.7, 8.6, appliesTo=[{"text": "pregnant"}]),
        bounds(1.7, 8.6, type={"coding": [{"code": "treatment"}]}),
        bounds(1.7, 8.6, type={"text": "Follicular phase"}),
        bounds(1.7, 8.6, text="Female, follicular: 1.7-8.6"),
        bounds(1.7, 8.6, text="Children 1.7-8.6"),
        bounds(1.7, 8.6, age={"high": {"value": 12, "unit": "a"}}),
    ],
)
def test_a_range_for_others_is_not_his(lab: Lab, candidate: dict[str, Any]) -> None:
    assert range_of(lab, candidate, age=40).source == "default"


@pytest.mark.parametrize(
    "candidate",
    [
        bounds(1.7, 8.6, appliesTo=[MALE]),
        bounds(1.7, 8.6, type={"coding": [{"code": "normal"}]}),
        bounds(1.7, 8.6, text="Adult men 1.7-8.6"),
        bounds(1.7, 8.6, age={"low": {"value": 18, "code": "a"}}),
    ],
)
def test_a_range_for_him_is(lab: Lab, candidate: dict[str, Any]) -> None:
    assert range_of(lab, candidate, age=40).source == "laboratory"


def test_of_several_the_mans_own_is_taken(lab: Lab) -> None:
    found = range_of(
        lab,
        bounds(2.4, 12.0, appliesTo=[FEMALE]),
        bounds(1.7, 8.6, appliesTo=[MALE]),
        bounds(1.0, 9.0),
    )
    assert (found.source, found.high) == ("laboratory", Decimal("8.6"))


def test_several_that_could_be_his_are_none(lab: Lab) -> None:
    assert "several" in range_of(lab, bounds(1.7, 8.6), bounds(1.5, 9.3)).text


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1.7 - 8.6", "1.7", "8.6"),
        ("1.7-8.6 mIU/mL", "1.7", "8.6"),
        ("[1.7 – 8.6]", "1.7", "8.6"),
        ("1.7 to 8.6 IU/L", "1.7", "8.6"),
        ("(1.7-8.6)", "1.7", "8.6"),
    ],
)
def test_a_range_in_plain_words(lab: Lab, text: str, low: str, high: str) -> None:
    found = range_of(lab, {"text": text})
    assert (found.source, found.low, found.high) == ("laboratory", Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    "text",
    ["1,7 - 8,6", "see report", "M: 1.7-8.6 F: 2.4-12.6", "1.7 - 8.6 parsecs", "", "1.7", "-"],
)
def test_words_that_could_mean_anything_are_not_read(lab: Lab, text: str) -> None:
    assert range_of(lab, {"text": text}).source == "default"


def test_an_upper_limit_in_words(lab: Lab) -> None:
    found = range_of(lab, {"text": "< 41"}, loinc="1742-6")
    assert (found.source, found.low, found.high) == ("laboratory", None, Decimal("41"))


def test_without_a_range_the_default_says_so(lab: Lab) -> None:
    reading = lab.one(lab.row("10501-5", 3, "IU/L"))
    assert reading.range is not None
    assert (reading.range.source, reading.range.high) == ("default", Decimal("9.4"))
    assert "no range" in reading.range.text
    assert reading.flags == ()


def test_free_testosterone_has_no_default(lab: Lab) -> None:
    assert lab.one(lab.row("2991-8", 80, "pg/mL")).range is None


def test_a_remembered_range_is_not_anothers(lab: Lab) -> None:
    """The same limits on two analytes and in two units are judged apart."""
    record = lab.read(
        lab.row("10501-5", 3, "IU/L", referenceRange=[bounds(1.7, 8.6)]),
        lab.row("15067-2", 3, "IU/L", referenceRange=[bounds(1.7, 8.6)]),
        lab.row("10501-5", 4000, "mIU/L", referenceRange=[{"low": {"value": 1.7}}]),
    )
    lh, fsh = record.series["lh"].readings, record.series["fsh"].readings
    assert {r.range.source for r in lh if r.range} == {"laboratory", "default"}
    assert fsh[0].range is not None
    assert fsh[0].range.source == "laboratory"
