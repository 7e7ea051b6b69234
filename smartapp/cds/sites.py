"""The FHIR servers this deployment knows. Any other address in a request is never called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Site:
    """One EHR's FHIR base as configured, and how its data are to be read.

    `fhir_base` namespaces finding ids, so that card and dashboard name the same finding alike.
    `prefix`: the base may be followed by more path (simulators that carry options in the URL).
    `open`: an open test server, which may be asked without a token. `profile`: its quirks.
    """

    fhir_base: str
    prefix: bool = False
    open: bool = False
    profile: str = "generic"
    timezone: str | None = None
    local_codes: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)


# Below a prefix only plain path segments: nothing that could climb out, ask or hide.
_is_plain = re.compile(r"https?://[^/?#\\@%]+(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~=\-]*)*").fullmatch


class Sites:
    """The allow-list (SSRF guard): looked up by the `fhirServer` of a request."""

    def __init__(self, sites: Iterable[Site] = ()) -> None:
        self._sites = tuple(sites)
        self._exact = {site.fhir_base.rstrip("/"): site for site in self._sites}
        self._prefixes = tuple(
            (site.fhir_base.rstrip("/") + "/", site) for site in self._sites if site.prefix
        )

    def match(self, fhir_server: str | None) -> Site | None:
        """The site of this address, compared exactly but for one trailing slash; else None."""
        if fhir_server is None:
            return None
        site = self._exact.get(fhir_server.removesuffix("/"))
        if site is not None:
            return site
        if not _is_plain(fhir_server):
            return None
        return next((s for prefix, s in self._prefixes if fhir_server.startswith(prefix)), None)

    def only(self, bases: Iterable[str], timezone: str | None) -> Sites:
        """The part of the allow-list that a client with these `fhir_servers` may name.

        A base that no site covers becomes a plain site of its own. `timezone` is taken where the
        site has none.
        """
        own: dict[str, Site] = {}
        for base in bases:
            site = self.match(base) or Site(base)
            if site.prefix and site.fhir_base.rstrip("/") != base.rstrip("/"):
                site = replace(site, prefix=False)
            own[base.rstrip("/")] = replace(site, timezone=site.timezone or timezone)
        part = Sites(own.values())
        part._exact = own
        return part

    def sole(self) -> Site | None:
        """The only configured site: a call that names no server can come from nowhere else."""
        return self._sites[0] if len(self._sites) == 1 else None
