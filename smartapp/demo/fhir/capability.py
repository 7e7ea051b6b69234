"""The CapabilityStatement, written from the parameter table so that the two cannot drift."""

from __future__ import annotations

from typing import Any

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir.parameters import PARAMETERS
from smartapp.demo.oauth.discovery import oauth_uris

_SMART = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def capability_statement(config: DemoConfig) -> dict[str, Any]:
    """The body of `GET /metadata`."""
    writing = ("update", "delete") if config.behaviour.fhir_open else ()
    interactions = ("read", "search-type", *writing)
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": config.anchor.isoformat(),
        "kind": "instance",
        "software": {"name": "Sandbox EHR of the HPG Recalibration Monitor"},
        "implementation": {"description": "Fictional patients", "url": config.fhir_root},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                **_security(config),
                "resource": [_resource(name, interactions) for name in sorted(PARAMETERS)],
                **({"interaction": [{"code": "transaction"}]} if writing else {}),
            }
        ],
    }


def _security(config: DemoConfig) -> dict[str, Any]:
    if not config.behaviour.oauth:
        return {}
    service = {"coding": [{"system": _SMART, "code": "SMART-on-FHIR"}]}
    return {"security": {"extension": [oauth_uris(config)], "cors": False, "service": [service]}}


def _resource(name: str, interactions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "type": name,
        "interaction": [{"code": code} for code in interactions],
        "searchParam": [
            {"name": parameter, "type": described.kind}
            for parameter, described in sorted(PARAMETERS[name].items())
        ],
    }
