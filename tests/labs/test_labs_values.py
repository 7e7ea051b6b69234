"""Numbers as laboratories write them, and why some are not read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from labs_writing import Lab


def written(lab: Lab, text: str, loinc: str = "2986-8") -> dict[str, Any]:
    return lab.row(loinc, valueString=text)


@pytest.mark.parametrize(
    ("text", "comparator", "value", "low", "high"),
    [
        ("< 20 ng/dL", "<", "20", None, "20"),
        ("<20 ng/dL", "<", "20", None, "20"),
        ("<= 20 ng/dL", "<=", "20", None, "20"),
        ("≥ 1500 ng/dL", ">=", "1500", "1500", None),
        ("> 1500 ng/dL", ">", "1500", "1500", None),
        ("312 ng/dL", None, "312", "312", "312"),
        ("10.5 nmol/L", None, "302.841", "302.841", "302.841"),
    ],
)
def test_text_that_is_plainly_a_number(
    lab: Lab,
    text: str,
    comparator: str | None,
    value: str,
    low: str | None,
    high: str | None,
) -> None:
    reading = lab.one(written(lab, text))
    assert reading.comparator == comparator
    assert reading.value == Decimal(value)
    assert reading.low == (Decimal(low) if low else None)
    assert reading.high == (Decimal(high) if high else None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("12,3 nmol/L", "comma"),
        ("1,234 ng/dL", "comma"),
        ("1 234 ng/dL", "comma or blank"),
        ("volgt", "words"),
        ("not detected", "words"),
        ("see report 312", "words"),
        ("312", "without a unit"),
        ("312 H", "none that"),
        ("3.1.2 ng/dL", "not a plain number"),
    ],
)
def test_text_that_is_not(lab: Lab, text: str, says: str) -> None:
    assert says in lab.refused(written(lab, text)).reason


def test_a_comparator_makes_an_interval(lab: Lab) -> None:
    row = lab.row("10501-5")
    row["valueQuantity"] = {"value": 0.2, "comparator": "<", "unit": "mIU/mL"}
    reading = lab.one(row)
    assert reading.censored
    assert (reading.low, reading.high) == (None, Decimal("0.2"))
    assert reading.original == "< 0.2 mIU/mL"


def test_an_unknown_comparator_is_not_used(lab: Lab) -> None:
    row = lab.row("10501-5")
    row["valueQuantity"] = {"value": 0.2, "comparator": "~", "unit": "mIU/mL"}
    assert "comparator" in lab.refused(row).reason


def test_digits_stay_as_sent(lab: Lab) -> None:
    row = lab.row("2986-8", 19.0, "nmol/L")
    assert lab.one(row).original == "19.0 nmol/L"


def test_a_quoted_number_is_read_and_flagged(lab: Lab) -> None:
    reading = lab.one(lab.row("2986-8", "300", "ng/dL"))
    assert reading.value == 300
    assert "quoted-number" in reading.flags


@pytest.mark.parametrize("value", ["NaN", "1_000", "three", True, {"a": 1}])
def test_what_is_no_number_is_not_used(lab: Lab, value: object) -> None:
    assert lab.refused(lab.row("2986-8", value, "ng/dL")).analyte == "testosterone"


@pytest.mark.parametrize(
    ("status", "used", "void"),
    [
        ("final", True, False),
        ("amended", True, False),
        ("corrected", True, False),
        ("preliminary", False, False),
        ("unknown", False, False),
        ("registered", False, True),
        ("cancelled", False, True),
        ("entered-in-error", False, True),
        ("finished", False, False),
        (None, False, False),
    ],
)
def test_status(lab: Lab, status: str | None, used: bool, void: bool) -> None:
    row = lab.row("2986-8", 300, "ng/dL")
    row["status"] = status
    if used:
        reading = lab.one(row)
        assert (status in reading.flags) == (status != "final")
        return
    unused = lab.refused(row)
    assert (unused.analyte, unused.void) == ("testosterone", void)


def test_a_measurement_never_made_blocks_nothing(lab: Lab) -> None:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    never = lab.row("2986-8")
    never["dataAbsentReason"] = {"coding": [{"system": system, "code": "not-performed"}]}
    failed = lab.row("2986-8")
    failed["dataAbsentReason"] = {"coding": [{"system": system, "code": "error"}]}
    assert lab.refused(never).void
    assert not lab.refused(failed).void


@pytest.mark.parametrize(
    "value",
    [
        {"valueCodeableConcept": {"text": "low"}},
        {"valueBoolean": True},
        {"valueQuantity": {"unit": "ng/dL"}},
        {"valueQuantity": {"value": None, "unit": "ng/dL"}},
        {},
    ],
)
def test_no_number_at_all(lab: Lab, value: dict[str, Any]) -> None:
    assert lab.refused(lab.row("2986-8", **value)).analyte == "testosterone"


@pytest.mark.parametrize(
    ("loinc", "value", "unit", "outcome"),
    [
        ("2986-8", "0.1", "ng/dL", "soft"),
        ("2986-8", "0.09", "ng/dL", "unused"),
        ("2986-8", "5000", "ng/dL", "soft"),
        ("2986-8", "5000.1", "ng/dL", "unused"),
        ("2986-8", "20", "ng/dL", "plain"),
        ("2986-8", "19.9", "ng/dL", "soft"),
        ("2986-8", "2000", "ng/dL", "plain"),
        ("10501-5", "0.01", "IU/L", "soft"),
        ("10501-5", "0.009", "IU/L", "unused"),
        ("10501-5", "100", "IU/L", "plain"),
        ("10501-5", "250.1", "IU/L", "unused"),
        ("4544-3", "60", "%", "plain"),
        ("4544-3", "60.1", "%", "soft"),
        ("4544-3", "75.1", "%", "unused"),
        ("1751-7", "43", "g/dL", "unused"),
        ("2857-1", "0", "ng/mL", "plain"),
        ("2986-8", "-5", "ng/dL", "unused"),
    ],
)
def test_plausibility(lab: Lab, loinc: str, value: str, unit: str, outcome: str) -> None:
    row = lab.row(loinc, float(value), unit)
    if outcome == "unused":
        assert lab.refused(row).flag == "hard-limit"
    else:
        assert ("soft-limit" in lab.one(row).flags) == (outcome == "soft")
