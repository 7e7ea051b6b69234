"""What cannot be computed says why; there is no default result."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotComputable:
    """Why a derived figure does not exist. `reason` is a sentence for the physician."""

    reason: str
