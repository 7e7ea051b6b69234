"""One medication row as one record that a drug is, was, or was not taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo

from smartapp.fhir.resources import (
    CodeableConcept,
    Dosage,
    MedicationRequest,
    MedicationStatement,
    Period,
)
from smartapp.labs.reading import Unused
from smartapp.patient.coding import label
from smartapp.patient.days import first_day, last_day
from smartapp.patient.doses import read_dose
from smartapp.patient.drugs import match_drug
from smartapp.patient.index import Index
from smartapp.patient.medication import MedicationRow, concept_of
from smartapp.patient.record import Dose, DrugMatch, Taking, TakingState


@dataclass(frozen=True, slots=True)
class Shelf:
    """What reading a medication row needs: the catalogue's index, the Medications sent along by
    id, and the issuer's time zone."""

    index: Index
    medications: Mapping[str, CodeableConcept]
    local: tzinfo | None


_STATES: Mapping[str, TakingState] = {
    "active": "active",
    "stopped": "stopped",
    "completed": "stopped",
    "not-taken": "not-taken",
}
_NO_REQUEST = {
    "cancelled": "order cancelled before it was carried out",
    "entered-in-error": "marked as entered in error",
    "draft": "a draft, not an order",
}
# "plan" stays: US Core marks so what the patient reports to take.
_NO_INTENT = {"proposal": "a proposal, not an order", "option": "an option, not an order"}
_NO_STATEMENT = {
    "entered-in-error": "marked as entered in error",
    "intended": "intended, not taken yet",
}


def read_request(row: MedicationRequest, shelf: Shelf) -> Taking | Unused | None:
    """What an order says about taking; Unused when it is ours and says nothing; None otherwise."""
    reference = f"MedicationRequest/{row.id}" if row.id else "MedicationRequest without id"
    named = drug_of(row, reference, shelf)
    if named is None or isinstance(named, Unused):
        return named
    drug, name = named
    authored = first_day(row.authoredOn, shelf.local)
    status = (row.status or "").strip().lower()
    reason = _NO_REQUEST.get(status) or _NO_INTENT.get((row.intent or "").strip().lower())
    if row.doNotPerform:
        reason = "says that the drug is not to be taken"
    if reason:
        return Unused(reference, f"{name}: {reason}", recorded=authored)
    bounds = _bounds(row.dosageInstruction)
    validity = row.dispenseRequest.validityPeriod if row.dispenseRequest else None
    ends = [last_day(bounds.end, shelf.local)]
    # While an order is active its prescription may lapse and be renewed unseen; a stopped one
    # ended on some unknown day before it lapsed.
    if status == "completed" and validity:
        ends.append(last_day(validity.end, shelf.local))
    start = first_day(bounds.start, shelf.local) or authored
    if start is None and validity:
        start = first_day(validity.start, shelf.local)
    dose = read_dose(row.dosageInstruction, shelf.index.drug(drug.agent), name)
    return _taking(drug, name, reference, start, ends, status, dose, authored)


def read_statement(row: MedicationStatement, shelf: Shelf) -> Taking | Unused | None:
    """What a statement says about taking; Unused when it is ours and says nothing; else None."""
    reference = f"MedicationStatement/{row.id}" if row.id else "MedicationStatement without id"
    named = drug_of(row, reference, shelf)
    if named is None or isinstance(named, Unused):
        return named
    drug, name = named
    bounds = row.effectivePeriod or _bounds(row.dosage)
    start = first_day(bounds.start or row.effectiveDateTime, shelf.local)
    asserted = first_day(row.dateAsserted, shelf.local)
    status = (row.status or "").strip().lower()
    reason = _NO_STATEMENT.get(status)
    if status == "not-taken" and asserted is None and start is None:
        reason = "recorded as not taken, without a date"
    if reason:
        return Unused(reference, f"{name}: {reason}", recorded=asserted or start)
    ends = [last_day(bounds.end, shelf.local)]
    # Whoever said on that day that it was over knew of an end before it.
    if _STATES.get(status) == "stopped":
        ends.append(asserted)
    dose = read_dose(row.dosage, shelf.index.drug(drug.agent), name)
    return _taking(drug, name, reference, start, ends, status, dose, asserted)


def drug_of(
    row: MedicationRow, reference: str, shelf: Shelf
) -> tuple[DrugMatch, str] | Unused | None:
    """The drug a row is about and its label; Unused when nobody can tell; None when not ours."""
    concept = concept_of(row, shelf.medications)
    if concept is None:
        return Unused(reference, "names a Medication that was not sent with it")
    match = match_drug(concept, shelf.index)
    return (match, label(concept)) if match else None


def known_on(taking: Taking, day: date) -> Taking | None:
    """The record as it was known on `day`: None when it was not; without the ends after it.

    A status has no date of its own, but an end has: where the end came after `day`, the drug was
    still taken then, and its being stopped was not known. Without such an end a stop is undated.
    """
    if (taking.recorded or day) > day or (taking.start or day) > day:
        return None
    if taking.kind == "supply" or max((taking.stop or day, *taking.ends)) <= day:
        return taking
    ends = tuple(end for end in taking.ends if end <= day)
    if taking.kind == "given":
        return replace(taking, stop=ends[0] if ends else taking.start, ends=ends)
    if taking.stated == "stopped" and taking.ends and taking.ends[0] > day:
        return _settled(replace(taking, ends=(), stated="active"))
    return _settled(replace(taking, ends=ends))


def _taking(
    drug: DrugMatch,
    name: str,
    reference: str,
    start: date | None,
    ends: Sequence[date | None],
    status: str,
    dose: Dose | None,
    written: date | None,
) -> Taking:
    return _settled(
        Taking(
            drug=drug,
            label=name,
            references=(reference,),
            start=start,
            stop=None,
            state="uncertain",
            dose=dose,
            recorded=written or start,
            known=None,
            stated=_STATES.get(status, "uncertain"),
            ends=tuple(end for end in ends if end),
        )
    )


def _settled(taking: Taking) -> Taking:
    """The record with stop, state and `known` as they follow from its status and its ends."""
    start, state = taking.start, taking.stated
    stop = taking.ends[0] if taking.ends else None
    if start and stop and stop < start:
        stop = None  # one of the two is a slip of the pen; an end unknown is the careful reading
    if state == "stopped" and stop is None:
        state = "uncertain"
    days = [day for day in (taking.recorded, stop if state == "stopped" else None) if day]
    return replace(
        taking,
        stop=stop,
        state=state,
        known=max(days, default=None),
        undated=state == "uncertain" and stop is None,
    )


def _bounds(dosages: Iterable[Dosage] | None) -> Period:
    for dosage in dosages or ():
        timing = dosage.timing
        if timing and timing.repeat and timing.repeat.boundsPeriod:
            return timing.repeat.boundsPeriod
    return Period()
