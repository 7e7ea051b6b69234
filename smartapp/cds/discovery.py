"""The services this deployment offers, as data, and the discovery document made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

Hook = Literal["patient-view", "order-select", "order-sign", "encounter-start"]


@dataclass(frozen=True, slots=True)
class Service:
    """One service. Its `id` is part of its URL and never changes; an EHR registers it by hand."""

    id: str
    hook: Hook
    title: str
    description: str

    @property
    def orders(self) -> bool:
        """Whether the hook brings draft orders."""
        return self.hook in ("order-select", "order-sign")


SERVICES = (
    Service(
        "hpg-patient-view",
        "patient-view",
        "HPG Recalibration Monitor: chart opened",
        "Reads the pituitary-gonadal axis of an adult man from the chart's results and says what "
        "bears on recalibration therapy (clomiphene, enclomiphene, hCG): candidates, severe "
        "primary failure, contraindications, and safety findings on therapy.",
    ),
    Service(
        "hpg-order-select",
        "order-select",
        "HPG Recalibration Monitor: drug chosen",
        "Checks a selected draft of a recalibration drug, an adjunct or an androgen against the "
        "man's axis and the absolute contraindications.",
    ),
    Service(
        "hpg-order-sign",
        "order-sign",
        "HPG Recalibration Monitor: order about to be signed",
        "Checks every draft of a recalibration drug, an adjunct or an androgen against the man's "
        "axis and the absolute contraindications before it is signed.",
    ),
)

# Offered where the site's settings name the hook.
EXTRA_SERVICES = (
    Service(
        "hpg-encounter-start",
        "encounter-start",
        "HPG Recalibration Monitor: encounter begun",
        "The cards of hpg-patient-view when an encounter begins, for EHRs that fire this hook and "
        "not patient-view.",
    ),
)

USAGE = (
    "Needs the keys `patient` and `hormones`, from prefetch or through fhirAuthorization; every "
    "other key refines the answer, and its absence is named on the card."
)


def offered(extra_hooks: Collection[str]) -> tuple[Service, ...]:
    """The services of a deployment that also wants these hooks answered."""
    return (*SERVICES, *(extra for extra in EXTRA_SERVICES if extra.hook in extra_hooks))


def registry(
    services: tuple[Service, ...] = SERVICES,
) -> Mapping[str, Mapping[str, Service]]:
    """Services by id, then by hook: one URL may serve several hooks (standards A2.11)."""
    table: dict[str, dict[str, Service]] = {}
    for service in services:
        table.setdefault(service.id, {})[service.hook] = service
    return table


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovery document, ready to send, and its entity tag."""

    body: bytes
    etag: str


def discovery(templates: Mapping[str, str], services: tuple[Service, ...] = SERVICES) -> Discovery:
    """The document of `GET /cds-services` with these prefetch templates for every service."""
    body = msgspec.json.encode({"services": [_entry(s, templates) for s in services]})
    return Discovery(body, hashlib.sha256(body).hexdigest()[:32])


def _entry(service: Service, templates: Mapping[str, str]) -> dict[str, Any]:
    return {
        "hook": service.hook,
        "title": service.title,
        "description": service.description,
        "id": service.id,
        "prefetch": dict(templates),
        "usageRequirements": USAGE,
    }
