"""Severe primary testicular failure (clinical rules 5, R-ELIG-STOP-01): recalibration is futile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.evidence import evidence_of_problem
from smartapp.engine.low_t import LowT
from smartapp.engine.samples import Samples, evidence_of, evidence_of_samples
from smartapp.engine.span import every, some, span_of, times
from smartapp.labs.reading import Reading
from smartapp.patient.record import Problem

Criterion = Literal["a", "b", "c", "d", "f"]

_ONE_SIDED = frozenset({"testes-absent", "orchiectomy"})
_BOTH_SIDES = frozenset({"testes-absent-both", "orchiectomy-both"})
_DYSGENESIS = frozenset({"xx-male", "gonadal-dysgenesis"})


@dataclass(frozen=True, slots=True)
class Severe:
    """Whether a criterion holds; None when none does and one could not be told.

    open_criteria     those not evaluable
    side_unknown      a code of 5a without side: for the specialist
    flat_test_normal  a flat hCG test with LH not raised: not used, for the specialist
    """

    holds: bool | None
    criterion: Criterion | None
    evidence: tuple[Evidence, ...] = ()
    open_criteria: tuple[Criterion, ...] = ()
    side_unknown: tuple[Evidence, ...] = ()
    flat_test_normal: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the criteria share, each True, False or not evaluable."""

    low: bool | None
    lh_high: bool | None
    lh_far: bool | None
    fsh_far: bool | None
    castrate: bool | None


def judge_severe(case: Case, samples: Samples, low: LowT, until: date | None = None) -> Severe:
    """The first criterion that holds, in the order a, b, c, d, f."""
    facts = _facts(case, samples, low)
    absent, side_unknown = _testes_absent(case, facts)
    labs = evidence_of_samples(samples.valid[:2], "testosterone") + tuple(
        evidence_of(h.reading, h.reading.analyte, ranged=True)
        for h in (samples.lh, samples.fsh)
        if h.reading is not None
    )
    if absent:
        return Severe(True, "a", absent)
    open_criteria: list[Criterion] = []
    hcg_test = _hcg_test(case, until)
    criteria: tuple[tuple[Criterion, bool | None, tuple[Evidence, ...]], ...] = (
        ("b", every((facts.low, facts.lh_far)), ()),
        ("c", *_small_testes(case, facts)),
        ("d", every((facts.low, facts.lh_high, hcg_test[0])), hcg_test[1]),
        ("f", *_dysgenesis(case, facts)),
    )
    for criterion, answer, evidence in criteria:
        if answer is True:
            return Severe(True, criterion, labs + evidence, side_unknown=side_unknown)
        if answer is None:
            open_criteria.append(criterion)
    flat = hcg_test[1] if hcg_test[0] and facts.lh_high is False else ()
    return Severe(
        None if open_criteria else False, None, (), tuple(open_criteria), side_unknown, flat
    )


def _facts(case: Case, samples: Samples, low: LowT) -> _Facts:
    rules = case.protocol.severe
    is_low = None if low.answer == "unknown" else low.answer == "low"
    lh, fsh = samples.lh, samples.fsh
    castrate: bool | None = None
    if len(samples.valid) >= 2:
        castrate = every(s.span.below(rules.castrate_t) for s in samples.valid[:2])
    return _Facts(
        is_low,
        _above(case, lh.reading, Decimal(1)),
        _above(case, lh.reading, rules.lh_multiple),
        _above(case, fsh.reading, rules.fsh_multiple),
        castrate,
    )


def _above(case: Case, reading: Reading | None, multiple: Decimal) -> bool | None:
    if reading is None:
        return None
    limit = times(case.range_of(reading).high, multiple)
    return None if limit is None else span_of(reading).above(limit)


def _testes_absent(case: Case, facts: _Facts) -> tuple[tuple[Evidence, ...], tuple[Evidence, ...]]:
    """5a: evidence that both testes are absent; and of a loss whose side is not told."""
    both = [_said(p) for p in case.with_concepts(_BOTH_SIDES) if p.laterality in (None, "both")]
    sided = list(case.with_concepts(_ONE_SIDED))
    both += [_said(p) for p in sided if p.laterality == "both"]
    by_side = {p.laterality: p for p in sided if p.laterality in ("left", "right")}
    if len(by_side) == 2:
        both += [_said(p) for p in by_side.values()]
    if both:
        return _once(both), ()
    untold = _once(_said(p) for p in sided if p.laterality is None)
    if untold and some((facts.castrate, facts.lh_far)):
        return untold, ()
    return (), untold


def _small_testes(case: Case, facts: _Facts) -> tuple[bool | None, tuple[Evidence, ...]]:
    """5c: low, LH above and FSH far above the limit, both testes small."""
    labs = every((facts.low, facts.lh_high, facts.fsh_far))
    if labs is not True:
        # Without the laboratory part the volumes decide nothing, unless a value is not to be told.
        return (False if labs is False else None), ()
    volumes = _newest_volumes(case)
    cut = case.protocol.severe.testis_volume
    small = tuple(evidence_of(r, "testis-volume") for r in volumes)
    if any(span_of(r).at_least(cut) for r in volumes):
        return False, ()
    if len(volumes) < 2:
        return None, ()
    return every(span_of(r).below(cut) for r in volumes), small


def _newest_volumes(case: Case) -> tuple[Reading, ...]:
    """The volumes of the newest day on which any was measured: one per testis."""
    readings = case.readings.get("testis-volume", ())
    return tuple(r for r in readings if r.drawn == readings[-1].drawn)


def _hcg_test(case: Case, until: date | None) -> tuple[bool | None, tuple[Evidence, ...]]:
    """5d: whether testosterone stayed flat 72-96 h after one dose of hCG; False without a test."""
    days, ratio = case.protocol.severe.hcg_days, case.protocol.severe.hcg_ratio
    after = [
        r
        for key in ("testosterone-hcg-72h", "testosterone-hcg-96h")
        if (r := _last(case, key, until)) is not None
    ]
    if not after:
        return False, ()
    newest = max(r.drawn for r in after)
    before = next(
        (
            r
            for r in reversed(case.readings.get("testosterone-hcg-pre", ()))
            if 0 < (newest - r.drawn).days <= days
        ),
        None,
    )
    if before is None:
        return False, ()
    after = [r for r in after if r.drawn > before.drawn]
    evidence = tuple(evidence_of(r, "hcg-test") for r in (before, *after))
    if before.censored:
        return None, evidence
    limit = times(before.value, ratio)
    if limit is None:
        return None, evidence
    return every(span_of(r).below(limit) for r in after), evidence


def _last(case: Case, analyte: str, until: date | None) -> Reading | None:
    for reading in reversed(case.readings.get(analyte, ())):
        if until is None or reading.drawn <= until:
            return reading
    return None


def _dysgenesis(case: Case, facts: _Facts) -> tuple[bool | None, tuple[Evidence, ...]]:
    """5f: dysgenesis or XX male with low T and raised LH; or castrate values with raised LH."""
    named = _once(_said(p) for p in case.with_concepts(_DYSGENESIS))
    castrate = every((facts.castrate, facts.lh_high)) if facts.castrate else False
    if not named:
        return castrate, ()
    return some((every((facts.low, facts.lh_high)), castrate)), named


def _said(problem: Problem) -> Evidence:
    return evidence_of_problem(problem, "diagnosis")


def _once(items: Iterator[Evidence] | list[Evidence]) -> tuple[Evidence, ...]:
    return tuple({e.reference: e for e in items}.values())
