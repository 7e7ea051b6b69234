"""Which search parameters each resource type has here, and where each looks.

Paths are FHIR element paths; several are alternatives (`effective[x]`). What is not listed is
refused with 400: a server that ignores `code` would answer with the wrong data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["token", "date", "reference", "string"]


@dataclass(frozen=True, slots=True)
class Parameter:
    kind: Kind
    paths: tuple[tuple[str, ...], ...]


def _p(kind: Kind, *paths: str) -> Parameter:
    return Parameter(kind, tuple(tuple(path.split(".")) for path in paths))


_ID = _p("token", "id")
_UPDATED = _p("date", "meta.lastUpdated")
_SUBJECT = _p("reference", "subject")
_PATIENT = _p("reference", "patient")
_ENCOUNTER = _p("reference", "encounter")
_MEDICATION = _p("token", "medicationCodeableConcept")


def _clinical(**parameters: Parameter) -> dict[str, Parameter]:
    return {
        "_id": _ID, "_lastUpdated": _UPDATED, "patient": _SUBJECT, "subject": _SUBJECT,
        "encounter": _ENCOUNTER, **parameters,
    }  # fmt: skip


PARAMETERS: dict[str, dict[str, Parameter]] = {
    "Patient": {
        "_id": _ID,
        "_lastUpdated": _UPDATED,
        "identifier": _p("token", "identifier"),
        "name": _p("string", "name"),
        "family": _p("string", "name.family"),
        "given": _p("string", "name.given"),
        "birthdate": _p("date", "birthDate"),
        "gender": _p("token", "gender"),
    },
    "Observation": _clinical(
        code=_p("token", "code"),
        category=_p("token", "category"),
        status=_p("token", "status"),
        date=_p("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    ),
    "Condition": _clinical(
        code=_p("token", "code"),
        category=_p("token", "category"),
        **{
            "clinical-status": _p("token", "clinicalStatus"),
            "verification-status": _p("token", "verificationStatus"),
            "onset-date": _p("date", "onsetDateTime", "onsetPeriod"),
            "recorded-date": _p("date", "recordedDate"),
        },
    ),
    "Procedure": _clinical(
        code=_p("token", "code"),
        category=_p("token", "category"),
        status=_p("token", "status"),
        date=_p("date", "performedDateTime", "performedPeriod"),
    ),
    "MedicationRequest": _clinical(
        code=_MEDICATION,
        category=_p("token", "category"),
        status=_p("token", "status"),
        intent=_p("token", "intent"),
        authoredon=_p("date", "authoredOn"),
    ),
    "MedicationStatement": _clinical(
        code=_MEDICATION,
        category=_p("token", "category"),
        status=_p("token", "status"),
        effective=_p("date", "effectiveDateTime", "effectivePeriod"),
    ),
    "MedicationDispense": _clinical(
        code=_MEDICATION,
        status=_p("token", "status"),
        type=_p("token", "type"),
        whenhandedover=_p("date", "whenHandedOver"),
    ),
    "MedicationAdministration": _clinical(
        code=_MEDICATION,
        status=_p("token", "status"),
        **{"effective-time": _p("date", "effectiveDateTime", "effectivePeriod")},
    ),
    "AllergyIntolerance": {
        "_id": _ID,
        "_lastUpdated": _UPDATED,
        "patient": _PATIENT,
        "code": _p("token", "code"),
        "category": _p("token", "category"),
        "type": _p("token", "type"),
        "clinical-status": _p("token", "clinicalStatus"),
        "verification-status": _p("token", "verificationStatus"),
        "date": _p("date", "recordedDate"),
    },
    "Goal": {
        "_id": _ID,
        "_lastUpdated": _UPDATED,
        "patient": _SUBJECT,
        "subject": _SUBJECT,
        "category": _p("token", "category"),
        "lifecycle-status": _p("token", "lifecycleStatus"),
        "start-date": _p("date", "startDate"),
    },
    "Encounter": {
        "_id": _ID,
        "_lastUpdated": _UPDATED,
        "patient": _SUBJECT,
        "subject": _SUBJECT,
        "status": _p("token", "status"),
        "class": _p("token", "class"),
        "date": _p("date", "period"),
    },
    "QuestionnaireResponse": _clinical(
        status=_p("token", "status"),
        questionnaire=_p("string", "questionnaire"),
        authored=_p("date", "authored"),
    ),
    "ServiceRequest": _clinical(
        code=_p("token", "code"),
        category=_p("token", "category"),
        status=_p("token", "status"),
        intent=_p("token", "intent"),
        authored=_p("date", "authoredOn"),
    ),
    "Medication": {"_id": _ID, "_lastUpdated": _UPDATED, "code": _p("token", "code")},
    "Practitioner": {
        "_id": _ID,
        "_lastUpdated": _UPDATED,
        "identifier": _p("token", "identifier"),
        "name": _p("string", "name"),
    },
}
# Types that belong to no patient: a patient/ scope with the type's name or "*" may read them.
SHARED_TYPES = frozenset({"Medication", "Practitioner"})
CONTROLS = frozenset({"_count", "_sort", "_format"})
