"""The order pad: one patient's draft orders, and what a suggestion does to them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any

from smartapp.demo.dig import concept_label, text

_ORDERS = ("MedicationRequest", "ServiceRequest")


class CannotApply(Exception):
    """A suggestion that does not fit the pad; nothing of it was done."""


class Pad:
    """Drafts of one patient, by "Type/id", in the order they were written."""

    def __init__(self, patient: str, numbers: itertools.count[int]) -> None:
        self.patient = patient
        self._numbers = numbers
        self._lock = threading.Lock()
        self._drafts: dict[str, dict[str, Any]] = {}

    @property
    def drafts(self) -> dict[str, dict[str, Any]]:
        """A copy of the drafts as they are now."""
        with self._lock:
            return dict(self._drafts)

    def new_id(self) -> str:
        """An id for the next draft: temporary, unique in this process."""
        return f"draft-{next(self._numbers)}"

    def put(self, draft: dict[str, Any]) -> str:
        """Write a draft, or replace the one of the same id. Its reference."""
        reference = f"{draft['resourceType']}/{draft['id']}"
        with self._lock:
            self._drafts[reference] = draft
        return reference

    def remove(self, reference: str) -> None:
        with self._lock:
            self._drafts.pop(reference, None)

    def take_all(self) -> list[dict[str, Any]]:
        """Every draft, and an empty pad."""
        with self._lock:
            drafts, self._drafts = list(self._drafts.values()), {}
        return drafts

    def apply(self, actions: Sequence[dict[str, Any]]) -> list[str]:
        """Do all actions of one suggestion, deletes first (CDS Hooks 2.0.1, Suggestion).

        Says what was done. Refuses (CannotApply), having changed nothing, when one of the actions
        names a draft that is not there or brings something that is not an order for this patient.
        """
        steps = sorted((self._step(action) for action in actions), key=lambda step: step[0])
        with self._lock:
            changed = dict(self._drafts)
            said = [self._do(changed, *step) for step in steps]
            self._drafts = changed
        return said

    def _step(self, action: dict[str, Any]) -> tuple[int, str, Any]:
        kind = text(action, "type")
        if kind == "delete":
            return 0, kind, text(action, "resourceId")
        if kind in ("create", "update"):
            return (1 if kind == "create" else 2), kind, self._order(action.get("resource"))
        raise CannotApply("The suggestion holds an action of unknown type.")

    def _order(self, resource: Any) -> dict[str, Any]:
        if text(resource, "resourceType") not in _ORDERS:
            raise CannotApply("The suggestion brings a resource that is not an order.")
        if text(resource, "subject", "reference") != f"Patient/{self.patient}":
            raise CannotApply("The suggested order is not for this patient.")
        order: dict[str, Any] = dict(resource)
        return order

    def _do(self, drafts: dict[str, dict[str, Any]], rank: int, kind: str, what: Any) -> str:
        if kind == "create":
            what.setdefault("id", self.new_id())
            drafts[f"{what['resourceType']}/{what['id']}"] = what
            return f"Added to the order pad: {order_label(what)}."
        reference = what if kind == "delete" else f"{what['resourceType']}/{what.get('id')}"
        if reference not in drafts:
            raise CannotApply("The draft the suggestion is about is no longer on the pad.")
        if kind == "delete":
            return f"Removed from the order pad: {order_label(drafts.pop(reference))}."
        drafts[reference] = what
        return f"Changed on the order pad: {order_label(what)}."


class Pads:
    """Every patient's pad, and the signed orders' numbering."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pads: dict[str, Pad] = {}
        self._numbers = itertools.count(1)

    def of(self, patient: str) -> Pad:
        with self._lock:
            return self._pads.setdefault(patient, Pad(patient, self._numbers))


def order_label(order: dict[str, Any]) -> str:
    """What is ordered, in one line: drug or test, then dosage."""
    what = order.get("medicationCodeableConcept") or order.get("code")
    dosage = text(order, "dosageInstruction", 0, "text") or ""
    name = concept_label(what) or "order without a name"
    return f"{name}, {dosage}" if dosage else name
