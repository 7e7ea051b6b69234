"""The chart of an earlier day: what was known then, and what only today can tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name, drug_name
from smartapp.errors import InputError
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs.reading import Series
from smartapp.labs.timing import is_known
from smartapp.patient.past import with_labs_as_of
from smartapp.patient.record import PatientRecord, Problem, TherapyTimeline
from smartapp.patient.therapy import as_known

EARLIEST = date(1900, 1, 1)
_UNREADABLE = (
    "The day to show the chart for could not be read: write it as year-month-day, such as "
    "2026-05-01, from 1900 on."
)
_TO_COME = "The chart can be shown for an earlier day, not for one that is still to come."
_BEGUN = "since when it was known is not recorded"
_ENDED = "no longer active, since a day not recorded"


@dataclass(frozen=True, slots=True)
class Step:
    """A day on which a result became known: for an address, and in words."""

    day: str
    words: str


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day a page is shown for, and the way to others.

    day       for the date field; `words` the same for reading
    earlier   the page is of an earlier day than today
    days      every day on which a result became known, and today: the stops of the slider
    standing  what the page cannot take back to that day: known only as it stands today
    query     what an address of these pages carries to stay on the day; empty for today
    """

    day: str
    words: str
    today: str
    first: str
    earlier: bool
    before: Step | None
    after: Step | None
    days: tuple[str, ...]
    standing: tuple[str, ...]

    @property
    def query(self) -> str:
        return f"?as-of={self.day}" if self.earlier else ""


def asked_day(text: str | None) -> date | None:
    """The day an address asks for; None when it asks for none.

    Refuses (InputError) anything but an ISO calendar day from 1900 on.
    """
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InputError(_UNREADABLE) from None
    if day < EARLIEST or day.isoformat() != text:
        raise InputError(_UNREADABLE)
    return day


def earlier_than(day: date | None, today: date) -> date | None:
    """The day, when it is before today; None for today itself. Refuses (InputError) a later one."""
    if day is not None and day > today:
        raise InputError(_TO_COME)
    return None if day == today else day


def end_of(day: date, zone: tzinfo | None) -> datetime:
    """The last moment of the day on the patient's clock; without a zone, of the day in UTC."""
    return datetime.combine(day, time.max, zone or UTC)


def known_then(record: PatientRecord, catalogue: Catalogue, moment: datetime) -> PatientRecord:
    """The record without what became known after `moment` (aware), as the engine cuts it.

    For pages that show rows beside the assessment. What carries no date stays.
    """
    record = with_labs_as_of(record, moment)
    today = moment.date()

    def known(*when: datetime | date | None) -> bool:
        return all(is_known(one, moment, today) for one in when)

    series = {
        key: Series(
            key,
            tuple(row for row in one.readings if known(row.recorded, row.effective)),
            tuple(row for row in one.unused if known(row.recorded or row.effective)),
        )
        for key, one in record.series.items()
    }
    sex, basis = record.demographics.sex_on(today)
    therapy = as_known(record.therapy, catalogue, today)
    return replace(
        record,
        demographics=replace(record.demographics, sex=sex, sex_basis=basis),
        problems=tuple(row for row in record.problems if known(row.known)),
        therapy=TherapyTimeline(
            tuple(row for row in therapy.episodes if known(row.recorded, row.start)),
            therapy.takings,
            therapy.newest,
        ),
        allergies=tuple(row for row in record.allergies if known(row.recorded)),
        series={key: one for key, one in series.items() if one.readings or one.unused},
        unused=tuple(row for row in record.unused if known(row.recorded or row.effective)),
        endpoints=tuple(row for row in record.endpoints if known(row.recorded, row.effective)),
    )


def as_of(chart: Chart, catalogue: Catalogue) -> AsOf:
    """Where a page stands in time, and the result before and after it."""
    past, zone = chart.past, chart.zone
    now = chart.assessment.as_of.astimezone(zone or UTC).date()
    whole = past.whole if past else chart.record
    today = past.today if past else now
    days = [day for day in result_days(whole, zone) if EARLIEST <= day < today]
    return AsOf(
        day=now.isoformat(),
        words=figures.day(now),
        today=today.isoformat(),
        first=EARLIEST.isoformat(),
        earlier=past is not None,
        before=_step(max((day for day in days if day < now), default=None)),
        after=_step(min((day for day in days if day > now), default=None)),
        days=(*(day.isoformat() for day in days), today.isoformat()),
        standing=tuple(_standing(chart, catalogue)) if past else (),
    )


def result_days(record: PatientRecord, zone: tzinfo | None) -> list[date]:
    """The days on which a usable result became known, oldest first."""
    return sorted(
        {
            max(_day(row.recorded, zone), row.drawn)
            for series in record.series.values()
            for row in series.readings
        }
    )


def _day(when: datetime | date, zone: tzinfo | None) -> date:
    if not isinstance(when, datetime):
        return when
    # An instant, not a draw: whatever its offset, it happened on the day of the hospital's clock.
    return (when.astimezone(zone or UTC) if when.tzinfo else when).date()


def _step(day: date | None) -> Step | None:
    return None if day is None else Step(day.isoformat(), figures.day(day))


def _standing(chart: Chart, catalogue: Catalogue) -> Iterator[str]:
    """What is known only as it stands today, the rules first, then row by row."""
    record, protocol = chart.record, chart.assessment.protocol
    yield f"The rules are today's ({protocol.profile} {protocol.version}), not those of that day."
    yield (
        "What the EHR has deleted since, or overwritten without a trace, is not seen; "
        "name, sex and birth date are today's."
    )
    if record.demographics.deceased:
        yield "That he has died is shown on every day."
    for key, series in record.series.items():
        for row in series.readings:
            if "correction-undated" in row.flags:
                name, drawn = analyte_name(catalogue, key), figures.day(row.drawn)
                yield f"{name} {row.original}, drawn {drawn}: {words.flag('correction-undated')}."
    for episode in record.therapy.episodes:
        if episode.undated:
            name = drug_name(catalogue, episode.agent)
            yield f"{name}: its status changed on a day not recorded."
    for problem in record.problems:
        if said := _undated(problem):
            yield f"{problem.text or 'A diagnosis'}: {said}."
    for allergy in record.allergies:
        if not allergy.active:
            yield f"Allergy, {allergy.text}: {_ENDED}; left out on every day."
        elif allergy.recorded is None:
            yield f"Allergy, {allergy.text}: {_BEGUN}."
    if record.quarantined:
        yield f"Malformed rows ({len(record.quarantined)}) are listed on every day."


def _undated(problem: Problem) -> str | None:
    """What of a diagnosis nobody dated; None when its dates tell all."""
    if problem.refuted:
        return "withdrawn, on a day not recorded; left out on every day"
    if problem.active is False and problem.abated is None:
        return _ENDED
    if problem.known is None:
        return _BEGUN
    return None
