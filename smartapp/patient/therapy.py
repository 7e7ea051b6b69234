"""Therapy: one timeline of episodes from the many records that tell of a drug.

Records that overlap or touch are one episode while the dose stays the same; a new dose ends the
old episode the day it begins. Where records of one drug disagree about an end, the newest tells;
a renewal goes on although the prescription before it has ended. What was handed over or given fills
the stretches that words tell of (`supply.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs.reading import Unused
from smartapp.patient.index import Index, index_of
from smartapp.patient.record import DrugMatch, Episode, Taking, TherapyTimeline
from smartapp.patient.supply import OPEN_END, Stretch, is_step, with_supply
from smartapp.patient.taking import known_on

_DAY = timedelta(days=1)


def timeline(takings: Iterable[Taking], index: Index) -> tuple[TherapyTimeline, tuple[Unused, ...]]:
    """Every episode, oldest start first (an unknown start comes before all), and the "not taken"
    records that contradict no episode."""
    told = sorted(takings, key=_order)
    by_agent: dict[str, list[Taking]] = {}
    for taking in told:
        by_agent.setdefault(taking.drug.agent, []).append(taking)
    episodes: list[Episode] = []
    idle: list[Unused] = []
    for agent, records in by_agent.items():
        stretches = with_supply(
            join([t for t in records if t.kind == "word" and t.state != "not-taken"]),
            [t for t in records if t.kind != "word"],
            timedelta(days=index.drug(agent).washout_days or 0),
        )
        for denial in (t for t in records if t.state == "not-taken"):
            if not _end_by(denial, stretches):
                reason = f"{denial.label}: recorded as not taken"
                idle.append(Unused(denial.references[0], reason, recorded=denial.known))
        episodes += (_episode(stretch, index) for stretch in stretches)
    episodes.sort(key=lambda e: (e.start or date.min, e.agent, e.references))
    return TherapyTimeline(tuple(episodes), tuple(told), _newest(told)), tuple(idle)


def as_known(told: TherapyTimeline, catalogue: Catalogue, day: date) -> TherapyTimeline:
    """The timeline as the records known on `day` tell it: records written or begun later are
    dropped, and ends after it.

    A timeline that was not read from records (`takings` empty) is returned as it is. An episode
    whose status changed without a date up to `day` is uncertain and `undated`.
    """
    if told.newest is None or told.newest <= day:
        return told
    known = (known_on(taking, day) for taking in told.takings)
    return timeline([taking for taking in known if taking], index_of(catalogue))[0]


def _newest(takings: Iterable[Taking]) -> date | None:
    """The last day that decides what was known: a supply's end follows from its beginning."""
    days = [
        day
        for taking in takings
        for day in (
            taking.recorded,
            taking.start,
            None if taking.kind == "supply" else taking.stop,
            *taking.ends,
        )
        if day
    ]
    return max(days, default=None)


def join(takings: Sequence[Taking]) -> list[Taking]:
    """The records of one drug as stretches, oldest first."""
    stretches: list[Taking] = []
    for taking in sorted(takings, key=_order):
        last = stretches[-1] if stretches else None
        if last is None or not _continues(last, taking):
            stretches.append(taking)
        elif _is_dose_step(last, taking):
            stretches[-1] = replace(
                last, stop=taking.start, state="stopped", undated=False, disputed=False
            )
            stretches.append(replace(taking, disputed=_is_disputed(taking, last)))
        else:
            stretches[-1] = _merge(last, taking)
    return stretches


def _order(taking: Taking) -> tuple[date, date, tuple[str, ...]]:
    return taking.start or date.min, taking.known or date.min, taking.references


def _continues(last: Taking, taking: Taking) -> bool:
    if last.stop is not None:
        return taking.start is None or taking.start - last.stop <= _DAY
    if last.state == "active" or taking.start is None or last.start is None:
        return True
    # Of records joined before, the newest says since when the end is open.
    return taking.start - max(last.start, last.known or last.start) <= OPEN_END


def _is_dose_step(last: Taking, taking: Taking) -> bool:
    """Whether `taking` begins later with another dose."""
    if taking.start is None or last.start is None or taking.start == last.start:
        return False
    return is_step(last.dose, taking.dose)


def _merge(first: Taking, second: Taking) -> Taking:
    """One stretch from two that overlap; `second` begins no earlier than `first`."""
    newer, older = (first, second) if _is_newer(first, second) else (second, first)
    end = _end_of(first, second)
    readable = newer.dose is not None and newer.dose.amount is not None
    by_code = "code" in (first.drug.matched_by, second.drug.matched_by)
    days = [day for day in (first.recorded, second.recorded) if day]
    return Taking(
        drug=DrugMatch(first.drug.agent, "code") if by_code else first.drug,
        label=newer.label,
        references=first.references + second.references,
        start=first.start or second.start,
        stop=end.stop,
        state=end.state,
        dose=newer.dose if readable else older.dose or newer.dose,
        recorded=min(days, default=None),
        known=newer.known,
        undated=end.undated,
        disputed=_is_disputed(end, first, second),
    )


def _is_disputed(end: Taking, *others: Taking) -> bool:
    """Whether one of the others goes on by its own words although `end` is the end."""
    return end.state != "active" and any(
        other.disputed or (other.state == "active" and other.stop is None) for other in others
    )


def _end_of(first: Taking, second: Taking) -> Taking:
    """Of two overlapping records the one whose end is the end of the stretch."""
    if first.stop is not None and second.stop is not None:
        return first if first.stop > second.stop else second
    if second.stop is None and first.start and second.start and second.start > first.start:
        return second
    return first if _is_newer(first, second) else second


def _is_newer(first: Taking, second: Taking) -> bool:
    """Whether `first` is known to have been true later than `second`; active wins a draw."""
    one, other = first.known or date.min, second.known or date.min
    if one == other:
        return first.state == "active" and second.state != "active"
    return one > other


def _end_by(denial: Taking, stretches: list[Stretch]) -> bool:
    """Ends the stretch that `denial` contradicts: who does not take a drug has stopped by then."""
    day = denial.known or date.min
    for number, stretch in enumerate(stretches):
        said = stretch.taking
        goes_on = said.disputed or stretch.end is None or stretch.end > day
        if goes_on and (said.start or date.min) <= day and (said.known or date.min) < day:
            ended = replace(
                said,
                stop=min(stretch.end or day, day),
                state="stopped",
                known=day,
                undated=False,
                disputed=False,
                references=said.references + denial.references,
            )
            stretches[number] = replace(stretch, taking=ended)
            return True
    return False


def _episode(stretch: Stretch, index: Index) -> Episode:
    taking, end = stretch.taking, stretch.end
    if taking.state == "not-taken":
        raise AssertionError("a denial is no episode")
    return Episode(
        agent=taking.drug.agent,
        drug_class=index.drug(taking.drug.agent).drug_class,
        references=tuple(sorted(taking.references)),
        start=taking.start,
        stop=end,
        status=taking.state,
        dose=taking.dose,
        recorded=taking.recorded,
        matched_by=taking.drug.matched_by,
        label=taking.label,
        last_dose=end or stretch.given,
        supplied=stretch.supplied,
        gaps=stretch.gaps,
        undated=taking.undated,
        known=taking.known,
        disputed=taking.disputed,
    )
