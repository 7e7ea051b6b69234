"""What the authorization server remembers: launches, codes, grants."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin

from smartapp.demo.behaviour import Behaviour
from smartapp.demo.config import ClientRegistration
from smartapp.demo.oauth import scopes


@dataclass(frozen=True, slots=True)
class Context:
    """Who looks at whom: bound to a launch, handed on to its code and its tokens.

    `user` is "Practitioner/<id>"; `app_context` is the text of the card link that was followed.
    """

    user: str
    patient: str | None = None
    encounter: str | None = None
    app_context: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code, in the shape Authlib asks questions of."""

    value: str
    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str
    code_challenge_method: str
    nonce: str | None
    context: Context
    family: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int | None:
        return None

    def get_acr(self) -> str | None:
        return None

    def get_amr(self) -> list[str] | None:
        return None


@dataclass(frozen=True, slots=True)
class Grant:
    """What an access or refresh token stands for.

    `family`: all tokens that came from one code; they are revoked together when a code or a
    refresh token is used twice (RFC 9700, 4.14.2).
    """

    client_id: str
    scope: str
    context: Context
    family: str

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Client) -> bool:
        return self.client_id == client.get_client_id()


class Client(ClientMixin):  # type: ignore[misc]  # Authlib is untyped
    """A registration, in the shape Authlib asks questions of."""

    def __init__(self, registration: ClientRegistration, behaviour: Behaviour) -> None:
        self.registration = registration
        self._behaviour = behaviour

    def get_client_id(self) -> str:
        return self.registration.client_id

    def get_default_redirect_uri(self) -> None:
        """None: a redirect_uri is always demanded (SMART B6.1)."""

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return scopes.grantable(scope, self._behaviour) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.registration.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        expected = self.registration.secret or ""
        return bool(expected) and hmac.compare_digest(expected.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == _METHODS[self.registration.auth]

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        if grant_type == "client_credentials":
            return self.registration.auth == "key"
        return grant_type in ("authorization_code", "refresh_token")


_METHODS = {"public": "none", "secret": "client_secret_basic", "key": "private_key_jwt"}


def token_extras(context: Context) -> dict[str, Any]:
    """The launch context members of a token response (SMART App Launch, scopes and context)."""
    extras: dict[str, Any] = {"need_patient_banner": True}
    if context.patient:
        extras["patient"] = context.patient
    if context.encounter:
        extras["encounter"] = context.encounter
    if context.app_context is not None:
        extras["appContext"] = context.app_context
    return extras
