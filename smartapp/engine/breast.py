"""The breast on therapy (A-GYN): noted when before it, to act on when new, urgent when a mass."""

from __future__ import annotations

from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.watch import Watch

_GROWTH = frozenset({"gynecomastia", "breast-pain"})
_MASS = frozenset({"breast-mass"})


def say_breast(report: Report, exposure: Exposure) -> None:
    """`gynecomastia`: tenderness or growth, or a mass or discharge, by when it began."""
    watch = Watch(report, exposure, "gynecomastia", "A-GYN")
    mass, growth = watch.events(_MASS), watch.events(_GROWTH)
    before = watch.events(_MASS | _GROWTH, since=False)
    told_mass, told_growth = watch.sign("breast-mass"), watch.sign("breast")
    if mass or told_mass:
        level, found, told = "mass", mass, told_mass
    elif growth or told_growth:
        level, found, told = "default", growth, told_growth
    elif before:
        level, found, told = "before", before, ()
    else:
        return
    fixes = {
        "mass": (report.refer("breast-imaging"),),
        "default": report.order_lab("estradiol"),
        "before": (),
    }[level]
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(*(evidence_of_problem(p, "fired") for p in found), *told, *exposure.evidence()),
        fixes=fixes,
    )
