"""Demographics: who this is, and whether the rules for adult men apply (clinical-rules 1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from smartapp.errors import InputError
from smartapp.fhir.dates import parse
from smartapp.fhir.resources import Extension, HumanName, Patient
from smartapp.patient.record import Demographics, Problem, Sex

_BIRTH_SEX = frozenset({
    "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex",
    "http://hl7.org/fhir/StructureDefinition/patient-birthSex",
})  # fmt: skip
_SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex"
_CLINICAL_USE = "http://hl7.org/fhir/StructureDefinition/patient-sexParameterForClinicalUse"
# The codes of birth sex, of US Core sex (SNOMED CT) and of sex parameter for clinical use.
_MALE = frozenset({"m", "male", "248153007", "male-typical"})
_FEMALE = frozenset({"f", "female", "248152002", "female-typical"})
# Concepts of the catalogue that speak against the reference physiology of a man.
_CONTRARY = frozenset({"gender-identity", "female-organ"})
_OTHERS = re.compile(r"\b(?:partner|wife|spouse|girlfriend|couple)", re.IGNORECASE)
_NAME_ORDER = {"official": 0, "usual": 1, None: 2}


def read_demographics(patient: Patient, problems: Iterable[Problem]) -> Demographics:
    """Who the patient is. `sex_basis` names the data that decided it; contrary data always win."""
    gender = patient.gender.strip().lower() if patient.gender else None
    birth_sex, said_female = _stated_sex(patient.extension or ())
    stated = _sex(gender, birth_sex, said_female)
    contrary = None if stated[0] == "not-male" else _contrary(problems)
    sex, basis = stated
    if contrary is not None:
        sex = "not-male"
        basis = f"the record holds {contrary.text!r} ({contrary.reference})"
    return Demographics(
        reference=f"Patient/{patient.id}" if patient.id else "Patient",
        name=_name(patient.name or ()),
        birth_date=_birth_date(patient.birthDate),
        gender=gender,
        birth_sex=birth_sex,
        sex=sex,
        sex_basis=basis,
        deceased=bool(patient.deceasedBoolean or patient.deceasedDateTime),
        stated=stated,
        since=None if contrary is None else contrary.known,
    )


def _sex(gender: str | None, birth_sex: str | None, said_female: str | None) -> tuple[Sex, str]:
    """What the Patient resource alone says."""
    if gender == "female":
        return "not-male", "administrative gender is female"
    if said_female:
        return "not-male", f"{said_female} is female"
    if gender == "male":
        return "male", "administrative gender is male, nothing in the record speaks against it"
    stated = f"administrative gender is {gender or 'not stated'}"
    if birth_sex == "M" and gender in (None, "unknown"):
        return "male", f"{stated}, birth sex is male"
    return "unknown", f"{stated}, and no birth sex decides it" if birth_sex != "M" else stated


def _contrary(problems: Iterable[Problem]) -> Problem | None:
    """The diagnosis against a man's physiology that was known first; one without a day always
    was."""
    found = (p for p in problems if p.concepts & _CONTRARY and not p.refuted and _his_own(p))
    return min(found, key=lambda p: (p.known or date.min, p.reference), default=None)


def _his_own(problem: Problem) -> bool:
    """Whether words alone put it on him: a man's chart may tell of his wife's pregnancy."""
    return problem.matched_by == "code" or not _OTHERS.search(problem.text)


def _stated_sex(extensions: Iterable[Extension]) -> tuple[str | None, str | None]:
    """Birth sex ("M", "F" or as sent) and the name of the first datum that says female."""
    birth_sex: str | None = None
    female: str | None = None
    for extension in extensions:
        url = extension.url or ""
        if url in _BIRTH_SEX:
            birth_sex = next(_codes(extension), birth_sex)
            name = "birth sex"
        elif url in (_SEX, _CLINICAL_USE):
            name = "sex" if url == _SEX else "sex parameter for clinical use"
        else:
            continue
        codes = {code.lower() for code in _codes(extension)}
        if codes & _FEMALE:
            female = female or name
        elif codes & _MALE and url == _SEX and birth_sex is None:
            birth_sex = "M"
    return _letter(birth_sex), female


def _codes(extension: Extension) -> Iterator[str]:
    """Every code in an extension, also in its parts."""
    if extension.valueCode:
        yield extension.valueCode.strip()
    if extension.valueCoding and extension.valueCoding.code:
        yield extension.valueCoding.code.strip()
    concept = extension.valueCodeableConcept
    for coding in (concept.coding if concept else None) or ():
        if coding.code:
            yield coding.code.strip()
    for part in extension.extension or ():
        yield from _codes(part)


def _letter(code: str | None) -> str | None:
    if code is None:
        return None
    if code.lower() in _MALE:
        return "M"
    return "F" if code.lower() in _FEMALE else code


def _birth_date(text: str | None) -> date | None:
    """The birth date. A year or a month means its last day: the youngest he can be, so that
    nobody is taken for an adult too early."""
    if not text:
        return None
    try:
        when = parse(text)
    except InputError:
        return None
    if isinstance(when, datetime):
        return when.date()
    return when if isinstance(when, date) else when.last


def _name(names: Iterable[HumanName]) -> str:
    ranked = sorted(names, key=lambda name: _NAME_ORDER.get(name.use, 3))
    for name in ranked:
        given = " ".join(part for part in name.given or () if part)
        full = " ".join(part for part in (given, name.family) if part) or name.text
        if full:
            return full
    return ""
