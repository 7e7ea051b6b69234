"""The treatment under way: which drugs, since when, and when its dose last changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.course import Course, began
from smartapp.engine.evidence import evidence_of_course
from smartapp.patient.record import Dose

_ROLES = ("recalibration", "adjunct")


@dataclass(frozen=True, slots=True)
class Treatment:
    """Recalibration drugs and adjuncts taken now.

    begun    start of the present run of the recalibration drugs (of the adjuncts where there are
             none); None when it is not known
    changed  the last day on which a drug or a dose was begun, altered or ended; None when unknown
    """

    courses: tuple[Course, ...]
    begun: date | None
    changed: date | None

    @property
    def leading(self) -> tuple[str, ...]:
        """The recalibration drugs, each once."""
        found = (c.episode.agent for c in self.courses if c.drug.role == "recalibration")
        return tuple(dict.fromkeys(found))

    @property
    def agents(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c.episode.agent for c in self.courses))

    def of_class(self, drug_class: str) -> bool:
        return any(c.drug.drug_class == drug_class for c in self.courses)

    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(evidence_of_course(c, "under") for c in self.courses)


def treatment_of(case: Case) -> Treatment | None:
    """The treatment now; None when neither a recalibration drug nor an adjunct is taken."""
    courses = tuple(c for c in case.courses if c.active and c.drug.role in _ROLES)
    if not courses:
        return None
    leading = [c for c in courses if c.drug.role == "recalibration"] or list(courses)
    begun = None
    if all(c.episode.start is not None for c in leading):
        agents = frozenset(c.episode.agent for c in leading)
        begun = began(case.courses, agents, case.protocol.axis.episode_gap)
    return Treatment(courses, begun, _changed(case, courses, begun))


def _changed(case: Case, courses: Iterable[Course], begun: date | None) -> date | None:
    if begun is None:
        return None
    gap = case.protocol.axis.episode_gap
    days = [begun]
    taken = set()
    for course in courses:
        taken.add(course.episode.agent)
        since = same_dose_since(case.courses, course, gap)
        if since is None:
            return None
        days.append(since)
    for course in case.courses:
        stop = course.episode.stop
        ended = course.drug.role in _ROLES and course.episode.agent not in taken
        if ended and stop is not None and begun < stop <= case.today:
            days.append(stop)
    return max(days)


def same_dose_since(courses: Iterable[Course], course: Course, gap: int) -> date | None:
    """Since when the drug has been taken in its present dose; a refill's gap is no change."""
    since = course.episode.start
    earlier = [
        c.episode
        for c in courses
        if c.episode.agent == course.episode.agent and c.episode is not course.episode
    ]
    earlier.sort(key=lambda e: e.start or date.min, reverse=True)
    for episode in earlier:
        if since is None or episode.start is None or episode.start > since:
            continue
        stop = episode.stop
        if stop is None or (since - stop).days > gap or differs(episode.dose, course.episode.dose):
            break
        since = episode.start
    return since


def differs(one: Dose | None, other: Dose | None) -> bool:
    """Whether two doses are certainly not the same."""
    before, after = per_week(one), per_week(other)
    return before is not None and after is not None and before != after


def per_week(dose: Dose | None, unit: str | None = None) -> Decimal | None:
    """The dose over seven days; None when it cannot be told, or is not in `unit`."""
    if dose is None or (unit is not None and dose.unit != unit):
        return None
    if dose.per_week is not None:
        return dose.per_week
    return None if dose.per_day is None else dose.per_day * 7


def lowered(case: Case, first: date, last: date) -> bool | None:
    """Whether a dose was lowered or a drug ended between two days; None: cannot be told."""
    answer: bool | None = False
    by_agent: dict[str, list[Course]] = {}
    for course in case.courses:
        if course.drug.role in _ROLES:
            by_agent.setdefault(course.episode.agent, []).append(course)
    for courses in by_agent.values():
        for place, course in enumerate(courses):
            stop = course.episode.stop
            if stop is None or not first < stop <= last:
                continue
            after = courses[place + 1] if place + 1 < len(courses) else None
            if after is None or _gap(case, course, after):
                return True
            one, other = per_week(course.episode.dose), per_week(after.episode.dose)
            if one is None or other is None:
                answer = None
            elif other < one:
                return True
    return answer


def _gap(case: Case, before: Course, after: Course) -> bool:
    stop, start = before.episode.stop, after.episode.start
    gap = case.protocol.axis.episode_gap
    return stop is not None and start is not None and (start - stop).days > gap
