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
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from smartapp.grants import Grants
from smartapp.ledger import AuditEvent, Launches, Ledger, audit
from smartapp.ledger.launches import WHOLE_LIFE, Lease
from smartapp.settings import Settings
from smartapp.smart import tokens
from smartapp.smart.backend import BackendTokens
from smartapp.smart.client import ClientKeys, Listener
from smartapp.smart.context import LaunchContext
from smartapp.smart.discovery import Discovery, origin_of
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.keyring import KeyRing
from smartapp.smart.style import Styles
from smartapp.smart.token_response import TokenResponse
from smartapp.smart.token_set import TokenSet, token_set

COOKIE = "__Host-hpg"
JWKS_PATH = "/.well-known/jwks.json"
# No patient's id; never leaves this file, because `current` refuses it.
_UNCHOSEN = ""
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
    """What is known of a launch that may begin.

    `patient_id` is None where the user has yet to choose; `granted` for an open test server.
    """

    issuer: Issuer
    fhir_base: str
    patient_id: str | None
    user: str | None = None
    scope: str = ""
    granted: TokenResponse | None = None

    def context(self, launch_id: str, now: datetime) -> LaunchContext:
        """The launch as the rest of the product knows it."""
        given = self.granted
        return LaunchContext(
            launch_id=launch_id,
            issuer=self.issuer.fhir_base,
            fhir_base=self.fhir_base,
            patient_id=self.patient_id or _UNCHOSEN,
            encounter_id=given.encounter if given else None,
            user=self.user,
            need_patient_banner=given.need_patient_banner if given else True,
            app_context=given.app_context if given else None,
            scopes=frozenset(self.scope.split()),
            open_server=given is None,
            created=now,
            expires=now + WHOLE_LIFE,
            timezone=self.issuer.timezone,
            extra=given.extra if given else {},
            fhir_context=given.fhir_context if given else (),
            style_url=given.style_url if given else None,
        )


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
    styles: Styles = field(init=False)

    def __post_init__(self) -> None:
        ring = KeyRing(self.settings.home_dir, self.ledger.vault, self.clock)
        jwks_url = self.settings.url(JWKS_PATH)
        object.__setattr__(self, "clients", ClientKeys(ring, jwks_url, self.clock, self.listener))
        object.__setattr__(self, "launches", Launches(self.ledger))
        discovery = Discovery(self.timeout_s, self.clock, self._pinned)
        object.__setattr__(self, "discovery", discovery)
        backend = BackendTokens(
            self.issuers, self.discovery, self.clients, self.clock, self.timeout_s
        )
        object.__setattr__(self, "backend", backend)
        object.__setattr__(self, "styles", Styles(self.timeout_s, self.clock))

    @property
    def timeout_s(self) -> float:
        return self.settings.fhir_timeout_ms / 1000

    def begin(self, new: NewLaunch, browser: str) -> LaunchContext:
        """Start the launch for `browser` and write to the audit who opened which chart.

        Without a patient there is no chart yet: `choosing` tells so, and `choose` opens it.
        """
        now = self.clock()
        context = new.context(secrets.token_urlsafe(24), now)
        tokens = None if new.granted is None else self._token_set(new.issuer, new.granted)
        kept = None if tokens is None else msgspec.json.encode(tokens)
        with self.ledger.transaction() as conn:
            self.launches.start(
                conn, context.launch_id, browser, msgspec.json.encode(context), kept, now
            )
            if new.patient_id is not None:
                audit.append(conn, self._event(audit.CHART_OPENED, context))
        return context

    def current(self, launch_id: str) -> LaunchContext:
        """The launch of this request's browser.

        Refuses (CookieLost) a request without our cookie; (LaunchExpired) a launch that is over,
        never was, or is another browser's: the three look alike; (NoPatient) one whose user has
        yet to choose a patient.
        """
        context, _ = self._own(launch_id)
        if context.patient_id == _UNCHOSEN:
            raise NoPatient("No patient was chosen for this launch yet.")
        return context

    def choosing(self, launch_id: str) -> LaunchContext | None:
        """The launch whose user has yet to choose a patient; its `patient_id` is no id.

        None once one is chosen. Refuses otherwise like `current`.
        """
        context, _ = self._own(launch_id)
        return context if context.patient_id == _UNCHOSEN else None

    def choose(self, launch_id: str, patient_id: str) -> LaunchContext:
        """Open the chart of `patient_id` in a launch without a patient; once and for all.

        Whether the user may see that patient is the EHR's to say. Refuses like `current`, and
        (LaunchExpired) a launch that has its patient: one launch never turns to another man.
        """
        context, before = self._own(launch_id)
        chosen = replace(context, patient_id=patient_id)
        with self.ledger.transaction() as conn:
            if context.patient_id != _UNCHOSEN or not self.launches.settle(
                conn, launch_id, before, msgspec.json.encode(chosen)
            ):
                raise LaunchExpired("This launch has its patient already. Begin another launch.")
            audit.append(conn, self._event(audit.CHART_OPENED, chosen))
        return chosen

    def grants(self, context: LaunchContext) -> Grants | None:
        """What the launch's token permits now; None at an open test server, which asks nobody."""
        stored = self.launches.tokens(context.launch_id)
        if stored is None:
            return None
        scope = msgspec.json.decode(stored, type=TokenSet).scope
        return Grants.of(context.scopes if scope is None else scope.split())

    def style(self, context: LaunchContext) -> str:
        """The EHR's looks as CSS; empty where it gives none that may be used."""
        if context.style_url is None:
            return ""
        issuer = self.issuers.named(context.issuer)
        origins = (origin_of(context.fhir_base), *issuer.frame_ancestors, *issuer.style_origins)
        return self.styles.sheet(context.style_url, origins)

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
        context, _ = self._own(launch_id)
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

    def _pinned(self, fhir_base: str) -> tuple[str, ...]:
        try:
            return self.issuers.match(fhir_base).endpoint_origins
        except UnknownIssuer:
            return ()

    def _own(self, launch_id: str) -> tuple[LaunchContext, bytes]:
        """The launch of this request's browser, and as what it is kept."""
        browser = self.browser()
        if browser is None:
            raise CookieLost(
                "Your browser did not send this app's cookie, so the launch cannot be recognised."
            )
        stored = self.launches.find(launch_id, browser, self.clock())
        if stored is None:
            raise LaunchExpired(_END)
        return msgspec.json.decode(stored.context, type=LaunchContext), stored.context

    def _token_set(
        self, issuer: Issuer, given: TokenResponse, kept: TokenSet | None = None
    ) -> TokenSet:
        return token_set(given, self.clock(), kept=kept, usual=issuer.ways.token_seconds)

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
            renewed = self._refreshed(context, held, held.refresh_token)
        except LaunchExpired:
            self._end(context)
            raise
        except TokenAnswerLost as error:
            _log.warning("a refresh was not answered: issuer=%s", context.issuer)
            return self._go_on(lease, held.without_refresh(), rejected, error)
        except (TokenExchangeFailed, DiscoveryFailed, ClientKeyMissing) as error:
            self.discovery.forget(context.fhir_base)
            return self._go_on(lease, held, rejected, error)
        return self._keep(lease, context, renewed)

    def _refreshed(self, context: LaunchContext, held: TokenSet, refresh_token: str) -> TokenSet:
        """What a refresh gave. Refuses (LaunchExpired) an answer about another patient."""
        issuer = self.issuers.named(context.issuer)
        config = self.discovery.smart(context.fhir_base)
        client = self.clients.user_client(issuer, config)
        given = tokens.refresh(client, config, refresh_token, self.timeout_s)
        renewed = self._token_set(issuer, given, held)
        chosen = context.patient_id != _UNCHOSEN
        if chosen and given.names_patient and given.patient != context.patient_id:
            # Tokens for another man are neither used nor left valid at the EHR.
            self._revoke(context, renewed)
            raise LaunchExpired(_ANOTHER_PATIENT)
        return renewed

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
            ended = self.launches.end(conn, context.launch_id)
            if ended and context.patient_id != _UNCHOSEN:
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
