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
)


def smart_configuration(config: DemoConfig) -> dict[str, Any]:
    """The body of `{fhir}/.well-known/smart-configuration` (SMART 2.2, conformance)."""
    return {
        **_endpoints(config),
        "capabilities": list(CAPABILITIES),
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "revocation_endpoint": f"{config.issuer}/revoke",
    }


def openid_configuration(config: DemoConfig) -> dict[str, Any]:
    """The body of `{issuer}/.well-known/openid-configuration`."""
    return {
        **_endpoints(config),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }


def _endpoints(config: DemoConfig) -> dict[str, Any]:
    return {
        "issuer": config.issuer,
        "jwks_uri": config.jwks_url,
        "authorization_endpoint": f"{config.issuer}/authorize",
        "token_endpoint": config.token_url,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
        "response_types_supported": ["code"],
        "scopes_supported": list(SCOPES),
    }
