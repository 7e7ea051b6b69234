"""Reading FHIR row by row: one odd row goes to quarantine and hides no other.

A body that is not JSON at all is refused (InputError); whatever is inside a body is read, counted,
quarantined with path and reason, or told as a gap.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder

from smartapp.errors import InputError
from smartapp.fhir import resources as fhir
from smartapp.fhir.bundle import Page, open_body
from smartapp.fhir.model import Gap, Quarantined, Resources
from smartapp.fhir.outcome import gap_of
from smartapp.fhir.quarantine import ROW_ERRORS, explain, quarantine

LISTS: dict[type[Struct], str] = {
    fhir.Patient: "patients",
    fhir.Observation: "observations",
    fhir.Condition: "conditions",
    fhir.Procedure: "procedures",
    fhir.Medication: "medications",
    fhir.MedicationRequest: "medication_requests",
    fhir.MedicationStatement: "medication_statements",
    fhir.MedicationDispense: "medication_dispenses",
    fhir.MedicationAdministration: "medication_administrations",
    fhir.AllergyIntolerance: "allergies",
    fhir.Goal: "goals",
    fhir.QuestionnaireResponse: "questionnaire_responses",
}
_DECODE: dict[str, tuple[Callable[[bytes | Raw], Any], str]] = {
    kind.__name__: (Decoder(kind).decode, name) for kind, name in LISTS.items()
}
# A Bundle in a Bundle is a document or a batch answer; a Bundle in that one is a trap.
_DEEPEST = 1


class _Entry(Struct, frozen=True, gc=False):
    resource: fhir.Resource


class _OddEntry(Struct, frozen=True):
    resource: Raw = fhir.ABSENT
    response: Raw = fhir.ABSENT


class _Response(Struct, frozen=True):
    status: str | None = None


class _Head(Struct, frozen=True):
    resourceType: str | None = None
    id: Raw = fhir.ABSENT


_entry = Decoder(_Entry).decode
_odd_entry = Decoder(_OddEntry).decode
_response = Decoder(_Response).decode
_head = Decoder(_Head).decode
_is_type = re.compile(r"[A-Za-z]{1,64}").fullmatch
_is_id = re.compile(rb'"([A-Za-z0-9.\-]{1,64})"').fullmatch


def read_bundle(
    raw: bytes | Raw, into: Resources | None = None, *, what: str = "Bundle"
) -> Resources:
    """Everything in a Bundle (of any type, nested once), or in a single resource, added to `into`.

    An OperationOutcome that reports an error, or data held back, becomes a Gap named `what`.
    Later pages (`bundle.next_link`) are the caller's to fetch. Refuses (InputError) a body that is
    not JSON, not FHIR, or nested absurdly deep.
    """
    found = Resources() if into is None else into
    envelope, body = open_body(raw)
    reader = _Reader(found, what)
    if envelope.is_bundle:
        reader.entries(envelope.entry or (), "entry", 0)
    else:
        reader.resource(body, what, 0)
    return found


def read_resource(raw: bytes | Raw, into: Resources, where: str) -> None:
    """One resource, added to `into`; if its shape is odd, to `into.quarantined` instead.

    `where` ("entry[3]", "prefetch.patient") names a row that does not name itself.
    """
    _Reader(into, where).resource(raw, where, _DEEPEST)


def draft_rows(raw: bytes | Raw) -> tuple[Raw | bytes, ...]:
    """The resources of a Bundle of drafts, unread; a single resource is a Bundle of one.

    Entries without a resource are skipped. Refuses (InputError, naming the entry) an entry that is
    not an object, because a draft nobody read must not look like a draft nobody minds.
    """
    envelope, body = open_body(raw)
    if not envelope.is_bundle:
        return (body,)
    rows: list[Raw | bytes] = []
    for index, entry in enumerate(envelope.entry or ()):
        try:
            resource = _odd_entry(entry).resource
        except ROW_ERRORS as error:
            raise InputError(f"entry[{index}] of the drafts: {explain(error)[1]}") from None
        if bytes(resource) not in (b"", b"null"):
            rows.append(resource)
    return tuple(rows)


def read_pages(pages: Iterable[Page], gaps: Iterable[Gap] = ()) -> Resources:
    """All pages of a fetch. A page that cannot be read at all is a gap and hides no other page.

    A row that two pages hold (the server's paging moved under us) counts once, as received last.
    """
    found = Resources(gaps=list(gaps))
    for page in pages:
        try:
            read_bundle(page.body, found, what=page.key)
        except InputError as error:
            found.gaps.append(Gap(page.key, "failed", error.public))
    for name in LISTS.values():
        rows = getattr(found, name)
        rows[:] = {row.id or id(row): row for row in rows}.values()
    return found


class _Reader:
    """One body being read: where rows go, and what a gap in it is called."""

    __slots__ = ("_into", "_what")

    def __init__(self, into: Resources, what: str) -> None:
        self._into = into
        self._what = what

    def entries(self, rows: Iterable[Raw], path: str, depth: int) -> None:
        lists = {kind: getattr(self._into, name) for kind, name in LISTS.items()}
        for index, raw in enumerate(rows):
            # Nearly every row is a type we know in a shape we know: one pass, no peeking.
            try:
                resource = _entry(raw).resource
            except ROW_ERRORS:
                self._odd_entry(raw, f"{path}[{index}]", depth)
            else:
                lists[type(resource)].append(resource)

    def _odd_entry(self, raw: Raw, where: str, depth: int) -> None:
        try:
            entry = _odd_entry(raw)
        except ROW_ERRORS as error:
            self._into.quarantined.append(Quarantined(where, *explain(error)))
            return
        if bytes(entry.resource) not in (b"", b"null"):
            self.resource(entry.resource, where, depth)
        elif _refused(entry.response):
            reason = "the server refused a part of what was asked"
            self._into.gaps.append(Gap(self._what, "partial", reason))

    def resource(self, raw: bytes | Raw, where: str, depth: int) -> None:
        try:
            head = _head(raw)
        except ROW_ERRORS as error:
            self._into.quarantined.append(Quarantined(where, *explain(error)))
            return
        kind = head.resourceType or ""
        if kind in _DECODE:
            self._known(raw, head, where)
        elif kind == "OperationOutcome":
            if gap := gap_of(raw, self._what):
                self._into.gaps.append(gap)
        elif kind == "Bundle":
            self._inner(raw, where, depth)
        elif _is_type(kind):
            self._into.others[kind] = self._into.others.get(kind, 0) + 1
        else:
            reason = "the row does not say what type of resource it is"
            self._into.quarantined.append(Quarantined(where, "$.resourceType", reason))

    def _known(self, raw: bytes | Raw, head: _Head, where: str) -> None:
        kind = head.resourceType or ""
        decode, name = _DECODE[kind]
        try:
            getattr(self._into, name).append(decode(raw))
        except ROW_ERRORS as error:
            named = _is_id(bytes(head.id))
            reference = f"{kind}/{named[1].decode('ascii')}" if named else where
            self._into.quarantined.append(quarantine(raw, reference, error))

    def _inner(self, raw: bytes | Raw, where: str, depth: int) -> None:
        if depth >= _DEEPEST:
            reason = "a Bundle inside a Bundle inside a Bundle is not read"
            self._into.quarantined.append(Quarantined(where, "$", reason))
            return
        try:
            envelope, _ = open_body(raw)
        except InputError as error:
            self._into.quarantined.append(Quarantined(where, "$", error.public))
            return
        self.entries(envelope.entry or (), f"{where}.resource.entry", depth + 1)


def _refused(response: Raw) -> bool:
    """Whether a batch entry without a resource says that its request failed."""
    try:
        status = _response(response).status or ""
    except ROW_ERRORS:
        return False
    return status.startswith(("4", "5"))
