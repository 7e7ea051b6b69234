"""Doses against the published regimens (clinical rules 10): taken, and ordered."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from smartapp.engine.abstain import Abstention
from smartapp.engine.assessment import Evidence
from smartapp.engine.evidence import evidence_of_course
from smartapp.engine.exposure import HCG
from smartapp.engine.report import Ordered, Report
from smartapp.engine.span import SIX_DIGITS, show
from smartapp.engine.treatment import per_week
from smartapp.knowledge.protocol import DoseBounds
from smartapp.patient.record import Dose

_RULE = "R-DOSE-01"
_CODE = "dose-outside-regimen"
_WEEK = Decimal(7)
_BASE = re.compile(r"\bbase\b", re.IGNORECASE)
_CITRATE = re.compile(r"\bcitrate\b", re.IGNORECASE)

Unit = Literal["mg-day", "IU-dose", "IU-week"]


@dataclass(frozen=True, slots=True)
class Bound:
    """One published range, and the dose it is held against; None: the dose cannot be told."""

    dose: Decimal | None
    low: Decimal
    high: Decimal
    unit: Unit

    @property
    def out(self) -> Literal["above", "below"] | None:
        if self.dose is None or self.low <= self.dose <= self.high:
            return None
        return "above" if self.dose > self.high else "below"


@dataclass(frozen=True, slots=True)
class _Given:
    """A drug taken or ordered, with what is known of its dose."""

    agent: str
    dose: Dose | None
    label: str
    about: Ordered | None
    evidence: tuple[Evidence, ...]


def say_dose(report: Report) -> None:
    """`dose-outside-regimen` for every drug with a published range, ordered or taken."""
    for given in _given(report):
        bounds = bounds_of(
            report.case.protocol.dose, given.agent, given.dose, f"{given.label} {_text(given.dose)}"
        )
        if not bounds:
            continue
        outside = next((b for b in bounds if b.out is not None), None)
        if outside is not None:
            _say(report, given, outside)
        elif any(b.dose is None for b in bounds):
            _abstain(report, given)
        else:
            _near(report, given, bounds)


def bounds_of(
    rules: DoseBounds, agent: str, dose: Dose | None, words: str = ""
) -> tuple[Bound, ...]:
    """The published ranges that apply to the drug; none for a drug without any.

    Enclomiphene is meant as citrate unless `words` say base; a dose that fits only as base, with
    neither said, cannot be told.
    """
    if agent == "clomiphene":
        return (_daily(dose, rules.clomiphene_low, rules.clomiphene_high),)
    if agent == "anastrozole":
        return (_daily(dose, rules.anastrozole_low, rules.anastrozole_high),)
    if agent == "enclomiphene":
        return (_enclomiphene(rules, dose, words),)
    if agent not in HCG:
        return ()
    at_once = dose.amount if dose is not None and dose.unit == "[IU]" else None
    return (
        Bound(at_once, rules.hcg_dose_low, rules.hcg_dose_high, "IU-dose"),
        Bound(per_week(dose, "[IU]"), rules.hcg_week_low, rules.hcg_week_high, "IU-week"),
    )


def _enclomiphene(rules: DoseBounds, dose: Dose | None, words: str) -> Bound:
    if _BASE.search(words):
        return _daily(dose, rules.enclomiphene_base_low, rules.enclomiphene_base_high)
    bound = _daily(dose, rules.enclomiphene_low, rules.enclomiphene_high)
    said = _CITRATE.search(words) is not None
    if said or bound.dose is None or not rules.enclomiphene_base_low <= bound.dose < bound.low:
        return bound
    return Bound(None, bound.low, bound.high, bound.unit)


def _daily(dose: Dose | None, low: Decimal, high: Decimal) -> Bound:
    """The daily average, by way of the week: seven days are exact where a seventh is not."""
    weekly = per_week(dose, "mg")
    return Bound(None if weekly is None else SIX_DIGITS.divide(weekly, _WEEK), low, high, "mg-day")


def _given(report: Report) -> Iterator[_Given]:
    """What is ordered, and what is taken of drugs that are not being ordered anew."""
    ordered = report.occasion.roles("recalibration", "adjunct")
    for order in ordered:
        yield _Given(order.agent, order.draft.dose, order.draft.label, order, ())
    renewed = {order.agent for order in ordered}
    for course in report.case.courses:
        episode = course.episode
        if course.active and episode.agent not in renewed:
            evidence = (evidence_of_course(course, "fired"),)
            yield _Given(episode.agent, episode.dose, episode.label, None, evidence)


def _say(report: Report, given: _Given, bound: Bound) -> None:
    dose, out = bound.dose, bound.out
    if dose is None or out is None:
        return
    report.finding(
        _CODE,
        _RULE,
        variant=out,
        state=given.agent,
        evidence=given.evidence,
        fixes=report.remove(given.about) if given.about is not None else (),
        about=given.about,
        agent=given.agent,
        words={
            "agent": report.name(given.agent),
            "dose": show(dose),
            "unit": _unit(report, bound),
            "low": show(bound.low),
            "high": show(bound.high),
        },
    )


def _abstain(report: Report, given: _Given) -> None:
    if given.dose is None:
        reason, fix = "dose-missing", "state-dose"
    elif given.agent == "enclomiphene" and per_week(given.dose, "mg") is not None:
        reason, fix = "dose-salt", "state-salt"
    else:
        reason, fix = "dose-unread", "state-dose"
    report.open(
        Abstention(
            _RULE, _CODE, reason, fix, decisive=False, words={"agent": report.name(given.agent)}
        )
    )


def _near(report: Report, given: _Given, bounds: tuple[Bound, ...]) -> None:
    near = report.case.protocol.options.near_miss
    for bound in bounds:
        if bound.dose is not None and bound.dose >= bound.high - bound.high * near:
            words = {
                "agent": report.name(given.agent),
                "value": show(bound.dose),
                "cut": show(bound.high),
                "unit": _unit(report, bound),
            }
            report.near(_CODE, _RULE, "dose", words)


def _unit(report: Report, bound: Bound) -> str:
    return report.case.knowledge.wording.say("dose-unit", bound.unit)


def _text(dose: Dose | None) -> str:
    return dose.text if dose is not None else ""
