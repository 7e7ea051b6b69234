"""Which vocabulary a coding belongs to, whatever spelling of its address was sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from smartapp.fhir.resources import CodeableConcept

Vocabulary = Literal["snomed", "icd10", "pcs", "cpt", "rxnorm", "atc"]

_KNOWN: dict[str, Vocabulary] = {
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "urn:oid:2.16.840.1.113883.6.90": "icd10",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "http://www.cms.gov/Medicare/Coding/ICD10": "pcs",
    "http://hl7.org/fhir/sid/icd-10-pcs": "pcs",
    "urn:oid:2.16.840.1.113883.6.4": "pcs",
    "http://www.ama-assn.org/go/cpt": "cpt",
    "urn:oid:2.16.840.1.113883.6.12": "cpt",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "http://www.whocc.no/atc": "atc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
}
# Spellings seen beside the official ones. "pcs" stands before "icd10": its address holds both.
_HINTS: tuple[tuple[str, Vocabulary], ...] = (
    ("snomed", "snomed"),
    ("pcs", "pcs"),
    ("cms.gov/medicare/coding/icd10", "pcs"),
    ("icd10", "icd10"),
    ("rxnorm", "rxnorm"),
    ("whocc.no", "atc"),
    ("/cpt", "cpt"),
)


def vocabulary(system: str | None, code: str) -> Vocabulary | None:
    """The vocabulary of a coding; None when it is none that we know.

    A coding without a system is judged by the shape of its code: only ICD-10 ("E29.1") and
    SNOMED CT (six digits or more) cannot be mistaken for something else here.
    """
    if system:
        return _KNOWN.get(system) or _by_hint(system)
    if len(code) >= 3 and code[0].isalpha() and code[1].isdigit():
        return "icd10"
    return "snomed" if len(code) >= 6 and code.isdigit() else None


def _by_hint(system: str) -> Vocabulary | None:
    plain = system.lower().replace("icd-10", "icd10")
    for hint, name in _HINTS:
        if hint in plain:
            return name
    return _KNOWN.get(f"urn:oid:{plain}")


def codes(concept: CodeableConcept | None) -> Iterator[tuple[Vocabulary | None, str, str | None]]:
    """Every coding that has a code: vocabulary, code without blanks around it, system as sent."""
    for coding in (concept.coding if concept else None) or ():
        if coding.code and (code := coding.code.strip()):
            yield vocabulary(coding.system, code), code, coding.system


def words(concept: CodeableConcept | None) -> tuple[str, ...]:
    """The texts of a concept: the clinician's own first, then the displays. None twice."""
    if concept is None:
        return ()
    texts = [concept.text] if concept.text else []
    texts += [c.display for c in concept.coding or () if c.display]
    return tuple(dict.fromkeys(texts))


def label(concept: CodeableConcept | None) -> str:
    """What to show for a concept: its text, else a display, else its first code, else "?"."""
    for text in words(concept):
        return text
    for _, code, _ in codes(concept):
        return code
    return "?"


def code_of(concept: CodeableConcept | None) -> str:
    """The plain code of a status-like concept in lower case; "" when there is none."""
    if concept is None:
        return ""
    for coding in concept.coding or ():
        if coding.code:
            return coding.code.strip().lower()
    return (concept.text or "").strip().lower()
