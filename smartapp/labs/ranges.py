"""Which reference range applies to a result (rule R-REF-01, clinical-rules 4).

The laboratory's own range is used only when it is meant for this man and lies inside the accept
window: laboratories print ranges for women, for children, for another assay. Else the catalogue's
default is used, and the range says why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from smartapp.errors import InputError
from smartapp.fhir.numbers import to_decimal
from smartapp.fhir.resources import CodeableConcept, Quantity, ReferenceRange
from smartapp.knowledge.catalogue import Analyte, Limits, Unit
from smartapp.labs.reading import Range
from smartapp.labs.units import convert, find_unit

Fit = Literal["his", "anyone", "other"]

_MALE = frozenset({"248153007", "male", "m"})
_FEMALE = frozenset({"248152002", "female", "f"})
_NORMAL = frozenset({"normal", "n", "reference", "reference range", "normal range"})
_NOT_FOR_MEN = re.compile(
    r"female|wom[ae]n|follicul|luteal|mid-?cycle|ovulat|pregnan|menopaus|child|p(?:a)?ediatr|tanner"
    r"|newborn|infant|puber",
    re.IGNORECASE,
).search
_FOR_MEN = re.compile(r"\b(?:adult )?(?:male|men|man)s?\b", re.IGNORECASE).search
_TWO = re.compile(
    r"[\[(]?\s*([0-9]+(?:\.[0-9]+)?)\s*(?:-|–|—|to)\s*([0-9]+(?:\.[0-9]+)?)\s*[\])]?\s*([^\s\d].*)?",
    re.IGNORECASE,
).fullmatch
_ONE = re.compile(
    r"[\[(]?\s*(<=?|>=?|≤|≥)\s*([0-9]+(?:\.[0-9]+)?)\s*[\])]?\s*([^\s\d].*)?"
).fullmatch
_LONGEST = 60


class _Bounds(NamedTuple):
    low: Decimal | None
    high: Decimal | None
    text: str


# What a laboratory prints on every report is understood once: by sex, analyte, unit and the range
# as sent, never by patient. The analyte is kept with the answer, so that its id is not used again.
_known: dict[tuple[object, ...], tuple[Analyte, Range | None]] = {}
_MOST_KNOWN = 4096


class Ranges:
    """Chooses ranges for one man."""

    def __init__(self, sex: str, age: int | None) -> None:
        self._sex = sex
        self._age = age

    def of(
        self, analyte: Analyte, sent: Sequence[ReferenceRange] | None, unit: Unit
    ) -> Range | None:
        """The range for a result that came in `unit`; None when neither side has one."""
        key = _key(self._sex, analyte, sent, unit)
        if key is None:
            return self._choose(analyte, sent or (), unit)
        known = _known.get(key)
        if known is None:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
            known = _known[key] = analyte, self._choose(analyte, sent or (), unit)
        return known[1]

    def _choose(self, analyte: Analyte, sent: Sequence[ReferenceRange], unit: Unit) -> Range | None:
        if not sent:
            return _default(analyte, "the laboratory sent no range")
        by_fit: dict[Fit, list[ReferenceRange]] = {"his": [], "anyone": [], "other": []}
        for candidate in sent:
            by_fit[self._fit(candidate)].append(candidate)
        fitting = by_fit["his"] or by_fit["anyone"]
        if not fitting:
            return _default(analyte, "the laboratory's range is not the normal one for this man")
        found = {bounds for one in fitting if (bounds := _bounds(one, analyte, unit))}
        if not found:
            return _default(analyte, "the laboratory's range cannot be read")
        if len({bounds[:2] for bounds in found}) > 1:
            return _default(analyte, "the laboratory sent several ranges")
        return _judge(analyte, min(found, key=lambda bounds: bounds.text))

    def _fit(self, candidate: ReferenceRange) -> Fit:
        if candidate.type is not None and not _NORMAL.intersection(_words(candidate.type)):
            return "other"
        if candidate.age is not None and not self._right_age(candidate):
            return "other"
        if candidate.appliesTo:
            return self._fit_of(candidate.appliesTo)
        text = candidate.text
        if text is None:
            return "anyone"
        if _NOT_FOR_MEN(text):
            return "other"
        return "his" if self._sex == "male" and _FOR_MEN(text) else "anyone"

    def _fit_of(self, groups: Sequence[CodeableConcept]) -> Fit:
        """A group that is not a sex (a race, a pregnancy) is one we cannot place him in."""
        his, hers = (_MALE, _FEMALE) if self._sex == "male" else (_FEMALE, _MALE)
        fits = False
        for group in groups:
            words = _words(group)
            if hers.intersection(words) or not his.intersection(words):
                return "other"
            fits = True
        return "his" if fits else "anyone"

    def _right_age(self, candidate: ReferenceRange) -> bool:
        if self._age is None or candidate.age is None:
            return False
        low, high = (_years(bound) for bound in (candidate.age.low, candidate.age.high))
        return (low is None or low <= self._age) and (high is None or self._age <= high)


def _key(
    sex: str, analyte: Analyte, sent: Sequence[ReferenceRange] | None, unit: Unit
) -> tuple[object, ...] | None:
    """What decides the answer, for the plain cases; None where looking twice is not worth it."""
    if not sent:
        return sex, id(analyte)
    one = sent[0]
    text = one.text
    if len(sent) > 1 or one.type is not None or one.appliesTo or one.age is not None:
        return None
    if text is not None and len(text) > _LONGEST:
        return None
    low, high = one.low, one.high
    # One flat tuple: it is made and hashed for every row.
    if low is not None and high is not None:
        return (
            sex,
            id(analyte),
            unit.spelling,
            text,
            bytes(low.value),
            low.code,
            low.unit,
            bytes(high.value),
            high.code,
            high.unit,
        )
    if low is not None:
        return sex, id(analyte), unit.spelling, text, "from", bytes(low.value), low.code, low.unit
    if high is not None:
        return sex, id(analyte), unit.spelling, text, "to", bytes(high.value), high.code, high.unit
    return sex, id(analyte), unit.spelling, text


def _words(concept: CodeableConcept) -> set[str]:
    words = {concept.text.strip().lower()} if concept.text else set()
    for coding in concept.coding or ():
        words.update(w.strip().lower() for w in (coding.code, coding.display) if w)
    return words


def _years(bound: Quantity | None) -> Decimal | None:
    """An age limit in years; ages in months or days are children's and count as 0 to 18."""
    if bound is None:
        return None
    try:
        number = to_decimal(bound.value)
    except InputError:
        return None
    if number is None:
        return None
    unit = (bound.code or bound.unit or "a").strip().lower()
    if unit in ("a", "y", "yr", "yrs", "year", "years"):
        return number.value
    months = {"mo": 12, "month": 12, "months": 12, "wk": 52, "week": 52, "weeks": 52}
    return number.value / months.get(unit, 365)


