"""Free and bioavailable testosterone: calculated, and beside it what was measured (evidence 2.1).

The cuts are cuts of calculated values: a measured one decides nothing. Where the two can be
compared, a disagreement is said.
"""

from __future__ import annotations

from decimal import Decimal

from smartapp.engine.assessment import Evidence
from smartapp.engine.case import Case
from smartapp.engine.samples import Sample, Samples, evidence_of
from smartapp.engine.span import mean, show, span_of, tenth
from smartapp.labs.free_testosterone import FreeTestosterone, free_testosterone
from smartapp.labs.reading import Reading

_FREE, _BIOAVAILABLE = "free-testosterone", "bioavailable-testosterone"
_PERCENT = "bioavailable-testosterone-percent"
# The one measurement of free testosterone that is comparable; others read something else.
_ACCEPTED = "dialysis"
_HUNDRED = Decimal(100)


def calculate(case: Case, samples: Samples, used: tuple[Sample, ...]) -> FreeTestosterone | None:
    """From the mean of the samples `used`; None if an input lacks or is a limit."""
    total, shbg = mean(tuple(s.span for s in used)).value, samples.shbg.reading
    constants = case.knowledge.catalogue.vermeulen
    if total is None or shbg is None or constants is None:
        return None
    albumin = case.readings.get("albumin", ())
    result = free_testosterone(total, used[0].drawn, shbg, albumin, constants)
    return result if isinstance(result, FreeTestosterone) else None


def free_t_cut(case: Case) -> Decimal:
    """The profile's cut, or the laboratory's accepted lower limit where the profile says so."""
    rules = case.protocol.low_t
    if rules.free_t_lab_limit:
        reading = case.newest(_FREE, case.protocol.samples.window)
        used = reading.range if reading is not None else None
        if used is not None and used.source == "laboratory" and used.low is not None:
            return used.low
    return rules.free_t_cut


def free_evidence(
    case: Case, samples: Samples, used: tuple[Sample, ...], calculated: FreeTestosterone
) -> tuple[Evidence, ...]:
    """What it was calculated with, the figures, and what was measured in the same draws."""
    shbg, albumin = samples.shbg.reading, calculated.measured_albumin
    draw, default = used[0].readings[0], albumin is None
    return (
        *(() if shbg is None else (evidence_of(shbg, _FREE, ranged=True),)),
        *(() if albumin is None else (evidence_of(albumin, _FREE),)),
        _calculated(case, draw, _FREE, calculated.free, default=default),
        _calculated(case, draw, _BIOAVAILABLE, calculated.bioavailable, default=default),
        *_measured(case, used, calculated),
    )


def _calculated(
    case: Case, draw: Reading, analyte: str, value: Decimal, *, default: bool
) -> Evidence:
    """A figure named as calculated, with what stood for albumin."""
    key = "free-t-default-albumin" if default else "free-t-calculated"
    return Evidence(
        draw.reference,
        analyte,
        Decimal(tenth(value)),
        case.knowledge.catalogue.analytes[analyte].unit,
        None,
        draw.effective,
        "calculated",
        case.knowledge.wording.say("evidence", key),
    )


def _measured(
    case: Case, used: tuple[Sample, ...], calculated: FreeTestosterone
) -> tuple[Evidence, ...]:
    days = {sample.drawn for sample in used}
    own = {
        _FREE: calculated.free,
        _BIOAVAILABLE: calculated.bioavailable,
        _PERCENT: calculated.bioavailable_percent,
    }
    return tuple(
        _beside(case, reading, value)
        for analyte, value in own.items()
        for reading in case.readings.get(analyte, ())
        if reading.drawn in days
    )


def _beside(case: Case, reading: Reading, own: Decimal) -> Evidence:
    """A measured figure, with the one calculated here and whether the two agree."""
    constants = case.knowledge.catalogue.vermeulen
    apart = Decimal(0) if constants is None else constants.measured_apart
    if reading.method == "calculated":
        key = "calculated-elsewhere"
    elif reading.analyte == _FREE:
        key = _free_beside(case, reading, own)
    else:
        key = "bioavailable-disagrees" if _far(reading, own, apart) else "bioavailable-agrees"
    words = {"calculated": tenth(own), "unit": reading.unit, "percent": show(apart)}
    return evidence_of(reading, "compared", case.knowledge.wording.say("evidence", key, words))


def _free_beside(case: Case, reading: Reading, own: Decimal) -> str:
    if reading.method != _ACCEPTED:
        return "free-t-shown"
    cut = free_t_cut(case)
    agrees = span_of(reading).below(cut) is (own < cut)
    return "free-t-agrees" if agrees else "free-t-disagrees"


def _far(reading: Reading, own: Decimal, apart: Decimal) -> bool:
    """Whether it lies more than `apart` per cent from the calculated one.

    A limit ("< 40") is as far away as it must be at least.
    """
    room = own * apart / _HUNDRED
    low, high = reading.low, reading.high
    return (low is not None and low - own > room) or (high is not None and own - high > room)
