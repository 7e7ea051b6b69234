"""Local days of a record: the calendar the patient lived them in."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from smartapp.errors import InputError
from smartapp.fhir.dates import Partial, parse

_NO_OFFSET = timedelta(0)
_NEVER = 9999


def zone(name: str | None) -> tzinfo | None:
    """The time zone of that name. Refuses (InputError) a name that no zone has."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InputError("the time zone is not one that the zone database knows") from None


def read_day(text: str | None, local: tzinfo | None) -> date | Partial | None:
    """The local day that `text` names, as precise as it is; None when it names none.

    An offset other than zero is the patient's own. A time in UTC is moved to `local` when that is
    known. Unreadable text is an unknown day, never an error: the record stays.
    """
    if not text:
        return None
    try:
        when = parse(text)
    except InputError:
        return None
    if not isinstance(when, datetime):
        return when
    if local is not None and when.utcoffset() == _NO_OFFSET:
        with suppress(OverflowError):  # the first and last year there are
            return when.astimezone(local).date()
    return when.date()


def first_day(text: str | None, local: tzinfo | None) -> date | None:
    """Like `read_day`; a year or a month means its first day."""
    day = read_day(text, local)
    return day.first if isinstance(day, Partial) else day


def last_day(text: str | None, local: tzinfo | None) -> date | None:
    """Like `read_day`; a year or a month means its last day, and the year 9999 means no end."""
    day = read_day(text, local)
    day = day.last if isinstance(day, Partial) else day
    return None if day is not None and day.year == _NEVER else day


def onset_day(text: str | None, recorded: date | None, local: tzinfo | None) -> date | None:
    """The day something began. A year or month within which it was recorded means that day:
    the newest it can be, because a recent onset is the one that must not be missed."""
    day = read_day(text, local)
    if isinstance(day, Partial):
        inside = recorded is not None and day.first <= recorded <= day.last
        return recorded if inside else day.first
    return day
