"""Estradiol on therapy: too high, too low under an inhibitor, and against testosterone (A-E2)."""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.exposure import INHIBITOR, Exposure, exposure_of
from smartapp.engine.facts import EYE
from smartapp.engine.report import Report
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import show, span_of
from smartapp.engine.watch import Watch
from smartapp.labs.derived import NotComputable
from smartapp.labs.ratio import testosterone_to_estradiol
from smartapp.labs.reading import Reading

_ANALYTE = "estradiol"
_COMPLAINTS = frozenset({"gynecomastia", "breast-pain", "breast-mass", "edema"})
_TOLD = ("breast", "breast-mass", "edema")
_GRAVE = frozenset({"breast-mass", "vte"}) | EYE


def say_estradiol(report: Report, exposure: Exposure) -> None:
    """`estradiol-high`, `estradiol-low`, `t-e2-ratio-low`."""
    watch = Watch(report, exposure, "estradiol-high", "A-E2")
    rules = report.case.protocol.estradiol
    newest = watch.newest(_ANALYTE, rules.window)
    if newest is not None:
        _high(watch, newest)
        _ratio(report, exposure, newest)
    inhibited = exposure_of(report.case, INHIBITOR)
    if inhibited is not None:
        _low(Watch(report, inhibited, "estradiol-low", "A-E2lo"))


def _high(watch: Watch, newest: Reading) -> None:
    rules, span = watch.case.protocol.estradiol, span_of(newest)
    level = watch.gravest(
        _ANALYTE,
        (
            ("very-high", span.above(rules.very_high)),
            ("high", span.above(rules.high)),
            ("limit", span.above(rules.limit)),
        ),
    )
    if level is None:
        watch.near_above(newest, rules.limit)
        return
    signs: tuple[Evidence, ...] = ()
    if level == "very-high" and (grave := watch.events(_GRAVE)):
        level, signs = "stop", tuple(evidence_of_problem(p, "with") for p in grave)
    elif level == "limit":
        told = tuple(e for item in _TOLD for e in watch.sign(item))
        signs = (*(evidence_of_problem(p, "with") for p in watch.events(_COMPLAINTS)), *told)
        level = "symptoms" if signs else level
    repeat = watch.report.order_lab(_ANALYTE) if level in ("very-high", "stop") else ()
    watch.report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(evidence_of(newest, "fired"), *signs, *watch.exposure.evidence()),
        fixes=repeat,
        words=_words(newest, rules.limit, rules.high, rules.very_high),
    )


def _words(newest: Reading, limit: Decimal, high: Decimal, very_high: Decimal) -> dict[str, str]:
    return {
        "value": show(newest.value),
        "limit": show(limit),
        "high": show(high),
        "very_high": show(very_high),
    }


def _low(watch: Watch) -> None:
    """Under an aromatase inhibitor only: elsewhere a low estradiol goes with a low testosterone."""
    rules = watch.case.protocol.estradiol
    newest = watch.newest(_ANALYTE, rules.window, expected=True)
    if newest is None:
        return
    newest = watch.case.other_end(newest)
    if watch.gravest(_ANALYTE, (("low", span_of(newest).below(rules.low)),)) is None:
        watch.near_below(newest, rules.low)
        return
    watch.report.finding(
        watch.code,
        watch.rule,
        evidence=(evidence_of(newest, "fired"), *watch.exposure.evidence()),
        agent=watch.exposure.courses[0].episode.agent,
        bears=INHIBITOR,
        words={"value": show(newest.value), "low": show(rules.low)},
    )


def _ratio(report: Report, exposure: Exposure, estradiol: Reading) -> None:
    """Testosterone over estradiol of one draw; a warning with oligospermia (A-TE)."""
    if not any(c.drug.role == "recalibration" for c in exposure.courses):
        return
    case, watch = report.case, Watch(report, exposure, "t-e2-ratio-low", "A-TE")
    testosterone = next(
        (r for r in reversed(case.readings.get("testosterone", ())) if r.drawn == estradiol.drawn),
        None,
    )
    if testosterone is None:
        return
    ratio = testosterone_to_estradiol(testosterone, estradiol)
    if isinstance(ratio, NotComputable):
        watch.open("ratio-open", "repeat", "testosterone", _ANALYTE)
        return
    cut = case.protocol.estradiol.ratio
    if ratio >= cut:
        if ratio <= cut + cut * case.protocol.options.near_miss:
            said = show(ratio.quantize(Decimal("0.1")))
            report.near(watch.code, watch.rule, "ratio", {"value": said, "cut": show(cut)})
        return
    sperm = _oligospermia(watch)
    inhibited = exposure.includes(INHIBITOR)
    level = "oligospermia" if sperm is not None and not inhibited else "default"
    used = (testosterone, estradiol) if sperm is None else (testosterone, estradiol, sperm)
    report.finding(
        watch.code,
        watch.rule,
        level=level,
        variant=level,
        evidence=(evidence_of(r, "fired") for r in used),
        words={
            "ratio": show(ratio.quantize(Decimal("0.1"))),
            "cut": show(cut),
            "testosterone": show(testosterone.value),
            "estradiol": show(estradiol.value),
        },
    )


def _oligospermia(watch: Watch) -> Reading | None:
    case = watch.case
    semen = case.protocol.semen
    if "sperm-concentration" in case.withheld:
        return None
    sperm = case.newest("sperm-concentration", semen.window)
    low = sperm is not None and span_of(sperm).below(semen.concentration) is True
    return sperm if low else None
