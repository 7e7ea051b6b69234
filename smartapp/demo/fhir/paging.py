"""Search results page by page, behind opaque links that the server remembers."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

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

    def __init__(self, fhir_base: str, size: int, seconds: int, clock: Clock) -> None:
        self._base = fhir_base
        self._size = size
        self._seconds = seconds
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

    def next(self, key: str, resource_type: str, grant: Grant, address: str) -> bytes:
        """The page behind an opaque link.

        Refuses with 410 a link that has expired, or that belongs to another authorization.
        """
        rest = self._kept.get(key)
        if rest is None or rest.family != grant.family or rest.resource_type != resource_type:
            raise Refused(410, "not-found", "The page is no longer there; search again.")
        return self._page(rest, address)

    def _page(self, rest: _Rest, address: str) -> bytes:
        page, left = rest.rows[: rest.size], rest.rows[rest.size :]
        links = [{"relation": "self", "url": address}]
        if left and rest.size:
            key = secrets.token_urlsafe(16)
            following = _Rest(rest.resource_type, left, rest.total, rest.size, rest.family)
            self._kept.put(key, following, self._seconds)
            links.append(
                {"relation": "next", "url": f"{self._base}/{rest.resource_type}?_page={key}"}
            )
        return _searchset(self._base, page, rest.total, links)


def _searchset(
    fhir_base: str, rows: Sequence[Row], total: int, links: list[dict[str, str]]
) -> bytes:
    """A searchset Bundle of rows as they are. `entry` is absent when there are none."""
    head = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    if not rows:
        return wire.encode(head)
    entries = b",".join(_entry(fhir_base, row) for row in rows)
    return wire.encode(head)[:-1] + b',"entry":[' + entries + b"]}"


def _entry(fhir_base: str, row: Row) -> bytes:
    url = wire.encode(f"{fhir_base}/{row.type}/{row.id}") if row.id else None
    full_url = b'"fullUrl":' + url + b"," if url else b""
    return b"{" + full_url + b'"resource":' + row.raw + b',"search":{"mode":"match"}}'
