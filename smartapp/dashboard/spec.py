"""The one chart spec, authored with Altair: the page draws it, the server prints it.

A spec is authored once per shape (which lanes there are, which of them logarithmic) and colour
scheme, and kept; a request only fills in data and domains. Time runs on a UTC axis that carries
the patient's wall clock, so no browser's zone moves a draw.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import altair as alt

from smartapp.dashboard.lanes import Lanes, LaneShape, Shape

Scheme = Literal["light", "dark"]

LANE_HEIGHT = 50
BAR_HEIGHT = 18
# The page sets its own width; this one is for print and for pages without a script.
WIDTH = 620
AXIS_WIDTH = 34

# A limit sign: a bar with an arrow head that says on which side the value lies.
_UNDER = "M-1,-0.6L1,-0.6M0,-0.6L0,1M-0.6,0.4L0,1L0.6,0.4"
_OVER = "M-1,0.6L1,0.6M0,0.6L0,-1M-0.6,-0.4L0,-1L0.6,-0.4"
_CROSS = "M-0.7,-0.7L0.7,0.7M-0.7,0.7L0.7,-0.7"
_DAY = "M-1,-0.35L1,-0.35L1,0.35L-1,0.35Z"
# The year stands at every month tick: "Oct 2026", and "15 Oct" between.
_TICK = "utcFormat(datum.value, utcdate(datum.value) == 1 ? '%b %Y' : '%d %b')"
SHAPES = {
    "in": "circle",
    "high": "triangle-up",
    "low": "triangle-down",
    "unknown": "square",
    "under": _UNDER,
    "over": _OVER,
    "day": _DAY,
    "unused": _CROSS,
}

PALETTES: dict[Scheme, dict[str, str]] = {
    "light": {
        "paper": "#ffffff", "ink": "#1b2733", "soft": "#52616f", "grid": "#e6eaee",
        "line": "#6b7f92", "band": "#dbe7f1", "edge": "#7f97ad", "limit": "#8a3b00",
        "in": "#14507f", "high": "#a83200", "low": "#a83200", "unknown": "#66727e",
        "recalibration": "#1f6f6b", "androgen": "#9a4a12", "adjunct": "#5d6772",
        "gnrh": "#6b4a8f", "other": "#5d6772",
    },
    "dark": {
        "paper": "#141b22", "ink": "#e8edf2", "soft": "#a9b6c2", "grid": "#27323d",
        "line": "#8598aa", "band": "#1f3549", "edge": "#6b88a5", "limit": "#f0a36b",
        "in": "#8cc2ee", "high": "#ff9d6b", "low": "#ff9d6b", "unknown": "#9aa7b3",
        "recalibration": "#3f9c96", "androgen": "#c4722f", "adjunct": "#7d8995",
        "gnrh": "#a58bc7", "other": "#7d8995",
    },
}  # fmt: skip


def spec(lanes: Lanes, scheme: Scheme = "light", width: int = WIDTH) -> dict[str, Any]:
    """The Vega-Lite spec with its data. Refuses (ValueError) a chart without any lane."""
    if lanes.empty:
        raise ValueError("a chart needs at least one lane")
    shell = _shell(lanes.shape, scheme, width)
    params = [
        {"name": "at", "value": ""},
        *({"name": name, "value": value} for name, value in lanes.params.items()),
    ]
    return {
        **shell,
        "params": params,
        "datasets": lanes.datasets,
    }


@lru_cache(maxsize=128)
def _shell(shape: Shape, scheme: Scheme, width: int) -> dict[str, Any]:
    """Everything but data, domains and their values."""
    colours = PALETTES[scheme]
    rows: list[Any] = [_lane(lane, colours, width) for lane in shape.hormones]
    if shape.hormones or shape.therapy_rows:
        rows.append(_therapy(shape.therapy_rows, colours, width))
    rows += [_lane(lane, colours, width) for lane in shape.safety]
    chart = (
        alt.vconcat(*rows, spacing=4)
        .resolve_scale(
            x="shared",
            y="independent",
            color="independent",
            stroke="independent",
            fill="independent",
            strokeDash="independent",
        )
        .configure(**_config(colours))
    )
    made: dict[str, Any] = chart.to_dict(validate=True)
    return made


def _config(colours: dict[str, str]) -> dict[str, Any]:
    font = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
    return {
        "background": colours["paper"],
        "font": font,
        "padding": {"left": 2, "top": 2, "right": 26, "bottom": 2},
        "view": {"stroke": None},
        "title": {
            "anchor": "start", "frame": "group", "offset": 3, "fontSize": 11.5,
            "fontWeight": 600, "color": colours["ink"],
        },
        "axis": {
            "labelColor": colours["soft"], "labelFontSize": 10.5, "gridColor": colours["grid"],
            "domain": False, "tickColor": colours["edge"],
        },
    }  # fmt: skip


def _time(labels: bool, field: str = "t") -> alt.X:
    return alt.X(
        f"{field}:T",
        scale=alt.Scale(type="utc", domain=alt.ExprRef("[t0, t1]"), nice=False),
        axis=alt.Axis(
            labels=labels, ticks=labels, grid=True, tickCount=6, labelOverlap=True,
            labelExpr=_TICK, aria=False,
        ),
        title=None,
    )  # fmt: skip


def _height(lane: LaneShape, field: str = "y") -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        scale=alt.Scale(
            type="log" if lane.log else "linear",
            domain=alt.ExprRef(f"[lo_{lane.key}, hi_{lane.key}]"),
            nice=False,
            **({} if lane.log else {"zero": False}),
        ),
        axis=alt.Axis(
            tickCount=3, minExtent=AXIS_WIDTH, maxExtent=AXIS_WIDTH, labelFlush=True,
            labelOverlap=True, ticks=False, aria=False, format="~f",
            grid=not lane.log,
        ),
        title=None,
    )  # fmt: skip


def _lane(lane: LaneShape, colours: dict[str, str], width: int) -> alt.LayerChart:
    """One hormone: its band, its limits, its line, its points, and what is being looked at."""
    points = alt.NamedData(f"points_{lane.key}")
    x, y = _time(lane.axis), _height(lane)
    layers = [
        *_band(lane, colours, x),
        _limits(lane, colours, y),
        _crosshair(colours, x),
        alt.Chart(points)
        .transform_filter("datum.shape != 'unused'")
        .mark_line(color=colours["line"], strokeWidth=1.2, aria=False)
        .encode(x=x, y=y, detail="part:N"),
        _ring(points, colours, x, y),
        _dots(points, colours, x, y),
        alt.Chart(points)
        .mark_text(dy=-9, fontSize=10.5, fontWeight=600, color=colours["ink"], aria=False)
        .encode(x=x, y=y, text="label:N"),
        _targets(points, x, y),
    ]
    return alt.layer(*layers, title=lane.title).properties(
        width=width, height=LANE_HEIGHT, name=f"lane_{lane.key}"
    )


def _band(lane: LaneShape, colours: dict[str, str], x: alt.X) -> list[alt.Chart]:
    """Reference ranges: filled where the laboratory's own, only outlined where ours."""
    data = alt.NamedData(f"bands_{lane.key}")
    edges = {"x": x, "x2": "t2:T", "y": _height(lane, "lo"), "y2": "hi:Q"}
    return [
        alt.Chart(data)
        .transform_filter("datum.source == 'laboratory'")
        .mark_rect(color=colours["band"], opacity=1, clip=True, aria=False)
        .encode(**edges),
        alt.Chart(data)
        .transform_filter("datum.source != 'laboratory'")
        .mark_rect(
            color=colours["band"], fillOpacity=0.3, stroke=colours["edge"], strokeWidth=0.8,
            strokeDash=[3, 3], clip=True, aria=False,
        )
        .encode(**edges),
    ]  # fmt: skip


