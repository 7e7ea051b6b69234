"""Allergies and intolerances to drugs of the catalogue."""

from __future__ import annotations

from datetime import tzinfo

from smartapp.fhir.resources import AllergyIntolerance
from smartapp.labs.reading import Unused
from smartapp.patient.coding import code_of, label
from smartapp.patient.days import first_day
from smartapp.patient.drugs import drugs_named
from smartapp.patient.index import Index
from smartapp.patient.record import Allergy

_VOID = {"refuted": "marked as refuted", "entered-in-error": "marked as entered in error"}
_OVER = frozenset({"inactive", "resolved"})


def read_allergy(
    row: AllergyIntolerance, index: Index, local: tzinfo | None
) -> Allergy | Unused | None:
    """The allergy in `row`; Unused when it is void; None when it names no drug of the catalogue.

    An unstated type is read as an allergy, the graver of the two. An allergy without status is
    active.
    """
    agents = drugs_named(row.code, index)
    for reaction in row.reaction or ():
        agents |= drugs_named(reaction.substance, index)
    if not agents:
        return None
    reference = f"AllergyIntolerance/{row.id}" if row.id else "AllergyIntolerance without id"
    recorded = first_day(row.recordedDate or row.onsetDateTime, local)
    if reason := _VOID.get(code_of(row.verificationStatus)):
        return Unused(reference, f"{label(row.code)}: {reason}", recorded=recorded)
    return Allergy(
        reference=reference,
        agents=agents,
        type="intolerance" if row.type == "intolerance" else "allergy",
        active=code_of(row.clinicalStatus) not in _OVER,
        text=label(row.code),
        recorded=recorded,
    )
