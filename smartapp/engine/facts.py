"""Statements of the matrix that take more than a look-up, one function each (clinical rules 8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import AxisView
from smartapp.engine.case import Case
from smartapp.engine.course import Course
from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.gate import Item, chronic_glucocorticoid, chronic_opioid
from smartapp.engine.samples import evidence_of
from smartapp.engine.span import every, some, span_of
from smartapp.labs.reading import Reading
from smartapp.patient.record import Problem

EYE = frozenset({"visual-disturbance", "eye-vascular", "visual-field-defect"})
SERM_AGENTS = frozenset({"clomiphene", "enclomiphene", "tamoxifen", "toremifene", "raloxifene"})
_THYROID_EXCESS = frozenset({"hyperthyroidism"})
_THYROID_LACK = frozenset({"hypothyroidism"})
_ADRENAL = frozenset({"adrenal-disease"})


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer and what it rests on. None: not evaluable."""

    answer: bool | None
    evidence: tuple[Evidence, ...] = ()


NO = Judged(False)
UNKNOWN = Judged(None)


def severe_primary(case: Case, view: AxisView) -> Judged:
    """R-ELIG-STOP-01, by samples off treatment."""
    severe = view.untreated.severe
    return Judged(severe.holds, severe.evidence)


def thyroid_adrenal_uncontrolled(case: Case, view: AxisView) -> Judged:
    """TSH far out of range; or overactive thyroid or adrenal disease without treatment.

    A normal TSH settles the thyroid, and says nothing of the adrenals. A limit that may hide a
    value far out of range ("< 0.3") excludes nothing; nor does an underactive thyroid without a
    TSH, treated or not: whether it is under control is what the TSH would tell.
    """
    rules = case.protocol.contraindications
    if "tsh" in case.withheld:
        return UNKNOWN
    tsh = case.newest("tsh", rules.thyroid_days)
    far: bool | None = False
    for end in case.both_ends(tsh):
        answer = _far_out(case, end)
        if answer:
            return Judged(True, (evidence_of(end, "fired"),))
        far = some((far, answer))
    excess = _active(case, _THYROID_EXCESS)
    if excess and case.taking(drug_class="antithyroid") is None and not _normal(case, tsh):
        return Judged(True, (evidence_of_problem(excess, "blocks"),))
    adrenal = _active(case, _ADRENAL)
    if adrenal and not _adrenal_treated(case):
        return Judged(True, (evidence_of_problem(adrenal, "blocks"),))
    unknown = far is None or (tsh is None and _active(case, _THYROID_LACK) is not None)
    return UNKNOWN if unknown or "problems" in case.unread else NO


def thyroid_adrenal_watched(case: Case, view: AxisView) -> Judged:
    """TSH out of range, not far; or adrenal disease under treatment."""
    rules = case.protocol.contraindications
    tsh = case.newest("tsh", rules.thyroid_days)
    for end in case.both_ends(tsh) if "tsh" not in case.withheld else ():
        span, used = span_of(end), case.range_of(end)
        low = span.below(used.low) if used.low is not None else False
        high = span.above(used.high) if used.high is not None else False
        if (low or high) and not _far_out(case, end):
            return Judged(True, (evidence_of(end, "fired", ranged=True),))
    adrenal = _active(case, _ADRENAL)
    if adrenal and _adrenal_treated(case):
        return Judged(True, (evidence_of_problem(adrenal, "blocks"),))
    return UNKNOWN if "tsh" in case.withheld or "problems" in case.unread else NO


def eye_on_serm(case: Case, view: AxisView) -> Judged:
    """A visual event that began while a SERM was taken, or soon after."""
    serms = _serm_courses(case)
    found = tuple(
        evidence_of_problem(p, "fired")
        for p in case.with_concepts(EYE)
        if any(_began_under(case, p, course) for course in serms)
    )
    if found:
        return Judged(True, found)
    if serms and any(_undated(p) for p in case.with_concepts(EYE)):
        return UNKNOWN
    return UNKNOWN if "problems" in case.unread else NO


