"""How often a dose is taken: structured timing, its codes, and what people write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from msgspec import Raw

from smartapp.errors import InputError
from smartapp.fhir.numbers import to_decimal
from smartapp.fhir.resources import Timing, TimingRepeat
from smartapp.patient.coding import words


class Rate(NamedTuple):
    """`times` administrations in `days` days."""

    times: Decimal
    days: Decimal

    def per(self, days: int, amount: Decimal) -> Decimal:
        """The total of `amount` over that many days."""
        return amount * self.times * days / self.days


_ONE, _SEVEN = Decimal(1), Decimal(7)
_UNIT_DAYS = {
    "s": _ONE / 86400,
    "min": _ONE / 1440,
    "h": _ONE / 24,
    "d": _ONE,
    "wk": _SEVEN,
    "mo": Decimal("30.4375"),
    "a": Decimal("365.25"),
}
_CODES = {
    "QD": Rate(_ONE, _ONE),
    "AM": Rate(_ONE, _ONE),
    "PM": Rate(_ONE, _ONE),
    "BED": Rate(_ONE, _ONE),
    "HS": Rate(_ONE, _ONE),
    "BID": Rate(Decimal(2), _ONE),
    "TID": Rate(Decimal(3), _ONE),
    "QID": Rate(Decimal(4), _ONE),
    "QOD": Rate(_ONE, Decimal(2)),
    "Q2D": Rate(_ONE, Decimal(2)),
    "Q4H": Rate(Decimal(6), _ONE),
    "Q6H": Rate(Decimal(4), _ONE),
    "Q8H": Rate(Decimal(3), _ONE),
    "Q12H": Rate(Decimal(2), _ONE),
    "Q24H": Rate(_ONE, _ONE),
    "Q48H": Rate(_ONE, Decimal(2)),
    "WK": Rate(_ONE, _SEVEN),
    "QW": Rate(_ONE, _SEVEN),
    "Q1W": Rate(_ONE, _SEVEN),
    "BIW": Rate(Decimal(2), _SEVEN),
    "TIW": Rate(Decimal(3), _SEVEN),
    "Q2W": Rate(_ONE, Decimal(14)),
    "Q3W": Rate(_ONE, Decimal(21)),
    "Q4W": Rate(_ONE, Decimal(28)),
    "MO": Rate(_ONE, _UNIT_DAYS["mo"]),
}


def read_timing(timing: Timing | None) -> Rate | None:
    """The rate a Timing gives; None when it gives none, or a span instead of a number."""
    if timing is None:
        return None
    if timing.repeat is not None and (rate := _repeat(timing.repeat)):
        return rate
    if timing.code is None:
        return None
    for coding in timing.code.coding or ():
        if coding.code and (rate := _CODES.get(coding.code.strip().upper())):
            return rate
    for text in words(timing.code):
        if rate := _CODES.get(text.strip().upper()) or read_frequency(text):
            return rate
    return None


def _repeat(repeat: TimingRepeat) -> Rate | None:
    try:
        times, most = _number(repeat.frequency), _number(repeat.frequencyMax)
        period, longest = _number(repeat.period), _number(repeat.periodMax)
    except InputError:
        return None
    if most not in (None, times) or longest not in (None, period):
        return None
    weekdays, clocks = len(set(repeat.dayOfWeek or ())), len(repeat.timeOfDay or ())
    times = times or (Decimal(clocks) if clocks else None)
    if period is None:
        if weekdays:
            return Rate((times or _ONE) * weekdays, _SEVEN)
        return Rate(Decimal(clocks), _ONE) if clocks else None
    unit = _UNIT_DAYS.get(repeat.periodUnit or "")
    if unit is None or period <= 0 or (times is not None and times <= 0):
        return None
    if not weekdays:
        return Rate(times or _ONE, period * unit)
    return _on_weekdays(times or _ONE, period, repeat.periodUnit or "", weekdays)


def _on_weekdays(times: Decimal, period: Decimal, unit: str, weekdays: int) -> Rate | None:
    if period != 1:
        return None
    if unit == "d":
        return Rate(times * weekdays, _SEVEN)
    # "3 times a week on Mon, Wed, Fri" and "once a week on Mon, Wed, Fri" both mean these days.
    return Rate(max(times, Decimal(weekdays)), _SEVEN) if unit == "wk" else None


def _number(raw: Raw) -> Decimal | None:
    number = to_decimal(raw)
    return number.value if number else None


_NUMBER_WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "ten": 10, "twelve": 12, "fourteen": 14, "once": 1, "twice": 2, "thrice": 3,
    "other": 2, "second": 2, "alternate": 2, "third": 3, "fourth": 4,
}  # fmt: skip
_SPANS = {
    "hour": _UNIT_DAYS["h"], "hr": _UNIT_DAYS["h"], "h": _UNIT_DAYS["h"],
    "day": _ONE, "d": _ONE, "daily": _ONE, "morning": _ONE, "evening": _ONE, "night": _ONE,
    "week": _SEVEN, "wk": _SEVEN, "w": _SEVEN, "weekly": _SEVEN,
    "month": _UNIT_DAYS["mo"], "mo": _UNIT_DAYS["mo"], "monthly": _UNIT_DAYS["mo"],
}  # fmt: skip
_N = r"\d+(?:\.\d+)?|" + "|".join(_NUMBER_WORDS)
_RANGE = re.compile(r"\b\d+\s*(?:-|–|to)\s*\d+\s*-?\s*(?:x|times|days|weeks|hours|hrs|h|wks)\b")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_AS_NEEDED = re.compile(r"\bas needed\b|\bp\.?r\.?n\b|\bif needed\b")
_DAY_NAME = re.compile(r"\b(mon|tues|wednes|thurs|fri|satur|sun)days?\b")
_DAY_SHORT = re.compile(r"\b(mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)\b|\b(m/w/f|mwf)\b")
_NOT_EACH_WEEK = re.compile(r"\b(?:other|alternate|second|third|[2-9] ?w)")


def _every(match: re.Match[str]) -> Rate:
    return Rate(_ONE, _count(match["n"] or "1") * _SPANS[match["span"]])


def _times(match: re.Match[str]) -> Rate:
    return Rate(_count(match["n"]), _SPANS[match["span"]])


def _count(word: str) -> Decimal:
    return Decimal(_NUMBER_WORDS.get(word, word))


# First match wins, so the more specific phrase stands first.
_PHRASES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Rate]], ...] = (
    (re.compile(r"\balternate days?\b|\bevery other day\b|\b(?:eod|qod|q\.o\.d)\b"),
     lambda _: Rate(_ONE, Decimal(2))),
    (re.compile(r"\bmorning and (?:in the |at |every )?(?:evening|night|bedtime)\b"),
     lambda _: Rate(Decimal(2), _ONE)),
    (re.compile(rf"\b(?:every|each)\s+(?P<n>{_N})\s*-?(?P<span>hour|hr|day|week|wk|month)s?\b"),
     _every),
    (re.compile(r"\bq\s?(?P<n>\d+)\s?(?P<span>h|hr|d|day|w|wk|week|mo|month)s?\b"), _every),
    # A bare digit is a dose, not a count: "25 daily" says nothing about how often.
    (re.compile(r"\b(?P<n>\d{1,2}) ?(?:x ?/?|times? |doses? |injections? |/) ?"
                r"(?:a|per|each|every)? ?(?P<span>daily|day|weekly|week|wk|monthly|month)\b"),
     _times),
    (re.compile(rf"\b(?P<n>{'|'.join(_NUMBER_WORDS)}) (?:times |doses |injections )?"
                r"(?:a |per |each |every )?(?P<span>daily|day|weekly|week|wk|monthly|month)\b"),
     _times),
    (re.compile(r"\b(?:every|each|per|a) (?P<n>)(?P<span>morning|evening|night|day|week|month)\b"),
     _every),
    (re.compile(r"\b(?P<n>)(?P<span>daily|weekly|monthly)\b"), _every),
    (re.compile(r"\b(?:qhs|qam|qpm|nightly|at bedtime|in the morning|in the evening)\b"),
     lambda _: Rate(_ONE, _ONE)),
)  # fmt: skip
_ABBREVIATION = re.compile(r"\b(qd|od|bid|b\.i\.d|tid|t\.i\.d|qid|qw|tiw|biw)\b")


def read_frequency(text: str) -> Rate | None:
    """The rate that plain words give ("1500 IU three times weekly"); None when unclear.

    A span ("2-3 times a week") is unclear, and so is "as needed".
    """
    plain = " ".join(_HYPHEN.sub(" ", text.lower()).split())
    if _RANGE.search(plain) or _AS_NEEDED.search(plain):
        return None
    if days := _weekdays(plain):
        return None if _NOT_EACH_WEEK.search(plain) else Rate(Decimal(days), _SEVEN)
    for pattern, rate in _PHRASES:
        if match := pattern.search(plain):
            found = rate(match)
            return found if found.times > 0 and found.days > 0 else None
    if match := _ABBREVIATION.search(plain):
        return _CODES["QD" if match[1] == "od" else match[1].replace(".", "").upper()]
    return None


def _weekdays(text: str) -> int:
    """How many weekdays are named. One short name alone is no weekday ("avoid sun")."""
    full = {match[1][:3] for match in _DAY_NAME.finditer(text)}
    short = {match[1][:3] for match in _DAY_SHORT.finditer(text) if match[1]}
    if any(match[2] for match in _DAY_SHORT.finditer(text)):
        short |= {"mon", "wed", "fri"}
    return len(full | short) if len(full | short) > 1 or full else 0
