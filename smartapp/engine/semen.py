"""Semen on therapy (A-SEM): below the reference limits, fallen, or gone."""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of, times
from smartapp.engine.watch import Watch
from smartapp.labs.reading import Reading

_ANALYTE = "sperm-concentration"


def say_semen(report: Report, exposure: Exposure) -> None:
    """`semen-decline`: no sperm any more; few or half as many; below a reference limit."""
    case = report.case
    rules, watch = case.protocol.semen, Watch(report, exposure, "semen-decline", "A-SEM")
    newest = watch.newest(_ANALYTE, rules.window, expected=case.wishes.fertility == "yes")
    below = _below_reference(watch, newest)
    base = watch.baseline(_ANALYTE)
    level = None
    if newest is not None:
        span = span_of(newest)
        half = None if base is None else times(base.value, rules.fall)
        gone = base is not None and base.value > 0 and span.up_to(Decimal(0))
        level = watch.gravest(
            _ANALYTE,
            (
                ("azoospermia", gone),
                ("low", span.below(rules.warning)),
                ("fall", half is not None and span.below(half)),
            ),
        )
    if level is None and not below:
        if newest is not None:
            watch.near_below(newest, rules.concentration)
        return
    fired = (newest,) if level is not None and newest is not None else below
    known = () if base is None else (evidence_of(base, "baseline"),)
    report.finding(
        watch.code,
        watch.rule,
        level=level or "reference",
        variant=level or "reference",
        evidence=(*(evidence_of(r, "fired") for r in fired), *known, *exposure.evidence()),
        fixes=report.order_lab(_ANALYTE) if level is not None else (),
        words={
            "warning": show(rules.warning),
            "fall": show((1 - rules.fall) * 100),
            "which": " and ".join(
                case.knowledge.catalogue.analytes[r.analyte].name.lower() for r in below
            ),
        },
    )


def _below_reference(watch: Watch, concentration: Reading | None) -> tuple[Reading, ...]:
    """Every measure of the newest analysis that lies below its reference limit."""
    rules = watch.case.protocol.semen
    limits = {
        _ANALYTE: rules.concentration,
        "sperm-total": rules.total,
        "sperm-motility": rules.motile,
        "sperm-progressive": rules.progressive,
        "sperm-morphology": rules.morphology,
    }
    found = []
    for key, limit in limits.items():
        reading = concentration if key == _ANALYTE else watch.newest(key, rules.window)
        if reading is not None and span_of(reading).below(limit) is True:
            found.append(reading)
    return tuple(found)
