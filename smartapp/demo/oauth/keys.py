"""The sandbox's key pairs: made once a process, never written down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from joserfc.jwk import ECKey, RSAKey


@dataclass(frozen=True, slots=True)
class Keys:
    """`id_token` signs RS256, as SMART demands; `hooks` signs calls to CDS services ES384."""

    id_token: RSAKey
    hooks: ECKey

    def public(self) -> dict[str, Any]:
        """The JWK Set to publish: no private member in it."""
        return {"keys": [key.as_dict(private=False) for key in (self.id_token, self.hooks)]}


@cache
def process_keys() -> Keys:
    """The key pairs of this process; making an RSA key is slow, so once is enough."""
    return Keys(
        id_token=RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True),
        hooks=ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True),
    )
