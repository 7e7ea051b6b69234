"""What is said about suitability: stops, candidate, alternative, not indicated, specialist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from smartapp.engine.assessment import Evidence, Finding, Fix, Option
from smartapp.engine.axis import AxisView
from smartapp.engine.baseline import lacking
from smartapp.engine.report import Ordered, Report
from smartapp.engine.standing import Reason, Standing, approved
from smartapp.engine.stops import Against, Hit
from smartapp.engine.telling import and_more, tell_axis, tell_criterion, tell_evidence
from smartapp.knowledge.matrix import Row

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


@dataclass(slots=True)
class _Concerned:
    """One row, and the agents against which it is spoken of now."""

    row: Row
    absolute: bool
    agents: list[str] = field(default_factory=list)
    evidence: tuple[Evidence, ...] = ()
    ordered: list[Ordered] = field(default_factory=list)
    active: bool = False
    relative: bool = False


def say_stops(report: Report, standing: Standing) -> None:
    """`contraindication` and `precaution`, one finding a row, whatever the number of agents.

    A row whose data another finding speaks of joins that finding: one matter is told once.
    """
    concerned: dict[tuple[str, bool], _Concerned] = {}
    for against, ordered, active in _spoken_of(report, standing):
        for hit in against.hits:
            if not _speaks(hit, against, ordered, active):
                continue
            absolute = hit.grade == "A"
            entry = concerned.setdefault((hit.row.key, absolute), _Concerned(hit.row, absolute))
            if against.agent not in entry.agents:
                entry.agents.append(against.agent)
            entry.evidence += hit.evidence
            entry.active |= active
            entry.relative |= hit.grade == "R"
            if ordered is not None:
                entry.ordered.append(ordered)
    for entry in concerned.values():
        speaker = _speaker(report, entry)
        if speaker is None:
            _say_row(report, entry)
        else:
            _join(report, speaker, entry)


def _speaker(report: Report, entry: _Concerned) -> Finding | None:
    """The finding that speaks of all the data this row rests on, if there is one."""
    told = {e.reference for e in entry.evidence}
    for finding in report.findings:
        same = finding.code == entry.row.spoken_by
        if same and told <= {e.reference for e in finding.evidence}:
            return finding
    return None


def _join(report: Report, speaker: Finding, entry: _Concerned) -> None:
    """The row's evidence and sources go to the finding, and a sentence where it rules out."""
    words = report.case.knowledge.wording.phrases["joined"].get(entry.row.key)
    sentence = ""
    if words is not None and entry.absolute:
        sentence = words.fill({"agents": report.names(entry.agents)})
    report.join(speaker, entry.row.rule, entry.evidence, sentence)


def _spoken_of(
    report: Report, standing: Standing
) -> Iterator[tuple[Against, Ordered | None, bool]]:
    """The agents a stop is worth saying for: ordered, taken, or an option of a candidate.

    The last answer: taken and not ordered anew, for an order is as grave either way.
    """
    case = report.case
    ordered = report.occasion.roles("recalibration", "adjunct")
    for order in ordered:
        yield standing.against[order.agent], order, False
    for agent, against in standing.against.items():
        if any(agent == order.agent for order in ordered):
            continue
        if case.taking(agent=agent) is not None:
            yield against, None, True
        elif (
            standing.would_be
            and not ordered
            and agent in standing.agents_of_path
            and approved(case, agent)
        ):
            yield against, None, False


def _speaks(hit: Hit, against: Against, ordered: Ordered | None, active: bool) -> bool:
    """Every row for an ordered drug; for a taken one what stops or is relative; and for an option
    the stops, and the lesser rows while it remains one."""
    if ordered is not None or hit.grade == "A":
        return True
    if active:
        return hit.grade == "R"
    return not against.absolute


def _say_row(report: Report, entry: _Concerned) -> None:
    wording = report.case.knowledge.wording
    if entry.absolute:
        level = "active" if entry.active else "default"
    elif entry.relative:
        level = "relative-active" if entry.active else "relative"
    else:
        level = "default"
    fixes: tuple[Fix, ...] = report.remove(*entry.ordered) if entry.absolute else ()
    if entry.row.refer is not None:
        fixes += (report.refer(entry.row.refer),)
    report.finding(
        "contraindication" if entry.absolute else "precaution",
        entry.row.rule,
        level=level,
        variant="relative" if entry.relative else "default",
        evidence=entry.evidence,
        fixes=fixes,
        about=entry.ordered[0] if entry.ordered else None,
        agent=entry.agents[0] if len(entry.agents) == 1 else None,
        words={
            "row": wording.say("row", entry.row.key),
            "what": tell_evidence(report.case.knowledge, entry.evidence)
            or report.case.knowledge.wording.say("row", entry.row.key),
            "agents": report.names(entry.agents),
        },
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
