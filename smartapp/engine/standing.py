"""Where the man stands (clinical rules 7): the status of the recommendation and its reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from smartapp.engine.assessment import Evidence, RecommendationStatus
from smartapp.engine.axis import PITUITARY_DEFICIENCY, AxisView
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.gate import Item, judge_gate, undiagnosed_low_lh
from smartapp.engine.stops import OPTIONS, Against, judge_stops
from smartapp.engine.symptoms import Symptoms, judge_symptoms

_NOT_INDICATED = ("eugonadal", "compensated", "isolated-fsh")
_SPECIALIST_STATES = ("suppressed", "mixed", "primary")
# Diagnoses that are the specialist's whatever the laboratory says (rules 5c, 5f, 7).
_SPECIALIST_DIAGNOSES = (
    "klinefelter",
    "sex-chromosome-mosaic",
    "gonadal-dysgenesis-partial",
    "intracranial-lesion",
)
# Without these no man is a candidate. A server without Procedure is an ordinary server.
_MUST_BE_READ = frozenset({"problems", "therapy", "allergies", "labs", "safety-labs"})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a status: a key of the wording's [specialist] section, and what it rests on."""

    key: str
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """The status, first match of rules 7, and everything it was weighed on.

    path        "E1" symptomatic secondary, "E3" pituitary deficiency; None: no indication
    specialist  why it is the specialist's
    gate        open points of rules 6
    against     the matrix, by agent
    would_be    a candidate but for what stands against the agents
    """

    status: RecommendationStatus
    path: Literal["E1", "E3"] | None
    symptoms: Symptoms
    specialist: tuple[Reason, ...]
    gate: tuple[Item, ...]
    against: Mapping[str, Against]
    would_be: bool = False

    @property
    def agents_of_path(self) -> tuple[str, ...]:
        """The agents the indication speaks for: E3 is for hCG only (rules 6)."""
        return ("hcg",) if self.path == "E3" else OPTIONS


def judge_standing(case: Case, view: AxisView, agents: tuple[str, ...]) -> Standing:
    """The status, with the matrix read for the options and for `agents`."""
    symptoms, gate = judge_symptoms(case), judge_gate(case, view)
    against = judge_stops(case, view, dict.fromkeys((*OPTIONS, *agents)))
    path = _path(case, view, symptoms)
    specialist = tuple(_specialist(case, view))
    draft = Standing("candidate", path, symptoms, specialist, gate, against)
    status = _before_candidate(case, view, draft)
    if status is not None:
        return Standing(status, path, symptoms, specialist, gate, against)
    left = [against[agent] for agent in draft.agents_of_path if eligible(case, against[agent])]
    if left:
        return Standing("candidate", path, symptoms, specialist, gate, against, would_be=True)
    # An agent that is not blocked, only not cleared, waits for the missing datum.
    unclear = any(not a.absolute and a.unclear for a in map(against.get, draft.agents_of_path) if a)
    status = "confirm-first" if unclear else "not-suitable"
    return Standing(status, path, symptoms, specialist, gate, against, would_be=not unclear)


def approved(case: Case, agent: str) -> bool:
    """Whether the agent may be an option at all: enclomiphene only where the site says so."""
    return agent != "enclomiphene" or case.protocol.options.allow_unapproved


def eligible(case: Case, against: Against) -> bool:
    """Whether nothing absolute stands against the agent, and nothing is left unclear."""
    return approved(case, against.agent) and not against.absolute and not against.unclear


def _path(case: Case, view: AxisView, symptoms: Symptoms) -> Literal["E1", "E3"] | None:
    if view.now.state != "secondary":
        return None
    if any(True for _ in case.with_concepts(PITUITARY_DEFICIENCY)):
        return "E3"
    return "E1" if symptoms.answer == "present" else None


def _before_candidate(
    case: Case, view: AxisView, standing: Standing
) -> RecommendationStatus | None:
    """Every status that comes before "every agent blocked" and "candidate"; None if none does."""
    now = view.now
    if view.acting is not None:
        return "on-therapy"
    if view.untreated.severe.holds:
        return "not-suitable"
    if _no_data(view) and not standing.specialist:
        return "cannot-assess"
    if standing.specialist:
        return "specialist"
    if now.state in _NOT_INDICATED:
        return "not-indicated"
    settled = (
        now.state == "secondary"
        and now.unknown_step is None
        and now.severe.holds is False
        and not standing.gate
        and standing.path is not None
        and not case.unread & _MUST_BE_READ
    )
    return None if settled else "confirm-first"


def _no_data(view: AxisView) -> bool:
    """No testosterone of any kind in the window, and no drug that explains its absence."""
    samples = view.now.samples
    return (
        not samples.valid
        and not samples.invalid
        and samples.withheld is None
        and view.washing is None
    )


def _specialist(case: Case, view: AxisView) -> Iterator[Reason]:
    now = view.untreated
    if now.state in _SPECIALIST_STATES:
        yield Reason(now.state, now.evidence)
    if now.low.borderline:
        yield Reason("low-free-t-only", now.low.evidence)
    if undiagnosed_low_lh(case, view) and now.low.answer == "low":
        yield Reason("lh-undiagnosed", now.evidence)
    if now.severe.side_unknown:
        yield Reason("side-unknown", now.severe.side_unknown)
    if now.severe.flat_test_normal:
        yield Reason("flat-test", now.severe.flat_test_normal)
    data = not _no_data(view)
    for concept in _SPECIALIST_DIAGNOSES:
        if concept == "intracranial-lesion" and not data:
            continue  # a lesion alone says nothing of the axis
        found = tuple(
            evidence_of_problem(p, "fired") for p in case.with_concepts(frozenset({concept}))
        )
        if found:
            yield Reason(concept, found)
