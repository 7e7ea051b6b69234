"""The state of the axis (clinical rules 4), off treatment; and what it was before treatment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from smartapp.engine.assessment import AxisState, Evidence
from smartapp.engine.case import Case
from smartapp.engine.course import Course, untreated_until
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.low_t import LowT, judge_low_t
from smartapp.engine.samples import (
    Hormone,
    Samples,
    evidence_of,
    evidence_of_unusable,
    take_samples,
)
from smartapp.engine.severe import Severe, judge_severe
from smartapp.engine.span import some, times

PITUITARY_DEFICIENCY = frozenset({"pituitary-deficiency"})
# What explains a low LH, which would otherwise mean suppression or stay undiagnosed (4.2, 6).
EXPLAINS_LOW_LH = PITUITARY_DEFICIENCY | {
    "pituitary-other", "pituitary-tumor", "hyperprolactinemia", "prolactinoma",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Classification:
    """The state with all it rests on. `reason` is a key of the wording's [axis] section.

    lh_below, lh_high_normal   three-valued; None when LH is missing or censored
    unknown_step               the hormone that left a step of rules 4 not evaluable
    """

    state: AxisState
    reason: str
    samples: Samples
    low: LowT
    severe: Severe
    evidence: tuple[Evidence, ...]
    lh_below: bool | None = None
    lh_high: bool | None = None
    lh_high_normal: bool | None = None
    very_high_t: bool = False
    unknown_step: str | None = None


@dataclass(frozen=True, slots=True)
class AxisView:
    """The axis today and, where a drug disturbs it, before the first of these drugs.

    acting     the drug that acts; washing: the one in wash-out
    untreated  the classification to judge indications by: today's, or the pre-treatment one
    """

    now: Classification
    untreated: Classification
    acting: Course | None
    washing: Course | None


def judge_axis(case: Case) -> AxisView:
    """First match of clinical rules 4."""
    acting = next((c for c in case.courses if c.acts_on_axis and c.active), None)
    washing = next((c for c in case.courses if not c.active and c.disturbs(case.today)), None)
    if acting is None and washing is None:
        now = classify(case, None)
        return AxisView(now, now, None, None)
    before = classify(case, untreated_until(case.courses, case.today))
    course = acting or washing
    assert course is not None
    now = replace(
        before,
        state="on-therapy" if acting is not None else "indeterminate",
        reason="on-therapy" if acting is not None else "wash-out",
        samples=take_samples(case),
        evidence=(evidence_of_course(course, "acts" if acting is not None else "wash-out"),),
    )
    return AxisView(now, before, acting, washing)


def classify(case: Case, until: date | None) -> Classification:
    """The state by the samples of the window ending today, or on the day `until`."""
    samples = take_samples(case, until)
    low = judge_low_t(case, samples)
    severe = judge_severe(case, samples, low, until)
    judged = Classification(
        "insufficient", low.reason, samples, low, severe, low.evidence + _hormones(samples)
    )
    if "therapy" in case.unread:
        # Nobody knows what the man takes: raised LH may be a drug's effect, low LH as well.
        severe = severe if severe.criterion == "a" else replace(severe, holds=None)
        return replace(judged, state="indeterminate", reason="therapy-unread", severe=severe)
    return _by_hormones(case, judged)


def _by_hormones(case: Case, judged: Classification) -> Classification:
    lh, low = judged.samples.lh, judged.low
    if severe_without_labs(judged):
        return replace(judged, state="severe-primary", reason="severe-primary")
    if lh.reading is None or lh.span is None:
        return _without_lh(judged)
    used = case.range_of(lh.reading)
    below = lh.span.below(used.low) if used.low is not None else False
    above = lh.span.above(used.high) if used.high is not None else False
    rules = case.protocol.axis
    upper = times(used.high, rules.high_normal_lh)
    judged = replace(
        judged,
        lh_below=below,
        lh_high=above,
        lh_high_normal=lh.span.at_least(upper) if upper is not None else False,
    )
    suppressed = lh.span.below(rules.suppressed_lh)
    if suppressed is None:
        return replace(
            judged, state="indeterminate", reason="lh-censored", unknown_step="lh-censored"
        )
    if suppressed and not any(True for _ in case.with_concepts(EXPLAINS_LOW_LH)):
        if "problems" in case.unread:
            return replace(judged, state="indeterminate", reason="problems-unread")
        return replace(judged, state="suppressed", reason="suppressed")
    if low.answer == "unknown":
        return replace(judged, state=_open_state(low), reason=low.reason)
    if above is None or below is None:
        return replace(
            judged, state="indeterminate", reason="lh-censored", unknown_step="lh-censored"
        )
    if low.answer == "low":
        return _low(case, judged)
    return _not_low(case, judged)


def severe_without_labs(judged: Classification) -> bool:
    """5a holds without laboratory values; a testosterone that is not low contradicts the record."""
    return judged.severe.criterion == "a" and judged.low.answer != "not-low"


def _without_lh(judged: Classification) -> Classification:
    lh, low = judged.samples.lh, judged.low
    if low.answer == "unknown":
        return replace(judged, state=_open_state(low), reason=low.reason)
    reason = "lh-withheld" if lh.missing == "withheld" else "lh-missing"
    return replace(judged, state="insufficient", reason=reason, unknown_step=reason)


def _open_state(low: LowT) -> AxisState:
    """Data missing, or data that disagree or stand alone (contract 3)."""
    return "insufficient" if low.reason in ("none", "only-invalid", "withheld") else "indeterminate"


def _low(case: Case, judged: Classification) -> Classification:
    if judged.severe.holds:
        return replace(judged, state="severe-primary", reason="severe-primary")
    if judged.lh_high:
        return replace(judged, state="primary", reason="primary")
    fsh_high, unknown = _fsh_high(case, judged.samples.fsh)
    judged = replace(judged, unknown_step=unknown)
    if fsh_high:
        return replace(judged, state="mixed", reason="mixed")
    if judged.lh_below:
        return replace(judged, state="secondary", reason="secondary-frank")
    return replace(judged, state="secondary", reason="secondary-functional")


def _not_low(case: Case, judged: Classification) -> Classification:
    if judged.lh_high:
        spans = [s.span for s in judged.low.used]
        cut = case.protocol.axis.compensated_high_t
        very_high = some(span.above(cut) for span in spans) is True
        return replace(judged, state="compensated", reason="compensated", very_high_t=very_high)
    fsh_high, unknown = _fsh_high(case, judged.samples.fsh)
    judged = replace(judged, unknown_step=unknown)
    if fsh_high:
        return replace(judged, state="isolated-fsh", reason="isolated-fsh")
    reason = "eugonadal" if unknown is None else "eugonadal-no-fsh"
    return replace(judged, state="eugonadal", reason=reason)


def _fsh_high(case: Case, fsh: Hormone) -> tuple[bool, str | None]:
    """Whether FSH is raised, and why it could not be told."""
    if fsh.reading is None or fsh.span is None:
        return False, "fsh-withheld" if fsh.missing == "withheld" else "fsh-missing"
    limit = case.range_of(fsh.reading).high
    answer = fsh.span.above(limit if limit is not None else Decimal("Infinity"))
    return answer is True, "fsh-censored" if answer is None else None


def _hormones(samples: Samples) -> tuple[Evidence, ...]:
    """LH and FSH with the range used. SHBG stands with the free testosterone it served."""
    found = tuple(
        evidence_of(h.reading, h.reading.analyte, ranged=True)
        for h in (samples.lh, samples.fsh)
        if h.reading is not None
    )
    withheld = tuple(
        evidence_of_unusable(u)
        for u in (samples.withheld, samples.lh.withheld, samples.fsh.withheld)
        if u is not None
    )
    return found + withheld