def eye_before_serm(case: Case, view: AxisView) -> Judged:
    """A visual event that no SERM can have caused, or one whose beginning is not known."""
    serms = _serm_courses(case)
    found = tuple(
        evidence_of_problem(p, "blocks")
        for p in case.with_concepts(EYE)
        if not any(_began_under(case, p, course) for course in serms)
    )
    if found:
        return Judged(True, found)
    return UNKNOWN if "problems" in case.unread else NO


def chronic_opioid_use(case: Case, view: AxisView) -> Judged:
    """A chronic opioid in a man with low testosterone."""
    return _with_low_t(case, chronic_opioid(case), view)


def chronic_glucocorticoid_use(case: Case, view: AxisView) -> Judged:
    """A chronic systemic glucocorticoid in a man with low testosterone."""
    return _with_low_t(case, chronic_glucocorticoid(case), view)


def lh_high_normal(case: Case, view: AxisView) -> Judged:
    """Low testosterone with LH in the upper part of its range (clinical rules 4.7)."""
    untreated = view.untreated
    lh = untreated.samples.lh.reading
    if untreated.state != "secondary" or not untreated.lh_high_normal or lh is None:
        return UNKNOWN if case.unread & {"labs", "therapy"} else NO
    return Judged(True, (evidence_of(lh, "fired", ranged=True),))


def unapproved(case: Case, view: AxisView) -> Judged:
    """Holds for every man: the drug is approved nowhere known."""
    return Judged(True)


FACT: Mapping[str, Callable[[Case, AxisView], Judged]] = {
    "severe-primary": severe_primary,
    "thyroid-adrenal-uncontrolled": thyroid_adrenal_uncontrolled,
    "thyroid-adrenal-watched": thyroid_adrenal_watched,
    "eye-on-serm": eye_on_serm,
    "eye-before-serm": eye_before_serm,
    "chronic-opioid": chronic_opioid_use,
    "chronic-glucocorticoid": chronic_glucocorticoid_use,
    "lh-high-normal": lh_high_normal,
    "unapproved": unapproved,
}


def _with_low_t(case: Case, item: Item | None, view: AxisView) -> Judged:
    if view.untreated.low.answer == "not-low":
        return NO
    if item is None:
        return UNKNOWN if case.unread & {"problems", "therapy"} else NO
    return Judged(True, item.evidence) if view.untreated.low.answer == "low" else UNKNOWN


def _active(case: Case, concepts: frozenset[str]) -> Problem | None:
    return next((p for p in case.with_concepts(concepts) if p.active is not False), None)


def _far_out(case: Case, tsh: Reading) -> bool | None:
    rules, span = case.protocol.contraindications, span_of(tsh)
    return some((span.below(rules.tsh_stop_low), span.above(rules.tsh_stop_high)))


def _normal(case: Case, reading: Reading | None) -> bool:
    answers: list[bool | None] = []
    for end in case.both_ends(reading):
        span, used = span_of(end), case.range_of(end)
        answers += [span.at_least(used.low)] if used.low is not None else []
        answers += [span.up_to(used.high)] if used.high is not None else []
    return bool(answers) and every(answers) is True


def _adrenal_treated(case: Case) -> bool:
    return (
        case.taking(drug_class="glucocorticoid") is not None
        or case.taking(drug_class="adrenal-inhibitor") is not None
    )


def _serm_courses(case: Case) -> tuple[Course, ...]:
    return tuple(c for c in case.courses if c.episode.agent in SERM_AGENTS)


def _undated(problem: Problem) -> bool:
    return problem.onset is None and problem.recorded is None


def _began_under(case: Case, problem: Problem, course: Course) -> bool:
    """Whether the event began between the drug's start and its stop plus the days of grace."""
    onset, episode = problem.onset or problem.recorded, course.episode
    if onset is None or (episode.start is not None and onset < episode.start):
        return False
    if episode.start is None and not course.active and episode.stop is None:
        return False
    if course.active:
        return True
    stop = episode.stop
    if stop is None:
        return onset < course.until
    return onset <= stop + timedelta(days=case.protocol.contraindications.eye_days)


def eye_events(case: Case) -> Iterator[Problem]:
    """Visual problems on record, each once."""
    return case.with_concepts(EYE)
