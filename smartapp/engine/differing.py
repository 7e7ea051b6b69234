"""Values of one date that disagree: the worse one acts, and both are told.

Two samples of testosterone are judged by their mean (clinical rules 2.2), for it is a level that is
asked for. Where a rule stops or warns, a mean would hide the very value that it is there for.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby, pairwise
from operator import attrgetter

from msgspec.structs import replace

from smartapp.knowledge.catalogue import Worse
from smartapp.labs.reading import Reading

_LEAST, _MOST = Decimal("-Infinity"), Decimal("Infinity")
_drawn = attrgetter("drawn")

Differing = tuple[Reading, ...]


def one_a_date(
    readings: tuple[Reading, ...], worse: Worse
) -> tuple[tuple[Reading, ...], tuple[Differing, ...]]:
    """Of each date the worst of its readings; and of each date that disagrees all, worst first.

    `readings` are one analyte's, oldest first. A limit that was printed may hide something still
    worse: then the reading reaches as far (its `low`, `high`), and rules are left open there.
    """
    if all(one.drawn != other.drawn for one, other in pairwise(readings)):
        return readings, ()
    kept: list[Reading] = []
    apart: list[Differing] = []
    for _, day in groupby(readings, _drawn):
        ranked = _ranked(day, worse)
        worst = _reaching(ranked, worse)
        kept.append(worst)
        # One value may be behind them all, as behind "< 15" and 12: then they do not disagree.
        if max(map(_low, ranked)) > min(map(_high, ranked)):
            apart.append((worst, *ranked[1:]))
    return tuple(kept), tuple(apart)


def _ranked(day: Iterable[Reading], worse: Worse) -> Differing:
    """Each value once, first the one that is surely the worst."""
    once = {(r.value, r.comparator): r for r in sorted(day, key=attrgetter("reference"))}
    if worse == "high":
        return tuple(sorted(once.values(), key=lambda r: (_low(r), _high(r)), reverse=True))
    return tuple(sorted(once.values(), key=lambda r: (_high(r), _low(r))))


def _reaching(ranked: Differing, worse: Worse) -> Reading:
    """The worst, as far as any of them may reach."""
    if worse == "high":
        far = max(map(_high, ranked))
        return replace(ranked[0], high=None if far == _MOST else far)
    far = min(map(_low, ranked))
    return replace(ranked[0], low=None if far == _LEAST else far)


def _low(reading: Reading) -> Decimal:
    return _LEAST if reading.low is None else reading.low


def _high(reading: Reading) -> Decimal:
    return _MOST if reading.high is None else reading.high
