"""A testosterone drawn on hCG tells how long after the last dose it was drawn."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from men import knowledge

from smartapp.engine import assess
from smartapp.fhir.reading import read_bundle
from smartapp.patient import read_record

Row = dict[str, Any]
HCG = {"text": "Pregnyl 1500 IU"}


DRAWN = "2026-05-04T08:15:00-04:00"


def note_of_the_draw(*doses: str, drawn: str = DRAWN) -> str:
    """On hCG since January by word, with these doses given; drawn on 4 May at 08:15."""
    rows: list[Row] = [
        {"resourceType": "Patient", "id": "man", "gender": "male", "birthDate": "1980-02-01"},
        {
            "resourceType": "MedicationRequest", "id": "order", "status": "active",
            "intent": "order", "authoredOn": "2026-01-05", "medicationCodeableConcept": HCG,
        },
        {
            "resourceType": "Observation", "id": "t", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2986-8"}]},
            "effectiveDateTime": drawn,
            "valueQuantity": {"value": 560, "unit": "ng/dL"},
        },
    ]  # fmt: skip
    rows += [
        {
            "resourceType": "MedicationAdministration", "id": f"dose-{n}", "status": "completed",
            "medicationCodeableConcept": HCG, "effectiveDateTime": at,
        }
        for n, at in enumerate(doses)
    ]  # fmt: skip
    body = json.dumps({"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]})
    record = read_record(read_bundle(body.encode()), knowledge().catalogue, issuer="test")
    moment = datetime.fromisoformat("2026-05-20T12:00:00-04:00")
    found = assess(record, knowledge(), moment)
    (finding,) = (f for f in found.findings if f.code == "response-in-target")
    (draw,) = (e for e in finding.evidence if e.analyte == "testosterone")
    return draw.note or ""


def test_the_hours_since_the_last_dose_before_the_draw_are_told() -> None:
    earlier, last, later = (
        "2026-04-28T08:00:00-04:00", "2026-05-01T12:15:00Z", "2026-05-05T08:00:00-04:00",
    )  # fmt: skip
    assert note_of_the_draw(earlier, last, later).startswith("drawn 72 h after")


@pytest.mark.parametrize("doses", [(), ("2026-05-01",), ("2026-05-05T08:00:00-04:00",)])
def test_nothing_is_told_where_no_dose_has_a_time(doses: tuple[str, ...]) -> None:
    assert note_of_the_draw(*doses) == ""


def test_a_dose_counts_from_the_moment_of_the_draw_back_to_the_end_of_its_wash_out() -> None:
    assert note_of_the_draw(DRAWN).startswith("drawn 0 h after")
    assert knowledge().catalogue.drugs["hcg"].washout_days == 42
    assert note_of_the_draw("2026-03-23T08:15:00-04:00").startswith(f"drawn {42 * 24} h after")
    assert note_of_the_draw("2026-03-22T08:15:00-04:00") == ""


@pytest.mark.parametrize("drawn", ["2026-05-04", "2026-05-04T08:15:00"])
def test_nothing_is_told_of_a_draw_whose_moment_is_not_known(drawn: str) -> None:
    assert note_of_the_draw("2026-05-01T12:15:00Z", drawn=drawn) == ""
