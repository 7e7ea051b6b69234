"""private_key_jwt as SMART 2.2 demands it (client-confidential-asymmetric).

Authlib alone refuses RS384 and ES384, allows any lifetime and answers with the library's own
error texts; here each refusal is one plain sentence.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import requests
from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from smartapp.demo.memory import Clock, Memory
from smartapp.demo.oauth.records import Client
from smartapp.demo.oauth.vault import Vault

ALGORITHMS = ["RS384", "ES384"]
MAX_SECONDS = 300
_SKEW = 60
_KEYS_KEPT = 60


class SmartAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib is untyped
    """Verifies a client assertion: algorithm, key, subject, audience, life, single use."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, vault: Vault, audiences: tuple[str, ...], clock: Clock) -> None:
        super().__init__()
        self._vault = vault
        self._audiences = audiences
        self._clock = clock
        self._fetched: Memory[KeySet] = Memory(clock)

    def resolve_client_public_key(self, client: Client) -> KeySet:
        registration = client.registration
        if registration.jwks is not None:
            return KeySet.import_key_set(dict(registration.jwks))  # type: ignore[arg-type]
        if registration.jwks_url is None:
            raise InvalidClientError("The client has no registered key")
        known = self._fetched.get(registration.jwks_url)
        return known or self._fetch(registration.jwks_url)

    def _fetch(self, url: str) -> KeySet:
        try:
            answer = requests.get(url, timeout=3, allow_redirects=False)
            answer.raise_for_status()
            keys = KeySet.import_key_set(answer.json())
        except (requests.RequestException, JoseError, ValueError, KeyError) as error:
            raise InvalidClientError("The client's JWKS could not be read") from error
        self._fetched.put(url, keys, _KEYS_KEPT)
        return keys

    def process_assertion_claims(self, assertion: str, resolve_key: KeySet) -> dict[str, Any]:
        header = jws.extract_compact(assertion.encode()).headers()
        if header.get("typ") != "JWT" or not isinstance(header.get("kid"), str):
            raise InvalidClientError("The assertion's header needs typ JWT and a kid")
        try:
            token = jwt.decode(assertion, resolve_key, algorithms=ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise InvalidClientError("The assertion's signature does not verify") from error
        self.verify_claims(token.claims)
        return token.claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        now = self._clock()
        if claims.get("iss") != claims.get("sub"):
            raise InvalidClientError("The assertion's iss and sub must both be the client_id")
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not set(self._audiences).intersection(a for a in named if isinstance(a, str)):
            raise InvalidClientError("The assertion's aud is not this token endpoint")
        expires = _seconds(claims.get("exp"))
        if expires is None or expires <= now:
            raise InvalidClientError("The assertion has expired")
        if expires - now > MAX_SECONDS:
            raise InvalidClientError("The assertion lives longer than 300 seconds")
        if any((_seconds(claims.get(name, now)) or 0) > now + _SKEW for name in ("iat", "nbf")):
            raise InvalidClientError("The assertion is not valid yet")
        self._refuse_replay(claims, expires - now)

    def _refuse_replay(self, claims: dict[str, Any], seconds: float) -> None:
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise InvalidClientError("The assertion has no jti")
        if not self._vault.first_use(f"{claims['iss']} {jti}", seconds):
            raise InvalidClientError("The assertion was used before")


def _seconds(value: Any) -> float | None:
    """A NumericDate, or None for what is not one (booleans, strings, NaN)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return float(value)
