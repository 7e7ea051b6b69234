"""The next published step of a drug: up, down, or none (evidence base 4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Literal

from smartapp.engine.report import Report
from smartapp.engine.treatment import Treatment, per_week
from smartapp.knowledge import Knowledge
from smartapp.knowledge.regimens import Regimen

Way = Literal["up", "down"]


def say_steps(report: Report, treatment: Treatment, way: Way) -> str:
    """For each recalibration drug taken, the next published step in words. Never an order."""
    wording = report.case.knowledge.wording
    said = []
    for agent in treatment.leading:
        words = {"agent": report.name(agent)}
        dose = _weekly(treatment, agent)
        if dose is None:
            said.append(wording.say("step", "unread", words))
            continue
        found = next_step(report.case.knowledge, agent, dose, way)
        if found is None:
            said.append(wording.say("step", "highest" if way == "up" else "lowest", words))
        else:
            said.append(wording.say("step", way, {**words, "regimen": found.text}))
    return " ".join(said)


def next_step(knowledge: Knowledge, agent: str, weekly: Decimal, way: Way) -> Regimen | None:
    """The published regimen of that drug next above, or next below, a weekly dose."""
    known: Iterable[Regimen] = (r for r in knowledge.regimens.values() if r.agent == agent)
    if way == "up":
        above = [r for r in known if r.per_week > weekly]
        return min(above, key=lambda r: r.per_week, default=None)
    below = [r for r in known if r.per_week < weekly]
    return max(below, key=lambda r: r.per_week, default=None)


def _weekly(treatment: Treatment, agent: str) -> Decimal | None:
    unit = "[IU]" if agent == "hcg" else "mg"
    doses = [per_week(c.episode.dose, unit) for c in treatment.courses if c.episode.agent == agent]
    known = [dose for dose in doses if dose is not None]
    return sum(known, Decimal(0)) if known and len(known) == len(doses) else None
