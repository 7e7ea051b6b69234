"""The endpoints of the CDS services as OpenAPI 3.1, made of the same tables that answer them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from smartapp.cds.card import Reply
from smartapp.cds.discovery import Service
from smartapp.cds.feedback import FeedbackItem
from smartapp.errors import InputError, LedgerError, PrefetchRequired, TrustError

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_JSON = "application/json"

# What a call may be answered with, beside its own 200. A 401 has no body, on purpose.
_NOT_JSON, _TOO_LARGE = 415, 413
_REFUSALS = {
    InputError.status: "The body cannot be read, or is for another hook; `diagnostics` says where.",
    TrustError.status: "The token could not be verified, or is missing. No body and no reason.",
    PrefetchRequired.status: "The Patient or the hormone results can be had neither from prefetch "
    "nor with fhirAuthorization.",
    _TOO_LARGE: "The body is larger than this deployment takes.",
    _NOT_JSON: "The body is not application/json.",
    LedgerError.status: "What is shown cannot be recorded now, so nothing is shown.",
}
_CALL = (*_REFUSALS,)
_FEEDBACK = tuple(status for status in _REFUSALS if status != PrefetchRequired.status)

# Members of `context` by hook: name → schema; the flag says that the hook cannot do without.
_REFERENCE: Json = {"type": "string", "description": "`Type/id`", "maxLength": 200}
_CONTEXT: dict[str, tuple[Json, bool]] = {
    "patientId": (
        {"type": "string", "pattern": r"^(Patient/)?[A-Za-z0-9._\-]{1,128}$"},
        True,
    ),
    "userId": (_REFERENCE, False),
    "encounterId": ({"type": "string", "maxLength": 200}, False),
}
_ORDER_CONTEXT: dict[str, tuple[Json, bool]] = {
    "draftOrders": ({"$ref": _REF.format(name="Bundle")}, True)
}
_SELECTIONS: dict[str, tuple[Json, bool]] = {
    "selections": ({"type": "array", "items": {"type": "string"}}, True)
}

_RESOURCE: Json = {
    "type": "object",
    "description": "Any FHIR resource, in normal FHIR JSON.",
    "properties": {"resourceType": {"type": "string"}, "id": {"type": "string"}},
    "required": ["resourceType"],
}
_BUNDLE: Json = {
    "type": "object",
    "properties": {
        "resourceType": {"const": "Bundle"},
        "entry": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"resource": {"$ref": _REF.format(name="Resource")}},
            },
        },
    },
    "required": ["resourceType"],
}
_AUTHORIZATION: Json = {
    "type": "object",
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"type": "string"},
        "expires_in": {"type": "integer"},
        "scope": {"type": "string"},
        "subject": {"type": "string"},
        "patient": {"type": "string"},
    },
    "required": ["access_token"],
}
_OUTCOME: Json = {
    "type": "object",
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "properties": {
                    "severity": {"const": "error"},
                    "code": {"type": "string"},
                    "diagnostics": {"type": "string"},
                },
                "required": ["severity", "code", "diagnostics"],
            },
        },
    },
    "required": ["resourceType", "issue"],
}


def openapi(
    base_url: str, services: tuple[Service, ...], templates: Mapping[str, str], version: str
) -> Json:
    """The description of these services below `base_url`."""
    paths: Json = {"/cds-services": {"get": _discovery()}}
    for service in services:
        path = f"/cds-services/{service.id}"
        paths[path] = {"post": _call(service)}
        paths[f"{path}/feedback"] = {"post": _feedback(service)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HPG Recalibration Monitor: CDS Hooks services",
            "version": version,
            "description": "CDS Hooks 2.0.1. Unknown members are ignored at every level.",
        },
        "servers": [{"url": "{base}", "variables": {"base": {"default": base_url}}}],
        "security": [{"cdsClient": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "cdsClient": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Signed by a registered CDS client; `aud` is the exact address "
                    "that is called; good once.",
                }
            },
            "schemas": _schemas(templates),
        },
    }


def _schemas(templates: Mapping[str, str]) -> Json:
    _, made = msgspec.json.schema_components([Reply, FeedbackItem], ref_template=_REF)
    return {
        **made,
        "Resource": _RESOURCE,
        "Bundle": _BUNDLE,
        "Prefetch": {
            "type": "object",
            "description": "Any key may be left out; others are ignored.",
            "properties": {key: _prefetched(template) for key, template in templates.items()},
        },
        "FhirAuthorization": _AUTHORIZATION,
        "OperationOutcome": _OUTCOME,
    }


def _discovery() -> Json:
    texts = ("hook", "title", "description", "id", "usageRequirements")
    members: Json = {name: {"type": "string"} for name in texts}
    members["prefetch"] = {"type": "object", "additionalProperties": {"type": "string"}}
    service = {"type": "object", "properties": members, "required": sorted(members)}
    found = {
        "type": "object",
        "properties": {"services": {"type": "array", "items": service}},
        "required": ["services"],
    }
    return {
        "operationId": "discovery",
        "summary": "The services of this deployment",
        "responses": {"200": _answer("The services.", found), **_refusals((TrustError.status,))},
    }


def _call(service: Service) -> Json:
    members = dict(_CONTEXT)
    if service.orders:
        members |= _ORDER_CONTEXT
    if service.hook == "order-select":
        members |= _SELECTIONS
    body = {
        "type": "object",
        "properties": {
            "hook": {"const": service.hook},
            "hookInstance": {"type": "string", "format": "uuid"},
            "fhirServer": {"type": "string"},
            "fhirAuthorization": {"$ref": _REF.format(name="FhirAuthorization")},
            "context": {
                "type": "object",
                "properties": {name: schema for name, (schema, _) in members.items()},
                "required": [name for name, (_, needed) in members.items() if needed],
            },
            "prefetch": _named("Prefetch"),
        },
        "required": ["hook", "hookInstance", "context"],
    }
    return {
        "operationId": service.id,
        "summary": service.title,
        "description": service.description,
        "requestBody": _body(body),
        "responses": {
            "200": _answer("The cards; none is an answer too.", _named("Reply")),
            **_refusals(_CALL),
        },
    }


def _prefetched(template: str) -> Json:
    kind = "Bundle" if "?" in template else "Resource"
    return {
        "description": f"The answer to `{template}`; null: there is none.",
        "anyOf": [_named(kind), {"$ref": _REF.format(name="OperationOutcome")}, {"type": "null"}],
    }


def _feedback(service: Service) -> Json:
    body = {
        "type": "object",
        "properties": {"feedback": {"type": "array", "items": _named("FeedbackItem")}},
        "required": ["feedback"],
    }
    return {
        "operationId": f"{service.id}-feedback",
        "summary": "What became of cards",
        "description": "Good to send again. A card that this service did not issue changes "
        "nothing and is no error.",
        "requestBody": _body(body),
        "responses": {"200": {"description": "Kept."}, **_refusals(_FEEDBACK)},
    }


def _refusals(statuses: tuple[int, ...]) -> Json:
    outcome = {"application/fhir+json": {"schema": _named("OperationOutcome")}}
    refusals: Json = {}
    for status in sorted(statuses):
        refusals[str(status)] = {"description": _REFUSALS[status]}
        if status != TrustError.status:
            refusals[str(status)]["content"] = copy.deepcopy(outcome)
    return refusals


def _answer(said: str, schema: Json) -> Json:
    return {"description": said, "content": {_JSON: {"schema": schema}}}


def _body(schema: Json) -> Json:
    return {"required": True, "content": {_JSON: {"schema": schema}}}


def _named(name: str) -> Json:
    return {"$ref": _REF.format(name=name)}
