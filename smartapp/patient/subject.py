"""Whose row it is: the patient's own, or somebody else's that came along."""

from __future__ import annotations

from smartapp.fhir.resources import Reference
from smartapp.labs.reading import Unused


class Subject:
    """Tells the rows of one patient from those of others.

    A row that names no subject is his: it came in answer to a question about him. `alone`: no
    other Patient was sent, so that a reference inside the Bundle can only mean him.
    """

    __slots__ = ("_alone", "_ending", "_id", "_plain")

    def __init__(self, identity: str | None, *, alone: bool) -> None:
        self._id = identity
        self._alone = alone
        self._plain = f"Patient/{identity}"
        self._ending = f"/Patient/{identity}"

    def owns(self, reference: Reference | None) -> bool:
        """Whether a row with this subject is the patient's."""
        target = reference.reference if reference else None
        if not target or target == self._plain or self._id is None:
            return True
        target = target.partition("/_history/")[0]
        if target.startswith(("urn:", "#")):
            return self._alone or target.endswith(f":{self._id}")
        return target == self._plain or target.endswith(self._ending)


def stranger(kind: str, identity: str | None) -> Unused:
    """How a row of another patient is told: seen, not used, and no result of this one."""
    reference = f"{kind}/{identity}" if identity else f"{kind} without id"
    return Unused(reference, "belongs to another patient", void=True)
