"""Where things lie in the chart: the time axis, each lane's height, its ranges and limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from smartapp.dashboard import figures
from smartapp.dashboard.results import Group, plotted
from smartapp.knowledge import Knowledge

# Analytes that span decades; the axis is logarithmic when the data really do.
MAY_BE_LOG = frozenset({"lh", "fsh", "hcg", "prolactin", "estradiol"})
LOG_FROM = 10

SHORTEST = timedelta(days=120)
# What lies further away (a birth date sent as a draw, a year 9999) would squeeze all the rest.
LONGEST_BACK = timedelta(days=365 * 60)
LONGEST_AHEAD = timedelta(days=366)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Span:
    """The time axis, on the patient's wall clock, with a little air at both ends."""

    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        return self.start <= at <= self.end


@dataclass(frozen=True, slots=True)
class Limit:
    """A number of the protocol, with the words that stand on its line."""

    value: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """One range for as long as it holds; None where it is open on that side."""

    begin: datetime
    until: datetime
    low: float | None
    high: float | None
    source: str


def span(now: datetime, seen: list[datetime]) -> Span:
    """From the first thing seen to now, never shorter than a season."""
    near = [at for at in seen if now - LONGEST_BACK <= at <= now + LONGEST_AHEAD]
    first, last = min([*near, now - SHORTEST]), max([*near, now])
    air = (last - first) / 40
    return Span(first - air, last + air)


def limits(knowledge: Knowledge) -> dict[str, tuple[Limit, ...]]:
    """The lines of each lane, lowest first; every number is the protocol's."""
    p, n = knowledge.protocol, figures.number
    low, free = p.low_t.low_if_shbg_normal, p.low_t.free_t_cut
    hematocrit, psa = p.hematocrit, p.contraindications.psa
    return {
        "testosterone": (Limit(low, f"low below {n(low)}"),),
        "free-testosterone": (Limit(free, f"low below {n(free)}"),),
        "hematocrit": (
            Limit(hematocrit.warning, f"warns from {n(hematocrit.warning)}"),
            Limit(hematocrit.stop, f"stops from {n(hematocrit.stop)}"),
        ),
        "psa": (Limit(psa, f"review above {n(psa)}"),),
    }


def limit_rows(lines: tuple[Limit, ...]) -> list[Row]:
    return [{"y": float(line.value)} for line in lines]


def bands(group: Group, zone: tzinfo | None, of: Span) -> list[Band]:
    """The range of each result from its draw to the next one: the band steps where it changes."""
    made: list[Band] = []
    rows = [(plotted(row.reading.effective, zone), row.within) for row in reversed(group.results)]
    rows = [(at, within) for at, within in rows if of.holds(at)]
    for place, (at, within) in enumerate(rows):
        if within is None or (within.low is None and within.high is None):
            continue
        band = Band(
            begin=of.start if place == 0 else at,
            until=rows[place + 1][0] if place + 1 < len(rows) else of.end,
            low=float(within.low) if within.low is not None else None,
            high=float(within.high) if within.high is not None else None,
            source=within.source,
        )
        if made and _same(made[-1], band):
            band = Band(made.pop().begin, band.until, band.low, band.high, band.source)
        made.append(band)
    return made


def _same(one: Band, two: Band) -> bool:
    return one.until == two.begin and (one.low, one.high, one.source) == (
        two.low,
        two.high,
        two.source,
    )


def band_row(band: Band, floor: float, top: float) -> Row:
    """An open side of a range reaches to the lane's edge."""
    return {
        "t": iso(band.begin),
        "t2": iso(band.until),
        "lo": floor if band.low is None else max(floor, band.low),
        "hi": top if band.high is None else min(top, band.high),
        "source": band.source,
    }


def height(
    key: str, data: list[float], around: list[Band], cuts: tuple[Limit, ...]
) -> tuple[float, float, bool]:
    """Lowest and highest figure of a lane, and whether it is logarithmic.

    Data, ranges and limits with a little air; never from zero by habit.
    """
    edges = [edge for band in around for edge in (band.low, band.high) if edge is not None]
    edges += [float(cut.value) for cut in cuts]
    log = key in MAY_BE_LOG and min(data) > 0 and max(data) / min(data) > LOG_FROM
    values = [*data, *(edge for edge in edges if edge > 0 or not log)]
    low, high = min(values), max(values)
    if log:
        return low / 1.3, high * 1.3, True
    # Without a range to give the measure, small changes must not look like large ones.
    least = 0.0 if edges else abs(high) * 0.25
    air = max((high - low) * 0.08, least) or 1.0
    return max(0.0, low - air) if low >= 0 else low - air, high + air, False


def iso(at: datetime) -> str:
    """Wall clock, marked UTC for a UTC axis: no browser's time zone can move a point."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def milliseconds(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp() * 1000
