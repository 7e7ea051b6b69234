"""The gate before a candidate (clinical rules 6): what must be settled first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from smartapp.engine.assessment import Evidence
from smartapp.engine.axis import EXPLAINS_LOW_LH, AxisView
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_course, evidence_of_problem
from smartapp.engine.samples import evidence_of, evidence_of_samples
from smartapp.engine.span import every, span_of
from smartapp.labs.reading import Reading

_REPLACED = frozenset({"pituitary-deficiency"})


@dataclass(frozen=True, slots=True)
class Item:
    """One open point. `key` is a key of the wording's [gate]; `crossed`: a threshold is crossed.

    orders, refer   what would settle it: analytes to measure, a specialty
    """

    key: str
    crossed: bool
    evidence: tuple[Evidence, ...] = ()
    orders: tuple[str, ...] = ()
    refer: str | None = None


def judge_gate(case: Case, view: AxisView) -> tuple[Item, ...]:
    """Every open point, in a fixed order."""
    points = (
        _mri(case, view),
        _prolactin(case),
        _active(case, "visual-field-defect", "ophthalmology"),
        _active(case, "hyperprolactinemia", "endocrinology"),
        chronic_opioid(case),
        chronic_glucocorticoid(case),
    )
    return tuple(point for point in points if point is not None)


def undiagnosed_low_lh(case: Case, view: AxisView) -> bool:
    """LH below its limit and nothing recorded that explains it."""
    return bool(view.untreated.lh_below) and not any(
        True for _ in case.with_concepts(EXPLAINS_LOW_LH)
    )


def _mri(case: Case, view: AxisView) -> Item | None:
    pair = view.untreated.samples.valid[:2]
    if len(pair) < 2 or every(s.span.below(case.protocol.gate.mri_t) for s in pair) is not True:
        return None
    if any(True for _ in case.with_concepts(frozenset({"pituitary-mri"}))):
        return None
    return Item("mri-missing", True, evidence_of_samples(pair, "fired"), refer="pituitary-mri")


def _prolactin(case: Case) -> Item | None:
    days = case.protocol.gate.prolactin_days
    withheld = case.withheld.get("prolactin")
    readings = [
        r for r in case.readings.get("prolactin", ()) if (case.today - r.drawn).days <= days
    ]
    if withheld is not None or not readings:
        return Item("prolactin-missing", False, orders=("prolactin",))
    newest = readings[-1]
    raised = _raised(case, newest)
    if raised is False:
        return None
    if raised is None:
        return Item("prolactin-unclear", False, (evidence_of(newest, "censored"),), ("prolactin",))
    earlier = next((r for r in reversed(readings) if r.drawn < newest.drawn), None)
    if earlier is None or _raised(case, earlier) is not True:
        return Item(
            "prolactin-once", True, (evidence_of(newest, "fired", ranged=True),), ("prolactin",)
        )
    if any(True for _ in case.with_concepts(frozenset({"endocrine-evaluation"}))):
        return None
    both = tuple(evidence_of(r, "fired", ranged=True) for r in (newest, earlier))
    return Item("prolactin-twice", True, both, refer="endocrinology")


def _raised(case: Case, reading: Reading) -> bool | None:
    limit = case.range_of(reading).high
    return None if limit is None else span_of(reading).above(limit)


def _active(case: Case, concept: str, specialty: str) -> Item | None:
    for problem in case.with_concepts(frozenset({concept})):
        if problem.active is not False:
            return Item(concept, True, (evidence_of_problem(problem, "blocks"),), refer=specialty)
    return None


def chronic_opioid(case: Case) -> Item | None:
    """An opioid taken for longer than the protocol's days, or long-term use on record."""
    return _chronic(case, "opioid", "opioid-use", case.protocol.gate.opioid_days)


def chronic_glucocorticoid(case: Case) -> Item | None:
    """A systemic glucocorticoid for longer than the protocol's days, or such use on record.

    With a recorded pituitary deficiency it replaces what is lacking and is no cause to settle.
    """
    if any(True for _ in case.with_concepts(_REPLACED)):
        return None
    days = case.protocol.gate.glucocorticoid_days
    return _chronic(case, "glucocorticoid", "glucocorticoid-use", days)


def _chronic(case: Case, drug_class: str, concept: str, days: int) -> Item | None:
    key = f"{drug_class}-chronic"
    for problem in case.with_concepts(frozenset({concept})):
        if problem.active is not False:
            return Item(key, True, (evidence_of_problem(problem, "blocks"),))
    for course in case.courses:
        if course.active and course.episode.drug_class == drug_class:
            start: date | None = course.episode.start
            # An unknown beginning is no short one.
            if start is None or (case.today - start).days > days:
                return Item(key, True, (evidence_of_course(course, "blocks"),))
    return None
