"""Which scopes are asked for: the least that reads one man's chart."""

from __future__ import annotations

from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer, Level

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


def wanted(issuer: Issuer, config: SmartConfiguration, *, standalone: bool = False) -> str:
    """The scope parameter of a launch.

    The site's own list where it gave one, with the scope that tells the two kinds of launch apart
    put right: an EHR launch needs `launch`, a standalone one may not have it and asks for a patient
    by `launch/patient`. Else read and search of each type, in one syntax, never both: consent
    screens would list everything twice. `online_access` is added to an EHR launch where the server
    offers it, so that a long consultation outlives a short access token.
    """
    if issuer.scopes is not None:
        return " ".join(_of_launch(issuer.scopes.split(), standalone))
    level = _level(issuer, config) if standalone else "patient"
    verb = "rs" if _syntax(issuer, config) == "v2" else "read"
    scopes = ["openid", "fhirUser"]
    if not standalone:
        scopes.insert(0, "launch")
        if "permission-online" in config.capabilities or "online_access" in config.scopes_supported:
            scopes.append("online_access")
    elif level == "patient":
        scopes.insert(0, "launch/patient")
    return " ".join(scopes + [f"{level}/{kind}.{verb}" for kind in RESOURCE_TYPES])


def is_wildcard(scope: str) -> bool:
    """Whether a scope is for every resource type, or in v1 syntax for everything done to one."""
    level, slash, rest = scope.partition("/")
    kind, _, verb = rest.partition(".")
    return slash == "/" and level in ("patient", "user", "system") and "*" in (kind, verb)


def _syntax(issuer: Issuer, config: SmartConfiguration) -> str:
    """The site's word, then the profile's, then the server's. Old servers say nothing: v1."""
    settled = issuer.scope_syntax or issuer.ways.scope_syntax
    if settled != "by-capability":
        return settled
    return "v2" if "permission-v2" in config.capabilities else "v1"


def _level(issuer: Issuer, config: SmartConfiguration) -> Level:
    """Whose data a standalone launch asks for: of the patient chosen at the EHR's sign-in, or, at
    an EHR that says what it can and that it cannot do this, whatever the user may see."""
    if issuer.standalone is not None:
        return issuer.standalone
    can = config.capabilities
    by_user = "permission-user" in can and "context-standalone-patient" not in can
    return "user" if by_user else "patient"


def _of_launch(scopes: list[str], standalone: bool) -> list[str]:
    if not standalone:
        return scopes if "launch" in scopes else ["launch", *scopes]
    kept = [scope for scope in scopes if scope not in ("launch", "online_access")]
    by_patient = any(scope.startswith("patient/") for scope in kept)
    return ["launch/patient", *kept] if by_patient and "launch/patient" not in kept else kept
