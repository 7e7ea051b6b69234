"""The token endpoint: code exchange, refresh, client credentials, revocation.

Each call uses one short-lived OAuth2Session with explicit parameters and no metadata, so that
Authlib never refreshes, discovers or chooses anything by itself.
"""

from __future__ import annotations

import re
from io import BytesIO
from time import monotonic
from typing import Any

import msgspec
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from urllib3.exceptions import MaxRetryError, NewConnectionError

from smartapp.errors import LaunchExpired, TokenAnswerLost, TokenExchangeFailed
from smartapp.jose.documents import Unreadable, parse_object, read_body
from smartapp.smart.client import OAuthClient
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.token_response import TokenResponse, read_response, seconds

_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_BUSY = (429, 503)  # the server says itself that it did not take the request

_REASONS = {
    "invalid_grant": "the sign-in code was used, expired or not meant for this app",
    "invalid_client": "the EHR does not accept this app's client id, secret or key",
    "unauthorized_client": "the EHR does not let this app sign in this way",
    "invalid_scope": "the EHR does not grant the scopes asked for",
    "invalid_request": "the EHR found the request wrong",
}


def exchange_code(
    client: OAuthClient,
    config: SmartConfiguration,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    timeout_s: float,
) -> TokenResponse:
    """The tokens for an authorization code.

    Refuses (TokenExchangeFailed) an endpoint that cannot be reached, is slow, answers HTML or an
    OAuth error, or gives something that is not a bearer token.
    """
    with _session(client, timeout_s) as session, _told(refreshing=False):
        document = session.fetch_token(
            config.token_endpoint,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=redirect_uri,
            **_manners(timeout_s),
        )
    return read_response(document)


def refresh(
    client: OAuthClient, config: SmartConfiguration, refresh_token: str, timeout_s: float
) -> TokenResponse:
    """New tokens for a refresh token; the old one must not be used again if a new one came.

    Refuses (LaunchExpired) when the server says `invalid_grant`: no use in asking again;
    (TokenAnswerLost) when the token may be spent although nothing came back; (TokenExchangeFailed)
    when it is not: no connection, a server that said it was busy, an OAuth error of another kind.
    """
    with _session(client, timeout_s) as session, _told(refreshing=True):
        document = session.refresh_token(
            config.token_endpoint, refresh_token=refresh_token, **_manners(timeout_s)
        )
    try:
        return read_response(document)
    except TokenExchangeFailed as error:
        raise TokenAnswerLost(error.public) from None


def client_credentials(
    client: OAuthClient, config: SmartConfiguration, scope: str, timeout_s: float
) -> TokenResponse:
    """A token of the app's own, for no user (SMART Backend Services). Refuses like the exchange."""
    with _session(client, timeout_s) as session, _told(refreshing=False):
        document = session.fetch_token(
            config.token_endpoint,
            grant_type="client_credentials",
            scope=scope,
            **_manners(timeout_s),
        )
    return read_response(document)


def revoke(client: OAuthClient, endpoint: str, token: str, hint: str, timeout_s: float) -> bool:
    """Tell the server that `token` is no longer needed (RFC 7009); whether it agreed."""
    with _session(client, timeout_s) as session:
        try:
            answer = session.revoke_token(
                endpoint, token=token, token_type_hint=hint, **_manners(timeout_s)
            )
        except requests.RequestException:
            return False
        answer.close()
        _tell(client, "revoke", answer, {})
        return bool(answer.status_code == 200)


def _session(client: OAuthClient, timeout_s: float) -> OAuth2Session:
    session = client.session()

    def check(response: requests.Response) -> requests.Response:
        document = _checked(response, monotonic() + timeout_s)
        _tell(client, "token", response, document)
        return _clean(response.status_code, document)

    session.register_compliance_hook("access_token_response", check)
    session.register_compliance_hook("refresh_token_response", check)
    return session


def _manners(timeout_s: float) -> dict[str, Any]:
    # A redirect would carry the code or the secret to another address.
    return {"timeout": timeout_s, "allow_redirects": False, "stream": True}


class _told:
    """Turns what Authlib and requests raise into our own sentences."""

    def __init__(self, *, refreshing: bool) -> None:
        self._refreshing = refreshing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, requests.RequestException):
            raise _unanswered(error) from None
        if isinstance(error, Unreadable):
            raise TokenAnswerLost(
                f"The EHR's token endpoint gave no usable answer: {error}."
            ) from None
        if isinstance(error, OAuthError):
            raise self._refusal(error) from None

    def _refusal(self, error: OAuthError) -> TokenExchangeFailed | LaunchExpired:
        code = error.error if isinstance(error.error, str) else ""
        if self._refreshing and code == "invalid_grant":
            return LaunchExpired("The EHR has ended this app's access to the chart.")
        if not _ERROR_CODE.fullmatch(code):
            code = "error"
        reason = _REASONS.get(code, "the EHR gave no reason this app knows")
        description = error.description if isinstance(error.description, str) else None
        return TokenExchangeFailed(
            f"The EHR refused to issue tokens ({code}): {reason}.",
            said=description[:300] if description else None,
        )


def _unanswered(error: requests.RequestException) -> TokenExchangeFailed:
    """Only a connection that never stood is sure to have carried nothing."""
    cause = error.args[0] if error.args else None
    unsent = isinstance(error, requests.ConnectTimeout) or (
        isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
    )
    kind = TokenExchangeFailed if unsent else TokenAnswerLost
    if isinstance(error, requests.Timeout):
        return kind("The EHR's token endpoint did not answer in time.")
    return kind("The EHR's token endpoint could not be reached.")


def _tell(client: OAuthClient, step: str, response: requests.Response, document: object) -> None:
    if client.listener is not None:
        sent = response.request.body
        form = sent.decode() if isinstance(sent, bytes) else sent or ""
        client.listener(step, form, response.status_code, document)


def _checked(response: requests.Response, deadline: float) -> dict[str, Any]:
    """The JSON object that was answered.

    Refuses (TokenExchangeFailed) a server that is busy, (Unreadable) what is no answer of the kind.
    """
    status = response.status_code
    if status in _BUSY:
        response.close()
        raise TokenExchangeFailed("The EHR's token endpoint is busy.")
    if status >= 500 or 300 <= status < 400:
        response.close()
        raise Unreadable(f"it answered {status}")
    document = parse_object(read_body(response, deadline))
    if status != 200 and "error" not in document:
        raise Unreadable(f"it answered {status}")
    return document


def _clean(status: int, document: dict[str, Any]) -> requests.Response:
    """The response with a body that Authlib cannot trip over."""
    document = dict(document)
    document.pop("expires_at", None)
    document["expires_in"] = seconds(document.get("expires_in"))
    clean = requests.Response()
    clean.status_code, clean.encoding = status, "utf-8"
    clean.raw = BytesIO(msgspec.json.encode(document))
    return clean
