"""Who may launch this app: the issuers file (contract, section 7) as frozen objects."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smartapp.errors import ConfigError, UnknownIssuer
from smartapp.settings import is_loopback
from smartapp.smart.keys import ALGORITHMS, Algorithm

Profile = Literal[
    "generic", "epic", "oracle", "athena", "meditech", "medplum", "smart-launcher", "hapi"
]
Auth = Literal["public", "secret", "key", "none"]
AuthorizeBy = Literal["get", "post"]

_ORIGIN = re.compile(r"https?://(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?")
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One EHR that this deployment knows.

    `fhir_base` is byte-exact, as it goes into `aud`. With `prefix` it is the beginning of many
    bases (simulators put their options into the path). `local_codes` maps "system|code" or a bare
    code to (LOINC, unit or None). `client_secret` is None unless `auth` is "secret".
    """

    fhir_base: str
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
    timezone: str | None = None
    frame_ancestors: tuple[str, ...] = ()
    id_token_issuer: str | None = None
    local_codes: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)

    @property
    def has_key(self) -> bool:
        """Whether any client of this app signs in to this EHR by a key."""
        return self.auth == "key" or self.backend_client_id is not None


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

    def __iter__(self) -> Any:
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


def load_issuers(path: Path) -> Issuers:
    """The issuers of a TOML file with one `[[issuer]]` table per EHR.

    Secret files are read now, relative to the file. Refuses (ConfigError, naming file, issuer and
    key) unreadable TOML, unknown or missing keys, wrong types and values, and plain http beyond
    loopback.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    extra = sorted(set(document) - {"issuer"})
    if extra:
        raise ConfigError(f"{path}: unknown key {extra[0]!r}")
    tables = document.get("issuer", [])
    if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
        raise ConfigError(f"{path}: write each EHR as an [[issuer]] table")
    read = [_Table(t, f"{path}: issuer {n}", path.parent) for n, t in enumerate(tables, 1)]
    return Issuers(table.issuer() for table in read)


class _Table:
    """One `[[issuer]]` table: takes its keys one by one, refuses what is left."""

    def __init__(self, table: dict[str, Any], where: str, folder: Path) -> None:
        self._table = dict(table)
        self._where = where
        self._folder = folder

    def issuer(self) -> Issuer:
        auth: Auth = self._choice("auth", get_args(Auth), "public")
        issuer = Issuer(
            fhir_base=self._base(),
            profile=self._choice("profile", get_args(Profile), "generic"),
            prefix=self._flag("prefix"),
            auth=auth,
            client_id=self._client_id(auth),
            client_secret=self._secret(auth),
            backend_client_id=self._backend_client(auth),
            assertion_alg=self._choice("assertion_alg", ALGORITHMS, None),
            assertion_jku=self._flag("assertion_jku"),
            authorize=self._choice("authorize", get_args(AuthorizeBy), "get"),
            scopes=self._scopes(),
            timezone=self._timezone(),
            frame_ancestors=self._origins("frame_ancestors"),
            id_token_issuer=self._text("id_token_issuer"),
            local_codes=self._local_codes(),
        )
        if self._table:
            raise self._wrong(min(self._table), "unknown key")
        for key in ("assertion_alg", "assertion_jku"):
            if getattr(issuer, key) and not issuer.has_key:
                raise self._wrong(key, 'is for auth = "key" or a backend_client_id only')
        return issuer

    def _wrong(self, key: str, why: str) -> ConfigError:
        return ConfigError(f"{self._where}: {key}: {why}")

    def _text(self, key: str) -> str | None:
        value = self._table.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "a text is needed")
        return value

    def _flag(self, key: str) -> bool:
        value = self._table.pop(key, False)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false is needed")
        return value

    def _choice(self, key: str, allowed: tuple[str, ...], default: str | None) -> Any:
        value = self._text(key) or default
        if value is not None and value not in allowed:
            raise self._wrong(key, f"{value!r} is not one of {', '.join(allowed)}")
        return value

    def _base(self) -> str:
        base = self._text("fhir_base")
        if base is None:
            raise self._wrong("fhir_base", "is required")
        self._where = f"{self._where} ({base})"
        try:
            parts = urlsplit(base)
            _ = parts.port
        except ValueError:
            raise self._wrong("fhir_base", "no address is written so") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise self._wrong("fhir_base", "an http(s) address is needed")
        if parts.query or parts.fragment or parts.username is not None:
            raise self._wrong("fhir_base", "may hold only scheme, host, port and path")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise self._wrong("fhir_base", "must be https unless it is loopback")
        return base

    def _client_id(self, auth: Auth) -> str:
        client_id = self._text("client_id")
        if auth == "none":
            return client_id or ""
        if client_id is None:
            raise self._wrong("client_id", 'is required unless auth is "none"')
        if auth == "secret" and ":" in client_id:
            raise self._wrong("client_id", "HTTP Basic cannot carry a colon in it")
        return client_id

    def _backend_client(self, auth: Auth) -> str | None:
        client_id = self._text("backend_client_id")
        if client_id is not None and auth == "none":
            raise self._wrong("backend_client_id", "an open test server has no clients")
        return client_id

    def _secret(self, auth: Auth) -> str | None:
        name = self._text("client_secret_file")
        if auth != "secret":
            if name is not None:
                raise self._wrong("client_secret_file", 'is for auth = "secret" only')
            return None
        if name is None:
            raise self._wrong("client_secret_file", 'is required with auth = "secret"')
        try:
            secret = (self._folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise self._wrong("client_secret_file", f"{name!r} cannot be read") from None
        if not _VISIBLE_ASCII.fullmatch(secret):
            raise self._wrong("client_secret_file", "must hold one line of visible ASCII")
        return secret

    def _scopes(self) -> str | None:
        scopes = self._text("scopes")
        return None if scopes is None else " ".join(scopes.split())

    def _timezone(self) -> str | None:
        name = self._text("timezone")
        if name is None:
            return None
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise self._wrong("timezone", f"{name!r} is not an IANA time zone") from None
        return name

    def _origins(self, key: str) -> tuple[str, ...]:
        values = self._table.pop(key, [])
        if not isinstance(values, list):
            raise self._wrong(key, "a list of origins is needed")
        for value in values:
            # These go into a Content-Security-Policy: nothing but origins may get in.
            if not isinstance(value, str) or not _ORIGIN.fullmatch(value):
                raise self._wrong(key, f"{value!r} is not an origin such as https://ehr.example")
        return tuple(values)

    def _local_codes(self) -> Mapping[str, tuple[str, str | None]]:
        table = self._table.pop("local_codes", {})
        if not isinstance(table, dict):
            raise self._wrong("local_codes", "a table is needed")
        codes: dict[str, tuple[str, str | None]] = {}
        for code, entry in table.items():
            key = f"local_codes.{code}"
            if not isinstance(entry, dict) or set(entry) - {"loinc", "unit"}:
                raise self._wrong(key, "needs loinc, and may have unit")
            loinc, unit = entry.get("loinc"), entry.get("unit")
            # A measurement without a LOINC code (testis volume) is named by its key instead.
            if not isinstance(loinc, str) or not re.fullmatch(r"\d{1,7}-\d|[a-z][a-z-]+", loinc):
                raise self._wrong(key, "loinc must be a LOINC code such as 2986-8")
            if unit is not None and not isinstance(unit, str):
                raise self._wrong(key, "unit must be a text")
            codes[code] = (loinc, unit)
        return MappingProxyType(codes)


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
