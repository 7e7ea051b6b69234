"""The baseline a recalibration drug needs before it is begun (clinical rules 10)."""

from __future__ import annotations

from datetime import date

from smartapp.engine.axis import AxisView
from smartapp.engine.case import Case

_ALWAYS = ("lh", "fsh", "prolactin", "hematocrit")
# ALT or AST will do; asked for as ALT.
_LIVER = ("alt", "ast")


def lacking(case: Case, view: AxisView, agent: str, begun: date | None = None) -> tuple[str, ...]:
    """Analytes of the required baseline that were not measured in time, in a fixed order.

    In time: within the protocol's days before today, or before `begun` when the drug is taken
    already. Testosterone is lacking while fewer than two valid samples are there.
    """
    drug = case.knowledge.catalogue.drugs[agent]
    until = begun or case.today
    missing = [] if _two_samples(case, view, until) else ["testosterone"]
    missing += [key for key in _ALWAYS if not _measured(case, key, until)]
    if drug.drug_class == "serm" and not any(_measured(case, key, until) for key in _LIVER):
        missing.append(_LIVER[0])
    age = case.record.demographics.age(until)
    if (age is None or age >= case.protocol.orders.psa_age) and not _measured(case, "psa", until):
        missing.append("psa")
    if drug.drug_class == "aromatase-inhibitor" and not _measured(case, "estradiol", until):
        missing.append("estradiol")
    if case.wishes.fertility == "yes" and not _measured(case, "sperm-concentration", until):
        missing.append("sperm-concentration")
    return tuple(missing)


def _two_samples(case: Case, view: AxisView, until: date) -> bool:
    days = case.protocol.orders.baseline_days
    valid = view.untreated.samples.valid
    return sum(1 for s in valid if (until - s.drawn).days <= days and s.drawn <= until) >= 2


def _measured(case: Case, analyte: str, until: date) -> bool:
    days = case.protocol.orders.baseline_days
    return any(
        r.drawn <= until and (until - r.drawn).days <= days
        for r in reversed(case.readings.get(analyte, ()))
    )
