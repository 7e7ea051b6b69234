"""Comparisons with three answers: the whole interval, none of it, or not to be told."""

from __future__ import annotations

from decimal import Decimal

import pytest

from smartapp.engine.span import Span, every, mean, negate, show, some

D = Decimal


def censored(comparator: str, value: int) -> Span:
    if comparator.startswith("<"):
        return Span(None, D(value), high_open=comparator == "<")
    return Span(D(value), None, low_open=comparator == ">")


@pytest.mark.parametrize(
    ("span", "below", "above"),
    [
        (Span(D(9), D(9)), True, False),
        (Span(D(10), D(10)), False, False),
        (Span(D(11), D(11)), False, True),
        (censored("<", 10), True, False),
        (censored("<=", 10), None, False),
        (censored("<", 11), None, None),
        (censored("<=", 9), True, False),
        (censored(">", 10), False, True),
        (censored(">=", 10), False, None),
        (censored(">", 9), None, None),
        (censored(">=", 11), False, True),
    ],
)
def test_an_interval_fires_only_as_a_whole(
    span: Span, below: bool | None, above: bool | None
) -> None:
    assert span.below(D(10)) is below
    assert span.above(D(10)) is above
    assert span.at_least(D(10)) is negate(below)
    assert span.up_to(D(10)) is negate(above)


def test_a_censored_value_has_no_mean_only_an_interval_of_it() -> None:
    both = mean((censored("<", 20), Span(D(30), D(30))))
    assert both.value is None
    assert both.below(D(25)) is True
    assert mean((Span(D(210), D(210)), Span(D(221), D(221)))).value == D("215.5")


def test_means_are_rounded_to_six_digits_half_even() -> None:
    one, other = D("230.6999"), D("230.7000")
    assert mean((Span(one, one), Span(other, other))).value == D("230.700")


def test_unknown_neither_proves_nor_excludes() -> None:
    assert every([True, None]) is None
    assert every([False, None]) is False
    assert some([True, None]) is True
    assert some([False, None]) is None


def test_numbers_in_sentences_are_plain() -> None:
    assert [show(D(n)) for n in ("54", "54.00", "1E+2", "0.50")] == ["54", "54", "100", "0.5"]
