"""What is said of suitability: severe failure, candidate, alternative, not indicated, review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from smartapp.engine.assessment import Evidence, Fix, Option
from smartapp.engine.axis import AxisView
from smartapp.engine.baseline import lacking
from smartapp.engine.report import Report
from smartapp.engine.standing import Reason, Standing
from smartapp.engine.telling import and_more, tell_axis, tell_criterion

_NOT_INDICATED = ("eugonadal", "compensated", "isolated-fsh")


def say_severe(report: Report, view: AxisView) -> None:
    """`severe-primary-failure`: graver while a recalibration drug is taken or being ordered."""
    severe = view.untreated.severe
    if not severe.holds:
        return
    drafts = report.occasion.roles("recalibration", "adjunct")
    report.finding(
        "severe-primary-failure",
        "R-ELIG-STOP-01",
        level="active" if _recalibrating(report) else "default",
        evidence=(*severe.evidence, *view.untreated.low.evidence),
        fixes=(*report.remove(*drafts), report.refer("andrology")),
        about=drafts[0] if drafts else None,
        words={"criterion": tell_criterion(report.case, view.untreated)},
    )


def say_candidate(
    report: Report, view: AxisView, standing: Standing, options: tuple[Option, ...]
) -> None:
    """`recalibration-candidate`; a fertility wish strengthens it (E2)."""
    if standing.status != "candidate":
        return
    wish = report.case.wishes.fertility
    may = [o.agent for o in options if o.eligible]
    variant = "e3" if standing.path == "E3" else "fertility" if wish == "yes" else "default"
    fixes = list(_starts(report, options))
    if wish == "unknown":
        fixes.append(_ask_wish(report))
    # Where a start is offered, its baseline was found whole.
    missing = _missing_before(
        report, view, [o.agent for o in options if o.eligible and not o.regimens]
    )
    fixes += report.order_lab(*missing)
    report.finding(
        "recalibration-candidate",
        "R-ELIG-01",
        variant=variant,
        evidence=(*view.now.evidence, *standing.symptoms.evidence, *wish_evidence(report)),
        fixes=fixes,
        words={
            "agents": report.names(may),
            "axis": tell_axis(report.case, view.now),
            "missing": _still_missing(report, missing),
        },
    )


def _missing_before(report: Report, view: AxisView, agents: Iterable[str]) -> tuple[str, ...]:
    """Analytes of the required baseline that any of the agents still lacks."""
    found = (lacking(report.case, view, agent) for agent in agents)
    return tuple(dict.fromkeys(key for keys in found for key in keys))


def _still_missing(report: Report, missing: tuple[str, ...]) -> str:
    if not missing:
        return ""
    return report.case.knowledge.wording.say(
        "missing", "baseline", {"missing": report.analytes(missing)}
    )


def say_alternative(
    report: Report, view: AxisView, standing: Standing, options: tuple[Option, ...]
) -> None:
    """`recalibration-alternative`: testosterone is being ordered for a candidate (rules 10)."""
    androgens = report.occasion.roles("androgen")
    if not androgens or standing.status != "candidate":
        return
    case = report.case
    ask = (
        case.wishes.fertility == "unknown"
        and case.age is not None
        and case.age < case.protocol.orders.wish_age
    )
    fixes = [*([_ask_wish(report)] if ask else []), *_starts(report, options)]
    report.finding(
        "recalibration-alternative",
        "R-ELIG-02",
        variant="ask-wish" if ask else "default",
        evidence=(*view.now.evidence, *wish_evidence(report)),
        fixes=fixes,
        about=androgens[0],
        words={
            "agents": report.names(o.agent for o in options if o.eligible),
            "axis": tell_axis(case, view.now),
            "status": case.knowledge.wording.say(
                "regulatory", "e3" if standing.path == "E3" else "e1"
            ),
        },
    )


def say_not_indicated(report: Report, view: AxisView) -> None:
    """`not-indicated`: such a drug is taken or ordered on an axis that gives no reason for it."""
    state = view.untreated.state
    drafts = report.occasion.roles("recalibration")
    if state not in _NOT_INDICATED or not (drafts or _recalibrating(report)):
        return
    report.finding(
        "not-indicated",
        "R-ELIG-03",
        evidence=view.untreated.evidence,
        fixes=report.remove(*drafts),
        about=drafts[0] if drafts else None,
        words={
            "state": report.case.knowledge.wording.say("state", state),
            "axis": tell_axis(report.case, view.untreated),
        },
    )


def say_specialist(
    report: Report, view: AxisView, standing: Standing, more: tuple[Reason, ...] = ()
) -> None:
    """`specialist-review`, with every reason for it; `more` come from the response to treatment."""
    if view.untreated.severe.holds:
        return
    reasons = [*(r for r in standing.specialist if _is_mine(report, standing, r)), *more]
    if view.now.very_high_t:
        reasons.append(Reason("very-high-t", view.now.evidence))
    if not reasons:
        return
    wording = report.case.knowledge.wording
    state = view.untreated.evidence if view.acting is None else ()
    report.finding(
        "specialist-review",
        "R-ELIG-04",
        evidence=(*(e for reason in reasons for e in reason.evidence), *state),
        fixes=(report.refer("endocrinology"),),
        words={
            "first": wording.say("specialist", reasons[0].key),
            "more": and_more(len(reasons)),
            "reasons": "; ".join(wording.say("specialist", r.key) for r in reasons),
            "axis": f"{tell_axis(report.case, view.untreated)} " if view.acting is None else "",
        },
    )


def _is_mine(report: Report, standing: Standing, reason: Reason) -> bool:
    """Suppression and an unexplained low LH have findings of their own until a drug is ordered."""
    if report.occasion.ordering:
        return reason.key != "suppressed"
    return standing.status == "specialist" and reason.key not in ("suppressed", "lh-undiagnosed")


def wish_evidence(report: Report) -> tuple[Evidence, ...]:
    """The recorded wish for a child, if there is one."""
    wishes = report.case.wishes
    if wishes.fertility != "yes" or wishes.source is None:
        return ()
    note = report.case.knowledge.wording.say("evidence", "fertility-wish")
    return (Evidence(wishes.source, None, None, None, None, wishes.date, "wish", note),)


def _recalibrating(report: Report) -> bool:
    return any(c.active and c.drug.role == "recalibration" for c in report.case.courses)


def _starts(report: Report, options: tuple[Option, ...]) -> Iterator[Fix]:
    """One choice a published start, none before another (rules 10)."""
    regimens = report.case.knowledge.regimens
    for option in options:
        for key in option.regimens:
            yield Fix("start-regimen", key, f"{report.name(option.agent)}, {regimens[key].text}")


def _ask_wish(report: Report) -> Fix:
    return Fix("questionnaire", "wishes", report.case.knowledge.wording.say("fix", "ask-wish"))
