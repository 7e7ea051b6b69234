"""Drafts of an order, read as far as they can be: clients send old, short and broken ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from smartapp.errors import InputError
from smartapp.fhir.resources import (
    ABSENT,
    CodeableConcept,
    Coding,
    Dosage,
    DoseAndRate,
    Quantity,
    Reference,
    Timing,
)
from smartapp.knowledge.catalogue import Catalogue
from smartapp.patient.coding import label
from smartapp.patient.doses import read_dose
from smartapp.patient.drugs import match_drug
from smartapp.patient.index import Index, index_of
from smartapp.patient.medication import resolve
from smartapp.patient.record import DraftOrder

_MEDICATION_ORDERS = frozenset({"MedicationRequest", "MedicationOrder", "MedicationStatement"})
# What is signed again to end it orders nothing (order-sign 1.1 brings other states than draft).
_ENDED = frozenset({"cancelled", "stopped", "completed", "ended", "entered-in-error"})


class _Draft(Struct, frozen=True):
    """The members read of any draft. Each stays raw, so that a broken one breaks no other."""

    resourceType: str | None = None
    id: str | None = None
    status: Raw = ABSENT
    doNotPerform: Raw = ABSENT
    code: Raw = ABSENT
    medicationCodeableConcept: Raw = ABSENT
    medicationReference: Raw = ABSENT
    contained: Raw = ABSENT
    dosageInstruction: Raw = ABSENT
    dosage: Raw = ABSENT


class _OldDosage(Struct, frozen=True):
    """Dosage as DSTU2 and some simulators write it: the quantity directly in it."""

    text: str | None = None
    timing: Timing | None = None
    doseQuantity: Quantity | None = None


class _LooseConcept(Struct, frozen=True):
    coding: Coding
    text: str | None = None


_T = TypeVar("_T")
_as_draft = Decoder(_Draft).decode
_as_concept = Decoder(CodeableConcept).decode
_as_loose_concept = Decoder(_LooseConcept).decode
_as_text = Decoder(str).decode
_as_reference = Decoder(Reference).decode
_as_rows = Decoder(list[Raw]).decode
_as_dosage = Decoder(Dosage).decode
_as_old_dosage = Decoder(_OldDosage).decode


def read_drafts(
    raws: Sequence[bytes | Raw], catalogue: Catalogue, *, focus: frozenset[str] | None
) -> tuple[DraftOrder, ...]:
    """Every draft in `raws`, in the order sent.

    `focus`: the references that the hook selected; None means all. A draft that orders no drug of
    the catalogue has no agent; one that ends an order, or forbids the drug, is left out. Refuses
    (InputError, naming the draft by its place) one that is not a resource, or an order whose drug
    is written in no way that could be read: a draft nobody read must not look like a draft nobody
    minds.
    """
    index = index_of(catalogue)
    drafts = [_draft(raw, place) for place, raw in enumerate(raws)]
    medications = {
        draft.id: concept
        for draft in drafts
        if draft.resourceType == "Medication" and draft.id and (concept := _concept(draft.code))
    }
    return tuple(
        _order(draft, place, index, medications, focus)
        for place, draft in enumerate(drafts)
        if draft.resourceType != "Medication" and _orders(draft)
    )


def _orders(draft: _Draft) -> bool:
    forbids = bytes(draft.doNotPerform) == b"true"
    return not forbids and _try(_as_text, draft.status) not in _ENDED


def _draft(raw: bytes | Raw, place: int) -> _Draft:
    draft = _try(_as_draft, raw)
    if draft is None or not draft.resourceType:
        raise InputError(f"draft {place + 1} is not a FHIR resource")
    return draft


def _order(
    draft: _Draft,
    place: int,
    index: Index,
    medications: dict[str, CodeableConcept],
    focus: frozenset[str] | None,
) -> DraftOrder:
    kind = draft.resourceType or ""
    reference = f"{kind}/{draft.id}" if draft.id else f"{kind} entry[{place}]"
    in_focus = focus is None or reference in focus or draft.id in focus
    if kind not in _MEDICATION_ORDERS:
        concept = _concept(draft.code)
        return DraftOrder(
            reference, None, None, None, in_focus, label(concept) if concept else kind
        )
    concept = _medication(draft, medications)
    if concept is None and _has(draft.medicationCodeableConcept):
        raise InputError(f"draft {place + 1} ({kind}) names its drug in a way that cannot be read")
    match = match_drug(concept, index)
    name = label(concept) if concept else kind
    if match is None:
        return DraftOrder(reference, None, None, None, in_focus, name)
    return DraftOrder(
        reference=reference,
        agent=match.agent,
        drug_class=index.drug(match.agent).drug_class,
        dose=read_dose(_dosages(draft), index.drug(match.agent), name),
        in_focus=in_focus,
        label=name,
    )


def _medication(draft: _Draft, medications: dict[str, CodeableConcept]) -> CodeableConcept | None:
    concept = _concept(draft.medicationCodeableConcept)
    if concept is not None:
        return concept
    pointer = _try(_as_reference, draft.medicationReference)
    return resolve(pointer, _try(_as_rows, draft.contained), medications)


def _dosages(draft: _Draft) -> list[Dosage]:
    """The dosages that can be read. One given as an object instead of a list is one."""
    raw = draft.dosageInstruction if _has(draft.dosageInstruction) else draft.dosage
    if not _has(raw):
        return []
    return [_dosage(row) for row in _try(_as_rows, raw) or [raw]]


def _dosage(raw: Raw) -> Dosage:
    dosage = _try(_as_dosage, raw) or Dosage()
    if dosage.doseAndRate:
        return dosage
    old = _try(_as_old_dosage, raw)
    if old is None:
        return dosage
    return Dosage(
        text=old.text,
        timing=old.timing,
        asNeededBoolean=dosage.asNeededBoolean,
        doseAndRate=[DoseAndRate(doseQuantity=old.doseQuantity)] if old.doseQuantity else None,
    )


def _concept(raw: Raw) -> CodeableConcept | None:
    """A concept; also one whose coding is an object instead of a list, and a bare text."""
    if not _has(raw):
        return None
    if concept := _try(_as_concept, raw):
        return concept
    if loose := _try(_as_loose_concept, raw):
        return CodeableConcept(coding=[loose.coding], text=loose.text)
    text = _try(_as_text, raw)
    return CodeableConcept(text=text) if text else None


def _has(raw: Raw) -> bool:
    return bytes(raw) not in (b"", b"null")


def _try(decode: Callable[[bytes | Raw], _T], raw: bytes | Raw) -> _T | None:
    """What `decode` makes of `raw`; None when its shape is another."""
    try:
        return decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
