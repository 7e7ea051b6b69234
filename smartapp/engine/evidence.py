"""What is no laboratory value as evidence: a diagnosis, a drug, an answer of the man."""

from __future__ import annotations

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.course import Course
from smartapp.engine.span import show
from smartapp.patient.record import EndpointReading, Problem

_UNDATED = "over since a day nobody wrote down: known only as it stands today"


def evidence_of_problem(problem: Problem, role: str) -> Evidence:
    """A diagnosis or procedure as evidence, in the record's own words.

    One that is over since nobody knows when is marked: on an earlier day it may have been active.
    """
    over = problem.active is False and problem.abated is None
    note = f"{problem.text}; {_UNDATED}" if over else problem.text
    return Evidence(
        problem.reference, None, None, None, None, problem.onset or problem.recorded, role, note
    )


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
