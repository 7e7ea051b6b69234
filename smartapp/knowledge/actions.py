"""The numbers of the action table (clinical rules 9, evidence base 4.4), one class a section."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class EstradiolRules:
    """pg/mL; `ratio` is testosterone (ng/dL) over estradiol (pg/mL); `window` in days."""

    limit: Decimal
    high: Decimal
    very_high: Decimal
    low: Decimal
    ratio: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class PsaRules:
    """ng/mL; days; a result under a 5-alpha-reductase inhibitor counts `inhibitor_factor` times."""

    limit: Decimal
    rise: Decimal
    rise_days: int
    very_high: Decimal
    confirm_min: int
    confirm_max: int
    baseline_days: int
    inhibitor_factor: Decimal
    inhibitor_days: int
    window: int


@dataclass(frozen=True, slots=True)
class LiverRules:
    """Multiples of the upper limit of normal; days."""

    enzyme_raised: Decimal
    enzyme_high: Decimal
    enzyme_stop: Decimal
    bilirubin: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class LipidRules:
    """Triglycerides in mg/dL; days."""

    raised: Decimal
    high: Decimal
    stop: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class SemenRules:
    """Million per mL, million, per cent; `fall` is the fraction of the baseline that is left."""

    concentration: Decimal
    total: Decimal
    motile: Decimal
    progressive: Decimal
    morphology: Decimal
    warning: Decimal
    fall: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class BoneRules:
    """Standard deviations below the young mean; days."""

    t_score: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class MoodRules:
    """PHQ-9 points; `item` is an answer to the item on self-harm; days."""

    watch: Decimal
    high: Decimal
    rise: Decimal
    item: Decimal
    window: int


@dataclass(frozen=True, slots=True)
class FluidRules:
    """mmHg, kg, days."""

    systolic: Decimal
    diastolic: Decimal
    pressure_days: int
    weight: Decimal
    weight_days: int
    weight_window: int
