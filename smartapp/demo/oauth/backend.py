"""SMART Backend Services: a token for an app by itself, which proves who it is by its key."""

from __future__ import annotations

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant

from smartapp.demo.behaviour import Behaviour
from smartapp.demo.oauth import scopes
from smartapp.demo.oauth.records import Context, Grant
from smartapp.demo.oauth.vault import Vault

SECONDS = 300


class BackendGrant(ClientCredentialsGrant):  # type: ignore[misc]  # Authlib is untyped
    """client_credentials for `system/…` scopes: a short token, no user, nothing to refresh."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("private_key_jwt",)
    vault: Vault
    behaviour: Behaviour

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        granted = scopes.grantable(self.request.payload.scope, self.behaviour, system=True)
        if not granted:
            raise InvalidScopeError("None of the requested scopes is granted to a backend service")
        grant = Grant(
            client_id=self.request.client.get_client_id(),
            scope=granted,
            context=Context(user=""),
            family=secrets.token_hex(8),
        )
        token = {
            "access_token": self.vault.short_token(grant, SECONDS),
            "token_type": "bearer",
            "expires_in": SECONDS,
            "scope": granted,
        }
        return 200, token, self.TOKEN_RESPONSE_HEADER
