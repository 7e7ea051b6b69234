"""Therapy: what the man takes for or against the axis, and for how long."""

from __future__ import annotations

from typing import Literal

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Therapy, TherapyAgent
from smartapp.engine.case import Case
from smartapp.engine.course import Course, began
from smartapp.engine.report import Report

Status = Literal["none", "recalibration", "testosterone", "other-androgen", "adjunct"]

_SHOWN = ("recalibration", "adjunct", "androgen", "gnrh")


def judge_therapy(case: Case) -> Therapy:
    """The therapy now; every course of a drug of the axis, oldest first, whether over or not."""
    active = [c for c in case.courses if c.active and c.drug.role in _SHOWN]
    status = _status(active)
    leading = frozenset(c.episode.agent for c in active if _status([c]) == status)
    start = began(case.courses, leading, case.protocol.axis.episode_gap)
    return Therapy(
        status,
        tuple(_agent(c) for c in case.courses if c.drug.role in _SHOWN),
        None if start is None or status == "none" else (case.today - start).days // 7,
    )


def say_undated(report: Report) -> None:
    """Tells of drugs whose status changed on a day nobody wrote down: for an earlier day it is
    known only as it stands today."""
    agents = dict.fromkeys(
        c.episode.agent for c in report.case.courses if c.episode.undated and c.drug.role in _SHOWN
    )
    for agent in agents:
        report.open(
            Abstention(
                "R-DX-04",
                "cannot-assess",
                "status-undated",
                "state-stop",
                decisive=False,
                words={"agent": report.name(agent)},
            )
        )


def _status(active: list[Course]) -> Status:
    """The strongest word that fits: a man on testosterone and an inhibitor is on testosterone."""
    if any(c.drug.role == "recalibration" for c in active):
        return "recalibration"
    if any(c.drug.drug_class == "testosterone" for c in active):
        return "testosterone"
    if any(c.drug.role == "androgen" for c in active):
        return "other-androgen"
    return "adjunct" if any(c.drug.role == "adjunct" for c in active) else "none"


def _agent(course: Course) -> TherapyAgent:
    episode = course.episode
    return TherapyAgent(
        episode.agent,
        episode.start,
        episode.stop,
        episode.status,
        episode.dose,
        episode.references[0] if episode.references else "",
    )
