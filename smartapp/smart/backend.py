"""SMART Backend Services: tokens of the app's own, for reading without a user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from smartapp.errors import AuthorizationRefused, TokenExchangeFailed
from smartapp.smart import tokens
from smartapp.smart.client import ClientKeys
from smartapp.smart.discovery import Discovery
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.token_set import DEFAULT_LIFE_S

# A token this near its end is not sent: it might not be good any more when it arrives.
SPARE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class BackendToken:
    """An access token and what it may be used for: `scopes` as granted, perhaps fewer."""

    access_token: str = field(repr=False)
    scopes: frozenset[str]
    good_until: datetime


@dataclass(slots=True)
class _Place:
    """Where one (server, scope) keeps its token; whoever holds the lock asks for the next."""

    lock: Lock = field(default_factory=Lock)
    token: BackendToken | None = None


@dataclass(frozen=True, slots=True)
class BackendTokens:
    """The app's own tokens, in this worker's memory only. Safe between threads."""

    issuers: Issuers
    discovery: Discovery
    clients: ClientKeys
    clock: Callable[[], datetime]
    timeout_s: float
    _places: dict[tuple[str, str], _Place] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def token(self, fhir_base: str, scope: str, *, rejected: str | None = None) -> BackendToken:
        """A token for `scope` (`system/…`) at `fhir_base`, kept until shortly before its end.

        Ask anew for each request: such tokens live five minutes at most. `rejected` is one that
        the server refused with 401; it is replaced. Refuses (UnknownIssuer) a base that is not
        configured, without asking it; (ClientKeyMissing) one at which the app has no key;
        (DiscoveryFailed, TokenExchangeFailed) one that cannot be asked or says no;
        (AuthorizationRefused) one that grants none of the system scopes.
        """
        issuer = self.issuers.match(fhir_base)
        with self._lock:
            place = self._places.setdefault((fhir_base, scope), _Place())
        with place.lock:
            kept = place.token
            if kept is None or kept.access_token == rejected or self.clock() >= kept.good_until:
                # One that is over is not kept, whatever comes of asking for the next.
                place.token = None
                place.token = kept = self._ask(issuer, fhir_base, scope)
            return kept

    def _ask(self, issuer: Issuer, fhir_base: str, scope: str) -> BackendToken:
        config = self.discovery.smart(fhir_base)
        client = self.clients.backend_client(issuer, config)
        try:
            given = tokens.client_credentials(client, config, scope, self.timeout_s)
        except TokenExchangeFailed:
            self.discovery.forget(fhir_base)
            raise
        granted = frozenset((scope if given.scope is None else given.scope).split())
        if not any(word.startswith("system/") for word in granted):
            raise AuthorizationRefused("The EHR grants this app nothing to read by itself.")
        life = timedelta(seconds=given.expires_in or DEFAULT_LIFE_S)
        return BackendToken(given.access_token, granted, self.clock() + life - min(SPARE, life / 4))
