"""The next published step of a drug: up, down, or none (evidence base 4.1)."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from smartapp.engine.exposure import HCG
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
        found = next_steps(report.case.knowledge, agent, dose, way)
        if not found:
            said.append(wording.say("step", "highest" if way == "up" else "lowest", words))
        else:
            words["regimen"] = ", or ".join(regimen.text for regimen in found)
            said.append(wording.say("step", way, words))
    return " ".join(said)


def next_steps(knowledge: Knowledge, agent: str, weekly: Decimal, way: Way) -> tuple[Regimen, ...]:
    """The published regimens of that drug next above, or next below, a weekly dose; several when
    they come to the same."""
    drug = knowledge.catalogue.drugs[agent]
    # Regimens are told of the drug, or of the class it is a form of.
    known = [r for r in knowledge.regimens.values() if r.agent in (agent, drug.drug_class)]
    beyond = [r for r in known if (r.per_week > weekly if way == "up" else r.per_week < weekly)]
    if not beyond:
        return ()
    pick = min if way == "up" else max
    nearest = pick(r.per_week for r in beyond)
    return tuple(r for r in beyond if r.per_week == nearest)


def _weekly(treatment: Treatment, agent: str) -> Decimal | None:
    unit = "[IU]" if agent in HCG else "mg"
    doses = [per_week(c.episode.dose, unit) for c in treatment.courses if c.episode.agent == agent]
    known = [dose for dose in doses if dose is not None]
    return sum(known, Decimal(0)) if len(known) == len(doses) else None
