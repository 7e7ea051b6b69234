"""The answer before the details: where the axis stands, what follows, what cannot be told."""

from __future__ import annotations

from dataclasses import dataclass

from smartapp.dashboard import figures, words
from smartapp.dashboard.chart import Chart
from smartapp.dashboard.finding import EvidenceRow, evidence_rows
from smartapp.dashboard.names import drug_name
from smartapp.engine.assessment import Option, Why
from smartapp.knowledge import Knowledge


@dataclass(frozen=True, slots=True)
class Verdict:
    state: words.Label
    reason: str
    evidence: tuple[EvidenceRow, ...]
    status: words.Label
    reasons: tuple[Why, ...]


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One agent as a choice, never an order. `telling`: worth naming beside the verdict."""

    agent: str
    word: str
    tone: words.Tone
    telling: bool
    blocked: tuple[str, ...]
    cautions: tuple[str, ...]
    regimen: str
    regulatory: str


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A rule that could not be judged, and what would settle it."""

    what: str
    reason: str
    fix: str
    rule: str


@dataclass(frozen=True, slots=True)
class DueRow:
    test: str
    due: str
    window: str
    overdue: bool


def verdict(chart: Chart, knowledge: Knowledge) -> Verdict:
    axis = chart.assessment.axis
    return Verdict(
        state=words.AXIS[axis.state],
        reason=axis.reason[:1].upper() + axis.reason[1:],
        evidence=evidence_rows(axis.evidence, chart, knowledge.catalogue),
        status=words.STATUS[chart.assessment.recommendation.status],
        reasons=chart.assessment.recommendation.reasons,
    )


def options(chart: Chart, knowledge: Knowledge) -> tuple[OptionRow, ...]:
    given = chart.assessment.recommendation
    return tuple(_option(row, given.status, knowledge) for row in given.options)


def open_questions(chart: Chart) -> tuple[OpenQuestion, ...]:
    return tuple(
        OpenQuestion(words.plain(row.code).capitalize(), row.reason, row.fix, row.rule)
        for row in chart.assessment.not_evaluable
    )


def due(chart: Chart) -> tuple[DueRow, ...]:
    """Overdue tests first, then by date."""
    rows = sorted(chart.assessment.due, key=lambda row: (not row.overdue, row.due))
    return tuple(
        DueRow(
            test=row.test,
            due=figures.day(row.due),
            window=f"{figures.day(row.window[0])} to {figures.day(row.window[1])}",
            overdue=row.overdue,
        )
        for row in rows
    )


def _option(row: Option, status: str, knowledge: Knowledge) -> OptionRow:
    word, tone = _standing(row)
    # The man's state is named only where nothing else closes the option.
    against = [
        said
        for key, said in zip(row.blocked_by, row.blocked_words, strict=True)
        if key not in words.OF_THE_STATE
    ]
    of_this_man = {*row.blocked_by} - words.OF_THE_STATE - _NOT_OF_THIS_MAN
    return OptionRow(
        agent=drug_name(knowledge.catalogue, row.agent),
        word=word,
        tone=tone,
        telling=status in ("candidate", "not-suitable") or bool(of_this_man),
        blocked=tuple(against) or row.blocked_words,
        cautions=row.caution_words,
        regimen=row.regimen if row.eligible else "",
        regulatory=row.regulatory,
    )


_NOT_OF_THIS_MAN = {"not-approved", "not-excluded"}


def _standing(row: Option) -> tuple[str, words.Tone]:
    """A closed door is told apart from one that more data, or time, may open."""
    if row.eligible:
        return "Eligible", "go"
    if set(row.blocked_by) <= words.OF_THE_STATE - {"not-suitable"} | {"not-excluded"}:
        return "Not eligible now", "unknown"
    return "Not eligible", "stop"
