"""From a record and knowledge to an assessment, at one moment. Pure: same input, same answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from smartapp.engine.abstain import open_rules, weighed
from smartapp.engine.action import say_actions
from smartapp.engine.applicability import objection
from smartapp.engine.assessment import (
    Assessment,
    Axis,
    NotEvaluable,
    Option,
    ProtocolRef,
    Recommendation,
    Therapy,
)
from smartapp.engine.axis import AxisView, judge_axis
from smartapp.engine.case import Case, open_case
from smartapp.engine.contraindications import say_stops
from smartapp.engine.dose import say_dose
from smartapp.engine.eligibility import (
    say_alternative,
    say_candidate,
    say_not_indicated,
    say_severe,
    say_specialist,
)
from smartapp.engine.endpoints import list_endpoints
from smartapp.engine.followup import Item, judge_followup
from smartapp.engine.hematocrit import say_hematocrit
from smartapp.engine.medication import say_duplicates, say_fertility, say_suppressed
from smartapp.engine.monitoring import say_followup, say_plan
from smartapp.engine.near import say_near_misses, say_near_rows
from smartapp.engine.options import list_options
from smartapp.engine.reasons import list_reasons
from smartapp.engine.report import Report, occasion_of
from smartapp.engine.response import say_response
from smartapp.engine.safety import say_thromboembolism, say_visual
from smartapp.engine.standing import Standing, judge_standing
from smartapp.engine.telling import tell_axis
from smartapp.engine.therapy import judge_therapy, say_undated
from smartapp.engine.treatment import Treatment, treatment_of
from smartapp.engine.workup import say_baseline, say_cannot_assess, say_confirm, say_workup
from smartapp.knowledge import Knowledge
from smartapp.patient.record import DraftOrder, PatientRecord


def assess(
    record: PatientRecord,
    knowledge: Knowledge,
    as_of: datetime,
    orders: Sequence[DraftOrder] = (),
) -> Assessment:
    """What the record means at `as_of`; with `orders`, what it means for these drafts.

    Nothing recorded after `as_of` is used. Refuses (InputError) an `as_of` without a UTC offset;
    whatever the record holds or lacks is an answer, not an error.
    """
    case = open_case(record, knowledge, as_of)
    reason = objection(case)
    if reason is not None:
        return _not_applicable(case, reason)
    report = Report(case, occasion_of(case, orders))
    view = judge_axis(case)
    asked = _asked(case, report)
    standing = judge_standing(case, view, asked)
    options = list_options(case, view, standing)
    treatment = treatment_of(case)
    followup = judge_followup(case, treatment)
    for abstention in open_rules(case, view, standing, asked):
        report.open(abstention)
    reasons = list_reasons(report, standing)
    _speak(report, view, standing, options, treatment, followup)
    say_near_rows(report, standing, weighed(view, standing, asked))
    now = view.now
    course = view.acting or view.washing
    agent = report.name(course.episode.agent) if course is not None else ""
    axis = Axis(now.state, tell_axis(case, now, agent), now.evidence)
    recommendation = Recommendation(standing.status, options, reasons)
    return _assessment(report, axis, judge_therapy(case), recommendation, followup, treatment)


def _asked(case: Case, report: Report) -> tuple[str, ...]:
    """Agents beside the options whose stops matter: adjuncts and others, ordered or taken."""
    ordered = [o.agent for o in report.occasion.roles("recalibration", "adjunct")]
    taken = [
        c.episode.agent
        for c in case.courses
        if c.active and c.drug.role in ("recalibration", "adjunct")
    ]
    return (*ordered, *taken)


def _speak(
    report: Report,
    view: AxisView,
    standing: Standing,
    options: tuple[Option, ...],
    treatment: Treatment | None,
    followup: tuple[Item, ...],
) -> None:
    """Every rule in turn; the order matters only where one finding speaks for another."""
    say_undated(report)
    say_visual(report, view, standing)
    say_thromboembolism(report, standing)
    say_hematocrit(report)
    say_actions(report)
    say_severe(report, view)
    say_suppressed(report, view)
    say_duplicates(report)
    say_fertility(report)
    say_stops(report, standing)
    say_candidate(report, view, standing, options)
    say_alternative(report, view, standing, options)
    say_not_indicated(report, view)
    reasons = say_response(report, treatment)
    say_specialist(report, view, standing, reasons)
    say_confirm(report, view)
    say_workup(report, view, standing)
    say_baseline(report, view)
    say_dose(report)
    say_followup(report, treatment, followup)
    say_cannot_assess(report, view, standing, tuple(report.opened))
    say_near_misses(report, view)
    say_plan(report, standing, followup)


def _assessment(
    report: Report,
    axis: Axis,
    therapy: Therapy,
    recommendation: Recommendation,
    followup: tuple[Item, ...],
    treatment: Treatment | None,
) -> Assessment:
    case = report.case
    return Assessment(
        patient=case.record.demographics.reference,
        as_of=case.as_of,
        protocol=_protocol(case),
        axis=axis,
        therapy=therapy,
        recommendation=recommendation,
        findings=report.sorted_findings(),
        not_evaluable=tuple(report.not_evaluable),
        near_misses=tuple(report.near_misses),
        due=tuple(item.due for item in followup),
        endpoints=list_endpoints(case, treatment.begun if treatment is not None else None),
        wishes=case.wishes,
        unused=case.unused,
    )


def _not_applicable(case: Case, reason: str) -> Assessment:
    return Assessment(
        patient=case.record.demographics.reference,
        as_of=case.as_of,
        protocol=_protocol(case),
        axis=Axis("not-applicable", reason),
        therapy=Therapy("none"),
        recommendation=Recommendation("cannot-assess"),
        findings=(),
        not_evaluable=_unknown_person(case, reason),
        near_misses=(),
        due=(),
        endpoints=(),
        wishes=case.wishes,
        unused=case.unused,
    )


def _unknown_person(case: Case, reason: str) -> tuple[NotEvaluable, ...]:
    """Where age or sex is not known, the rules might apply: that is open, not settled."""
    sex, _ = case.record.demographics.sex_on(case.today)
    if sex != "unknown" and (sex != "male" or case.age is not None):
        return ()
    fix = case.knowledge.wording.say("fix", "state-person")
    return (NotEvaluable("R-APP-01", "cannot-assess", reason, fix),)


def _protocol(case: Case) -> ProtocolRef:
    protocol = case.protocol
    return ProtocolRef(protocol.profile, protocol.version, protocol.overridden)
