"""Who may launch this app: the configured EHRs as frozen objects. `issuers_file` reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from smartapp.errors import ConfigError, UnknownIssuer
from smartapp.smart.keys import Algorithm
from smartapp.smart.profiles import Profile as Profile
from smartapp.smart.profiles import Ways, ways_of

Auth = Literal["public", "secret", "key", "none"]
AuthorizeBy = Literal["get", "post"]
Level = Literal["patient", "user"]
IdTokenAlgorithm = Literal["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One EHR that this deployment knows.

    fhir_base         byte-exact, as it goes into `aud`; with `prefix` the beginning of many bases
                      (simulators put their options into the path)
    name              what people call it, where the app lists several
    auth              how the app proves who it is; "none" is an open test server
    client_secret     None unless `auth` is "secret"
    scopes            asked for as they are, but for what tells the two kinds of launch apart
    scope_syntax      None: as the profile says
    standalone        scopes of a standalone launch; None: by what the server says it can
    id_token_algs     with which id_tokens may be signed beside RS256
    id_token_issuer   `iss` of id_tokens, where neither server nor profile tells
    endpoint_origins  the only origins on which endpoints may be; empty: any over https
    style_origins     origins beside the EHR's own from which a style sheet document is read
    local_codes       "system|code" or a bare code to (LOINC, unit or None)
    """

    fhir_base: str
    name: str | None = None
    profile: Profile = "generic"
    prefix: bool = False
    auth: Auth = "public"
    client_id: str = ""
    client_secret: str | None = field(default=None, repr=False)
    assertion_alg: Algorithm | None = None
    assertion_jku: bool = False
    backend_client_id: str | None = None
    authorize: AuthorizeBy = "get"
    scopes: str | None = None
    scope_syntax: Literal["v1", "v2"] | None = None
    standalone: Level | None = None
    timezone: str | None = None
    frame_ancestors: tuple[str, ...] = ()
    id_token_issuer: str | None = None
    id_token_algs: tuple[IdTokenAlgorithm, ...] = ()
    endpoint_origins: tuple[str, ...] = ()
    style_origins: tuple[str, ...] = ()
    local_codes: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)

    @property
    def has_key(self) -> bool:
        """Whether any client of this app signs in to this EHR by a key."""
        return self.auth == "key" or self.backend_client_id is not None

    @property
    def ways(self) -> Ways:
        """What is known of its kind."""
        return ways_of(self.profile)


class Issuers:
    """The configured EHRs. Iterates over them in the file's order."""

    __slots__ = ("_by_base", "_exact", "_prefixes")

    def __init__(self, issuers: Iterable[Issuer] = ()) -> None:
        listed = tuple(issuers)
        self._by_base = {issuer.fhir_base: issuer for issuer in listed}
        if len(self._by_base) != len(listed):
            raise ConfigError("two issuers have the same fhir_base")
        exact = [i for i in listed if not i.prefix]
        self._exact = {_bare(i.fhir_base): i for i in exact}
        if len(self._exact) != len(exact):
            raise ConfigError("two issuers have the same fhir_base but for a slash at its end")
        # The longest prefix first: the most specific registration speaks for a base.
        self._prefixes = sorted(
            (i for i in listed if i.prefix), key=lambda i: len(i.fhir_base), reverse=True
        )

    def __iter__(self) -> Iterator[Issuer]:
        return iter(self._by_base.values())

    def __len__(self) -> int:
        return len(self._by_base)

    def match(self, iss: str) -> Issuer:
        """The issuer that speaks for `iss` as received.

        Equal after removing one trailing slash from each; where an issuer says `prefix`, also any
        plain path below its base. Refuses (UnknownIssuer) everything else, without fetching it.
        """
        found = self._exact.get(_bare(iss))
        if found is not None:
            return found
        for issuer in self._prefixes:
            if _below(iss, issuer.fhir_base):
                return issuer
        raise UnknownIssuer("The address that opened this app is not one of its configured EHRs.")

    def named(self, fhir_base: str) -> Issuer:
        """The issuer configured under exactly this base. Refuses (UnknownIssuer) if none is."""
        try:
            return self._by_base[fhir_base]
        except KeyError:
            raise UnknownIssuer("This EHR is no longer configured.") from None


def _bare(base: str) -> str:
    return base.removesuffix("/")


def _below(iss: str, base: str) -> bool:
    """Whether `iss` is `base` or a plain path under it: no dots, query, user or escapes of them."""
    try:
        given, own = urlsplit(iss), urlsplit(base)
    except ValueError:
        return False
    path, root = given.path, own.path.rstrip("/")
    return (
        (given.scheme, given.netloc) == (own.scheme, own.netloc)
        and _is_plain(iss, given)
        and (path.rstrip("/") == root or path.startswith(root + "/"))
    )


def _is_plain(iss: str, parts: SplitResult) -> bool:
    steps = unquote(parts.path).split("/")
    return (
        _VISIBLE_ASCII.fullmatch(iss) is not None
        and not set(iss) & set("?#\\@")
        and ".." not in steps
        and "." not in steps
    )
