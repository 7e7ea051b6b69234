"""Numbers as laboratories send them, and numbers nobody should ever compute with."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from smartapp.errors import InputError
from smartapp.fhir.numbers import read_decimal, to_decimal
from smartapp.fhir.reading import read_bundle


@pytest.mark.parametrize(
    "sent", ["19.00", "0", "-0.5", "230.7", "1e3", "1.5E-2", "123456789012345"]
)
def test_digits_stay_as_sent(sent: str) -> None:
    number = to_decimal(Raw(sent.encode()))
    assert number is not None
    assert (number.value, number.digits, number.quoted) == (Decimal(sent), sent, False)
    assert str(number.value) == str(Decimal(sent))


def test_a_quoted_number_is_read_and_flagged() -> None:
    number = to_decimal(Raw(b'" 19.00 "'))
    assert number is not None
    assert (str(number.value), number.digits, number.quoted) == ("19.00", "19.00", True)


@pytest.mark.parametrize("sent", [None, Raw(), Raw(b"null")])
def test_no_number_is_none_and_not_zero(sent: Raw | None) -> None:
    assert to_decimal(sent) is None


@pytest.mark.parametrize(
    "sent",
    [
        '"NaN"', '"1_000"', '"Infinity"', '"19,5"', '"<5"', '"volgt"', '""', '"١٩"', '"1\\u0030"',
        "1e999999", "-1e400", "9" * 16, "9" * 5000, "1." + "9" * 16, "1e-999",
        "true", "{}", "[1]", '{"value": 1}',
    ],
)  # fmt: skip
def test_what_is_not_a_plain_number_is_refused_without_being_quoted(sent: str) -> None:
    with pytest.raises(InputError) as refusal:
        to_decimal(Raw(sent.encode()))
    assert len(refusal.value.public) < 80
    assert sent not in refusal.value.public or sent in ("{}",)


def test_hostile_numbers_do_not_reach_decimal_through_a_whole_body() -> None:
    rows = b",".join(
        b'{"resource":{"resourceType":"Observation","id":"o%d","valueQuantity":{"value":%s}}}'
        % (i, n)
        for i, n in enumerate([b"1e999999", b"9" * 5000, b"1.0", b"-1e-999999"])
    )
    found = read_bundle(b'{"resourceType":"Bundle","entry":[' + rows + b"]}")
    assert [o.id for o in found.observations] == ["o0", "o1", "o2", "o3"]
    third = found.observations[2].valueQuantity
    assert third is not None
    assert to_decimal(third.value) == (Decimal("1.0"), "1.0", False)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9
    )
)
def test_every_laboratory_number_comes_through_exactly(value: Decimal) -> None:
    sent = format(value, "f")
    number = to_decimal(Raw(sent.encode()))
    assert number is not None
    assert number.value == value
    assert number.digits == sent
    assert read_decimal(sent) == value


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_is_not(text: str) -> None:
    found = read_decimal(text)
    assert found is None or found.is_finite()
