"""Numbers of incoming FHIR: read as Decimal, with the digits as sent, or refused.

A number is matched before it is parsed: `Decimal` alone takes "NaN" and "1_000", and
`int(Decimal("1e999999"))` never comes back.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from msgspec import Raw

from smartapp.errors import InputError

_match = re.compile(rb"-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?").fullmatch


class Number(NamedTuple):
    """A number and how it came: `digits` exactly as sent ("19.00"), `quoted` if it was a string."""

    value: Decimal
    digits: str
    quoted: bool


def to_decimal(raw: Raw | None) -> Number | None:
    """The number in `raw`; None when there is none (element absent, or JSON null).

    Refuses (InputError, one sentence without the content) what is not a plain number of at most
    15 digits before and after the point and a two-digit exponent: text, booleans, objects, NaN,
    and numbers of absurd size. A quoted number is read and flagged.
    """
    if raw is None:
        return None
    sent = bytes(raw)
    if _match(sent):
        digits = sent.decode("ascii")
        return Number(Decimal(digits), digits, False)
    return _odd(sent)


def read_decimal(text: str) -> Decimal | None:
    """The number written in `text` under the same rule, or None when it is not one."""
    return Decimal(text) if text.isascii() and _match(text.encode("ascii")) else None


def _odd(sent: bytes) -> Number | None:
    if sent in (b"", b"null"):
        return None
    if sent[:1] == b'"':
        inner = sent[1:-1].strip()
        if _match(inner):
            digits = inner.decode("ascii")
            return Number(Decimal(digits), digits, True)
        raise InputError("text stands where a number belongs")
    if sent[:1] in b"-0123456789":
        raise InputError("the number has more digits than any measurement")
    raise InputError("something other than a number stands where a number belongs")
