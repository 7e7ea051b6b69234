"""The ratio of testosterone to estradiol, in the units of the studies: ng/dL over pg/mL."""

from __future__ import annotations

from decimal import Decimal

from smartapp.labs.derived import NotComputable
from smartapp.labs.reading import Reading
from smartapp.labs.units import SIX


def testosterone_to_estradiol(testosterone: Reading, estradiol: Reading) -> Decimal | NotComputable:
    """T (ng/dL) / E2 (pg/mL), six significant digits (clinical-evidence 4.4, A-TE).

    Refuses a censored value (clinical-rules 2.4), two draws of different dates, and an estradiol
    of zero.
    """
    if testosterone.censored or estradiol.censored:
        return NotComputable("one of the two was only reported as a limit")
    if testosterone.drawn != estradiol.drawn:
        return NotComputable("testosterone and estradiol were drawn on different days")
    if not estradiol.value:
        return NotComputable("estradiol is zero")
    return SIX.divide(testosterone.value, estradiol.value)
