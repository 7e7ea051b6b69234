"""What one kind of FHIR server wants asked differently: data, read once from quirks.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One profile. The fields are explained at the head of quirks.toml."""

    sort: bool
    count: int
    max_codes: int
    max_url: int
    headers: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)


def quirks_of(profile: str) -> Quirks:
    """The quirks of a profile; those of `generic` where nothing else is known."""
    known = _profiles()
    return known.get(profile, known["generic"])


@cache
def _profiles() -> Mapping[str, Quirks]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(
        Path(__file__).with_name("quirks.toml").read_text(encoding="utf-8")
    )
    generic = Quirks(**tables.pop("generic"))
    return {"generic": generic} | {n: replace(generic, **t) for n, t in tables.items()}
