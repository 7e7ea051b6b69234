"""One man's record: who he is, whose rows these are, what was lost on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from smartapp.errors import AssessmentError, InputError
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge.catalogue import Catalogue
from smartapp.patient import read_record
from smartapp.patient.record import PatientRecord

ReadMan = Callable[..., PatientRecord]
CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
PARAMETER = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"


def man(identity: str = "m", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, "gender": "male", **elements}


def result(identity: str = "t", subject: str = "Patient/m", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2986-8"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-10-01T08:00:00-04:00",
        "valueQuantity": {"value": 250, "unit": "ng/dL"},
        **more,
    }


def sex_code(code: str) -> dict[str, Any]:
    return {"url": CORE + "us-core-birthsex", "valueCode": code}


def core_sex(code: str) -> dict[str, Any]:
    return {"url": CORE + "us-core-sex", "valueCode": code}


def clinical_use(code: str) -> dict[str, Any]:
    value = {"url": "value", "valueCodeableConcept": {"coding": [{"code": code}]}}
    return {"url": PARAMETER, "extension": [value]}


def condition(code: str | None, text: str = "", **more: Any) -> dict[str, Any]:
    coding = [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}] if code else []
    return {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/m"},
        "code": {"coding": coding, "text": text},
        **more,
    }


@pytest.mark.parametrize(
    ("elements", "sex"),
    [
        ({"gender": "male"}, "male"),
        ({"gender": "female"}, "not-male"),
        ({"gender": None}, "unknown"),
        ({"gender": "unknown"}, "unknown"),
        ({"gender": "other"}, "unknown"),
        ({"gender": None, "extension": [sex_code("M")]}, "male"),
        ({"gender": "unknown", "extension": [sex_code("M")]}, "male"),
        ({"gender": "unknown", "extension": [sex_code("UNK")]}, "unknown"),
        ({"gender": "other", "extension": [sex_code("M")]}, "unknown"),
        ({"gender": "male", "extension": [sex_code("F")]}, "not-male"),
        ({"gender": "male", "extension": [clinical_use("female-typical")]}, "not-male"),
        ({"gender": "male", "extension": [clinical_use("male-typical")]}, "male"),
        (
            {"gender": "male", "extension": [core_sex("248152002")]},
            "not-male",
        ),
        (
            {"gender": None, "extension": [core_sex("248153007")]},
            "male",
        ),
    ],
)  # fmt: skip
def test_the_rules_apply_to_a_man_whom_nothing_contradicts(
    read_man: ReadMan, elements: dict[str, Any], sex: str
) -> None:
    demographics = read_man(man(**elements)).demographics
    assert demographics.sex == sex
    assert demographics.sex_basis


@pytest.mark.parametrize("code", ["F64.0", "Z87.890", "N83.20", "D25.9", "O09.90"])
def test_a_contrary_diagnosis_outranks_the_gender(read_man: ReadMan, code: str) -> None:
    assert read_man(condition(code)).demographics.sex == "not-male"


def test_a_refuted_contrary_diagnosis_counts_for_nothing(read_man: ReadMan) -> None:
    void = {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}
    assert read_man(condition("D25.9", **void)).demographics.sex == "male"


def test_his_wifes_pregnancy_is_not_his(read_man: ReadMan) -> None:
    assert read_man(condition(None, "Wife's pregnancy, counseling")).demographics.sex == "male"


def test_name_birth_and_age(read_man: ReadMan) -> None:
    names = [
        {"use": "nickname", "text": "Ade"},
        {"use": "official", "family": "Kessler", "given": ["Adrian", None, "James"]},
    ]
    demographics = read_man(man(name=names, birthDate="1990-05-20")).demographics
    assert demographics.name == "Adrian James Kessler"
    assert demographics.age(date(2026, 5, 19)) == 35
    assert demographics.age(date(2026, 5, 20)) == 36


def test_a_birth_year_alone_makes_nobody_older_than_he_may_be(read_man: ReadMan) -> None:
    demographics = read_man(man(birthDate="2008")).demographics
    assert demographics.age(date(2026, 11, 22)) == 17
    assert read_man(man()).demographics.age(date(2026, 11, 22)) is None


def test_no_patient_and_two_patients_are_refused(read_man: ReadMan, catalogue: Catalogue) -> None:
    nobody = read_bundle(json.dumps({"resourceType": "Bundle", "entry": []}).encode())
    with pytest.raises(AssessmentError, match="no Patient"):
        read_record(nobody, catalogue, issuer="x")
    with pytest.raises(AssessmentError, match="2 Patients"):
        read_man(man("m"), man("n"))
    with pytest.raises(AssessmentError, match="not among"):
        read_man(man("m"), patient_id="n")


def test_the_same_patient_twice_is_one(read_man: ReadMan) -> None:
    assert read_man(man("m"), man("m")).demographics.reference == "Patient/m"


def test_the_one_asked_for_is_read_and_the_other_is_not(read_man: ReadMan) -> None:
    record = read_man(
        man("m"), man("n"), result("his"), result("other", "Patient/n"),
        patient_id="m",
    )  # fmt: skip
    assert [r.reference for r in record.series["testosterone"].readings] == ["Observation/his"]
    (unused,) = record.unused
    assert unused.reference == "Observation/other"
    assert "another patient" in unused.reason
    assert unused.analyte is None, "a stranger's result must not make a rule abstain"


@pytest.mark.parametrize(
    "subject",
    ["Patient/m", "https://ehr/fhir/Patient/m", "Patient/m/_history/3", "urn:uuid:1", "#p"],
)
def test_a_subject_is_known_however_it_is_written(read_man: ReadMan, subject: str) -> None:
    assert read_man(result(subject=subject)).series["testosterone"].readings


def test_rows_of_every_kind_are_checked_for_their_subject(read_man: ReadMan) -> None:
    other = {"reference": "Patient/n"}
    record = read_man(
        result("o", "Patient/n"),
        condition("I26.99", subject=other),
        {"resourceType": "MedicationRequest", "id": "r", "subject": other,
         "medicationCodeableConcept": {"text": "Clomid"}},
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": other,
         "code": {"text": "Clomid"}},
        {"resourceType": "Goal", "id": "g", "subject": other,
         "description": {"text": "wants children"}},
    )  # fmt: skip
    assert len(record.unused) == 5
    assert not record.problems and not record.therapy.episodes and not record.allergies
    assert record.wishes.fertility == "unknown"


def test_a_row_that_could_not_be_read_is_a_lost_result(read_man: ReadMan) -> None:
    broken = result("b", valueQuantity="8.1 nmol/L")
    record = read_man(result("t"), broken)
    series = record.series["testosterone"]
    assert [r.reference for r in series.readings] == ["Observation/t"]
    lost = [row for row in series.unused if row.reference == "Observation/b"]
    assert lost[0].effective is not None
    assert lost[0] in record.unused
    assert record.quarantined[0].reference == "Observation/b"


def test_a_time_zone_that_does_not_exist_is_refused(read_man: ReadMan) -> None:
    for name in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(InputError, match="time zone"):
            read_man(timezone=name)


@pytest.mark.parametrize(
    ("elements", "agents", "kind", "active"),
    [
        ({"code": {"text": "Clomiphene"}}, {"clomiphene"}, "allergy", True),
        ({"code": {"text": "Clomid"}, "type": "intolerance"}, {"clomiphene"}, "intolerance", True),
        (
            {"code": {"text": "hCG"}, "clinicalStatus": {"coding": [{"code": "resolved"}]}},
            {"hcg"}, "allergy", False,
        ),
        (
            {"code": {"text": "Fertility drugs"}, "reaction": [{"substance": {"text": "Pregnyl"}}]},
            {"hcg"}, "allergy", True,
        ),
    ],
)  # fmt: skip
def test_allergies_to_our_drugs_are_read(
    read_man: ReadMan, elements: dict[str, Any], agents: set[str], kind: str, active: bool
) -> None:
    (allergy,) = read_man(
        {"resourceType": "AllergyIntolerance", "id": "a", "patient": {"reference": "Patient/m"}}
        | elements
    ).allergies
    assert (allergy.agents, allergy.type, allergy.active) == (agents, kind, active)


@pytest.mark.parametrize("text", ["No known drug allergies", "Penicillin", "No allergy to clomid"])
def test_other_allergies_leave_no_trace(read_man: ReadMan, text: str) -> None:
    row = {"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": text}}
    record = read_man(row)
    assert record.allergies == () and record.unused == ()


def test_a_refuted_allergy_is_told_and_not_used(read_man: ReadMan) -> None:
    row = {
        "resourceType": "AllergyIntolerance",
        "id": "a",
        "code": {"text": "Clomid"},
        "verificationStatus": {"coding": [{"code": "refuted"}]},
    }
    record = read_man(row)
    assert record.allergies == ()
    assert "refuted" in record.unused[0].reason
