"""What the chart draws: per lane its points, lines, ranges and limits; beneath, the therapy bars.

Everything here is data for the spec of `spec.py`. Figures become floats only at this door, to be
drawn; every text shown is the one of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import AXIS_LANES, SAFETY_LANES, analyte_name, drug_name
from smartapp.dashboard.results import Group, Result, plotted
from smartapp.knowledge import Knowledge
from smartapp.patient.record import Episode

# Analytes that span decades; the axis is logarithmic when the data really do.
MAY_BE_LOG = frozenset({"lh", "fsh", "hcg", "prolactin", "estradiol"})
LOG_FROM = 10
# Results further apart than this are not joined by a line.
JOIN_WITHIN = timedelta(days=730)
SHORTEST_AXIS = timedelta(days=120)

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LaneShape:
    """What of a lane is form and not data: the spec is authored once per set of these."""

    key: str
    title: str
    log: bool
    axis: bool


@dataclass(frozen=True, slots=True)
class Shape:
    hormones: tuple[LaneShape, ...]
    therapy_rows: int
    safety: tuple[LaneShape, ...]

    @property
    def lanes(self) -> tuple[LaneShape, ...]:
        return (*self.hormones, *self.safety)


@dataclass(frozen=True, slots=True)
class Lanes:
    """`params` are the domains; `absent` names the hormone lanes without any result."""

    shape: Shape
    datasets: dict[str, list[Row]]
    params: dict[str, float]
    absent: tuple[str, ...]
    summary: str

    @property
    def empty(self) -> bool:
        return not self.shape.lanes


@dataclass(frozen=True, slots=True)
class _Limit:
    value: Decimal
    text: str


def lanes(chart: Chart, knowledge: Knowledge, groups: tuple[Group, ...]) -> Lanes:
    """The chart of this record: which lanes there are, and the rows each of them draws."""
    by_key = {group.analyte: group for group in groups}
    zone = chart.zone
    start, end = _span(chart, knowledge, groups, zone)
    datasets: dict[str, list[Row]] = {"therapy": _therapy(chart, knowledge, start, end)}
    params = {"t0": _ms(start), "t1": _ms(end)}
    limits = _limits(knowledge)
    drawn: dict[str, LaneShape] = {}
    for key in (*AXIS_LANES, *SAFETY_LANES):
        group = by_key.get(key)
        if group is None:
            continue
        lane, cuts = _id(key), limits.get(key, ())
        bands = _bands(group, zone, start, end)
        low, high, log = _domain(key, group, bands, cuts)
        params[f"lo_{lane}"], params[f"hi_{lane}"] = low, high
        datasets[f"points_{lane}"] = _points(group, zone) + _crosses(chart, group, zone, low)
        datasets[f"bands_{lane}"] = [_closed(band, low, high) for band in bands]
        datasets[f"limits_{lane}"] = [
            {"y": float(cut.value), "text": cut.text, "under": cut is not cuts[-1]} for cut in cuts
        ]
        title = f"{group.name} ({group.unit}{', log scale' if log else ''})"
        drawn[key] = LaneShape(lane, title, log, axis=False)
    hormones = tuple(drawn[key] for key in AXIS_LANES if key in drawn)
    safety = _with_axis(tuple(drawn[key] for key in SAFETY_LANES if key in drawn))
    datasets["times"] = [
        {"key": row["key"], "t": row["t"]}
        for lane in (*hormones, *safety)
        for row in datasets[f"points_{lane.key}"]
    ]
    return Lanes(
        Shape(hormones, len({row["row"] for row in datasets["therapy"]}), safety),
        datasets,
        params,
        absent=tuple(
            analyte_name(knowledge.catalogue, key) for key in AXIS_LANES if key not in drawn
        ),
        summary=_summary(groups),
    )


def _id(key: str) -> str:
    """A lane's name where only an identifier will do (a signal of the chart)."""
    return key.replace("-", "_")


def _with_axis(shapes: tuple[LaneShape, ...]) -> tuple[LaneShape, ...]:
    """The last lane of a stack carries the time axis."""
    if not shapes:
        return ()
    last = shapes[-1]
    return (*shapes[:-1], LaneShape(last.key, last.title, last.log, axis=True))


def _limits(knowledge: Knowledge) -> dict[str, tuple[_Limit, ...]]:
    """The protocol's own numbers, as lines that carry their words."""
    p = knowledge.protocol
    cut, n = p.low_t.low_if_shbg_normal, figures.number
    return {
        "testosterone": (_Limit(cut, f"low below {n(cut)}"),),
        "free-testosterone": (_Limit(p.low_t.free_t_cut, f"low below {n(p.low_t.free_t_cut)}"),),
        "hematocrit": (
            _Limit(p.hematocrit.warning, f"warns from {n(p.hematocrit.warning)}"),
            _Limit(p.hematocrit.stop, f"stops from {n(p.hematocrit.stop)}"),
        ),
        "psa": (_Limit(p.contraindications.psa, f"review above {n(p.contraindications.psa)}"),),
    }


def _span(
    chart: Chart, knowledge: Knowledge, groups: tuple[Group, ...], zone: tzinfo | None
) -> tuple[datetime, datetime]:
    """First result or therapy start to now, never shorter than a season, with a little air."""
    end = plotted(figures.local(chart.assessment.as_of, zone), zone)
    shown = (*AXIS_LANES, *SAFETY_LANES)
    starts = [
        plotted(row.reading.effective, zone)
        for group in groups
        if group.analyte in shown
        for row in group.results
    ]
    starts += [
        plotted(episode.start, zone)
        for episode in chart.record.therapy.episodes
        if episode.start and _kind(knowledge, episode)
    ]
    first = min([*starts, end - SHORTEST_AXIS])
    last = max([end, *starts])
    air = (last - first) / 40
    return first - air, last + air


def _kind(knowledge: Knowledge, episode: Episode) -> str | None:
    """What the drug is to the axis; None for a drug that gets no bar."""
    drug = knowledge.catalogue.drugs.get(episode.agent)
    if drug is None or (drug.role == "other" and not drug.hpg_active):
        return None
    return drug.role


def _therapy(chart: Chart, knowledge: Knowledge, start: datetime, end: datetime) -> list[Row]:
    """One row per ingredient, one bar per episode; an open right end means that it goes on."""
    rows: list[Row] = []
    ends: dict[str, datetime] = {}
    now = plotted(figures.local(chart.assessment.as_of, chart.zone), chart.zone)
    for episode in chart.record.therapy.episodes:
        kind = _kind(knowledge, episode)
        if kind is None:
            continue
        begin = plotted(episode.start, None) if episode.start else start
        stop = plotted(episode.stop, None) if episode.stop else now
        name = drug_name(knowledge.catalogue, episode.agent)
        dose = episode.dose.text if episode.dose else ""
        since = figures.day(episode.start) if episode.start else "start not known"
        until = figures.day(episode.stop) if episode.stop else words.EPISODE[episode.status]
        outside = _room_before(begin, ends.get(name, start), start, end)
        ends[name] = max(stop, begin)
        rows.append(
            {
                "row": name,
                "outside": outside,
                "t": _iso(max(begin, start)),
                "t2": _iso(max(stop, begin)),
                "kind": kind,
                "sure": episode.status != "uncertain",
                "goes_on": episode.status == "active",
                "label": f"{name} {dose}".strip(),
                "when": f"{since} to {until}",
                "say": f"{name} {dose}, {since} to {until}",
            }
        )
    return rows


def _room_before(begin: datetime, before: datetime, start: datetime, end: datetime) -> bool:
    """Whether a bar's words stand to its left: it starts late, and nothing is in their way."""
    span = end - start
    return (begin - start) / span > 0.55 and (begin - before) / span > 0.3


def _points(group: Group, zone: tzinfo | None) -> list[Row]:
    """Oldest first. `part` changes where two results are not comparable: no line joins them."""
    rows: list[Row] = []
    part = 0
    before: Result | None = None
    oldest_first = tuple(reversed(group.results))
    for result in oldest_first:
        reading = result.reading
        at = plotted(reading.effective, zone)
        if before is not None and not _comparable(before, result, zone):
            part += 1
        before = result
        last = result is oldest_first[-1]
        loud = result.place in ("high", "low") and len(oldest_first) <= 8
        rows.append(
            {
                "key": result.key,
                "t": _iso(at),
                "y": float(reading.value),
                "part": part,
                "shape": _mark(result),
                "place": result.place,
                "solid": result.solid,
                "label": _label(result) if last or loud else result.mark,
                "what": group.name,
                "value": result.sent,
                "converted": result.converted or "",
                "when": result.when,
                "range": result.range_text,
                "note": "; ".join(filter(None, (result.place_word, *result.notes))),
                "say": result.sentence,
            }
        )
    return rows


