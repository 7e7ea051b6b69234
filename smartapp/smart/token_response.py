"""What a token endpoint answers, every member checked."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smartapp.errors import TokenExchangeFailed
from smartapp.smart.context import ContextItem
from smartapp.smart.fhir_context import read_context
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
    ids; `names_patient` where a patient was named by something that is none. `app_context` is
    untrusted text, dropped beyond `MAX_APP_CONTEXT` characters. Members this app does not know are
    no matter.
    """

    access_token: str = field(repr=False)
    expires_in: int | None
    scope: str | None
    refresh_token: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    patient: str | None
    names_patient: bool
    encounter: str | None
    need_patient_banner: bool
    app_context: str | None
    extra: Mapping[str, str]
    fhir_context: tuple[ContextItem, ...] = ()
    style_url: str | None = None


def read_response(document: Mapping[str, Any]) -> TokenResponse:
    """Check a token response's members.

    Refuses (TokenExchangeFailed) one without a usable bearer token; of the launch context what is
    odd is left out.
    """
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
        patient=bare_id(document.get("patient"), "Patient"),
        names_patient=document.get("patient") is not None,
        encounter=bare_id(document.get("encounter"), "Encounter"),
        # Absent means true: a second banner is safer than none.
        need_patient_banner=document.get("need_patient_banner") not in (False, "false"),
        app_context=_text(document, "appContext", MAX_APP_CONTEXT),
        extra={name: value for name in _EXTRA if (value := _text(document, name, 256))},
        fhir_context=read_context(document.get("fhirContext")),
        style_url=_text(document, "smart_style_url", 2048),
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
