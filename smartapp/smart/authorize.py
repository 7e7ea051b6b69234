"""The authorization request: state, PKCE, and what the browser carries to the EHR."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from smartapp.errors import DiscoveryFailed
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What the callback must know of the launch that began; kept sealed under its state.

    `issuer` is the configured base, `iss` the one received (they differ by a slash, or below a
    prefix), `launch` the EHR's launch value, kept so that a lost cookie can be answered with a
    second try; None in a standalone launch.
    """

    issuer: str
    iss: str
    launch: str | None
    verifier: str
    nonce: str | None
    redirect_uri: str
    scope: str


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What goes to the EHR's authorization endpoint, and the state that will come back from it."""

    endpoint: str
    parameters: Mapping[str, str]
    attempt: Attempt

    @property
    def state(self) -> str:
        """The value under which the attempt is remembered."""
        return self.parameters["state"]

    @property
    def url(self) -> str:
        """The request as one address; what the endpoint's own query holds stays in it."""
        return str(add_params_to_uri(self.endpoint, list(self.parameters.items())))


def authorization_request(
    issuer: Issuer,
    config: SmartConfiguration,
    *,
    iss: str,
    launch: str | None,
    scope: str,
    redirect_uri: str,
) -> AuthorizationRequest:
    """A fresh authorization request with 256 bits of state and PKCE S256 (SMART 2.2).

    `iss` goes into `aud` byte for byte as received. S256 is sent whether or not the server
    advertises it; `plain` never is. `launch` is None in a standalone launch. A nonce goes along
    when an id_token is asked for. Refuses (DiscoveryFailed) a server that names no endpoint for it.
    """
    if config.authorization_endpoint is None:
        raise DiscoveryFailed(
            "The EHR's SMART configuration names no usable authorization_endpoint."
        )
    verifier = secrets.token_urlsafe(64)
    nonce = secrets.token_urlsafe(24) if "openid" in scope.split() else None
    parameters = {
        "response_type": "code",
        "client_id": issuer.client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": secrets.token_urlsafe(32),
        "aud": iss,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    if launch is not None:
        parameters["launch"] = launch
    if nonce is not None:
        parameters["nonce"] = nonce
    attempt = Attempt(
        issuer=issuer.fhir_base,
        iss=iss,
        launch=launch,
        verifier=verifier,
        nonce=nonce,
        redirect_uri=redirect_uri,
        scope=scope,
    )
    return AuthorizationRequest(config.authorization_endpoint, parameters, attempt)
