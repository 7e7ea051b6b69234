"""Ids that others send and that become part of an address."""

from __future__ import annotations

import re

# Wider than FHIR's id by length and underscore, as some EHRs' ids are, but nothing that could
# change an address.
_is_id = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9._-]{1,128}").fullmatch


def bare_id(value: object, kind: str) -> str | None:
    """The id in "123" or "Patient/123" (`kind` is "Patient"); None when it is not one."""
    if not isinstance(value, str):
        return None
    bare = value.removeprefix(f"{kind}/")
    return bare if _is_id(bare) else None
