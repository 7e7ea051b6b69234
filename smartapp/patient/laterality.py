"""Laterality: which side a problem is on, where one testis more or less decides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from smartapp.fhir.resources import CodeableConcept
from smartapp.patient.coding import codes, words

Side = Literal["left", "right", "both"]

_SNOMED: dict[str, Side] = {"7771000": "left", "24028007": "right", "51440002": "both"}
_CPT_MODIFIERS: dict[str, Side] = {"50": "both", "LT": "left", "RT": "right"}
# Fourth character of an ICD-10-PCS code of resection or excision in the male reproductive system.
_PCS_TESTIS: dict[str, Side] = {"9": "right", "B": "left", "C": "both"}
# Anorchia and castration leave no testis (clinical-rules 5a).
_WORDS = re.compile(r"\b(left|right)\b|\b(?:bilateral|both\b)|anorchi|castrat", re.IGNORECASE)


def side_of(
    concept: CodeableConcept | None, sites: Iterable[CodeableConcept] | None
) -> Side | None:
    """The side that codes, modifiers, body sites and words agree on; left and right make both."""
    sides: set[str] = set()
    for place in (concept, *(sites or ())):
        for vocabulary, code, _ in codes(place):
            if side := _side_of_code(vocabulary, code.upper()):
                sides.add(side)
        for text in words(place):
            for match in _WORDS.finditer(text):
                sides.add((match[1] or "both").lower())
    if "both" in sides or len(sides) > 1:
        return "both"
    if "left" in sides:
        return "left"
    return "right" if sides else None


def _side_of_code(vocabulary: str | None, code: str) -> Side | None:
    if vocabulary == "cpt":
        marks = re.split(r"[-. ]", code[5:])
        return next((_CPT_MODIFIERS[mark] for mark in marks if mark in _CPT_MODIFIERS), None)
    if vocabulary == "pcs" and code.startswith("0VT"):
        return _PCS_TESTIS.get(code[3:4])
    return _SNOMED.get(code)
