"""Doses: from a Dosage as sent to an amount and a daily average, as far as it can be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from smartapp.errors import InputError
from smartapp.fhir.numbers import to_decimal
from smartapp.fhir.resources import Dosage, Quantity
from smartapp.knowledge.catalogue import Drug
from smartapp.patient.record import Dose
from smartapp.patient.timing import Rate, read_frequency, read_timing


class Amount(NamedTuple):
    """What is taken at once; `unit` is "mg", "[IU]", or as sent where neither is meant."""

    value: Decimal
    unit: str


_THOUSAND = Decimal(1000)
_UNITS: dict[str, tuple[str, Decimal]] = {
    "mg": ("mg", Decimal(1)),
    "ug": ("mg", 1 / _THOUSAND),
    "mcg": ("mg", 1 / _THOUSAND),
    "µg": ("mg", 1 / _THOUSAND),
    "[iu]": ("[IU]", Decimal(1)),
    "iu": ("[IU]", Decimal(1)),
    "u": ("[IU]", Decimal(1)),
    "[usp'u]": ("[IU]", Decimal(1)),
    "unit": ("[IU]", Decimal(1)),
    "units": ("[IU]", Decimal(1)),
    "international unit": ("[IU]", Decimal(1)),
    "international units": ("[IU]", Decimal(1)),
}
_SOLID = frozenset(
    {"tablet", "tablets", "tab", "tabs", "tbl", "capsule", "capsules", "cap", "caps"}
)

_AMOUNT = re.compile(
    r"(?<![\d.,])(?P<value>\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?)\s*"
    r"(?P<unit>mg|mcg|ug|µg|\[iu\]|iu|international units?|units?|u)(?![a-z/])"
)
_COUNT = re.compile(
    r"(?<![\d.,/])(?:(?P<half>half|1/2|½)|(?P<value>\d+(?:\.\d+)?|\bone|\btwo|\ban?))\s*"
    r"(?:of )?(?:an? )?(?:(?P<strength>\d+(?:\.\d+)?)\s*mg )?(?:tablets?|tabs?|capsules?|caps?)\b"
    r"(?: of (?P<after>\d+(?:\.\d+)?)\s*mg\b)?"
)
_TOTAL = re.compile(
    r"\(\s*(?P<value>[\d.,]+)\s*(?P<unit>mg|units?|iu)(?: total)?\s*(?: dose)?\s*\)"
)
_STRENGTH = re.compile(r"(?<![\d.,])(\d+(?:\.\d+)?)\s*mg\b(?!\s*/)")
_COUNT_WORDS = {"one": "1", "two": "2", "a": "1", "an": "1"}


def read_dose(dosages: Sequence[Dosage] | None, drug: Drug, product: str) -> Dose | None:
    """The dose that `dosages` prescribe of `drug`; None when nothing is said.

    `product` is the medication's label: tablets become milligrams when it names one strength.
    Several dosages (steps, alternating doses) and dosing as needed leave amount and average open;
    the words are always kept.
    """
    rows = [row for row in dosages or () if row is not None]
    if not rows:
        return None
    texts = [text for row in rows if (text := row.text or row.patientInstruction)]
    said = "; ".join(dict.fromkeys(texts))
    if len(rows) > 1:
        return Dose(None, None, None, said or "several dosage instructions")
    row = rows[0]
    amount = _quantity(row, product) or _spoken_amount(said, product)
    rate = None if row.asNeededBoolean else read_timing(row.timing) or read_frequency(said)
    amount = _in_units(amount, drug)
    text = said or _compose(row, rate)
    return _dose(amount, rate, text) if text or amount else None


def _dose(amount: Amount | None, rate: Rate | None, text: str) -> Dose:
    if amount is None:
        return Dose(None, None, None, text)
    if rate is None:
        return Dose(amount.value, amount.unit, None, text)
    return Dose(
        amount.value, amount.unit, rate.per(1, amount.value), text, rate.per(7, amount.value)
    )


def _quantity(row: Dosage, product: str) -> Amount | None:
    for part in row.doseAndRate or ():
        if part.doseQuantity is not None:
            return amount_of(part.doseQuantity, product)
    return None


def amount_of(quantity: Quantity, product: str) -> Amount | None:
    try:
        number = to_decimal(quantity.value)
    except InputError:
        return None
    if number is None or number.value <= 0 or quantity.comparator:
        return None
    for spelling in (quantity.code, quantity.unit):
        unit = (spelling or "").strip().lower().strip("{}")
        if known := _UNITS.get(unit):
            return Amount(number.value * known[1], known[0])
        if unit in _SOLID:
            return _solids(number.value, product)
    return Amount(number.value, quantity.unit or quantity.code or "")


def _solids(count: Decimal, product: str) -> Amount:
    strength = _strength(product)
    return Amount(count, "tablet") if strength is None else Amount(count * strength, "mg")


def _strength(product: str) -> Decimal | None:
    """The one strength in milligrams that a product's label names."""
    found = {Decimal(digits) for digits in _STRENGTH.findall(product.lower())}
    return found.pop() if len(found) == 1 else None


def _spoken_amount(text: str, product: str) -> Amount | None:
    """The one amount the words name. Two that do not agree are none, unless one is the total."""
    plain = text.lower()
    if total := _TOTAL.search(plain):
        return _spoken(total)
    amounts = {_spoken(match) for match in _AMOUNT.finditer(plain)}
    counts = {_counted(match) for match in _COUNT.finditer(plain)}
    if not counts:
        return _only(amounts)
    if len(counts) > 1:
        return None
    count, strength = counts.pop()
    strength = strength or _strength(product)
    if strength is None:
        return Amount(count, "tablet") if not amounts else _only(amounts)
    dose = Amount(count * strength, "mg")
    return dose if amounts <= {dose, Amount(strength, "mg")} else None


def _only(amounts: set[Amount]) -> Amount | None:
    return amounts.pop() if len(amounts) == 1 else None


def _spoken(match: re.Match[str]) -> Amount:
    unit, factor = _UNITS[match["unit"]]
    return Amount(Decimal(match["value"].replace(",", "")) * factor, unit)


def _counted(match: re.Match[str]) -> tuple[Decimal, Decimal | None]:
    """How many tablets, and of which strength when it stands beside them."""
    word = match["value"] or "0.5"
    strength = match["strength"] or match["after"]
    return Decimal(_COUNT_WORDS.get(word, word)), Decimal(strength) if strength else None


def _in_units(amount: Amount | None, drug: Drug) -> Amount | None:
    """A weight in units, where the catalogue says how many make a milligram of this drug."""
    if amount is not None and amount.unit == "mg" and drug.units_per_mg is not None:
        return Amount(amount.value * drug.units_per_mg, "[IU]")
    return amount


def _compose(row: Dosage, rate: Rate | None) -> str:
    """Words for a dosage that came without any."""
    part = next((p.doseQuantity for p in row.doseAndRate or () if p.doseQuantity), None)
    digits = bytes(part.value).decode("utf-8", "replace").strip('"') if part else ""
    amount = f"{digits} {part.unit or part.code or ''}".strip() if part else ""
    if rate is None:
        return amount
    how = f"{_plain(rate.times)} x in {_plain(rate.days)} d"
    return f"{amount}, {how}" if amount else how


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
