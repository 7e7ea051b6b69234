"""Where servers without `.well-known/smart-configuration` below their base say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_NAMES = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "revoke": "revocation_endpoint",
}


def host_root(fhir_base: str) -> str:
    """The address under which some EHRs publish for a whole host."""
    parts = urlsplit(fhir_base)
    return f"{parts.scheme}://{parts.netloc}"


def from_capabilities(statement: dict[str, Any]) -> dict[str, Any]:
    """The endpoints of a CapabilityStatement, as a SMART configuration names them.

    SMART 1.0 writes them into an extension of `rest[0].security`; what is absent there or of an
    odd shape is absent here.
    """
    for rest in _objects(statement, "rest"):
        security = rest.get("security")
        for extension in _objects(security, "extension"):
            if extension.get("url") == OAUTH_URIS:
                return {
                    _NAMES[url]: part.get("valueUri")
                    for part in _objects(extension, "extension")
                    if isinstance(url := part.get("url"), str) and url in _NAMES
                }
    return {}


def _objects(value: object, name: str) -> Iterator[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    for item in found if isinstance(found, list) else ():
        if isinstance(item, dict):
            yield item
