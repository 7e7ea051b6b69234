"""The issuers file (contract, section 7): read strictly, each refusal with its key and reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from smartapp.errors import ConfigError
from smartapp.sitefile import Entry, read_entries
from smartapp.smart.issuers import (
    Auth,
    AuthorizeBy,
    IdTokenAlgorithm,
    Issuer,
    Issuers,
    Level,
)
from smartapp.smart.keys import ALGORITHMS
from smartapp.smart.profiles import Profile
from smartapp.smart.scopes import is_wildcard

_SYNTAXES: tuple[Literal["v1", "v2"], ...] = ("v1", "v2")
_visible_ascii = re.compile(r"[\x21-\x7e]+").fullmatch
# RFC 6749, 3.3: what a scope may be made of.
_is_scope = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+").fullmatch
# A measurement without a LOINC code (testis volume) is named by its key instead.
_is_meaning = re.compile(r"\d{1,7}-\d|[a-z][a-z-]+").fullmatch


def load_issuers(path: Path) -> Issuers:
    """The issuers of a TOML file with one `[[issuer]]` table per EHR.

    Secret files are read now, relative to the file. Refuses (ConfigError, naming file, issuer and
    key) unreadable TOML, unknown or missing keys, wrong types and values, plain http beyond
    loopback, and what the EHR's profile is known not to take.
    """
    try:
        return Issuers([_issuer(entry) for entry in read_entries(path, "issuer")])
    except ConfigError as error:
        said = error.public
        raise ConfigError(said if said.startswith(str(path)) else f"{path}: {said}") from None


def _issuer(entry: Entry) -> Issuer:
    base = entry.address("fhir_base")
    if base is None:
        raise entry.wrong("fhir_base", "is required")
    entry.named(base)
    auth: Auth = entry.choice("auth", get_args(Auth)) or "public"
    issuer = Issuer(
        fhir_base=base,
        name=entry.text("name"),
        profile=entry.choice("profile", get_args(Profile)) or "generic",
        prefix=entry.flag("prefix"),
        auth=auth,
        client_id=_client_id(entry, auth),
        client_secret=_secret(entry, auth),
        backend_client_id=entry.text("backend_client_id"),
        assertion_alg=entry.choice("assertion_alg", ALGORITHMS),
        assertion_jku=entry.flag("assertion_jku"),
        authorize=entry.choice("authorize", get_args(AuthorizeBy)) or "get",
        scopes=_scopes(entry),
        scope_syntax=entry.choice("scope_syntax", _SYNTAXES),
        standalone=entry.choice("standalone", get_args(Level)),
        timezone=entry.timezone("timezone"),
        frame_ancestors=entry.origins("frame_ancestors", subdomains=True),
        id_token_issuer=entry.text("id_token_issuer"),
        id_token_algs=_id_token_algorithms(entry),
        endpoint_origins=entry.origins("endpoint_origins"),
        style_origins=entry.origins("style_origins"),
        local_codes=_local_codes(entry),
    )
    entry.done()
    _together(entry, issuer)
    _as_its_kind(entry, issuer)
    return issuer


def _together(entry: Entry, issuer: Issuer) -> None:
    """Refuses keys that say nothing, or the contrary of each other."""
    for key in ("assertion_alg", "assertion_jku"):
        if getattr(issuer, key) and not issuer.has_key:
            raise entry.wrong(key, 'is for auth = "key" or a backend_client_id only')
    if issuer.scopes is not None and issuer.scope_syntax is not None:
        raise entry.wrong("scope_syntax", "says nothing beside scopes, which are sent as written")
    if issuer.auth == "none":
        for key in ("backend_client_id", "scopes", "standalone", "id_token_algs"):
            if getattr(issuer, key):
                raise entry.wrong(key, "an open test server has no clients and no sign-in")


def _as_its_kind(entry: Entry, issuer: Issuer) -> None:
    """Refuses what this kind of EHR is known not to take."""
    ways, kind = issuer.ways, issuer.profile
    if not ways.wildcards and any(is_wildcard(scope) for scope in (issuer.scopes or "").split()):
        raise entry.wrong("scopes", f"a wildcard scope is not granted by {kind}: name each type")
    if not ways.authorize_post and issuer.authorize == "post":
        raise entry.wrong("authorize", f"{kind} loses the state of a request sent by POST")
    if ways.base_slash and not issuer.fhir_base.endswith("/"):
        raise entry.wrong("fhir_base", f"that of {kind} ends in a slash, and `aud` must have it")


def _client_id(entry: Entry, auth: Auth) -> str:
    client_id = entry.text("client_id")
    if auth == "none":
        return client_id or ""
    if client_id is None:
        raise entry.wrong("client_id", 'is required unless auth is "none"')
    if auth == "secret" and ":" in client_id:
        raise entry.wrong("client_id", "HTTP Basic cannot carry a colon in it")
    return client_id


def _secret(entry: Entry, auth: Auth) -> str | None:
    if auth != "secret":
        if entry.text("client_secret_file") is not None:
            raise entry.wrong("client_secret_file", 'is for auth = "secret" only')
        return None
    content = entry.file("client_secret_file")
    if content is None:
        raise entry.wrong("client_secret_file", 'is required with auth = "secret"')
    secret = content.decode("utf-8", "replace").strip()
    if not _visible_ascii(secret):
        raise entry.wrong("client_secret_file", "must hold one line of visible ASCII")
    return secret


def _scopes(entry: Entry) -> str | None:
    text = entry.text("scopes")
    if text is None:
        return None
    for scope in (scopes := text.split()):
        if not _is_scope(scope):
            raise entry.wrong("scopes", f"{scope!r} holds a character that no scope may hold")
    return " ".join(dict.fromkeys(scopes))


def _id_token_algorithms(entry: Entry) -> tuple[IdTokenAlgorithm, ...]:
    allowed: tuple[IdTokenAlgorithm, ...] = get_args(IdTokenAlgorithm)
    given = entry.texts("id_token_algs")
    for name in given:
        if name not in allowed:
            raise entry.wrong("id_token_algs", f"{name!r} is not one of {', '.join(allowed)}")
    return tuple(name for name in allowed if name in given)


def _local_codes(entry: Entry) -> Mapping[str, tuple[str, str | None]]:
    codes: dict[str, tuple[str, str | None]] = {}
    for code, meaning in entry.table("local_codes").items():
        key = f"local_codes.{code}"
        if not isinstance(meaning, dict) or set(meaning) - {"loinc", "unit"}:
            raise entry.wrong(key, "needs loinc, and may have unit")
        loinc, unit = meaning.get("loinc"), meaning.get("unit")
        if not isinstance(loinc, str) or not _is_meaning(loinc):
            raise entry.wrong(key, "loinc must be a LOINC code such as 2986-8")
        if unit is not None and (not isinstance(unit, str) or not unit.strip()):
            raise entry.wrong(key, "unit must be a text")
        codes[code] = (loinc, unit)
    return MappingProxyType(codes)
