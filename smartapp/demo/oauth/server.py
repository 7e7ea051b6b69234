"""Authlib's authorization server, put together for SMART."""

from __future__ import annotations

import secrets
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from flask import Flask

from smartapp.demo.config import DemoConfig
from smartapp.demo.memory import Clock
from smartapp.demo.oauth.assertion import SmartAssertion
from smartapp.demo.oauth.backend import BackendGrant
from smartapp.demo.oauth.grants import (
    IdToken,
    LaunchContext,
    Revocation,
    RotatingRefreshGrant,
    SmartCodeGrant,
    SmartRequest,
)
from smartapp.demo.oauth.keys import Keys
from smartapp.demo.oauth.pkce import S256Only
from smartapp.demo.oauth.records import Client, Code, Grant
from smartapp.demo.oauth.vault import Vault

_REFRESH_SCOPES = {"offline_access", "online_access"}


def build_server(
    app: Flask, config: DemoConfig, vault: Vault, keys: Keys, clock: Clock
) -> AuthorizationServer:
    """The server with its three grants, client authentication and revocation registered."""
    clients = {r.client_id: Client(r, config.behaviour) for r in config.registrations}
    server = AuthorizationServer(app, clients.get, _saver(vault))
    server.register_token_generator("default", _TokenGenerator(config))
    server.register_client_auth_method(
        SmartAssertion.CLIENT_AUTH_METHOD,
        SmartAssertion(vault, (config.token_url, f"{config.oauth_root}/revoke"), clock),
    )
    server.register_grant(
        _with(SmartCodeGrant, vault),
        [
            S256Only(),
            SmartRequest(config, vault),
            LaunchContext(config),
            IdToken(config, keys, clock),
        ],
    )
    server.register_grant(_with(RotatingRefreshGrant, vault), [LaunchContext(config)])
    server.register_grant(_with(BackendGrant, vault, behaviour=config.behaviour))
    server.register_endpoint(_with(Revocation, vault))
    return server


def _with(kind: type[Any], vault: Vault, **known: Any) -> type[Any]:
    """`kind` knowing this server's vault: Authlib makes the objects, so the class must know it."""
    return type(kind.__name__, (kind,), {"vault": vault, **known})


def _saver(vault: Vault) -> Any:
    def save(token: dict[str, Any], request: OAuth2Request) -> None:
        source: Code | Grant = request.authorization_code or request.refresh_token
        refresh_token = token.get("refresh_token")
        grant = Grant(
            client_id=request.client.get_client_id(),
            scope=token["scope"],
            context=source.context,
            family=source.family,
        )
        vault.keep_tokens(grant, token["access_token"], refresh_token)

    return save


class _TokenGenerator(BearerTokenGenerator):  # type: ignore[misc]  # Authlib is untyped
    """Opaque tokens; a refresh token only where offline_access or online_access was granted."""

    def __init__(self, config: DemoConfig) -> None:
        super().__init__(_opaque, _opaque, config.behaviour.access_token_seconds)

    def generate(
        self,
        grant_type: str,
        client: Client,
        user: Any = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        wanted = not _REFRESH_SCOPES.isdisjoint((scope or "").split())
        token: dict[str, Any] = super().generate(
            grant_type, client, user, scope, expires_in, include_refresh_token and wanted
        )
        return token


def _opaque(**_: Any) -> str:
    return secrets.token_urlsafe(32)
