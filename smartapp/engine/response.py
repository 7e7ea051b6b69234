"""How the treatment is going: the response of testosterone, first match (clinical rules 9).

Judged on a testosterone drawn long enough after the last change and not too old. The ceiling is
held against the newest draw at any hour; what is low is judged on a morning draw only, because
testosterone falls through the day: a value in the band at another hour is at least in the band.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.change import Change, change_of, own_baseline
from smartapp.engine.dose import bounds_of
from smartapp.engine.endpoints import symptoms_better
from smartapp.engine.report import Report
from smartapp.engine.samples import Sample, evidence_of_samples, sample_of
from smartapp.engine.span import show, span_of
from smartapp.engine.standing import Reason
from smartapp.engine.steps import say_steps
from smartapp.engine.telling import why_not_usable
from smartapp.engine.treatment import Treatment, lowered, per_week
from smartapp.labs.reading import Reading

_ANDROGENS = ("testosterone", "anabolic-steroid")
_LH_PLACE = {True: "high", False: "middle", None: "middle"}


@dataclass(frozen=True, slots=True)
class _Course:
    """What the rows read.

    begun, changed   of the treatment, both known
    now       the newest testosterone that may be judged, at any hour
    morning   the newest of them from a morning; None: none
    lh        LH of the same time; None when there is none or its newest cannot be used
    """

    report: Report
    treatment: Treatment
    begun: date
    changed: date
    now: Sample
    morning: Sample | None
    lh: Reading | None

    @property
    def case(self) -> Case:
        return self.report.case

    def mornings(self) -> Iterator[Sample]:
        """Morning draws of this treatment, newest first."""
        return _by_day(
            r
            for r in reversed(self.case.readings["testosterone"])
            if r.drawn > self.begun and r.clock == "morning"
        )


def say_response(report: Report, treatment: Treatment | None) -> tuple[Reason, ...]:
    """One `response-*` finding at most; what it gives the specialist to review."""
    if treatment is None or not treatment.leading:
        return ()
    course = _course(report, treatment)
    if course is None:
        return ()
    rules = report.case.protocol.response
    over = course.now.span.above(rules.over)
    if over is None:
        _open(report, "R-RESP-01", "response-over", "response-censored", "repeat", "testosterone")
        return ()
    if over:
        _over(course)
        return ()
    judged = course.morning or course.now
    if course.morning is None and judged.span.at_least(rules.target) is not True:
        _open(
            report, "R-RESP-05", "response-partial", "response-clock", "measure-response",
            "testosterone",
        )  # fmt: skip
        return ()
    if any(judged.span.below(cut) is None for cut in (rules.low, rules.target)):
        _open(
            report, "R-RESP-05", "response-partial", "response-censored", "repeat", "testosterone"
        )
        return ()
    return _rows(course, judged)


def _rows(course: _Course, judged: Sample) -> tuple[Reason, ...]:
    """Rows 2 to 7 for a sample that lies certainly on one side of each line."""
    rules = course.case.protocol.response
    low = judged.span.below(rules.low)
    if judged.span.below(rules.target) and _lost(course, judged):
        return ()
    if low and course.treatment.of_class("serm") and not course.treatment.of_class("hcg"):
        settled, reasons = _serm_failure(course, judged)
        if settled:
            return reasons
    if low and course.treatment.of_class("hcg") and _hcg_failure(course, judged):
        return ()
    if judged.span.below(rules.target):
        _below(course, judged)
    else:
        _in_band(course, judged)
    return ()


# -- What is judged


def _course(report: Report, treatment: Treatment) -> _Course | None:
    """The samples of the course, or None with the reason told."""
    case, rules = report.case, report.case.protocol.response
    rule, code = "R-RESP-01", "response-in-target"
    if any(c.active and c.episode.drug_class in _ANDROGENS for c in case.courses):
        _open(report, rule, code, "response-androgen", "settle-androgen")
        return None
    if treatment.begun is None or treatment.changed is None:
        _open(report, rule, code, "start-unknown", "state-start")
        return None
    if "testosterone" in case.withheld:
        why = why_not_usable(case.withheld["testosterone"])
        _open(
            report, rule, code, "testosterone-withheld", "repeat", "testosterone",
            words={"why": why},
        )  # fmt: skip
        return None
    wait = rules.settle_clomiphene if "clomiphene" in treatment.agents else rules.settle
    settled = treatment.changed + timedelta(days=wait)
    draws = _settled(case, settled)
    if not draws:
        if case.today < settled:
            _open(report, rule, code, "response-early", "wait-settle")
        elif "labs" not in case.unread:
            _open(
                report, rule, code, "no-therapy-testosterone", "measure-response",
                "testosterone", "lh",
            )  # fmt: skip
        return None
    morning = next(_by_day(r for r in draws if r.clock == "morning"), None)
    now = next(_by_day(draws))
    return _Course(
        report,
        treatment,
        treatment.begun,
        treatment.changed,
        now,
        morning,
        _lh(case, settled),
    )


def _settled(case: Case, settled: date) -> list[Reading]:
    """Testosterone that may be judged, newest first."""
    first = max(settled, days_before(case.today, case.protocol.response.age))
    found = []
    for reading in reversed(case.readings.get("testosterone", ())):
        if reading.drawn < first:
            break
        found.append(reading)
    return found


def _by_day(readings: Iterator[Reading] | Sequence[Reading]) -> Iterator[Sample]:
    """One sample a date, newest first, of readings newest first."""
    day: list[Reading] = []
    for reading in readings:
        if day and reading.drawn != day[0].drawn:
            yield sample_of(day[0].drawn, day)
            day = []
        day.append(reading)
    if day:
        yield sample_of(day[0].drawn, day)


def _lh(case: Case, settled: date) -> Reading | None:
    lh = case.newest("lh", case.protocol.response.age)
    return lh if lh is not None and lh.drawn >= settled and "lh" not in case.withheld else None


# -- The rows


def _over(course: _Course) -> None:
    rules = course.case.protocol.response
    far = course.now.span.above(rules.far_over) is True
    _say(
        course,
        "response-over",
        "R-RESP-01",
        course.now,
        level="far" if far else "default",
        variant="far" if far else "default",
        step="verify" if far else "down",
        words={"settle": str(_settle(course))},
        orders=("testosterone",) if far else (),
    )


def _lost(course: _Course, judged: Sample) -> bool:
    """Row 2: fallen out of the band by more than chance, without a lower dose."""
    rules = course.case.protocol.response
    before = next(
        (
            s
            for s in course.mornings()
            if s.span.at_least(rules.target) and s.span.up_to(rules.over)
        ),
        None,
    )
    if before is None:
        return False
    change = change_of(course.case, judged, before)
    if change.broken:
        _open(
            course.report, "R-RESP-02", "response-lost", "response-broken", "same-laboratory",
            "testosterone",
        )  # fmt: skip
        return False
    if not change.down:
        return False
    cut = lowered(course.case, before.drawn, judged.drawn)
    if cut is None:
        _open(course.report, "R-RESP-02", "response-lost", "response-dose-unknown", "state-dose")
    if cut is not False:
        return False
    _say(
        course,
        "response-lost",
        "R-RESP-02",
        judged,
        step="specialist" if _lh_place(course) == "high" else "look",
        words={
            "fall": _whole(change),
            "limit": show(course.case.protocol.variation.testosterone_down),
            "lh": course.case.knowledge.wording.say("lost-lh", _lh_place(course)),
        },
        more=evidence_of_samples((before,), "earlier") + _lh_evidence(course),
        orders=() if course.lh is not None else ("lh",),
    )
    return True


def _serm_failure(course: _Course, judged: Sample) -> tuple[bool, tuple[Reason, ...]]:
    """Row 3: whether it settles the matter, by a finding or by not being evaluable."""
    rules = course.case.protocol.response
    twice = _failed_at_maximum(course, judged)
    if not twice and (judged.drawn - course.begun).days < rules.failure_days:
        return False, ()
    if course.lh is None:
        _open(
            course.report, "R-RESP-03", "response-testicular-failure", "response-lh-missing",
            "measure-lh", "lh", decisive=True,
        )  # fmt: skip
        return True, ()
    answered = _lh_answered(course, course.lh)
    if answered is None:
        return False, ()
    if not answered:
        limit = show(course.case.protocol.variation.lh_up)
        _say(
            course, "response-central-failure", "R-RESP-03", judged, step="up",
            words={"lh_limit": limit}, more=_lh_evidence(course) + _lh_baseline(course),
            refer=("endocrinology",) if _at_maximum(course, judged.drawn) else (),
        )  # fmt: skip
        return True, ()
    baseline = own_baseline(course.case, "testosterone", course.begun)
    change = change_of(course.case, judged, baseline) if baseline is not None else None
    if change is None or change.up is None:
        broken = change is not None and change.broken
        _open(
            course.report, "R-RESP-03", "response-testicular-failure",
            "response-broken" if broken else "response-t-baseline",
            "same-laboratory" if broken else "measure-response",
        )  # fmt: skip
        return False, ()
    if change.up:
        return False, ()
    _say(
        course,
        "response-testicular-failure",
        "R-RESP-03",
        judged,
        variant="serm",
        step="specialist",
        words={
            "t_change": _whole(change, signed=True),
            "t_limit": show(course.case.protocol.variation.testosterone_up),
        },
        more=evidence_of_samples((change.baseline,), "baseline") + _lh_evidence(course),
        refer=("andrology",),
    )
    return True, (Reason("failed-testes", change.evidence()),) if twice else ()


def _lh_answered(course: _Course, lh: Reading) -> bool | None:
    """Whether LH answers: above its range, or risen by more than chance; None with the reason."""
    high = course.case.range_of(lh).high
    above = span_of(lh).above(high) if high is not None else False
    if above:
        return True
    baseline = own_baseline(course.case, "lh", course.begun)
    change = None
    if baseline is not None:
        change = change_of(course.case, sample_of(lh.drawn, (lh,)), baseline)
    if above is False and change is not None and change.up is not None:
        return change.up
    reason = "lh-censored" if lh.censored else "response-lh-baseline"
    if change is not None and change.broken:
        reason = "response-broken"
    _open(
        course.report, "R-RESP-03", "response-central-failure", reason,
        "same-laboratory" if reason == "response-broken" else "repeat",
    )  # fmt: skip
    return None


def _hcg_failure(course: _Course, judged: Sample) -> bool:
    """Row 4: low in spite of enough hCG for long enough."""
    rules = course.case.protocol.response
    taken = [c for c in course.treatment.courses if c.drug.drug_class == "hcg"]
    doses = [per_week(c.episode.dose, "[IU]") for c in taken]
    known = [dose for dose in doses if dose is not None]
    if len(known) < len(doses):
        _open(
            course.report, "R-RESP-04", "response-testicular-failure", "hcg-dose-unknown",
            "state-dose",
        )  # fmt: skip
        return False
    weekly = sum(known, Decimal(0))
    since = _enough_since(course, rules.hcg_week)
    if weekly < rules.hcg_week or since is None or (judged.drawn - since).days < rules.hcg_days:
        return False
    _say(
        course,
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


def _enough_since(course: _Course, weekly: Decimal) -> date | None:
    """Since when hCG has been taken in at least that weekly dose without a longer gap."""
    gap, since = course.case.protocol.axis.episode_gap, None
    for one in reversed(course.case.courses):
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


def _below(course: _Course, judged: Sample) -> None:
    """Rows 5 and 6: below the band."""
    rules = course.case.protocol.response
    low = judged.span.below(rules.low)
    better = None if low else symptoms_better(course.case, course.begun)
    if better is not None and better.answer:
        _say(
            course, "response-in-target", "R-RESP-06", judged, variant="symptoms", step="keep",
            more=better.evidence,
        )  # fmt: skip
    else:
        if not low and better is None:
            _ask(course, "R-RESP-06", "response-partial")
        rule = "R-RESP-05" if low else "R-RESP-06"
        _say(course, "response-partial", rule, judged, step="up")
    _near(course, judged, "response-low" if not low else None, rules.low)


def _in_band(course: _Course, judged: Sample) -> None:
    """Row 7: in the band; symptoms not better from the protocol's day on make it half a success."""
    rules = course.case.protocol.response
    since = course.begun + timedelta(days=rules.symptom_day)
    better = symptoms_better(course.case, course.begun, since)
    if better is not None and better.answer is False:
        _say(
            course, "response-biochemical-only", "R-RESP-07", judged, step="stop",
            words={"symptom_day": str(rules.symptom_day)}, more=better.evidence,
        )  # fmt: skip
    else:
        if better is None and course.case.today >= since:
            _ask(course, "R-RESP-07", "response-biochemical-only")
        more = better.evidence if better is not None else ()
        _say(course, "response-in-target", "R-RESP-07", judged, step="keep", more=more)
    value = judged.span.value
    near = course.case.protocol.options.near_miss
    if value is not None and value >= rules.over - rules.over * near:
        words = {"value": show(value), "cut": show(rules.over)}
        course.report.near("response-over", "R-RESP-01", "response-over", words)
    _near(course, judged, "response-lost", rules.target)


