"""A treatment that fails: a SERM at the pituitary or at the testes, hCG at the testes (rows 3, 4).

Low in spite of enough, for long enough; LH then says which of the two does not answer.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.change import Change, change_of, own_baseline
from smartapp.engine.dose import bounds_of
from smartapp.engine.evaluation import Evaluation, leave_open, lh_evidence, say, settle_days
from smartapp.engine.samples import Sample, evidence_of_samples, sample_of
from smartapp.engine.span import show, span_of
from smartapp.engine.standing import Reason
from smartapp.engine.treatment import per_week
from smartapp.labs.reading import Reading


def serm_failure(evaluation: Evaluation, judged: Sample) -> tuple[bool, tuple[Reason, ...]]:
    """Row 3: whether it settles the matter, by a finding or by not being evaluable."""
    rules = evaluation.case.protocol.response
    twice = _failed_at_maximum(evaluation, judged)
    if not twice and (judged.drawn - evaluation.begun).days < rules.failure_days:
        return False, ()
    if evaluation.lh is None:
        leave_open(
            evaluation.report, "R-RESP-03", "response-testicular-failure", "response-lh-missing",
            "measure-lh", "lh", decisive=True,
        )  # fmt: skip
        return True, ()
    answered = _lh_answered(evaluation, evaluation.lh)
    if answered is None:
        return False, ()
    if not answered:
        limit = show(evaluation.case.protocol.variation.lh_up)
        say(
            evaluation, "response-central-failure", "R-RESP-03", judged, step="up",
            words={"lh_limit": limit}, more=lh_evidence(evaluation) + _lh_baseline(evaluation),
            refer=("endocrinology",) if _at_maximum(evaluation, judged.drawn) else (),
        )  # fmt: skip
        return True, ()
    baseline = own_baseline(evaluation.case, "testosterone", evaluation.begun)
    change = change_of(evaluation.case, judged, baseline) if baseline is not None else None
    if change is None or change.up is None:
        broken = change is not None and change.broken
        leave_open(
            evaluation.report, "R-RESP-03", "response-testicular-failure",
            "response-broken" if broken else "response-t-baseline",
            "same-laboratory" if broken else "measure-response",
        )  # fmt: skip
        return False, ()
    if change.up:
        return False, ()
    say(
        evaluation,
        "response-testicular-failure",
        "R-RESP-03",
        judged,
        variant="serm",
        step="specialist",
        words={
            "t_change": whole_percent(change, signed=True),
            "t_limit": show(evaluation.case.protocol.variation.testosterone_up),
        },
        more=evidence_of_samples((change.baseline,), "baseline") + lh_evidence(evaluation),
        refer=("andrology",),
    )
    return True, (Reason("failed-testes", change.evidence()),) if twice else ()


def _lh_answered(evaluation: Evaluation, lh: Reading) -> bool | None:
    """Whether LH answers: above its range, or risen by more than chance; None with the reason."""
    high = evaluation.case.range_of(lh).high
    above = span_of(lh).above(high) if high is not None else False
    if above:
        return True
    baseline = own_baseline(evaluation.case, "lh", evaluation.begun)
    change = None
    if baseline is not None:
        change = change_of(evaluation.case, sample_of(lh.drawn, (lh,)), baseline)
    if above is False and change is not None and change.up is not None:
        return change.up
    reason = "lh-censored" if lh.censored else "response-lh-baseline"
    if change is not None and change.broken:
        reason = "response-broken"
    leave_open(
        evaluation.report, "R-RESP-03", "response-central-failure", reason,
        "same-laboratory" if reason == "response-broken" else "repeat",
    )  # fmt: skip
    return None


def hcg_failure(evaluation: Evaluation, judged: Sample) -> bool:
    """Row 4: low in spite of enough hCG for long enough."""
    rules = evaluation.case.protocol.response
    taken = [c for c in evaluation.treatment.courses if c.drug.drug_class == "hcg"]
    doses = [per_week(c.episode.dose, "[IU]") for c in taken]
    known = [dose for dose in doses if dose is not None]
    if len(known) < len(doses):
        leave_open(
            evaluation.report, "R-RESP-04", "response-testicular-failure", "hcg-dose-unknown",
            "state-dose",
        )  # fmt: skip
        return False
    weekly = sum(known, Decimal(0))
    since = _enough_since(evaluation, rules.hcg_week)
    if weekly < rules.hcg_week or since is None or (judged.drawn - since).days < rules.hcg_days:
        return False
    say(
        evaluation,
        "response-testicular-failure",
        "R-RESP-04",
        judged,
        variant="hcg",
        step="specialist",
        words={
            "dose": show(weekly),
            "cut": show(rules.hcg_week),
            "days": str(rules.hcg_days),
        },
        orders=("hcg",),
        refer=("andrology",),
    )
    return True


def _enough_since(evaluation: Evaluation, weekly: Decimal) -> date | None:
    """Since when hCG has been taken in at least that weekly dose without a longer gap."""
    gap, since = evaluation.case.protocol.axis.episode_gap, None
    for one in reversed(evaluation.case.courses):
        episode = one.episode
        if one.drug.drug_class != "hcg" or episode.start is None:
            continue
        dose = per_week(episode.dose, "[IU]")
        if dose is None or dose < weekly:
            if since is not None:
                break
            continue
        if since is None:
            since = episode.start if one.active else None
        elif episode.stop is not None and (since - episode.stop).days <= gap:
            since = min(since, episode.start)
    return since


def _failed_at_maximum(evaluation: Evaluation, judged: Sample) -> bool:
    """Two low evaluations at the published maximum, far enough apart, the newest among them."""
    rules = evaluation.case.protocol.response
    failed: list[date] = []
    for sample in evaluation.mornings():
        if not sample.span.below(rules.low):
            break
        if _at_maximum(evaluation, sample.drawn):
            failed.append(sample.drawn)
    return (
        bool(failed)
        and failed[0] == judged.drawn
        and (failed[0] - failed[-1]).days >= rules.evaluations_apart
    )


def _at_maximum(evaluation: Evaluation, drawn: date) -> bool:
    """Whether a SERM had been taken in its greatest published dose for long enough."""
    settle = timedelta(days=settle_days(evaluation.case, evaluation.treatment))
    for one in evaluation.case.courses:
        episode = one.episode
        if one.drug.drug_class != "serm" or one.drug.role != "recalibration":
            continue
        if episode.start is None or episode.start + settle > drawn:
            continue
        if episode.stop is not None and episode.stop < drawn:
            continue
        words = f"{episode.label} {episode.dose.text if episode.dose is not None else ''}"
        bounds = bounds_of(evaluation.case.protocol.dose, episode.agent, episode.dose, words)
        if any(b.dose is not None and b.dose >= b.high for b in bounds):
            return True
    return False


def _lh_baseline(evaluation: Evaluation) -> tuple[Evidence, ...]:
    baseline = own_baseline(evaluation.case, "lh", evaluation.begun)
    return evidence_of_samples((baseline,), "baseline") if baseline is not None else ()


def whole_percent(change: Change, *, signed: bool = False) -> str:
    """The change in whole per cent."""
    percent = change.percent if change.percent is not None else Decimal(0)
    rounded = (percent if signed else abs(percent)).quantize(Decimal(1), ROUND_HALF_EVEN)
    return f"{rounded:+f}" if signed else f"{rounded:f}"
