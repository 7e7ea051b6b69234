"""What a finished SMART launch tells the rest of the product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ContextItem:
    """One thing the EHR had open beside patient and encounter. Untrusted, as the EHR wrote it.

    `role` is "launch" or an absolute address; at least one of `reference` ("ServiceRequest/1"),
    `canonical` and `identifier` ("system|value") is there.
    """

    role: str
    reference: str | None
    canonical: str | None
    identifier: str | None
    type: str | None


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
    extra          `intent` and `tenant`, where the EHR gave them: opaque texts
    fhir_context   what else the EHR had open
    style_url      where the EHR says how it looks; read by `style`, never trusted
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
    fhir_context: tuple[ContextItem, ...] = ()
    style_url: str | None = None