def _bounds(one: ReferenceRange, analyte: Analyte, unit: Unit) -> _Bounds | None:
    """Both limits in the canonical unit; a limit without a unit is in the result's."""
    if one.low is None and one.high is None:
        return _bounds_in_text(one.text, analyte, unit)
    low, high = _limit(one.low, analyte, unit), _limit(one.high, analyte, unit)
    if (one.low is not None and low is None) or (one.high is not None and high is None):
        return None
    if low is None:
        return _Bounds(None, high, f"up to {_as_sent(one.high)}")
    if high is None:
        return _Bounds(low, None, f"from {_as_sent(one.low)}")
    return _Bounds(low, high, f"{_as_sent(one.low)} to {_as_sent(one.high)}")


def _limit(bound: Quantity | None, analyte: Analyte, unit: Unit) -> Decimal | None:
    if bound is None:
        return None
    try:
        number = to_decimal(bound.value)
    except InputError:
        return None
    if number is None:
        return None
    spelling = bound.code or bound.unit
    own = find_unit(analyte, spelling) if spelling else unit
    if own is None and bound.unit:
        own = find_unit(analyte, bound.unit)
    return None if own is None else convert(number.value, own)


def _as_sent(bound: Quantity | None) -> str:
    if bound is None:
        return ""
    digits = bytes(bound.value).decode("ascii", "replace").strip('"')
    return f"{digits} {bound.unit or bound.code or ''}".strip()


def _bounds_in_text(text: str | None, analyte: Analyte, unit: Unit) -> _Bounds | None:
    """A range given only as words, when they are two plain numbers or one limit and no more."""
    if text is None or len(text) > _LONGEST:
        return None
    plain = text.strip()
    two = _TWO(plain)
    one = None if two else _ONE(plain)
    spelling = (two or one)[3] if two or one else None  # type: ignore[index]
    own = unit if spelling is None else find_unit(analyte, spelling.rstrip(")] "))
    if own is None:
        return None
    if two:
        return _Bounds(convert(Decimal(two[1]), own), convert(Decimal(two[2]), own), plain)
    if one:
        limit = convert(Decimal(one[2]), own)
        below = one[1] in ("<", "<=", "≤")
        return _Bounds(None if below else limit, limit if below else None, plain)
    return None


def _judge(analyte: Analyte, bounds: _Bounds) -> Range | None:
    low, high, text = bounds
    if low is not None and high is not None and low >= high:
        return _default(analyte, f"the laboratory's range, {text}, is empty")
    for limit, window, word in (
        (low, analyte.accept_low, "lower"),
        (high, analyte.accept_high, "upper"),
    ):
        if window is None:
            if limit is not None and not _within(limit, analyte.hard):
                return _default(analyte, f"the {word} limit of the laboratory, {text}, is absurd")
        elif limit is None:
            return _default(analyte, f"the laboratory's range, {text}, has no {word} limit")
        elif not _within(limit, window):
            return _default(
                analyte,
                f"the {word} limit of the laboratory's range, {text}, is outside "
                f"{window.low} to {window.high} {analyte.unit}",
            )
    return Range(low, high, "laboratory", text)


def _within(value: Decimal, limits: Limits) -> bool:
    return (limits.low is None or value >= limits.low) and (
        limits.high is None or value <= limits.high
    )


def _default(analyte: Analyte, why: str) -> Range | None:
    limits = analyte.default_range
    if limits.low is None and limits.high is None:
        return None
    return Range(limits.low, limits.high, "default", why)
