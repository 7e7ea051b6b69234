"""Triglycerides on therapy (A-TG)."""

from __future__ import annotations

from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of
from smartapp.engine.watch import Watch

_ANALYTE = "triglycerides"


def say_lipids(report: Report, exposure: Exposure) -> None:
    """`triglycerides-high`: info, warning, and stop under a SERM (pancreatitis on the label)."""
    rules = report.case.protocol.lipids
    watch = Watch(report, exposure, "triglycerides-high", "A-TG")
    newest = watch.newest(_ANALYTE, rules.window)
    if newest is None:
        return
    span = span_of(newest)
    level = watch.gravest(
        _ANALYTE,
        (
            ("stop" if exposure.serm else "stop-other", span.above(rules.stop)),
            ("high", span.above(rules.high)),
            ("raised", span.above(rules.raised)),
        ),
    )
    if level is None:
        watch.near_above(newest, rules.raised)
        return
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(evidence_of(newest, "fired"), *exposure.evidence()),
        fixes=() if level == "raised" else report.order_lab(_ANALYTE),
        words={
            "value": show(newest.value),
            "raised": show(rules.raised),
            "high": show(rules.high),
            "stop": show(rules.stop),
        },
    )
