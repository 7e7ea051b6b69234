"""What a page is made of: one launch, its record, the assessment, and what the card had said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from smartapp.engine.assessment import Assessment, Severity
from smartapp.patient.record import PatientRecord
from smartapp.smart.context import LaunchContext


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding as a card showed it before the app was opened from that card (contract 3).

    source       where the card's data came from, as words that follow "from": "the EHR's prefetch"
    fingerprint  hash of the evidence the card rested on; compared, never shown
    protocol     version of the knowledge that spoke in the card, when it is known
    """

    id: str
    code: str
    severity: Severity
    summary: str
    shown_at: datetime
    fingerprint: str
    source: str = "the EHR's prefetch"
    protocol: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Why a chart is not today's: it is shown as known at the end of `day`.

    `whole` is the record as it was read `today`; the chart's own is what was known of it then.
    """

    day: date
    today: date
    whole: PatientRecord


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything a page of one launch may show.

    shown            what the card said of the finding the app was opened at; None when the launch
                     names no finding, or one that no card of ours showed to this tenant
    wanted           the finding id the launch named (from `appContext`), checked or not
    open_server      the data came from an open test server without any authorization
    frame_ancestors  origins that may frame the pages of this launch
    past             None for the chart of today
    """

    context: LaunchContext
    record: PatientRecord
    assessment: Assessment
    fetched_at: datetime
    shown: ShownFinding | None = None
    wanted: str | None = None
    open_server: bool = False
    frame_ancestors: tuple[str, ...] = ()
    past: Past | None = None

    @property
    def our_ranges(self) -> bool:
        """Whether our default ranges and limits, which are men's, may be shown for this person."""
        return self.assessment.axis.state != "not-applicable"

    @property
    def zone(self) -> tzinfo | None:
        """The clock the patient lives by: the issuer's time zone; None when none is configured."""
        return zone_of(self.context, self.record)


def zone_of(context: LaunchContext, record: PatientRecord) -> tzinfo | None:
    """The time zone of a launch's data; None when none is configured, or it is unknown here."""
    name = record.timezone or context.timezone
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
