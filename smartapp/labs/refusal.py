"""Why something could not be read: the other answer of every step of reading a row."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """`reason` is a sentence for the physician. `blocks`: a result came and could not be used, so
    that a rule must abstain; False when there never was a result."""

    reason: str
    flag: str | None = None
    blocks: bool = True
