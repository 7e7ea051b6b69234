"""What the chart shows of a patient: his banner, problems, medications, allergies, last results.

Rows may be odd on purpose; what cannot be read is shown as a dash, never left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from smartapp.demo.dig import concept_label, dig, human_name, text
from smartapp.demo.fhir.dates import element_span
from smartapp.demo.fhir.repository import Repository

DASH = "–"


@dataclass(frozen=True, slots=True)
class Banner:
    """Who the chart is about."""

    patient_id: str
    name: str
    birth_date: str
    age: str
    sex: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a list: what, how it stands, since when."""

    label: str
    status: str
    when: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The newest result of one test, and how many there are."""

    label: str
    value: str
    flag: str
    when: str
    range: str
    status: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    problems: list[Line]
    medications: list[Line]
    allergies: list[Line]
    results: list[Result]


def banner(patient: dict[str, Any], on: date) -> Banner:
    """Name, birth date, age on a day, recorded sex."""
    born = text(patient, "birthDate")
    return Banner(
        patient_id=str(patient.get("id")),
        name=human_name(patient),
        birth_date=born or DASH,
        age=_age(born, on),
        sex=text(patient, "gender") or DASH,
    )


def summarise(repository: Repository, patient: str) -> Summary:
    """The chart's lists, newest first."""

    def of(*types: str) -> list[dict[str, Any]]:
        return [row.resource for name in types for row in repository.of(name, patient)]

    return Summary(
        problems=_newest_first(map(_problem, of("Condition", "Procedure"))),
        medications=_newest_first(map(_medication, of("MedicationRequest", "MedicationStatement"))),
        allergies=_newest_first(map(_allergy, of("AllergyIntolerance"))),
        results=_results(of("Observation")),
    )


def _age(born: str | None, on: date) -> str:
    try:
        day = date.fromisoformat(born or "")
    except ValueError:
        return DASH
    return str(on.year - day.year - ((on.month, on.day) < (day.month, day.day)))


def _newest_first(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.when if line.when != DASH else "", reverse=True)


def _problem(row: dict[str, Any]) -> Line:
    status = text(row, "clinicalStatus", "coding", 0, "code") or text(row, "status")
    when = (
        text(row, "onsetDateTime")
        or text(row, "onsetPeriod", "start")
        or text(row, "performedDateTime")
        or text(row, "performedPeriod", "start")
        or text(row, "recordedDate")
    )
    return Line(concept_label(row.get("code")) or DASH, status or DASH, _day(when))


def _medication(row: dict[str, Any]) -> Line:
    label = concept_label(row.get("medicationCodeableConcept"))
    label = label or text(row, "medicationReference", "display") or DASH
    dosage = text(row, "dosageInstruction", 0, "text") or text(row, "dosage", 0, "text") or ""
    when = (
        text(row, "authoredOn")
        or text(row, "effectivePeriod", "start")
        or text(row, "effectiveDateTime")
        or text(row, "dateAsserted")
    )
    return Line(label, text(row, "status") or DASH, _day(when), dosage)


def _allergy(row: dict[str, Any]) -> Line:
    status = text(row, "clinicalStatus", "coding", 0, "code") or DASH
    return Line(concept_label(row.get("code")) or DASH, status, _day(text(row, "recordedDate")))


def _results(rows: list[dict[str, Any]]) -> list[Result]:
    by_test: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_test.setdefault(concept_label(row.get("code")) or DASH, []).append(row)
    found = [_result(label, several) for label, several in by_test.items()]
    return sorted(found, key=lambda result: result.label.casefold())


def _result(label: str, rows: list[dict[str, Any]]) -> Result:
    newest = max(rows, key=_drawn)
    reference = dig(newest, "referenceRange", 0)
    return Result(
        label=label,
        value=_value(newest),
        flag=text(newest, "interpretation", 0, "coding", 0, "code") or "",
        when=_moment(text(newest, "effectiveDateTime") or text(newest, "effectivePeriod", "start")),
        range=_range(reference),
        status=text(newest, "status") or DASH,
        count=len(rows),
    )


def _drawn(row: dict[str, Any]) -> float:
    effective = row.get("effectiveDateTime") or row.get("effectivePeriod")
    found = element_span(effective)
    return found.start.timestamp() if found else float("-inf")


def _value(row: dict[str, Any]) -> str:
    if isinstance(row.get("valueQuantity"), dict):
        return _quantity(row["valueQuantity"])
    parts = [f"{concept_label(c.get('code'))} {_value(c)}" for c in _components(row)]
    return (
        text(row, "valueString")
        or concept_label(row.get("valueCodeableConcept"))
        or (str(row["valueInteger"]) if "valueInteger" in row else "")
        or ", ".join(parts)
        or DASH
    )


def _components(row: dict[str, Any]) -> list[dict[str, Any]]:
    found = row.get("component")
    return [c for c in found if isinstance(c, dict)] if isinstance(found, list) else []


def _quantity(quantity: Any) -> str:
    value = dig(quantity, "value")
    if value is None:
        return DASH
    unit = text(quantity, "unit") or text(quantity, "code") or ""
    return f"{text(quantity, 'comparator') or ''}{value} {unit}".strip()


def _range(reference: Any) -> str:
    if said := text(reference, "text"):
        return said
    low, high = dig(reference, "low", "value"), dig(reference, "high", "value")
    if low is not None and high is not None:
        return f"{low}{DASH}{high}"
    if high is not None:
        return f"up to {high}"
    return f"from {low}" if low is not None else ""


def _day(when: str | None) -> str:
    return when[:10] if when else DASH


def _moment(when: str | None) -> str:
    return when[:16].replace("T", " ") if when else DASH
