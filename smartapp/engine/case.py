"""The case: one man's record cut at `as_of` and indexed once, as every rule reads it.

Nothing first recorded after `as_of` is in it, and an end dated after `as_of` has not happened. A
change of status without a date is known only as it stands today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from smartapp.engine.course import Course, course_of
from smartapp.engine.differing import Differing, one_a_date
from smartapp.errors import InputError
from smartapp.knowledge import Knowledge
from smartapp.knowledge.protocol import Protocol
from smartapp.labs.reading import Range, Reading, Unused
from smartapp.labs.timing import is_known
from smartapp.patient.past import with_labs_as_of
from smartapp.patient.record import Allergy, EndpointReading, PatientRecord, Problem, Wishes
from smartapp.patient.therapy import as_known
from smartapp.patient.wishes import wishes_on

Moment = datetime | date

# What the pipe calls a kind of data, by FHIR type and by prefetch key.
_KINDS: Mapping[str, str] = {
    "Condition": "problems",
    "conditions": "problems",
    "MedicationRequest": "therapy",
    "medicationRequests": "therapy",
    "AllergyIntolerance": "allergies",
    "allergies": "allergies",
    "Procedure": "procedures",
    "procedures": "procedures",
    "Observation": "labs",
    "hormones": "labs",
    "safety": "safety-labs",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One man at one moment.

    readings   analyte → usable readings known then, oldest first; of an analyte that is worse at
               one end, one a date
    differing  (reference, analyte) → the values of its date, where they disagree, worst first
    withheld   analyte → its newest result, when that one cannot be used: rules abstain
    problems   concept → problems, neither refuted nor unknown then
    courses    drugs taken or once taken, oldest first
    told       (tool, item) → what the man reported, known then, oldest first
    unread     kinds of data that could not be read: their absence means nothing
    """

    record: PatientRecord
    knowledge: Knowledge
    as_of: datetime
    today: date
    age: int | None
    readings: Mapping[str, tuple[Reading, ...]]
    withheld: Mapping[str, Unused]
    problems: Mapping[str, tuple[Problem, ...]]
    courses: tuple[Course, ...]
    allergies: tuple[Allergy, ...]
    wishes: Wishes
    told: Mapping[tuple[str, str], tuple[EndpointReading, ...]]
    unread: frozenset[str]
    unused: tuple[Unused, ...]
    differing: Mapping[tuple[str, str], Differing]

    @property
    def protocol(self) -> Protocol:
        return self.knowledge.protocol

    def newest(self, analyte: str, days: int) -> Reading | None:
        """The newest usable reading not older than `days`."""
        readings = self.readings.get(analyte)
        if readings and (self.today - readings[-1].drawn).days <= days:
            return readings[-1]
        return None

    def other_end(self, reading: Reading) -> Reading:
        """Of values of its date that disagree the one farthest from the worst; else the reading."""
        return self.differing.get((reading.reference, reading.analyte), (reading,))[-1]

    def both_ends(self, reading: Reading | None) -> tuple[Reading, ...]:
        """The reading, with `other_end` where there is one: for rules that act on both ends."""
        if reading is None:
            return ()
        other = self.other_end(reading)
        return (reading,) if other is reading else (reading, other)

    def with_concepts(self, concepts: frozenset[str]) -> Iterator[Problem]:
        """Problems of any of the concepts, each once."""
        if concepts.isdisjoint(self.problems):
            return
        seen: set[str] = set()
        for concept in sorted(concepts & self.problems.keys()):
            for problem in self.problems[concept]:
                if problem.reference not in seen:
                    seen.add(problem.reference)
                    yield problem

    def recent(self, concepts: frozenset[str], days: int) -> Problem | None:
        """A problem active, or begun or recorded, within `days` (clinical rules 6)."""
        for problem in self.with_concepts(concepts):
            if problem.active or self.within(problem.onset or problem.recorded, days):
                return problem
            if self.within(problem.recorded, days):
                return problem
        return None

    def within(self, day: date | None, days: int) -> bool:
        return day is not None and (self.today - day).days <= days

    def taking(self, *, drug_class: str | None = None, agent: str | None = None) -> Course | None:
        """The drug certainly taken now, by class or key."""
        for course in self.courses:
            if course.active and (
                course.episode.drug_class == drug_class or course.episode.agent == agent
            ):
                return course
        return None

    def range_of(self, reading: Reading) -> Range:
        """The reference range the rules go by: the reading's, else the catalogue's."""
        if reading.range is not None:
            return reading.range
        limits = self.knowledge.catalogue.analytes[reading.analyte].default_range
        return Range(limits.low, limits.high, "default", "no range was sent")


