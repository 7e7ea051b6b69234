"""Each search the app makes, tried on one chart, with what came back of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from time import monotonic
from typing import get_args

from smartapp.doctor.access import Access
from smartapp.doctor.check import Check, untried
from smartapp.doctor.visit import Visit
from smartapp.errors import FhirUnauthorized
from smartapp.fhir.bundle import Page
from smartapp.fhir.client import Fetched, FhirClient
from smartapp.fhir.model import Gap, Resources
from smartapp.fhir.plans import KEYS, SearchPlan, search_plans
from smartapp.fhir.quirks import quirks_of
from smartapp.fhir.reading import LISTS, read_pages
from smartapp.smart.issuers import Profile

LIMIT_S = 20.0
REQUIRED = frozenset({"patient", "hormones"})
_PAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """One chart, read as the app reads it. `found` and `pages` (how many came) are by plan key."""

    plans: tuple[SearchPlan, ...]
    found: Mapping[str, Resources]
    pages: Mapping[str, int]
    seconds: float


def search(visit: Visit, access: Access) -> Searched:
    """All plans at once, as a launch asks them."""
    assert visit.patient is not None
    plans = search_plans(
        visit.catalogue,
        visit.patient,
        local_codes=visit.asked_as.local_codes,
        profile=visit.asked_as.profile,
    )
    started = monotonic()
    fetched = run(visit, access, plans)
    seconds = monotonic() - started
    pages = {key: [p for p in fetched.pages if p.key == key] for key in (*KEYS, "medications")}
    return Searched(
        plans=plans,
        found={key: read_pages(came, _of(fetched.gaps, key)) for key, came in pages.items()},
        pages={key: len(came) for key, came in pages.items()},
        seconds=seconds,
    )


def run(visit: Visit, access: Access, plans: tuple[SearchPlan, ...]) -> Fetched:
    """What the app's own client brings; a token that is refused is a gap of every plan."""
    client = FhirClient(
        visit.base,
        token=access.token,
        timeout_ms=visit.settings.fhir_timeout_ms,
        profile=visit.asked_as.profile,
    )
    try:
        return client.run(plans, LIMIT_S, refreshed=True)
    except FhirUnauthorized as error:
        keys = dict.fromkeys(plan.key for plan in plans)
        return Fetched((), tuple(Gap(key, "failed", error.public) for key in keys))


def rows_of(found: Resources) -> list[tuple[str, str | None]]:
    """(type, id) of every row that could be read."""
    return [(kind.__name__, row.id) for kind, name in LISTS.items() for row in getattr(found, name)]


def searches(visit: Visit, access: Access, searched: Searched) -> Iterator[Check]:
    """One check for each kind of thing the app asks for."""
    for key in (*KEYS, "medications"):
        if key in searched.found and (key != "medications" or _came(searched, key)):
            yield _search(visit, access, searched, key)


def _came(searched: Searched, key: str) -> bool:
    return bool(searched.pages[key] or searched.found[key].gaps)


def _search(visit: Visit, access: Access, searched: Searched, key: str) -> Check:
    name, found = f"search {key}", searched.found[key]
    grave = key in REQUIRED
    count = len(rows_of(found))
    if found.gaps:
        said = "; ".join(dict.fromkeys(gap.reason for gap in found.gaps))
        if count:
            said += f" ({_rows(count)} came all the same)"
        todo, lines = _help(visit, access, searched, key)
        return Check(name, "fail" if grave else "warn", said, todo, lines)
    if key == "patient" and not found.patients:
        return Check(name, "fail", "the answer is no Patient", "check --patient")
    foreign = _foreign(visit, found)
    if foreign:
        said = f"{_rows(foreign)} of {_rows(count)} belong to another patient"
        todo = "searches by patient mix charts: tell the EHR; the app leaves such rows out"
        return Check(name, "fail", said, todo)
    if found.quarantined:
        odd = {(row.reference, row.path) for row in found.quarantined}
        paths = sorted({path for _, path in odd})
        said = f"{_rows(count)}; {len(odd)} more not in FHIR's shape, at "
        todo = "tell the EHR; the app passes over these rows and says so"
        return Check(name, "warn", said + ", ".join(paths[:5]), todo)
    if key == "hormones" and not count:
        todo = "choose a man with hormone results; if he is one, see `local codes` below"
        return Check(name, "warn", "no rows", todo)
    return Check(name, "pass", _rows(count))


