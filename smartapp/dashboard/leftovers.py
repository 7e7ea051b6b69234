"""What was seen and not used, what was set aside, what could not be read: nothing is hidden."""

from __future__ import annotations

from dataclasses import dataclass

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs.reading import Unused


@dataclass(frozen=True, slots=True)
class Leftover:
    what: str
    sent: str
    when: str
    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Missing:
    """One kind of data that could not be read, and what that takes away from the page."""

    what: str
    state: str
    reason: str
    consequence: str


@dataclass(frozen=True, slots=True)
class Leftovers:
    unused: tuple[Leftover, ...]
    quarantined: tuple[Leftover, ...]
    missing: tuple[Missing, ...]

    @property
    def rows(self) -> int:
        return len(self.unused) + len(self.quarantined)


def leftovers(chart: Chart, catalogue: Catalogue) -> Leftovers:
    unused = tuple(
        Leftover(
            what=analyte_name(catalogue, row.analyte) if row.analyte else "Record",
            sent=row.original or "",
            when=figures.moment(row.effective, chart.zone) if row.effective else "",
            reason=_without_name(row, catalogue),
            reference=row.reference,
        )
        for row in chart.assessment.unused
    )
    told = {row.reference: row.reason for row in chart.assessment.unused}
    quarantined = tuple(
        Leftover("Malformed row", row.path, "", row.reason, row.reference)
        for row in chart.record.quarantined
        if row.reason not in told.get(row.reference, "")
    )
    return Leftovers(unused, quarantined, missing(chart))


def _without_name(row: Unused, catalogue: Catalogue) -> str:
    """The reason; the analyte it may begin with already stands before it."""
    known = catalogue.analytes.get(row.analyte) if row.analyte else None
    return row.reason.removeprefix(f"{known.name}: ") if known else row.reason


def missing(chart: Chart) -> tuple[Missing, ...]:
    rows = []
    for gap in chart.record.gaps:
        source = words.SOURCE_OF.get(gap.what, gap.what)
        what, consequence = words.SOURCES.get(
            source, (words.plain(gap.what), "Statements that rest on these data may be missing.")
        )
        rows.append(Missing(what, words.GAP_STATE[gap.state], gap.reason, consequence))
    return tuple(rows)
