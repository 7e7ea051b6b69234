"""All parts of a page, made once from a chart."""

from __future__ import annotations

from dataclasses import dataclass

from smartapp import __version__
from smartapp.dashboard import figures, words
from smartapp.dashboard.asof import AsOf, as_of
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.finding import FindingView, findings
from smartapp.dashboard.lanes import Lanes, lanes
from smartapp.dashboard.leftovers import Leftovers, leftovers
from smartapp.dashboard.results import Group, chart_results
from smartapp.dashboard.shown import ShownNote, shown_note
from smartapp.dashboard.strip import Strip, strip
from smartapp.dashboard.verdict import (
    DueRow,
    OpenQuestion,
    OptionRow,
    Verdict,
    due,
    open_questions,
    options,
    verdict,
)
from smartapp.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Facts:
    """What stands at the foot of every page: when, by which knowledge, by which program."""

    app: str
    protocol: str
    overridden: tuple[str, ...]
    fetched: str
    as_of: str
    server: str
    zone: str


@dataclass(frozen=True, slots=True)
class Page:
    """What the templates print.

    lost      the launch named a finding that this page cannot show
    applies   the rules are made for this person
    weighing  a decision between the options is near, so they stand open
    """

    strip: Strip
    verdict: Verdict
    shown: ShownNote | None
    lost: bool
    findings: tuple[FindingView, ...]
    questions: tuple[OpenQuestion, ...]
    due: tuple[DueRow, ...]
    options: tuple[OptionRow, ...]
    nearby: tuple[str, ...]
    groups: tuple[Group, ...]
    lanes: Lanes
    leftovers: Leftovers
    facts: Facts
    as_of: AsOf
    open_server: bool
    applies: bool
    weighing: bool
    intended_use: str = words.INTENDED_USE

    @property
    def counted(self) -> int:
        return sum(len(group.results) for group in self.groups)


def page(chart: Chart, knowledge: Knowledge, wanted: str | None = None) -> Page:
    """The page of a chart, with the `wanted` finding (an id) first and open.

    Without one, the finding the launch came from is the wanted one.
    """
    wanted = wanted or chart.wanted or (chart.shown.id if chart.shown else None)
    groups = chart_results(chart, knowledge.catalogue)
    views = findings(chart, knowledge, wanted)
    assessment = chart.assessment
    note = shown_note(chart, knowledge.catalogue)
    told = note is not None and chart.shown is not None and chart.shown.id == wanted
    return Page(
        strip=strip(chart, knowledge),
        verdict=verdict(chart, knowledge),
        shown=note,
        lost=wanted is not None and not told and all(view.id != wanted for view in views),
        findings=views,
        questions=open_questions(chart),
        due=due(chart),
        options=options(chart, knowledge),
        nearby=tuple(miss.text for miss in assessment.near_misses),
        groups=groups,
        lanes=lanes(chart, knowledge, groups),
        leftovers=leftovers(chart, knowledge.catalogue),
        facts=_facts(chart),
        as_of=as_of(chart, knowledge.catalogue),
        open_server=chart.open_server,
        applies=chart.our_ranges,
        weighing=assessment.recommendation.status in words.WEIGHING,
    )


def _facts(chart: Chart) -> Facts:
    protocol = chart.assessment.protocol
    return Facts(
        app=__version__,
        protocol=f"{protocol.profile} {protocol.version}",
        overridden=protocol.overridden,
        fetched=figures.of_the_app(chart.fetched_at, chart.zone),
        as_of=figures.of_the_app(chart.assessment.as_of, chart.zone),
        server=chart.context.issuer,
        zone=str(chart.zone) if chart.zone else "",
    )
