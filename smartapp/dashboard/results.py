"""Every usable result in words: the rows of the table, and the same words for the chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Literal

from smartapp.dashboard import figures, words
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


def results_by_analyte(
    series: Mapping[str, Series], catalogue: Catalogue, zone: tzinfo | None
) -> tuple[Group, ...]:
    """The table: one group per analyte that has a usable result, in the order of every page."""
    groups = []
    for key in in_order(catalogue, {key for key, one in series.items() if one.readings}):
        name = analyte_name(catalogue, key)
        rows = [
            result(f"{key}:{place}", reading, name, zone)
            for place, reading in enumerate(series[key].readings)
        ]
        groups.append(
            Group(key, name, figures.unit(series[key].readings[-1].unit), tuple(reversed(rows)))
        )
    return tuple(groups)


def result(key: str, reading: Reading, name: str, zone: tzinfo | None) -> Result:
    place = placed(reading)
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
        range_text=range_text(reading.range, reading.unit),
        mark=mark,
        solid=mark != "P" and not (reading.analyte in DIURNAL and reading.clock != "morning"),
        notes=_notes(reading, status_word),
    )


def placed(reading: Reading) -> Place:
    """Where a result lies in its own range; a censored one only where its whole interval does."""
    within = reading.range
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
    """ "264 – 916 ng/dL (laboratory)"; says so where no range is known."""
    if within is None or (within.low is None and within.high is None):
        return "no range"
    if within.low is None and within.high is not None:
        span = f"up to {figures.number(within.high)}"
    elif within.high is None and within.low is not None:
        span = f"from {figures.number(within.low)}"
    elif within.low is not None and within.high is not None:
        span = f"{figures.number(within.low)} – {figures.number(within.high)}"
    return f"{span} {figures.unit(unit)} ({within.source})"


def plotted(when: datetime | date, zone: tzinfo | None) -> datetime:
    """The place on the time axis: the patient's wall clock, noon where only the day is known."""
    if isinstance(when, datetime):
        return figures.local(when, zone).replace(tzinfo=None)
    return datetime(when.year, when.month, when.day, 12)  # noqa: DTZ001 - a wall clock


def _notes(reading: Reading, status_word: str) -> tuple[str, ...]:
    notes = [words.CLOCK[reading.clock]] if reading.analyte in DIURNAL else []
    if reading.analyte not in DIURNAL and not isinstance(reading.effective, datetime):
        notes.append("date only")
    if reading.censored:
        notes.append("the laboratory gave only a limit")
    if status_word:
        notes.append(status_word)
    said = set(notes)
    notes.extend(word for word in map(words.flag, reading.flags) if word not in said)
    return tuple(notes)
