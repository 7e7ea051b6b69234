"""Which drug of the catalogue a medication is: by RxNorm, by ATC, by its words."""

from __future__ import annotations

from typing import NamedTuple

from smartapp.fhir.resources import CodeableConcept
from smartapp.patient.coding import codes, words
from smartapp.patient.index import Index
from smartapp.patient.record import MatchedBy
from smartapp.patient.wording import sense


class DrugMatch(NamedTuple):
    """A drug of the catalogue and what it was recognised by."""

    agent: str
    matched_by: MatchedBy


def match_drug(concept: CodeableConcept | None, index: Index) -> DrugMatch | None:
    """The one drug that `concept` means, or None.

    A code decides. Where it leaves the form open (plain testosterone), words may name the form,
    because the form decides the wash-out.
    """
    agent = _by_code(concept, index)
    if agent is not None:
        return DrugMatch(_form(agent, concept, index), "code")
    for text in words(concept):
        if found := index.drug_words.matching(text):
            return DrugMatch(found[0][0], "text")
    return None


def drugs_named(concept: CodeableConcept | None, index: Index) -> frozenset[str]:
    """Every drug that `concept` names and does not deny: an allergy may name several."""
    agent = _by_code(concept, index)
    if agent is not None:
        return frozenset({agent})
    return frozenset(
        key
        for text in words(concept)
        for key, match in index.drug_words.matching(text)
        if sense(match) != "denied"
    )


def _by_code(concept: CodeableConcept | None, index: Index) -> str | None:
    found: str | None = None
    for vocabulary, code, _ in codes(concept):
        if vocabulary == "rxnorm" and (key := index.rxnorm.get(code)):
            return key
        if vocabulary == "atc" and found is None:
            found = _by_atc(code.upper(), index)
    return found


def _by_atc(code: str, index: Index) -> str | None:
    """ATC is a tree: the longest listed branch that holds the code and does not except it."""
    for length in (7, 5, 4, 3):
        for key, exceptions in index.atc.get(code[:length], ()):
            if not code.startswith(exceptions):
                return key
    return None


def _form(agent: str, concept: CodeableConcept | None, index: Index) -> str:
    for key, pattern in index.forms.get(agent, ()):
        if any(pattern.search(text) for text in words(concept)):
            return key
    return agent
