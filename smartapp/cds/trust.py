"""Who is calling. The one place where a CDS client is believed or not."""

from __future__ import annotations

from dataclasses import dataclass

from smartapp.errors import TrustError
from smartapp.settings import Settings


@dataclass(frozen=True, slots=True)
class Caller:
    """A CDS client we answer. `tenant` keeps its cards, feedback and snoozes apart from others'."""

    tenant: str


ANYONE = Caller(tenant="local")


def caller(settings: Settings, authorization: str | None) -> Caller:
    """The client behind the `Authorization` header of a call.

    Refuses (TrustError) every call that cannot be verified. No client key is configured in this
    version, so with `CDS_AUTH=required` that is every call; `optional` (loopback only, settings
    see to that) answers all of them as one local tenant.
    """
    if settings.cds_auth == "required":
        raise TrustError("the caller could not be verified")
    return ANYONE
