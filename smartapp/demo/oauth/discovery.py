"""What the server says of itself: SMART configuration and OpenID configuration."""

from __future__ import annotations

from typing import Any

from smartapp.demo.config import DemoConfig
from smartapp.demo.oauth.assertion import ALGORITHMS

CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
)
SCOPES = (
    "launch",
    "launch/patient",
    "openid",
    "fhirUser",
    "offline_access",
    "online_access",
    "patient/*.rs",
    "patient/*.read",
    "user/*.rs",
    "user/*.read",
    "system/*.rs",
    "system/*.read",
)


# How this EHR looks, by the names of SMART's style document.
STYLE = {
    "color_background": "#f4f1ea",
    "color_text": "#26221c",
    "color_highlight": "#5a3d1c",
    "dim_font_size": "14px",
    "font_family_body": "Georgia, 'DejaVu Serif', serif",
}


def smart_configuration(config: DemoConfig) -> dict[str, Any]:
    """The body of `.well-known/smart-configuration` (SMART 2.2, conformance)."""
    document = {
        **_endpoints(config),
        "capabilities": _able(config),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "revocation_endpoint": f"{config.oauth_root}/revoke",
    }
    if not config.behaviour.jwks_in_smart:
        del document["jwks_uri"]
    if config.behaviour.metadata_arrays:
        return document
    return {name: value for name, value in document.items() if not isinstance(value, list)}


def openid_configuration(config: DemoConfig) -> dict[str, Any]:
    """The body of `{issuer}/.well-known/openid-configuration`."""
    return {
        **_endpoints(config),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }


def oauth_uris(config: DemoConfig) -> dict[str, Any]:
    """The extension by which SMART 1.0 servers name their endpoints in /metadata."""
    addresses = {"authorize": f"{config.oauth_root}/authorize", "token": config.token_url}
    return {
        "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension": [{"url": name, "valueUri": url} for name, url in addresses.items()],
    }


def _endpoints(config: DemoConfig) -> dict[str, Any]:
    return {
        "issuer": config.issuer,
        "jwks_uri": config.jwks_url,
        "authorization_endpoint": f"{config.oauth_root}/authorize",
        "token_endpoint": config.token_url,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "response_types_supported": ["code"],
        "scopes_supported": _of_versions(config, SCOPES),
    }


def _able(config: DemoConfig) -> list[str]:
    words = _of_versions(config, CAPABILITIES)
    if not config.behaviour.standalone_patient:
        words.remove("context-standalone-patient")
    return [*words, "context-style"] if config.behaviour.style else words


def _of_versions(config: DemoConfig, words: tuple[str, ...]) -> list[str]:
    """Without what speaks of a scope syntax that this EHR does not have."""
    marks = {"v1": (".read", "permission-v1"), "v2": (".rs", "permission-v2")}
    missing = [marks[v] for v in ("v1", "v2") if v not in config.behaviour.scope_versions]
    return [w for w in words if not any(w.endswith(mark) for mark in missing)]
