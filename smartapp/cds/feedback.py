"""What physicians answered: kept once, and turned into snoozes. A strange card changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from smartapp.cds import snooze
from smartapp.cds.override import SYSTEM
from smartapp.cds.request import decode
from smartapp.cds.trust import Caller
from smartapp.errors import InputError
from smartapp.fhir.dates import parse
from smartapp.ledger import AuditEvent, Ledger, audit
from smartapp.ledger.cards import (
    Feedback,
    IssuedCard,
    issued_card,
    put_snooze,
    record_feedback,
)

MOST_COMMENT = 4000


class ReasonCoding(Struct, frozen=True):
    code: str | None = None
    system: str | None = None


class OverrideReason(Struct, frozen=True):
    reason: ReasonCoding | None = None
    userComment: str | None = None


class AcceptedSuggestion(Struct, frozen=True):
    id: str


class FeedbackItem(Struct, frozen=True):
    card: str
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: str
    acceptedSuggestions: list[AcceptedSuggestion] | None = None
    overrideReason: OverrideReason | None = None


class _Body(Struct, frozen=True):
    feedback: list[Raw]


_body = msgspec.json.Decoder(_Body)
_item = msgspec.json.Decoder(FeedbackItem)


@dataclass(frozen=True, slots=True)
class FeedbackDesk:
    """Receives feedback. Everything of one call is kept in one transaction."""

    ledger: Ledger
    clock: Callable[[], datetime]

    def receive(self, body: bytes, service: str, caller: Caller) -> int:
        """Keep the answers in `body`; how many were new.

        An answer counts once per card and time stamp. A card that this service did not issue to
        this tenant is passed over. Refuses (InputError) a body of another shape, and one with an
        answer that cannot be read, but only after the others were kept.
        """
        rows = decode(_body, body.removeprefix(b"\xef\xbb\xbf"), "the feedback").feedback
        items, refusal = _read(rows)
        now = self.clock()
        kept = 0
        with self.ledger.transaction() as conn:
            audit.take_turn(conn)
            for item in items:
                issued = issued_card(conn, caller.tenant, item.card.lower())
                if issued is None or issued.service != service:
                    continue
                answer = _answer(item)
                if not record_feedback(conn, self.ledger.vault, caller.tenant, answer, now):
                    continue
                kept += 1
                if item.outcome == "overridden" and issued.user:
                    for made in snooze.snoozes_from(issued.findings, answer.reason, now):
                        put_snooze(
                            conn, issued.tenant, issued.issuer, issued.patient, issued.user, made
                        )
                audit.append(conn, _event(issued, answer, now))
        if refusal is not None:
            raise refusal
        return kept


def _read(rows: Iterable[Raw]) -> tuple[list[FeedbackItem], InputError | None]:
    """The answers that can be read, and what is to be said of the first that cannot."""
    items: list[FeedbackItem] = []
    refusal: InputError | None = None
    for place, row in enumerate(rows):
        try:
            item = decode(_item, row, f"feedback[{place}]")
            _check(item, place)
        except InputError as error:
            refusal = refusal or error
        else:
            items.append(item)
    return items, refusal


def _check(item: FeedbackItem, place: int) -> None:
    """Refuses a time stamp that is no time; the standard demands an instant."""
    try:
        stamp = parse(item.outcomeTimestamp)
    except InputError:
        stamp = None
    if not isinstance(stamp, datetime):
        raise InputError(f"feedback[{place}]: outcomeTimestamp is not a time")


def _answer(item: FeedbackItem) -> Feedback:
    override = item.overrideReason or OverrideReason()
    accepted = item.acceptedSuggestions or ()
    return Feedback(
        card=item.card.lower(),
        outcome_at=item.outcomeTimestamp[:40],
        outcome=item.outcome,
        reason=_code(override.reason),
        suggestions=",".join(a.id.lower()[:36] for a in accepted[:20]) or None,
        comment=(override.userComment or "")[:MOST_COMMENT] or None,
    )


def _code(reason: ReasonCoding | None) -> str | None:
    """One of our codes, or the client's own with its system; some clients send no system."""
    if reason is None or not reason.code:
        return None
    if reason.system in (None, "", SYSTEM):
        return reason.code[:200]
    return f"{reason.system}|{reason.code}"[:200]


def _event(issued: IssuedCard, answer: Feedback, at: datetime) -> AuditEvent:
    return AuditEvent(
        kind=audit.FEEDBACK,
        at=at,
        who=issued.user,
        patient=issued.patient,
        issuer=issued.issuer,
        detail={
            "card": answer.card,
            "outcome": answer.outcome,
            "reason": answer.reason,
            "findings": [row.finding for row in issued.findings],
        },
    )
