"""What is no laboratory value as evidence: a diagnosis, a drug, an answer of the man."""

from __future__ import annotations

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.course import Course
from smartapp.engine.span import show
from smartapp.patient.record import EndpointReading, Problem


def evidence_of_problem(problem: Problem, role: str) -> Evidence:
    """A diagnosis or procedure as evidence, in the record's own words."""
    return Evidence(
        problem.reference, None, None, None, None, problem.onset or problem.recorded, role,
        problem.text,
    )  # fmt: skip


def evidence_of_course(course: Course, role: str) -> Evidence:
    """A drug as evidence, in the record's own words."""
    episode = course.episode
    return Evidence(
        episode.references[0] if episode.references else "",
        None,
        None,
        None,
        None,
        episode.start,
        role,
        episode.label,
    )


def name_of_answer(case: Case, reading: EndpointReading) -> str:
    """What was asked, by its name in the knowledge."""
    questionnaires = case.knowledge.catalogue.questionnaires
    tool = None if questionnaires is None else questionnaires.tools.get(reading.tool)
    known = None if tool is None else tool.items.get(reading.item)
    return known.name if known is not None else tool.name if tool is not None else reading.tool


def evidence_of_answer(case: Case, reading: EndpointReading, role: str) -> Evidence:
    """What the man reported, as evidence in words: it is no laboratory value."""
    answer = show(reading.value)
    return Evidence(
        reading.reference,
        None,
        None,
        None,
        f"{answer} ({show(reading.low)}-{show(reading.high)})",
        reading.effective,
        role,
        f"{name_of_answer(case, reading)}: {answer}",
    )
