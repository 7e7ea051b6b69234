"""From a launch to a chart: read the EHR once, keep it sealed, judge it at every visit.

A launch's data are fetched at its first page and kept in the ledger for the life of the launch; a
small copy per worker spares decryption and reading. The assessment is made anew each time: it
depends on the clock, or on the earlier day that was asked for.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Lock
from typing import Any

from smartapp import __version__
from smartapp.dashboard import Chart, ShownFinding
from smartapp.dashboard.asof import earlier_than, end_of, known_then
from smartapp.dashboard.chart import Past, zone_of
from smartapp.ehr import Ehr
from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.errors import AssessmentError, FhirError
from smartapp.fhir.bundle import Page
from smartapp.fhir.model import Gap
from smartapp.fhir.plans import search_plans
from smartapp.fhir.reading import read_pages
from smartapp.knowledge import Knowledge
from smartapp.ledger import AuditEvent, audit
from smartapp.ledger.cards import last_shown
from smartapp.ledger.launches import PageGap
from smartapp.patient import read_record
from smartapp.patient.record import PatientRecord
from smartapp.smart import LaunchContext, Sessions

KEPT = 32
LONGEST_CONTEXT = 4096
LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The finding the app is to open at, and the card that led here."""

    finding: str
    card: str | None


@dataclass(frozen=True, slots=True)
class _Read:
    """One fetch, read. `noted`: the earlier days whose findings the audit knows to be shown."""

    fetch: int
    record: PatientRecord
    fetched_at: datetime
    noted: set[date] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Charts:
    """Opens, refreshes and ends the charts of this deployment's launches."""

    sessions: Sessions
    knowledge: Knowledge
    _kept: OrderedDict[str, _Read] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def clock(self) -> Callable[[], datetime]:
        return self.sessions.clock

    def open(self, launch_id: str, day: date | None = None) -> Chart:
        """The chart this browser may see, judged as of now, or as of the end of an earlier `day`.

        Refuses (LaunchError) a launch that is over or another browser's, (InputError) a day still
        to come on the patient's clock, and (FhirError) a patient that could not be read at all;
        anything less than that is a gap in the chart.
        """
        context = self.sessions.current(launch_id)
        read = self._read(context)
        now = self.clock()
        today = now.astimezone(zone_of(context, read.record) or UTC).date()
        earlier = earlier_than(day, today)
        if earlier is not None:
            return self._open_earlier(context, read, earlier, today)
        wanted = _wanted(context.app_context)
        return Chart(
            context=context,
            record=read.record,
            assessment=assess(read.record, self.knowledge, now),
            fetched_at=read.fetched_at,
            shown=None if wanted is None else self._shown(context, wanted),
            wanted=None if wanted is None else wanted.finding,
            open_server=context.open_server,
            frame_ancestors=self.sessions.frame_ancestors(context),
        )

    def _open_earlier(self, context: LaunchContext, read: _Read, day: date, today: date) -> Chart:
        """The chart as known at the end of `day`. No card spoke of it: a card is of its hour."""
        moment = end_of(day, zone_of(context, read.record))
        assessment = assess(read.record, self.knowledge, moment)
        if day not in read.noted:
            self._note(context, read, assessment)
            read.noted.add(day)
        return Chart(
            context=context,
            record=known_then(read.record, self.knowledge.catalogue, moment),
            assessment=assessment,
            fetched_at=read.fetched_at,
            open_server=context.open_server,
            frame_ancestors=self.sessions.frame_ancestors(context),
            past=Past(day, today, read.record),
        )

    def refresh(self, launch_id: str) -> None:
        """Read the patient from the EHR again. Refuses like `open`, and then keeps what it had."""
        self._fetch(self.sessions.current(launch_id))

    def end(self, launch_id: str) -> None:
        """Forget the launch, its tokens and its data. Refuses like `open`."""
        self.sessions.logout(launch_id)
        with self._lock:
            self._kept.pop(launch_id, None)

    def _read(self, context: LaunchContext) -> _Read:
        newest = self.sessions.launches.newest_fetch(context.launch_id)
        with self._lock:
            kept = self._kept.get(context.launch_id)
        if kept is not None and kept.fetch == newest:
            return kept
        stored = self.sessions.launches.get_pages(context.launch_id)
        if stored is None:
            return self._fetch(context)
        record = self._record(context, stored.pages, stored.gaps, stored.fetched_at)
        return self._keep(context, _Read(stored.fetch, record, stored.fetched_at))

    def _fetch(self, context: LaunchContext) -> _Read:
        """Ask the EHR for everything that the launch may read."""
        launch = context.launch_id
        issuer = self.sessions.issuers.named(context.issuer)
        plans = search_plans(
            self.knowledge.catalogue,
            context.patient_id,
            local_codes=issuer.local_codes,
            profile=issuer.profile,
        )
        found = Ehr(self.sessions).ask(context, plans)
        now = self.clock()
        bodies = [(page.key, page.body) for page in found.pages]
        gaps = [(gap.what, gap.state, gap.reason) for gap in found.gaps]
        # Read before it is stored: a fetch that brought no patient replaces none that did, and the
        # next visit asks again.
        record = self._record(context, bodies, gaps, now)
        fetch = self.sessions.launches.put_pages(launch, bodies, gaps, now)
        return self._keep(context, _Read(fetch, record, now))

    def _keep(self, context: LaunchContext, read: _Read) -> _Read:
        # Kept only when noted: nothing is shown that the audit does not know of.
        self._note(context, read, assess(read.record, self.knowledge, self.clock()))
        with self._lock:
            self._kept[context.launch_id] = read
            self._kept.move_to_end(context.launch_id)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return read

    def _record(
        self,
        context: LaunchContext,
        bodies: Sequence[tuple[str, bytes]],
        failed: Sequence[PageGap],
        fetched_at: datetime,
    ) -> PatientRecord:
        issuer = self.sessions.issuers.named(context.issuer)
        gaps = [Gap(what, _state(state), reason) for what, state, reason in failed]
        resources = read_pages([Page(key, body) for key, body in bodies], gaps)
        try:
            return read_record(
                resources,
                self.knowledge.catalogue,
                issuer=issuer.fhir_base,
                timezone=issuer.timezone,
                local_codes=issuer.local_codes,
                patient_id=context.patient_id,
                fetched=fetched_at,
            )
        except AssessmentError as error:
            reason = next((gap.reason for gap in gaps if gap.what == "patient"), error.public)
            raise FhirError(f"The patient could not be read from the EHR: {reason}.") from None

    def _note(self, context: LaunchContext, read: _Read, assessment: Assessment) -> None:
        """Write to the audit which findings this user is about to see, and in which versions."""
        event = AuditEvent(
            kind=audit.FINDINGS_SHOWN,
            at=self.clock(),
            who=context.user,
            patient=context.patient_id,
            issuer=context.fhir_base,
            launch=context.launch_id,
            detail=_what_was_shown(assessment, read.fetch),
        )
        with self.sessions.ledger.transaction() as conn:
            audit.append(conn, event)

    def _shown(self, context: LaunchContext, wanted: _Wanted) -> ShownFinding | None:
        row = last_shown(
            self.sessions.ledger,
            context.issuer,
            context.patient_id,
            wanted.finding,
            card=wanted.card,
        )
        if row is None:
            return None
        return ShownFinding(
            id=row.finding,
            code=row.code,
            severity=_severity(row.severity),
            summary=row.summary,
            shown_at=row.shown_at,
            fingerprint=row.fingerprint,
            protocol=row.protocol,
        )


def _what_was_shown(assessment: Assessment, fetch: int) -> dict[str, Any]:
    protocol = assessment.protocol
    return {
        "fetch": fetch,
        "as_of": assessment.as_of.isoformat(),
        "app": __version__,
        "profile": protocol.profile,
        "protocol": protocol.version,
        "axis": assessment.axis.state,
        "findings": [[f.id, f.code, f.severity, f.fingerprint] for f in assessment.findings],
    }


def _wanted(app_context: str | None) -> _Wanted | None:
    """What `appContext` asks for; None when it asks for nothing. Anyone may have written it."""
    if app_context is None or len(app_context) > LONGEST_CONTEXT:
        return None
    try:
        said = json.loads(app_context)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    finding, card = said.get("finding"), said.get("card")
    if not isinstance(finding, str) or not 0 < len(finding) <= LONGEST_ID:
        return None
    return _Wanted(finding, card if isinstance(card, str) and len(card) <= LONGEST_ID else None)


def _state(text: str) -> Any:
    return text if text in ("failed", "missing", "partial") else "failed"


def _severity(text: str) -> Any:
    return text if text in ("info", "warning", "critical") else "info"
