"""PSA on therapy (A-PSA): confirmed above the limit or risen in the first year; very high."""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.course import Course
from smartapp.engine.exposure import Exposure
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import Span, show, span_of
from smartapp.engine.watch import Watch, apart
from smartapp.labs.reading import Reading

_ANALYTE = "psa"
_FINASTERIDE = "5ari"


def say_prostate(report: Report, exposure: Exposure) -> None:
    """`psa-rise`. A result under a 5-alpha-reductase inhibitor counts twice."""
    case = report.case
    rules, watch = case.protocol.psa, Watch(report, exposure, "psa-rise", "A-PSA")
    expected = case.age is not None and case.age >= case.protocol.orders.psa_age
    newest = watch.newest(_ANALYTE, rules.window, expected=expected)
    if newest is None:
        return
    base = watch.baseline(_ANALYTE, rules.baseline_days)
    start = None if base is None else _span(watch, base).value
    high = _run(watch, rules.limit)
    risen = () if start is None else _run(watch, start + rules.rise)
    if risen and not _in_first_year(watch, risen):
        risen = ()
    span = _span(watch, newest)
    level = watch.gravest(
        _ANALYTE,
        (
            ("very-high", span.above(rules.very_high)),
            ("high", span.above(rules.limit) if not _confirmed(watch, high) else True),
            ("rise", bool(risen)),
        ),
    )
    if level is None:
        if base is None and exposure.begun is not None:
            watch.open("no-baseline", "find-earlier", _ANALYTE)
        watch.near_above(newest, rules.limit)
        return
    if level == "high" and not _confirmed(watch, high) and _confirmed(watch, risen):
        level = "rise"
    if level in ("high", "rise") and not _confirmed(watch, high if level == "high" else risen):
        level = "unconfirmed"
    _say(watch, level, high if level == "high" else risen or high or (newest,), base)


def _say(watch: Watch, level: str, run: tuple[Reading, ...], base: Reading | None) -> None:
    rules, report = watch.case.protocol.psa, watch.report
    known = () if base is None else (_evidence(watch, base, "baseline"),)
    firing = run if run else ()
    repeat = report.order_lab(_ANALYTE) if level in ("unconfirmed", "very-high") else ()
    refer = () if level == "unconfirmed" else (report.refer("andrology"),)
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(*(_evidence(watch, r, "fired") for r in firing), *known),
        fixes=(*repeat, *refer),
        words={
            "limit": show(rules.limit),
            "rise": show(rules.rise),
            "very_high": show(rules.very_high),
        },
    )


def _run(watch: Watch, cut: Decimal) -> tuple[Reading, ...]:
    """The unbroken run above `cut` under the treatment that ends with the newest, newest first."""
    run: list[Reading] = []
    for reading in reversed(watch.case.readings.get(_ANALYTE, ())):
        old = (watch.case.today - reading.drawn).days > watch.case.protocol.psa.window
        if old or not watch.exposure.after(reading.drawn):
            break
        if _span(watch, reading).above(cut) is not True:
            break
        run.append(reading)
    return tuple(run)


def _confirmed(watch: Watch, run: tuple[Reading, ...]) -> bool:
    rules = watch.case.protocol.psa
    return apart((r.drawn for r in run), rules.confirm_min, rules.confirm_max)


def _in_first_year(watch: Watch, run: tuple[Reading, ...]) -> bool:
    """Whether the rise began so early; later values that stay up do not end it."""
    begun = watch.exposure.begun
    return begun is not None and (run[-1].drawn - begun).days <= watch.case.protocol.psa.rise_days


def _span(watch: Watch, reading: Reading) -> Span:
    """What the prostate would show without the inhibitor."""
    span = span_of(reading)
    if _inhibited(watch, reading) is None:
        return span
    factor = watch.case.protocol.psa.inhibitor_factor
    low = None if span.low is None else span.low * factor
    high = None if span.high is None else span.high * factor
    return Span(low, high, span.low_open, span.high_open)


def _inhibited(watch: Watch, reading: Reading) -> Course | None:
    """The inhibitor taken so long at the draw that it has halved PSA."""
    days = watch.case.protocol.psa.inhibitor_days
    for course in watch.case.courses:
        episode = course.episode
        if episode.drug_class != _FINASTERIDE or episode.start is None:
            continue
        stopped = episode.stop is not None and episode.stop < reading.drawn
        if not stopped and (reading.drawn - episode.start).days >= days:
            return course
    return None


def _evidence(watch: Watch, reading: Reading, role: str) -> Evidence:
    course = _inhibited(watch, reading)
    note = None
    if course is not None:
        words = {"agent": course.episode.label}
        note = watch.case.knowledge.wording.say("evidence", "psa-doubled", words)
    return evidence_of(reading, role, note)
