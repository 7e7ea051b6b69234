"""Who this is: the strip at the head of every page, so that no page is read for another man."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from smartapp.dashboard import figures, words
from smartapp.dashboard.bars import has_bar
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import drug_name
from smartapp.knowledge import Knowledge
from smartapp.patient.record import Dose

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


def strip(chart: Chart, knowledge: Knowledge) -> Strip:
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
        therapy=therapy_lines(chart, knowledge),
        reference=who.reference,
    )


def therapy_lines(chart: Chart, knowledge: Knowledge) -> tuple[str, ...]:
    """One line per drug that goes on: "Clomiphene, 25 mg daily, since 3 Aug 2026"."""
    therapy = chart.assessment.therapy
    running = [agent for agent in therapy.agents if agent.status != "stopped"]
    lines = [
        _line(drug_name(knowledge.catalogue, row.agent), row.dose, row.start, row.status)
        for row in running
    ]
    if lines and therapy.weeks is not None:
        lines[-1] += f", {therapy.weeks} weeks in all"
    if not running and not chart.our_ranges:
        # Not judged, but what the record says of drugs is shown all the same.
        lines = [
            _line(drug_name(knowledge.catalogue, row.agent), row.dose, row.start, row.status)
            for row in chart.record.therapy.episodes
            if row.status != "stopped" and has_bar(knowledge, row)
        ]
    return tuple(lines) or (words.THERAPY[therapy.status],)


def _line(name: str, dose: Dose | None, start: date | None, status: str) -> str:
    parts = [name]
    if dose and dose.text:
        parts.append(dose.text)
    if start:
        parts.append(f"since {figures.day(start)}")
    if status == "uncertain":
        parts.append("end not known")
    return ", ".join(parts)
