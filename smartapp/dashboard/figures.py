"""Numbers, units and dates as a physician reads them, the same in every locale and browser."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from smartapp.knowledge.spelling import readable_unit

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SHOWN_DIGITS = 4


def number(value: Decimal) -> str:
    """A converted figure with four significant digits, never in exponent form.

    Digits before the point are never rounded away: 1234.56 is 1235, 12345.6 is 12346.
    """
    places = min(0, value.adjusted() - SHOWN_DIGITS + 1)
    rounded = value.quantize(Decimal(1).scaleb(places))
    text = f"{rounded:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit(text: str | None) -> str:
    """A unit without UCUM's brackets: "[IU]/L" is "IU/L"."""
    if not text or text == "1":
        return ""
    return readable_unit(text)


def amount(value: Decimal, of: str | None) -> str:
    return f"{number(value)} {unit(of)}".rstrip()


def converted(original: str | None, value: Decimal | None, of: str | None) -> str | None:
    """The canonical figure, when it is another number than the one that was sent."""
    if value is None:
        return None
    if original is not None and value in numbers_in(original):
        return None
    return amount(value, of)


def numbers_in(text: str) -> set[Decimal]:
    """The plain numbers among the words of a text as sent."""
    found = set()
    for word in text.split():
        try:
            found.add(Decimal(word.lstrip("<>=≤≥")))
        except InvalidOperation:
            continue
    return found


def day(of: date) -> str:
    """ "2 Mar 2026"; a date-time gives its own calendar day, unshifted."""
    return f"{of.day} {MONTHS[of.month - 1]} {of.year}"


def local(when: datetime, zone: tzinfo | None) -> datetime:
    """The time on the patient's clock (contract 3).

    An offset other than zero is the patient's own. UTC is read in the issuer's zone; without a zone
    it stays UTC.
    """
    if when.tzinfo is None or when.utcoffset() != timedelta(0) or zone is None:
        return when
    try:
        return when.astimezone(zone)
    except OverflowError:
        # The first or the last day of the calendar has no other zone.
        return when


def clock(when: datetime, zone: tzinfo | None) -> str:
    """ "08:10", with "UTC" when no local clock is known."""
    here = local(when, zone)
    return (
        f"{here:%H:%M} UTC"
        if here.tzinfo is not None and _is_bare_utc(here, zone)
        else f"{here:%H:%M}"
    )


def moment(when: datetime | date | None, zone: tzinfo | None) -> str:
    """ "2 Mar 2026, 08:10"; without a time only the day; "no date" for nothing."""
    if when is None:
        return "no date"
    if not isinstance(when, datetime):
        return day(when)
    return f"{day(local(when, zone))}, {clock(when, zone)}"


def of_the_app(when: datetime, zone: tzinfo | None) -> str:
    """A moment of ours (fetched, shown, as of), on the hospital's clock."""
    here = when.astimezone(zone or UTC) if when.tzinfo is not None else when
    return moment(here, zone)


def ago(then: date, today: date) -> str:
    """ "3 days ago", "5 months ago"; for a glance, the date always stands beside it."""
    days = (today - then).days
    if days < 0:
        return "later"
    if days < 2:
        return ("today", "yesterday")[days]
    if days < 60:
        return f"{days} days ago"
    if days < 730:
        return f"{days // 30} months ago"
    return f"{days // 365} years ago"


def _is_bare_utc(when: datetime, zone: tzinfo | None) -> bool:
    return zone is None and when.utcoffset() == timedelta(0)
