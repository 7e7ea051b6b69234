"""What was handed over and what was given: dispenses and administrations as dated records."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from smartapp.errors import InputError
from smartapp.fhir.dates import parse
from smartapp.fhir.numbers import to_decimal
from smartapp.fhir.resources import (
    Dosage,
    DoseAndRate,
    MedicationAdministration,
    MedicationDispense,
    Quantity,
)
from smartapp.knowledge.catalogue import Drug
from smartapp.labs.reading import Unused
from smartapp.patient.days import first_day, last_day
from smartapp.patient.doses import amount_of, read_dose
from smartapp.patient.record import Dose, Taking
from smartapp.patient.taking import Shelf, drug_of

_NO_DISPENSE = {
    "cancelled": "the dispense was cancelled",
    "declined": "the dispense was declined",
    "entered-in-error": "marked as entered in error",
    "preparation": "in preparation, not handed over yet",
}
_NOT_GIVEN = {
    "not-done": "recorded as not given",
    "on-hold": "on hold, not given yet",
    "entered-in-error": "marked as entered in error",
}
_DAYS = {"": 1, "d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}
# Nobody is handed a drug for longer: such a figure is a slip of the pen.
_MOST_DAYS = Decimal(1000)


def read_dispense(row: MedicationDispense, shelf: Shelf) -> Taking | Unused | None:
    """What a dispense says: since when the drug was in his hands, and until when it lasts.

    Where no days of supply are stated, they follow from the amount handed over and the daily dose,
    if both are told in one unit; else the end stays unknown. Unused when it is ours and nothing was
    handed over; None when it is not ours.
    """
    reference = f"MedicationDispense/{row.id}" if row.id else "MedicationDispense without id"
    named = drug_of(row, reference, shelf)
    if named is None or isinstance(named, Unused):
        return named
    drug, name = named
    status = (row.status or "").strip().lower()
    handed = first_day(row.whenHandedOver, shelf.local)
    if handed is None and status == "completed":
        handed = first_day(row.whenPrepared, shelf.local)
    reason = _NO_DISPENSE.get(status)
    if reason is None and handed is None:
        reason = "no day on which it was handed over"
    if reason or handed is None:
        return Unused(reference, f"{name}: {reason}", effective=handed)
    dose = read_dose(row.dosageInstruction, shelf.index.drug(drug.agent), name)
    days = _days(row.daysSupply) or _days_of(row.quantity, dose, name)
    return Taking(
        drug=drug,
        label=name,
        references=(reference,),
        start=handed,
        stop=_after(handed, days) if days else None,
        state="uncertain",
        dose=dose,
        recorded=handed,
        known=handed,
        kind="supply",
    )


def read_administration(row: MedicationAdministration, shelf: Shelf) -> Taking | Unused | None:
    """What an administration says: a dose was given on that day.

    Unused when it is ours and was not given, or nobody wrote down when; None when it is not ours.
    """
    reference = (
        f"MedicationAdministration/{row.id}" if row.id else "MedicationAdministration without id"
    )
    named = drug_of(row, reference, shelf)
    if named is None or isinstance(named, Unused):
        return named
    drug, name = named
    period = row.effectivePeriod
    start = first_day(row.effectiveDateTime or (period.start if period else None), shelf.local)
    end = last_day(period.end, shelf.local) if period else None
    start = start or end
    reason = _NOT_GIVEN.get((row.status or "").strip().lower())
    if reason is None and start is None:
        reason = "no day on which it was given"
    if reason or start is None:
        return Unused(reference, f"{name}: {reason}", effective=start)
    end = end if end is not None and end >= start else None
    return Taking(
        drug=drug,
        label=name,
        references=(reference,),
        start=start,
        stop=end or start,
        state="uncertain",
        dose=_given(row, shelf.index.drug(drug.agent), name),
        recorded=start,
        known=start,
        kind="given",
        ends=(end,) if end else (),
        at=_moment(row.effectiveDateTime),
    )


def _moment(text: str | None) -> datetime | None:
    """A moment told with its offset; None where only the day is."""
    if text is None:
        return None
    try:
        when = parse(text)
    except InputError:
        return None
    return when if isinstance(when, datetime) and when.tzinfo is not None else None


def _given(row: MedicationAdministration, drug: Drug, name: str) -> Dose | None:
    told = row.dosage
    if told is None:
        return None
    amount = [DoseAndRate(doseQuantity=told.dose)] if told.dose else None
    return read_dose([Dosage(text=told.text, doseAndRate=amount)], drug, name)


def _days(quantity: Quantity | None) -> Decimal | None:
    """The days of supply stated; None when none are, or no such number of days can be meant."""
    if quantity is None:
        return None
    try:
        number = to_decimal(quantity.value)
    except InputError:
        return None
    factor = _DAYS.get((quantity.code or quantity.unit or "").strip().lower())
    if number is None or factor is None or quantity.comparator:
        return None
    days = number.value * factor
    return days if 0 < days <= _MOST_DAYS else None


def _days_of(quantity: Quantity | None, dose: Dose | None, product: str) -> Decimal | None:
    """How long the amount handed over lasts at the daily dose."""
    if quantity is None or dose is None or not dose.per_day:
        return None
    amount = amount_of(quantity, product)
    if amount is None or amount.unit != dose.unit:
        return None
    days = amount.value / dose.per_day
    return days if 1 <= days <= _MOST_DAYS else None


def _after(day: date, days: Decimal) -> date:
    return day + timedelta(days=int(days))
