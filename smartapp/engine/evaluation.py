"""One evaluation of a treatment: the samples that tell of it, and how its response is said.

Judged on a testosterone drawn long enough after the last change and not too old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.last_dose import with_hours
from smartapp.engine.report import Report
from smartapp.engine.samples import Sample, evidence_of_samples, sample_of
from smartapp.engine.span import show
from smartapp.engine.steps import say_steps
from smartapp.engine.telling import why_not_usable
from smartapp.engine.treatment import Treatment
from smartapp.labs.reading import Reading

_ANDROGENS = ("testosterone", "anabolic-steroid")


@dataclass(frozen=True, slots=True)
class Evaluation:
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


def evaluate(report: Report, treatment: Treatment) -> Evaluation | None:
    """The samples of the evaluation, or None with the reason told."""
    case, rule, code = report.case, "R-RESP-01", "response-in-target"
    if any(c.active and c.episode.drug_class in _ANDROGENS for c in case.courses):
        leave_open(report, rule, code, "response-androgen", "settle-androgen")
        return None
    if treatment.begun is None or treatment.changed is None:
        leave_open(report, rule, code, "start-unknown", "state-start")
        return None
    if "testosterone" in case.withheld:
        why = why_not_usable(case.withheld["testosterone"])
        leave_open(
            report, rule, code, "testosterone-withheld", "repeat", "testosterone",
            words={"why": why},
        )  # fmt: skip
        return None
    settled = treatment.changed + timedelta(days=settle_days(case, treatment))
    draws = _settled(case, settled)
    if not draws:
        if case.today < settled:
            leave_open(report, rule, code, "response-early", "wait-settle")
        elif "labs" not in case.unread:
            leave_open(
                report, rule, code, "no-therapy-testosterone", "measure-response",
                "testosterone", "lh",
            )  # fmt: skip
        return None
    morning = next(_by_day(r for r in draws if r.clock == "morning"), None)
    now = next(_by_day(draws))
    lh = _lh(case, settled)
    return Evaluation(report, treatment, treatment.begun, treatment.changed, now, morning, lh)


def settle_days(case: Case, treatment: Treatment) -> int:
    """Days after a change of dose before testosterone tells of it."""
    rules = case.protocol.response
    return rules.settle_clomiphene if "clomiphene" in treatment.agents else rules.settle


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


def lh_evidence(evaluation: Evaluation) -> tuple[Evidence, ...]:
    """The LH the evaluation went by, if there was one."""
    if evaluation.lh is None:
        return ()
    return evidence_of_samples((sample_of(evaluation.lh.drawn, (evaluation.lh,)),), "fired")


def say(
    evaluation: Evaluation,
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
    """One `response-*` finding, with the lines of the protocol and the next published `step`.

    `step`: "up" and "down" name a dose; any other is a key of the wording's [step]. Beside a
    critical finding no step is named but to see to that first.
    """
    report, rules = evaluation.report, evaluation.case.protocol.response
    if any(f.severity == "critical" for f in report.findings):
        told = evaluation.case.knowledge.wording.say("step", "first")
    elif step in ("up", "down"):
        told = say_steps(report, evaluation.treatment, "up" if step == "up" else "down")
    else:
        told = evaluation.case.knowledge.wording.say("step", step)
    on_hcg = evaluation.treatment.of_class("hcg")
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
            *(
                with_hours(evaluation.case, item) if on_hcg else item
                for item in evidence_of_samples((judged,), "fired")
            ),
            *more,
            *evaluation.treatment.evidence(),
        ),
        fixes=(*report.order_lab(*orders), *(report.refer(s) for s in refer)),
        words={
            **numbers,
            "agents": report.names(evaluation.treatment.leading),
            "step": told,
            **(words or {}),
        },
    )  # fmt: skip


def leave_open(
    report: Report,
    rule: str,
    code: str,
    reason: str,
    fix: str,
    *orders: str,
    decisive: bool = False,
    words: dict[str, str] | None = None,
) -> None:
    """Tells why the response could not be judged; `orders` would settle it."""
    report.open(Abstention(rule, code, reason, fix, tuple(orders), decisive=decisive, words=words))
