"""Is testosterone low? Two samples against the profile's table (clinical rules 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_course, evidence_of_problem
from smartapp.engine.free_t import calculate, free_evidence, free_t_cut
from smartapp.engine.samples import Sample, Samples, evidence_of, evidence_of_samples
from smartapp.engine.span import Span, mean, show, some

Answer = Literal["low", "not-low", "unknown"]
Shbg = Literal["normal", "altered", "at-risk", "unknown"]

_SHBG_RISKS = frozenset(
    {
        "obesity",
        "type-2-diabetes",
        "liver-severe",
        "liver-minor",
        "viral-hepatitis",
        "hypothyroidism",
        "hyperthyroidism",
        "hiv",
    }
)
_SHBG_DRUGS = ("glucocorticoid", "enzyme-inducer")
_DIABETES = frozenset({"type-2-diabetes", "prediabetes"})


@dataclass(frozen=True, slots=True)
class Risk:
    """Why an SHBG that is not known may not be taken for normal.

    key    of the wording's [shbg-risk]; `name`: the diagnosis, drug or value it is about
    """

    key: str
    name: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class LowT:
    """The answer and why. `reason` is a key of the wording's [low-t] section.

    used        the samples it rests on, newest first
    confirm     "single", "discordant" or "invalid": another morning sample would settle it
    lacks       "shbg" when a missing SHBG keeps it open
    risk        why that SHBG may not be taken for normal
    borderline  low only by free testosterone, above the line for a candidate
    free_t      pmol/L, calculated from `mean` of the samples; free_t_cut, below which it is low
    """

    answer: Answer
    reason: str
    used: tuple[Sample, ...] = ()
    confirm: Literal["single", "discordant", "invalid"] | None = None
    lacks: Literal["shbg"] | None = None
    borderline: bool = False
    risk: Risk | None = None
    mean: Decimal | None = None
    free_t: Decimal | None = None
    free_t_cut: Decimal | None = None
    evidence: tuple[Evidence, ...] = ()


def judge_low_t(case: Case, samples: Samples) -> LowT:
    """Low, not low, or not to be told, first match of clinical rules 3."""
    if samples.withheld is not None:
        return LowT("unknown", "withheld")
    valid = samples.valid
    if not valid:
        # A draw under treatment is not repeated for the diagnosis before the wash-out is over.
        untimed = any(reason != "treated" for _, reason in samples.invalid)
        say = case.knowledge.wording.say
        evidence = tuple(
            evidence_of(r, "not-valid", f"drawn {say('invalid', reason)}")
            for r, reason in samples.invalid
        )
        return LowT(
            "unknown",
            "only-invalid" if samples.invalid else "none",
            confirm="invalid" if untimed else None,
            evidence=evidence,
        )
    if len(valid) == 1:
        return _single(case, valid[0])
    latest = valid[:2]
    cut = case.protocol.low_t.pair_cut
    sides = [s.span.below(cut) for s in latest]
    if None in sides:
        return _of(LowT("unknown", "censored", latest))
    if sides[0] == sides[1]:
        return _of(_table(case, samples, latest))
    return _of(_straddling(case, samples, cut))


def _single(case: Case, sample: Sample) -> LowT:
    above = sample.span.above(case.protocol.low_t.single_top)
    if above is True:
        return _of(LowT("not-low", "single-above", (sample,)))
    return _of(LowT("unknown", "single", (sample,), confirm="single"))


def _straddling(case: Case, samples: Samples, cut: Decimal) -> LowT:
    """One sample below the line, one above: free testosterone, else a third sample decides."""
    latest, rules = samples.valid[:2], case.protocol.low_t
    if all(s.span.up_to(rules.free_t_top) is True for s in latest):
        calculated, line = calculate(case, samples, latest), free_t_cut(case)
        if calculated is not None and calculated.free < line:
            return LowT(
                "low",
                "low-free-t",
                latest,
                mean=mean(tuple(s.span for s in latest)).value,
                free_t=calculated.free,
                free_t_cut=line,
                evidence=free_evidence(case, samples, latest, calculated),
            )
    if len(samples.valid) > 2:
        third = samples.valid[2]
        side = third.span.below(cut)
        agreeing = tuple(s for s in latest if s.span.below(cut) == side)
        if side is not None:
            return _table(case, samples, (*agreeing, third))
    return LowT("unknown", "discordant", latest, confirm="discordant")


def _table(case: Case, samples: Samples, pair: tuple[Sample, ...]) -> LowT:
    rules = case.protocol.low_t
    spans = tuple(s.span for s in pair)
    level = mean(spans)
    judged = LowT("unknown", "", pair, mean=level.value)
    if _clearly_low(rules.clearly_low_needs_both, spans, level, rules.clearly_low) is True:
        return replace(judged, answer="low", reason="clearly-low")
    shbg = judge_shbg(case, samples)
    decided_by_free_t = _within_free_t_band(case, level)
    if shbg == "altered" and rules.free_t_whenever_shbg_altered:
        return _by_free_t(case, samples, judged)
    # Profiles without a band that SHBG decides set both lines alike.
    banded = rules.low_if_shbg_normal > rules.clearly_low
    below = level.below(rules.low_if_shbg_normal) if banded else False
    if below is True:
        if shbg == "altered":
            return _by_free_t(case, samples, judged)
        if shbg == "at-risk":
            risk = shbg_risk(case, samples)
            return replace(
                judged,
                reason="shbg-at-risk",
                lacks="shbg",
                risk=risk,
                evidence=() if risk is None else risk.evidence,
            )
        return replace(judged, answer="low", reason="low")
    if below is None or decided_by_free_t is None:
        # Of plain values only the question of diabetes can be left open.
        reason = "censored" if level.value is None else "problems-unread"
        return replace(judged, reason=reason)
    if decided_by_free_t:
        return _by_free_t(case, samples, judged)
    return replace(judged, answer="not-low", reason="not-low")


def _clearly_low(
    needs_both: bool, spans: tuple[Span, ...], level: Span, cut: Decimal
) -> bool | None:
    if not needs_both:
        return level.below(cut)
    # "Both below" fails as soon as one is not.
    answers = [span.below(cut) for span in spans]
    return False if False in answers else (None if None in answers else True)


def _within_free_t_band(case: Case, level: Span) -> bool | None:
    rules = case.protocol.low_t
    within = level.up_to(rules.free_t_top)
    if within is not False or rules.free_t_top_diabetes == rules.free_t_top:
        return within
    wider = level.up_to(rules.free_t_top_diabetes)
    if wider is False:
        return False
    if any(True for _ in case.with_concepts(_DIABETES)):
        return wider
    return None if "problems" in case.unread else False


def _by_free_t(case: Case, samples: Samples, judged: LowT) -> LowT:
    calculated, cut = calculate(case, samples, judged.used), free_t_cut(case)
    if calculated is None:
        return replace(judged, reason="free-t-needed", lacks="shbg")
    judged = replace(
        judged,
        free_t=calculated.free,
        free_t_cut=cut,
        evidence=free_evidence(case, samples, judged.used, calculated),
    )
    if calculated.free < cut:
        above = judged.mean is not None and judged.mean > case.protocol.low_t.candidate_top
        return replace(judged, answer="low", reason="low-free-t", borderline=above)
    return replace(judged, answer="not-low", reason="free-t-normal")


def judge_shbg(case: Case, samples: Samples) -> Shbg:
    """SHBG normal or altered; not measured: at risk of being altered, or unknown without a risk."""
    span, reading = samples.shbg.span, samples.shbg.reading
    if span is None or reading is None:
        return "unknown" if shbg_risk(case, samples) is None else "at-risk"
    rules = case.protocol.shbg
    older = case.age is not None and case.age >= rules.older_age
    top = rules.high_older if older else rules.high
    answers = [span.below(rules.low), span.above(top)]
    used = reading.range
    if used is not None and used.source == "laboratory":
        answers += [span.below(used.low)] if used.low is not None else []
        answers += [span.above(used.high)] if used.high is not None else []
    altered = some(answers)
    if altered is None:
        return "at-risk"
    return "altered" if altered else "normal"


def shbg_risk(case: Case, samples: Samples) -> Risk | None:
    """What may alter an SHBG that is not known, first match; None: nothing on record.

    What could not be read counts as a risk (never as normal).
    """
    rules = case.protocol.shbg
    if samples.shbg.missing == "withheld":
        return Risk("withheld")
    if samples.shbg.reading is not None:
        return Risk("limit", evidence=(evidence_of(samples.shbg.reading, "censored"),))
    if case.unread & {"problems", "therapy"}:
        return Risk("unread")
    for problem in case.with_concepts(_SHBG_RISKS):
        if problem.active is not False:
            concept = min(problem.concepts & _SHBG_RISKS)
            name = case.knowledge.catalogue.conditions[concept].name
            return Risk("problem", name, (evidence_of_problem(problem, "alters-shbg"),))
    bmi = case.newest("bmi", case.protocol.contraindications.bmi_days)
    if bmi is not None and bmi.value >= rules.risk_bmi:
        return Risk("bmi", show(bmi.value), (evidence_of(bmi, "alters-shbg"),))
    for name in _SHBG_DRUGS:
        course = case.taking(drug_class=name)
        if course is not None:
            return Risk("drug", course.drug.name, (evidence_of_course(course, "alters-shbg"),))
    if case.age is None:
        return Risk("age-unknown")
    return Risk("age") if case.age >= rules.risk_age else None


def _of(judged: LowT) -> LowT:
    """The judgement with its samples as evidence, before what else it rests on."""
    return replace(
        judged, evidence=evidence_of_samples(judged.used, "testosterone") + judged.evidence
    )
