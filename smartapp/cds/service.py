"""One hook call, from request to answer: gather, read, assess, speak, remember."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter
from uuid import uuid4
from zoneinfo import ZoneInfo

from msgspec import UNSET
from msgspec.json import Encoder

from smartapp.cds import snooze
from smartapp.cds.card import Card, Coding, Reply, Source
from smartapp.cds.cards import FINDING_SYSTEM, Occasion, Speaker, card_uuid
from smartapp.cds.prefetch import REQUIRED, Gathered, gather
from smartapp.cds.request import HookRequest
from smartapp.cds.sites import Site, Sites
from smartapp.cds.trust import Caller
from smartapp.cds.words import INTENDED_USE, RESPONSIBILITY
from smartapp.engine import assess
from smartapp.engine.assessment import Assessment
from smartapp.errors import PrefetchRequired
from smartapp.fhir.plans import KEYS
from smartapp.knowledge import Knowledge
from smartapp.ledger import AuditEvent, Ledger, audit
from smartapp.ledger.cards import HookCall, ShownFinding, record_call, snoozes_of
from smartapp.patient import read_drafts, read_record
from smartapp.patient.record import DraftOrder, PatientRecord
from smartapp.settings import Settings

# What an order hook speaks about (contract, section 4); any other draft gets no card.
OUR_ROLES = frozenset({"recalibration", "adjunct", "androgen"})

# Kept back from the deadline for judging and answering after a fetch.
_RESERVE_S = 0.15


_encode = Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of a 200, and how long its parts took (`Server-Timing`, milliseconds)."""

    body: bytes
    read_ms: float
    assess_ms: float
    ledger_ms: float


