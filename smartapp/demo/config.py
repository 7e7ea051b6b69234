"""What a sandbox EHR is told at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from smartapp.demo.behaviour import Behaviour
from smartapp.errors import ConfigError


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistration:
    """One registered app. `redirect_uris` are compared character for character.

    auth     public: no authentication at the token endpoint (PKCE only)
             secret: client_secret_basic with `secret`
             key: private_key_jwt, verified with `jwks`, or with what `jwks_url` answers
    """

    client_id: str
    redirect_uris: tuple[str, ...]
    auth: Literal["public", "secret", "key"] = "public"
    secret: str | None = None
    jwks: Mapping[str, Any] | None = None
    jwks_url: str | None = None

    def __post_init__(self) -> None:
        if self.auth == "secret" and not self.secret:
            raise ConfigError(f"demo client {self.client_id}: auth secret needs a secret")
        if self.auth == "key" and not (self.jwks or self.jwks_url):
            raise ConfigError(f"demo client {self.client_id}: auth key needs jwks or jwks_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConfig:
    """Where the sandbox EHR and the app are, and who is registered.

    origin         the EHR's own public origin, e.g. "http://localhost:5001": scheme, host, port
    app_base_url   the app's public base URL; its CDS services are below it
    launch_url     the app's registered launch URL; only it is opened by smart links
    redirect_uris  the app's registered redirect URIs
    clients        registered clients; none given: `hpg-monitor` (public),
                   `hpg-monitor-confidential` (secret) and `hpg-monitor-key` (the app's JWKS URL)
    anchor         the day that day offsets in the fixtures count from
    page_size      most entries in one page of a search result
    """

    origin: str
    app_base_url: str
    launch_url: str
    redirect_uris: tuple[str, ...]
    clients: tuple[ClientRegistration, ...] = ()
    anchor: date = field(default_factory=_today)
    page_size: int = 20
    behaviour: Behaviour = field(default_factory=Behaviour)

    def __post_init__(self) -> None:
        parts = urlsplit(self.origin)
        if f"{parts.scheme}://{parts.netloc}" != self.origin or not parts.netloc:
            raise ConfigError(f"demo origin {self.origin!r} must be scheme, host and port only")
        if self.page_size < 1:
            raise ConfigError("demo page_size must be at least 1")

    @property
    def fhir_base(self) -> str:
        """The FHIR base as announced: `iss` of launches and the only accepted `aud`."""
        return self.origin + self.behaviour.fhir_path

    @property
    def fhir_root(self) -> str:
        """The same without a slash at its end: what addresses are built from."""
        return self.fhir_base.rstrip("/")

    @property
    def issuer(self) -> str:
        """The issuer this EHR announces."""
        return self.behaviour.issuer.format(origin=self.origin, fhir=self.fhir_base)

    @property
    def id_token_issuer(self) -> str:
        """The issuer its id_tokens name; as in some real EHRs it may be another."""
        return self.behaviour.id_token_issuer.format(issuer=self.issuer)

    @property
    def oauth_root(self) -> str:
        """Where the authorization server's endpoints are."""
        return f"{self.origin}/oauth2"

    @property
    def token_url(self) -> str:
        """The token endpoint: the exact audience of client assertions."""
        return f"{self.oauth_root}/token"

    @property
    def jwks_url(self) -> str:
        """Public keys: of id_tokens (RS256) and of calls to CDS services (ES384)."""
        return f"{self.oauth_root}/jwks.json"

    @property
    def style_url(self) -> str:
        """Where this EHR says how it looks, if it does (`smart_style_url`)."""
        return f"{self.origin}/smart-style.json"

    @property
    def open_url(self) -> str:
        """Where the app opens a patient of an open test server."""
        return f"{self.app_base_url}/open"

    @property
    def app_origin(self) -> str:
        """Scheme, host and port of the app."""
        parts = urlsplit(self.app_base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def registrations(self) -> tuple[ClientRegistration, ...]:
        """`clients`, or the three standard ones."""
        return self.clients or standard_clients(self.app_base_url, self.redirect_uris)


def standard_clients(
    app_base_url: str, redirect_uris: tuple[str, ...]
) -> tuple[ClientRegistration, ...]:
    """The app registered in the three ways SMART knows, for trying each."""
    return (
        ClientRegistration(client_id="hpg-monitor", redirect_uris=redirect_uris),
        ClientRegistration(
            client_id="hpg-monitor-confidential",
            redirect_uris=redirect_uris,
            auth="secret",
            secret="sandbox-only-not-a-secret",  # noqa: S106  printed in the sandbox's README
        ),
        ClientRegistration(
            client_id="hpg-monitor-key",
            redirect_uris=redirect_uris,
            auth="key",
            jwks_url=f"{app_base_url}/.well-known/jwks.json",
        ),
    )
