"""An assessment as plain text, for a terminal: verdict first, then why, then what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from smartapp.dashboard.names import analyte_name, drug_name
from smartapp.engine.assessment import Assessment, Evidence, Finding, Option
from smartapp.knowledge.catalogue import Catalogue

WIDTH = 96
MARKS = {"critical": "!!", "warning": "! ", "info": "i "}


def as_text(assessment: Assessment, catalogue: Catalogue) -> str:
    """The whole assessment in lines of at most 96 characters."""
    return "\n".join(_lines(assessment, catalogue))


def _lines(a: Assessment, catalogue: Catalogue) -> Iterator[str]:
    protocol = a.protocol
    yield f"{a.patient} as of {a.as_of.isoformat(timespec='minutes')}"
    yield f"knowledge {protocol.profile} {protocol.version}" + (
        f", changed here: {', '.join(protocol.overridden)}" if protocol.overridden else ""
    )
    yield ""
    yield from _said(f"Axis: {a.axis.state}. {a.axis.reason}", "")
    weeks = f", week {a.therapy.weeks}" if a.therapy.weeks is not None else ""
    yield f"Therapy: {a.therapy.status}{weeks}"
    yield f"Recalibration: {a.recommendation.status}"
    for why in a.recommendation.reasons:
        yield from _said(f"  - {why.text} To settle it: {why.fix}", "    ")
    for option in a.recommendation.options:
        yield from _said(_option(option, catalogue), "    ")
    for finding in a.findings:
        yield ""
        yield from _finding(finding, catalogue)
    yield from _section(
        "Cannot be judged", (f"{n.rule} ({n.code}): {n.reason} {n.fix}" for n in a.not_evaluable)
    )
    yield from _section("Near misses", (f"{n.rule} ({n.code}): {n.text}" for n in a.near_misses))
    yield from _section(
        "Due", (f"{d.test} {d.due}{' OVERDUE' if d.overdue else ''}" for d in a.due)
    )
    yield from _section("Not used", (f"{u.reference}: {u.reason}" for u in a.unused))
    yield ""
    yield "For prescribers; not for time-critical use. Decision and responsibility: prescriber."


def _finding(finding: Finding, catalogue: Catalogue) -> Iterator[str]:
    yield from _said(f"{MARKS[finding.severity]} {finding.severity}: {finding.summary}", "   ")
    for paragraph in finding.detail.splitlines():
        yield from _said(f"   {paragraph}", "   ")
    for evidence in finding.evidence:
        yield from _said(f"   - {_evidence(evidence, catalogue)}", "     ")
    sources = "; ".join(f"{c.label} <{c.url}>" for c in finding.citations)
    yield from _said(f"   {finding.rule}, {finding.basis}: {sources}", "   ")


def _evidence(evidence: Evidence, catalogue: Catalogue) -> str:
    value = evidence.original or (
        f"{evidence.value} {evidence.unit or ''}".strip() if evidence.value is not None else ""
    )
    when = str(evidence.effective) if evidence.effective is not None else ""
    name = analyte_name(catalogue, evidence.analyte) if evidence.analyte else ""
    parts = (name, value, when, evidence.note, f"[{evidence.reference}]")
    return " ".join(part for part in parts if part)


def _option(option: Option, catalogue: Catalogue) -> str:
    said = f"blocked by {'; '.join(option.blocked_words)}"
    if option.eligible:
        said = f"eligible. Published starts: {option.regimen}"
    cautions = f". Cautions: {'; '.join(option.caution_words)}" if option.cautions else ""
    return f"  {drug_name(catalogue, option.agent)}: {said}{cautions}"


def _section(title: str, items: Iterator[str]) -> Iterator[str]:
    lines = list(items)
    if lines:
        yield ""
        yield f"{title}:"
        for line in lines:
            yield from _said(f"  - {line}", "    ")


def _said(text: str, indent: str) -> list[str]:
    # References and addresses stay whole, so that they can be copied.
    return wrap(
        text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
