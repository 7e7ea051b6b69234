"""Calculated free and bioavailable testosterone after Vermeulen 1999 (clinical-evidence 2.1).

The thresholds of the rules are Vermeulen thresholds with these constants: another model, or the
same with another albumin mass, must not be mixed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal

from smartapp.knowledge.catalogue import Limits, Vermeulen
from smartapp.labs.derived import NotComputable
from smartapp.labs.reading import Reading
from smartapp.labs.units import SIX

_WIDE = Context(prec=34)
_NANO = Decimal("1e-9")


@dataclass(frozen=True, slots=True)
class FreeTestosterone:
    """All to six significant digits.

    free                  pmol/L; percent: as a part of the total, %
    bioavailable          ng/dL, free and albumin-bound; bioavailable_percent: of the total, %
    albumin               g/dL, as used
    measured_albumin      the result it is; None when the default stood in for it
    """

    free: Decimal
    percent: Decimal
    bioavailable: Decimal
    bioavailable_percent: Decimal
    albumin: Decimal
    measured_albumin: Reading | None = None


def free_testosterone(
    total: Decimal,
    drawn: date,
    shbg: Reading,
    albumin: Iterable[Reading],
    constants: Vermeulen,
) -> FreeTestosterone | NotComputable:
    """From a total testosterone (ng/dL; a draw or the mean of some) and results that go with it.

    Of the albumin results the one nearest to the day `drawn` is used, if measured within the days
    the knowledge allows; else the default, and `measured_albumin` is None. Refuses an SHBG of which
    only a limit is known (clinical-rules 2.4) and figures outside the guards. That the SHBG belongs
    to this draw is the caller's to know.
    """
    if shbg.censored:
        return NotComputable("SHBG was only reported as a limit")
    measured = _nearest(albumin, drawn, constants.albumin_max_days)
    result = vermeulen(total, shbg.value, measured.value if measured else None, constants)
    if isinstance(result, NotComputable):
        return result
    return replace(result, measured_albumin=measured)


def vermeulen(
    testosterone: Decimal, shbg: Decimal, albumin: Decimal | None, constants: Vermeulen
) -> FreeTestosterone | NotComputable:
    """From plain figures: total testosterone in ng/dL, SHBG in nmol/L, albumin in g/dL.

    Without an albumin the default one is used. Refuses testosterone of zero or less, and
    albumin or SHBG outside the guards of the model; an SHBG of exactly zero is legal.
    """
    if testosterone <= 0:
        return NotComputable("testosterone is zero")
    if shbg and not _within(shbg, constants.shbg_limits):
        return NotComputable("SHBG is outside the limits of the model")
    used = constants.default_albumin if albumin is None else albumin
    if not _within(used, constants.albumin_limits):
        return NotComputable("albumin is outside the limits of the model")
    mol = _Molar.of(testosterone, shbg, used, constants)
    free = mol.free(constants.k_shbg)
    bioavailable = _WIDE.multiply(mol.not_shbg, free)
    return FreeTestosterone(
        free=SIX.multiply(free, Decimal("1e12")),
        percent=SIX.multiply(_WIDE.divide(free, mol.total), Decimal(100)),
        bioavailable=SIX.multiply(bioavailable, mol.ng_dl),
        bioavailable_percent=SIX.multiply(_WIDE.divide(bioavailable, mol.total), Decimal(100)),
        albumin=used,
    )


@dataclass(frozen=True, slots=True)
class _Molar:
    """The same in mol/L. `not_shbg` is N = 1 + K·A; `ng_dl` leads from mol/L back to ng/dL."""

    total: Decimal
    shbg: Decimal
    not_shbg: Decimal
    ng_dl: Decimal

    @classmethod
    def of(cls, ng_dl: Decimal, shbg: Decimal, albumin: Decimal, k: Vermeulen) -> _Molar:
        # 1 mol/L of testosterone is molar mass g/L, and 1 g/L is 1e8 ng/dL.
        per_mol = _WIDE.multiply(k.testosterone_molar_mass, Decimal("1e8"))
        grams_per_litre = _WIDE.multiply(albumin, Decimal(10))
        bound = _WIDE.multiply(k.k_albumin, _WIDE.divide(grams_per_litre, k.albumin_molar_mass))
        return cls(
            total=_WIDE.divide(ng_dl, per_mol),
            shbg=_WIDE.multiply(shbg, _NANO),
            not_shbg=_WIDE.add(1, bound),
            ng_dl=per_mol,
        )

    def free(self, k_shbg: Decimal) -> Decimal:
        """The positive root of a·x² + b·x − T = 0, with a = N·K and b = N + K·(S − T)."""
        w = _WIDE
        a = w.multiply(self.not_shbg, k_shbg)
        b = w.add(self.not_shbg, w.multiply(k_shbg, w.subtract(self.shbg, self.total)))
        under = w.add(w.multiply(b, b), w.multiply(4, w.multiply(a, self.total)))
        return w.divide(w.subtract(w.sqrt(under), b), w.multiply(2, a))


def _nearest(albumin: Iterable[Reading], day: date, most: int) -> Reading | None:
    near = [
        (abs((reading.drawn - day).days), reading.reference, reading)
        for reading in albumin
        if not reading.censored and abs((reading.drawn - day).days) <= most
    ]
    return min(near, key=lambda entry: entry[:2])[2] if near else None


def _within(value: Decimal, limits: Limits) -> bool:
    return (limits.low is None or value >= limits.low) and (
        limits.high is None or value <= limits.high
    )
