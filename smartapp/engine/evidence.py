"""A diagnosis or a drug as evidence, in the record's own words."""

from __future__ import annotations

from smartapp.engine.assessment import Evidence
from smartapp.engine.course import Course
from smartapp.patient.record import Problem


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
