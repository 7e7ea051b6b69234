"""Asking a FHIR server: all plans at once, every page, nothing hidden by a failure."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urljoin, urlsplit

from smartapp.errors import (
    FhirError,
    FhirNotFhir,
    FhirPagingLoop,
    FhirTimeout,
    FhirUnauthorized,
    InputError,
)
from smartapp.fhir.bundle import Page, next_of, open_body
from smartapp.fhir.model import Gap
from smartapp.fhir.plans import SearchPlan, medication_plans
from smartapp.fhir.quirks import quirks_of
from smartapp.fhir.transport import MAX_BODY, POOL, Bearer, Deadline, get, session_for

MAX_PAGES = 50

_PORTS = {"http": 80, "https": 443}
# Keys whose rows may name their drug by a reference to a Medication.
REFERENCING = ("medicationRequests", "medicationStatements", "dispenses", "administrations")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back: pages as received, and a gap for everything that did not come whole."""

    pages: tuple[Page, ...]
    gaps: tuple[Gap, ...]


@dataclass(slots=True)
class _Answer:
    """One plan on its way: what has come so far, and why no more came."""

    plan: SearchPlan
    pages: list[bytes] = field(default_factory=list)
    error: FhirError | None = None
    done: bool = False


class FhirClient:
    """Reads from one FHIR server with one token. Cheap to make; connections are pooled by base.

    `base_url` as configured or received; the caller has checked that it may be asked. Sends
    nothing to another origin or beside the base's path, follows no redirect, keeps no cookie.
    Refuses (FhirUnauthorized) a token that no header can carry.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None = None,
        timeout_ms: int = 5000,
        profile: str = "generic",
    ) -> None:
        self._base = base_url.rstrip("/")
        self._auth = Bearer(token)
        self._timeout_s = timeout_ms / 1000
        self._headers = {"Accept": "application/fhir+json", **quirks_of(profile).headers}

    def run(
        self, plans: Sequence[SearchPlan], deadline_s: float, *, refreshed: bool = False
    ) -> Fetched:
        """Answers to all plans, asked in parallel, within `deadline_s` seconds.

        Medications that requests name only by reference are read as well (key `medications`).
        Refuses nothing but a 401 (FhirUnauthorized): any while the token has not been `refreshed`
        (get a new one and ask again), afterwards one to every plan, which no token will mend.
        Every other failure is a gap.
        """
        deadline = Deadline(deadline_s)
        answers = self._ask(plans, deadline)
        refused = [a.error for a in answers if isinstance(a.error, FhirUnauthorized)]
        if refused and (not refreshed or len(refused) == len(answers)):
            raise refused[0]
        bodies = [b for a in answers if a.plan.key in REFERENCING for b in a.pages]
        answers += self._ask(medication_plans(bodies, self._base), deadline)
        pages = tuple(Page(a.plan.key, body) for a in answers for body in a.pages)
        return Fetched(pages, _gaps(answers))

    def _ask(self, plans: Sequence[SearchPlan], deadline: Deadline) -> list[_Answer]:
        answers = [_Answer(plan) for plan in plans]
        if not answers:
            return answers
        pool = ThreadPoolExecutor(min(len(answers), POOL), thread_name_prefix="fhir")
        try:
            running = [pool.submit(self._follow, answer, deadline) for answer in answers]
            for finished in wait(running, timeout=deadline.left).done:
                finished.result()
        finally:
            # A thread held by a dead server ends by its own timeout; nobody waits for it.
            pool.shutdown(wait=False, cancel_futures=True)
        # Late threads may still write: what counts is what had come by the deadline.
        return [self._settled(answer) for answer in answers]

    def _settled(self, answer: _Answer) -> _Answer:
        error = answer.error
        if not answer.done and error is None:
            error = FhirTimeout("the EHR did not answer in time")
        if error is not None:
            log.warning("FHIR %s: %s", answer.plan.key, error.public)
        return _Answer(answer.plan, list(answer.pages), error, True)

    def _follow(self, answer: _Answer, deadline: Deadline) -> None:
        """The first page and every next one."""
        try:
            query = answer.plan.query
            url: str | None = f"{self._base}/{query}"
            if answer.plan.continued:
                url = self._inside(query)
            seen: set[str] = set()
            size = 0
            while url is not None:
                if url in seen or len(seen) == MAX_PAGES:
                    raise FhirPagingLoop("the EHR's pages do not come to an end")
                seen.add(url)
                body = get(
                    session_for(self._base),
                    url,
                    auth=self._auth,
                    headers=self._headers,
                    timeout_s=self._timeout_s,
                    deadline=deadline,
                )
                link = _next(body)
                answer.pages.append(body)
                size += len(body)
                if size > MAX_BODY:
                    raise FhirNotFhir("the EHR's answer is too large to be read")
                more = link is not None and not answer.plan.single
                url = self._inside(_joined(url, link)) if link and more else None
            answer.done = True
        except FhirError as error:
            answer.error = error

    def _inside(self, url: str) -> str:
        """The same address. Refuses (FhirPagingLoop) one that does not belong to the base."""
        if not _belongs(url, self._base):
            raise FhirPagingLoop("the EHR's next page lies at another address; it is not followed")
        return url


def _belongs(url: str, base: str) -> bool:
    """Whether `url` has the origin of `base` and a path at or below its path."""
    try:
        there, here = urlsplit(url), urlsplit(base)
        same = _origin(there) == _origin(here)
    except ValueError:
        return False
    path = there.path.lower()
    climbs = "/.." in path or "%2e" in path or "\\" in path
    below = there.path == here.path or there.path.startswith(f"{here.path}/")
    return same and below and not climbs and "@" not in there.netloc


def _joined(url: str, link: str) -> str:
    try:
        return urljoin(url, link)
    except ValueError:
        raise FhirPagingLoop("the EHR's next page has no readable address") from None


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _next(body: bytes) -> str | None:
    """The next link of a page. Refuses (FhirNotFhir) a body that is not FHIR JSON."""
    try:
        return next_of(open_body(body)[0])
    except InputError as error:
        if not body.strip():
            said = "the EHR sent an empty answer"
        elif body.lstrip()[:1] == b"<":
            said = "the EHR sent a web page or XML instead of FHIR JSON (a login page, perhaps)"
        else:
            said = f"the EHR's answer cannot be read: {error.public}"
        raise FhirNotFhir(said) from None


def _gaps(answers: Sequence[_Answer]) -> tuple[Gap, ...]:
    """One gap per key and reason; "partial" where other pages of the key did come."""
    came = {answer.plan.key for answer in answers if answer.pages}
    gaps = {
        (a.plan.key, a.error.public): Gap(
            a.plan.key, "partial" if a.plan.key in came else "failed", a.error.public
        )
        for a in answers
        if a.error is not None
    }
    return tuple(gaps.values())
