"""The summary of one chart on one sheet: what stands on it, in words, before anything is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from smartapp.dashboard.finding import EvidenceRow, FindingView
from smartapp.dashboard.page import Facts, Page
from smartapp.dashboard.strip import Strip
from smartapp.dashboard.verdict import OptionRow, Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One statement: what it is, what it says, what it rests on.

    spare   a note that may give way where the sheet is full; a warning, an open question or a
            test that is due never does
    """

    lead: str
    text: str
    under: tuple[str, ...] = ()
    tone: str = ""
    spare: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A sheet's words, in reading order.

    banners   what must be known before the rest is read: a test server, data not read
    picture   the chart in words; empty where there is nothing to draw
    """

    name: str
    born: str
    who: tuple[str, ...]
    banners: tuple[str, ...]
    sections: tuple[Section, ...]
    picture: str
    versions: str
    use: str


def summary(page: Page) -> Summary:
    """The sheet of a page: verdict, findings, due, cannot judge, options, versions, as known on."""
    sections = (
        Section("Verdict", _verdict(page.verdict)),
        Section("Findings", tuple(map(_finding, page.findings)) or (_no_finding(page),)),
        Section("Cannot judge", tuple(_questions(page))),
        Section("Due", tuple(_due(page))),
        Section("Options: each a choice, none an order", tuple(map(_option, page.options))),
        Section("Near a limit, not over it", tuple(_near(page))),
    )
    return Summary(
        name=page.strip.name,
        born=page.strip.born,
        who=(*_who(page.strip), _when(page.facts)),
        banners=tuple(_banners(page)),
        sections=tuple(section for section in sections if section.rows),
        picture="" if page.lanes.empty else page.lanes.summary,
        versions=_versions(page),
        use=page.intended_use,
    )


def _who(strip: Strip) -> tuple[str, ...]:
    born = f"Born {strip.born}, {strip.age}" + (", deceased" if strip.deceased else "")
    return (
        f"{born}. {strip.reference}. Wish for children: {strip.wish}. "
        f"Ranges for: {strip.sex} ({strip.sex_basis}).",
        f"Therapy: {'; '.join(strip.therapy)}",
    )


def _when(facts: Facts) -> str:
    clock = f"times in {facts.zone}" if facts.zone else "no time zone set for this EHR"
    return f"As known on {facts.as_of}. Data read {facts.fetched} from {facts.server}, {clock}."


def _banners(page: Page) -> Iterable[str]:
    if page.as_of.earlier:
        yield f"As known on {page.as_of.words}, at the end of the day; what came later is left out."
    if page.open_server:
        yield "Open test server: no login, no real patients. Nothing here may be used for care."
    for row in page.leftovers.missing:
        yield f"{row.what} {row.state}: {row.reason} {row.consequence}"


def _verdict(verdict: Verdict) -> tuple[Row, ...]:
    state, status = verdict.state, verdict.status
    waits = tuple(f"{why.text} {why.fix}" for why in verdict.reasons)
    return (
        Row("HPG axis", f"{state.word}. {verdict.reason}", _rests_on(verdict.evidence), state.tone),
        Row("Recalibration", f"{status.word}.", waits, status.tone),
    )


def _finding(finding: FindingView) -> Row:
    ground = f"Rule {finding.rule}; basis: {finding.basis}; " + "; ".join(
        source.label for source in finding.sources
    )
    return Row(
        finding.word,
        finding.summary,
        (*_rests_on(finding.evidence), ground),
        finding.severity,
        spare=finding.severity == "info",
    )


def _no_finding(page: Page) -> Row:
    if not page.applies:
        return Row("None", "Not judged: the rules are for adult men.")
    if page.questions:
        return Row("None", "No finding; but see what cannot be judged.")
    return Row("None", "No finding from the data read.")


def _rests_on(rows: Iterable[EvidenceRow]) -> tuple[str, ...]:
    """All data of a statement as one line: "LH 2.8 IU/L, 10 Nov 2026, 08:10; …"."""
    line = "; ".join(map(_datum, rows))
    return (line,) if line else ()


def _datum(row: EvidenceRow) -> str:
    figure = f"{row.sent} ({row.converted})" if row.converted else row.sent
    said = " ".join(filter(None, (row.what, figure)))
    return ", ".join(filter(None, (said, row.place, row.when, row.note)))


def _questions(page: Page) -> Iterable[Row]:
    for row in page.questions:
        yield Row(row.what, f"{row.reason} {row.fix}", (f"Rule {row.rule}",), "unknown")


def _due(page: Page) -> Iterable[Row]:
    """Overdue tests each with a line; those that come on one day share it."""
    for row in page.due:
        if row.overdue:
            yield Row("Overdue", f"{row.test}, due {row.due} (window {row.window})", tone="warning")
    later: dict[tuple[str, str], list[str]] = {}
    for row in page.due:
        if not row.overdue:
            later.setdefault((row.due, row.window), []).append(row.test)
    for (day, window), tests in later.items():
        yield Row(day, f"{', '.join(tests)} (window {window})")


def _option(option: OptionRow) -> Row:
    parts = (
        f"blocked by {'; '.join(option.blocked)}" if option.blocked else "",
        f"published start: {option.regimen}" if option.regimen else "",
        f"status: {option.regulatory}" if option.regulatory else "",
    )
    cautions = (f"Cautions: {'; '.join(option.cautions)}",) if option.cautions else ()
    said = ". ".join(part[:1].upper() + part[1:].rstrip(".") for part in parts if part)
    return Row(option.agent, f"{option.word}. {said}", cautions, option.tone)


def _near(page: Page) -> Iterable[Row]:
    if page.nearby:
        yield Row("Near", "; ".join(text.rstrip(".") for text in page.nearby), spare=True)


def _versions(page: Page) -> str:
    facts = page.facts
    changed = f", changed by this site: {', '.join(facts.overridden)}" if facts.overridden else ""
    return (
        f"Protocol {facts.protocol}{changed}; HPG Recalibration Monitor {facts.app}; "
        f"results {page.counted}, rows not used {page.leftovers.rows}"
    )
