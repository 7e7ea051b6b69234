"""Bodies for the bench: patient-view calls of made-up men, no two alike.

Every body has a hookInstance, ids, dates and values of its own, so that nothing can be kept between
calls. The rows have the members an EHR usually sends, not only those the service reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

Json = dict[str, Any]

# LOINC, name, unit, usual low and high of the value, reference range, digits
PANEL = (
    ("2986-8", "Testosterone [Mass/volume] in Serum or Plasma", "ng/dL", 170, 420, (264, 916), 0),
    ("10501-5", "Lutropin [Units/volume] in Serum or Plasma", "[IU]/L", 1.8, 8.4, (1.7, 8.6), 1),
    (
        "15067-2",
        "Follitropin [Units/volume] in Serum or Plasma",
        "[IU]/L",
        1.6,
        11.0,
        (1.5, 12.4),
        1,
    ),
    ("13967-5", "Sex hormone binding globulin", "nmol/L", 19, 52, (16, 55), 0),
    ("2243-4", "Estradiol (E2) [Mass/volume] in Serum or Plasma", "pg/mL", 14, 40, (8, 43), 0),
    ("2842-3", "Prolactin [Mass/volume] in Serum or Plasma", "ng/mL", 4, 15, (4, 15.2), 1),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 3.9, 4.8, (3.5, 5.2), 1),
    ("4544-3", "Hematocrit [Volume Fraction] of Blood", "%", 41, 50, (38.5, 50), 1),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 13.6, 16.8, (13.2, 17.1), 1),
    ("2857-1", "Prostate specific Ag [Mass/volume]", "ng/mL", 0.3, 2.2, (0, 4), 2),
    ("1742-6", "Alanine aminotransferase", "U/L", 12, 44, (7, 45), 0),
    ("3016-3", "Thyrotropin [Units/volume]", "m[IU]/L", 0.8, 3.8, (0.4, 4.5), 2),
)
_CATEGORY = [
    {
        "coding": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "laboratory",
                "display": "Laboratory",
            }
        ],
        "text": "Laboratory",
    }
]
_UCUM = "http://unitsofmeasure.org"


def bodies(observations: int, seed: int, now: datetime | None = None) -> Iterator[bytes]:
    """Calls with that many Observations in prefetch, endless, none like another."""
    random = Random(seed)  # noqa: S311 - made-up patients, no secret
    moment = now or datetime.now(UTC)
    while True:
        yield json.dumps(call(random, observations, moment)).encode()


def call(random: Random, observations: int, now: datetime) -> Json:
    """One patient-view call."""
    patient = f"p{random.getrandbits(48):012x}"
    rows = list(_results(random, patient, observations, now))
    hormones = {"2986-8", "10501-5", "15067-2"}
    split: dict[bool, list[Json]] = {True: [], False: []}
    for row in rows:
        split[row["code"]["coding"][0]["code"] in hormones].append(row)
    return {
        "hook": "patient-view",
        "hookInstance": str(UUID(int=random.getrandbits(128), version=4)),
        "context": {
            "userId": f"Practitioner/{random.randrange(10**6)}",
            "patientId": patient,
            "encounterId": f"e{random.getrandbits(40):x}",
        },
        "prefetch": {
            "patient": _patient(random, patient, now),
            "hormones": _bundle(split[True]),
            "safety": _bundle(split[False]),
            "conditions": _bundle(_conditions(random, patient, now)),
            "procedures": _bundle([]),
            "medicationRequests": _bundle(_medications(random, patient, now)),
            "medicationStatements": _bundle([]),
            "allergies": _bundle([]),
            "goals": _bundle([]),
            "dispenses": _bundle([]),
            "administrations": _bundle([]),
            "questionnaires": _bundle([]),
        },
    }


def _patient(random: Random, id_: str, now: datetime) -> Json:
    born = now - timedelta(days=random.randrange(26 * 365, 60 * 365))
    return {
        "resourceType": "Patient",
        "id": id_,
        "meta": {"versionId": "3", "lastUpdated": now.isoformat()},
        "identifier": [{"system": "urn:oid:1.2.36.146.595.217.0.1", "value": id_.upper()}],
        "active": True,
        "name": [{"use": "official", "family": f"F{random.randrange(9999)}", "given": ["Max"]}],
        "telecom": [{"system": "phone", "value": f"555-{random.randrange(10000):04d}"}],
        "gender": "male",
        "birthDate": born.date().isoformat(),
        "address": [{"city": "Springfield", "postalCode": f"{random.randrange(99999):05d}"}],
    }


def _results(random: Random, patient: str, count: int, now: datetime) -> Iterator[Json]:
    """Morning draws going back in time, each with the whole panel, until there are enough."""
    made = 0
    days = random.randrange(3, 20)
    while made < count:
        drawn = now - timedelta(days=days)
        minute = random.randrange(60)
        when = f"{drawn.date().isoformat()}T0{random.choice('789')}:{minute:02d}:00-05:00"
        for row in PANEL[: count - made]:
            yield _observation(random, patient, when, *row)
            made += 1
        days += random.randrange(20, 45)


def _observation(
    random: Random,
    patient: str,
    when: str,
    loinc: str,
    display: str,
    unit: str,
    low: float,
    high: float,
    normal: tuple[float, float],
    digits: int,
) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"o{random.getrandbits(56):014x}",
        "meta": {"versionId": "1", "lastUpdated": when},
        "identifier": [{"system": "https://lab.example/results", "value": str(random.random())}],
        "basedOn": [{"reference": f"ServiceRequest/{random.getrandbits(40):x}"}],
        "status": "final",
        "category": _CATEGORY,
        "code": {
            "coding": [{"system": "http://loinc.org", "code": loinc, "display": display}],
            "text": display,
        },
        "subject": {"reference": f"Patient/{patient}", "display": "Max"},
        "encounter": {"reference": f"Encounter/{random.getrandbits(40):x}"},
        "effectiveDateTime": when,
        "issued": when,
        "performer": [{"reference": "Organization/lab", "display": "Central laboratory"}],
        "valueQuantity": {
            "value": round(random.uniform(low, high), digits),
            "unit": unit,
            "system": _UCUM,
            "code": unit,
        },
        "referenceRange": [
            {
                "low": {"value": normal[0], "unit": unit, "system": _UCUM, "code": unit},
                "high": {"value": normal[1], "unit": unit, "system": _UCUM, "code": unit},
                "text": f"{normal[0]} - {normal[1]} {unit}",
            }
        ],
    }


def _conditions(random: Random, patient: str, now: datetime) -> list[Json]:
    known = (
        ("R68.82", "Decreased libido"),
        ("I10", "Essential (primary) hypertension"),
        ("M54.5", "Low back pain"),
        ("E66.9", "Obesity, unspecified"),
        ("J30.9", "Allergic rhinitis, unspecified"),
    )
    return [
        {
            "resourceType": "Condition",
            "id": f"c{random.getrandbits(40):x}",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "verificationStatus": {"coding": [{"code": "confirmed"}]},
            "code": {
                "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}],
                "text": text,
            },
            "subject": {"reference": f"Patient/{patient}"},
            "recordedDate": (now - timedelta(days=random.randrange(30, 600))).date().isoformat(),
        }
        for code, text in random.sample(known, 3)
    ]


def _medications(random: Random, patient: str, now: datetime) -> list[Json]:
    return [
        {
            "resourceType": "MedicationRequest",
            "id": f"m{random.getrandbits(40):x}",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [], "text": text},
            "subject": {"reference": f"Patient/{patient}"},
            "authoredOn": (now - timedelta(days=random.randrange(30, 400))).date().isoformat(),
            "dosageInstruction": [{"text": "one tablet once a day"}],
        }
        for text in ("lisinopril 10 mg oral tablet", "cetirizine 10 mg oral tablet")
    ]


def _bundle(rows: list[Json]) -> Json:
    found: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(rows)}
    if rows:
        found["entry"] = [
            {
                "fullUrl": f"https://ehr.example/fhir/{row['resourceType']}/{row['id']}",
                "resource": row,
                "search": {"mode": "match"},
            }
            for row in rows
        ]
    return found
