"""A course of a drug: whether it is taken now, and from when to when it disturbs the axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from smartapp.knowledge.catalogue import Drug
from smartapp.patient.record import Episode


@dataclass(frozen=True, slots=True)
class Course:
    """One episode and what follows from it.

    active   certainly taken now; a drug of unknown end is not (clinical rules 4.1)
    since    last day before it could act; a draw on the day it began is still a baseline
    until    first day on which it disturbs no more (after its wash-out); date.max while taken
    """

    episode: Episode
    drug: Drug
    active: bool
    since: date
    until: date

    @property
    def acts_on_axis(self) -> bool:
        return self.drug.hpg_active

    def disturbs(self, first: date, last: date | None = None) -> bool:
        """Whether it disturbs the axis on any day from `first` to `last`."""
        return self.acts_on_axis and self.since < (last or first) and first < self.until


def course_of(episode: Episode, drug: Drug, today: date, unknown_stop: int) -> Course:
    """The course of `episode` as seen on `today`; an end after today has not happened yet."""
    if episode.stop is not None and episode.stop > today:
        episode = replace(episode, stop=None, status="active")
    since = episode.start or date.min
    washout = timedelta(days=drug.washout_days or 0)
    if episode.stop is not None:
        return Course(episode, drug, False, since, episode.stop + washout)
    if episode.status == "active":
        return Course(episode, drug, True, since, date.max)
    # The end is not known: in wash-out for so long after the start, never taken for certain. The
    # last order, supply or dose on record is a start too: he may have gone on from there.
    days = (episode.start, episode.known or episode.recorded, episode.last_dose)
    began = max((day for day in days if day is not None), default=None)
    until = date.max if began is None else began + timedelta(days=unknown_stop)
    return Course(episode, drug, False, since, until)


def disturbing(courses: tuple[Course, ...], first: date, last: date | None = None) -> Course | None:
    """The first course that disturbs the axis on any day from `first` to `last`."""
    for course in courses:
        if course.disturbs(first, last):
            return course
    return None


def untreated_until(courses: tuple[Course, ...], today: date) -> date | None:
    """The last day before the present treatment, wash-outs of earlier drugs included.

    None when no drug disturbs the axis today; date.min when the beginning is not known.
    """
    started = [c.since for c in courses if c.acts_on_axis and (c.active or c.disturbs(today))]
    if not started:
        return None
    first = min(started)
    moved = True
    while moved:
        moved = False
        for course in courses:
            if course.acts_on_axis and course.since < first <= course.until:
                first, moved = course.since, True
    return first


def began(courses: tuple[Course, ...], agents: frozenset[str], gap: int) -> date | None:
    """Start of the present run of the agents: episodes closer than `gap` days are one run."""
    runs = [c.episode for c in courses if c.episode.agent in agents]
    starts = [c.episode.start for c in courses if c.active and c.episode.agent in agents]
    known = [s for s in starts if s is not None]
    if not known:
        return None
    first = min(known)
    for episode in sorted(runs, key=lambda e: e.start or date.min, reverse=True):
        if episode.start is None or episode.start >= first:
            continue
        if episode.stop is None or (first - episode.stop).days <= gap:
            first = episode.start
    return first
