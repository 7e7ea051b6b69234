"""Change against noise: a sample against an earlier one of the same man (evidence base 6.4, 6.5).

A change is real only beyond the reference change value of the analyte. Where the method or the
laboratory changed in between, the series is broken and a difference tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case, days_before
from smartapp.engine.course import disturbing
from smartapp.engine.samples import Sample, evidence_of_samples, sample_of
from smartapp.engine.span import SIX_DIGITS
from smartapp.labs.reading import Reading

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Change:
    """From `baseline` to `newest`, both of one analyte.

    percent   difference / baseline, in per cent; None where one of the two is only a limit
    up, down  whether it rose or fell by at least the reference change value; None: cannot be told
    broken    method or laboratory differ, so that nothing can be told
    """

    newest: Sample
    baseline: Sample
    percent: Decimal | None
    up: bool | None
    down: bool | None
    broken: bool

    def evidence(self) -> tuple[Evidence, ...]:
        return evidence_of_samples((self.newest,), "fired") + evidence_of_samples(
            (self.baseline,), "baseline"
        )


def change_of(case: Case, newest: Sample, baseline: Sample) -> Change:
    """The change of an analyte that [variation] of the protocol knows."""
    analyte = newest.readings[0].analyte.replace("-", "_")
    variation = case.protocol.variation
    up, down = getattr(variation, f"{analyte}_up"), getattr(variation, f"{analyte}_down")
    broken = any(_apart(a, b) for a in newest.readings for b in baseline.readings)
    percent = percent_of(newest, baseline)
    if broken or percent is None:
        return Change(newest, baseline, percent, None, None, broken)
    return Change(newest, baseline, percent, percent >= up, percent <= -down, broken)


def percent_of(newest: Sample, baseline: Sample) -> Decimal | None:
    """difference / baseline in per cent, to six digits."""
    now, before = newest.span.value, baseline.span.value
    if now is None or before is None or before <= 0:
        return None
    return SIX_DIGITS.divide(SIX_DIGITS.multiply(now - before, _HUNDRED), before)


def own_baseline(case: Case, analyte: str, begun: date) -> Sample | None:
    """The man's own value before a treatment: the last one off every axis drug, in time.

    A testosterone counts only from the morning. None when there is none within the window of
    valid samples.
    """
    first = days_before(begun, case.protocol.samples.window)
    day: list[Reading] = []
    for reading in reversed(case.readings.get(analyte, ())):
        if reading.drawn > begun:
            continue
        if reading.drawn < first or (day and reading.drawn != day[0].drawn):
            break
        if analyte == "testosterone" and reading.clock != "morning":
            continue
        if disturbing(case.courses, reading.drawn) is None:
            day.append(reading)
    return sample_of(day[0].drawn, day) if day else None


def _apart(one: Reading, other: Reading) -> bool:
    """Whether two results certainly come from different methods or laboratories."""
    return _differ(one.method, other.method) or _differ(one.performer, other.performer)


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other
