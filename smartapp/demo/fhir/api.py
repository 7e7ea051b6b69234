"""Read and search, for whoever holds a grant: over HTTP (views.py) or inside the EHR itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from smartapp.demo.config import DemoConfig
from smartapp.demo.fhir import search
from smartapp.demo.fhir.access import check_read, confined_to, forbidden
from smartapp.demo.fhir.outcome import Refused
from smartapp.demo.fhir.paging import Pages
from smartapp.demo.fhir.parameters import PARAMETERS
from smartapp.demo.fhir.repository import Repository, Row
from smartapp.demo.memory import Clock
from smartapp.demo.oauth.records import Grant

Pairs = Sequence[tuple[str, str]]


class FhirApi:
    """The interactions. Every method refuses (Refused) what the grant does not cover."""

    def __init__(self, config: DemoConfig, repository: Repository, clock: Clock) -> None:
        self._behaviour = config.behaviour
        self._repository = repository
        self._pages = Pages(config, clock)

    def read(self, resource_type: str, resource_id: str, grant: Grant) -> bytes:
        """One resource as it is held. Refuses with 404 what is not there."""
        _known(resource_type)
        self._refuse_denied(resource_type)
        row = self._repository.read(resource_type, resource_id)
        if row is None:
            confined_to(grant, resource_type, "r")
            raise Refused(404, "not-found", "There is no such resource.")
        check_read(grant, row)
        return row.raw

    def page(self, resource_type: str, pairs: Pairs, grant: Grant, address: str) -> bytes:
        """The first page of a search, or the page behind an opaque link (`_page`)."""
        _known(resource_type)
        if (key := self._pages.continued(pairs)) is not None:
            confined_to(grant, resource_type, "s")
            return self._pages.next(key, resource_type, grant, address)
        rows, count = self._find(resource_type, pairs, grant)
        return self._pages.first(resource_type, rows, count, grant, address)

    def page_on_base(self, key: str, grant: Grant, address: str) -> bytes:
        """The page behind a link that lies on the base; the search it goes on was allowed."""
        return self._pages.next(key, None, grant, address)

    def prefetched(self, resource_type: str, pairs: Pairs, grant: Grant, address: str) -> bytes:
        """A search result as prefetch holds it: whole, unless `_count` cuts it."""
        _known(resource_type)
        rows, count = self._find(resource_type, pairs, grant)
        return self._pages.filled(resource_type, rows, count, grant, address)

    def _find(
        self, resource_type: str, pairs: Iterable[tuple[str, str]], grant: Grant
    ) -> tuple[list[Row], int | None]:
        only = confined_to(grant, resource_type, "s")
        self._refuse_denied(resource_type)
        time.sleep(self._behaviour.search_ms / 1000)
        query = search.understand(resource_type, pairs)
        self._refuse_unfiltered(resource_type, query)
        rows = self._repository.rows(resource_type)
        if only is not None:
            if any(only not in named for named in query.patients):
                raise forbidden("The search is outside the patient in context.")
            rows = self._repository.of(resource_type, only)
        return search.run(query, rows), query.count

    def _refuse_unfiltered(self, resource_type: str, query: search.Query) -> None:
        if resource_type != "Observation":
            return
        if self._behaviour.category_required and query.named.isdisjoint({"category", "_id"}):
            raise Refused(400, "required", "An Observation search needs category.")
        if self._behaviour.observation_filter and query.named.isdisjoint(
            {"code", "category", "_id"}
        ):
            raise Refused(400, "required", "An Observation search needs code or category.")

    def _refuse_denied(self, resource_type: str) -> None:
        if resource_type in self._behaviour.denied:
            raise forbidden(f"This site lets no app see {resource_type}.")


def _known(resource_type: str) -> None:
    if resource_type not in PARAMETERS:
        raise Refused(404, "not-supported", "This resource type is not served here.")
