"""What the man wants: a child, and to keep his own testosterone (clinical-rules 11)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta, tzinfo

from smartapp.fhir.resources import Goal, Observation
from smartapp.patient.coding import label, words
from smartapp.patient.days import first_day
from smartapp.patient.record import Problem, Wishes, WishWord, YesNo

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


def read_wishes(
    problems: Iterable[Problem],
    goals: Iterable[Goal],
    observations: Iterable[Observation],
    local: tzinfo | None,
    told: Iterable[WishWord] = (),
) -> Wishes:
    """The newest word on each wish, and all of them; unknown when nobody asked or wrote it down.

    A sterilization after the wish ends it. `told`: what he answered on our own form.
    """
    found = [*_from_problems(problems), *told]
    for text, word in (*_from_goals(goals, local), *_from_observations(observations, local)):
        if _OWN.search(text):
            found.append(replace(word, about="endogenous", answer="yes"))
        elif _CHILD.search(text) or _NEGATED.search(text):
            found.append(word)
    return _summary(tuple(sorted(found, key=_order)))


def wishes_on(wishes: Wishes, day: date, days: int) -> Wishes:
    """The wishes as known on `day`: words of later days are not known yet, and one older than
    `days`, or without a date, is forgotten unless it lasts.

    Wishes that were not read from a record (`history` empty) are returned as they are.
    """
    if not wishes.history:
        return wishes
    oldest = day - timedelta(days=days)
    heard = []
    for word in wishes.history:
        if word.known is not None and word.known > day:
            continue
        if word.day is not None and word.day > day:
            word = replace(word, day=word.known)
        if word.lasting or (word.day is not None and word.day >= oldest):
            heard.append(word)
    return _summary(tuple(sorted(heard, key=_order)))


def _summary(history: tuple[WishWord, ...]) -> Wishes:
    fertility, endogenous = (
        next((word for word in reversed(history) if word.about == about), None)
        for about in ("fertility", "endogenous")
    )
    shown = fertility or endogenous
    return Wishes(
        fertility=fertility.answer if fertility else "unknown",
        endogenous=endogenous.answer if endogenous else "unknown",
        source=shown.source if shown else None,
        date=shown.day if shown else None,
        history=history,
    )


def _from_problems(problems: Iterable[Problem]) -> Iterator[WishWord]:
    for problem in problems:
        if problem.refuted:
            continue
        if _END_CONCEPT in problem.concepts:
            day, answer = problem.onset or problem.recorded, "no"
        elif problem.concepts & _WISH_CONCEPTS:
            day, answer = problem.recorded or problem.onset, "yes"
        else:
            continue
        yield WishWord(
            about="fertility",
            answer="no" if answer == "no" else "yes",
            day=day,
            known=problem.recorded or problem.onset,
            source=problem.reference,
            lasting=answer == "no" or bool(problem.active),
        )


def _from_goals(goals: Iterable[Goal], local: tzinfo | None) -> Iterator[tuple[str, WishWord]]:
    for goal in goals:
        if (goal.lifecycleStatus or "").lower() in _GOAL_VOID:
            continue
        text = " ".join(words(goal.description)).lower()
        answer: YesNo = "no" if _NEGATED.search(text) else "yes"
        source = f"Goal/{goal.id}" if goal.id else "Goal without id"
        day = first_day(goal.statusDate or goal.startDate, local)
        known = first_day(goal.startDate or goal.statusDate, local)
        yield text, WishWord("fertility", answer, day, known, source)


def _from_observations(
    observations: Iterable[Observation], local: tzinfo | None
) -> Iterator[tuple[str, WishWord]]:
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
        known = first_day(row.issued or row.effectiveDateTime, local)
        word = WishWord("fertility", answer, day, known, source)
        yield " ".join(words(row.code)).lower(), word


def _answer(row: Observation) -> YesNo | None:
    if row.valueBoolean is not None:
        return "yes" if row.valueBoolean else "no"
    said = label(row.valueCodeableConcept).strip().lower()
    if said in _YES or said.startswith(("yes", "wants", "wishes", "desires")):
        return "yes"
    return "no" if said in _NO or said.startswith(("no,", "no ", "does not")) else None


def _order(word: WishWord) -> tuple[date, bool, str, str]:
    """Oldest first. Of two of one day that disagree, the one that ends the wish came last."""
    return word.day or date.min, word.answer == "no", word.source, word.about
