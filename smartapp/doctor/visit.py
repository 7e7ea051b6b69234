"""What is examined, and with what in hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from urllib.parse import urlsplit

from smartapp.errors import InputError, UnknownIssuer
from smartapp.fhir.plans import search_plans
from smartapp.knowledge.catalogue import Catalogue
from smartapp.settings import Settings
from smartapp.smart.backend import BackendTokens
from smartapp.smart.client import ClientKeys
from smartapp.smart.discovery import Discovery
from smartapp.smart.issuers import Issuer, Issuers
from smartapp.smart.keyring import KeyRing

_is_address = re.compile(r"https?://[\x21-\x7e]+").fullmatch


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One FHIR base and what this deployment has in hand for it.

    `ring`: its key pairs, None where no secret key opens them; `patient`: whose chart may be
    searched. Refuses (InputError) a base that is not a plain http(s) address, and a patient id
    that is none.
    """

    base: str
    catalogue: Catalogue
    settings: Settings
    issuers: Issuers
    clock: Callable[[], datetime]
    ring: KeyRing | None = None
    patient: str | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base)
            plain = bool(_is_address(self.base) and parts.hostname) and parts.port != 0
        except ValueError:
            plain = False
        if not plain or set(self.base) & set("?#\\@"):
            raise InputError("ISSUER must be the address of a FHIR server, https://host/path")
        if self.patient is not None:
            search_plans(self.catalogue, self.patient)

    @property
    def root(self) -> str:
        """The base without a slash at its end: what addresses are built from."""
        return self.base.removesuffix("/")

    @cached_property
    def issuer(self) -> Issuer | None:
        """What the issuers file says of the base; None where it says nothing."""
        try:
            return self.issuers.match(self.base)
        except UnknownIssuer:
            return None

    @cached_property
    def asked_as(self) -> Issuer:
        """The same; for a base without a table what the app would take for granted."""
        return self.issuer or Issuer(fhir_base=self.base)

    @cached_property
    def discovery(self) -> Discovery:
        """The app's own discovery, with nothing read yet."""
        return Discovery(self.timeout_s, self.clock, lambda _base: self.asked_as.endpoint_origins)

    @cached_property
    def tokens(self) -> BackendTokens | None:
        """Where a token of the app's own comes from; None without keys."""
        if self.ring is None:
            return None
        keys = ClientKeys(self.ring, self.settings.url("/.well-known/jwks.json"), self.clock)
        return BackendTokens(self.issuers, self.discovery, keys, self.clock, self.timeout_s)

    @property
    def timeout_s(self) -> float:
        """How long one answer may take."""
        return self.settings.fhir_timeout_ms / 1000
