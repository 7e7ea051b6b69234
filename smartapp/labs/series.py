"""From single results to series: order, duplicates of one draw, and values in doubt."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from smartapp.knowledge.catalogue import Analyte, Catalogue, SuspectUnit, Unit
from smartapp.labs.reading import LabRecord, Reading, Series, Unused

# Laboratories print one draw in both units, the SI figure with three digits (half a percent at
# worst) and with molar masses that differ in the fourth.
_ROUNDING = Decimal("0.006")
_MASS_AND_MOLES = {"mass", "molar"}
_CORRECTIONS = frozenset({"corrected", "amended"})


class Taken(Struct, frozen=True, gc=False):
    """A result that was read, with the unit it came in and a time to order it by."""

    reading: Reading
    unit: Unit
    moment: datetime


def build_series(
    taken: Iterable[Taken], unused: list[Unused], catalogue: Catalogue, latest: datetime | None
) -> LabRecord:
    """Series oldest first, one for each analyte that was seen, usable or not."""
    by_analyte: dict[str, list[Taken]] = {}
    for one in taken:
        by_analyte.setdefault(one.reading.analyte, []).append(one)
    for key, rows in by_analyte.items():
        if len(rows) > 1:
            by_analyte[key] = _one_per_draw(rows, unused)
    for key, rows in by_analyte.items():
        suspect = catalogue.analytes[key].suspect_unit
        if suspect is not None:
            by_analyte[key] = _without_suspects(rows, suspect, by_analyte, unused, catalogue)
    unused.sort(key=lambda u: (u.reference, u.analyte or "", u.reason, u.original or ""))
    doubtful: dict[str, list[Unused]] = {}
    for refused in unused:
        if refused.analyte is not None:
            doubtful.setdefault(refused.analyte, []).append(refused)
    series = {
        key: Series(
            key,
            tuple(one.reading for one in by_analyte.get(key, ())),
            tuple(doubtful.get(key, ())),
        )
        for key in sorted(by_analyte.keys() | doubtful.keys())
    }
    return LabRecord(series, tuple(unused), latest)


def _one_per_draw(rows: list[Taken], unused: list[Unused]) -> list[Taken]:
    """In order of draw; of results that tell the same draw twice, only one."""
    rows.sort(key=_moment)
    kept: list[Taken] = []
    start = 0
    while start < len(rows):
        end = start + 1
        while end < len(rows) and rows[end].moment == rows[start].moment:
            end += 1
        if end == start + 1:
            kept.append(rows[start])
        else:
            kept.extend(_distinct(rows[start:end], unused))
        start = end
    return kept


def _moment(one: Taken) -> datetime:
    return one.moment


def _distinct(draw: list[Taken], unused: list[Unused]) -> list[Taken]:
    """The results of one draw that tell different things.

    What tells the same as a result that was replaced is replaced with it: a laboratory that prints
    both units corrects both.
    """
    kept: list[Taken] = []
    told: list[tuple[Taken, Taken]] = []
    for one in sorted(draw, key=_precedence):
        speaker = next((k for seen, k in told if _tells_the_same(seen, one)), None)
        told.append((one, speaker or one))
        if speaker is None:
            kept.append(one)
        elif speaker.reading.reference != one.reading.reference:
            unused.append(_duplicate(one.reading, speaker.reading))
    return kept


def _precedence(one: Taken) -> tuple[bool, bool, str, str]:
    """Of one draw, the correction stands first, then the figure nearest to what was measured."""
    reading = one.reading
    return (
        reading.status not in _CORRECTIONS,
        "unit-over-code" in reading.flags,
        one.unit.kind,  # "mass" sorts before "molar": the SI figure is the rounded one
        f"{reading.reference} {reading.original}",
    )


def _tells_the_same(first: Taken, second: Taken) -> bool:
    a, b = first.reading, second.reading
    if type(a.effective) is not type(b.effective) or a.comparator != b.comparator:
        return False
    if a.site != b.site:  # two testes of the same volume are two results
        return False
    if a.value == b.value:
        return True
    if a.loinc == b.loinc and a.status in _CORRECTIONS and b.status not in _CORRECTIONS:
        return True
    if {first.unit.kind, second.unit.kind} != _MASS_AND_MOLES or a.method != b.method:
        return False
    return abs(a.value - b.value) <= _ROUNDING * max(abs(a.value), abs(b.value))


def _duplicate(dropped: Reading, kept: Reading) -> Unused:
    corrected = kept.status in _CORRECTIONS and dropped.value != kept.value
    reason = (
        f"replaced by the {kept.status} result {kept.reference}"
        if corrected
        else f"the same draw as {kept.reference}"
    )
    return Unused(
        dropped.reference,
        reason,
        analyte=dropped.analyte,
        effective=dropped.effective,
        recorded=dropped.recorded,
        original=dropped.original,
        void=True,
    )


def _without_suspects(
    rows: list[Taken],
    suspect: SuspectUnit,
    by_analyte: dict[str, list[Taken]],
    unused: list[Unused],
    catalogue: Catalogue,
) -> list[Taken]:
    """`rows` without those that were probably sent under the wrong unit (clinical-rules 2.5)."""
    witness = catalogue.analytes[suspect.unless_high]
    witnesses = [one.reading for one in by_analyte.get(suspect.unless_high, ())]
    kept: list[Taken] = []
    for one in rows:
        if _is_suspect(one, suspect, witnesses, witness):
            unused.append(_suspected(one.reading, catalogue.analytes[one.reading.analyte], witness))
        else:
            kept.append(one)
    return kept


def _is_suspect(
    one: Taken, suspect: SuspectUnit, witnesses: list[Reading], witness: Analyte
) -> bool:
    reading = one.reading
    if one.unit.spelling != suspect.unit or reading.censored:
        return False
    if not suspect.low <= reading.value <= suspect.high:
        return False
    near = [
        (abs((other.drawn - reading.drawn).days), other.reference, other)
        for other in witnesses
        if abs((other.drawn - reading.drawn).days) <= suspect.within_days
    ]
    if not near:
        return False
    other = min(near, key=lambda entry: entry[:2])[2]
    range_ = other.range
    limit = range_.high if range_ is not None else witness.default_range.high
    return limit is not None and other.high is not None and other.high <= limit


def _suspected(reading: Reading, analyte: Analyte, witness: Analyte) -> Unused:
    return Unused(
        reading.reference,
        f"{analyte.name}: {reading.original} with {witness.short} not above its limit is probably "
        "another unit under a wrong label; not used until the laboratory confirms the unit",
        analyte=analyte.key,
        effective=reading.effective,
        recorded=reading.recorded,
        original=reading.original,
        flag="suspect-unit",
    )
