"""Where a medication row keeps the name of its drug: inline, contained, or in another resource."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from smartapp.fhir.resources import (
    CodeableConcept,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Reference,
)

MedicationRow = (
    MedicationRequest | MedicationStatement | MedicationDispense | MedicationAdministration
)

_decode = msgspec.json.Decoder(Medication).decode


def medications_by_id(medications: Iterable[Medication]) -> dict[str, CodeableConcept]:
    """The concept of every Medication that has an id and a code."""
    return {row.id: row.code for row in medications if row.id and row.code}


def concept_of(row: MedicationRow, known: Mapping[str, CodeableConcept]) -> CodeableConcept | None:
    """What the row is about; None when it points to a Medication that nobody sent."""
    if row.medicationCodeableConcept is not None:
        return row.medicationCodeableConcept
    return resolve(row.medicationReference, row.contained, known)


def resolve(
    pointer: Reference | None,
    contained: Iterable[Raw] | None,
    known: Mapping[str, CodeableConcept],
) -> CodeableConcept | None:
    """Like `concept_of`, for a bare reference; its display serves when the target is missing."""
    if pointer is None:
        return None
    target = pointer.reference or ""
    found = None
    if target.startswith("#"):
        found = _contained(target[1:], contained)
    elif target:
        found = known.get(target.partition("/_history/")[0].replace(":", "/").rpartition("/")[2])
    if found is None and pointer.display:
        return CodeableConcept(text=pointer.display)
    return found


def _contained(identity: str, contained: Iterable[Raw] | None) -> CodeableConcept | None:
    for raw in contained or ():
        try:
            medication = _decode(raw)
        except msgspec.MsgspecError:
            continue  # another type, or an odd row: it names no drug
        if medication.id == identity:
            return medication.code
    return None
