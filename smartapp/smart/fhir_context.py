"""What else the EHR had open: `fhirContext` of a token response (SMART 2.2, experimental)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from smartapp.smart.context import ContextItem

MOST = 50
LAUNCH = "launch"

_is_reference = re.compile(r"[A-Z][A-Za-z]{1,63}/[A-Za-z0-9._-]{1,128}").fullmatch
_is_type = re.compile(r"[A-Z][A-Za-z]{1,63}").fullmatch
_is_address = re.compile(r"[a-z][a-z0-9+.-]{1,20}:[\x21-\x7e]{1,480}").fullmatch
# The launch's own patient and encounter come as `patient` and `encounter`.
_OWN = ("Patient/", "Encounter/")


def read_context(value: object) -> tuple[ContextItem, ...]:
    """The usable items, in their order; at most 50. What is odd is left out: nothing rests on it.

    SMART 2.0 gave bare references as texts, later versions objects with at least one of reference,
    canonical and identifier. A role is `launch` where none is given, or an absolute address; a
    patient or an encounter under the role `launch` is no item.
    """
    if not isinstance(value, list):
        return ()
    read = (_item({"reference": v} if isinstance(v, str) else v) for v in value[:MOST])
    return tuple(item for item in read if item is not None)


def _item(value: object) -> ContextItem | None:
    if not isinstance(value, dict):
        return None
    role = value.get("role", LAUNCH)
    if not isinstance(role, str) or not (role == LAUNCH or _is_address(role)):
        return None
    reference = _fitting(_is_reference, value.get("reference"))
    canonical = _fitting(_is_address, value.get("canonical"))
    identifier = _identifier(value.get("identifier"))
    if reference is None and canonical is None and identifier is None:
        return None
    if role == LAUNCH and reference is not None and reference.startswith(_OWN):
        return None
    return ContextItem(
        role, reference, canonical, identifier, _fitting(_is_type, value.get("type"))
    )


def _identifier(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return None
    parts = [_short(value, name) for name in ("system", "value")]
    return "|".join(parts) if any(parts) else None


def _short(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    return text if isinstance(text, str) and len(text) <= 200 else ""


def _fitting(fits: Any, value: object) -> str | None:
    return value if isinstance(value, str) and fits(value) else None
