"""What is said of the follow-up: what is overdue, and the plan that goes with an order."""

from __future__ import annotations

from collections.abc import Iterable

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence, Fix
from smartapp.engine.course import Course
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.followup import Item, first_checks, steps_of, stopped
from smartapp.engine.report import Ordered, Report
from smartapp.engine.standing import Standing
from smartapp.engine.treatment import Treatment
from smartapp.knowledge.schedule import Check

_PLANNED = ("candidate", "on-therapy")


def say_followup(report: Report, treatment: Treatment | None, items: tuple[Item, ...]) -> None:
    """`monitoring-due`: what is overdue, with everything that the same sample can serve."""
    if treatment is not None and treatment.begun is None:
        report.open(
            Abstention("R-MON-01", "monitoring-due", "start-unknown", "state-start", decisive=False)
        )
        return
    overdue = [i for i in items if i.due.overdue and not i.quiet]
    if not overdue:
        return
    late = any(i.late and i.safety for i in overdue)
    courses = treatment.courses if treatment is not None else stopped(report.case)
    agents = tuple(dict.fromkeys(c.episode.agent for c in courses))
    variant = "after-stop" if treatment is None else "late" if late else "default"
    report.finding(
        "monitoring-due",
        "R-MON-01",
        level="late" if late else "default",
        variant=variant,
        state="after-stop" if treatment is None else "",
        evidence=_evidence(overdue, courses),
        fixes=_orders(report, items),
        words={
            "agents": report.names(agents),
            "tests": ", ".join(i.due.test for i in overdue),
            "rows": "; ".join(_row(report, i) for i in overdue),
            "sample": _sample(report, overdue),
            "vision": _vision(report, treatment is not None and treatment.of_class("serm")),
        },
    )


def say_plan(report: Report, standing: Standing, items: tuple[Item, ...]) -> None:
    """`monitoring-plan`: the follow-up of an order against which nothing graver stands."""
    drafts = report.occasion.roles("recalibration", "adjunct")
    if not drafts or standing.status not in _PLANNED:
        return
    if any(f.card and f.severity != "info" for f in report.findings):
        return
    open_ = [i for i in items if i.analytes]
    if open_ and all(report.case.taking(agent=d.agent) is not None for d in drafts):
        _say_running(report, drafts, open_)
    else:
        _say_first(report, drafts)


def _say_running(report: Report, drafts: tuple[Ordered, ...], items: list[Item]) -> None:
    """The next draw of a treatment that goes on."""
    soonest = min(i.due.due for i in ([i for i in items if not i.quiet] or items))
    planned = [i for i in items if i.due.window[0] <= max(soonest, report.case.today)]
    report.finding(
        "monitoring-plan",
        "R-MON-02",
        variant="running",
        evidence=_evidence(planned, ()),
        fixes=_labs(report, planned),
        about=drafts[0],
        words={
            **_of_drafts(report, drafts),
            "when": soonest.isoformat(),
            "tests": ", ".join(i.due.test for i in planned),
        },
    )


def _say_first(report: Report, drafts: tuple[Ordered, ...]) -> None:
    """The first draw of a treatment about to begin."""
    case = report.case
    step = steps_of(case, any(d.agent == "clomiphene" for d in drafts))["first"]
    checks = [
        c for c in first_checks(case, {d.draft.drug_class for d in drafts}) if c.analyte is not None
    ]
    report.finding(
        "monitoring-plan",
        "R-MON-02",
        fixes=report.order_lab(*_with(checks)),
        about=drafts[0],
        words={
            **_of_drafts(report, drafts),
            "days": str(step.day),
            "low": str(step.low),
            "high": str(step.high),
            "tests": ", ".join(
                case.knowledge.catalogue.analytes[c.analyte].name for c in checks if c.analyte
            ),
        },
    )


def _of_drafts(report: Report, drafts: tuple[Ordered, ...]) -> dict[str, str]:
    serm = any(d.draft.drug_class == "serm" for d in drafts)
    return {"agents": report.names(d.agent for d in drafts), "vision": _vision(report, serm)}


def _row(report: Report, item: Item) -> str:
    wording = report.case.knowledge.wording
    words = {
        "test": item.due.test,
        "due": item.due.due.isoformat(),
        "days": str(item.step.day),
        "anchor": wording.say("due", item.anchor),
    }
    return wording.say("due", "row", words)


def _sample(report: Report, overdue: list[Item]) -> str:
    """That one draw serves several of these tests, where it does."""
    drawn = sum(1 for item in overdue if not item.apart)
    if drawn < 2:
        return ""
    return report.case.knowledge.wording.say(
        "due", "sample" if drawn == len(overdue) else "sample-blood"
    )


def _vision(report: Report, serm: bool) -> str:
    return report.case.knowledge.wording.say("due", "ask-vision") if serm else ""


def _evidence(items: Iterable[Item], courses: Iterable[Course]) -> tuple[Evidence, ...]:
    last = tuple(i.last for i in items if i.last is not None)
    return last + tuple(evidence_of_course(c, "under") for c in courses)


def _orders(report: Report, items: Iterable[Item]) -> tuple[Fix, ...]:
    """Everything whose window has opened: one sample serves them all."""
    today = report.case.today
    return _labs(report, [i for i in items if i.due.window[0] <= today])


def _labs(report: Report, items: Iterable[Item]) -> tuple[Fix, ...]:
    return report.order_lab(*dict.fromkeys(a for i in items for a in i.analytes))


def _with(checks: Iterable[Check]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for check in checks:
        if check.analyte is not None:
            found |= dict.fromkeys((check.analyte, *check.together))
    return tuple(found)
