"""The axis as a picture that can be turned to the patient: stations, signals, block, drugs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from smartapp.dashboard.chart import Chart
from smartapp.dashboard.names import analyte_name, drug_name
from smartapp.dashboard.results import Group
from smartapp.engine.assessment import AxisState
from smartapp.knowledge import Knowledge
from smartapp.labs.reading import Series

Station = Literal["hypothalamus", "pituitary", "testes", "body"]
STATIONS: Mapping[Station, str] = {
    "hypothalamus": "Hypothalamus",
    "pituitary": "Pituitary",
    "testes": "Testes",
    "body": "Blood and body",
}
# What leaves a station for the next one. GnRH stays between the two: no blood test shows it.
SIGNALS: Mapping[Station, tuple[str, ...]] = {
    "hypothalamus": (),
    "pituitary": ("lh", "fsh"),
    "testes": ("testosterone", "estradiol"),
}
# Where a state is drawn; a state that is not here is not placed, and the picture says so.
BLOCKS: Mapping[AxisState, tuple[Station, ...]] = {
    "eugonadal": (),
    "secondary": ("hypothalamus", "pituitary"),
    "primary": ("testes",),
    "severe-primary": ("testes",),
    "mixed": ("pituitary", "testes"),
    "compensated": ("testes",),
    "isolated-fsh": ("testes",),
    "suppressed": ("pituitary",),
}
# Where the drugs of a class act (drugs.toml, every class that acts on the axis).
ACTS_AT: Mapping[str, Station] = {
    "serm": "hypothalamus",
    "gnrh": "pituitary",
    "hcg": "testes",
    "fsh": "testes",
    "aromatase-inhibitor": "body",
    "testosterone": "body",
    "anabolic-steroid": "body",
    "antiandrogen": "body",
    "estrogen": "body",
    "progestin": "hypothalamus",
}
AgentStatus = Literal["active", "uncertain", "option"]
_STANDING: Mapping[AgentStatus, str] = {
    "active": "taken now",
    "uncertain": "end not known",
    "option": "an option",
}
# Letters that the drawing has room for beside a station.
ROOM = 18


@dataclass(frozen=True, slots=True)
class Signal:
    """A hormone on its way: its newest usable result, or that there is none."""

    name: str
    value: str
    place: str
    when: str

    @property
    def sentence(self) -> str:
        return ", ".join(filter(None, (f"{self.name} {self.value}", self.place, self.when)))


@dataclass(frozen=True, slots=True)
class Agent:
    """A drug at its station. `status` "active" or "uncertain", or "option" where not taken."""

    name: str
    short: str
    does: str
    status: AgentStatus

    @property
    def sentence(self) -> str:
        return f"{self.name} ({_STANDING[self.status]}) {self.does}."


@dataclass(frozen=True, slots=True)
class Stop:
    """A station of the picture, what leaves it and what acts on it. `mark`: what is wrong here."""

    key: Station
    name: str
    role: str
    mark: str
    signals: tuple[Signal, ...]
    agents: tuple[Agent, ...]


@dataclass(frozen=True, slots=True)
class AxisPicture:
    """`told` is what the state means in plain words."""

    stops: tuple[Stop, ...]
    told: str


def axis_picture(
    chart: Chart, knowledge: Knowledge, groups: tuple[Group, ...]
) -> AxisPicture | None:
    """The picture of this man's axis; None for somebody the rules are not made for."""
    state = chart.assessment.axis.state
    if state == "not-applicable":
        return None
    say, newest = knowledge.wording.say, {group.analyte: group for group in groups}
    marked = BLOCKS.get(state, ())
    acting: dict[Station, list[Agent]] = {}
    for station, agent in _agents(chart, knowledge):
        acting.setdefault(station, []).append(agent)
    return AxisPicture(
        stops=tuple(
            Stop(
                key=key,
                name=name,
                role=say("picture-station", key),
                mark=say("picture-mark", state) if key in marked else "",
                signals=tuple(
                    _signal(chart, analyte_name(knowledge.catalogue, one), one, newest)
                    for one in SIGNALS.get(key, ())
                ),
                agents=tuple(acting.get(key, ())),
            )
            for key, name in STATIONS.items()
        ),
        told=say("picture-state", state),
    )


def _signal(chart: Chart, name: str, analyte: str, newest: Mapping[str, Group]) -> Signal:
    if analyte not in newest:
        return Signal(name, "no usable result", "", "")
    row = newest[analyte].results[0]
    place = row.place_word
    if _newer_unusable(chart.record.series[analyte]):
        place += "; a newer result could not be used"
    return Signal(name, row.sent, place, row.when)


def _newer_unusable(series: Series) -> bool:
    last = series.readings[-1].drawn
    return any(
        not row.void
        and row.effective is not None
        and f"{row.effective:%Y-%m-%d}" > last.isoformat()
        for row in series.unused
    )


def _agents(chart: Chart, knowledge: Knowledge) -> Iterator[tuple[Station, Agent]]:
    """Drugs taken or perhaps taken, then the options that are not blocked; each once."""
    assessment, drawn = chart.assessment, dict[str, AgentStatus]()
    known: tuple[AgentStatus, ...] = ("active", "uncertain")
    for status in known:
        for row in assessment.therapy.agents:
            if row.status == status:
                drawn.setdefault(row.agent, status)
    for option in assessment.recommendation.options:
        if option.eligible:
            drawn.setdefault(option.agent, "option")
    for key, standing in drawn.items():
        drug = knowledge.catalogue.drugs.get(key)
        if drug is None or drug.drug_class not in ACTS_AT:
            continue
        say, kind = knowledge.wording.say, drug.drug_class
        name = drug_name(knowledge.catalogue, key)
        short = name if len(name) <= ROOM else say("picture-short", kind)
        yield ACTS_AT[kind], Agent(name, short, say("picture-drug", kind), standing)
