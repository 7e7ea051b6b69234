"""Judging a generated man the whole way: facts, Bundle, record, assessment.

The laws ask many things of one man, so his record is read once and each answer is worked out once.
What is kept is kept by identity and soon forgotten: a man is never compared with another.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from functools import cache
from typing import Any

from generated_facts import Lab, Man
from generated_fhir import LOCAL_CODES, PLAIN, Style, bundle, draft, moment_of

from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.fhir.bundle import open_body
from smartapp.fhir.model import Gap
from smartapp.fhir.reading import read_bundle
from smartapp.knowledge import Knowledge, load
from smartapp.patient import read_drafts, read_record
from smartapp.patient.record import DraftOrder, PatientRecord

PROFILES = ("aua", "es", "eau", "bssm")
_ORDERS = (None, None, "testosterone-gel", "clomiphene", "hcg")
_MOST_KEPT = 256


@cache
def knowledge(profile: str = "aua") -> Knowledge:
    return load(profile)


@cache
def order(drug: str) -> tuple[DraftOrder, ...]:
    """A draft of that drug, read as an order hook would."""
    assert open_body(draft(drug))
    return read_drafts([draft(drug)], knowledge().catalogue, focus=None)


def profile_of(man: Man) -> str:
    """The profile by which this man is judged: a quarter of the men each."""
    return PROFILES[man.seed % 4]


def order_of(man: Man) -> str | None:
    """What is being ordered for this man, in whatever profile: nothing, or one of three drugs."""
    return _ORDERS[man.seed // 4 % len(_ORDERS)]


class Kept:
    """The last few results, each with the man it is of."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, Hashable], tuple[Man, Any]] = {}

    def get(self, man: Man, way: Hashable) -> Any:
        known = self._known.get((id(man), way))
        return known[1] if known is not None and known[0] is man else None

    def put(self, man: Man, way: Hashable, result: Any) -> Any:
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        self._known[id(man), way] = (man, result)
        return result


_records, _found, _less = Kept(), Kept(), Kept()


def record_of(man: Man, style: Style = PLAIN) -> PatientRecord:
    """The man as the program reads him."""
    known: PatientRecord | None = _records.get(man, style)
    if known is not None:
        return known
    found = read_bundle(bundle(man, style))
    found.gaps += [Gap(what, "failed", "the server refused") for what in man.gaps]
    record = read_record(
        found, knowledge().catalogue, issuer="https://ehr.example/fhir", timezone=style.timezone,
        local_codes=LOCAL_CODES, patient_id="man",
    )  # fmt: skip
    _records.put(man, style, record)
    return record


def judged(
    man: Man, style: Style = PLAIN, *, day: int = 0, profile: str = "aua", drug: str | None = None
) -> Assessment:
    """The answer to the man as of that day, with an order of that drug."""
    way = (style, day, profile, drug)
    known: Assessment | None = _found.get(man, way)
    if known is not None:
        return known
    orders = order(drug) if drug else ()
    found = assess(record_of(man, style), knowledge(profile), moment_of(day), orders)
    _found.put(man, way, found)
    return found


def judged_as_he_is(man: Man, style: Style = PLAIN) -> Assessment:
    """The answer today, in his profile and with what is being ordered for him."""
    return judged(man, style, profile=profile_of(man), drug=order_of(man))


def without(man: Man, gone: frozenset[str]) -> Man:
    """The man without the results of these ids; one man for one set of them."""
    known: Man | None = _less.get(man, gone)
    if known is not None:
        return known
    less: tuple[Lab, ...] = tuple(x for x in man.labs if x.id not in gone)
    found: Man = _less.put(man, gone, replace(man, labs=less))
    return found
