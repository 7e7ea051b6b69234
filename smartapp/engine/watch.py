"""What every rule of the action table shares: the newest result under exposure, tiers, events.

A result that cannot be used, or that only gives a limit, leaves its rule open with what settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_answer
from smartapp.engine.exposure import Exposure, day_of
from smartapp.engine.report import Report
from smartapp.engine.span import show
from smartapp.labs.reading import Reading
from smartapp.patient.record import Problem

_SIGNS = "signs"


@dataclass(frozen=True, slots=True)
class Watch:
    """One rule of the action table at work on one man under exposure."""

    report: Report
    exposure: Exposure
    code: str
    rule: str

    @property
    def case(self) -> Case:
        return self.report.case

    def newest(self, analyte: str, days: int, *, expected: bool = False) -> Reading | None:
        """The newest result within `days`, if it was drawn under the exposure.

        When it cannot be used, or is `expected` and there is none, the rule is left open.
        """
        withheld = self.case.withheld.get(analyte)
        if withheld is not None:
            self.open("result-withheld", "repeat", analyte)
            return None
        reading = self.case.newest(analyte, days)
        if reading is None:
            if expected and not self.case.unread:
                self.open("not-measured", "measure", analyte)
            return None
        return reading if self.exposure.after(reading.drawn) else None

    def baseline(self, analyte: str, days: int | None = None) -> Reading | None:
        """The last whole result before the treatment began, not older than `days` then.

        Of values that disagree the best: a change is not hidden by the worse one.
        """
        begun = self.exposure.begun
        if begun is None:
            return None
        for reading in reversed(self.case.readings.get(analyte, ())):
            reading = self.case.other_end(reading)
            if reading.drawn <= begun and not reading.censored:
                old = (begun - reading.drawn).days
                return reading if days is None or old <= days else None
        return None

    def gravest(self, analyte: str, tiers: Sequence[tuple[str, bool | None]]) -> str | None:
        """The first tier that surely holds; a graver one that may hold leaves the rule open."""
        for level, answer in tiers:
            if answer is None:
                self.open("result-censored", "repeat", analyte)
                return next((lesser for lesser, holds in tiers if holds is True), None)
            if answer:
                return level
        return None

    def events(self, concepts: frozenset[str], *, since: bool = True) -> tuple[Problem, ...]:
        """Problems not over that began under the treatment (or before it: `since` False).

        One without any date leaves the rule open.
        """
        found = []
        for problem in self.case.with_concepts(concepts):
            if problem.active is False or problem.abated is not None:
                continue
            day = day_of(problem)
            if day is None and self.exposure.begun is not None:
                if since:
                    self.open("event-undated", "ask-date")
            elif day is None or self.exposure.since(day) is since:
                found.append(problem)
        return tuple(found)

    def sign(self, item: str) -> tuple[Evidence, ...]:
        """The man's own newest answer about a sign, where it was yes under the treatment."""
        return told_sign(self.case, self.exposure, item)

    def open(self, reason: str, fix: str, *analytes: str) -> None:
        abstention = Abstention(self.rule, self.code, reason, fix, analytes, decisive=False)
        self.report.open(abstention)

    def near_above(self, reading: Reading, cut: Decimal) -> None:
        """A near miss when the result lies just below what it would have to exceed."""
        if not reading.censored and cut - cut * self._margin <= reading.value <= cut:
            self._near("above", reading, cut)

    def near_below(self, reading: Reading, cut: Decimal) -> None:
        """A near miss when the result lies just above what it would have to fall below."""
        if not reading.censored and cut <= reading.value <= cut + cut * self._margin:
            self._near("below", reading, cut)

    def near_low_score(self, reading: Reading, cut: Decimal) -> None:
        """The same for a score below zero that did not fire: its distance is told from its size."""
        if not reading.censored and reading.value <= cut + abs(cut) * self._margin:
            self._near("below", reading, cut)

    @property
    def _margin(self) -> Decimal:
        return self.case.protocol.options.near_miss

    def _near(self, key: str, reading: Reading, cut: Decimal) -> None:
        analyte = self.case.knowledge.catalogue.analytes[reading.analyte]
        words = {
            "analyte": analyte.name,
            "value": show(reading.value),
            "cut": show(cut),
            "unit": analyte.unit,
        }
        self.report.near(self.code, self.rule, key, words)


def told_sign(
    case: Case, exposure: Exposure, item: str, days: int | None = None
) -> tuple[Evidence, ...]:
    """His newest answer about a sign, where it is yes, new, and from under these drugs."""
    told = case.told.get((_SIGNS, item))
    if not told:
        return ()
    newest = told[-1]
    new = case.within(newest.day, case.protocol.safety.sign_days if days is None else days)
    if not newest.value or not new or not exposure.since(newest.day):
        return ()
    return (evidence_of_answer(case, newest, "fired"),)


def apart(days: Iterable[date], least: int, most: int) -> bool:
    """Whether two of the dates lie so many days apart."""
    ordered = sorted(set(days))
    return any(
        least <= (later - earlier).days <= most
        for place, earlier in enumerate(ordered)
        for later in ordered[place + 1 :]
    )
