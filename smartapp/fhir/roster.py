"""Looking for a patient: one search, one page at a time, and only what tells two people apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from msgspec import Raw, Struct
from msgspec.json import Decoder

from smartapp.fhir.bundle import next_of, open_body
from smartapp.fhir.outcome import gap_of
from smartapp.fhir.plans import SearchPlan
from smartapp.fhir.quarantine import ROW_ERRORS
from smartapp.fhir.resources import ABSENT, HumanName

KEY = "patients"
A_PAGE = 20


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One patient found, as recorded: nothing here is judged. Absent parts are empty."""

    id: str
    name: str
    birth_date: str
    gender: str
    number: str


@dataclass(frozen=True, slots=True)
class Roster:
    """One page of patients. `unreadable` counts rows that are there and could not be read;
    `problem` is what the server says of the search, safe to show; `next` its next page."""

    rows: tuple[RosterRow, ...]
    unreadable: int
    problem: str | None
    next: str | None


class _Identifier(Struct, frozen=True):
    value: str | None = None


class _Patient(Struct, frozen=True, tag_field="resourceType", tag="Patient"):
    id: str
    name: list[HumanName] | None = None
    birthDate: str | None = None
    gender: str | None = None
    identifier: list[_Identifier] | None = None


class _Entry(Struct, frozen=True):
    resource: Raw = ABSENT


class _Head(Struct, frozen=True):
    resourceType: str | None = None


_entry = Decoder(_Entry).decode
_head = Decoder(_Head).decode
_patient = Decoder(_Patient).decode


def roster_plan(*, name: str = "", identifier: str = "", birth_date: str = "") -> SearchPlan:
    """The search for patients by what is given of the three; all of them, where nothing is."""
    given = {"name": name, "identifier": identifier, "birthdate": birth_date}
    asked = [f"{key}={quote(value, safe='')}" for key, value in given.items() if value]
    return SearchPlan(KEY, "&".join([f"Patient?_count={A_PAGE}", *asked]), single=True)


def next_plan(link: str) -> SearchPlan:
    """The page behind `Roster.next`; the client refuses one that is not below its base."""
    return SearchPlan(KEY, link, single=True)


def read_roster(body: bytes) -> Roster:
    """The patients of a page. Refuses (InputError) a body that is no FHIR at all."""
    envelope, _ = open_body(body)
    rows: list[RosterRow] = []
    unreadable, problem = 0, None
    for raw in _resources(envelope.entry or ()):
        try:
            kind = _head(raw).resourceType
            if kind == "OperationOutcome":
                gap = gap_of(raw, KEY)
                problem = problem or (gap.reason if gap else None)
            elif kind == "Patient":
                rows.append(_row(_patient(raw)))
        except ROW_ERRORS:
            unreadable += 1
    return Roster(tuple(rows), unreadable, problem, next_of(envelope))


def _resources(entries: list[Raw] | tuple[Raw, ...]) -> Iterator[Raw]:
    for entry in entries:
        try:
            resource = _entry(entry).resource
        except ROW_ERRORS:
            # An entry that is no object at all counts as a row that could not be read.
            resource = entry
        if bytes(resource):
            yield resource


def _row(patient: _Patient) -> RosterRow:
    numbers = (i.value for i in patient.identifier or () if i.value)
    return RosterRow(
        id=patient.id,
        name=_name(patient.name or []),
        birth_date=patient.birthDate or "",
        gender=patient.gender or "",
        number=next(numbers, ""),
    )


def _name(names: list[HumanName]) -> str:
    for name in sorted(names, key=lambda name: name.use not in ("official", None)):
        given = " ".join(part for part in name.given or () if part)
        full = ", ".join(part for part in (name.family, given) if part) or name.text
        if full:
            return full
    return ""
