"""Which number a row holds: as a quantity, as words, or not at all, and then why not."""

from __future__ import annotations

import re
from decimal import Decimal

from msgspec import Struct

from smartapp.errors import InputError
from smartapp.fhir.numbers import read_decimal, to_decimal
from smartapp.fhir.resources import CodeableConcept, Observation, ObservationComponent, Quantity
from smartapp.labs.refusal import Refusal

_COMPARATORS = {"<": "<", "<=": "<=", ">": ">", ">=": ">=", "≤": "<=", "≥": ">="}
_WRITTEN = re.compile(r"(<=|>=|<|>|≤|≥)?\s*(-?[0-9][0-9.,' ]*)\s*(\S.{0,30})?").fullmatch
# A measurement that was not made is no result; one that failed is a result we cannot use.
_NEVER_MADE = frozenset(
    {"not-performed", "not-asked", "asked-declined", "not-applicable", "not-permitted"}
)


class Value(Struct, frozen=True, gc=False):
    """A number as sent. `unit_code` and `unit_text` are the sender's two words for its unit."""

    number: Decimal
    digits: str
    comparator: str | None
    unit_code: str | None
    unit_text: str | None
    quoted: bool = False

    @property
    def original(self) -> str:
        """As a physician would quote it: "< 19.00 nmol/L"."""
        unit = self.unit_text or self.unit_code
        number = f"{self.digits} {unit}" if unit else self.digits
        return f"{self.comparator} {number}" if self.comparator else number


def read_value(row: Observation | ObservationComponent) -> Value | Refusal:
    """The number of a result or of one component.

    Reads a quantity, a whole number, and text that is plainly a number ("<0.5", "< 20 ng/dL").
    Refuses a comma (decimal or thousands: nobody can tell), other words, and a missing value.
    """
    if row.valueQuantity is not None:
        return read_quantity(row.valueQuantity, row.dataAbsentReason)
    if row.valueInteger is not None:
        return Value(Decimal(row.valueInteger), str(row.valueInteger), None, None, None)
    if row.valueString is not None:
        return _read_text(row.valueString)
    if row.valueCodeableConcept is not None or getattr(row, "valueBoolean", None) is not None:
        return Refusal("its value is a code, not a number")
    return _absent(row.dataAbsentReason)


def read_quantity(quantity: Quantity, absent: CodeableConcept | None = None) -> Value | Refusal:
    """The number of a Quantity; refuses unknown comparators and what is not a plain number."""
    try:
        number = to_decimal(quantity.value)
    except InputError as error:
        return Refusal(error.public)
    if number is None:
        return _absent(absent)
    value, digits, quoted = number
    comparator = quantity.comparator
    if comparator is not None:
        if comparator.strip() not in _COMPARATORS:
            return Refusal(f"its comparator, {comparator!r:.10}, is not one of <, <=, >=, >")
        comparator = _COMPARATORS[comparator.strip()]
    return Value(value, digits, comparator, quantity.code, quantity.unit, quoted)


def _read_text(text: str) -> Value | Refusal:
    match = _WRITTEN(text.strip()) if len(text) <= 80 else None
    if match is None:
        return Refusal("its value is words, not a number")
    digits = match[2].strip()
    if "," in digits or "'" in digits or " " in digits:
        return Refusal("its number is written with a comma or blank: decimal or thousands, unclear")
    number = read_decimal(digits)
    if number is None:
        return Refusal("its value is not a plain number")
    comparator = _COMPARATORS[match[1]] if match[1] else None
    return Value(number, digits, comparator, None, match[3])


def _absent(reason: CodeableConcept | None) -> Refusal:
    if reason is None:
        return Refusal("it holds no value")
    codes = [coding.code for coding in reason.coding or () if coding.code]
    said = reason.text or (codes[0] if codes else "no reason given")
    return Refusal(f"no value was given: {said:.60}", blocks=not _NEVER_MADE.intersection(codes))
