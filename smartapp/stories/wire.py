"""FHIR JSON as it was written: a number keeps its digits (`19.00` is served as `19.00`)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def decode(raw: bytes | str) -> Any:
    """The JSON value of `raw`, fractions as Decimal. Refuses (msgspec.DecodeError) other text."""
    return _decoder.decode(raw)


def encode(value: Any) -> bytes:
    """`value` as JSON, Decimals as the numbers they were."""
    return _encoder.encode(value)
