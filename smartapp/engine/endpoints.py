"""What the man reports, as a trend: each figure against his own from before treatment.

Questionnaires neither select nor steer treatment by themselves; they are shown, and in the
response they tell whether symptoms are better (clinical rules 9 and 11, evidence base 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from smartapp.engine.assessment import Endpoint, Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.span import show
from smartapp.knowledge.questionnaires import TOTAL, Tool
from smartapp.patient.record import EndpointReading


@dataclass(frozen=True, slots=True)
class Better:
    """Whether symptoms are better than before treatment, and by which answers."""

    answer: bool
    evidence: tuple[Evidence, ...] = ()


def list_endpoints(case: Case, begun: date | None) -> tuple[Endpoint, ...]:
    """Totals and scales of the questionnaires, oldest first within each; signs are no endpoints.

    Baseline is the last figure before the treatment that began on `begun`, in the window of valid
    samples; without treatment, or for a figure from before it, there is none.
    """
    return tuple(
        _endpoint(case, tool, reading, begun)
        for tool, series in _series(case)
        for reading in series
    )


def symptoms_better(case: Case, begun: date, since: date | None = None) -> Better | None:
    """Whether what he reports is better than before treatment began.

    Judged on the newest figure of each scale on treatment, from `since` on where given. Better:
    at least one has gained a meaningful change and none has lost one; not better: none has
    gained. None: nobody asked, no figure from before, no scale whose meaningful change is known,
    or gains and losses side by side.
    """
    gained: list[Evidence] = []
    rest: list[Evidence] = []
    lost = False
    first = days_before(case.today, case.protocol.samples.window)
    for tool, series in _series(case):
        newest = series[-1]
        baseline = _baseline(case, series, begun)
        day = newest.day
        if tool.meaningful is None or baseline is None or day <= begun or day < first:
            continue
        if since is not None and day < since:
            continue
        gain = newest.value - baseline.value
        gain = gain if tool.better == "high" else -gain
        lost |= gain <= -tool.meaningful
        (gained if gain >= tool.meaningful else rest).append(_evidence(tool, newest))
    if not gained and not rest:
        return None
    if gained and lost:
        return None
    return Better(bool(gained), tuple(gained or rest))


def _series(case: Case) -> Iterator[tuple[Tool, tuple[EndpointReading, ...]]]:
    questionnaires = case.knowledge.catalogue.questionnaires
    if questionnaires is None:
        return
    for (key, item), series in sorted(case.told.items()):
        tool = questionnaires.tools.get(key)
        if tool is None:
            continue
        if tool.kind == "scales" or (tool.kind == "sum" and item == TOTAL):
            yield tool, series


def _baseline(
    case: Case, series: tuple[EndpointReading, ...], begun: date
) -> EndpointReading | None:
    first = days_before(begun, case.protocol.samples.window)
    before = [reading for reading in series if first <= reading.day <= begun]
    return before[-1] if before else None


def _endpoint(case: Case, tool: Tool, reading: EndpointReading, begun: date | None) -> Endpoint:
    baseline: EndpointReading | None = None
    if begun is not None and reading.day > begun:
        baseline = _baseline(case, case.told[reading.tool, reading.item], begun)
    change: Decimal | None = None
    meaningful: bool | None = None
    if baseline is not None:
        change = reading.value - baseline.value
        meaningful = None if tool.meaningful is None else abs(change) >= tool.meaningful
    return Endpoint(
        tool=tool.key,
        item=reading.item,
        value=reading.value,
        scale=_scale(case, tool),
        effective=reading.effective,
        baseline=None if baseline is None else baseline.value,
        change=change,
        meaningful=meaningful,
        reference=reading.reference,
    )


def _scale(case: Case, tool: Tool) -> str:
    words = {"low": show(tool.low), "high": show(tool.high)}
    return case.knowledge.wording.say("scale", tool.better, words)


def _evidence(tool: Tool, reading: EndpointReading) -> Evidence:
    """An answer as evidence, in words: it is no laboratory value."""
    name = tool.name if reading.item == TOTAL else tool.items[reading.item].name
    return Evidence(
        reading.reference,
        None,
        None,
        None,
        f"{show(reading.value)} ({show(tool.low)}-{show(tool.high)})",
        reading.effective,
        "symptom",
        f"{name}: {show(reading.value)}",
    )