# -- Parts


def _failed_at_maximum(course: _Course, judged: Sample) -> bool:
    """Two low evaluations at the published maximum, far enough apart, the newest among them."""
    rules = course.case.protocol.response
    failed: list[date] = []
    for sample in course.mornings():
        if not sample.span.below(rules.low):
            break
        if _at_maximum(course, sample.drawn):
            failed.append(sample.drawn)
    return (
        bool(failed)
        and failed[0] == judged.drawn
        and (failed[0] - failed[-1]).days >= rules.evaluations_apart
    )


def _at_maximum(course: _Course, drawn: date) -> bool:
    """Whether a SERM had been taken in its greatest published dose for long enough."""
    settle = timedelta(days=_settle(course))
    for one in course.case.courses:
        episode = one.episode
        if one.drug.drug_class != "serm" or one.drug.role != "recalibration":
            continue
        if episode.start is None or episode.start + settle > drawn:
            continue
        if episode.stop is not None and episode.stop < drawn:
            continue
        words = f"{episode.label} {episode.dose.text if episode.dose is not None else ''}"
        bounds = bounds_of(course.case.protocol.dose, episode.agent, episode.dose, words)
        if any(b.dose is not None and b.dose >= b.high for b in bounds):
            return True
    return False


def _settle(course: _Course) -> int:
    rules = course.case.protocol.response
    serm = "clomiphene" in course.treatment.agents
    return rules.settle_clomiphene if serm else rules.settle


