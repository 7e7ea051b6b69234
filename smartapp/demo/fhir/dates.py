"""FHIR dates as spans of time, and how a search value matches them (FHIR R4, 3.1.1.5.7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from smartapp.demo.dig import text

_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?"
)
_PREFIXED = re.compile(r"(eq|ne|lt|gt|le|ge|sa|eb|ap)?(.*)", re.DOTALL)
_OPEN_START = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_OPEN_END = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to but not including `end`, both aware."""

    start: datetime
    end: datetime


def span(value: str) -> Span | None:
    """The span a FHIR date, dateTime or instant covers, or None for other text.

    A time without a zone is read as UTC: the server's own zone.
    """
    match = _DATE.fullmatch(value)
    if match is None:
        return None
    year, month, day, clock, seconds, zone = match.groups()
    try:
        if clock:
            start = datetime.fromisoformat(
                f"{year}-{month}-{day}T{clock}{(seconds or ':00')[:10]}{zone or 'Z'}"
            )
            return Span(start, start + timedelta(seconds=1 if seconds else 60))
        start = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
        return Span(start, _next(start, bool(month), bool(day)))
    except (ValueError, OverflowError):
        return None


def _next(start: datetime, has_month: bool, has_day: bool) -> datetime:
    if has_day:
        return start + timedelta(days=1)
    if has_month:
        later = start + timedelta(days=31)
        return later.replace(day=1)
    return start.replace(year=start.year + 1)


def element_span(value: Any) -> Span | None:
    """The span of a date element or of a Period (open ends reach to the end of time)."""
    if isinstance(value, str):
        return span(value)
    start, end = text(value, "start"), text(value, "end")
    if start is None and end is None:
        return None
    first, last = span(start) if start else None, span(end) if end else None
    return Span(first.start if first else _OPEN_START, last.end if last else _OPEN_END)


@dataclass(frozen=True, slots=True)
class DateTest:
    """One search value, e.g. `ge2026-01-01`."""

    prefix: str
    target: Span

    def matches(self, found: Span) -> bool:
        """Whether an element's span satisfies the prefix."""
        target = self.target
        if self.prefix == "eq":
            return target.start <= found.start and found.end <= target.end
        if self.prefix == "lt":
            return found.start < target.start
        if self.prefix == "gt":
            return found.end > target.end
        if self.prefix == "le":
            return found.start < target.end
        return found.end > target.start


def date_test(value: str) -> DateTest | None:
    """A search value read; None for a prefix other than eq, lt, gt, le, ge or for no date."""
    match = _PREFIXED.fullmatch(value)
    prefix, rest = (match[1] or "eq", match[2]) if match else ("eq", value)
    target = span(rest)
    if target is None or prefix not in ("eq", "lt", "gt", "le", "ge"):
        return None
    return DateTest(prefix, target)
