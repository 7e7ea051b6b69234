"""Who this is: the strip at the head of every page, so that no page is read for another man."""

from __future__ import annotations

from dataclasses import dataclass

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import drug_name
from smartapp.engine.assessment import TherapyAgent
from smartapp.knowledge.catalogue import Catalogue

SEX = {"male": "male", "not-male": "not male", "unknown": "not certain"}


@dataclass(frozen=True, slots=True)
class Strip:
    """`full` is False where the EHR shows its own banner; the name stays as a small line."""

    full: bool
    name: str
    born: str
    age: str
    sex: str
    sex_basis: str
    deceased: bool
    wish: str
    therapy: tuple[str, ...]
    reference: str


def strip(chart: Chart, catalogue: Catalogue) -> Strip:
    who = chart.record.demographics
    age = who.age(chart.assessment.as_of.date())
    return Strip(
        full=chart.context.need_patient_banner,
        name=who.name or "Name not recorded",
        born=figures.day(who.birth_date) if who.birth_date else "birth date not recorded",
        age="age not known" if age is None else f"{age} years",
        sex=SEX[who.sex],
        sex_basis=who.sex_basis,
        deceased=who.deceased,
        wish=words.YES_NO[chart.assessment.wishes.fertility],
        therapy=therapy_lines(chart, catalogue),
        reference=who.reference,
    )


def therapy_lines(chart: Chart, catalogue: Catalogue) -> tuple[str, ...]:
    """One line per drug that goes on: "Clomiphene 25 mg daily since 3 Aug 2026 (16 weeks)"."""
    therapy = chart.assessment.therapy
    running = [agent for agent in therapy.agents if agent.status != "stopped"]
    if not running:
        return (words.THERAPY[therapy.status],)
    lines = []
    for agent in running:
        line = _line(agent, catalogue)
        if therapy.weeks is not None and len(running) == 1:
            line += f" ({therapy.weeks} weeks)"
        lines.append(line)
    return tuple(lines)


def _line(agent: TherapyAgent, catalogue: Catalogue) -> str:
    parts = [drug_name(catalogue, agent.agent)]
    if agent.dose and agent.dose.text:
        parts.append(agent.dose.text)
    if agent.start:
        parts.append(f"since {figures.day(agent.start)}")
    if agent.status == "uncertain":
        parts.append("(end not known)")
    return " ".join(parts)
