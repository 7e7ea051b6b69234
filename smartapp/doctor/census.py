"""Which codes, units and statuses a chart's results carry, counted without any of their values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from smartapp.doctor.visit import Visit
from smartapp.fhir.resources import (
    CodeableConcept,
    Coding,
    Observation,
    ObservationComponent,
    Patient,
)
from smartapp.knowledge.catalogue import Analyte
from smartapp.labs.matching import Match, NotMatched, is_loinc, match_code
from smartapp.labs.reader import looks_like
from smartapp.labs.timing import when_of
from smartapp.labs.units import find_unit

# What a server wrote is shown only in the shape of a code or unit, and never when it has a
# patient's id in it: the place for words is where names may stand.
_is_code = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._\-^/]{1,40}").fullmatch
_is_system = re.compile(r"(?:https?://|urn:)[A-Za-z0-9._~:/\-]{1,150}").fullmatch
_is_unit = re.compile(r"(?=.*[A-Za-z%])[A-Za-z0-9\u00b5\u03bc%/.*^\[\]{}()\-]{1,20}").fullmatch
_is_status = re.compile(r"[a-z\-]{1,20}").fullmatch
_in_utc = re.compile(r".*T.*(?:Z|[+-]00:00)").fullmatch
NO_UNIT = "(no unit)"
UNKNOWN_UNIT = "?"  # stands before a unit that we cannot convert
UNSHOWN = "(not shown)"


@dataclass(slots=True)
class Local:
    """One code that the map lacks, and what it seems to be."""

    analyte: Analyte
    token: str
    rows: int = 0
    units: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Census:
    """Counts by analyte key. `loinc` and `mapped` are read by the app; `local` is not (yet)."""

    loinc: Counter[tuple[str, str]] = field(default_factory=Counter)
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    local: dict[str, Local] = field(default_factory=dict)
    uncoded: Counter[str] = field(default_factory=Counter)
    mislabelled: Counter[str] = field(default_factory=Counter)
    units: Counter[tuple[str, str]] = field(default_factory=Counter)
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    clocks: Counter[str] = field(default_factory=Counter)


def count(visit: Visit, observations: Iterable[Observation], patients: Sequence[Patient]) -> Census:
    """The census of rows that are, or look like, something the app reads.

    `patients`: whose names and ids are never shown, wherever they were written.
    """
    census = Census()
    counter = _Counter(visit, census, {visit.patient or "", *_names(patients)})
    for row in {(row.id or id(row)): row for row in observations}.values():
        counter.row(row)
    return census


class _Counter:
    def __init__(self, visit: Visit, census: Census, hidden: set[str]) -> None:
        self._catalogue = visit.catalogue
        self._hidden = {word.casefold() for word in hidden if len(word) > 2}
        self._local = visit.asked_as.local_codes
        self._census = census

    def row(self, row: Observation) -> None:
        parts: Iterator[Observation | ObservationComponent] = iter((row, *(row.component or ())))
        keys = [key for part in parts if (key := self._part(part, row)) is not None]
        hormones = [k for k in keys if self._catalogue.analytes[k].plan == "hormones"]
        if hormones:
            self._census.clocks[_clock(row)] += 1

    def _part(self, part: Observation | ObservationComponent, row: Observation) -> str | None:
        """The analyte of one result, once it is counted; None for what is none of ours."""
        match = match_code(part.code, self._catalogue, self._local)
        if isinstance(match, NotMatched):
            self._not_read(part, match)
            return None
        if match is None:
            self._unknown(part)
            return None
        key = match.analyte.key
        if match.local:
            self._census.mapped[key, self._mapped_token(part.code)] += 1
        else:
            self._census.loinc[key, match.loinc.code] += 1
        self._census.statuses[key, self._shown(_is_status, row.status or "") or UNSHOWN] += 1
        if part.valueQuantity is not None:
            self._census.units[key, self._unit(part, match)] += 1
        return key

    def _not_read(self, part: Observation | ObservationComponent, match: NotMatched) -> None:
        if match.analyte is not None:
            self._as_local(part, self._catalogue.analytes[match.analyte])
        else:
            loinc = [c.code for c in _codings(part.code) if is_loinc(c.system) and c.code]
            for code in loinc:
                if code in self._catalogue.not_ours:
                    self._census.mislabelled[code] += 1

    def _unknown(self, part: Observation | ObservationComponent) -> None:
        codings = _codings(part.code)
        words = [part.code.text or ""] if part.code is not None else []
        words += [coding.display or "" for coding in codings]
        analyte = looks_like(" ".join(words)[:200], self._catalogue)
        if analyte is not None and _holds_value(part):
            self._as_local(part, analyte)

    def _as_local(self, part: Observation | ObservationComponent, analyte: Analyte) -> None:
        tokens = [self._token(coding) for coding in _codings(part.code) if coding.code]
        token = next((token for token in tokens if token), None)
        if token is None:
            self._census.uncoded[analyte.key] += 1
            return
        entry = self._census.local.setdefault(token, Local(analyte, token))
        entry.rows += 1
        quantity = part.valueQuantity
        sent = (quantity.code or quantity.unit) if quantity else None
        unit = find_unit(analyte, sent) if sent else None
        entry.units[unit.spelling if unit else NO_UNIT if not sent else UNKNOWN_UNIT] += 1

    def _token(self, coding: Coding) -> str:
        """`system|code` as the issuers file has it; "" for what must not be shown."""
        code = self._shown(_is_code, coding.code or "")
        if not code or not coding.system:
            return code
        system = self._shown(_is_system, coding.system)
        return f"{system}|{code}" if system else ""

    def _mapped_token(self, concept: CodeableConcept | None) -> str:
        tokens = [f"{c.system or ''}|{c.code}" for c in _codings(concept)]
        bare = [c.code or "" for c in _codings(concept)]
        return next((t for t in (*tokens, *bare) if t in self._local), "")

    def _unit(self, part: Observation | ObservationComponent, match: Match) -> str:
        assert part.valueQuantity is not None
        sent = part.valueQuantity.code or part.valueQuantity.unit
        if not sent:
            return NO_UNIT
        unit = find_unit(match.analyte, sent)
        return unit.spelling if unit else f"{UNKNOWN_UNIT}{self._shown(_is_unit, sent) or UNSHOWN}"

    def _shown(self, is_one: Callable[[str], re.Match[str] | None], text: str) -> str:
        """The text where it has the expected shape and nothing of the patient in it."""
        plain = text.casefold()
        return text if is_one(text) and not any(word in plain for word in self._hidden) else ""


def _names(patients: Sequence[Patient]) -> Iterator[str]:
    for patient in patients:
        for name in patient.name or ():
            for part in (name.family, name.text, *(name.given or ())):
                yield from re.findall(r"\w+", part or "")


def _codings(concept: CodeableConcept | None) -> list[Coding]:
    return (concept.coding or []) if concept is not None else []


def _holds_value(part: Observation | ObservationComponent) -> bool:
    return part.valueQuantity is not None or part.valueString is not None


def _clock(row: Observation) -> str:
    text = when_of(row)
    if text is None:
        return "missing"
    if "T" not in text:
        return "date"
    return "utc" if _in_utc(text) else "local"
