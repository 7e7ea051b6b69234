"""What an EHR granted, to a launch or to a hook's call: its scopes read, and what is still short.

What was not granted is not asked for: a server may answer such a search with an empty list, which
would look like a record without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# v2 letters stand in the order c, r, u, d, s: `.sr` is no scope (SMART 2.2, scopes).
_scope = re.compile(
    r"(patient|user|system)/([A-Z][A-Za-z]{0,63}|\*)\.(read|write|\*|(?=[cruds])c?r?u?d?s?)"
    r"(?:\?([\x21-\x7e]{1,200}))?"
).fullmatch
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_MANY = 3


@dataclass(frozen=True, slots=True)
class Permission:
    """One resource scope. `kind` may be "*"; `query` narrows it ("category=laboratory")."""

    level: str
    kind: str
    letters: str
    query: str | None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """What is not granted: nothing of it ("missing") or not all ("partial"); safe to show."""

    state: Literal["missing", "partial"]
    reason: str


def permission(scope: str) -> Permission | None:
    """A resource scope of either syntax; None for any other text (`openid`, `.sr`)."""
    match = _scope(scope)
    if match is None:
        return None
    return Permission(match[1], match[2], _V1.get(match[3], match[3]), match[4])


@dataclass(frozen=True, slots=True)
class Grants:
    """The permissions of one launch's token: of its patient, or of all its user may see."""

    permissions: tuple[Permission, ...]

    @classmethod
    def of(cls, scopes: Iterable[str]) -> Grants:
        """Read the scopes as granted; `system/` ones are not a user's."""
        read = (permission(scope) for scope in sorted(scopes))
        return cls(tuple(p for p in read if p is not None and p.level != "system"))

    def shortfall(self, kind: str, letter: str) -> Shortfall | None:
        """What keeps `kind` from being read by id (letter "r") or searched ("s"); None: nothing.

        A permission for some part alone still lets the app ask, but what is absent from the answer
        is not known to be absent from the record.
        """
        fitting = [p for p in self.permissions if p.kind in (kind, "*")]
        able = [p for p in fitting if letter in p.letters]
        if any(p.query is None for p in able):
            return None
        if able:
            parts = sorted({p.query for p in able if p.query})
            named = ", ".join(parts[:_MANY]) + (" and more" if len(parts) > _MANY else "")
            return Shortfall("partial", f"the EHR granted {kind} only where {named}")
        if letter == "s" and any("r" in p.letters for p in fitting):
            return Shortfall("missing", f"the EHR granted reading of {kind} but no search for it")
        return Shortfall("missing", f"the EHR did not grant this app to read {kind}")

    def by_user(self, kind: str, letter: str) -> bool:
        """Whether the user's own rights, and no chosen patient's, let `kind` be had."""
        return any(
            p.level == "user" and p.kind in (kind, "*") and letter in p.letters
            for p in self.permissions
        )
