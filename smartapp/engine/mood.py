"""Mood (A-MOOD): PHQ-9 and irritability under treatment, its item on self-harm in any man."""

from __future__ import annotations

from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_answer, evidence_of_problem
from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.span import show
from smartapp.engine.watch import Watch
from smartapp.knowledge.questionnaires import TOTAL
from smartapp.patient.record import EndpointReading

_TOOL = "phq-9"
_ITEM = "self-harm"
_IRRITABLE = frozenset({"irritability"})


def say_mood(report: Report, exposure: Exposure | None) -> None:
    """`mood-change`: the item on self-harm first, then the total, its rise, and irritability.

    The item speaks for a man without treatment too, once testosterone is a question for him.
    """
    case = report.case
    if exposure is None and not report.occasion.ordered and "testosterone" not in case.readings:
        return
    watch = Watch(report, exposure or Exposure((), case.today), "mood-change", "A-MOOD")
    item = _newest(case, _ITEM)
    if item is not None and item.value >= case.protocol.mood.item:
        _say(watch, "self-harm", item)
        return
    total = _newest(case, TOTAL)
    if total is not None and total.value > 0 and (item is None or item.day < total.day):
        watch.open("item-unknown", "ask-item")
    if exposure is not None:
        _under_treatment(watch, total)


def _under_treatment(watch: Watch, total: EndpointReading | None) -> None:
    rules = watch.case.protocol.mood
    if total is not None and watch.exposure.after(total.day):
        base = _baseline(watch)
        if total.value >= rules.high:
            _say(watch, "high", total)
            return
        if base is not None and total.value - base.value >= rules.rise:
            _say(watch, "rise", total, base)
            return
        if total.value >= rules.watch:
            _say(watch, "watch", total)
            return
    irritable = watch.events(_IRRITABLE)
    if irritable:
        watch.report.finding(
            watch.code,
            watch.rule,
            level="watch",
            variant="watch",
            evidence=(
                *(evidence_of_problem(p, "fired") for p in irritable),
                *watch.exposure.evidence(),
            ),
            words={"watch": show(rules.watch), "high": show(rules.high)},
        )


def _say(
    watch: Watch, level: str, reading: EndpointReading, base: EndpointReading | None = None
) -> None:
    rules, case = watch.case.protocol.mood, watch.case
    known = () if base is None else (evidence_of_answer(case, base, "baseline"),)
    watch.report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(evidence_of_answer(case, reading, "fired"), *known, *watch.exposure.evidence()),
        words={
            "total": show(reading.value),
            "change": "" if base is None else show(reading.value - base.value),
            "rise": show(rules.rise),
            "watch": show(rules.watch),
            "high": show(rules.high),
        },
    )


def _newest(case: Case, item: str) -> EndpointReading | None:
    told = case.told.get((_TOOL, item))
    if told and case.within(told[-1].day, case.protocol.mood.window):
        return told[-1]
    return None


def _baseline(watch: Watch) -> EndpointReading | None:
    begun = watch.exposure.begun
    if begun is None:
        return None
    before = [r for r in watch.case.told.get((_TOOL, TOTAL), ()) if r.day <= begun]
    return before[-1] if before else None