def _lh_place(course: _Course) -> str:
    if course.lh is None:
        return "missing"
    used, span = course.case.range_of(course.lh), span_of(course.lh)
    if used.low is not None and span.below(used.low):
        return "low"
    return _LH_PLACE[span.above(used.high) if used.high is not None else False]


def _lh_evidence(course: _Course) -> tuple[Evidence, ...]:
    if course.lh is None:
        return ()
    return evidence_of_samples((sample_of(course.lh.drawn, (course.lh,)),), "fired")


def _lh_baseline(course: _Course) -> tuple[Evidence, ...]:
    baseline = own_baseline(course.case, "lh", course.begun)
    return evidence_of_samples((baseline,), "baseline") if baseline is not None else ()


def _whole(change: Change, *, signed: bool = False) -> str:
    """The change in whole per cent."""
    percent = change.percent if change.percent is not None else Decimal(0)
    rounded = (percent if signed else abs(percent)).quantize(Decimal(1), ROUND_HALF_EVEN)
    return f"{rounded:+f}" if signed else f"{rounded:f}"


def _say(
    course: _Course,
    code: str,
    rule: str,
    judged: Sample,
    *,
    step: str,
    level: str = "default",
    variant: str = "default",
    words: dict[str, str] | None = None,
    more: tuple[Evidence, ...] = (),
    orders: tuple[str, ...] = (),
    refer: tuple[str, ...] = (),
) -> None:
    report, rules = course.report, course.case.protocol.response
    if any(f.severity == "critical" for f in report.findings):
        told = course.case.knowledge.wording.say("step", "first")
    elif step in ("up", "down"):
        told = say_steps(report, course.treatment, "up" if step == "up" else "down")
    else:
        told = course.case.knowledge.wording.say("step", step)
    numbers = {
        "low": show(rules.low),
        "target": show(rules.target),
        "over": show(rules.over),
        "far": show(rules.far_over),
    }
    report.finding(
        code,
        rule,
        level=level,
        variant=variant,
        evidence=(
            *evidence_of_samples((judged,), "fired"), *more, *course.treatment.evidence()
        ),
        fixes=(*report.order_lab(*orders), *(report.refer(s) for s in refer)),
        words={
            **numbers,
            "agents": report.names(course.treatment.leading),
            "step": told,
            **(words or {}),
        },
    )  # fmt: skip


def _ask(course: _Course, rule: str, code: str) -> None:
    """Whether he feels better is not known: testosterone alone decided."""
    course.report.open(
        Abstention(rule, code, "response-symptoms", "ask-better", asks="symptoms", decisive=False)
    )


def _near(course: _Course, judged: Sample, key: str | None, cut: Decimal) -> None:
    value, near = judged.span.value, course.case.protocol.options.near_miss
    if key is None or value is None or value > cut + cut * near:
        return
    code = "response-lost" if key == "response-lost" else "response-partial"
    rule = "R-RESP-02" if key == "response-lost" else "R-RESP-05"
    words = {"value": show(value), "cut": show(cut)}
    course.report.near(code, rule, key, words)


def _open(
    report: Report,
    rule: str,
    code: str,
    reason: str,
    fix: str,
    *orders: str,
    decisive: bool = False,
    words: dict[str, str] | None = None,
) -> None:
    report.open(Abstention(rule, code, reason, fix, tuple(orders), decisive=decisive, words=words))
