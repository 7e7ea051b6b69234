"""The client assertion of private_key_jwt (SMART 2.2, client-confidential-asymmetric)."""

from __future__ import annotations

import secrets
from datetime import datetime

from joserfc import jwt

from smartapp.smart.keys import KeyPair

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# Servers refuse what lives more than 300 s by their own clock: a minute is left for its error.
LIFE_S = 240


def client_assertion(
    pair: KeyPair, *, client_id: str, audience: str, now: datetime, jku: str | None
) -> str:
    """A fresh assertion, good for one request: its `jti` never comes again.

    `audience` is the token endpoint exactly as discovered; `jku`, where given, our key set's
    address exactly as registered.
    """
    at = int(now.timestamp())
    header = {"alg": pair.alg, "kid": pair.kid, "typ": "JWT"} | ({"jku": jku} if jku else {})
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": at,
        "exp": at + LIFE_S,
        "jti": secrets.token_urlsafe(24),
    }
    return jwt.encode(header, claims, pair.key, algorithms=[pair.alg])
