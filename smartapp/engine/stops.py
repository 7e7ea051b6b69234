"""What stands against each agent: the contraindication matrix read for one man (rules 8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import AxisView
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_course, evidence_of_problem
from smartapp.engine.facts import FACT, NO, UNKNOWN, Judged
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import every, span_of, times
from smartapp.knowledge.matrix import (
    ALLERGY,
    ANYTHING,
    AllergyTest,
    DrugTest,
    FactTest,
    Grade,
    LabTest,
    ProblemTest,
    Row,
    Test,
)
from smartapp.patient.record import Allergy, Problem

OPTIONS = ("clomiphene", "enclomiphene", "hcg")
# The row that repeats a state of the axis.
SEVERE = "severe-primary"


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that holds for one agent."""

    row: Row
    grade: Grade
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """All that stands against one agent.

    unclear    absolute rows that could not be excluded; `open`: lesser ones that could not
    """

    agent: str
    hits: tuple[Hit, ...]
    unclear: tuple[Row, ...]
    open: tuple[Row, ...] = ()

    @property
    def absolute(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if hit.grade == "A")

    @property
    def lesser(self) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.hits if hit.grade != "A")


def judge_stops(case: Case, view: AxisView, agents: Iterable[str]) -> Mapping[str, Against]:
    """The matrix for each of `agents`. A row that asks nothing of the agent is judged once."""
    hits: dict[str, list[Hit]] = {agent: [] for agent in agents}
    unclear: dict[str, list[Row]] = {agent: [] for agent in hits}
    open_: dict[str, list[Row]] = {agent: [] for agent in hits}
    taken = {c.episode.agent for c in case.courses if c.active}
    on_record = _on_record(case)
    for row in case.knowledge.matrix:
        if on_record is not None and row.touches.isdisjoint(on_record):
            continue
        shared: Judged | None = None
        for agent in hits:
            grade = row.grades.get(agent)
            if grade is None or (row.new_only and agent in taken):
                continue
            judged = shared
            if judged is None:
                judged = _judge(case, view, row, agent)
                shared = None if row.per_agent else judged
            if judged.answer:
                hits[agent].append(Hit(row, grade, judged.evidence))
            elif judged.answer is None:
                (unclear if grade == "A" else open_)[agent].append(row)
    return {
        agent: Against(agent, tuple(found), tuple(unclear[agent]), tuple(open_[agent]))
        for agent, found in hits.items()
    }


def _on_record(case: Case) -> set[str] | None:
    """What rows may touch; None when something could not be read, for then absence is nothing."""
    if case.unread:
        return None
    names = {ANYTHING, *case.problems, *case.readings, *case.withheld}
    for course in case.courses:
        if course.active or course.episode.disputed:
            names.update((course.episode.agent, course.episode.drug_class))
    if case.allergies:
        names.add(ALLERGY)
    return names


def _judge(case: Case, view: AxisView, row: Row, agent: str) -> Judged:
    """True as soon as one test is, with the evidence of all that are."""
    found = NO
    for test in row.tests:
        judged = _test(case, view, test, agent)
        if judged.answer:
            found = Judged(True, found.evidence + judged.evidence)
        elif judged.answer is None and found.answer is False:
            found = judged
    return found


def _test(case: Case, view: AxisView, test: Test, agent: str) -> Judged:
    if isinstance(test, ProblemTest):
        return _problem(case, test)
    if isinstance(test, LabTest):
        return _lab(case, test)
    if isinstance(test, FactTest):
        return FACT[test.fact](case, view)
    if isinstance(test, DrugTest):
        return _drug(case, test)
    return _allergy(case, test, agent)


def _problem(case: Case, test: ProblemTest) -> Judged:
    if not test.concepts.isdisjoint(case.problems.keys()):
        found = tuple(
            evidence_of_problem(p, "blocks")
            for p in case.with_concepts(test.concepts)
            if _is(case, p, test)
        )
        if found:
            return Judged(True, found)
    return UNKNOWN if "problems" in case.unread else NO


def _is(case: Case, problem: Problem, test: ProblemTest) -> bool:
    if test.when == "ever":
        return True
    active = problem.active is not False and problem.abated is None
    if test.when in ("active", "inactive"):
        return active is (test.when == "active")
    day = problem.onset or problem.recorded
    young = day is None or (case.today - day).days <= test.days
    if test.when == "event":
        return young and (day is not None or active)
    # An event without a date is recent while it is active (rules 8, VTE).
    recent = active and young
    return recent if test.when == "recent" else not recent


def _lab(case: Case, test: LabTest) -> Judged:
    withheld = case.withheld.get(test.analyte)
    if withheld is not None:
        return UNKNOWN
    reading = case.newest(test.analyte, test.days)
    if reading is None:
        return UNKNOWN if case.unread & {"labs", "safety-labs"} else NO
    limit = case.range_of(reading).high if test.of_uln else Decimal(1)
    span = span_of(reading)
    answers = [
        compare(cut)
        for bound, compare in (
            (test.above, span.above),
            (test.at_least, span.at_least),
            (test.below, span.below),
            (test.up_to, span.up_to),
        )
        if bound is not None and (cut := times(limit, bound)) is not None
    ]
    if not answers:
        return UNKNOWN
    answer = every(answers)
    evidence = (evidence_of(reading, "blocks", ranged=test.of_uln),) if answer else ()
    return Judged(answer, evidence)


def _drug(case: Case, test: DrugTest) -> Judged:
    unknown = "therapy" in case.unread
    for course in case.courses:
        if course.episode.drug_class in test.classes or course.episode.agent in test.agents:
            if course.active:
                return Judged(True, (evidence_of_course(course, "blocks"),))
            unknown |= course.episode.disputed
    return UNKNOWN if unknown else NO


def _allergy(case: Case, test: AllergyTest, agent: str) -> Judged:
    drugs = case.knowledge.catalogue.drugs
    own = test.group is None
    group = drugs[agent].allergy_group if own else test.group
    found = tuple(
        _evidence_of_allergy(allergy)
        for allergy in case.allergies
        if allergy.type == test.type
        and any(
            (own and key == agent) or (group is not None and drugs[key].allergy_group == group)
            for key in allergy.agents
            if key in drugs
        )
    )
    if found:
        return Judged(True, found)
    return UNKNOWN if "allergies" in case.unread else NO


def _evidence_of_allergy(allergy: Allergy) -> Evidence:
    return Evidence(
        allergy.reference, None, None, None, None, allergy.recorded, "blocks", allergy.text
    )
