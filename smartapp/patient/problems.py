"""Problems: which diagnoses and procedures of the record match a concept of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, tzinfo
from typing import NamedTuple

from smartapp.fhir.resources import CodeableConcept, Condition, Procedure
from smartapp.knowledge.catalogue import ConditionConcept
from smartapp.labs.reading import Unused
from smartapp.patient.coding import code_of, codes, label, words
from smartapp.patient.days import first_day, onset_day
from smartapp.patient.index import Index
from smartapp.patient.laterality import side_of
from smartapp.patient.record import MatchedBy, Problem
from smartapp.patient.wording import sense

_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_ENDED = frozenset({"inactive", "remission", "resolved"})
_REFUTED = {"refuted": "marked as refuted", "entered-in-error": "marked as entered in error"}
_NOT_DONE = {
    "not-done": "recorded as not done",
    "entered-in-error": "marked as entered in error",
    "preparation": "planned, not done yet",
    "on-hold": "on hold, not done yet",
}
# ICD-10 categories that name an illness the person does not have: suspected and ruled out,
# screening, family history. Their words would match all the same.
_NOT_HIS = frozenset({"Z03", "Z04", "Z05", "Z11", "Z12", "Z13", "Z80", "Z81", "Z82", "Z83", "Z84"})


class Match(NamedTuple):
    """Concepts a coded or written problem means. `past`: only its words say it is over."""

    concepts: frozenset[str]
    matched_by: MatchedBy
    past: bool = False


_NOTHING = Match(frozenset(), "code")


def match_concept(concept: CodeableConcept | None, index: Index) -> Match:
    """The catalogue's concepts that `concept` means, by its codes, else by its words.

    Words never outrank a code: they are not asked when a code matched, when an ICD-10 code says
    that the illness is not the patient's own, nor for a concept from which the code is excepted.
    """
    found: set[str] = set()
    excepted: set[str] = set()
    not_his = False
    for vocabulary, code, _ in codes(concept):
        if vocabulary == "snomed":
            found |= index.snomed.get(code, frozenset())
        elif vocabulary == "icd10":
            plain = code.replace(".", "").upper()
            not_his = not_his or plain[:3] in _NOT_HIS
            index.match_icd10(plain, found, excepted)
        elif vocabulary in ("cpt", "pcs"):
            found |= index.procedures.get(
                code[:5].upper() if vocabulary == "cpt" else code.upper(), frozenset()
            )
    if found:
        return Match(frozenset(found - _else_meant(found, concept, index)), "code")
    if not_his:
        return _NOTHING
    return _match_words(words(concept), index, excepted)


def _else_meant(found: set[str], concept: CodeableConcept | None, index: Index) -> set[str]:
    """Concepts whose code means other things too, where only such a thing is named."""
    doubtful = found & index.ambiguous
    return {key for key in doubtful if _names_another(index.catalogue.conditions[key], concept)}


def _names_another(known: ConditionConcept, concept: CodeableConcept | None) -> bool:
    named = [text.lower() for text in words(concept)]
    own, other = known.pattern, known.unless
    if other is None or (own is not None and any(own.search(text) for text in named)):
        return False
    return any(other.search(text) for text in named)


def _match_words(texts: Iterable[str], index: Index, excepted: set[str]) -> Match:
    said: set[str] = set()
    past: set[str] = set()
    for text in texts:
        for key, match in index.problem_words.matching(text):
            meaning = sense(match) if key not in excepted else "denied"
            if meaning == "said":
                said.add(key)
            elif meaning == "past":
                past.add(key)
    return Match(frozenset(said | past), "text", past=bool(past) and not said)


def read_condition(
    row: Condition, index: Index, local: tzinfo | None
) -> tuple[Problem, Unused | None] | None:
    """The problem in `row`, with an entry for `unused` when it is refuted; None if no concept."""
    match = match_concept(row.code, index)
    if not match.concepts:
        return None
    recorded = first_day(row.recordedDate, local)
    period, ended = row.onsetPeriod, row.abatementPeriod
    onset = onset_day(row.onsetDateTime or (period.start if period else None), recorded, local)
    abated = first_day(row.abatementDateTime or (ended.end if ended else None), local)
    refuted = _REFUTED.get(code_of(row.verificationStatus))
    problem = Problem(
        reference=_reference("Condition", row.id),
        concepts=match.concepts,
        codes=_codes(row.code),
        text=label(row.code),
        active=_active(row, match, abated),
        refuted=refuted is not None,
        onset=onset,
        recorded=recorded,
        abated=abated,
        laterality=side_of(row.code, row.bodySite),
        kind="condition",
        matched_by=match.matched_by,
    )
    if refuted is None:
        return problem, None
    return problem, Unused(
        problem.reference, f"{problem.text}: {refuted}", effective=onset, recorded=recorded
    )


def read_procedure(
    row: Procedure, index: Index, local: tzinfo | None
) -> tuple[Problem, Unused | None] | None:
    """The procedure in `row`, with an entry for `unused` when it was not done; None if no concept.

    A procedure is not active or over: it was done. Its date is its onset.
    """
    match = match_concept(row.code, index)
    if not match.concepts:
        return None
    period = row.performedPeriod
    done = onset_day(row.performedDateTime or (period.start if period else None), None, local)
    undone = _NOT_DONE.get((row.status or "").strip().lower())
    problem = Problem(
        reference=_reference("Procedure", row.id),
        concepts=match.concepts,
        codes=_codes(row.code),
        text=label(row.code),
        active=None,
        refuted=undone is not None,
        onset=done,
        recorded=done,
        abated=None,
        laterality=side_of(row.code, row.bodySite),
        kind="procedure",
        matched_by=match.matched_by,
    )
    if undone is None:
        return problem, None
    return problem, Unused(problem.reference, f"{problem.text}: {undone}", effective=done)


def _active(row: Condition, match: Match, abated: date | None) -> bool | None:
    status = code_of(row.clinicalStatus)
    if status in _ENDED or match.past:
        return False
    if status in _ACTIVE:
        return True
    return False if abated is not None or row.abatementString else None


def _codes(concept: CodeableConcept | None) -> tuple[str, ...]:
    return tuple(f"{system or ''}|{code}" for _, code, system in codes(concept))


def _reference(kind: str, identity: str | None) -> str:
    return f"{kind}/{identity}" if identity else f"{kind} without id"
