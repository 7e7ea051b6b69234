"""What a finished SMART launch tells the rest of the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """One launch of one user for one patient. Holds no token: those stay in the ledger.

    launch_id      random, in every URL of the launch; useless without the browser's cookie
    issuer         the configured issuer's FHIR base as configured; `fhir_base` as received
    user           fhirUser as "Practitioner/123" (or an absolute URL of another server); None
                   when the EHR gave no id_token
    app_context    `appContext` of the token response: untrusted text
    scopes         granted, as received, split
    open_server    no authorization: an open test server (banner)
    expires        end of the launch whatever happens; idle expiry comes earlier
    """

    launch_id: str
    issuer: str
    fhir_base: str
    patient_id: str
    encounter_id: str | None
    user: str | None
    need_patient_banner: bool
    app_context: str | None
    scopes: frozenset[str]
    open_server: bool
    created: datetime
    expires: datetime
    timezone: str | None
    extra: Mapping[str, str]
