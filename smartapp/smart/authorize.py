"""The authorization request: state, PKCE and the address the browser is sent to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec
from authlib.integrations.requests_client import OAuth2Session

from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback must know of the launch that began; kept sealed under its state.

    `issuer` is the configured base, `iss` the one received (they differ by a slash, or below a
    prefix), `launch` the EHR's launch value, kept so that a lost cookie can be answered with a
    second try.
    """

    issuer: str
    iss: str
    launch: str
    verifier: str
    nonce: str | None
    redirect_uri: str
    scope: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """The browser's next address and the state that will come back from it."""

    url: str
    state: str
    attempt: Attempt


def authorization_request(
    issuer: Issuer,
    config: SmartConfiguration,
    *,
    iss: str,
    launch: str,
    scope: str,
    redirect_uri: str,
) -> AuthorizationRequest:
    """A fresh authorization request with 256 bits of state and PKCE S256 (SMART 2.2).

    `iss` goes into `aud` byte for byte as received. S256 is sent whether or not the server
    advertises it; `plain` never is. A nonce goes along when an id_token is asked for.
    """
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    nonce = secrets.token_urlsafe(24) if "openid" in scope.split() else None
    extra = {"aud": iss, "launch": launch} | ({"nonce": nonce} if nonce else {})
    with OAuth2Session(
        client_id=issuer.client_id,
        redirect_uri=redirect_uri,
        scope=scope,
        code_challenge_method="S256",
    ) as session:
        url, _ = session.create_authorization_url(
            config.authorization_endpoint, state=state, code_verifier=verifier, **extra
        )
    attempt = Attempt(
        issuer=issuer.fhir_base,
        iss=iss,
        launch=launch,
        verifier=verifier,
        nonce=nonce,
        redirect_uri=redirect_uri,
        scope=scope,
    )
    return AuthorizationRequest(url, state, attempt)
