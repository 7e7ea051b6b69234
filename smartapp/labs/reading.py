"""What was measured: one result, ready to be compared, and what it was before we touched it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

Clock = Literal["morning", "not-morning", "provisional"]
RangeSource = Literal["laboratory", "default"]


@dataclass(frozen=True, slots=True)
class Range:
    """A reference range in the canonical unit and where it comes from (rule R-REF-01).

    `source` "laboratory" only when the laboratory's range lies inside the accept window; then
    `text` is the range as sent. Otherwise the catalogue's default, and `text` says why.
    """

    low: Decimal | None
    high: Decimal | None
    source: RangeSource
    text: str


class Reading(Struct, frozen=True, gc=False):
    """One usable result of one analyte.

    A Struct where other rooms' types are dataclasses: there is one for every row of every call,
    and a frozen dataclass of this width takes fifteen times as long to make. Use it as one
    (`msgspec.structs.replace` makes an altered copy).

    value      canonical unit, rounded to six significant digits (half even); for a censored
               result the limit that was printed. Compare with `low`/`high`, not with `value`.
    low, high  the interval the true value lies in: equal to `value` unless censored;
               `None` means unbounded on that side.
    original   as sent: comparator, digits and unit ("< 19.00 nmol/L").
    effective  as sent, parsed; a `date` when no time was given. `drawn` is the local date.
    clock      "morning" 07:00-11:00 on the patient's clock; "provisional" when the draw has no
               local clock (contract 3).
    flags      short machine words, e.g. "unit-over-code", "soft-limit", "quoted-number",
               "on-the-limit", "corrected", "default-range", "assumed-unit",
               "correction-undated" (nobody knows since when it reads like this).
    recorded   when it first became known (issued, else effective); the engine's as-of cut.
    site       body site as code or words, where one was sent
    method     comparability class of assay and code; a series breaks where it changes.
    """

    reference: str
    analyte: str
    loinc: str | None
    value: Decimal
    unit: str
    low: Decimal | None
    high: Decimal | None
    comparator: str | None
    original: str
    effective: datetime | date
    drawn: date
    clock: Clock
    recorded: datetime | date
    status: str
    range: Range | None
    method: str | None = None
    performer: str | None = None
    flags: tuple[str, ...] = ()
    site: str | None = None

    @property
    def censored(self) -> bool:
        """Whether the laboratory only gave a limit ("<", ">")."""
        return self.comparator is not None


@dataclass(frozen=True, slots=True)
class Unused:
    """A record seen and not used, with the reason a physician reads.

    `analyte` is set when the row was recognised as one of ours: an unusable newest result makes
    the rule abstain instead of falling back on an older one. `void`: it never was a result
    (cancelled, entered in error, a duplicate of one draw), and makes nothing abstain.
    `flag` is a machine word where a rule may ask: "suspect-unit", "hard-limit", "no-unit",
    "unknown-unit", "unit-conflict".
    """

    reference: str
    reason: str
    analyte: str | None = None
    effective: datetime | date | None = None
    recorded: datetime | date | None = None
    original: str | None = None
    flag: str | None = None
    void: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """All usable readings of one analyte, oldest first, and the unusable ones of the same."""

    analyte: str
    readings: tuple[Reading, ...]
    unused: tuple[Unused, ...] = ()

    @property
    def newest(self) -> Reading | None:
        return self.readings[-1] if self.readings else None


@dataclass(frozen=True, slots=True)
class LabRecord:
    """All results of one man: a series for each analyte seen, and every row seen and not used.

    `unused` holds those of the series too, in an order that does not depend on how rows came.
    `latest` is a naive UTC time after which no row tells anything; None where none tells a time.
    """

    series: Mapping[str, Series]
    unused: tuple[Unused, ...] = ()
    latest: datetime | None = field(default=None, compare=False)