def _foreign(visit: Visit, found: Resources) -> int:
    """Rows that say they are of somebody else."""
    return sum(
        1
        for name in LISTS.values()
        for row in getattr(found, name)
        if (who := getattr(row, "subject", None) or getattr(row, "patient", None)) is not None
        and (who.reference or "").startswith(("Patient/", "http://", "https://"))
        and "Patient/" in who.reference
        and who.reference.partition("Patient/")[2].partition("/")[0] != visit.patient
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count or 'no'} rows"


def _of(gaps: tuple[Gap, ...], key: str) -> tuple[Gap, ...]:
    return tuple(gap for gap in gaps if gap.what == key)


def _help(
    visit: Visit, access: Access, searched: Searched, key: str
) -> tuple[str, tuple[str, ...]]:
    """What may mend a failed search: another profile, tried now, or a word with the EHR."""
    reason = searched.found[key].gaps[0].reason
    if "(403)" in reason:
        return "add this type to the registration's scopes, or let the app go without", ()
    if "does not accept the question" in reason:
        for profile in _other_ways(visit.asked_as.profile, _kind(searched, key)):
            plans = search_plans(visit.catalogue, visit.patient or "", profile=profile)
            if not run(visit, access, tuple(p for p in plans if p.key == key)).gaps:
                return _OTHER_WAY, (f'profile = "{profile}"',)
    return "tell the EHR's administrators; the app shows it as missing", ()


_OTHER_WAY = (
    "asked as another profile does, it answers now; put into the issuer's table, and try again:"
)


def _kind(searched: Searched, key: str) -> str:
    query = next(plan.query for plan in searched.plans if plan.key == key)
    return query.partition("?")[0].partition("/")[0]


def _other_ways(profile: str, kind: str) -> Iterator[str]:
    """Profiles that ask this type differently, the fewest differences first."""

    def asked(name: str) -> tuple[object, ...]:
        ways = quirks_of(name)
        return ways.sort, ways.count, ways.max_codes, ways.max_url, ways.extra.get(kind)

    known = {asked(profile)}
    for other in get_args(Profile):
        if asked(other) not in known:
            known.add(asked(other))
            yield other


def paging(visit: Visit, access: Access, searched: Searched) -> Check:
    """Whether next links lead to every row: a search again, in small pages, where none was long."""
    name = "paging"
    whole = {key: rows_of(searched.found[key]) for key in KEYS if not searched.found[key].gaps}
    followed = [
        searched.pages[key] for key in whole if searched.pages[key] > _planned(searched, key)
    ]
    if followed:
        return Check(name, "pass", f"{max(followed)} pages of one search followed to the end")
    # A long code list is cut into several searches: their pages would not tell.
    single = [key for key in whole if _planned(searched, key) == 1 and key != "patient"]
    key = max(single, key=lambda k: len(whole[k]), default="")
    if not key or len(whole[key]) < 2:
        return untried(name, "this chart has no search with two rows")
    size = ceil(len(whole[key]) / _PAGES)
    (plan,) = (plan for plan in searched.plans if plan.key == key)
    smaller = SearchPlan(key, re.sub(r"_count=\d+", f"_count={size}", plan.query))
    again = run(visit, access, (smaller,))
    if again.gaps:
        said = f"a search in pages of {_rows(size)} fails: {again.gaps[0].reason}"
        return Check(name, "fail", said, _MISSING)
    return _compared(name, whole[key], again.pages)


_MISSING = "tell the EHR; results may be missing in the app"


def _planned(searched: Searched, key: str) -> int:
    return sum(1 for plan in searched.plans if plan.key == key)


def _compared(name: str, whole: list[tuple[str, str | None]], pages: tuple[Page, ...]) -> Check:
    paged = rows_of(read_pages(pages))
    if set(paged) != set(whole):
        said = f"in pages {_rows(len(paged))} come, in one piece {_rows(len(whole))}"
        return Check(name, "fail", said, _MISSING)
    if len(pages) == 1:
        return untried(name, "the server ignores _count and sends all rows at once")
    return Check(name, "pass", f"{len(pages)} pages hold the same {_rows(len(whole))} as one")


def speed(visit: Visit, _access: Access, searched: Searched) -> Check:
    """Whether a hook call could read the chart by itself in time."""
    name = "speed"
    limit = visit.settings.hook_deadline_ms / 1000
    if searched.seconds <= limit:
        return Check(name, "pass", f"all searches answered within a hook's {limit:g} s")
    said = f"all searches together took {searched.seconds:.1f} s; a hook call waits {limit:g} s"
    return Check(name, "warn", said, "let the EHR send prefetch with its hooks")
