"""The token endpoint: code exchange, refresh, revocation.

Each call uses one short-lived OAuth2Session with explicit parameters and no metadata, so that
Authlib never refreshes, discovers or chooses anything by itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from time import monotonic
from typing import Any

import msgspec
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from smartapp.errors import LaunchExpired, NoPatient, TokenExchangeFailed
from smartapp.jose.documents import Unreadable, parse_object, read_body
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.ids import bare_id
from smartapp.smart.issuers import Issuer

MAX_APP_CONTEXT = 4096
_EXTRA = ("intent", "tenant")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_ERROR_CODE = re.compile(r"[a-z_]{1,40}")
_DAY_S = 86_400

_REASONS = {
    "invalid_grant": "the sign-in code was used, expired or not meant for this app",
    "invalid_client": "the EHR does not accept this app's client id or secret",
    "unauthorized_client": "the EHR does not let this app sign in this way",
    "invalid_scope": "the EHR does not grant the scopes asked for",
    "invalid_request": "the EHR found the request wrong",
}


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token response whose every member was checked.

    `expires_in` in seconds, None when the server did not say. `scope` as granted, None when not
    said (then what was asked for is granted, RFC 6749 5.1). `patient` and `encounter` are bare
    ids. `app_context` is untrusted text, dropped beyond `MAX_APP_CONTEXT` characters.
    """

    access_token: str = field(repr=False)
    expires_in: int | None
    scope: str | None
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    patient: str | None
    encounter: str | None
    need_patient_banner: bool
    app_context: str | None
    extra: Mapping[str, str]


def exchange_code(
    issuer: Issuer,
    config: SmartConfiguration,
    *,
    code: str,
    verifier: str,
    redirect_uri: str,
    timeout_s: float,
) -> TokenResponse:
    """The tokens for an authorization code.

    Refuses (TokenExchangeFailed) an endpoint that cannot be reached, is slow, answers HTML or an
    OAuth error, or gives something that is not a bearer token; (NoPatient) an unusable patient id.
    """
    with _session(issuer, timeout_s) as session, _told(refreshing=False):
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
    issuer: Issuer, config: SmartConfiguration, refresh_token: str, timeout_s: float
) -> TokenResponse:
    """New tokens for a refresh token; the old one must not be used again if a new one came.

    Refuses (LaunchExpired) when the server says `invalid_grant`: no use in asking again;
    (TokenExchangeFailed) everything else, like `exchange_code`.
    """
    with _session(issuer, timeout_s) as session, _told(refreshing=True):
        document = session.refresh_token(
            config.token_endpoint, refresh_token=refresh_token, **_manners(timeout_s)
        )
    return read_response(document)


def revoke(issuer: Issuer, endpoint: str, token: str, hint: str, timeout_s: float) -> bool:
    """Tell the server that `token` is no longer needed (RFC 7009); whether it agreed."""
    with _session(issuer, timeout_s) as session:
        try:
            answer = session.revoke_token(
                endpoint, token=token, token_type_hint=hint, **_manners(timeout_s)
            )
        except requests.RequestException:
            return False
        answer.close()
        return bool(answer.status_code == 200)


def read_response(document: Mapping[str, Any]) -> TokenResponse:
    """Check a token response's members. Refuses (TokenExchangeFailed, NoPatient) wrong ones."""
    access_token = document.get("access_token")
    if not isinstance(access_token, str) or not _TOKEN.fullmatch(access_token):
        raise TokenExchangeFailed("The EHR's token answer holds no usable access token.")
    kind = document.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenExchangeFailed("The EHR's token answer is not of the type Bearer.")
    return TokenResponse(
        access_token=access_token,
        expires_in=_seconds(document.get("expires_in")),
        scope=_text(document, "scope", 16_384),
        refresh_token=_text(document, "refresh_token", 16_384),
        id_token=_text(document, "id_token", 65_536),
        patient=_patient(document),
        encounter=bare_id(document.get("encounter"), "Encounter"),
        # Absent means true: a second banner is safer than none.
        need_patient_banner=document.get("need_patient_banner") not in (False, "false"),
        app_context=_text(document, "appContext", MAX_APP_CONTEXT),
        extra={name: value for name in _EXTRA if (value := _text(document, name, 256))},
    )


def _session(issuer: Issuer, timeout_s: float) -> OAuth2Session:
    method = "none" if issuer.client_secret is None else "client_secret_basic"
    session = OAuth2Session(
        client_id=issuer.client_id,
        client_secret=issuer.client_secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
    )

    def check(response: requests.Response) -> requests.Response:
        return _checked(response, monotonic() + timeout_s)

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
        if isinstance(error, requests.Timeout):
            raise TokenExchangeFailed("The EHR's token endpoint did not answer in time.") from None
        if isinstance(error, requests.RequestException):
            raise TokenExchangeFailed("The EHR's token endpoint could not be reached.") from None
        if isinstance(error, Unreadable):
            raise TokenExchangeFailed(
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


def _checked(response: requests.Response, deadline: float) -> requests.Response:
    """The response with a body that Authlib cannot trip over; refuses (Unreadable) the rest."""
    status = response.status_code
    if status >= 500 or 300 <= status < 400:
        response.close()
        raise Unreadable(f"it answered {status}")
    document = parse_object(read_body(response, deadline))
    if status != 200 and "error" not in document:
        raise Unreadable(f"it answered {status}")
    document.pop("expires_at", None)
    document["expires_in"] = _seconds(document.get("expires_in"))
    clean = requests.Response()
    clean.status_code, clean.encoding = status, "utf-8"
    clean.raw = BytesIO(msgspec.json.encode(document))
    return clean


def _seconds(value: object) -> int | None:
    """A lifetime: a positive number, as number or text; at most a day; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return min(int(number), _DAY_S) if math.isfinite(number) and number > 0 else None


def _text(document: Mapping[str, Any], name: str, limit: int) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


def _patient(document: Mapping[str, Any]) -> str | None:
    if document.get("patient") is None:
        return None
    patient = bare_id(document["patient"], "Patient")
    if patient is None:
        raise NoPatient("The EHR's token answer names a patient by something that is not an id.")
    return patient
