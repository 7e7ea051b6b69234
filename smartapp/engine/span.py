"""A result as the interval its true value lies in, and comparisons with three answers.

A censored result ("< 20") is an interval. A comparison is True only if the whole interval
satisfies it, False only if none of it does, else None: not evaluable (clinical rules 2.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

from smartapp.labs.reading import Reading

# Values and cuts are compared after rounding to six significant digits (clinical rules 3).
SIX_DIGITS = Context(prec=6, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Span:
    """An interval in the analyte's canonical unit; None is unbounded, `open` excludes the end."""

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    @property
    def value(self) -> Decimal | None:
        """The one value, or None for a censored result: it has no mean, ratio or free part."""
        return self.low if self.low == self.high else None

    def below(self, cut: Decimal) -> bool | None:
        """Whether the value lies below `cut`."""
        if self.high is not None and (self.high < cut or (self.high_open and not self.high > cut)):
            return True
        return False if self.low is not None and self.low >= cut else None

    def above(self, cut: Decimal) -> bool | None:
        """Whether the value lies above `cut`."""
        if self.low is not None and (self.low > cut or (self.low_open and not self.low < cut)):
            return True
        return False if self.high is not None and self.high <= cut else None

    def at_least(self, cut: Decimal) -> bool | None:
        return negate(self.below(cut))

    def up_to(self, cut: Decimal) -> bool | None:
        return negate(self.above(cut))


def span_of(reading: Reading) -> Span:
    """The interval of one reading."""
    comparator = reading.comparator
    return Span(reading.low, reading.high, comparator == ">", comparator == "<")


def mean(spans: tuple[Span, ...]) -> Span:
    """The interval in which the mean lies; a single value only if none is censored."""
    lows = [s.low for s in spans]
    highs = [s.high for s in spans]
    return Span(
        _mean(lows),
        _mean(highs),
        any(s.low_open for s in spans),
        any(s.high_open for s in spans),
    )


def _mean(values: list[Decimal | None]) -> Decimal | None:
    known = [v for v in values if v is not None]
    if len(known) < len(values):
        return None
    return SIX_DIGITS.divide(sum(known, Decimal(0)), Decimal(len(known)))


def times(limit: Decimal | None, factor: Decimal) -> Decimal | None:
    """A multiple of a limit, rounded like everything that is compared."""
    return None if limit is None else SIX_DIGITS.multiply(limit, factor)


def negate(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def every(answers: Iterable[bool | None]) -> bool | None:
    """True if all are, False as soon as one is False, else not evaluable."""
    result: bool | None = True
    for answer in answers:
        if answer is False:
            return False
        if answer is None:
            result = None
    return result


def some(answers: Iterable[bool | None]) -> bool | None:
    """True as soon as one is, False if all are, else not evaluable."""
    result: bool | None = False
    for answer in answers:
        if answer is True:
            return True
        if answer is None:
            result = None
    return result


def tenth(value: Decimal) -> str:
    """A calculated number for a sentence, to one decimal place."""
    return show(value.quantize(Decimal("0.1")))


def show(value: Decimal) -> str:
    """A number for a sentence: without trailing zeros and without an exponent."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
