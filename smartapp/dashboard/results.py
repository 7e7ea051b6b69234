"""Every usable result in words: the rows of the table, and the same words for the chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name, in_order
from smartapp.knowledge.catalogue import Catalogue
from smartapp.labs.reading import Range, Reading, Series

Place = Literal["in", "high", "low", "unknown"]

PLACES: dict[Place, tuple[str, str]] = {
    "in": ("", "in range"),
    "high": ("H", "above range"),
    "low": ("L", "below range"),
    "unknown": ("?", "not compared"),
}
# Results whose meaning depends on the hour of the draw.
DIURNAL = frozenset({"testosterone", "free-testosterone", "bioavailable-testosterone"})


@dataclass(frozen=True, slots=True)
class Result:
    """One result. `sent` as the laboratory sent it, `converted` only where the figure differs.

    place   where it lies in the range of that result; "unknown" is never "in"
    mark    letters of the report's state (P, C), for the chart
    solid   False where the rules cannot use it as a diagnostic sample (hour, preliminary)
    """

    key: str
    reading: Reading
    name: str
    sent: str
    converted: str | None
    when: str
    place: Place
    letter: str
    place_word: str
    within: Range | None
    range_text: str
    mark: str
    solid: bool
    notes: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The whole result in one line, for the reader of the screen and the aria-live line."""
        value = f"{self.sent} ({self.converted})" if self.converted else self.sent
        return ", ".join((f"{self.name} {value}", self.place_word, self.when, *self.notes))


@dataclass(frozen=True, slots=True)
class Group:
    """All results of one analyte, newest first."""

    analyte: str
    name: str
    unit: str
    results: tuple[Result, ...]


def chart_results(chart: Chart, catalogue: Catalogue) -> tuple[Group, ...]:
    """The results of a chart, compared as the man or woman in it allows."""
    return results_by_analyte(
        chart.record.series, catalogue, chart.zone, our_ranges=chart.our_ranges
    )


def results_by_analyte(
    series: Mapping[str, Series],
    catalogue: Catalogue,
    zone: tzinfo | None,
    *,
    our_ranges: bool = True,
) -> tuple[Group, ...]:
    """The table: one group per analyte that has a usable result, in the order of every page.

    `our_ranges` is False for somebody our default ranges are not made for: then only the
    laboratory's own range is shown and compared with.
    """
    groups = []
    for key in in_order(catalogue, {key for key, one in series.items() if one.readings}):
        name = analyte_name(catalogue, key)
        rows = [
            result(f"{key}:{place}", reading, name, zone, our_ranges=our_ranges)
            for place, reading in enumerate(series[key].readings)
        ]
        groups.append(
            Group(key, name, figures.unit(series[key].readings[-1].unit), tuple(reversed(rows)))
        )
    return tuple(groups)


def result(
    key: str, reading: Reading, name: str, zone: tzinfo | None, *, our_ranges: bool = True
) -> Result:
    within = reading.range
    if within is not None and within.source == "default" and not our_ranges:
        within = None
    place = placed(reading, within)
    letter, place_word = PLACES[place]
    mark, status_word = words.REPORT_STATUS.get(reading.status, ("", ""))
    return Result(
        key=key,
        reading=reading,
        name=name,
        sent=reading.original,
        converted=figures.converted(reading.original, reading.value, reading.unit),
        when=figures.moment(reading.effective, zone),
        place=place,
        letter=letter,
        place_word=place_word,
        within=within,
        range_text=range_text(within, reading.unit),
        mark=mark,
        solid=mark != "P" and not (reading.analyte in DIURNAL and reading.clock != "morning"),
        notes=_notes(reading, status_word, within),
    )


def placed(reading: Reading, within: Range | None) -> Place:
    """Where a result lies in a range; a censored one only where its whole interval does."""
    if within is None or (within.low is None and within.high is None):
        return "unknown"
    if within.high is not None and reading.low is not None and reading.low > within.high:
        return "high"
    if within.low is not None and reading.high is not None and reading.high < within.low:
        return "low"
    above_floor = within.low is None or (reading.low is not None and reading.low >= within.low)
    below_top = within.high is None or (reading.high is not None and reading.high <= within.high)
    return "in" if above_floor and below_top else "unknown"


def range_text(within: Range | None, unit: str) -> str:
    """The range as the laboratory sent it, or our default; says so where there is none.

    The converted limits stand in brackets only where they are other numbers.
    """
    if within is None or (within.low is None and within.high is None):
        return "no range"
    ours = _limits(within, unit)
    if within.source == "default":
        return f"{ours}, our default"
    edges = {edge for edge in (within.low, within.high) if edge is not None}
    if edges <= figures.numbers_in(within.text):
        return f"{within.text}, laboratory"
    return f"{within.text} ({ours}), laboratory" if within.text else f"{ours}, laboratory"


def _limits(within: Range, unit: str) -> str:
    low = None if within.low is None else figures.number(within.low)
    high = None if within.high is None else figures.number(within.high)
    if low is None:
        return f"up to {high} {figures.unit(unit)}"
    if high is None:
        return f"from {low} {figures.unit(unit)}"
    return f"{low} to {high} {figures.unit(unit)}"


def plotted(when: datetime | date, zone: tzinfo | None) -> datetime:
    """The place on the time axis: the patient's wall clock, noon where only the day is known."""
    if isinstance(when, datetime):
        return figures.local(when, zone).replace(tzinfo=None)
    return datetime(when.year, when.month, when.day, 12)  # noqa: DTZ001 - a wall clock


def _notes(reading: Reading, status_word: str, within: Range | None) -> tuple[str, ...]:
    notes = [words.CLOCK[reading.clock]] if reading.analyte in DIURNAL else []
    if reading.analyte not in DIURNAL and not isinstance(reading.effective, datetime):
        notes.append("date only")
    if reading.censored:
        notes.append("the laboratory gave only a limit")
    if status_word:
        notes.append(status_word)
    said = set(notes)
    flags = [key for key in reading.flags if key != "default-range" or within is not None]
    notes.extend(word for word in map(words.flag, flags) if word not in said)
    return tuple(notes)
