"""Which drug of the catalogue a medication is: by RxNorm, by ATC, by its words."""

from __future__ import annotations

from typing import NamedTuple

from smartapp.fhir.resources import CodeableConcept
from smartapp.patient.coding import codes, words
from smartapp.patient.index import Index
from smartapp.patient.record import MatchedBy
from smartapp.patient.wording import sense


class DrugMatch(NamedTuple):
    agent: str
    matched_by: MatchedBy


def match_drug(concept: CodeableConcept | None, index: Index) -> DrugMatch | None:
    """The one drug that `concept` means, or None.

    A code decides. Where it leaves the form open (plain testosterone, one ATC code for all its
    esters), words may name the form within the same class: the form decides the wash-out.
    """
    keys = _by_code(concept, index)
    spoken = _by_words(concept, index) if len(keys) != 1 or _open_form(keys, index) else None
    if not keys:
        return DrugMatch(spoken, "text") if spoken else None
    if spoken and index.drug(spoken).role == index.drug(min(keys)).role:
        return DrugMatch(spoken, "code")
    return DrugMatch(_widest(keys, index), "code")


def drugs_named(concept: CodeableConcept | None, index: Index) -> frozenset[str]:
    """Every drug that `concept` names: an allergy may name several."""
    keys = _by_code(concept, index)
    if keys:
        return keys
    return frozenset(
        key
        for text in words(concept)
        for key, pattern in index.drug_patterns
        if pattern.search(text) and sense(pattern, text) != "denied"
    )


def _by_code(concept: CodeableConcept | None, index: Index) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for vocabulary, code, _ in codes(concept):
        if vocabulary == "rxnorm" and (key := index.rxnorm.get(code)):
            return frozenset({key})
        if vocabulary == "atc" and not found:
            found = _by_atc(code.upper(), index)
    return found


def _by_atc(code: str, index: Index) -> frozenset[str]:
    """ATC is a tree: the longest listed prefix of the code speaks."""
    for length in (7, 5, 4, 3):
        if len(code) >= length and (keys := index.atc.get(code[:length])):
            return keys
    return frozenset()


def _by_words(concept: CodeableConcept | None, index: Index) -> str | None:
    """The drug of the longest match, so that a named form outranks its bare ingredient."""
    best: tuple[int, str] | None = None
    for text in words(concept):
        for key, pattern in index.drug_patterns:
            match = pattern.search(text)
            if match and (best is None or match.end() - match.start() > best[0]):
                best = (match.end() - match.start(), key)
        if best:
            return best[1]
    return None


def _open_form(keys: frozenset[str], index: Index) -> bool:
    (key,) = keys
    return index.drug(key).drug_class == key and index.drug(key).role == "androgen"


def _widest(keys: frozenset[str], index: Index) -> str:
    """Of several forms under one code, the one whose name is the class; else the first by name."""
    return min(keys, key=lambda key: (key != index.drug(key).drug_class, key))
