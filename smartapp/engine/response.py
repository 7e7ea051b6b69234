"""How the treatment is going: the response of testosterone, first match (clinical rules 9).

The ceiling is held against the newest draw at any hour; what is low is judged on a morning draw
only, because testosterone falls through the day: a value in the band at another hour is at least in
the band.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from smartapp.engine.abstain import Abstention
from smartapp.engine.change import change_of
from smartapp.engine.endpoints import symptoms_better
from smartapp.engine.evaluation import (
    Evaluation,
    evaluate,
    leave_open,
    lh_evidence,
    say,
    settle_days,
)
from smartapp.engine.failure import hcg_failure, serm_failure, whole_percent
from smartapp.engine.report import Report
from smartapp.engine.samples import Sample, evidence_of_samples
from smartapp.engine.span import show, span_of
from smartapp.engine.standing import Reason
from smartapp.engine.treatment import Treatment, lowered

_LH_PLACE = {True: "high", False: "middle", None: "middle"}


def say_response(report: Report, treatment: Treatment | None) -> tuple[Reason, ...]:
    """One `response-*` finding at most; what it gives the specialist to review."""
    if treatment is None or not treatment.leading:
        return ()
    evaluation = evaluate(report, treatment)
    if evaluation is None:
        return ()
    rules = report.case.protocol.response
    over = evaluation.now.span.above(rules.over)
    if over is None:
        leave_open(
            report, "R-RESP-01", "response-over", "response-censored", "repeat", "testosterone"
        )
        return ()
    if over:
        _over(evaluation)
        return ()
    judged = evaluation.morning or evaluation.now
    if evaluation.morning is None and judged.span.at_least(rules.target) is not True:
        leave_open(
            report, "R-RESP-05", "response-partial", "response-clock", "measure-response",
            "testosterone",
        )  # fmt: skip
        return ()
    if any(judged.span.below(cut) is None for cut in (rules.low, rules.target)):
        leave_open(
            report, "R-RESP-05", "response-partial", "response-censored", "repeat", "testosterone"
        )
        return ()
    return _rows(evaluation, judged)


def _rows(evaluation: Evaluation, judged: Sample) -> tuple[Reason, ...]:
    """Rows 2 to 7 for a sample that lies certainly on one side of each line."""
    rules = evaluation.case.protocol.response
    low = judged.span.below(rules.low)
    if judged.span.below(rules.target) and _lost(evaluation, judged):
        return ()
    if low and evaluation.treatment.of_class("serm") and not evaluation.treatment.of_class("hcg"):
        settled, reasons = serm_failure(evaluation, judged)
        if settled:
            return reasons
    if low and evaluation.treatment.of_class("hcg") and hcg_failure(evaluation, judged):
        return ()
    if judged.span.below(rules.target):
        _below(evaluation, judged)
    else:
        _in_band(evaluation, judged)
    return ()


def _over(evaluation: Evaluation) -> None:
    rules = evaluation.case.protocol.response
    far = evaluation.now.span.above(rules.far_over) is True
    say(
        evaluation,
        "response-over",
        "R-RESP-01",
        evaluation.now,
        level="far" if far else "default",
        variant="far" if far else "default",
        step="verify" if far else "down",
        words={"settle": str(settle_days(evaluation.case, evaluation.treatment))},
        orders=("testosterone",) if far else (),
    )


def _lost(evaluation: Evaluation, judged: Sample) -> bool:
    """Row 2: fallen out of the band by more than chance, without a lower dose."""
    rules = evaluation.case.protocol.response
    before = next(
        (
            s
            for s in evaluation.mornings()
            if s.span.at_least(rules.target) and s.span.up_to(rules.over)
        ),
        None,
    )
    if before is None:
        return False
    change = change_of(evaluation.case, judged, before)
    if change.broken:
        leave_open(
            evaluation.report, "R-RESP-02", "response-lost", "response-broken", "same-laboratory",
            "testosterone",
        )  # fmt: skip
        return False
    if not change.down:
        return False
    cut = lowered(evaluation.case, before.drawn, judged.drawn)
    if cut is None:
        leave_open(
            evaluation.report, "R-RESP-02", "response-lost", "response-dose-unknown", "state-dose"
        )
    if cut is not False:
        return False
    say(
        evaluation,
        "response-lost",
        "R-RESP-02",
        judged,
        step="specialist" if _lh_place(evaluation) == "high" else "look",
        words={
            "fall": whole_percent(change),
            "limit": show(evaluation.case.protocol.variation.testosterone_down),
            "lh": evaluation.case.knowledge.wording.say("lost-lh", _lh_place(evaluation)),
        },
        more=evidence_of_samples((before,), "earlier") + lh_evidence(evaluation),
        orders=() if evaluation.lh is not None else ("lh",),
    )
    return True


def _below(evaluation: Evaluation, judged: Sample) -> None:
    """Rows 5 and 6: below the band."""
    rules = evaluation.case.protocol.response
    low = judged.span.below(rules.low)
    better = None if low else symptoms_better(evaluation.case, evaluation.begun)
    if better is not None and better.answer:
        say(
            evaluation, "response-in-target", "R-RESP-06", judged, variant="symptoms", step="keep",
            more=better.evidence,
        )  # fmt: skip
    else:
        if not low and better is None:
            _ask(evaluation, "R-RESP-06", "response-partial")
        rule = "R-RESP-05" if low else "R-RESP-06"
        say(evaluation, "response-partial", rule, judged, step="up")
    _near(evaluation, judged, "response-low" if not low else None, rules.low)


def _in_band(evaluation: Evaluation, judged: Sample) -> None:
    """Row 7: in the band; symptoms not better from the protocol's day on make it half a success."""
    rules = evaluation.case.protocol.response
    since = evaluation.begun + timedelta(days=rules.symptom_day)
    better = symptoms_better(evaluation.case, evaluation.begun, since)
    if better is not None and better.answer is False:
        say(
            evaluation, "response-biochemical-only", "R-RESP-07", judged, step="stop",
            words={"symptom_day": str(rules.symptom_day)}, more=better.evidence,
        )  # fmt: skip
    else:
        if better is None and evaluation.case.today >= since:
            _ask(evaluation, "R-RESP-07", "response-biochemical-only")
        more = better.evidence if better is not None else ()
        say(evaluation, "response-in-target", "R-RESP-07", judged, step="keep", more=more)
    value = judged.span.value
    near = evaluation.case.protocol.options.near_miss
    if value is not None and value >= rules.over - rules.over * near:
        words = {"value": show(value), "cut": show(rules.over)}
        evaluation.report.near("response-over", "R-RESP-01", "response-over", words)
    _near(evaluation, judged, "response-lost", rules.target)


def _lh_place(evaluation: Evaluation) -> str:
    if evaluation.lh is None:
        return "missing"
    used, span = evaluation.case.range_of(evaluation.lh), span_of(evaluation.lh)
    if used.low is not None and span.below(used.low):
        return "low"
    return _LH_PLACE[span.above(used.high) if used.high is not None else False]


def _ask(evaluation: Evaluation, rule: str, code: str) -> None:
    """Whether he feels better is not known: testosterone alone decided."""
    evaluation.report.open(
        Abstention(rule, code, "response-symptoms", "ask-better", asks="symptoms", decisive=False)
    )


def _near(evaluation: Evaluation, judged: Sample, key: str | None, cut: Decimal) -> None:
    value, near = judged.span.value, evaluation.case.protocol.options.near_miss
    if key is None or value is None or value > cut + cut * near:
        return
    code = "response-lost" if key == "response-lost" else "response-partial"
    rule = "R-RESP-02" if key == "response-lost" else "R-RESP-05"
    words = {"value": show(value), "cut": show(cut)}
    evaluation.report.near(code, rule, key, words)
