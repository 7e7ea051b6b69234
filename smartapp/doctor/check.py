"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "warn", "fail", "not tried"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. No text here holds a patient's id, name, value or date.

    `said`: what was found; `todo`: what to do about it, "" when there is nothing to do; `lines`:
    lines for the issuers file, ready to copy.
    """

    name: str
    verdict: Verdict
    said: str
    todo: str = ""
    lines: tuple[str, ...] = ()


def untried(name: str, why: str, todo: str = "") -> Check:
    """The check that could not be made."""
    return Check(name, "not tried", why, todo)
