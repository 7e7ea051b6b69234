"""Filling a CDS service's prefetch templates (CDS Hooks 2.0.1, Prefetch Template)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.fhir.outcome import Refused, operation_outcome
from smartapp.demo.oauth.records import Grant
from smartapp.stories import wire

_TOKEN = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")


def fill(
    templates: Mapping[str, str],
    context: Mapping[str, Any],
    grant: Grant,
    api: FhirApi,
    base: str,
) -> dict[str, msgspec.Raw | None]:
    """The data for each template, got with the same grant the service itself could use.

    A key whose tokens cannot be resolved is left out; a read that finds nothing is null; a query
    this EHR refuses is answered with its OperationOutcome. `base` is the FHIR base.
    """
    filled: dict[str, msgspec.Raw | None] = {}
    for key, template in templates.items():
        query = resolve(template, context)
        if query is not None:
            filled[key] = _answer(query, grant, api, base)
    return filled


def resolve(template: str, context: Mapping[str, Any]) -> str | None:
    """The template with its tokens replaced; None when one of them has no value here."""
    values = {f"context.{name}": value for name, value in context.items()}
    values |= _user_tokens(str(context.get("userId", "")))
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        value = values.get(match[1])
        missing = missing or not isinstance(value, str)
        return value if isinstance(value, str) else ""

    query = _TOKEN.sub(replace, template)
    return None if missing else query


def _user_tokens(user: str) -> dict[str, str]:
    kind, _, identity = user.partition("/")
    return {f"user{kind}Id": identity} if identity else {}


def _answer(query: str, grant: Grant, api: FhirApi, base: str) -> msgspec.Raw | None:
    path, _, parameters = query.partition("?")
    resource_type, _, resource_id = path.partition("/")
    try:
        if resource_id:
            return msgspec.Raw(api.read(resource_type, resource_id, grant))
        pairs = parse_qsl(parameters, keep_blank_values=True)
        return msgspec.Raw(api.prefetched(resource_type, pairs, grant, f"{base}/{query}"))
    except Refused as refused:
        if resource_id and refused.status == 404:
            return None
        return msgspec.Raw(wire.encode(operation_outcome(refused)))
