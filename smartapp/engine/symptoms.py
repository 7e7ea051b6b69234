"""Symptoms of testosterone deficiency on record (E1, clinical rules 6). None recorded: unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_problem

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


@dataclass(frozen=True, slots=True)
class Symptoms:
    """ "present" is enough for E1; "weak" (fatigue alone) and "unknown" are not."""

    answer: Literal["present", "weak", "unknown"]
    evidence: tuple[Evidence, ...] = ()


def judge_symptoms(case: Case) -> Symptoms:
    """What is active, or was recorded, within the last two years."""
    strong = _recorded(case, _STRONG) + tuple(
        e for e in _recorded(case, _IF_SYMPTOMATIC) if "symptom" in (e.note or "").lower()
    )
    if strong:
        return Symptoms("present", strong)
    weak = _recorded(case, _WEAK)
    return Symptoms("weak", weak) if weak else Symptoms("unknown")


def _recorded(case: Case, concepts: tuple[str, ...]) -> tuple[Evidence, ...]:
    days = case.protocol.gate.recent_days
    found = (case.recent(frozenset({concept}), days) for concept in concepts)
    return tuple(evidence_of_problem(p, "symptom") for p in found if p is not None)
