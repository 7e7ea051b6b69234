"""The record as it was on an earlier day, as far as several rows speak for each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from smartapp.labs.reading import Unused
from smartapp.patient.record import PatientRecord


def with_labs_as_of(record: PatientRecord, moment: datetime) -> PatientRecord:
    """The record with its laboratory results as they were to be read at `moment` (aware).

    The record itself when no result is later. All else in it is cut row by row by the engine.
    """
    if record.labs is None:
        return record
    now, known = record.labs.now, record.labs.as_of(moment)
    if known is now:
        return record
    others = set(record.unused).difference(now.unused)
    return replace(record, series=known.series, unused=in_order({*others, *known.unused}))


def in_order(unused: Iterable[Unused]) -> tuple[Unused, ...]:
    """Rows not used, in an order that does not depend on how they came."""
    return tuple(sorted(unused, key=_place))


def _place(row: Unused) -> tuple[str, str, str]:
    return row.reference, row.reason, row.analyte or ""
