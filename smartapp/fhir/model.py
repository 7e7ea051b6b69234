"""What leaves the pipe: decoded resources, what was quarantined, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from smartapp.fhir.resources import (
    AllergyIntolerance,
    Condition,
    Goal,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Patient,
    Procedure,
    QuestionnaireResponse,
)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A row that is JSON but not the shape FHIR promises. It hides no other row.

    `reference`: "Observation/123" when type and id could be read, else "entry[3]".
    `path`: JSON path inside the row, e.g. "$.valueQuantity.value". `reason`: one sentence
    without the row's content. `codes` ("system|code"), `effective` and `issued` as sent, where
    they could still be read, so that an unreadable newest result is not mistaken for none.
    """

    reference: str
    path: str
    reason: str
    codes: tuple[str, ...] = ()
    effective: str | None = None
    issued: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A kind of data that could not be read, or only in part.

    `what`: FHIR resource type or prefetch key; `state`: "failed" (asked and refused or broken),
    "missing" (never supplied and no way to ask), "partial" (some pages). `reason`: one sentence,
    safe to show.
    """

    what: str
    state: Literal["failed", "missing", "partial"]
    reason: str


@dataclass(slots=True)
class Resources:
    """Everything read about one patient, by type, in the order received.

    The only mutable type that crosses rooms: the pipe appends while pages arrive, and hands it on
    when reading is over. `others` counts resources of types that nobody here reads.
    """

    patients: list[Patient] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    procedures: list[Procedure] = field(default_factory=list)
    medications: list[Medication] = field(default_factory=list)
    medication_requests: list[MedicationRequest] = field(default_factory=list)
    medication_statements: list[MedicationStatement] = field(default_factory=list)
    medication_dispenses: list[MedicationDispense] = field(default_factory=list)
    medication_administrations: list[MedicationAdministration] = field(default_factory=list)
    allergies: list[AllergyIntolerance] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    questionnaire_responses: list[QuestionnaireResponse] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
