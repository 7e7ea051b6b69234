"""What a man is exposed to: the drugs of the axis he takes now, and since when unbroken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.course import Course, began
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.facts import SERM_AGENTS
from smartapp.patient.record import Problem

_ROLES = ("recalibration", "adjunct", "androgen")
INHIBITOR = frozenset({"anastrozole", "letrozole", "exemestane"})
HCG = frozenset({"hcg", "hcg-alfa"})
INJECTED = HCG | {"fsh", "testosterone-short", "testosterone-long"}


@dataclass(frozen=True, slots=True)
class Exposure:
    """`begun` is None when the beginning is not known: then all on record counts as under it."""

    courses: tuple[Course, ...]
    begun: date | None

    def after(self, drawn: date) -> bool:
        """Whether a draw tells of the drugs; one on the day they began is still a baseline."""
        return self.begun is None or drawn > self.begun

    def since(self, day: date) -> bool:
        """Whether an event happened under the drugs, their first day included."""
        return self.begun is None or day >= self.begun

    def includes(self, agents: Iterable[str]) -> bool:
        return any(c.episode.agent in agents for c in self.courses)

    @property
    def serm(self) -> bool:
        return self.includes(SERM_AGENTS)

    def evidence(self) -> tuple[Evidence, ...]:
        return tuple(evidence_of_course(c, "under") for c in self.courses)


def exposure_of(case: Case, agents: frozenset[str] | None = None) -> Exposure | None:
    """What is certainly taken now, of `agents` or of any drug of the axis; None if nothing is."""
    courses = tuple(
        c
        for c in case.courses
        if c.active and (c.drug.role in _ROLES if agents is None else c.episode.agent in agents)
    )
    if not courses:
        return None
    begun = None
    if all(c.episode.start is not None for c in courses):
        taken = frozenset(c.episode.agent for c in courses)
        begun = began(case.courses, taken, case.protocol.axis.episode_gap)
    return Exposure(courses, begun)


def day_of(problem: Problem) -> date | None:
    """When a problem began, as far as it is told."""
    return problem.onset or problem.recorded
