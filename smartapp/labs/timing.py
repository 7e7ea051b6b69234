"""When blood was drawn on the patient's own clock (contract 3, clinical-rules 2.1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from smartapp.errors import ConfigError, InputError
from smartapp.fhir.dates import Partial, When, parse
from smartapp.fhir.resources import Observation
from smartapp.knowledge.catalogue import Morning
from smartapp.labs.reading import Clock
from smartapp.labs.refusal import Refusal

_NO_OFFSET = timedelta(0)
_MIDNIGHT = time(0)


class Draw(Struct, frozen=True, gc=False):
    """`effective` as sent; `drawn` the local date; `clock` the local hours it falls in.

    `moment` is a naive UTC time to order draws by; a date is its first moment.
    """

    effective: datetime | date
    drawn: date
    clock: Clock
    moment: datetime


def zone_of(timezone: str | None) -> ZoneInfo | None:
    """The IANA zone of that name; None stays None. Refuses (ConfigError) an unknown name."""
    if timezone is None:
        return None
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"timezone {timezone!r:.60} is not a known zone name") from None


def when_of(row: Observation) -> str | None:
    """The text that says when the specimen was taken; of a period, its start."""
    if row.effectiveDateTime is not None:
        return row.effectiveDateTime
    if row.effectiveInstant is not None:
        return row.effectiveInstant
    period = row.effectivePeriod
    return None if period is None else period.start or period.end


def first_known(row: Observation) -> datetime | date | None:
    """When a result became known: as `issued` says, else when it was drawn.

    Of a draw of which only the month or year is told, its first day; None where nothing is to read.
    """
    issued = _told(row.issued)
    if issued is not None and not isinstance(issued, Partial):
        return issued
    drawn = _told(when_of(row))
    return drawn.first if isinstance(drawn, Partial) else drawn


def _told(text: str | None) -> When | None:
    try:
        return None if text is None else parse(text)
    except InputError:
        return None


def is_known(moment: datetime | date | None, as_of: datetime, today: date) -> bool:
    """Whether what was first told at `moment` was known at `as_of`, which fell on `today`.

    A date, or a time without an offset, is known from its day on; what tells no time always was.
    """
    if moment is None:
        return True
    if not isinstance(moment, datetime):
        return moment <= today
    if moment.tzinfo is None:
        return moment.date() <= today
    return moment <= as_of


def read_draw(text: str | None, zone: tzinfo | None, morning: Morning | None) -> Draw | Refusal:
    """When the specimen was taken.

    An offset other than zero is the patient's clock. `Z` and `+00:00` carry no local clock: they
    are read in `zone`, and without one the draw is provisional. So is a date without a time, a
    time without any offset, and exactly midnight, which is how systems store a date. Midnight sent
    as UTC keeps the date as sent: it was never moved between zones.
    """
    if text is None:
        return Refusal("it does not say when the specimen was taken")
    try:
        when = parse(text)
    except InputError as error:
        return Refusal(f"when the specimen was taken cannot be read: {error.public}")
    if isinstance(when, Partial):
        return Refusal("it names only the month or year in which the specimen was taken")
    if not isinstance(when, datetime):
        return Draw(when, when, "provisional", datetime.combine(when, _MIDNIGHT))
    offset = when.utcoffset()
    if offset is None:
        return Draw(when, when.date(), "provisional", when)
    moment = when.astimezone(UTC).replace(tzinfo=None)
    hour = when.time()
    if hour == _MIDNIGHT:
        return Draw(when, when.date(), "provisional", moment)
    if offset != _NO_OFFSET:
        return Draw(when, when.date(), _clock(hour, morning), moment)
    if zone is None:
        return Draw(when, when.date(), "provisional", moment)
    local = when.astimezone(zone)
    hour = local.time()
    clock: Clock = "provisional" if hour == _MIDNIGHT else _clock(hour, morning)
    return Draw(when, local.date(), clock, moment)


def _clock(hour: time, morning: Morning | None) -> Clock:
    if morning is None:
        return "provisional"
    return "morning" if morning.start <= hour <= morning.end else "not-morning"
