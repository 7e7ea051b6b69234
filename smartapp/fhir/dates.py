"""Dates of incoming FHIR, read leniently and kept as precise as they were sent.

What a date lacks is never filled in: no time stays a `date`, no zone stays a naive `datetime`, no
day stays a `Partial`. The offset of a zone is kept as sent, because it is the patient's clock.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from smartapp.errors import InputError

# EHRs send minutes without seconds, a blank for the T, offsets without colon, and no zone at all.
_SHAPE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[Tt ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r" ?(?P<zone>[Zz]|(?P<sign>[+-])(?P<zh>\d\d):?(?P<zm>\d\d)?)?)?)?)?",
    re.ASCII,
).fullmatch
_LONGEST = 64
_WIDEST_OFFSET = timedelta(hours=14)


@dataclass(frozen=True, slots=True)
class Partial:
    """A date that names only a year, or a year and a month."""

    year: int
    month: int | None = None

    @property
    def first(self) -> date:
        """The earliest day it can mean."""
        return date(self.year, self.month or 1, 1)

    @property
    def last(self) -> date:
        """The latest day it can mean."""
        month = self.month or 12
        return date(self.year, month, monthrange(self.year, month)[1])


When = datetime | date | Partial


def parse(text: str) -> When:
    """A FHIR date, dateTime or instant: aware or naive `datetime`, `date`, or `Partial`.

    Also reads minutes without seconds, a blank for the T, "+0200", a comma before the fraction,
    and a leap second (as :59). Refuses (InputError, one sentence without the content) anything
    else: words, days that do not exist, 24:00, offsets beyond 14 hours, and the years before 1000
    and from 3000 that programs write for "never" (0001, 9999), so that what comes back can be
    added to and moved between zones without overflow.
    """
    # The spellings nearly every server sends. The guards are there because fromisoformat takes more
    # than FHIR does: week dates, hours alone, offsets of 23:75 and, in newer Pythons, 24:00.
    length = len(text)
    if length >= 10 and text[4] == text[7] == "-" and "1000" <= text[:4] < "3000":
        try:
            if length == 10:
                return date.fromisoformat(text)
            if text[10] == "T" and text[13:14] == ":" and text[11:13] < "24":
                if text[-1] == "Z" and length <= _LONGEST:
                    return datetime.fromisoformat(text)
                if length == 25 and text[20:22] < "14" and text[23:] < "60":
                    return datetime.fromisoformat(text)
        except ValueError:
            pass
    return _slow(text)


def _slow(text: str) -> When:
    match = _SHAPE(text.strip()) if len(text) <= _LONGEST else None
    if match is None:
        raise InputError("the date is not written as FHIR writes dates")
    part = match.groupdict()
    try:
        year = int(part["year"])
        if not 1000 <= year < 3000:
            raise InputError("the year stands for 'never', not for a date")
        if part["day"] is None:
            month = int(part["month"]) if part["month"] else None
            date(year, month or 1, 1)  # refuses month 13
            return Partial(year, month)
        day = date(year, int(part["month"]), int(part["day"]))
        if part["hour"] is None:
            return day
        return datetime(
            day.year,
            day.month,
            day.day,
            int(part["hour"]),
            int(part["minute"]),
            59 if part["second"] == "60" else int(part["second"] or 0),
            int((part["fraction"] or "").ljust(6, "0")[:6]),
            _zone(part),
        )
    except ValueError:
        raise InputError("the date names a day or a time that does not exist") from None


def _zone(part: dict[str, str | None]) -> timezone | None:
    if part["zone"] is None:
        return None
    if part["sign"] is None:
        return UTC
    minutes = int(part["zm"] or 0)
    if minutes > 59:
        raise ValueError("minutes of an offset")
    offset = timedelta(hours=int(part["zh"] or 0), minutes=minutes)
    if offset > _WIDEST_OFFSET:
        raise InputError("the time zone of the date is more than 14 hours away from UTC")
    return timezone(-offset if part["sign"] == "-" else offset)
