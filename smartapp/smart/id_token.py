"""Who the user is: the id_token, verified (OpenID Connect Core 3.1.3.7, SMART 2.2).

A token that fails any check refuses the launch; a token that is absent leaves the user unknown.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from smartapp.errors import DiscoveryFailed, IdTokenRejected
from smartapp.jose import Unreadable, read_signed
from smartapp.jose.documents import is_safe
from smartapp.smart.discovery import Discovery, SmartConfiguration
from smartapp.smart.issuers import Issuer

# What SMART obliges every server to use; a site's table may add others.
USUAL_ALGORITHM = "RS256"
LEEWAY_S = 60
_USER = re.compile(
    r"(Patient|Practitioner|PractitionerRole|RelatedPerson|Person)/[A-Za-z0-9._-]{1,128}"
)


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

    None when the token is good but names no user this app understands. Accepts RS256 and what the
    issuer's table adds. Refuses (IdTokenRejected) a signature, issuer, audience, time or nonce that
    is wrong, and keys that cannot be had.
    """
    name, jwks_uri = issuer_and_keys(issuer, config, discovery, fhir_base)
    accepted = (USUAL_ALGORITHM, *issuer.id_token_algs)
    claims = _signed_claims(token, discovery, jwks_uri, accepted)
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


def issuer_and_keys(
    issuer: Issuer, config: SmartConfiguration, discovery: Discovery, fhir_base: str
) -> tuple[str, str]:
    """The expected `iss` and where its keys are.

    The site's override goes first, then the SMART configuration (read as the EHR's profile says),
    then the OpenID configuration (some EHRs publish it under the FHIR base only), then the FHIR
    base itself.
    """
    announced = None if config.issuer is None else issuer.ways.signing_issuer(config.issuer)
    name, jwks_uri = issuer.id_token_issuer or announced, config.jwks_uri
    for base in dict.fromkeys([name or fhir_base, fhir_base]):
        if name is not None and jwks_uri is not None:
            break
        try:
            found = discovery.openid(base, fhir_base)
        except DiscoveryFailed:
            continue
        name, jwks_uri = name or found.issuer, jwks_uri or found.jwks_uri
    if jwks_uri is None:
        raise IdTokenRejected("The EHR signs who the user is, but publishes no keys to check it.")
    return name or fhir_base, jwks_uri


def _signed_claims(
    token: str, discovery: Discovery, jwks_uri: str, accepted: Collection[str]
) -> dict[str, Any]:
    signed = read_signed(token)
    if signed is None or signed.algorithm not in accepted:
        raise IdTokenRejected(
            "The id_token is not a signed token, or is signed in a way that this app does not "
            "accept from this EHR (id_token_algs)."
        )
    try:
        keys = discovery.key_sets.fitting(jwks_uri, signed.algorithm, signed.kid)
    except Unreadable as error:
        raise IdTokenRejected(f"The EHR's public key set could not be read: {error}.") from None
    if not any(signed.is_by(key) for key in keys):
        raise IdTokenRejected("The id_token's signature is not one of this EHR's keys.")
    try:
        return msgspec.json.decode(signed.payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise IdTokenRejected("The id_token holds no claims.") from None


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e12 else None
