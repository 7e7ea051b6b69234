"""Visual symptoms on a SERM (A-VIS) and venous thromboembolism on therapy (A-VTE)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import AxisView
from smartapp.engine.case import Case
from smartapp.engine.course import Course, began
from smartapp.engine.evidence import evidence_of_course, evidence_of_problem
from smartapp.engine.exposure import day_of, exposure_of
from smartapp.engine.facts import SERM_AGENTS, eye_on_serm
from smartapp.engine.report import Ordered, Report
from smartapp.engine.standing import Standing
from smartapp.engine.telling import tell_evidence
from smartapp.engine.watch import told_sign
from smartapp.patient.record import Problem

_THERAPY = ("recalibration", "adjunct", "androgen")
_VTE = frozenset({"vte"})
_VTE_SYMPTOM = frozenset({"vte-symptom"})


def say_visual(report: Report, view: AxisView, standing: Standing) -> None:
    """`visual-symptoms`: began on a SERM, and a SERM is taken or being ordered.

    Where only a past event speaks against what is ordered, the contraindication tells of it.
    """
    case = report.case
    serms = tuple(c for c in case.courses if c.episode.agent in SERM_AGENTS)
    drafts = tuple(o for o in report.occasion.ordered if o.agent in SERM_AGENTS)
    taken = next((c for c in serms if c.active), None)
    if taken is None and (not drafts or _ruled_out(standing, drafts, "visual-symptoms")):
        return
    judged = eye_on_serm(case, view)
    exposure = exposure_of(case, SERM_AGENTS)
    told = () if exposure is None else told_sign(case, exposure, "visual")
    if not judged.answer and not told:
        return
    courses = tuple(evidence_of_course(c, "under") for c in serms)
    report.finding(
        "visual-symptoms",
        "A-VIS",
        variant="default" if taken is not None else "past",
        evidence=(*judged.evidence, *told, *courses),
        fixes=(*report.remove(*drafts), report.refer("ophthalmology")),
        about=drafts[0] if drafts else None,
        agent=taken.episode.agent if taken is not None else None,
        words={"what": tell_evidence(case.knowledge, (*judged.evidence, *told))},
    )


def say_thromboembolism(report: Report, standing: Standing) -> None:
    """`thromboembolism`: a diagnosis new on therapy or recent at an order; or symptoms of one.

    In an untreated man the contraindication tells of it, where the drug ordered has one.
    """
    case = report.case
    treated = [c for c in case.courses if c.active and c.drug.role in _THERAPY]
    ordered = report.occasion.ordered
    if not treated and (not ordered or _ruled_out(standing, ordered, "thromboembolism")):
        return
    begun = _begun(report, treated)
    found = [
        p
        for p in case.with_concepts(_VTE)
        if _recent(report, p) and (ordered or begun is None or _since(p, begun))
    ]
    courses = tuple(evidence_of_course(c, "under") for c in treated)
    if found:
        drafts = report.occasion.ordered
        report.finding(
            "thromboembolism",
            "A-VTE",
            evidence=(*(evidence_of_problem(p, "fired") for p in found), *courses),
            fixes=(*report.remove(*drafts), report.tell("urgent-vte")),
            about=drafts[0] if drafts else None,
            words={"what": _told(case, found)},
        )
        return
    past = (p for p in case.with_concepts(_VTE) if p.active is not False and p.abated is None)
    _near(report, past, case.protocol.contraindications.vte_days, "vte")
    if treated:
        _say_symptoms(report, courses)


def _say_symptoms(report: Report, courses: tuple[Evidence, ...]) -> None:
    """A recent symptom of a thrombosis under treatment; one without a date leaves the rule open."""
    case = report.case
    days = case.protocol.safety.vte_symptom
    known = [p for p in case.with_concepts(_VTE_SYMPTOM) if p.active is not False]
    symptoms = [p for p in known if case.within(day_of(p), days)]
    exposure = exposure_of(case)
    told = () if exposure is None else told_sign(case, exposure, "thromboembolic", days)
    if symptoms or told:
        report.finding(
            "thromboembolism",
            "A-VTE",
            level="symptom",
            variant="symptom",
            evidence=(*(evidence_of_problem(p, "fired") for p in symptoms), *told, *courses),
            fixes=(report.tell("urgent-vte"),),
            words={
                "days": str(days),
                "what": _told(case, symptoms, told),
            },
        )
        return
    if any(day_of(p) is None for p in known):
        report.open(
            Abstention("A-VTE", "thromboembolism", "event-undated", "ask-date", decisive=False)
        )
    _near(report, known, days, "vte-symptom")


def _near(report: Report, problems: Iterable[Problem], days: int, key: str) -> None:
    """The youngest event that lies just too far back, at least by one day."""
    ages = [(report.case.today - day).days for p in problems if (day := day_of(p)) is not None]
    age = min(ages, default=0)
    margin = max(1, int(days * report.case.protocol.options.near_miss))
    if days < age <= days + margin:
        report.near("thromboembolism", "A-VTE", key, {"value": str(age), "cut": str(days)})


def _ruled_out(standing: Standing, drafts: tuple[Ordered, ...], code: str) -> bool:
    """Whether an absolute row of the same data stands against each of the drafts."""
    return all(
        order.agent in standing.against
        and any(hit.row.spoken_by == code for hit in standing.against[order.agent].absolute)
        for order in drafts
    )


def _told(case: Case, problems: list[Problem], told: tuple[Evidence, ...] = ()) -> str:
    named = (evidence_of_problem(p, "fired") for p in problems)
    return tell_evidence(case.knowledge, (*named, *told))


def _begun(report: Report, treated: list[Course]) -> date | None:
    agents = frozenset(c.episode.agent for c in treated)
    return began(report.case.courses, agents, report.case.protocol.axis.episode_gap)


def _recent(report: Report, problem: Problem) -> bool:
    """Active and within the protocol's days, or of unknown date (rules 8)."""
    day = day_of(problem)
    days = report.case.protocol.contraindications.vte_days
    active = problem.active is not False and problem.abated is None
    return active and (day is None or report.case.within(day, days))


def _since(problem: Problem, begun: date) -> bool:
    day = day_of(problem)
    return day is None or day >= begun
