"""Who is calling. The one place where a CDS client is believed or not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from smartapp.cds.clients import Client, Clients
from smartapp.cds.demo_keys import THUMBPRINTS
from smartapp.cds.sites import Sites
from smartapp.errors import TrustError
from smartapp.jose import KeySets, PublicKey, Signed, Unreadable, read_signed
from smartapp.ledger import Ledger, replay
from smartapp.settings import Settings

log = logging.getLogger(__name__)

LEEWAY_S = 60  # between their clock and ours
LONGEST_LIFE_S = 3600  # what has been used is remembered no longer than that
KEYS_TIMEOUT_S = 2.0
_LONGEST_NAME = 512  # of a kid or a jti

# Whatever it signs, a token of another kind (an access token, a logout token) is not this one.
_TYPES = frozenset(("jwt", "application/jwt"))


@dataclass(frozen=True, slots=True)
class Caller:
    """A CDS client we answer.

    `tenant` keeps its cards, feedback and snoozes apart from others'. `sites` are the FHIR servers
    its calls may name; None: any that this deployment knows. `timezone` is its local clock.
    `system_actions_member`: its order-sign answers hold `systemActions`, empty.
    """

    tenant: str
    sites: Sites | None = None
    timezone: str | None = None
    system_actions_member: bool = False


ANYONE = Caller(tenant="local")


# A number, and one that a date can have: no text, no true, no 1e300, no 10 ** 400.
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class _Claims(msgspec.Struct, frozen=True, gc=False):
    """What a token must say (CDS Hooks 2.0.1, trusting CDS clients). Other claims are ignored."""

    iss: str
    aud: str | list[str]
    exp: _Seconds
    iat: _Seconds
    jti: str
    nbf: _Seconds | None = None
    tenant: str | None = None


_read_claims = msgspec.json.Decoder(_Claims).decode


class Trust:
    """Decides for each call. Safe between threads."""

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        ledger: Ledger,
        sites: Sites,
        clock: Callable[[], datetime],
    ) -> None:
        self._optional = settings.cds_auth == "optional"
        self._clients = clients
        self._ledger = ledger
        self._clock = clock
        self._key_sets = KeySets(KEYS_TIMEOUT_S, clock)
        self._callers = {
            (client.iss, client.tenant): Caller(
                client.name,
                sites.only(client.fhir_servers, client.timezone),
                client.timezone,
                client.system_actions_member,
            )
            for client in clients
        }
        if not self._optional and not len(clients):
            log.warning("no CDS client is registered: every hook call will be refused")

    def caller(self, authorization: str | None, *audiences: str) -> Caller:
        """The client behind the `Authorization` header of a call to one of `audiences`.

        Refuses (TrustError) every call that cannot be verified. `CDS_AUTH=optional` (loopback
        only, settings see to that) answers a call without a token as one local client, and any
        call where no client is registered; otherwise a token that is sent must be good.
        """
        if self._optional and (authorization is None or not len(self._clients)):
            return ANYONE
        signed = read_signed(_bearer(authorization))
        if signed is None:
            raise TrustError("no signed token by an accepted algorithm")
        # Whose token it says it is comes first: for a stranger's nothing more is done, and least
        # of all anything fetched (SSRF). The signature comes last but one: it costs the most.
        claims = _claims(signed)
        client = self._clients.find(claims.iss, claims.tenant)
        if client is None:
            raise TrustError("iss, or its tenant, is not registered")
        try:
            _check_header(signed, client)
            _check_audience(claims, client, audiences)
            self._check_times(claims)
            self._check_signature(signed, client)
            self._use(claims)
        except TrustError as error:
            raise TrustError(f"{error.reason}; iss {client.iss}, tenant {client.name}") from None
        return self._callers[client.iss, client.tenant]

    def _check_times(self, claims: _Claims) -> None:
        now = self._clock().timestamp()
        if claims.exp + LEEWAY_S <= now:
            raise TrustError("exp has passed, or the clocks differ")
        if claims.iat - LEEWAY_S > now or (claims.nbf or 0) - LEEWAY_S > now:
            raise TrustError("iat or nbf is ahead, or the clocks differ")
        if not 0 < claims.exp - claims.iat <= LONGEST_LIFE_S:
            raise TrustError(f"exp is not within {LONGEST_LIFE_S} s of iat")

    def _check_signature(self, signed: Signed, client: Client) -> None:
        key = next((key for key in self._keys(signed, client) if signed.is_by(key)), None)
        if key is None:
            raise TrustError("no key of the client made this signature")
        if key.thumbprint in THUMBPRINTS and not client.test:
            raise TrustError("signed with a public demo key, and the client is no test")

    def _keys(self, signed: Signed, client: Client) -> tuple[PublicKey, ...]:
        if client.keys or client.jku is None:
            return client.keys
        try:
            return self._key_sets.fitting(client.jku, signed.algorithm, signed.kid)
        except Unreadable as error:
            raise TrustError(f"the client's keys cannot be had: {error}") from None

    def _use(self, claims: _Claims) -> None:
        """Count the token as used; only now, when the signature shows that it is the client's."""
        until = datetime.fromtimestamp(claims.exp, UTC) + timedelta(seconds=LEEWAY_S)
        if not replay.first_use(self._ledger, claims.iss, claims.jti, until):
            raise TrustError("jti was used before")


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _claims(signed: Signed) -> _Claims:
    try:
        claims = _read_claims(signed.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TrustError("a claim is missing or of a wrong type") from None
    if not 0 < len(claims.jti) <= _LONGEST_NAME:
        raise TrustError("jti is empty or too long")
    return claims


def _check_header(signed: Signed, client: Client) -> None:
    if signed.algorithm not in client.algorithms:
        raise TrustError(f"{signed.algorithm} is not among the client's algorithms")
    if not signed.kid or len(signed.kid) > _LONGEST_NAME:
        raise TrustError("no kid, or a longer one than any key has")
    kind = signed.header.get("typ")
    if kind is not None and not (isinstance(kind, str) and kind.lower() in _TYPES):
        raise TrustError("typ is not JWT")
    # Only compared: the address that is asked is the registered one (SSRF).
    jku = signed.header.get("jku")
    if jku is not None and client.jku is not None and jku != client.jku:
        raise TrustError("jku is not the registered one")


def _check_audience(claims: _Claims, client: Client, audiences: tuple[str, ...]) -> None:
    named = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
    if named.isdisjoint(audiences) and named.isdisjoint(client.audiences):
        raise TrustError("aud names another address")
