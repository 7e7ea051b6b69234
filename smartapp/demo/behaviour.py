"""How one EHR differs from another, as far as an app or a CDS service can notice."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from smartapp.errors import ConfigError

Discovery = Literal["base", "host-root", "none"]
Paging = Literal["page", "cursor", "getpages"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How this EHR behaves where EHRs differ. Times in seconds unless the name says otherwise.

    Where things are
      fhir_path            path of the FHIR base; with a slash at its end, `iss` and `aud` have one
      issuer               announced issuer; `{origin}` and `{fhir}` (the FHIR base) are filled in
      id_token_issuer      `iss` of id_tokens; `{issuer}` is the announced one
      smart_configuration  under the FHIR base, at the host's root, or "none": a SMART 1.0 server,
                           whose CapabilityStatement alone names the endpoints
      metadata_arrays      False: the configuration holds no lists (capabilities, scopes, …)
      jwks_in_smart        False: the key set is named in the OpenID configuration only
    Who gets in
      oauth                False: an open test server without any authorization
      fhir_open            the FHIR API also answers without a token, and can be written to
      scope_versions       scope syntaxes granted: "v1" (`.read`), "v2" (`.rs`)
      wildcard_scopes      `patient/*.…` is granted
      withheld             resource types whose scopes are never granted
      posted_state         False: `state` of an authorize request sent by POST is lost
      standalone_patient   False: a standalone launch ends without a patient in context
      absolute_user        `fhirUser` as a whole address; False: "Practitioner/1"
      id_token_kid         the id_token's header names its key
      style                token answers say how the EHR looks (`smart_style_url`)
    How FHIR answers
      observation_filter   an Observation search without code, category or _id is refused
      category_required    an Observation search without category or _id is refused
      denied               resource types answered with 403 whatever was granted
      bundle_outcomes      searchsets hold an OperationOutcome beside (or instead of) the matches
      paging               next links: opaque on the type, the search with a cursor, or on the base
      search_ms            every search takes this many milliseconds longer
      clock_skew           by how much this EHR's clock is ahead of the true time
    What CDS services are sent
      prefetch             fill the prefetch templates; False leaves `prefetch` out of the call
      fhir_authorization   give CDS services a short-lived token with each call
    """

    launch_seconds: int = 300
    code_seconds: int = 60
    access_token_seconds: int = 900
    refresh_token_seconds: int = 8 * 3600
    page_seconds: int = 600

    fhir_path: str = "/fhir"
    issuer: str = "{origin}/oauth2"
    id_token_issuer: str = "{issuer}"  # noqa: S105 - an address
    smart_configuration: Discovery = "base"
    metadata_arrays: bool = True
    jwks_in_smart: bool = True

    oauth: bool = True
    fhir_open: bool = False
    scope_versions: tuple[str, ...] = ("v1", "v2")
    wildcard_scopes: bool = True
    withheld: tuple[str, ...] = ()
    posted_state: bool = True
    standalone_patient: bool = True
    absolute_user: bool = True
    id_token_kid: bool = True
    style: bool = False

    observation_filter: bool = True
    category_required: bool = False
    denied: tuple[str, ...] = ()
    bundle_outcomes: bool = False
    paging: Paging = "page"
    search_ms: int = 0
    clock_skew: int = 0

    prefetch: bool = True
    fhir_authorization: bool = True


def vendors() -> tuple[str, ...]:
    """The names `behaviour_of` knows, `generic` first."""
    return tuple(_table())


def behaviour_of(vendor: str) -> Behaviour:
    """The behaviour of one kind of EHR (vendors.toml). Refuses (ConfigError) an unknown name."""
    try:
        return _table()[vendor]
    except KeyError:
        raise ConfigError(f"no EHR {vendor!r} here; known: {', '.join(_table())}") from None


@cache
def _table() -> Mapping[str, Behaviour]:
    path = Path(__file__).with_name("vendors.toml")
    tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: _behaviour(f"{path.name}: {name}", table) for name, table in tables.items()}


def _behaviour(where: str, table: Mapping[str, Any]) -> Behaviour:
    unknown = sorted(table.keys() - {field.name for field in fields(Behaviour)})
    if unknown:
        raise ConfigError(f"{where}: unknown key {unknown[0]!r}")
    try:
        return msgspec.convert(table, Behaviour)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None