def _limits(lane: LaneShape, colours: dict[str, str], y: alt.Y) -> alt.Chart:
    """Dashed lines across the lane; the lane's title carries their words."""
    return (
        alt.Chart(alt.NamedData(f"limits_{lane.key}"))
        .mark_rule(color=colours["limit"], strokeDash=[5, 3], strokeWidth=1, aria=False)
        .encode(y=y)
    )


def _crosshair(colours: dict[str, str], x: alt.X) -> alt.Chart:
    """One line through all lanes at the draw that is looked at."""
    return (
        alt.Chart(alt.NamedData("times"))
        .transform_filter("datum.key == at")
        .mark_rule(color=colours["soft"], strokeWidth=1, aria=False, clip=True)
        .encode(x=x)
    )


def _place(colours: dict[str, str]) -> alt.Scale:
    names = ["in", "high", "low", "unknown"]
    return alt.Scale(domain=names, range=[colours[name] for name in names])


def _ring(points: alt.NamedData, colours: dict[str, str], x: alt.X, y: alt.Y) -> alt.Chart:
    return (
        alt.Chart(points)
        .transform_filter("datum.key == at")
        .mark_point(size=240, filled=False, stroke=colours["ink"], strokeWidth=2, aria=False)
        .encode(x=x, y=y)
    )