def open_case(record: PatientRecord, knowledge: Knowledge, as_of: datetime) -> Case:
    """The record as it was known at `as_of`. Refuses (InputError) a moment without an offset."""
    if as_of.tzinfo is None:
        raise InputError("as-of needs a UTC offset")
    record = with_labs_as_of(record, as_of)
    today = as_of.date()
    readings: dict[str, tuple[Reading, ...]] = {}
    withheld: dict[str, Unused] = {}
    differing: dict[tuple[str, str], Differing] = {}
    analytes = knowledge.catalogue.analytes
    unused = [u for u in record.unused if is_known(u.recorded or u.effective, as_of, today)]
    # Read from rows, the series are of this moment already (`with_labs_as_of`).
    cut = record.labs is None
    # Three days back every zone and any order agrees that it is past: most series need no look.
    past = days_before(today, 3)
    for analyte, series in record.series.items():
        known = series.readings
        if cut:
            known = tuple([r for r in known if is_known(r.recorded, as_of, today)])
        recent = bool(known) and known[-1].drawn >= past
        future = [r for r in known if not is_known(r.effective, as_of, today)] if recent else ()
        if future:
            known = tuple(r for r in known if r not in future)
            unused += [
                Unused(r.reference, "dated after the assessment", analyte, r.effective, r.recorded)
                for r in future
            ]
        worse = analytes[analyte].worse
        if worse is not None and len(known) > 1:
            known, apart = one_a_date(known, worse)
            differing |= {(r.reference, analyte): values for values in apart for r in values}
        if known:
            readings[analyte] = known
        newest = _newest_unusable(series.unused, as_of, today)
        if newest is not None and (not known or _day(newest) >= known[-1].drawn):
            withheld[analyte] = newest
    wishes = wishes_on(record.wishes, today, knowledge.protocol.gate.recent_days)
    if wishes.date is not None and wishes.date > today:
        wishes = Wishes()
    return Case(
        record=record,
        knowledge=knowledge,
        as_of=as_of,
        today=today,
        age=record.demographics.age(today),
        readings=readings,
        withheld=withheld,
        problems=_by_concept(record, today),
        courses=_courses(record, knowledge, today),
        allergies=tuple(
            a for a in record.allergies if a.active and (a.recorded is None or a.recorded <= today)
        ),
        wishes=wishes,
        told=_told(record, as_of, today) if record.endpoints else {},
        unread=frozenset(_KINDS[gap.what] for gap in record.gaps if gap.what in _KINDS),
        unused=tuple(unused),
        differing=differing,
    )


def _told(
    record: PatientRecord, as_of: datetime, today: date
) -> Mapping[tuple[str, str], tuple[EndpointReading, ...]]:
    found: dict[tuple[str, str], list[EndpointReading]] = {}
    for reading in sorted(record.endpoints, key=lambda e: (e.day, e.reference)):
        known = is_known(reading.recorded, as_of, today)
        if known and is_known(reading.effective, as_of, today):
            found.setdefault((reading.tool, reading.item), []).append(reading)
    return {key: _without_sums(readings) for key, readings in found.items()}


def _without_sums(readings: list[EndpointReading]) -> tuple[EndpointReading, ...]:
    """The figures without sums of single results for which the total itself was told by then."""
    given = {r.effective for r in readings if not _is_sum(r)}
    return tuple([r for r in readings if not (_is_sum(r) and r.effective in given)])


def _is_sum(reading: EndpointReading) -> bool:
    return reading.source == "observation" and "from-items" in reading.flags


def days_before(day: date, days: int) -> date:
    """`day` minus `days`, stopping at the first day there is."""
    return day - timedelta(days=days) if day.toordinal() > days else date.min


def _courses(record: PatientRecord, knowledge: Knowledge, today: date) -> tuple[Course, ...]:
    drugs, unknown_stop = knowledge.catalogue.drugs, knowledge.protocol.axis.unknown_stop
    known = [
        episode
        for episode in as_known(record.therapy, knowledge.catalogue, today).episodes
        if episode.agent in drugs
        and (episode.recorded is None or episode.recorded <= today)
        and (episode.start is None or episode.start <= today)
    ]
    known.sort(key=lambda e: (e.start or date.min, e.agent, e.references))
    return tuple(course_of(e, drugs[e.agent], today, unknown_stop) for e in known)


def _newest_unusable(rows: tuple[Unused, ...], as_of: datetime, today: date) -> Unused | None:
    found = None
    for row in rows:
        if row.void or row.analyte is None or row.effective is None:
            continue
        if not is_known(row.recorded or row.effective, as_of, today):
            continue
        if found is None or _day(row) > _day(found):
            found = row
    return found


def _day(row: Unused) -> date:
    moment = row.effective
    if moment is None:
        return date.min
    return moment.date() if isinstance(moment, datetime) else moment


def _by_concept(record: PatientRecord, today: date) -> dict[str, tuple[Problem, ...]]:
    found: dict[str, list[Problem]] = {}
    for problem in record.problems:
        first = problem.known
        if problem.refuted or (first is not None and first > today):
            continue
        if problem.abated is not None and problem.abated > today:
            problem = replace(problem, abated=None, active=True)
        for concept in problem.concepts:
            found.setdefault(concept, []).append(problem)
    return {
        concept: tuple(sorted(problems, key=lambda p: p.reference))
        for concept, problems in found.items()
    }
