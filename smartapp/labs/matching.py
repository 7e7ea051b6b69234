"""Which analyte a row is: by its LOINC code, or by the site's map of local codes. Never by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from smartapp.fhir.resources import CodeableConcept
from smartapp.knowledge.catalogue import Analyte, Catalogue, LoincCode

LOINC = "http://loinc.org"
_LOINC_SPELLINGS = frozenset(
    {
        "http://loinc.org",
        "https://loinc.org",
        "http://www.loinc.org",
        "https://www.loinc.org",
        "urn:oid:2.16.840.1.113883.6.1",
        "2.16.840.1.113883.6.1",
    }
)

LocalCodes = Mapping[str, tuple[str, str | None]]
NO_LOCAL_CODES: LocalCodes = MappingProxyType({})


class Match(Struct, frozen=True, gc=False):
    """A row recognised. `assumed_unit` is the site's word for rows that carry no unit."""

    analyte: Analyte
    loinc: LoincCode
    assumed_unit: str | None = None
    local: bool = False


class NotMatched(Struct, frozen=True, gc=False):
    """A row that must not be read, with the reason; `analyte` when it claims to be one of ours."""

    reason: str
    analyte: str | None = None


def match_code(
    concept: CodeableConcept | None, catalogue: Catalogue, local_codes: LocalCodes
) -> Match | NotMatched | None:
    """The analyte that `concept` names; None when it is none of ours.

    A code that public software is known to mislabel is never read, whatever stands beside it. Two
    codes of different analytes, or one of ours without its code system, are not read either.
    """
    if concept is None or not concept.coding:
        return None
    found: Match | None = None
    for coding in concept.coding:
        code = coding.code
        if code is None:
            continue
        if coding.system == LOINC or is_loinc(coding.system):
            code = code.strip()
            key = catalogue.by_loinc.get(code)
            if key is None:
                if code in catalogue.not_ours:
                    return NotMatched(f"LOINC {code} {catalogue.not_ours[code]}")
                continue
            if found is not None and found.analyte.key != key:
                return NotMatched(
                    f"the row carries codes of {found.analyte.name} and of "
                    f"{catalogue.analytes[key].name}"
                )
            if found is None:
                analyte = catalogue.analytes[key]
                found = Match(analyte, analyte.loinc[code])
    if found is not None:
        return found
    if local_codes:
        mapped = _match_local(concept, catalogue, local_codes)
        if mapped is not None:
            return mapped
    return _without_system(concept, catalogue)


def is_loinc(system: str | None) -> bool:
    """Whether `system` is LOINC in one of the spellings that are met."""
    return system is not None and system.strip().rstrip("/").lower() in _LOINC_SPELLINGS


def _match_local(
    concept: CodeableConcept, catalogue: Catalogue, local_codes: LocalCodes
) -> Match | NotMatched | None:
    for coding in concept.coding or ():
        if coding.code is None:
            continue
        mapped = local_codes.get(f"{coding.system or ''}|{coding.code}")
        mapped = mapped or local_codes.get(coding.code)
        if mapped is None:
            continue
        loinc, unit = mapped
        key = catalogue.by_loinc.get(loinc)
        if key is None:
            # An analyte for which LOINC has no agreed code is mapped by its key.
            analyte = catalogue.analytes.get(loinc)
            if analyte is None:
                return NotMatched(
                    f"local code {coding.code} is mapped to {loinc}, which is not known"
                )
            return Match(analyte, _UNCODED, unit, local=True)
        analyte = catalogue.analytes[key]
        return Match(analyte, analyte.loinc[loinc], unit, local=True)
    return None


def _without_system(concept: CodeableConcept, catalogue: Catalogue) -> NotMatched | None:
    for coding in concept.coding or ():
        if coding.code is None or (coding.system or "").strip():
            continue
        key = catalogue.by_loinc.get(coding.code.strip())
        if key is not None:
            return NotMatched(
                f"code {coding.code} looks like {catalogue.analytes[key].name}, but names no code "
                "system; the site's map of local codes can say what it is",
                key,
            )
    return None


_UNCODED = LoincCode(code="", kind="number", method=None, display="")
