"""Symptoms of testosterone deficiency on record (E1, clinical rules 6). None recorded: unknown."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_answer, evidence_of_problem
from smartapp.knowledge.questionnaires import TOTAL
from smartapp.patient.record import EndpointReading

_STRONG = (
    "low-libido",
    "erectile-dysfunction",
    "depression",
    "gynecomastia",
    "osteoporosis",
    "hot-flush",
)
# These name the illness, not a complaint: they count only where their words tell of symptoms.
_IF_SYMPTOMATIC = ("hypogonadism", "pituitary-deficiency")
_WEAK = ("fatigue",)
_SCALES = ("energy", "libido")


@dataclass(frozen=True, slots=True)
class Symptoms:
    """ "present" is enough for E1; "weak" (fatigue alone), "none" (he was asked, and named none)
    and "unknown" are not."""

    answer: Literal["present", "weak", "none", "unknown"]
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the figure at which it becomes a symptom, and whether it is one."""

    reading: EndpointReading
    cut: Decimal
    symptom: bool


def judge_symptoms(case: Case) -> Symptoms:
    """What is active, was recorded or was answered within the last two years."""
    strong = _recorded(case, _STRONG) + tuple(
        e for e in _recorded(case, _IF_SYMPTOMATIC) if "symptom" in (e.note or "").lower()
    )
    told = answers(case) if case.told else ()
    strong += tuple(evidence_of_answer(case, a.reading, "symptom") for a in told if a.symptom)
    if strong:
        return Symptoms("present", strong)
    weak = _recorded(case, _WEAK)
    if weak:
        return Symptoms("weak", weak)
    said = tuple(evidence_of_answer(case, a.reading, "no-symptom") for a in told)
    return Symptoms("none" if said else "unknown", said)


def answers(case: Case) -> tuple[Answer, ...]:
    """His newest answer on each scale that tells of E1."""
    cuts = case.protocol.symptoms
    scales = {("qadam", TOTAL): cuts.qadam, ("ams", TOTAL): cuts.ams}
    scales |= {("nrs", item): cuts.scale for item in _SCALES}
    found = []
    for key, cut in scales.items():
        told = case.told.get(key)
        if told and case.within(told[-1].day, case.protocol.gate.recent_days):
            value, well = told[-1].value, told[-1].better
            symptom = value <= cut if well == "high" else value >= cut
            found.append(Answer(told[-1], cut, symptom))
    return tuple(found)


def _recorded(case: Case, concepts: tuple[str, ...]) -> tuple[Evidence, ...]:
    days = case.protocol.gate.recent_days
    found = (case.recent(frozenset({concept}), days) for concept in concepts)
    return tuple(evidence_of_problem(p, "symptom") for p in found if p is not None)
