"""The Markdown under a card: what was found, on which values, by which rule, what is missing.

Everything that comes from the EHR or from the knowledge is escaped; the only markup is ours. No
tables: some panels are an eighth of the screen wide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from smartapp.cds.words import (
    BASIS,
    INTENDED_USE,
    RESPONSIBILITY,
    SOURCES,
    SUMMARY_LIMIT,
    escape,
    moment,
    number,
)
from smartapp.engine.assessment import Assessment, Citation, Evidence, Finding, NotEvaluable
from smartapp.fhir.model import Gap
from smartapp.knowledge import Knowledge
from smartapp.knowledge.catalogue import Analyte
from smartapp.knowledge.show import value_text
from smartapp.knowledge.spelling import readable_unit, same_unit
from smartapp.patient.record import DraftOrder

MOST_VALUES = 12
MOST_UNTOLD = 5

_FOOT = f"{INTENDED_USE} **{RESPONSIBILITY}**"
_GAP_STATE = {
    "failed": "could not be read",
    "missing": "not supplied",
    "partial": "read only in part",
}


def detail(
    findings: Sequence[Finding],
    assessment: Assessment,
    knowledge: Knowledge,
    drafts: Sequence[DraftOrder],
    gaps: Sequence[Gap],
    left_out: Sequence[Finding],
) -> str:
    """The whole text of one card. `left_out` are findings that found no room on any card."""
    # A card's summary is its first line already, unless there is more to it than fits there.
    told = len(findings) == 1 and len(findings[0].summary) <= SUMMARY_LIMIT
    blocks = [_finding(finding, knowledge, told=told) for finding in findings]
    blocks += _options(findings, assessment, knowledge)
    blocks += _regulatory(findings, assessment, knowledge, drafts)
    blocks += _untold(_about(findings, assessment.not_evaluable), gaps)
    if left_out:
        said = "; ".join(escape(finding.summary) for finding in left_out[:3])
        more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
        blocks.append(f"**Also found, shown in the app:** {said}{more}")
    blocks.append(_protocol(assessment, knowledge))
    blocks.append(_FOOT)
    return "\n\n".join(blocks)


def _protocol(assessment: Assessment, knowledge: Knowledge) -> str:
    """Profile and version, and each number that the site decided otherwise."""
    protocol = assessment.protocol
    said = f"Protocol {escape(protocol.profile)}, version {escape(protocol.version)}"
    numbers = knowledge.protocol.parameters
    changed = [f"{key} = {value_text(numbers[key])}" for key in protocol.overridden]
    return f"{said}; changed by this site: {escape(', '.join(changed))}." if changed else f"{said}."


def _finding(finding: Finding, knowledge: Knowledge, *, told: bool) -> str:
    lines = [] if told else [f"**{escape(finding.summary)}**", ""]
    lines.append(escape(finding.detail))
    if finding.evidence:
        lines += ["", "Values used:", ""]
        analytes = knowledge.catalogue.analytes
        lines += [f"- {_evidence(e, analytes)}" for e in finding.evidence[:MOST_VALUES]]
        if len(finding.evidence) > MOST_VALUES:
            lines.append(f"- and {len(finding.evidence) - MOST_VALUES} more, shown in the app")
    help_ = [fix.text for fix in finding.fixes if fix.kind in ("tell", "questionnaire")]
    if help_:
        lines += ["", "What would help:", ""]
        lines += [f"- {escape(text)}" for text in help_]
    lines += [
        "",
        f"Rule {escape(finding.rule)}; basis: {BASIS[finding.basis]}: {_cited(finding.citations)}",
    ]
    return "\n".join(lines)


@lru_cache(maxsize=512)
def _cited(citations: tuple[Citation, ...]) -> str:
    """The links under a finding. Citations are the knowledge's: few, and the same every time."""
    return ", ".join(f"[{escape(c.label)}]({_address(c.url)})" for c in citations)


def _evidence(evidence: Evidence, analytes: Mapping[str, Analyte]) -> str:
    parts = []
    if evidence.analyte is not None:
        known = analytes.get(evidence.analyte)
        parts.append(known.name if known else evidence.analyte)
    if value := _value(evidence):
        parts.append(value)
    said = " ".join(parts)
    if evidence.note:
        note = escape(evidence.note)
        said = f"{said}; {note}" if said else note
    return f"{said} ({moment(evidence.effective)})"


def _value(evidence: Evidence) -> str:
    """The value as sent; where that was another unit, the canonical one and what was sent."""
    sent = readable_unit(evidence.original or "")
    if evidence.value is None or evidence.unit is None:
        return escape(sent)
    if sent and same_unit(_unit_of(sent), evidence.unit):
        return escape(sent)
    canonical = f"{number(evidence.value)} {readable_unit(evidence.unit)}"
    return escape(f"{canonical}, sent as {sent}" if sent else canonical)


def _unit_of(sent: str) -> str:
    """What follows the number, of "< 19.00 nmol/L"."""
    words = sent.split(" ")
    return " ".join(words[2:] if words[0] in ("<", "<=", ">", ">=") else words[1:])


def _options(
    findings: Sequence[Finding], assessment: Assessment, knowledge: Knowledge
) -> list[str]:
    if all(finding.code != "recalibration-candidate" for finding in findings):
        return []
    eligible = [option for option in assessment.recommendation.options if option.eligible]
    if not eligible:
        return []
    lines = ["Published starts that may be considered:", ""]
    drugs = knowledge.catalogue.drugs
    lines += [f"- {escape(drugs[o.agent].name)}: {escape(o.regimen)}" for o in eligible]
    return ["\n".join(lines)]


def _regulatory(
    findings: Sequence[Finding],
    assessment: Assessment,
    knowledge: Knowledge,
    drafts: Sequence[DraftOrder],
) -> list[str]:
    agents = [finding.agent for finding in findings if finding.agent]
    agents += [draft.agent for draft in drafts if draft.in_focus and draft.agent]
    if any(finding.code == "recalibration-candidate" for finding in findings):
        agents += [o.agent for o in assessment.recommendation.options if o.eligible]
    drugs = knowledge.catalogue.drugs
    told = [
        f"- {escape(drugs[agent].name)}: {escape(drugs[agent].regulatory)}"
        for agent in dict.fromkeys(agents)
        if agent in drugs and drugs[agent].regulatory
    ]
    return ["\n".join(["Regulatory status:", "", *told])] if told else []


def _about(
    findings: Sequence[Finding], not_evaluable: Sequence[NotEvaluable]
) -> list[NotEvaluable]:
    """What could not be told and bears on this card; all of it where that is the finding."""
    codes = {finding.code for finding in findings}
    if "cannot-assess" in codes:
        return list(not_evaluable)
    return [item for item in not_evaluable if item.code in codes]


def _untold(not_evaluable: Sequence[NotEvaluable], gaps: Iterable[Gap]) -> list[str]:
    lines = [
        f"- {escape(item.reason)} What would settle it: {escape(item.fix)}"
        for item in not_evaluable[:MOST_UNTOLD]
    ]
    if len(not_evaluable) > MOST_UNTOLD:
        lines.append(f"- and {len(not_evaluable) - MOST_UNTOLD} more, shown in the app")
    lines += [
        f"- {escape(SOURCES.get(gap.what, gap.what))}: {_GAP_STATE[gap.state]} "
        f"({escape(gap.reason)})"
        for gap in gaps
    ]
    return ["\n".join(["What could not be told or is missing:", "", *lines])] if lines else []


def _address(url: str) -> str:
    # Citations are ours and https; a closing bracket would still end the link.
    return url.replace("(", "%28").replace(")", "%29")
