"""What is known of each kind of EHR at the door: data, read once from profiles.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

Profile = Literal[
    "generic", "epic", "oracle", "athena", "meditech", "medplum", "smart-launcher", "hapi"
]
ScopeSyntax = Literal["by-capability", "v1", "v2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """One profile. The fields are explained at the head of profiles.toml."""

    scope_syntax: ScopeSyntax
    wildcards: bool
    authorize_post: bool
    base_slash: bool
    id_token_issuer: str
    token_seconds: int

    def signing_issuer(self, discovered: str) -> str:
        """Who signs id_tokens at an EHR that announces itself as `discovered`."""
        tenant = urlsplit(discovered.removesuffix("/")).path.rpartition("/")[2]
        return self.id_token_issuer.format(issuer=discovered, tenant=tenant)


def ways_of(profile: Profile) -> Ways:
    """The ways of a kind of EHR."""
    return _profiles()[profile]


@cache
def _profiles() -> Mapping[str, Ways]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(
        Path(__file__).with_name("profiles.toml").read_text(encoding="utf-8")
    )
    generic = Ways(**tables.pop("generic"))
    return {"generic": generic} | {n: replace(generic, **t) for n, t in tables.items()}
