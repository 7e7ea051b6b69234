"""Where an EHR's endpoints are: SMART configuration, OpenID configuration, public keys.

Only ever called for a base that `Issuers.match` let through. What is read is kept for an hour at
most. Endpoints may live on other hosts than the FHIR server (they usually do; the log says so), but
must be https, and where the site lists their origins, on one of these.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from smartapp.errors import DiscoveryFailed
from smartapp.jose import KeySets, Unreadable
from smartapp.jose.documents import NoDocument, fetch_object, is_here, is_safe
from smartapp.smart import older

MAX_AGE = timedelta(hours=1)
_CACHE_SIZE = 100  # a prefix rule lets strangers name many bases; none may fill the memory

_log = logging.getLogger("smartapp.smart")


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What the app uses of `.well-known/smart-configuration`; missing arrays are empty.

    A server for Backend Services alone has no `authorization_endpoint`. `names_itself`: its
    authorization answers hold `iss` (RFC 9207).
    """

    authorization_endpoint: str | None
    token_endpoint: str
    issuer: str | None
    jwks_uri: str | None
    revocation_endpoint: str | None
    capabilities: frozenset[str]
    scopes_supported: frozenset[str]
    grant_types: frozenset[str]
    challenge_methods: frozenset[str]
    auth_methods: frozenset[str]
    signing_algorithms: frozenset[str]
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class OpenIdConfiguration:
    """What the app uses of `.well-known/openid-configuration`."""

    issuer: str | None
    jwks_uri: str | None


@dataclass(frozen=True, slots=True)
class _Kept:
    document: dict[str, Any]
    read_at: datetime


class _Elsewhere(DiscoveryFailed):
    """The server is there, but has no such document."""


