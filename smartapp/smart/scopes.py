"""Which scopes are asked for: the least that reads one man's chart."""

from __future__ import annotations

from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer

RESOURCE_TYPES = (
    "Patient",
    "Observation",
    "Condition",
    "Procedure",
    "Medication",
    "MedicationRequest",
    "MedicationStatement",
    "AllergyIntolerance",
    "Goal",
    "MedicationDispense",
    "MedicationAdministration",
    "QuestionnaireResponse",
)


def wanted(issuer: Issuer, config: SmartConfiguration) -> str:
    """The scope parameter of an EHR launch.

    The site's own list where it gave one; else read and search of each type, in v2 syntax where
    the server says `permission-v2` and in v1 syntax otherwise, never both: consent screens would
    list everything twice. `online_access` is added where the server offers it, so that a long
    consultation outlives a short access token.
    """
    if issuer.scopes is not None:
        return issuer.scopes
    verb = "rs" if "permission-v2" in config.capabilities else "read"
    scopes = ["launch", "openid", "fhirUser"]
    if "permission-online" in config.capabilities or "online_access" in config.scopes_supported:
        scopes.append("online_access")
    return " ".join(scopes + [f"patient/{kind}.{verb}" for kind in RESOURCE_TYPES])
