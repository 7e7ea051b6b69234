"""The two grants of the token endpoint, and what SMART adds to Authlib's."""

from __future__ import annotations

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oidc.core.grants import OpenIDCode

from smartapp.demo.config import DemoConfig
from smartapp.demo.memory import Clock
from smartapp.demo.oauth.keys import Keys
from smartapp.demo.oauth.records import Client, Code, Context, Grant, token_extras
from smartapp.demo.oauth.vault import Vault

AUTH_METHODS = ["client_secret_basic", "private_key_jwt", "none"]
_ID_TOKEN_SECONDS = 300


class SmartCodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib is untyped
    """Authorization code with a launch context. A code is used up by the first look at it."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    vault: Vault

    @staticmethod
    def validate_authorization_redirect_uri(request: OAuth2Request, client: Client) -> str:
        """The exact registered redirect URI; any other is never redirected to."""
        uri = request.payload.redirect_uri
        if not uri or not client.check_redirect_uri(uri):
            raise InvalidRequestError("The redirect_uri is not registered for this client")
        return str(uri)

    def create_authorization_response(self, redirect_uri: str, grant_user: Any) -> Any:
        # One launch token, one code: of two requests at once the slower is refused here.
        launch = self.request.payload.data.get("launch")
        if launch and not self.vault.use_launch(launch):
            raise InvalidRequestError("The launch was used before", redirect_uri=redirect_uri)
        return super().create_authorization_response(redirect_uri, grant_user)

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        data = request.payload.data
        context: Context = request.user
        self.vault.keep_code(
            Code(
                value=code,
                client_id=request.client.get_client_id(),
                redirect_uri=data["redirect_uri"],
                scope=request.scope,
                code_challenge=data["code_challenge"],
                code_challenge_method=data["code_challenge_method"],
                nonce=data.get("nonce"),
                context=context,
                family=secrets.token_hex(8),
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = self.vault.use_code(code)
        return found if found and found.client_id == client.get_client_id() else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing left to do: looking it up has used it."""

    def authenticate_user(self, authorization_code: Code) -> Context:
        return authorization_code.context


class RotatingRefreshGrant(RefreshTokenGrant):  # type: ignore[misc]  # Authlib is untyped
    """Refresh with rotation: each refresh token works once, and brings the next one."""

    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True
    vault: Vault

    def authenticate_refresh_token(self, refresh_token: str) -> Grant | None:
        return self.vault.refresh(refresh_token)

    def issue_token(self, user: Context, refresh_token: Grant) -> dict[str, Any]:
        # After every other check, so that a request refused for its scope costs nothing.
        if not self.vault.use_refresh(self.request.form["refresh_token"]):
            raise InvalidGrantError()
        token: dict[str, Any] = super().issue_token(user, refresh_token)
        return token

    def authenticate_user(self, refresh_token: Grant) -> Context:
        return refresh_token.context

    def revoke_old_credential(self, refresh_token: Grant) -> None:
        """Nothing left to do: issuing has used the old one up."""


class SmartRequest:
    """Checks of the authorize request that SMART adds: state, aud, launch."""

    def __init__(self, config: DemoConfig, vault: Vault) -> None:
        self._aud = config.fhir_base
        self._vault = vault

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.check)

    def check(self, grant: Any, _redirect_uri: str | None) -> None:
        data = grant.request.payload.data
        for name in ("aud", "launch", "code_challenge", "nonce"):
            if len(grant.request.payload.datalist.get(name, [])) > 1:
                raise InvalidRequestError(f"Multiple '{name}' in request.")
        if not data.get("state"):
            raise InvalidRequestError("Missing 'state' in request.")
        if data.get("aud") != self._aud:
            raise InvalidRequestError("The aud is not the FHIR base URL of this server")
        self._check_launch(data.get("launch"), grant.request.scope)

    def _check_launch(self, launch: str | None, scope: str) -> None:
        asked = "launch" in scope.split()
        if launch and not asked:
            raise InvalidScopeError("A launch parameter needs the scope launch")
        if asked and not launch:
            raise InvalidRequestError("The scope launch needs a launch parameter")
        if launch and self._vault.launch(launch) is None:
            raise InvalidRequestError("The launch is unknown, expired or was used before")


class LaunchContext:
    """Adds patient, encounter, appContext, the banner wish and the looks to token responses."""

    def __init__(self, config: DemoConfig) -> None:
        self._looks = {"smart_style_url": config.style_url} if config.behaviour.style else {}

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_create_token_response", self.add)

    def add(self, grant: Any, response: tuple[int, dict[str, Any], Any]) -> None:
        response[1].update(token_extras(grant.request.user) | self._looks)


class IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib is untyped
    """id_token RS256; the nonce is optional and echoed."""

    def __init__(self, config: DemoConfig, keys: Keys, clock: Clock) -> None:
        super().__init__(require_nonce=False)
        self._config = config
        self._keys = keys
        self._clock = clock

    def exists_nonce(self, nonce: str, request: OAuth2Request) -> bool:
        """Never: codes and launches are single use, so a request cannot be replayed anyway."""
        return False

    def resolve_client_private_key(self, client: Client) -> Any:
        return self._keys.id_token

    def get_encode_header(self, client: Client) -> dict[str, Any]:
        kid = {"kid": self._keys.id_token.kid} if self._config.behaviour.id_token_kid else {}
        return {"alg": "RS256", "typ": "JWT", **kid}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(self._clock())
        return {
            "iss": self._config.id_token_issuer,
            "aud": client.get_client_id(),
            "iat": now,
            "exp": now + _ID_TOKEN_SECONDS,
        }

    def generate_user_info(self, user: Context, scope: str) -> dict[str, str]:
        info = {"sub": user.user.rpartition("/")[2]}
        if "fhirUser" in scope.split():
            base = f"{self._config.fhir_root}/" if self._config.behaviour.absolute_user else ""
            info["fhirUser"] = base + user.user
        return info


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib is untyped
    """RFC 7009. Either token of an authorization ends all of its tokens."""

    CLIENT_AUTH_METHODS = AUTH_METHODS
    vault: Vault

    def query_token(self, token_string: str, token_type_hint: str | None) -> Grant | None:
        return self.vault.find(token_string)

    def revoke_token(self, token: Grant, request: OAuth2Request) -> None:
        self.vault.revoke_family(token.family)
