"""Liver enzymes on therapy (A-LIV), as multiples of the upper limit of the range in use."""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, some, span_of, times
from smartapp.engine.watch import Watch
from smartapp.labs.reading import Reading

_ENZYMES = ("alt", "ast")


def say_liver(report: Report, exposure: Exposure) -> None:
    """`liver-enzymes-high`: graver under a SERM, whose label forbids it to a sick liver."""
    case, watch = report.case, Watch(report, exposure, "liver-enzymes-high", "A-LIV")
    rules = case.protocol.liver
    measured = any(case.newest(key, rules.window) is not None for key in _ENZYMES)
    known = {
        key: watch.newest(
            key, rules.window, expected=key == "alt" and exposure.serm and not measured
        )
        for key in (*_ENZYMES, "bilirubin")
    }
    enzymes = [r for key in _ENZYMES if (r := known[key]) is not None]
    bilirubin = [r for r in (known["bilirubin"],) if r is not None]
    stop = [(r, rules.enzyme_stop) for r in enzymes] + [(r, rules.bilirubin) for r in bilirubin]
    tiers = {
        "stop" if exposure.serm else "stop-other": stop,
        "high": [(r, rules.enzyme_high) for r in enzymes],
        "raised": [(r, rules.enzyme_raised) for r in enzymes],
    }
    answers = tuple(
        (level, some(_exceeds(watch, r, multiple) for r, multiple in pairs))
        for level, pairs in tiers.items()
    )
    level = watch.gravest("alt", answers)
    if level is None:
        for reading in enzymes:
            _near(watch, reading, rules.enzyme_raised)
        return
    fired = [r for r, multiple in tiers[level] if _exceeds(watch, r, multiple) is True]
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(
            *(evidence_of(r, "fired", ranged=True) for r in fired),
            *exposure.evidence(),
        ),
        fixes=report.order_lab(*(r.analyte for r in fired)),
        words={
            "which": " and ".join(case.knowledge.catalogue.analytes[r.analyte].name for r in fired),
            "raised": show(rules.enzyme_raised),
            "high": show(rules.enzyme_high),
            "stop": show(rules.enzyme_stop),
            "bilirubin": show(rules.bilirubin),
        },
    )


def _exceeds(watch: Watch, reading: Reading, multiple: Decimal) -> bool | None:
    cut = times(watch.case.range_of(reading).high, multiple)
    return None if cut is None else span_of(reading).above(cut)


def _near(watch: Watch, reading: Reading, multiple: Decimal) -> None:
    cut = times(watch.case.range_of(reading).high, multiple)
    if cut is not None:
        watch.near_above(reading, cut)
