"""What a card had said, set beside what the data read now say (contract 3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart, ShownFinding
from smartapp.dashboard.names import analyte_name
from smartapp.engine.assessment import Finding
from smartapp.knowledge.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class ShownNote:
    """What a card said, set beside the data read now.

    `gone` is True when the data read now no longer give the finding; then `severity`, `word` and
    `summary` are the card's, and the page shows them first.
    """

    gone: bool
    same: bool
    severity: str
    word: str
    summary: str
    sentence: str
    differences: tuple[str, ...]


def shown_note(chart: Chart, catalogue: Catalogue) -> ShownNote | None:
    """What to say of the card the app was opened from; None when it was opened without one."""
    shown = chart.shown
    if shown is None:
        return None
    now = next((row for row in chart.assessment.findings if row.id == shown.id), None)
    when = _shown_at(shown.shown_at, chart)
    lead = f"Shown at {when} from {shown.source}; with the data read now: "
    same = now is not None and now.fingerprint == shown.fingerprint
    if now is None:
        told = "this finding no longer arises."
    elif same:
        told = "the same finding on the same evidence."
    else:
        told = "the finding stands, on evidence that differs."
    return ShownNote(
        gone=now is None,
        same=same,
        severity=shown.severity,
        word=words.SEVERITY[shown.severity],
        summary=shown.summary,
        sentence=lead + told,
        differences=() if same else _differences(shown, now, chart, catalogue),
    )


def _shown_at(at: datetime, chart: Chart) -> str:
    """ "10:42", with the day when it was not the day the data were read."""
    zone = chart.zone
    if figures.local(at, zone).date() == figures.local(chart.fetched_at, zone).date():
        return figures.clock(at, zone)
    return figures.moment(at, zone)


def _differences(
    shown: ShownFinding, now: Finding | None, chart: Chart, catalogue: Catalogue
) -> tuple[str, ...]:
    said = []
    if now is not None and now.severity != shown.severity:
        said.append(
            f"It was a {words.SEVERITY[shown.severity].lower()}; "
            f"it is now a {words.SEVERITY[now.severity].lower()}."
        )
    said.extend(_since(shown.shown_at, now, chart, catalogue))
    if now is None:
        assessment = chart.assessment
        said += [
            f"Near the limit now: {m.text}" for m in assessment.near_misses if m.code == shown.code
        ]
        said += [
            f"It cannot be judged now: {row.reason}"
            for row in assessment.not_evaluable
            if row.code == shown.code
        ]
    version = chart.assessment.protocol.version
    if shown.protocol and shown.protocol != version:
        said.append(f"The protocol was version {shown.protocol}; it is now {version}.")
    if not said:
        said.append(
            "No result is newer than the card: the card saw other data than this page "
            "(an order, a record left out, or one removed since)."
        )
    return tuple(said)


def _since(
    shown_at: datetime, now: Finding | None, chart: Chart, catalogue: Catalogue
) -> list[str]:
    """Results that became known after the card, or that the laboratory has corrected."""
    resting = {row.reference for row in now.evidence} if now else set()
    said = []
    for key, series in chart.record.series.items():
        for reading in series.readings:
            corrected = reading.status in ("corrected", "amended")
            if not corrected and not _known_after(reading.recorded, shown_at, chart.zone):
                continue
            if resting and reading.reference not in resting:
                continue
            word = "Corrected by the laboratory" if corrected else "Known since"
            said.append(
                f"{word}: {analyte_name(catalogue, key)} {reading.original}, drawn "
                f"{figures.moment(reading.effective, chart.zone)}."
            )
        said.extend(
            f"Not used now: {analyte_name(catalogue, key)}: {row.reason}"
            for row in series.unused
            if _known_after(row.recorded, shown_at, chart.zone)
        )
    return said


def _known_after(recorded: datetime | date | None, shown_at: datetime, zone: tzinfo | None) -> bool:
    if recorded is None:
        return False
    if not isinstance(recorded, datetime):
        return recorded > figures.local(shown_at, zone).date()
    # A time without an offset cannot be set before or after the card's.
    return recorded.tzinfo is not None and recorded > shown_at
