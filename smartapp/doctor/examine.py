"""The examination: every check, in the order of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from smartapp.doctor import abilities, access, doors, searches, signing
from smartapp.doctor.check import Check, Verdict, untried
from smartapp.doctor.codes import codes
from smartapp.doctor.published import Published, is_open, look
from smartapp.doctor.visit import Visit

# What can be seen by anybody, the causes before their consequences.
PUBLIC: tuple[Callable[[Visit, Published], Check], ...] = (
    doors.issuer,
    doors.tls,
    doors.discovery,
    doors.authorization,
    doors.token_endpoint,
    signing.pkce,
    signing.sign_in,
    signing.scopes,
    signing.their_keys,
    signing.own_keys,
    doors.clock,
    abilities.statement,
    abilities.abilities,
    doors.protection,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What one examination found."""

    base: str
    checks: tuple[Check, ...]

    def count(self, verdict: Verdict) -> int:
        """How many checks ended so."""
        return Counter(check.verdict for check in self.checks)[verdict]

    @property
    def failed(self) -> bool:
        """Whether something would keep the app from working here."""
        return self.count("fail") > 0


def examine(visit: Visit) -> Report:
    """Look at `visit.base` in every way this app will use it, and change nothing there.

    Sends GETs, one empty form to the token endpoint and, where the issuer's table registers a
    key, one request for a token. Never refuses: what cannot be had is a check that says so.
    """
    return Report(visit.base, tuple(_checks(visit)))


def _checks(visit: Visit) -> Iterator[Check]:
    published = look(visit)
    for check in PUBLIC:
        yield check(visit, published)
    entrance = access.gain(visit, published)
    yield entrance.check
    if not is_open(visit, published):
        todo = f"open {visit.settings.url('/launch')} from the EHR"
        yield untried("launch", "user, patient in context and refresh show in a launch only", todo)
    if not entrance.granted:
        yield untried("searches", "the chart cannot be read from here")
    elif visit.patient is None:
        yield untried("searches", "no patient was named", "add --patient ID of a test patient")
    else:
        searched = searches.search(visit, entrance)
        yield from searches.searches(visit, entrance, searched)
        yield searches.paging(visit, entrance, searched)
        yield searches.speed(visit, entrance, searched)
        yield from codes(visit, entrance, searched)
