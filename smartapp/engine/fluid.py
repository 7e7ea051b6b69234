"""Fluid on therapy (A-FLU): weight, edema, blood pressure, heart failure."""

from __future__ import annotations

from collections.abc import Sequence

from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.exposure import HCG, INHIBITOR, Exposure
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of
from smartapp.engine.watch import Watch
from smartapp.labs.reading import Reading
from smartapp.patient.record import Problem

_EDEMA = frozenset({"edema"})
_FAILURE = frozenset({"heart-failure"})
# hCG retains fluid by its label; under an inhibitor edema is not the estradiol.
_RETAINING = INHIBITOR | HCG


def say_fluid(report: Report, exposure: Exposure) -> None:
    """`fluid-retention`: new heart failure, edema or pressure to act on, or signs to watch."""
    watch = Watch(report, exposure, "fluid-retention", "A-FLU")
    failure, edema = watch.events(_FAILURE), watch.events(_EDEMA)
    pressure, weight = _pressure(watch), _weight(watch)
    rules = report.case.protocol.fluid
    told = watch.sign("edema")
    retaining = bool(edema or told) and exposure.includes(_RETAINING)
    if failure:
        level = "failure"
    elif retaining or pressure:
        level = "edema" if retaining else "pressure"
    elif edema or told or weight:
        level = "watch"
    else:
        return
    problems: Sequence[Problem] = (*failure, *edema)
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(
            *(evidence_of_problem(p, "fired") for p in problems),
            *told,
            *(evidence_of(r, "fired") for r in (*pressure, *weight)),
            *exposure.evidence(),
        ),
        words={
            "systolic": show(rules.systolic),
            "diastolic": show(rules.diastolic),
            "weight": show(rules.weight),
            "days": str(rules.weight_days),
        },
    )


def _pressure(watch: Watch) -> tuple[Reading, ...]:
    """The high readings of two dates or more, the newest date among them; else none."""
    rules = watch.case.protocol.fluid
    limits = {"systolic": rules.systolic, "diastolic": rules.diastolic}
    newest = [r for key in limits if (r := watch.newest(key, rules.pressure_days)) is not None]
    if not newest:
        return ()
    last = max(r.drawn for r in newest)
    high = [
        r
        for key, limit in limits.items()
        for r in watch.case.readings.get(key, ())
        if watch.exposure.after(r.drawn)
        and (watch.case.today - r.drawn).days <= rules.pressure_days
        and span_of(r).above(limit) is True
    ]
    dates = {r.drawn for r in high}
    return tuple(high) if last in dates and len(dates) > 1 else ()


def _weight(watch: Watch) -> tuple[Reading, ...]:
    """The newest weight and an earlier one of the same days that it exceeds by so much."""
    rules = watch.case.protocol.fluid
    newest = watch.newest("weight", rules.weight_window)
    if newest is None or newest.censored:
        return ()
    for earlier in reversed(watch.case.readings["weight"]):
        apart = (newest.drawn - earlier.drawn).days
        if apart > rules.weight_days:
            break
        if apart and not earlier.censored and newest.value - earlier.value >= rules.weight:
            return (newest, earlier)
    return ()