@dataclass(frozen=True, slots=True)
class HookService:
    """Answers calls. Shared by all threads; holds nothing of any patient."""

    settings: Settings
    knowledge: Knowledge
    ledger: Ledger
    sites: Sites
    speaker: Speaker
    clock: Callable[[], datetime]

    def answer(self, request: HookRequest, caller: Caller) -> Answer:
        """The cards for one call, recorded before they are given out.

        Refuses (PrefetchRequired) when the Patient or the hormone results can be had neither from
        prefetch nor from the FHIR server, (InputError) drafts that cannot be read, (LedgerError)
        when the call cannot be recorded.
        """
        started = perf_counter()
        site = self._site(request, caller)
        visit = _Visit(
            request, caller, _issuer(request, site, caller), str(uuid4()), self._now(site, caller)
        )
        drafts: tuple[DraftOrder, ...] = ()
        if request.service.orders:
            catalogue = self.knowledge.catalogue
            drafts = read_drafts(request.drafts, catalogue, focus=request.focus)
            if not self._concerns_us(drafts):
                return self._say(visit, [], {}, started)
        gathered = self._gather(request, site, started)
        if not gathered.resources.patients:
            return self._without_patient(visit, gathered, started)
        record = read_record(
            gathered.resources,
            self.knowledge.catalogue,
            issuer=visit.issuer,
            timezone=_timezone(site, caller),
            local_codes=site.local_codes if site else None,
            patient_id=request.patient_id,
            fetched=visit.at,
        )
        read = perf_counter()
        assessment = assess(record, self.knowledge, visit.at, drafts)
        if assessment.axis.state != "not-applicable" and not gathered.had("hormones"):
            raise _required(gathered)
        assessed = perf_counter()
        body = self._speak(visit, record, assessment, drafts, gathered)
        return _timed(body, started, read, assessed)

    def _site(self, request: HookRequest, caller: Caller) -> Site | None:
        sites = self.sites if caller.sites is None else caller.sites
        return sites.sole() if request.fhir_server is None else sites.match(request.fhir_server)

    def _now(self, site: Site | None, caller: Caller) -> datetime:
        """Now, on the clock of the place: "today" is the physician's day."""
        now, zone = self.clock(), _timezone(site, caller)
        return now.astimezone(ZoneInfo(zone)) if zone else now

    def _concerns_us(self, drafts: Collection[DraftOrder]) -> bool:
        drugs = self.knowledge.catalogue.drugs
        return any(
            draft.in_focus and draft.agent is not None and drugs[draft.agent].role in OUR_ROLES
            for draft in drafts
        )

    def _gather(self, request: HookRequest, site: Site | None, started: float) -> Gathered:
        settings = self.settings
        spent = perf_counter() - started
        return gather(
            request,
            KEYS,
            self.knowledge.catalogue,
            site,
            timeout_ms=settings.fhir_timeout_ms,
            deadline_s=max(settings.hook_deadline_ms / 1000 - spent - _RESERVE_S, 0.05),
        )

    def _without_patient(self, visit: _Visit, gathered: Gathered, started: float) -> Answer:
        """Nobody to assess. A known nothing is said on a card; what could not be had is a 412."""
        if gathered.keys["patient"].state == "empty":
            why = "The EHR holds no demographic data for this patient."
        elif _rehearsal(visit.request):
            why = (
                "The call names its FHIR server by a placeholder that was not filled in, and "
                "brought no data: a trial of the connection, which works."
            )
        else:
            raise _required(gathered)
        return self._say(visit, [_not_assessed(visit, why)], gathered.states(), started)

    def _speak(
        self,
        visit: _Visit,
        record: PatientRecord,
        assessment: Assessment,
        drafts: tuple[DraftOrder, ...],
        gathered: Gathered,
    ) -> bytes:
        """The body of the answer, made and recorded in one transaction."""
        request, caller = visit.request, visit.caller
        findings = tuple(finding for finding in assessment.findings if finding.card)
        context = snooze.context_key(record, assessment) if findings else ""
        orders = (
            snooze.order_keys(findings, drafts, request.encounter_id)
            if request.service.orders
            else None
        )
        occasion = Occasion(assessment, request, drafts, tuple(gathered.resources.gaps))
        with self.ledger.writing() as conn:
            if findings and request.user:
                asleep = snoozes_of(
                    conn, caller.tenant, visit.issuer, request.patient_id, request.user, visit.at
                )
                findings = snooze.visible(findings, asleep, context, orders)
            spoken = self.speaker.speak(findings, occasion, visit.call)
            shown = [
                ShownFinding(
                    str(said.card.uuid),
                    finding.id,
                    finding.code,
                    finding.severity,
                    finding.rule,
                    finding.fingerprint,
                    snooze.firing_key(finding),
                    snooze.finding_context(finding, context),
                    orders[finding.id] if orders else None,
                    finding.summary,
                )
                for said in spoken
                for finding in said.findings
            ]
            protocol = assessment.protocol
            call = visit.record(f"{protocol.profile} {protocol.version}", len(spoken))
            record_call(conn, self.ledger.vault, call, shown)
            audit.append(conn, visit.event(call, shown, gathered.states()))
        return visit.reply([said.card for said in spoken])

    def _say(
        self, visit: _Visit, cards: list[Card], keys: dict[str, str], started: float
    ) -> Answer:
        """An answer that rests on no finding: silence, or one card that says why."""
        protocol = self.knowledge.protocol
        call = visit.record(f"{protocol.profile} {protocol.version}", len(cards))
        read = perf_counter()
        with self.ledger.writing() as conn:
            record_call(conn, self.ledger.vault, call, ())
            audit.append(conn, visit.event(call, (), keys))
        return _timed(visit.reply(cards), started, read, read)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One call on its way: who asks about whom, under which issuer, when."""

    request: HookRequest
    caller: Caller
    issuer: str
    call: str
    at: datetime

    def record(self, protocol: str, cards: int) -> HookCall:
        request = self.request
        return HookCall(
            call=self.call,
            at=self.at,
            tenant=self.caller.tenant,
            issuer=self.issuer,
            patient=request.patient_id,
            user=request.user,
            service=request.service.id,
            hook_instance=request.hook_instance,
            encounter=request.encounter_id,
            protocol=protocol,
            cards=cards,
        )

    def reply(self, cards: list[Card]) -> bytes:
        """The body of the answer, with the empty member that some test kits demand."""
        demanded = self.caller.system_actions_member and self.request.service.hook == "order-sign"
        return _encode(Reply(cards, [] if demanded else UNSET))

    def event(
        self, call: HookCall, shown: Collection[ShownFinding], keys: dict[str, str]
    ) -> AuditEvent:
        return AuditEvent(
            kind=audit.HOOK_ANSWERED,
            at=self.at,
            who=call.user,
            patient=call.patient,
            issuer=self.issuer,
            detail={
                "call": call.call,
                "service": call.service,
                "tenant": call.tenant,
                "protocol": call.protocol,
                "cards": call.cards,
                "findings": [row.finding for row in shown],
                "keys": keys,
            },
        )


def _issuer(request: HookRequest, site: Site | None, caller: Caller) -> str:
    """The namespace of finding ids: the configured FHIR base, as the dashboard uses it.

    A verified client that names a server which is not its own speaks in its own name: it must not
    leave rows under another's.
    """
    if site is not None:
        return site.fhir_base
    if caller.sites is not None:
        return caller.tenant
    return (request.fhir_server or caller.tenant).removesuffix("/")


def _timezone(site: Site | None, caller: Caller) -> str | None:
    return (site.timezone if site else None) or caller.timezone


def _rehearsal(request: HookRequest) -> bool:
    """A body whose template was never filled in: somebody tries the wire, behind it is nobody."""
    return request.fhir_server is not None and request.fhir_server.startswith("{{")


def _required(gathered: Gathered) -> PrefetchRequired:
    reasons = {gap.what: gap.reason for gap in gathered.resources.gaps}
    missing = [key for key in REQUIRED if not gathered.had(key)]
    said = "; ".join(f"{key}: {reasons.get(key, 'not supplied')}" for key in missing)
    return PrefetchRequired(f"data this service cannot do without are missing: {said}")


def _not_assessed(visit: _Visit, why: str) -> Card:
    return Card(
        uuid=card_uuid(visit.call, 0),
        summary="Not assessed: no demographic data came with this patient",
        indicator="warning" if visit.request.service.orders else "info",
        source=Source(
            "HPG Recalibration Monitor",
            topic=Coding("cannot-assess", FINDING_SYSTEM, "Cannot assess"),
        ),
        detail=f"{why} Nothing was judged; silence here is not an all-clear.\n\n"
        f"{INTENDED_USE} **{RESPONSIBILITY}**",
    )


def _timed(body: bytes, started: float, read: float, assessed: float) -> Answer:
    return Answer(
        body,
        (read - started) * 1000,
        (assessed - read) * 1000,
        (perf_counter() - assessed) * 1000,
    )
