"""Why a row could not be read, in words that hold none of its content."""

from __future__ import annotations

import re

from msgspec import MsgspecError, Raw, Struct
from msgspec.json import Decoder

from smartapp.fhir.model import Quarantined
from smartapp.fhir.resources import ABSENT, CodeableConcept

# What decoding may raise on a hostile row; the last two come from nesting and broken UTF-8.
ROW_ERRORS = (MsgspecError, RecursionError, UnicodeDecodeError)

_SHAPES = re.compile(r"Expected `([a-z]+)(?: \| null)?`, got `([a-z]+)`").match
_WORDS = {
    "array": "a list",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "null": "null",
    "object": "an object",
    "str": "text",
}
_AT = " - at `"


class _Hint(Struct, frozen=True):
    code: Raw = ABSENT
    effectiveDateTime: Raw = ABSENT
    issued: Raw = ABSENT


_hint = Decoder(_Hint).decode
_concept = Decoder(CodeableConcept).decode
_text = Decoder(str).decode


def quarantine(raw: bytes | Raw, reference: str, error: Exception) -> Quarantined:
    """The row as it goes to quarantine, with the code and dates that could still be read."""
    path, reason = explain(error)
    try:
        hint = _hint(raw)
    except ROW_ERRORS:
        return Quarantined(reference, path, reason)
    return Quarantined(
        reference,
        path,
        reason,
        _codes(hint.code),
        _date(hint.effectiveDateTime),
        _date(hint.issued),
    )


def explain(error: Exception) -> tuple[str, str]:
    """JSON path and one sentence for one of `ROW_ERRORS`."""
    if isinstance(error, RecursionError):
        return "$", "the JSON is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "$", "the text is not UTF-8"
    message, _, path = str(error).partition(_AT)
    return path.removesuffix("`") or "$", _sentence(message)


def _sentence(message: str) -> str:
    shapes = _SHAPES(message)
    if shapes is None:
        return "the value is not what FHIR allows here"
    expected, found = (_WORDS.get(word, "something else") for word in shapes.groups())
    return f"expected {expected}, found {found}"


def _codes(raw: Raw) -> tuple[str, ...]:
    try:
        codings = _concept(raw).coding or ()
    except ROW_ERRORS:
        return ()
    return tuple(f"{c.system or ''}|{c.code}" for c in codings if c.code)


def _date(raw: Raw) -> str | None:
    try:
        return _text(raw)
    except ROW_ERRORS:
        return None
