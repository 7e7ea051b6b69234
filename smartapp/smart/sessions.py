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

from smartapp.errors import CookieLost, DiscoveryFailed, LaunchExpired, TokenExchangeFailed
from smartapp.ledger import AuditEvent, Launches, Ledger, audit
from smartapp.ledger.launches import WHOLE_LIFE, Lease
from smartapp.settings import Settings
from smartapp.smart import tokens
from smartapp.smart.context import LaunchContext
from smartapp.smart.discovery import Discovery
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.tokens import TokenResponse

COOKIE = "__Host-hpg"
REFRESH_AHEAD_S = 90
DEFAULT_LIFE_S = 300
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_POLL_S = 0.05

_log = logging.getLogger("smartapp.smart")
_END = "This launch is over. Open the app from the patient's chart again."


def utc_now() -> datetime:
    """The front door's clock, unless another is given."""
    return datetime.now(UTC)


class TokenSet(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a launch as the ledger keeps them, sealed.

    `renew_at` and `expires_at` are seconds since the epoch; None when the server said nothing
    and there is nothing to renew with: then only the FHIR server knows.
    """

    access_token: str
    refresh_token: str | None
    renew_at: float | None
    expires_at: float | None


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
    launches: Launches = field(init=False)
    discovery: Discovery = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "launches", Launches(self.ledger))
        object.__setattr__(self, "discovery", Discovery(self.timeout_s, self.clock))

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
        kept = None if new.granted is None else msgspec.json.encode(_token_set(new.granted, now))
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
            if not self._due(held, rejected):
                return held.access_token
            usable = self._usable(held, rejected)
            if held.refresh_token is None:
                if usable:
                    return held.access_token
                raise LaunchExpired(
                    "The EHR's permission for this launch has run out. Open the app from the "
                    "patient's chart again."
                )
            lease = self.launches.lease(launch_id, self.clock(), self._lease_life)
            if lease is not None:
                return self._renew(lease, rejected)
            # Another worker is refreshing. What still works is used; else its answer is awaited.
            if usable:
                return held.access_token
            if self.clock() >= deadline:
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

    def _due(self, held: TokenSet, rejected: str | None) -> bool:
        if held.access_token == rejected:
            return True
        return held.renew_at is not None and self.clock().timestamp() >= held.renew_at

    def _usable(self, held: TokenSet, rejected: str | None) -> bool:
        alive = held.expires_at is None or self.clock().timestamp() < held.expires_at
        return alive and held.access_token != rejected

    def _renew(self, lease: Lease, rejected: str | None) -> str:
        held = msgspec.json.decode(lease.tokens, type=TokenSet)
        if held.refresh_token is None or not self._due(held, rejected):
            self.launches.finish(lease, lease.tokens)
            return held.access_token
        context = self._context(lease.launch_id)
        issuer = self.issuers.named(context.issuer)
        try:
            config = self.discovery.smart(context.fhir_base)
            given = tokens.refresh(issuer, config, held.refresh_token, self.timeout_s)
        except LaunchExpired:
            self._end(context)
            raise
        except (TokenExchangeFailed, DiscoveryFailed):
            self.discovery.forget(context.fhir_base)
            self.launches.finish(lease, lease.tokens)
            if self._usable(held, rejected):
                return held.access_token
            raise
        if given.patient is not None and given.patient != context.patient_id:
            self._end(context)
            raise LaunchExpired(
                "The EHR now names another patient for this launch, so it was ended. Open the app "
                "from the chart of the patient you mean."
            )
        renewed = _token_set(given, self.clock(), kept=held.refresh_token)
        self.launches.finish(lease, msgspec.json.encode(renewed))
        return renewed.access_token

    def _context(self, launch_id: str) -> LaunchContext:
        context = self.launches.context(launch_id)
        return msgspec.json.decode(context, type=LaunchContext)

    def _end(self, context: LaunchContext) -> None:
        with self.ledger.transaction() as conn:
            if self.launches.end(conn, context.launch_id):
                audit.append(conn, self._event(audit.CHART_CLOSED, context))

    def _revoke(self, context: LaunchContext, held: TokenSet) -> None:
        issuer = self.issuers.named(context.issuer)
        try:
            endpoint = self.discovery.smart(context.fhir_base).revocation_endpoint
        except DiscoveryFailed:
            endpoint = None
        if endpoint is None:
            return
        done = True
        if held.refresh_token is not None:
            done = tokens.revoke(
                issuer, endpoint, held.refresh_token, "refresh_token", self.timeout_s
            )
        if not (
            tokens.revoke(issuer, endpoint, held.access_token, "access_token", self.timeout_s)
            and done
        ):
            _log.warning("the EHR did not confirm a revocation: issuer=%s", issuer.fhir_base)

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


def _token_set(given: TokenResponse, now: datetime, kept: str | None = None) -> TokenSet:
    """What is kept of a token response; a response without a refresh token keeps the old one."""
    refresh_token = given.refresh_token or kept
    life = given.expires_in
    if life is None and refresh_token is not None:
        life = DEFAULT_LIFE_S
    if life is None:
        return TokenSet(
            access_token=given.access_token, refresh_token=None, renew_at=None, expires_at=None
        )
    at = now.timestamp()
    return TokenSet(
        access_token=given.access_token,
        refresh_token=refresh_token,
        # A token of a minute is not renewed before it is used.
        renew_at=at + life - min(REFRESH_AHEAD_S, life / 4),
        expires_at=at + life,
    )
