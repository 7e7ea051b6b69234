"""What is said of the matrix: `contraindication` and `precaution`, one finding a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from smartapp.engine.assessment import Evidence, Finding, Fix
from smartapp.engine.report import Ordered, Report
from smartapp.engine.standing import Standing, approved
from smartapp.engine.stops import Against, Hit
from smartapp.engine.telling import tell_evidence
from smartapp.knowledge.matrix import Row


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
    if entry.absolute:
        # What stops by a result may be settled by a repeat of it.
        measured = dict.fromkeys(e.analyte for e in entry.evidence if e.analyte is not None)
        fixes += report.order_lab(*measured)
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
            or wording.say("row", entry.row.key),
            "agents": report.names(entry.agents),
        },
    )
