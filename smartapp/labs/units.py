"""Which unit a number is in, and what it is in the canonical one. Exact: Decimal throughout."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal

from smartapp.knowledge.catalogue import Analyte, Unit
from smartapp.knowledge.spelling import level_unit
from smartapp.labs.refusal import Refusal

# Values and cuts are compared at six significant digits, half even (clinical-rules 3).
SIX = Context(prec=6, rounding=ROUND_HALF_EVEN)


def find_unit(analyte: Analyte, spelling: str) -> Unit | None:
    """The unit of `analyte` that `spelling` means, or None."""
    return analyte.units.get(spelling) or analyte.units.get(level_unit(spelling))


def choose_unit(
    analyte: Analyte, code: str | None, text: str | None, assumed: str | None = None
) -> Unit | Refusal:
    """The unit of a quantity from its code and its unit text, else what the site says it is.

    The code speaks first. Where code and text are both known and differ in size, nothing is
    guessed. A missing unit is a refusal unless the site's map gives one (`assumed`).
    """
    by_code = find_unit(analyte, code) if code else None
    by_text = find_unit(analyte, text) if text and text != code else by_code
    unit = by_code or by_text
    if unit is None:
        return _no_unit(analyte, code or text, assumed)
    if by_text is not None and by_text is not unit and by_text.factor != unit.factor:
        return Refusal(
            f"its unit code says {code:.40}, its unit text {text:.40}: neither is believed",
            "unit-conflict",
        )
    if by_text is None and text and level_unit(text) in analyte.refused_units:
        return Refusal(analyte.refused_reason, "unknown-unit")
    return unit


def convert(value: Decimal, unit: Unit) -> Decimal:
    """`value` in the analyte's canonical unit, six significant digits, rounded once, half even."""
    if unit.offset:
        return SIX.fma(value, unit.factor, unit.offset)
    return SIX.multiply(value, unit.factor)


def _no_unit(analyte: Analyte, sent: str | None, assumed: str | None) -> Unit | Refusal:
    if sent:
        if level_unit(sent) in analyte.refused_units:
            return Refusal(analyte.refused_reason, "unknown-unit")
        return Refusal(
            f"its unit, {sent!r:.40}, is none that {analyte.name} can be converted from",
            "unknown-unit",
        )
    unit = find_unit(analyte, assumed) if assumed else None
    if unit is None:
        return Refusal("it came without a unit; none is assumed", "no-unit")
    return unit
