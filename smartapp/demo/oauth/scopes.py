"""SMART scopes, v1 (`patient/Observation.read`) and v2 (`patient/Observation.rs`)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from smartapp.demo.behaviour import Behaviour

_RESOURCE = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]*|\*)\.(read|\*|c?r?u?d?s?)")
_V1 = {"read": "rs", "*": "cruds"}
_READING = "rs"
_OTHERS = frozenset(
    {
        "launch", "launch/patient", "launch/encounter", "openid", "fhirUser", "profile",
        "offline_access", "online_access",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """What one resource scope permits: `letters` of c, r, u, d, s on `resource_type` (or "*")."""

    level: str
    resource_type: str
    letters: str


def parse(scope: str) -> ResourceScope | None:
    """The resource scope, or None for any other text.

    Letters out of order (`.sr`), none at all, and query parameters (finer-grained scopes, which
    this server does not offer) are not resource scopes here.
    """
    match = _RESOURCE.fullmatch(scope)
    if match is None or not match[3]:
        return None
    return ResourceScope(match[1], match[2], _V1.get(match[3], match[3]))


def grantable(requested: str | None, behaviour: Behaviour, *, system: bool = False) -> str:
    """The part of a requested scope that is granted, in the order and syntax asked for.

    Unknown scopes are dropped, as the standard lets servers do. Nothing can be written here, so
    `.cruds` shrinks to `.rs`, v1 `.*` to `.read`, and a pure write scope to nothing. So do a
    syntax and a resource type that this EHR does not grant. With `system` only system scopes are
    granted, without it none.
    """
    asked = [s for s in (requested or "").split() if s.startswith("system/") == system]
    granted = [_shrunk(scope, behaviour) for scope in asked]
    return " ".join(dict.fromkeys(scope for scope in granted if scope))


def _shrunk(scope: str, behaviour: Behaviour) -> str:
    if scope in _OTHERS:
        return scope
    parsed = parse(scope)
    if parsed is None or not _offered(parsed, behaviour):
        return ""
    stem, _, letters = scope.rpartition(".")
    if letters in _V1:
        return f"{stem}.read" if "v1" in behaviour.scope_versions else ""
    if "v2" not in behaviour.scope_versions:
        return ""
    kept = "".join(letter for letter in parsed.letters if letter in _READING)
    return f"{stem}.{kept}" if kept else ""


def _offered(scope: ResourceScope, behaviour: Behaviour) -> bool:
    if scope.resource_type == "*":
        # A wildcard would grant what is withheld.
        return behaviour.wildcard_scopes and not behaviour.withheld
    return scope.resource_type not in behaviour.withheld


def levels_allowing(granted: str, resource_type: str, letter: str) -> frozenset[str]:
    """The levels whose scopes allow reading ("r") or searching ("s") a type.

    A level is "patient", "user" or "system".
    """
    parsed = (parse(scope) for scope in granted.split())
    return frozenset(
        scope.level
        for scope in parsed
        if scope and scope.resource_type in (resource_type, "*") and letter in scope.letters
    )


def wants_patient(granted: str) -> bool:
    """Whether a patient must be in context: asked for by name, or needed by a patient/ scope."""
    scopes = granted.split()
    return "launch/patient" in scopes or any(scope.startswith("patient/") for scope in scopes)