def _dots(points: alt.NamedData, colours: dict[str, str], x: alt.X, y: alt.Y) -> alt.Chart:
    """The facts. Shape says above, below, limit, date only, unused; hollow: not a valid sample."""
    scale = _place(colours)
    return (
        alt.Chart(points)
        .mark_point(size=58, strokeWidth=1.6, opacity=1)
        .encode(
            x=x,
            y=y,
            shape=alt.Shape(
                "shape:N",
                scale=alt.Scale(domain=list(SHAPES), range=list(SHAPES.values())),
                legend=None,
            ),
            stroke=alt.Stroke("place:N", scale=scale, legend=None),
            fill=alt.condition(
                "datum.solid",
                alt.Fill("place:N", scale=scale, legend=None),
                alt.value(colours["paper"]),
            ),
            description="say:N",
        )
    )


def _targets(points: alt.NamedData, x: alt.X, y: alt.Y) -> alt.Chart:
    """Large invisible targets over the points; they carry the tooltip."""
    return (
        alt.Chart(points)
        .mark_point(size=500, filled=True, opacity=0, aria=False, cursor="pointer")
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("what:N", title="Result"),
                alt.Tooltip("value:N", title="As sent"),
                alt.Tooltip("converted:N", title="Converted"),
                alt.Tooltip("when:N", title="Drawn"),
                alt.Tooltip("range:N", title="Range"),
                alt.Tooltip("note:N", title="Note"),
            ],
        )
    )


def _therapy(rows: int, colours: dict[str, str], width: int) -> alt.LayerChart:
    """A bar per episode, one row per ingredient; the arrow goes on, the dashed end is not known."""
    data = alt.NamedData("therapy")
    x = _time(labels=True)
    y = alt.Y("row:N", axis=None, sort=None, scale=alt.Scale(paddingInner=0.15, paddingOuter=0.05))
    kinds = ["recalibration", "androgen", "adjunct", "gnrh", "other"]
    kind = alt.Scale(domain=kinds, range=[colours[name] for name in kinds])
    base = alt.Chart(data).encode(y=y)
    bars = base.mark_bar(cornerRadius=2, clip=True, fillOpacity=0.28, strokeWidth=1.4).encode(
        x=x,
        x2="t2:T",
        color=alt.Color("kind:N", scale=kind, legend=None),
        stroke=alt.Stroke("kind:N", scale=kind, legend=None),
        strokeDash=alt.condition("datum.sure", alt.value([1, 0]), alt.value([4, 3])),
        description="say:N",
        tooltip=[
            alt.Tooltip("label:N", title="Therapy"),
            alt.Tooltip("when:N", title="From, to"),
        ],
    )
    arrows = (
        base.transform_filter("datum.goes_on")
        .mark_point(shape="triangle-right", size=60, filled=True, opacity=1, aria=False)
        .encode(
            x=_time(labels=True, field="t2"),
            color=alt.Color("kind:N", scale=kind, legend=None),
        )
    )
    inside, before = (
        base.transform_filter(f"datum.{field} != ''")
        .mark_text(
            align=align, dx=dx, fontSize=10.5, color=colours["ink"], clip=True, aria=False
        )
        .encode(x=x, text=f"{field}:N")
        for field, align, dx in (("inside", "left", 5), ("before", "right", -5))
    )  # fmt: skip
    layers = [bars, arrows, inside, before, _crosshair(colours, x)]
    return alt.layer(*layers, title="Therapy" if rows else "Therapy: none on record").properties(
        width=width, height=max(rows, 0) * BAR_HEIGHT or 1, name="lane_therapy"
    )
