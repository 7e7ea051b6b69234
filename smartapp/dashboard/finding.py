"""One finding with everything it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name
from smartapp.dashboard.results import placed
from smartapp.engine.assessment import Citation, Evidence, Finding
from smartapp.knowledge import Knowledge
from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.spelling import readable_unit
from smartapp.labs.reading import Reading


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One datum. A diagnosis or drug has its words in `what` and no figure."""

    what: str
    sent: str
    converted: str | None
    place: str
    when: str
    role: str
    note: str
    reference: str


@dataclass(frozen=True, slots=True)
class Source:
    """A citation; `url` is empty when the address is not a web address and must not be a link."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class FindingView:
    id: str
    code: str
    severity: str
    word: str
    summary: str
    detail: tuple[str, ...]
    rule: str
    title: str
    basis: str
    sources: tuple[Source, ...]
    evidence: tuple[EvidenceRow, ...]
    nearby: tuple[str, ...]
    starts: tuple[str, ...]
    fixes: tuple[str, ...]
    opened: bool


def findings(chart: Chart, knowledge: Knowledge, wanted: str | None) -> tuple[FindingView, ...]:
    """All findings, the most severe first; the wanted one before all others, and open."""
    rows = sorted(
        chart.assessment.findings,
        key=lambda row: (row.id != wanted, words.SEVERITY_ORDER[row.severity]),
    )
    return tuple(_view(row, chart, knowledge, row.id == wanted) for row in rows)


def _view(row: Finding, chart: Chart, knowledge: Knowledge, opened: bool) -> FindingView:
    near = chart.assessment.near_misses
    return FindingView(
        id=row.id,
        code=row.code,
        severity=row.severity,
        word=words.SEVERITY[row.severity],
        summary=row.summary,
        detail=tuple(part.strip() for part in row.detail.split("\n") if part.strip()),
        rule=row.rule,
        title=rule.title if (rule := knowledge.rules.get(row.rule)) else "",
        basis=words.BASIS[row.basis],
        sources=tuple(map(source, row.citations)),
        evidence=evidence_rows(row.evidence, chart, knowledge.catalogue),
        nearby=tuple(miss.text for miss in near if row.rule == miss.rule or row.code == miss.code),
        starts=tuple(fix.text for fix in row.fixes if fix.kind == "start-regimen"),
        fixes=tuple(fix.text for fix in row.fixes if fix.kind != "start-regimen"),
        opened=opened,
    )


def source(citation: Citation) -> Source:
    """Only http and https become links: a site's own file may hold anything."""
    web = urlsplit(citation.url).scheme in ("http", "https")
    return Source(citation.label, citation.url if web else "")


def evidence_rows(
    rows: Iterable[Evidence], chart: Chart, catalogue: Catalogue
) -> tuple[EvidenceRow, ...]:
    return tuple(_evidence(row, chart, catalogue) for row in rows)


def _evidence(row: Evidence, chart: Chart, catalogue: Catalogue) -> EvidenceRow:
    reading = _reading(row, chart)
    notes = [row.note] if row.note and row.analyte else []
    if reading is not None:
        if reading.analyte in ("testosterone", "free-testosterone"):
            notes.append(words.CLOCK[reading.clock])
        notes.extend(words.flag(key) for key in reading.flags)
    if row.original is not None:
        sent = readable_unit(row.original)
    else:
        sent = figures.amount(row.value, row.unit) if row.value is not None else ""
    return EvidenceRow(
        what=analyte_name(catalogue, row.analyte) if row.analyte else _begin(row.note or "record"),
        sent=sent,
        converted=figures.converted(row.original, row.value, row.unit) if row.original else None,
        place=_PLACED.get(placed(reading, reading.range), "") if reading else "",
        when=figures.moment(row.effective, chart.zone) if row.effective else "",
        role="" if row.role == row.analyte else words.plain(row.role),
        note="; ".join(dict.fromkeys(notes)),
        reference=row.reference,
    )


def _begin(text: str) -> str:
    return text[:1].upper() + text[1:]


_PLACED = {"high": "above range", "low": "below range"}


def _reading(row: Evidence, chart: Chart) -> Reading | None:
    series = chart.record.series.get(row.analyte) if row.analyte else None
    if series is None:
        return None
    return next((r for r in series.readings if r.reference == row.reference), None)
