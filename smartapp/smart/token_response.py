"""What a token endpoint answers, every member checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smartapp.errors import NoPatient, TokenExchangeFailed
from smartapp.smart.ids import bare_id

MAX_APP_CONTEXT = 4096
_EXTRA = ("intent", "tenant")
_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}")
_DAY_S = 86_400


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
        expires_in=seconds(document.get("expires_in")),
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


def seconds(value: object) -> int | None:
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
