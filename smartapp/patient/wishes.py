"""What the man wants: a child, and to keep his own testosterone (clinical-rules 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, tzinfo
from typing import NamedTuple

from smartapp.fhir.resources import Goal, Observation
from smartapp.patient.coding import label, words
from smartapp.patient.days import first_day
from smartapp.patient.record import Problem, Wishes, YesNo

_CHILD = re.compile(
    r"fertil|conceiv|concepti|\bchild|father|pregnan|start(?:ing)? a family|family planning"
    r"|paternity|procreat|sperm"
)
_OWN = re.compile(
    r"(?:own|endogenous|natural|body'?s) (?:\w+ ){0,3}(?:testosterone|production|hormone)"
    r"|(?:avoid|without|no|instead of|rather than) (?:exogenous )?testosterone"
    r"|recalibrat"
)
_NEGATED = re.compile(
    r"\b(?:no|not|never|without|doesn't|don't|declines?|against)\b (?:\w+ ){0,4}"
    r"(?:child|fertil|conceiv|pregnan|father|wish|desire|want|plan)"
    r"|family (?:is )?complete|completed (?:his |their )?family|childless by choice|contracepti"
)
_YES = frozenset({"yes", "y", "true", "wanted", "desired", "positive"})
_NO = frozenset({"no", "n", "false", "not wanted", "not desired", "negative"})
_GOAL_VOID = frozenset({"entered-in-error", "rejected", "cancelled", "completed"})
_WISH_CONCEPTS = frozenset({"fertility-wish", "male-infertility"})
_END_CONCEPT = "sterilization"


class Word(NamedTuple):
    """One datum about a wish. `day` None: undated, older than anything dated."""

    day: date | None
    answer: YesNo
    source: str


def read_wishes(
    problems: Iterable[Problem],
    goals: Iterable[Goal],
    observations: Iterable[Observation],
    local: tzinfo | None,
) -> Wishes:
    """The newest word on each wish; unknown when nobody asked or wrote it down.

    A sterilization after the wish ends it. How old a word may be is for the rules to say: its date
    goes with it.
    """
    child: list[Word] = [*_from_problems(problems)]
    own: list[Word] = []
    for text, word in (*_from_goals(goals, local), *_from_observations(observations, local)):
        if _OWN.search(text):
            own.append(word._replace(answer="yes"))
        elif _CHILD.search(text) or _NEGATED.search(text):
            child.append(word)
    fertility, endogenous = _newest(child), _newest(own)
    shown = fertility or endogenous
    return Wishes(
        fertility=fertility.answer if fertility else "unknown",
        endogenous=endogenous.answer if endogenous else "unknown",
        source=shown.source if shown else None,
        date=shown.day if shown else None,
    )


def _from_problems(problems: Iterable[Problem]) -> Iterator[Word]:
    for problem in problems:
        if problem.refuted:
            continue
        if _END_CONCEPT in problem.concepts:
            yield Word(problem.onset or problem.recorded, "no", problem.reference)
        elif problem.concepts & _WISH_CONCEPTS:
            yield Word(problem.recorded or problem.onset, "yes", problem.reference)


def _from_goals(goals: Iterable[Goal], local: tzinfo | None) -> Iterator[tuple[str, Word]]:
    for goal in goals:
        if (goal.lifecycleStatus or "").lower() in _GOAL_VOID:
            continue
        text = " ".join(words(goal.description)).lower()
        answer: YesNo = "no" if _NEGATED.search(text) else "yes"
        day = first_day(goal.statusDate or goal.startDate, local)
        yield text, Word(day, answer, f"Goal/{goal.id}" if goal.id else "Goal without id")


def _from_observations(
    observations: Iterable[Observation], local: tzinfo | None
) -> Iterator[tuple[str, Word]]:
    """Answers to a question about the wish. A result that is a number is no answer to one."""
    for row in observations:
        if row.valueBoolean is None and row.valueCodeableConcept is None:
            continue
        if row.status in ("entered-in-error", "cancelled", "registered"):
            continue
        answer = _answer(row)
        if answer is None:
            continue
        day = first_day(row.effectiveDateTime or row.issued, local)
        source = f"Observation/{row.id}" if row.id else "Observation without id"
        yield " ".join(words(row.code)).lower(), Word(day, answer, source)


def _answer(row: Observation) -> YesNo | None:
    if row.valueBoolean is not None:
        return "yes" if row.valueBoolean else "no"
    said = label(row.valueCodeableConcept).strip().lower()
    if said in _YES or said.startswith(("yes", "wants", "wishes", "desires")):
        return "yes"
    return "no" if said in _NO or said.startswith(("no,", "no ", "does not")) else None


def _newest(found: Iterable[Word]) -> Word | None:
    """The newest word. Two of one day that disagree: the one that ends the wish was asked last."""
    return max(found, key=lambda w: (w.day or date.min, w.answer == "no", w.source), default=None)
