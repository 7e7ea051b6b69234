"""How a site codes its results, and that no word of a patient comes out with it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from doctor_house import House, by_name, put
from doctor_strange import Serve, bundle, open_server

from smartapp.demo import Behaviour, DemoConfig
from smartapp.doctor import Report, as_json, as_text, examine
from smartapp.smart import Issuer
from smartapp.stories import load_stories

LOINC = "http://loinc.org"
OPEN = Behaviour(oauth=False, fhir_open=True, observation_filter=False)


@pytest.fixture
def ehr(house: House) -> Iterator[DemoConfig]:
    with house.ehr(OPEN) as config:
        put(config.fhir_base, {"resourceType": "Patient", "id": "p-4711", "gender": "male"})
        yield config


def examined(house: House, ehr: DemoConfig, patient: str = "p-4711", **table: Any) -> Report:
    issuer = Issuer(fhir_base=ehr.fhir_base, auth="none", **table)
    return examine(house.visit(ehr.fhir_base, issuer, patient=patient))


def file(ehr: DemoConfig, number: int, coding: dict[str, str] | None, **changes: Any) -> None:
    """One laboratory result of p-4711."""
    result: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"r-{number}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "subject": {"reference": "Patient/p-4711"},
        "code": {"text": "Testosteron", "coding": [coding] if coding else []},
        "effectiveDateTime": "2026-03-04T08:17:00-05:00",
        "valueQuantity": {"value": 412.75, "unit": "ng/dL", "code": "ng/dL"},
    }
    put(ehr.fhir_base, {**result, **changes})


def test_local_codes_become_lines_of_the_issuers_file(house: House, ehr: DemoConfig) -> None:
    local = {"system": "urn:oid:1.2.3", "display": "Testosterone, total"}
    file(ehr, 1, {**local, "code": "TESTO"})
    file(ehr, 2, {**local, "code": "TESTO"})
    nmol = {"valueQuantity": {"value": 14, "unit": "nmol/L"}}
    file(ehr, 3, {"code": "4711-T"}, **nmol)
    file(ehr, 4, {**local, "code": "NOUNIT"}, valueQuantity={"value": 14})
    check = by_name(examined(house, ehr))["local codes"]
    assert check.verdict == "warn"
    assert check.said.startswith("3 that the app does not read")
    table = tomllib.loads("\n".join(check.lines))["issuer"]["local_codes"]
    assert table == {
        "urn:oid:1.2.3|TESTO": {"loinc": "2986-8", "unit": "ng/dL"},
        "4711-T": {"loinc": "14913-8", "unit": "nmol/L"},
        "urn:oid:1.2.3|NOUNIT": {"loinc": "2986-8"},
    }
    assert "# Total testosterone? 2 rows" in check.lines


def test_with_these_lines_the_results_are_read(house: House, ehr: DemoConfig) -> None:
    file(ehr, 1, {"system": "urn:oid:1.2.3", "code": "TESTO"})
    lines = by_name(examined(house, ehr))["local codes"].lines
    table = tomllib.loads("\n".join(lines))["issuer"]["local_codes"]
    codes = {token: (entry["loinc"], entry.get("unit")) for token, entry in table.items()}
    checks = by_name(examined(house, ehr, local_codes=codes))
    assert checks["search hormones"].said == "1 row"
    assert checks["local codes"].verdict == "pass"
    assert checks["codes"].said == "LOINC: none; by the map: T urn:oid:1.2.3|TESTO"


def test_results_without_any_code(house: House, ehr: DemoConfig) -> None:
    file(ehr, 1, None)
    check = by_name(examined(house, ehr))["local codes"]
    assert (check.verdict, check.said) == (
        "warn",
        "results without any code, named like Total testosterone",
    )


def test_units_statuses_and_times(house: House, ehr: DemoConfig) -> None:
    loinc = {"system": LOINC, "code": "2986-8"}
    file(ehr, 1, loinc, effectiveDateTime="2026-03-04T13:17:00Z")
    file(ehr, 2, loinc, valueQuantity={"value": 412}, status="preliminary")
    file(ehr, 3, loinc, valueQuantity={"value": 412, "unit": "bushels/L"}, status="registered")
    checks = by_name(examined(house, ehr))
    assert checks["codes"].said == "LOINC: T 2986-8"
    assert checks["units"].said.startswith("not readable: T (no unit), T bushels/L; all: T ")
    assert (checks["statuses"].verdict, checks["statuses"].said) == (
        "warn",
        "final 1, preliminary 1, registered 1",
    )
    assert checks["draw times"].verdict == "warn"
    assert checks["draw times"].said == "2 with the patient's offset, 1 in UTC"
    assert by_name(examined(house, ehr, timezone="Europe/Madrid"))["draw times"].verdict == "pass"


def test_dates_without_times_never_confirm(house: House, ehr: DemoConfig) -> None:
    file(ehr, 1, {"system": LOINC, "code": "2986-8"}, effectiveDateTime="2026-03-04")
    check = by_name(examined(house, ehr))["draw times"]
    assert (check.verdict, check.said) == ("warn", "1 as dates only")


def test_an_empty_chart_says_so(house: House, ehr: DemoConfig) -> None:
    checks = by_name(examined(house, ehr))
    assert checks["search hormones"].verdict == "warn"
    for name in ("codes", "units", "statuses", "draw times", "paging"):
        assert checks[name].verdict == "not tried", name


CANARY = re.compile(r"canary|p-4711|412|2026-03|bond|jamesina", re.IGNORECASE)


def test_nothing_of_the_patient_is_said(house: House, serve: Serve) -> None:
    """Names and ids wherever a careless system may put them."""
    named = {"family": "Canary-Bond", "given": ["Jamesina"]}
    man = {"id": "p-4711", "name": [named], "birthDate": "2026-03-04"}
    loinc = {"system": LOINC, "code": "2986-8", "display": "Canary Bond"}
    words = "Testosterone of Canary Bond 412"
    rows = [
        careless(1, loinc, valueQuantity={"value": 412.75, "unit": "of Canary Bond"}),
        careless(2, loinc, valueQuantity={"value": 412.75, "unit": "Jamesina"}),
        careless(3, loinc, valueQuantity={"value": 412.75, "unit": "2026-03-04"}),
        careless(4, loinc, valueString="412 Canary"),
        careless(5, {"code": "T p-4711"}, code_text=words),
        careless(6, {"system": "urn:P-4711", "code": "T"}, code_text=words),
        careless(7, {"system": "urn:x", "code": "xP-4711x"}, code_text=words),
        careless(8, {"system": "Canary Bond", "code": "T"}, code_text=words),
        careless(9, {"system": "urn:x", "code": "JAMESINA"}, code_text=words),
        careless(10, loinc, status="Canary Bond", note=[{"text": "Canary"}]),
        careless(11, loinc, status="bond"),
        careless(12, loinc, effectiveDateTime="2026-03-04 Canary"),
        careless(13, loinc, valueQuantity={"value": "Canary", "unit": 412}),
        {"resourceType": "Observation", "id": "Canary", "code": 412},
    ]
    base = serve(open_server(man, Observation=lambda: bundle(*rows)))
    issuer = Issuer(fhir_base=base, auth="none")
    report = examine(house.visit(base, issuer, patient="p-4711"))
    assert by_name(report)["search hormones"].said.startswith("12 rows; 2 more")
    for text in (as_text(report), as_json(report)):
        said = text.replace(base, "")
        assert not CANARY.findall(said), said


def careless(number: int, coding: Any, code_text: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"p-4711-{number}",
        "status": "final",
        "subject": {"reference": "Patient/p-4711", "display": "Canary Bond"},
        "code": {"text": code_text, "coding": [coding]},
        "effectiveDateTime": "2026-03-04T08:17:00-05:00",
        "valueQuantity": {"value": 412.75, "unit": "ng/dL"},
        **changes,
    }


def test_no_story_leaks(house: House, ehr: DemoConfig) -> None:
    for story in load_stories(date(2026, 3, 4)):
        report = examined(house, ehr, story.patient_id)
        text = as_text(report).replace(ehr.fhir_base, "").lower()
        (patient,) = (r for r in story.resources() if r["resourceType"] == "Patient")
        (name,) = patient["name"]
        for word in (story.patient_id, name["family"], *name["given"], patient["birthDate"]):
            assert word.lower() not in text, story.key
        assert not re.search(r"\b(19|20)\d\d-\d\d", text), story.key
