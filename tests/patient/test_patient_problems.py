"""Which diagnoses are recognised, by what, and what their words may not say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from smartapp.fhir.resources import CodeableConcept, Coding
from smartapp.patient.index import Index
from smartapp.patient.problems import match_concept
from smartapp.patient.record import PatientRecord

ReadMan = Callable[..., PatientRecord]
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def coded(code: str, system: str | None = ICD, text: str | None = None) -> CodeableConcept:
    return CodeableConcept(coding=[Coding(system=system, code=code)], text=text)


def condition(text: str | None = None, code: str | None = None, **elements: Any) -> dict[str, Any]:
    concept: dict[str, Any] = {"text": text} if text else {}
    if code:
        concept["coding"] = [{"system": ICD, "code": code}]
    return {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/m"},
        "code": concept,
        **elements,
    }


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (ICD, "I26.99"),
        (ICD, "i2699"),
        ("http://hl7.org/fhir/sid/icd-10", "I26.9"),
        ("http://hl7.org/fhir/sid/icd-10-gm", "I26.9"),
        ("urn:oid:2.16.840.1.113883.6.90", "I26.99"),
        ("2.16.840.1.113883.6.90", "I26.99"),
        (None, "I26.99"),
        ("http://snomed.info/sct", "59282003"),
        ("http://snomed.info/sct/731000124108", "59282003"),
        (None, "59282003"),
    ],
)
def test_an_embolism_is_one_in_every_spelling(index: Index, system: str | None, code: str) -> None:
    match = match_concept(coded(code, system), index)
    assert match.concepts == {"vte"}
    assert match.matched_by == "code"


def test_a_code_of_a_system_nobody_knows_says_nothing(index: Index) -> None:
    assert not match_concept(coded("I26.99", "urn:local:problems"), index).concepts


def test_a_longer_prefix_may_take_a_code_out_of_a_concept(index: Index) -> None:
    assert match_concept(coded("K75.4"), index).concepts == {"liver-severe"}
    assert match_concept(coded("K75.81"), index).concepts == {"liver-minor"}


def test_words_never_outrank_a_code(index: Index) -> None:
    chronic = coded("I82.501", text="Deep vein thrombosis, chronic")
    assert match_concept(chronic, index).concepts == {"vte-history"}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Z80.42", "Family history of malignant neoplasm of prostate (prostate cancer)"),
        ("Z12.5", "Prostate cancer check"),
        ("Z03.89", "Pulmonary embolism suspected"),
    ],
)
def test_codes_that_say_not_his_silence_the_words(index: Index, code: str, text: str) -> None:
    assert not match_concept(coded(code, text=text), index).concepts


def test_an_unlisted_snomed_code_lets_the_words_speak(index: Index) -> None:
    leg = coded("404223003", "http://snomed.info/sct", "Deep vein thrombosis of left leg")
    match = match_concept(leg, index)
    assert match.concepts == {"vte"}
    assert match.matched_by == "text"


@pytest.mark.parametrize(
    "text",
    [
        "No history of DVT, pulmonary embolism or stroke",
        "Denies blurred vision",
        "Family history of deep vein thrombosis",
        "Father with prostate cancer",
        "Rule out pituitary adenoma",
        "Pulmonary embolism - ruled out",
        "DVT: negative",
        "Screening for prostate cancer",
    ],
)
def test_denied_excluded_and_inherited_illness_is_none(index: Index, text: str) -> None:
    assert not match_concept(CodeableConcept(text=text), index).concepts


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Non-functioning pituitary adenoma", "intracranial-lesion"),
        ("No PE; deep vein thrombosis of the left leg", "vte"),
        ("48 year old man with pulmonary embolism", "vte"),
        ("Depression, not otherwise specified", "depression"),
    ],
)
def test_a_negation_of_something_else_denies_nothing(index: Index, text: str, concept: str) -> None:
    assert concept in match_concept(CodeableConcept(text=text), index).concepts


def test_a_past_illness_in_words_is_not_active_even_if_the_list_says_so(read_man: ReadMan) -> None:
    active = {"coding": [{"code": "active"}]}
    record = read_man(condition("H/o prostate cancer", clinicalStatus=active))
    assert record.problems[0].active is False


def test_a_past_operation_was_done(read_man: ReadMan) -> None:
    active = {"coding": [{"code": "active"}]}
    record = read_man(condition("History of bilateral orchiectomy", clinicalStatus=active))
    (problem,) = record.problems
    assert problem.active is True
    assert problem.laterality == "both"


@pytest.mark.parametrize(
    ("status", "active"),
    [("active", True), ("recurrence", True), ("relapse", True), ("resolved", False),
     ("remission", False), ("inactive", False), (None, None)],
)  # fmt: skip
def test_clinical_status_is_taken_as_stated(
    read_man: ReadMan, status: str | None, active: bool | None
) -> None:
    stated = {"clinicalStatus": {"coding": [{"code": status}]}} if status else {}
    assert read_man(condition(code="I26.99", **stated)).problems[0].active is active


def test_an_abatement_ends_a_problem_without_status(read_man: ReadMan) -> None:
    record = read_man(condition(code="I26.99", abatementDateTime="2024-05-01"))
    assert record.problems[0].active is False
    assert record.problems[0].abated == date(2024, 5, 1)


@pytest.mark.parametrize("verdict", ["refuted", "entered-in-error"])
def test_a_refuted_diagnosis_is_kept_to_be_shown_and_told_as_unused(
    read_man: ReadMan, verdict: str
) -> None:
    void = {"coding": [{"code": verdict}]}
    record = read_man(condition("Pulmonary embolism", "I26.99", verificationStatus=void))
    assert record.problems[0].refuted
    assert record.unused[0].reference == "Condition/c"
    assert verdict.replace("-", " ") in record.unused[0].reason


def test_an_onset_in_a_year_is_as_recent_as_its_record(read_man: ReadMan) -> None:
    record = read_man(condition(code="I26.99", onsetDateTime="2026", recordedDate="2026-09-12"))
    assert record.problems[0].onset == date(2026, 9, 12)


def test_an_onset_in_words_only_is_unknown(read_man: ReadMan) -> None:
    record = read_man(condition(code="I26.99", onsetString="after the flight"))
    assert record.problems[0].onset is None


def test_utc_times_become_the_issuers_days(read_man: ReadMan) -> None:
    row = condition(code="I26.99", onsetDateTime="2026-03-02T02:30:00Z")
    assert read_man(row).problems[0].onset == date(2026, 3, 2)
    there = read_man(row, timezone="America/New_York")
    assert there.problems[0].onset == date(2026, 3, 1)


def procedure(code: str, system: str, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": "p",
        "status": "completed",
        "subject": {"reference": "Patient/m"},
        "code": {"coding": [{"system": system, "code": code}]},
        "performedDateTime": "2019-04-01",
        **elements,
    }


CPT = "http://www.ama-assn.org/go/cpt"
PCS = "http://www.cms.gov/Medicare/Coding/ICD10"


@pytest.mark.parametrize(
    ("code", "system", "concept", "side"),
    [
        ("54520", CPT, "orchiectomy", None),
        ("54520-50", CPT, "orchiectomy", "both"),
        ("54520-LT", CPT, "orchiectomy", "left"),
        ("54690 RT", CPT, "orchiectomy", "right"),
        ("0VTC0ZZ", PCS, "orchiectomy-both", "both"),
        ("0VTB0ZZ", PCS, "orchiectomy", "left"),
        ("0vt90zz", PCS, "orchiectomy", "right"),
    ],
)
def test_operations_tell_their_side(
    read_man: ReadMan, code: str, system: str, concept: str, side: str | None
) -> None:
    (problem,) = read_man(procedure(code, system)).problems
    assert problem.concepts == {concept}
    assert problem.laterality == side
    assert problem.onset == date(2019, 4, 1)


def test_the_body_site_tells_the_side(read_man: ReadMan) -> None:
    site = [{"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}]
    assert read_man(procedure("54520", CPT, bodySite=site)).problems[0].laterality == "left"
    both = [{"text": "Left testis"}, {"text": "Right testis"}]
    assert read_man(procedure("54520", CPT, bodySite=both)).problems[0].laterality == "both"


@pytest.mark.parametrize(
    ("text", "side"),
    [("Anorchia", "both"), ("Acquired absence, surgical castration", "both"),
     ("Acquired absence of testis", None), ("Absence of testis, right", "right")],
)  # fmt: skip
def test_words_beside_the_code_tell_the_side(
    read_man: ReadMan, text: str, side: str | None
) -> None:
    assert read_man(condition(text, "Z90.79")).problems[0].laterality == side


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation"])
def test_an_operation_that_was_not_done_is_none(read_man: ReadMan, status: str) -> None:
    record = read_man(procedure("54520-50", CPT, status=status))
    assert record.problems[0].refuted
    assert record.unused[0].reference == "Procedure/p"


def test_what_matches_nothing_leaves_no_trace(read_man: ReadMan) -> None:
    record = read_man(condition("Ingrown toenail", "L60.0"))
    assert record.problems == ()
    assert record.unused == ()


@pytest.mark.parametrize(
    ("said", "code", "wanted"),
    [
        ("Hepatitis C", "B18.2", {"viral-hepatitis"}),
        ("Chronic hepatitis C", None, {"viral-hepatitis"}),
        ("Acute viral hepatitis B", None, {"viral-hepatitis"}),
        ("Autoimmune hepatitis", None, {"liver-severe"}),
        ("Chronic hepatitis", "K73.9", {"liver-severe"}),
        ("Hepatitis B vaccination", None, set()),
        ("Hepatitis B immune", None, set()),
    ],
)
def test_viral_hepatitis_is_told_apart_from_other_liver_disease(
    index: Index, said: str, code: str | None, wanted: set[str]
) -> None:
    concept = coded(code, text=said) if code else CodeableConcept(text=said)
    assert match_concept(concept, index).concepts == wanted


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("Acquired absence of prostate", False),
        ("History of radical prostatectomy", False),
        ("Acquired absence of other genital organ(s)", True),
        ("Absence of testis and prostate", True),
    ],
)
def test_a_code_for_several_organs_is_no_lost_testis_where_another_is_named(
    read_man: ReadMan, text: str, means: bool
) -> None:
    problems = read_man(condition(text, "Z90.79")).problems
    assert any("testes-absent" in p.concepts for p in problems) is means
