"""What a page is made of: one launch, its record, the assessment, and what the card had said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
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
class Chart:
    """Everything a page of one launch may show.

    shown            what the card said of the finding the app was opened at; None when the launch
                     names no finding, or one that no card of ours showed to this tenant
    wanted           the finding id the launch named (from `appContext`), checked or not
    open_server      the data came from an open test server without any authorization
    frame_ancestors  origins that may frame the pages of this launch
    """

    context: LaunchContext
    record: PatientRecord
    assessment: Assessment
    fetched_at: datetime
    shown: ShownFinding | None = None
    wanted: str | None = None
    open_server: bool = False
    frame_ancestors: tuple[str, ...] = ()

    @property
    def our_ranges(self) -> bool:
        """Whether our default ranges and limits, which are men's, may be shown for this person."""
        return self.assessment.axis.state != "not-applicable"

    @property
    def zone(self) -> tzinfo | None:
        """The clock the patient lives by: the issuer's time zone; None when none is configured."""
        name = self.record.timezone or self.context.timezone
        if name is None:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            return None