class Discovery:
    """Reads and remembers the documents of configured issuers. Safe between threads.

    `key_sets` are the public keys that those documents name. `pinned` gives the origins on which
    the endpoints of a FHIR base must be; none: any.
    """

    def __init__(
        self,
        timeout_s: float,
        clock: Callable[[], datetime],
        pinned: Callable[[str], tuple[str, ...]] = lambda _base: (),
    ) -> None:
        self._timeout_s = timeout_s
        self._clock = clock
        self._pinned = pinned
        self._kept: dict[str, _Kept] = {}
        self.key_sets = KeySets(timeout_s, clock)

    def smart(self, fhir_base: str) -> SmartConfiguration:
        """The SMART configuration of `fhir_base`.

        Read below the base; where the server is there but has none, at the host's root, then from
        the CapabilityStatement, as SMART 1.0 servers have it. Relative endpoints are resolved
        against the base. Refuses (DiscoveryFailed) a document that cannot be had, lacks the token
        endpoint, or names one that is not https or not where the site wants it.
        """
        document = self._configuration(fhir_base)

        def endpoint(name: str) -> str | None:
            value = _text(document, name)
            if value is None:
                return None
            # One that is whole stays as it is written: assertions repeat it as their audience.
            whole = value.startswith(("https://", "http://"))
            return self._checked(fhir_base, name, value if whole else _joined(fhir_base, value))

        token_endpoint = endpoint("token_endpoint")
        if token_endpoint is None:
            raise DiscoveryFailed("The EHR's SMART configuration names no usable token_endpoint.")
        return SmartConfiguration(
            authorization_endpoint=endpoint("authorization_endpoint"),
            token_endpoint=token_endpoint,
            issuer=_issuer(document),
            jwks_uri=endpoint("jwks_uri"),
            revocation_endpoint=endpoint("revocation_endpoint"),
            capabilities=_words(document, "capabilities"),
            scopes_supported=_words(document, "scopes_supported"),
            grant_types=_words(document, "grant_types_supported"),
            challenge_methods=_words(document, "code_challenge_methods_supported"),
            auth_methods=_words(document, "token_endpoint_auth_methods_supported"),
            signing_algorithms=_words(document, "token_endpoint_auth_signing_alg_values_supported"),
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def openid(self, base: str, fhir_base: str) -> OpenIdConfiguration:
        """The OpenID configuration published under `base`, which the EHR at `fhir_base` named.

        Refuses (DiscoveryFailed) like `smart`.
        """
        url = _well_known(base, "openid-configuration")
        self._refuse_here(fhir_base, "issuer", url)
        document = self._document(url, "OpenID configuration")
        jwks_uri = _text(document, "jwks_uri")
        if jwks_uri is not None:
            jwks_uri = self._checked(fhir_base, "jwks_uri", jwks_uri)
        return OpenIdConfiguration(_issuer(document), jwks_uri)

    def forget(self, fhir_base: str) -> None:
        """Read the SMART configuration anew next time: an endpoint of it did not answer."""
        self._kept.pop(_well_known(fhir_base, "smart-configuration"), None)

    def _checked(self, fhir_base: str, name: str, address: str) -> str:
        """The same address, when codes, secrets and trust in keys may go there."""
        if not is_safe(address):
            raise DiscoveryFailed(f"The EHR's {name} is not https.")
        self._refuse_here(fhir_base, name, address)
        pinned = self._pinned(fhir_base)
        if pinned and origin_of(address) not in pinned:
            raise DiscoveryFailed(
                f"The EHR's {name} is at an origin that this site's endpoint_origins do not list."
            )
        return address

    def _refuse_here(self, fhir_base: str, name: str, address: str) -> None:
        # A distant server must not send us to whatever else answers on this machine (SSRF).
        if is_here(address) and not is_here(fhir_base):
            raise DiscoveryFailed(f"The EHR's {name} is on this machine, and the EHR is not.")

    def _configuration(self, fhir_base: str) -> dict[str, Any]:
        url = _well_known(fhir_base, "smart-configuration")
        kept = self._fresh(url)
        if kept is not None:
            return kept
        try:
            found = self._document(url, "configuration")
        except _Elsewhere as error:
            older_one = self._older_configuration(fhir_base)
            if older_one is None:
                raise DiscoveryFailed(error.public) from None
            found = older_one
            self._keep(url, found)
        _tell_of_other_origins(fhir_base, found)
        return found

    def _older_configuration(self, fhir_base: str) -> dict[str, Any] | None:
        places = (
            _well_known(older.host_root(fhir_base), "smart-configuration"),
            f"{fhir_base.removesuffix('/')}/metadata",
        )
        for url in places:
            try:
                found = fetch_object(url, self._timeout_s)
            except Unreadable:
                continue
            if found.get("resourceType") == "CapabilityStatement":
                found = older.from_capabilities(found)
            if _text(found, "token_endpoint") is not None:
                return found
        return None

    def _document(self, url: str, what: str) -> dict[str, Any]:
        kept = self._fresh(url)
        if kept is not None:
            return kept
        try:
            document = fetch_object(url, self._timeout_s)
        except Unreadable as error:
            refused = _Elsewhere if isinstance(error, NoDocument) else DiscoveryFailed
            raise refused(f"The EHR's {what} could not be read: {error}.") from None
        self._keep(url, document)
        return document

    def _fresh(self, url: str) -> dict[str, Any] | None:
        kept = self._kept.get(url)
        fresh = kept is not None and self._clock() - kept.read_at < MAX_AGE
        return kept.document if kept is not None and fresh else None

    def _keep(self, url: str, document: dict[str, Any]) -> None:
        kept_now = sorted(self._kept.items(), key=lambda item: item[1].read_at)
        for old, _ in kept_now[: max(0, len(kept_now) - _CACHE_SIZE + 1)]:
            self._kept.pop(old, None)
        self._kept[url] = _Kept(document, self._clock())


def origin_of(url: str) -> str:
    """Scheme, host and port of an address that `is_safe`, as a site writes an origin."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"


def _tell_of_other_origins(fhir_base: str, document: dict[str, Any]) -> None:
    own = origin_of(fhir_base)
    names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri")
    for name in names:
        address = _text(document, name)
        if address is not None and is_safe(address) and origin_of(address) != own:
            _log.info("endpoint at another origin: base=%s %s=%s", own, name, origin_of(address))


def _well_known(base: str, name: str) -> str:
    return f"{base.removesuffix('/')}/.well-known/{name}"


def _joined(fhir_base: str, value: str) -> str:
    try:
        return urljoin(fhir_base.removesuffix("/") + "/", value)
    except ValueError:
        return ""


def _issuer(document: dict[str, Any]) -> str | None:
    """What the server calls itself; an address that nobody can read is no name."""
    name = _text(document, "issuer")
    try:
        urlsplit(name or "")
    except ValueError:
        return None
    return name


def _text(document: dict[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _words(document: dict[str, Any], name: str) -> frozenset[str]:
    value = document.get(name)
    return (
        frozenset(v for v in value if isinstance(v, str))
        if isinstance(value, list)
        else frozenset()
    )
