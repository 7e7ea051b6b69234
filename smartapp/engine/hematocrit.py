"""Hematocrit on therapy (clinical rules 9, A-HCT). Before therapy it is a row of the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from smartapp.engine.case import Case
from smartapp.engine.course import Course
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import SIX_DIGITS, show, span_of, tenth
from smartapp.labs.reading import Reading

_ROLES = ("recalibration", "adjunct", "androgen")
_ANALYTE = "hematocrit"
_CONFOUNDER = "sglt2"


def say_hematocrit(report: Report) -> None:
    """`hematocrit-high`: warning, stop (confirmed or very high), or a rise beyond the noise.

    Judged on the newest result; when that one cannot be used the rule abstains.
    """
    case = report.case
    treated = [c for c in case.courses if c.active and c.drug.role in _ROLES]
    rules = case.protocol.hematocrit
    newest = case.newest(_ANALYTE, rules.window)
    if not treated or newest is None or _ANALYTE in case.withheld:
        return
    span, run = span_of(newest), _run(case)
    words = {
        "value": f"{newest.comparator or ''}{tenth(newest.value)}",
        "warning": show(rules.warning),
        "stop": show(rules.stop),
    }
    if span.at_least(rules.single_stop) or (
        span.at_least(rules.stop) and _confirmed(run, rules.confirm_min, rules.confirm_max)
    ):
        variant = (
            "single-stop" if not _confirmed(run, rules.confirm_min, rules.confirm_max) else "stop"
        )
        words["single"] = show(rules.single_stop)
        _say(report, "stop", variant, run, words)
    elif span.at_least(rules.warning):
        variant = "unconfirmed" if span.at_least(rules.stop) else "default"
        _say(report, "default", variant, run or (newest,), words)
    elif (baseline := _risen(case, treated, newest)) is not None:
        words["rise"] = show(rules.rise)
        _say(report, "rise", "rise", (newest, baseline), words)
    else:
        _near(report, newest)


def _say(
    report: Report, level: str, variant: str, readings: Sequence[Reading], words: dict[str, str]
) -> None:
    drafts = report.occasion.roles("recalibration", "androgen") if level == "stop" else ()
    # A confounder the physician may not think of (evidence 4.4): it is named, and decides nothing.
    other = report.case.taking(drug_class=_CONFOUNDER)
    words["confounder"] = ""
    if other is not None:
        words["confounder"] = " " + report.case.knowledge.wording.say("confounder", "sglt2")
    report.finding(
        "hematocrit-high",
        "A-HCT",
        level=level,
        variant=variant,
        evidence=[
            *(evidence_of(r, "fired") for r in readings),
            *(() if other is None else (evidence_of_course(other, "confounder"),)),
        ],
        fixes=(*report.remove(*drafts), *report.order_lab(_ANALYTE)),
        about=drafts[0] if drafts else None,
        words=words,
    )


def _run(case: Case) -> tuple[Reading, ...]:
    """The unbroken run of results at or above the stop that ends with the newest, newest first."""
    rules = case.protocol.hematocrit
    run: list[Reading] = []
    for reading in reversed(case.readings[_ANALYTE]):
        if not span_of(reading).at_least(rules.stop):
            break
        if (case.today - reading.drawn).days > rules.window:
            break
        run.append(reading)
    return tuple(run)


def _confirmed(run: Sequence[Reading], least: int, most: int) -> bool:
    """Whether two dates of the run lie so far apart. A later, higher value never undoes it."""
    days = sorted({reading.drawn for reading in run})
    return any(
        least <= (later - earlier).days <= most
        for place, earlier in enumerate(days)
        for later in days[place + 1 :]
    )


def _risen(case: Case, treated: Sequence[Course], newest: Reading) -> Reading | None:
    """The baseline, if the newest result has risen above it by more than noise."""
    rules = case.protocol.hematocrit
    starts = [c.episode.start for c in treated if c.episode.start is not None]
    if not starts or newest.censored:
        return None
    before = [r for r in case.readings[_ANALYTE] if r.drawn <= min(starts) and not r.censored]
    if not before:
        return None
    baseline = case.other_end(before[-1])
    rise = newest.value - baseline.value
    noise = SIX_DIGITS.divide(SIX_DIGITS.multiply(baseline.value, rules.rcv), Decimal(100))
    return baseline if rise >= rules.rise and rise > noise else None


def _near(report: Report, newest: Reading) -> None:
    protocol = report.case.protocol
    cut, near = protocol.hematocrit.warning, protocol.options.near_miss
    if not newest.censored and newest.value >= cut - cut * near:
        words = {"value": show(newest.value), "cut": show(cut)}
        report.near("hematocrit-high", "A-HCT", "hematocrit", words)
