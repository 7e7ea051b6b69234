"""Whose launch this is: the browser's cookie, the launch it may see, and its access token.

The cookie holds a random browser id and nothing else. A launch is found by the id in the URL and
belongs to the browser that made it; so several launches, of several patients, live side by side in
one browser and never mix, because nothing is ever looked up by the browser alone.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec
from flask import request
from werkzeug.wrappers import Response

from smartapp.errors import (
    ClientKeyMissing,
    CookieLost,
    DiscoveryFailed,
    LaunchError,
    LaunchExpired,
    NoPatient,
    TokenAnswerLost,
    TokenExchangeFailed,
    UnknownIssuer,
)
from smartapp.ledger import AuditEvent, Launches, Ledger, audit
from smartapp.ledger.launches import WHOLE_LIFE, Lease
from smartapp.settings import Settings
from smartapp.smart import tokens
from smartapp.smart.backend import BackendTokens
from smartapp.smart.client import ClientKeys, Listener
from smartapp.smart.context import LaunchContext
from smartapp.smart.discovery import Discovery
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.keyring import KeyRing
from smartapp.smart.token_response import TokenResponse
from smartapp.smart.token_set import TokenSet, token_set

COOKIE = "__Host-hpg"
JWKS_PATH = "/.well-known/jwks.json"
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_POLL_S = 0.05

_log = logging.getLogger("smartapp.smart")
_END = "This launch is over. Open the app from the patient's chart again."
_RUN_OUT = (
    "The EHR's permission for this launch has run out. Open the app from the patient's chart again."
)
_ANOTHER_PATIENT = (
    "The EHR now names another patient for this launch, so it was ended. Open the app from the "
    "chart of the patient you mean."
)


def utc_now() -> datetime:
    """The front door's clock, unless another is given."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class NewLaunch:
    """What is known of a launch that may begin; `granted` is None for an open test server."""

    issuer: Issuer
    fhir_base: str
    patient_id: str
    encounter_id: str | None
    user: str | None
    need_patient_banner: bool
    app_context: str | None
    scope: str
    granted: TokenResponse | None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sessions:
    """The launches of this deployment. Safe between threads and, through the ledger, workers."""

    settings: Settings
    issuers: Issuers
    ledger: Ledger
    clock: Callable[[], datetime] = utc_now
    pause: Callable[[float], None] = time.sleep
    listener: Listener | None = None
    launches: Launches = field(init=False)
    discovery: Discovery = field(init=False)
    clients: ClientKeys = field(init=False)
    backend: BackendTokens = field(init=False)

    def __post_init__(self) -> None:
        ring = KeyRing(self.settings.home_dir, self.ledger.vault, self.clock)
        jwks_url = self.settings.url(JWKS_PATH)
        object.__setattr__(self, "clients", ClientKeys(ring, jwks_url, self.clock, self.listener))
        object.__setattr__(self, "launches", Launches(self.ledger))
        object.__setattr__(self, "discovery", Discovery(self.timeout_s, self.clock))
        backend = BackendTokens(
            self.issuers, self.discovery, self.clients, self.clock, self.timeout_s
        )
        object.__setattr__(self, "backend", backend)

    @property
    def timeout_s(self) -> float:
        return self.settings.fhir_timeout_ms / 1000

    def begin(self, new: NewLaunch, browser: str) -> LaunchContext:
        """Start the launch for `browser` and write to the audit who opened which chart."""
        now = self.clock()
        context = LaunchContext(
            launch_id=secrets.token_urlsafe(24),
            issuer=new.issuer.fhir_base,
            fhir_base=new.fhir_base,
            patient_id=new.patient_id,
            encounter_id=new.encounter_id,
            user=new.user,
            need_patient_banner=new.need_patient_banner,
            app_context=new.app_context,
            scopes=frozenset(new.scope.split()),
            open_server=new.granted is None,
            created=now,
            expires=now + WHOLE_LIFE,
            timezone=new.issuer.timezone,
            extra=new.extra,
        )
        kept = None if new.granted is None else msgspec.json.encode(token_set(new.granted, now))
        with self.ledger.transaction() as conn:
            self.launches.start(
                conn, context.launch_id, browser, msgspec.json.encode(context), kept, now
            )
            audit.append(conn, self._event(audit.CHART_OPENED, context))
        return context

    def current(self, launch_id: str) -> LaunchContext:
        """The launch of this request's browser.

        Refuses (CookieLost) a request without our cookie; (LaunchExpired) a launch that is over,
        never was, or is another browser's: the three look alike.
        """
        browser = self.browser()
        if browser is None:
            raise CookieLost(
                "Your browser did not send this app's cookie, so the launch cannot be recognised."
            )
        stored = self.launches.find(launch_id, browser, self.clock())
        if stored is None:
            raise LaunchExpired(_END)
        return msgspec.json.decode(stored.context, type=LaunchContext)

    def access_token(self, launch_id: str, *, rejected: str | None = None) -> str | None:
        """A token that is good now, refreshed ahead of its end; None for an open test server.

        `rejected` is a token that the FHIR server just refused with 401: it is replaced once, by
        one worker. Whether the launch is this browser's was decided by `current`. Refuses
        (LaunchExpired) when the EHR gives no more tokens, (TokenExchangeFailed) when it cannot be
        asked and the old token is no use.
        """
        deadline = self.clock() + timedelta(seconds=3 * self.timeout_s)
        while True:
            stored = self.launches.tokens(launch_id)
            if stored is None:
                return None
            held = msgspec.json.decode(stored, type=TokenSet)
            now = self.clock()
            if not held.is_due(now, rejected):
                return held.access_token
            usable = held.is_usable(now, rejected)
            if held.refresh_token is None:
                if usable:
                    return held.access_token
                raise LaunchExpired(_RUN_OUT)
            lease = self.launches.lease(launch_id, now, self._lease_life)
            if lease is not None:
                return self._renew(lease, rejected)
            # Another worker is refreshing. What still works is used; else its answer is awaited.
            if usable:
                return held.access_token
            if now >= deadline:
                raise TokenExchangeFailed("The EHR's token endpoint did not answer in time.")
            self.pause(_POLL_S)

    def logout(self, launch_id: str) -> None:
        """End the launch: delete it and its data, then tell the EHR that its tokens are done with.

        Refuses like `current`. A revocation that fails is logged and changes nothing.
        """
        context = self.current(launch_id)
        stored = self.launches.tokens(launch_id)
        self._end(context)
        if stored is not None:
            self._revoke(context, msgspec.json.decode(stored, type=TokenSet))

    def frame_ancestors(self, context: LaunchContext) -> tuple[str, ...]:
        """The origins that may frame a page of this launch."""
        return self.issuers.named(context.issuer).frame_ancestors

    def browser(self) -> str | None:
        """This browser's id from the cookie; None when there is none of our making."""
        value = request.cookies.get(COOKIE, "")
        return value if _BROWSER.fullmatch(value) else None

    @property
    def _lease_life(self) -> timedelta:
        # Longer than the slowest refresh (connecting and reading), so that it does not lapse early.
        return timedelta(seconds=2 * self.timeout_s + 5)

    def _renew(self, lease: Lease, rejected: str | None) -> str:
        """The next access token, by the refresh token that this worker alone may use now."""
        held = msgspec.json.decode(lease.tokens, type=TokenSet)
        if held.refresh_token is None or not held.is_due(self.clock(), rejected):
            self.launches.finish(lease, lease.tokens)
            return held.access_token
        if lease.taken_over:
            return self._go_on(lease, held.without_refresh(), rejected, LaunchExpired(_RUN_OUT))
        context = self._context(lease.launch_id)
        try:
            given = self._refreshed(context, held.refresh_token)
        except LaunchExpired:
            self._end(context)
            raise
        except TokenAnswerLost as error:
            _log.warning("a refresh was not answered: issuer=%s", context.issuer)
            return self._go_on(lease, held.without_refresh(), rejected, error)
        except (TokenExchangeFailed, DiscoveryFailed, ClientKeyMissing) as error:
            self.discovery.forget(context.fhir_base)
            return self._go_on(lease, held, rejected, error)
        return self._keep(lease, context, token_set(given, self.clock(), kept=held.refresh_token))

    def _refreshed(self, context: LaunchContext, refresh_token: str) -> TokenResponse:
        """The EHR's answer to a refresh. Refuses (LaunchExpired) one about another patient."""
        issuer = self.issuers.named(context.issuer)
        config = self.discovery.smart(context.fhir_base)
        client = self.clients.user_client(issuer, config)
        try:
            given = tokens.refresh(client, config, refresh_token, self.timeout_s)
        except NoPatient:
            raise LaunchExpired(_ANOTHER_PATIENT) from None
        if given.patient is not None and given.patient != context.patient_id:
            raise LaunchExpired(_ANOTHER_PATIENT)
        return given

    def _go_on(self, lease: Lease, held: TokenSet, rejected: str | None, error: LaunchError) -> str:
        """The old access token while it works, then `error`; `held` is what is kept."""
        self.launches.finish(lease, msgspec.json.encode(held))
        if held.is_usable(self.clock(), rejected):
            return held.access_token
        raise error

    def _keep(self, lease: Lease, context: LaunchContext, renewed: TokenSet) -> str:
        if not self.launches.finish(lease, msgspec.json.encode(renewed)):
            try:
                self.launches.tokens(lease.launch_id)
            except LaunchExpired:
                # Somebody logged out meanwhile: what came too late must not outlive the launch.
                self._revoke(context, renewed)
                raise
        return renewed.access_token

    def _context(self, launch_id: str) -> LaunchContext:
        context = self.launches.context(launch_id)
        return msgspec.json.decode(context, type=LaunchContext)

    def _end(self, context: LaunchContext) -> None:
        with self.ledger.transaction() as conn:
            if self.launches.end(conn, context.launch_id):
                audit.append(conn, self._event(audit.CHART_CLOSED, context))

    def _revoke(self, context: LaunchContext, held: TokenSet) -> None:
        """Tell the EHR, where it wants to know, that both tokens are done with."""
        try:
            config = self.discovery.smart(context.fhir_base)
            client = self.clients.user_client(self.issuers.named(context.issuer), config)
        except (DiscoveryFailed, ClientKeyMissing, UnknownIssuer) as error:
            _log.warning("tokens not revoked: issuer=%s %s", context.issuer, error.public)
            return
        endpoint = config.revocation_endpoint
        if endpoint is None:
            return
        done = [
            tokens.revoke(client, endpoint, token, hint, self.timeout_s)
            for token, hint in (
                (held.refresh_token, "refresh_token"),
                (held.access_token, "access_token"),
            )
            if token is not None
        ]
        if not all(done):
            _log.warning("the EHR did not confirm a revocation: issuer=%s", context.issuer)

    def _event(self, kind: str, context: LaunchContext) -> AuditEvent:
        return AuditEvent(
            kind=kind,
            at=self.clock(),
            who=context.user,
            patient=context.patient_id,
            issuer=context.fhir_base,
            launch=context.launch_id,
            detail={"open_server": context.open_server},
        )


def new_browser() -> str:
    """A fresh browser id: 256 random bits."""
    return secrets.token_urlsafe(32)


def set_cookie(response: Response, browser: str) -> None:
    """Give the browser its id. `__Host-` demands Path=/ even where the app lives under a path."""
    response.set_cookie(
        COOKIE,
        browser,
        path="/",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )
