"""What the chart draws: per lane its points, lines, ranges and limits; beneath, the therapy bars.

Everything here is data for the spec of `spec.py`. Figures become floats only at this door, to be
drawn; every text shown is the one of the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from smartapp.dashboard import figures
from smartapp.dashboard.axes import (
    Limit,
    Row,
    Span,
    band_row,
    bands,
    height,
    iso,
    limit_rows,
    limits,
    milliseconds,
    span,
)
from smartapp.dashboard.bars import bars, starts
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import AXIS_LANES, SAFETY_LANES, analyte_name
from smartapp.dashboard.results import Group, Result, plotted
from smartapp.dashboard.words import SEVERITY_ORDER
from smartapp.knowledge import Knowledge

DRAWN = (*AXIS_LANES, *SAFETY_LANES)
# Results further apart than this are not joined by a line.
JOIN_WITHIN = timedelta(days=730)


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
    """What the spec is filled with.

    params    the domains of the axes
    absent    hormone lanes without any usable result
    outside   results too far from today to be drawn; they are in the table
    """

    shape: Shape
    datasets: dict[str, list[Row]]
    params: dict[str, float]
    absent: tuple[str, ...]
    outside: int
    summary: str

    @property
    def empty(self) -> bool:
        return not self.shape.lanes


def lanes(chart: Chart, knowledge: Knowledge, groups: tuple[Group, ...]) -> Lanes:
    """The chart of this record: which lanes there are, and the rows each of them draws."""
    zone, therapy = chart.zone, chart.record.therapy
    drawn = {group.analyte: group for group in groups if group.analyte in DRAWN}
    now = plotted(chart.assessment.as_of, zone)
    times = [plotted(row.reading.effective, zone) for g in drawn.values() for row in g.results]
    of = span(now, [*times, *starts(therapy, knowledge)])
    datasets: dict[str, list[Row]] = {"therapy": bars(therapy, knowledge, of, now)}
    params = {"t0": milliseconds(of.start), "t1": milliseconds(of.end)}
    cuts = limits(knowledge) if chart.our_ranges else {}
    shapes: dict[str, LaneShape] = {}
    for key in DRAWN:
        points = _points(drawn[key], zone, of) if key in drawn else []
        if not points:
            continue
        lane, group, lines = _id(key), drawn[key], cuts.get(key, ())
        around = bands(group, zone, of)
        low, high, log = height(key, [row["y"] for row in points], around, lines)
        shapes[key] = LaneShape(lane, _title(group, log, lines), log, axis=False)
        params |= {f"lo_{lane}": low, f"hi_{lane}": high}
        datasets[f"points_{lane}"] = points + _crosses(chart, group, of, low)
        datasets[f"bands_{lane}"] = [band_row(band, low, high) for band in around]
        datasets[f"limits_{lane}"] = limit_rows(lines)
    above, below = _stacks(chart)
    shape = Shape(
        tuple(shapes[key] for key in above if key in shapes),
        len({row["row"] for row in datasets["therapy"]}),
        _with_axis(tuple(shapes[key] for key in below if key in shapes)),
    )
    datasets["times"] = [
        {"key": row["key"], "t": row["t"]}
        for lane_shape in shape.lanes
        for row in datasets[f"points_{lane_shape.key}"]
    ]
    return Lanes(
        shape,
        datasets,
        params,
        absent=tuple(
            analyte_name(knowledge.catalogue, key) for key in AXIS_LANES if key not in shapes
        ),
        outside=sum(not of.holds(at) for at in times),
        summary=_summary(drawn),
    )


def _stacks(chart: Chart) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The lanes above and below the therapy bars.

    What the gravest finding rests on stands among the hormones, where the first screen shows it.
    """
    findings = sorted(chart.assessment.findings, key=lambda row: SEVERITY_ORDER[row.severity])
    resting = {datum.analyte for datum in findings[0].evidence} if findings else set()
    lifted = tuple(key for key in SAFETY_LANES if key in resting)
    place = AXIS_LANES.index("fsh") + 1
    return (
        (*AXIS_LANES[:place], *lifted, *AXIS_LANES[place:]),
        tuple(key for key in SAFETY_LANES if key not in lifted),
    )


def _title(group: Group, log: bool, lines: tuple[Limit, ...]) -> str:
    """Name, unit, and what the dashed lines mean."""
    unit = ", ".join(filter(None, (group.unit, "log scale" if log else "")))
    title = f"{group.name} ({unit})" if unit else group.name
    return " - - ".join(filter(None, (title, ", ".join(line.text for line in lines))))


def _id(key: str) -> str:
    """A lane's name where only an identifier will do (a signal of the chart)."""
    return key.replace("-", "_")


def _with_axis(shapes: tuple[LaneShape, ...]) -> tuple[LaneShape, ...]:
    """The last lane of a stack carries the time axis."""
    if not shapes:
        return ()
    last = shapes[-1]
    return (*shapes[:-1], LaneShape(last.key, last.title, last.log, axis=True))


def _points(group: Group, zone: tzinfo | None, of: Span) -> list[Row]:
    """Oldest first. `part` changes where two results are not comparable: no line joins them."""
    rows: list[Row] = []
    part = 0
    before: Result | None = None
    oldest_first = [
        result
        for result in reversed(group.results)
        if of.holds(plotted(result.reading.effective, zone))
    ]
    named = _named(oldest_first, zone, of)
    for result in oldest_first:
        if before is not None and not _comparable(before, result, zone):
            part += 1
        before = result
        rows.append(
            {
                "key": result.key,
                "t": iso(plotted(result.reading.effective, zone)),
                "y": float(result.reading.value),
                "part": part,
                "shape": _mark(result),
                "place": result.place,
                "solid": result.solid,
                "label": _label(result) if result.key in named else result.mark,
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


def _named(oldest_first: list[Result], zone: tzinfo | None, of: Span) -> set[str]:
    """Points whose figure is written beside them: the newest, and what is out of range.

    From the newest back, and only where there is room for another figure.
    """
    named: set[str] = set()
    room = (of.end - of.start) * 0.12
    last: datetime | None = None
    for result in reversed(oldest_first):
        at = plotted(result.reading.effective, zone)
        if last is None or (result.place in ("high", "low") and last - at > room):
            named.add(result.key)
            last = at
    return named


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
    return result.place


def _comparable(one: Result, two: Result, zone: tzinfo | None) -> bool:
    """Same assay class, neither only a limit, and not too far apart."""
    a, b = one.reading, two.reading
    return (
        a.method == b.method
        and not a.censored
        and not b.censored
        and plotted(b.effective, zone) - plotted(a.effective, zone) <= JOIN_WITHIN
    )


def _crosses(chart: Chart, group: Group, of: Span, floor: float) -> list[Row]:
    """Results seen and not used: a cross on the lane's floor, never a value."""
    rows: list[Row] = []
    zone = chart.zone
    for place, row in enumerate(chart.record.series[group.analyte].unused):
        if row.effective is None or row.void:
            continue
        at = plotted(row.effective, zone)
        if not of.holds(at):
            continue
        when, sent = figures.moment(row.effective, zone), row.original or "no figure"
        rows.append(
            {
                "key": f"{group.analyte}:unused:{place}",
                "t": iso(at),
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


def _summary(drawn: dict[str, Group]) -> str:
    """The long description of the picture: each lane's newest result in words."""
    newest = "; ".join(drawn[key].results[0].sentence for key in DRAWN if key in drawn)
    if not newest:
        return "No hormone results to draw."
    return f"Newest results: {newest}. All results are in the table."
