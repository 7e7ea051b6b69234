"""Which drug of the catalogue a medication is: by RxNorm, by ATC, by its words."""

from __future__ import annotations

from smartapp.fhir.resources import CodeableConcept
from smartapp.patient.coding import codes, words
from smartapp.patient.index import Index
from smartapp.patient.record import DrugMatch
from smartapp.patient.wording import sense


def match_drug(concept: CodeableConcept | None, index: Index) -> DrugMatch | None:
    """The one drug that `concept` means, or None.

    A code decides. Where it leaves the form open (plain testosterone), words may name the form,
    because the form decides the wash-out and what speaks against it. A brand that tells of
    another form outranks both.
    """
    agent = _by_code(concept, index)
    if agent is None:
        spoken = _by_words(concept, index)
        return DrugMatch(_unless(spoken, concept, index), "text") if spoken else None
    if agent in index.general:
        spoken = _by_words(concept, index)
        if spoken and index.drug(spoken).drug_class == agent:
            agent = spoken
    return DrugMatch(_unless(agent, concept, index), "code")


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


def _unless(agent: str, concept: CodeableConcept | None, index: Index) -> str:
    """`agent`, or its class where a word on the record tells that it is another form of it."""
    drug = index.drug(agent)
    if drug.unless is not None and any(drug.unless.search(t.lower()) for t in words(concept)):
        return drug.drug_class
    return agent


def _by_code(concept: CodeableConcept | None, index: Index) -> str | None:
    found: str | None = None
    for vocabulary, code, _ in codes(concept):
        if vocabulary == "rxnorm" and (key := index.rxnorm.get(code)):
            return key
        if vocabulary == "atc" and found is None:
            found = _by_atc(code.upper(), index)
    return found


def _by_atc(code: str, index: Index) -> str | None:
    """ATC is a tree: the longest listed branch that holds the code."""
    for length in index.atc_lengths:
        if key := index.atc.get(code[:length]):
            return key
    return None


def _by_words(concept: CodeableConcept | None, index: Index) -> str | None:
    """The drug of the longest match; a form outranks its bare ingredient, however it is named."""
    for text in words(concept):
        hits = index.drug_words.matching(text)
        if not hits:
            continue
        formed = {index.drug(key).drug_class for key, _ in hits if key not in index.general}
        named = [hit for hit in hits if hit[0] not in index.general or hit[0] not in formed]
        return max(named, key=lambda hit: hit[1].end() - hit[1].start())[0]
    return None
