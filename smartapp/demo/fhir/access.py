"""Who may see what: the bearer token's scopes and patient, asked on every interaction."""

from __future__ import annotations

from smartapp.demo.behaviour import Behaviour
from smartapp.demo.fhir.outcome import Refused
from smartapp.demo.fhir.parameters import SHARED_TYPES
from smartapp.demo.fhir.repository import Row
from smartapp.demo.oauth import scopes
from smartapp.demo.oauth.records import Context, Grant
from smartapp.demo.oauth.vault import Vault

_REALM = 'Bearer realm="sandbox EHR"'


# Whoever asks an open test server: nobody in particular, who may read everything.
_ANYBODY = Grant("", "user/*.rs", Context(user=""), family="open")


def caller(vault: Vault, authorization: str | None, behaviour: Behaviour) -> Grant:
    """The grant of a request: of its token, or, on an open server, of a request without one.

    Refuses like `bearer`.
    """
    if authorization is None and behaviour.fhir_open:
        return _ANYBODY
    return bearer(vault, authorization)


def bearer(vault: Vault, authorization: str | None) -> Grant:
    """The grant behind an Authorization header.

    Refuses with 401 a header that is missing or not Bearer, and a token that is unknown, expired
    or revoked.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(401, "login", "An access token is needed.", _REALM)
    grant = vault.access(token.strip())
    if grant is None:
        raise Refused(
            401,
            "login",
            "The access token is unknown, expired or revoked.",
            f'{_REALM}, error="invalid_token"',
        )
    return grant


def confined_to(grant: Grant, resource_type: str, letter: str) -> str | None:
    """The one patient the grant may read ("r") or search ("s") this type of; None: any patient.

    Refuses with 403 when no scope allows the interaction at all.
    """
    levels = scopes.levels_allowing(grant.scope, resource_type, letter)
    if levels & {"user", "system"} or (levels and resource_type in SHARED_TYPES):
        return None
    if "patient" in levels and grant.context.patient:
        return grant.context.patient
    verb = "read" if letter == "r" else "search"
    raise forbidden(f"The granted scopes do not allow to {verb} {resource_type}.")


def check_read(grant: Grant, row: Row) -> None:
    """Refuses with 403 a row outside the grant. The signed-in user may always read himself."""
    if f"{row.type}/{row.id}" == grant.context.user and "fhirUser" in grant.scope.split():
        return
    patient = confined_to(grant, row.type, "r")
    if patient is not None and row.patient != patient:
        raise forbidden("The resource is outside the patient in context.")


def forbidden(text: str) -> Refused:
    """403: the token is good, but not for this."""
    return Refused(403, "forbidden", text, f'{_REALM}, error="insufficient_scope"')
