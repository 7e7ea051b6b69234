"""Search results page by page, behind opaque links that the server remembers."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir.outcome import Refused
from smartapp.demo.fhir.repository import Row
from smartapp.demo.memory import Clock, Memory
from smartapp.demo.oauth.records import Grant
from smartapp.stories import wire


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is left of a result, for the grant family that asked."""

    resource_type: str
    rows: tuple[Row, ...]
    total: int
    size: int
    family: str


class Pages:
    """Cuts results into searchset Bundles and keeps what comes next."""

    def __init__(self, config: DemoConfig, clock: Clock) -> None:
        self._base = config.fhir_root
        self._size = config.page_size
        self._seconds = config.behaviour.page_seconds
        self._paging = config.behaviour.paging
        self._outcomes = config.behaviour.bundle_outcomes
        self._kept: Memory[_Rest] = Memory(clock)

    def first(
        self,
        resource_type: str,
        rows: Sequence[Row],
        count: int | None,
        grant: Grant,
        address: str,
    ) -> bytes:
        """The first page; at most `count` rows where the client asked, never above our own size."""
        size = self._size if count is None else min(count, self._size)
        return self._cut(resource_type, rows, size, grant, address)

    def filled(
        self,
        resource_type: str,
        rows: Sequence[Row],
        count: int | None,
        grant: Grant,
        address: str,
    ) -> bytes:
        """As prefetch holds it: all in one Bundle, or `count` rows and a link to the rest."""
        return self._cut(resource_type, rows, len(rows) if count is None else count, grant, address)

    def _cut(
        self, resource_type: str, rows: Sequence[Row], size: int, grant: Grant, address: str
    ) -> bytes:
        rest = _Rest(resource_type, tuple(rows), len(rows), size, grant.family)
        return self._page(rest, address)

    def continued(self, pairs: Sequence[tuple[str, str]]) -> str | None:
        """The key of the page a query asks for; None when the query is a search of its own."""
        if self._paging != "cursor" and len(pairs) > 1:
            return None
        return dict(pairs).get("cursor" if self._paging == "cursor" else "_page")

    def next(self, key: str, resource_type: str | None, grant: Grant, address: str) -> bytes:
        """The page behind an opaque link.

        Refuses with 410 a link that has expired, or that belongs to another authorization.
        `resource_type` None: the link lay on the base and names no type.
        """
        rest = self._kept.get(key)
        if (
            rest is None
            or rest.family != grant.family
            or resource_type not in (None, rest.resource_type)
        ):
            raise _gone()
        return self._page(rest, address)

    def _page(self, rest: _Rest, address: str) -> bytes:
        page, left = rest.rows[: rest.size], rest.rows[rest.size :]
        links = [{"relation": "self", "url": address}]
        if left and rest.size:
            key = secrets.token_urlsafe(16)
            following = _Rest(rest.resource_type, left, rest.total, rest.size, rest.family)
            self._kept.put(key, following, self._seconds)
            links.append({"relation": "next", "url": self._link(key, rest.resource_type, address)})
        extra = (_outcome(bool(page)),) if self._outcomes else ()
        return _searchset(self._base, page, rest.total, links, extra)

    def _link(self, key: str, resource_type: str, address: str) -> str:
        if self._paging == "getpages":
            return f"{self._base}?_getpages={key}&_bundletype=searchset"
        if self._paging == "page":
            return f"{self._base}/{resource_type}?_page={key}"
        parts = urlsplit(address)
        asked = [(k, v) for k, v in parse_qsl(parts.query) if k != "cursor"]
        return f"{self._base}/{resource_type}?{urlencode([*asked, ('cursor', key)])}"


def _searchset(
    fhir_base: str,
    rows: Sequence[Row],
    total: int,
    links: list[dict[str, str]],
    extra: Sequence[bytes],
) -> bytes:
    """A searchset Bundle of rows as they are. `entry` is absent when there are none."""
    head = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    entries = b",".join([*(_entry(fhir_base, row) for row in rows), *extra])
    if not entries:
        return wire.encode(head)
    return wire.encode(head)[:-1] + b',"entry":[' + entries + b"]}"


def _gone() -> Refused:
    return Refused(410, "not-found", "The page is no longer there; search again.")


def _outcome(found: bool) -> bytes:
    """What some EHRs say beside the matches, or in their place, as an entry of its own."""
    severity, code, number, said = (
        ("information", "informational", "59106", "The search was understood.")
        if found
        else ("warning", "processing", "4101", "The search has no results.")
    )
    issue = {
        "severity": severity,
        "code": code,
        "details": {"coding": [{"system": "urn:oid:1.2.840.114350", "code": number}], "text": said},
    }
    resource = {"resourceType": "OperationOutcome", "issue": [issue]}
    return wire.encode({"resource": resource, "search": {"mode": "outcome"}})


def _entry(fhir_base: str, row: Row) -> bytes:
    url = wire.encode(f"{fhir_base}/{row.type}/{row.id}") if row.id else None
    full_url = b'"fullUrl":' + url + b"," if url else b""
    return b"{" + full_url + b'"resource":' + row.raw + b',"search":{"mode":"match"}}'
