"""Why the answer is not settled, in words, and what would settle each point (clinical rules 6, 7).

The same words stand in the findings: a point of the gate in `axis-workup`, a rule left open in
`not_evaluable` and `cannot-assess`.
"""

from __future__ import annotations

from collections.abc import Iterator

from smartapp.engine.assessment import Why
from smartapp.engine.gate import Item
from smartapp.engine.report import Report
from smartapp.engine.standing import Standing
from smartapp.engine.telling import tell_values

# What the answer waits for is told only where it waits.
_WAITING = ("confirm-first", "cannot-assess", "specialist")


def list_reasons(report: Report, standing: Standing) -> tuple[Why, ...]:
    """Every point that keeps the man from a plain answer, each once, gravest first."""
    if standing.status not in _WAITING:
        return ()
    found = {why.text: why for why in _reasons(report, standing)}
    return tuple(found.values())


def _reasons(report: Report, standing: Standing) -> Iterator[Why]:
    wording = report.case.knowledge.wording
    for reason in standing.specialist:
        fix = wording.say("refer", "endocrinology")
        yield Why(reason.key, _sentence(wording.say("specialist", reason.key)), fix)
    told = set()
    for abstention, item in zip(report.opened, report.not_evaluable, strict=True):
        if abstention.weighs:
            told.add(abstention.reason)
            yield Why(abstention.reason, item.reason, item.fix)
    for point in standing.gate:
        if point.key not in told:
            yield Why(point.key, _sentence(say_point(report, point)), _settling(report, point))


def say_point(report: Report, item: Item) -> str:
    """An open point of the gate with the values that opened it."""
    said, values = report.case.knowledge.wording.say("gate", item.key), tell_values(item.evidence)
    return f"{said} ({values})" if values else said


def _settling(report: Report, item: Item) -> str:
    wording = report.case.knowledge.wording
    steps = [fix.text for fix in report.order_lab(*item.orders)]
    if item.refer is not None:
        steps.append(wording.say("refer", item.refer))
    return _sentence("; ".join(steps) or wording.say("fix", "settle-cause"))


def _sentence(words: str) -> str:
    said = words[:1].upper() + words[1:]
    return said if said.endswith(".") else f"{said}."
