"""The CapabilityStatement, written from the parameter table so that the two cannot drift."""

from __future__ import annotations

from typing import Any

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir.parameters import PARAMETERS

_SMART = "http://terminology.hl7.org/CodeSystem/restful-security-service"


def capability_statement(config: DemoConfig) -> dict[str, Any]:
    """The body of `GET /metadata`."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": config.anchor.isoformat(),
        "kind": "instance",
        "software": {"name": "Sandbox EHR of the HPG Recalibration Monitor"},
        "implementation": {"description": "Fictional patients", "url": config.fhir_base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [{"coding": [{"system": _SMART, "code": "SMART-on-FHIR"}]}],
                },
                "resource": [_resource(name) for name in sorted(PARAMETERS)],
            }
        ],
    }


def _resource(name: str) -> dict[str, Any]:
    return {
        "type": name,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": parameter, "type": described.kind}
            for parameter, described in sorted(PARAMETERS[name].items())
        ],
    }
