"""What one answer says, as a number: from any of the shapes in which answers come."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from smartapp.errors import InputError
from smartapp.fhir.numbers import read_decimal, to_decimal
from smartapp.fhir.resources import (
    ABSENT,
    AnswerItem,
    CodeableConcept,
    Observation,
    ObservationComponent,
    Quantity,
)
from smartapp.knowledge.questionnaires import Answers

_WEIGHTS = frozenset({
    "http://hl7.org/fhir/StructureDefinition/ordinalValue",
    "http://hl7.org/fhir/StructureDefinition/itemWeight",
})  # fmt: skip
_YES_NO: Mapping[str, Decimal] = MappingProxyType(
    {word: Decimal(1) for word in ("yes", "y", "true")}
    | {word: Decimal(0) for word in ("no", "n", "false")}
)


class _Weight(Struct, frozen=True, gc=False):
    url: str | None = None
    valueDecimal: Raw = ABSENT


class _Choice(Struct, frozen=True, gc=False):
    code: str | None = None
    display: str | None = None
    extension: list[_Weight] | None = None


class Answer(Struct, frozen=True, gc=False):
    """One answer of a QuestionnaireResponse; `item` are the questions that follow from it."""

    valueInteger: Raw = ABSENT
    valueDecimal: Raw = ABSENT
    valueBoolean: bool | None = None
    valueString: str | None = None
    valueCoding: _Choice | None = None
    valueQuantity: Quantity | None = None
    item: list[AnswerItem] | None = None


_answer = Decoder(Answer).decode


def open_answer(raw: Raw) -> Answer | None:
    """The answer in `raw`; None when it has another shape."""
    try:
        return _answer(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None


def value_of(answer: Answer, known: Answers | None) -> Decimal | None:
    """The number an answer stands for; None when it stands for none that is known.

    `known`: the coded answers of the question. A coding that is none of them may carry its own
    weight, or be a plain number.
    """
    if answer.valueBoolean is not None:
        return _yes_or_no(answer.valueBoolean, known)
    for raw in (answer.valueInteger, answer.valueDecimal):
        if bytes(raw):
            return _number(raw)
    if answer.valueQuantity is not None:
        return _number(answer.valueQuantity.value)
    if answer.valueCoding is not None:
        return _chosen(answer.valueCoding, known)
    return _spoken(answer.valueString, known)


def value_of_result(
    row: Observation | ObservationComponent, known: Answers | None
) -> Decimal | None:
    """The same for an Observation that reports an answer or a score."""
    if row.valueBoolean is not None:
        return _yes_or_no(row.valueBoolean, known)
    if row.valueInteger is not None:
        return Decimal(row.valueInteger)
    if row.valueQuantity is not None:
        plain = row.valueQuantity.comparator is None
        return _number(row.valueQuantity.value) if plain else None
    if row.valueCodeableConcept is not None:
        return _said(row.valueCodeableConcept, known)
    return _spoken(row.valueString, known)


def _yes_or_no(said: bool, known: Answers | None) -> Decimal | None:
    """A yes is no figure on a scale."""
    return Decimal(int(said)) if known is not None and known.yes_no else None


def _said(concept: CodeableConcept, known: Answers | None) -> Decimal | None:
    for coding in concept.coding or ():
        value = _chosen(_Choice(coding.code, coding.display), known)
        if value is not None:
            return value
    return _spoken(concept.text, known)


def _chosen(choice: _Choice, known: Answers | None) -> Decimal | None:
    if known is not None and choice.code is not None and choice.code in known.values:
        return known.values[choice.code]
    for weight in choice.extension or ():
        if weight.url in _WEIGHTS:
            return _number(weight.valueDecimal)
    for text in (choice.code, choice.display):
        value = _spoken(text, known)
        if value is not None:
            return value
    return None


def _spoken(text: str | None, known: Answers | None) -> Decimal | None:
    """A number in words of one; yes and no only where a yes or no is asked for."""
    plain = (text or "").strip().lower()
    if known is not None and plain in _YES_NO and known.yes_no:
        return _YES_NO[plain]
    return read_decimal(plain)


def _number(raw: Raw) -> Decimal | None:
    try:
        number = to_decimal(raw)
    except InputError:
        return None
    return number.value if number else None