def _label(result: Result) -> str:
    """The canonical figure, because the lane's axis has that unit; "<" and letters beside it."""
    sign = result.reading.comparator or ""
    return f"{sign}{figures.number(result.reading.value)} {result.mark}".strip()


def _mark(result: Result) -> str:
    comparator = result.reading.comparator or ""
    if comparator.startswith("<"):
        return "under"
    if comparator.startswith(">"):
        return "over"
    if not isinstance(result.reading.effective, datetime):
        return "day"
    return {"high": "high", "low": "low"}.get(result.place, "in")


def _comparable(one: Result, two: Result, zone: tzinfo | None) -> bool:
    a, b = one.reading, two.reading
    return (
        a.method == b.method
        and not a.censored
        and not b.censored
        and plotted(b.effective, zone) - plotted(a.effective, zone) <= JOIN_WITHIN
    )


def _crosses(chart: Chart, group: Group, zone: tzinfo | None, floor: float) -> list[Row]:
    """Results seen and not used: a cross on the lane's floor, never a value."""
    rows: list[Row] = []
    for place, row in enumerate(chart.record.series[group.analyte].unused):
        if row.effective is None or row.void:
            continue
        when, sent = figures.moment(row.effective, zone), row.original or "no figure"
        rows.append(
            {
                "key": f"{group.analyte}:unused:{place}",
                "t": _iso(plotted(row.effective, zone)),
                "y": floor,
                "part": -1 - place,
                "shape": "unused",
                "place": "unknown",
                "solid": False,
                "label": "",
                "what": group.name,
                "value": sent,
                "converted": "",
                "when": when,
                "range": "",
                "note": f"not used: {row.reason}",
                "say": f"{group.name} {sent}, {when}, not used: {row.reason}",
            }
        )
    return rows


def _bands(
    group: Group, zone: tzinfo | None, start: datetime, end: datetime
) -> list[tuple[datetime, datetime, float | None, float | None, str]]:
    """The range of each result from its draw to the next one: the band steps where it changes."""
    bands: list[tuple[datetime, datetime, float | None, float | None, str]] = []
    results = tuple(reversed(group.results))
    for place, result in enumerate(results):
        within = result.reading.range
        if within is None or (within.low is None and within.high is None):
            continue
        begin = start if place == 0 else plotted(result.reading.effective, zone)
        until = (
            plotted(results[place + 1].reading.effective, zone) if place + 1 < len(results) else end
        )
        low = float(within.low) if within.low is not None else None
        high = float(within.high) if within.high is not None else None
        if bands and bands[-1][1:] == (begin, low, high, within.source):
            bands[-1] = (bands[-1][0], until, low, high, within.source)
        else:
            bands.append((begin, until, low, high, within.source))
    return bands


def _closed(
    band: tuple[datetime, datetime, float | None, float | None, str], floor: float, top: float
) -> Row:
    begin, until, low, high, source = band
    return {
        "t": _iso(begin),
        "t2": _iso(until),
        "lo": max(floor, low) if low is not None else floor,
        "hi": min(top, high) if high is not None else top,
        "source": source,
    }


def _domain(
    key: str,
    group: Group,
    bands: list[tuple[datetime, datetime, float | None, float | None, str]],
    limits: tuple[_Limit, ...],
) -> tuple[float, float, bool]:
    """Data, ranges and limits with a little air; never from zero by habit."""
    data = [float(result.reading.value) for result in group.results]
    around = [edge for band in bands for edge in band[2:4] if edge is not None]
    around += [float(limit.value) for limit in limits]
    log = key in MAY_BE_LOG and min(data) > 0 and max(data) / min(data) > LOG_FROM
    values = [*data, *(edge for edge in around if edge > 0 or not log)]
    low, high = min(values), max(values)
    if log:
        return low / 1.3, high * 1.3, True
    air = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
    return max(0.0, low - air) if low >= 0 else low - air, high + air, False


def _summary(groups: tuple[Group, ...]) -> str:
    """The long description of the picture: each lane's newest result in words."""
    drawn = [g for g in groups if g.analyte in (*AXIS_LANES, *SAFETY_LANES)]
    if not drawn:
        return "No hormone results to draw."
    newest = "; ".join(group.results[0].sentence for group in drawn)
    return f"Newest results: {newest}. All results are in the table."


def _iso(at: datetime) -> str:
    """Wall clock, marked UTC for a UTC axis: no browser's time zone can move a point."""
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def _ms(at: datetime) -> float:
    return at.replace(tzinfo=UTC).timestamp() * 1000
