"""Who the user is: the id_token, verified (OpenID Connect Core 3.1.3.7, SMART 2.2).

A token that fails any check refuses the launch; a token that is absent leaves the user unknown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from smartapp.errors import DiscoveryFailed, IdTokenRejected
from smartapp.smart.discovery import Discovery, SmartConfiguration
from smartapp.smart.documents import is_safe
from smartapp.smart.issuers import Issuer

ALGORITHMS = {"RS256": "RSA", "RS384": "RSA", "ES256": "EC", "ES384": "EC"}
LEEWAY_S = 60
_MAX_KEYS = 50
_USER = re.compile(
    r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/[A-Za-z0-9._-]{1,128}"
)


class _IdTokens(jws.JWSRegistry):
    """The accepted algorithms; header members we do not know are ignored (RFC 7515, 4), and a
    header may carry a certificate chain, which is not used."""

    max_header_length = 16_384


_REGISTRY = _IdTokens(algorithms=tuple(ALGORITHMS), strict_check_header=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What an id_token of this launch must say. `issuer` is compared exactly."""

    issuer: str
    client_id: str
    nonce: str | None
    fhir_base: str


def verify(
    token: str,
    issuer: Issuer,
    config: SmartConfiguration,
    discovery: Discovery,
    *,
    fhir_base: str,
    nonce: str | None,
    now: datetime,
) -> str | None:
    """The `fhirUser` of a good id_token: "Practitioner/1", or an absolute address elsewhere.

    None when the token is good but names no user this app understands. Refuses (IdTokenRejected)
    a signature, issuer, audience, time or nonce that is wrong, and keys that cannot be had.
    """
    name, jwks_uri = _issuer_and_keys(issuer, config, discovery, fhir_base)
    claims = _signed_claims(token, discovery, jwks_uri)
    check_claims(claims, Expected(name, issuer.client_id, nonce, fhir_base), now)
    return fhir_user(claims, fhir_base)


def check_claims(claims: Mapping[str, Any], expected: Expected, now: datetime) -> None:
    """Refuses (IdTokenRejected) claims that are not for this app, this issuer and this moment."""
    if claims.get("iss") != expected.issuer:
        raise IdTokenRejected("The id_token was issued by someone else than this EHR says.")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise IdTokenRejected("The id_token is meant for another app.")
    party = claims.get("azp")
    if (len(audiences) > 1 or party is not None) and party != expected.client_id:
        raise IdTokenRejected("The id_token was issued to another app.")
    at = now.timestamp()
    expires, issued = _number(claims, "exp"), _number(claims, "iat")
    if expires is None or expires + LEEWAY_S <= at:
        raise IdTokenRejected("The id_token has expired, or the two clocks differ.")
    if issued is None or issued - LEEWAY_S > at:
        raise IdTokenRejected("The id_token is from the future, or the two clocks differ.")
    starts = _number(claims, "nbf") if "nbf" in claims else at
    if starts is None or starts - LEEWAY_S > at:
        raise IdTokenRejected("The id_token is not valid yet, or the two clocks differ.")
    echoed = claims.get("nonce")
    # Several EHRs do not echo the nonce; one that comes back must be ours.
    if echoed is not None and expected.nonce is not None and echoed != expected.nonce:
        raise IdTokenRejected("The id_token belongs to another sign-in.")


def fhir_user(claims: Mapping[str, Any], fhir_base: str) -> str | None:
    """The user as `Type/id` when of this FHIR server, the whole address when of another."""
    user = claims.get("fhirUser") or claims.get("profile")
    if not isinstance(user, str):
        return None
    own = fhir_base.removesuffix("/") + "/"
    relative = user.removeprefix(own)
    if _USER.fullmatch(relative):
        return relative
    base, _, tail = relative.rpartition("/")
    base, _, kind = base.rpartition("/")
    if is_safe(base) and len(user) <= 500 and _USER.fullmatch(f"{kind}/{tail}"):
        return user
    return None


def _issuer_and_keys(
    issuer: Issuer, config: SmartConfiguration, discovery: Discovery, fhir_base: str
) -> tuple[str, str]:
    """The expected `iss` and where its keys are.

    The site's override goes first, then the SMART configuration, then the OpenID configuration
    (some EHRs publish it under the FHIR base only), then the FHIR base itself.
    """
    name, jwks_uri = issuer.id_token_issuer or config.issuer, config.jwks_uri
    for base in dict.fromkeys([name or fhir_base, fhir_base]):
        if name is not None and jwks_uri is not None:
            break
        try:
            found = discovery.openid(base)
        except DiscoveryFailed:
            continue
        name, jwks_uri = name or found.issuer, jwks_uri or found.jwks_uri
    if jwks_uri is None:
        raise IdTokenRejected("The EHR signs who the user is, but publishes no keys to check it.")
    return name or fhir_base, jwks_uri


def _signed_claims(token: str, discovery: Discovery, jwks_uri: str) -> dict[str, Any]:
    try:
        header = jws.extract_compact(token.encode("ascii"), registry=_REGISTRY).headers()
    except (JoseError, ValueError, RecursionError):
        raise IdTokenRejected("The id_token is not a signed token.") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise IdTokenRejected("The id_token is signed in a way that this app does not accept.")
    try:
        keys = _candidates(discovery.keys(jwks_uri), algorithm, kid)
        if not keys and kid is not None:
            # A key this app has not seen: the EHR may have changed its keys since.
            keys = _candidates(discovery.keys(jwks_uri, again=True), algorithm, kid)
    except DiscoveryFailed as error:
        raise IdTokenRejected(error.public) from None
    for key in keys:
        payload = _payload(token, key)
        if payload is not None:
            return payload
    raise IdTokenRejected("The id_token's signature is not one of this EHR's keys.")


def _candidates(keys: list[dict[str, Any]], algorithm: str, kid: object) -> list[RSAKey | ECKey]:
    """Keys that may have signed: of the algorithm's type, and of this `kid` where both have one."""
    kind = ALGORITHMS[algorithm]
    found: list[RSAKey | ECKey] = []
    for entry in keys[:_MAX_KEYS]:
        named = entry.get("kid")
        if entry.get("kty") != kind or entry.get("use", "sig") != "sig":
            continue
        if entry.get("alg", algorithm) != algorithm or (kid and named and named != kid):
            continue
        public = {k: v for k, v in entry.items() if k in ("kty", "n", "e", "crv", "x", "y")}
        try:
            found.append(RSAKey.import_key(public) if kind == "RSA" else ECKey.import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # one odd key hides no other
    return found


def _payload(token: str, key: RSAKey | ECKey) -> dict[str, Any] | None:
    try:
        signed = jws.deserialize_compact(token, key, registry=_REGISTRY)
        return msgspec.json.decode(signed.payload, type=dict[str, Any])
    except (JoseError, ValueError, RecursionError, msgspec.MsgspecError):
        return None


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None
