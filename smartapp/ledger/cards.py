"""What the service said and what was answered: hook calls, shown findings, feedback, snoozes.

No resource is kept: a finding's id, code, versions and evidence fingerprints say what was shown;
its one-sentence summary holds a value and is sealed. Times are stored as UTC text that sorts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    bindparam,
    delete,
    insert,
    select,
)

from smartapp.ledger import schema
from smartapp.ledger.schema import Statement
from smartapp.ledger.secrets import Vault
from smartapp.ledger.store import Ledger

calls_table = Table(
    "hook_call",
    schema.metadata,
    Column("call", String, primary_key=True),
    Column("at", String, nullable=False, index=True),
    Column("tenant", String, nullable=False),
    Column("issuer", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("user", String),
    Column("service", String, nullable=False),
    Column("hook_instance", String, nullable=False),
    Column("encounter", String),
    Column("protocol", String, nullable=False),
    Column("cards", Integer, nullable=False),
    sqlite_with_rowid=False,
)

shown_table = Table(
    "shown_finding",
    schema.metadata,
    Column("finding", String, primary_key=True),
    Column("card", String, primary_key=True),
    Column("call", String, nullable=False),
    Column("code", String, nullable=False),
    Column("severity", String, nullable=False),
    Column("rule", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("firing", String, nullable=False),
    Column("context", String, nullable=False),
    Column("order_key", String),
    Column("summary", LargeBinary, nullable=False),
    Index("shown_finding_by_card", "card"),
    # Every further index is one more page to write on each call.
    sqlite_with_rowid=False,
)

feedback_table = Table(
    "feedback",
    schema.metadata,
    Column("card", String, primary_key=True),
    Column("outcome_at", String, primary_key=True),
    Column("received", String, nullable=False, index=True),
    Column("tenant", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String),
    Column("suggestions", Text),
    Column("comment", LargeBinary),
)

snooze_table = Table(
    "snooze",
    schema.metadata,
    Column("tenant", String, primary_key=True),
    Column("issuer", String, primary_key=True),
    Column("patient", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("finding", String, primary_key=True),
    # "" on patient-view; on order hooks what the draft was (ingredient, dose, encounter).
    Column("order_key", String, primary_key=True),
    Column("severity", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("firing", String, nullable=False),
    Column("context", String, nullable=False),
    Column("reason", String),
    Column("since", String, nullable=False),
    Column("until", String, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class HookCall:
    """One answered call. `call` is the UUID from which its cards' UUIDs are made."""

    call: str
    at: datetime
    tenant: str
    issuer: str
    patient: str
    user: str | None
    service: str
    hook_instance: str
    encounter: str | None
    protocol: str
    cards: int


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """One finding of one issued card.

    fingerprint  hash of all its evidence
    firing       hash of its newest firing result: a newer or corrected one differs
    context      hash of drug list, rule and protocol version
    order_key    on order hooks, hash of ingredient, dose and encounter (else draft); None on view
    """

    card: str
    finding: str
    code: str
    severity: str
    rule: str
    fingerprint: str
    firing: str
    context: str
    order_key: str | None
    summary: str


@dataclass(frozen=True, slots=True)
class LastShown:
    """A finding as a card last showed it, for the page that is opened from that card."""

    finding: str
    code: str
    severity: str
    summary: str
    shown_at: datetime
    fingerprint: str
    protocol: str
    service: str
    tenant: str
    card: str


@dataclass(frozen=True, slots=True)
class IssuedCard:
    """What feedback needs to know of a card: to whom it went, and its findings (no summaries)."""

    call: str
    tenant: str
    issuer: str
    patient: str
    user: str | None
    service: str
    findings: tuple[ShownFinding, ...]


@dataclass(frozen=True, slots=True)
class Snooze:
    """A finding one user set aside for one patient. `order_key` "" means: on patient-view."""

    finding: str
    order_key: str
    severity: str
    fingerprint: str
    firing: str
    context: str
    reason: str | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Feedback:
    """One answer to one card; the card and the client's own stamp `outcome_at` make it unique."""

    card: str
    outcome_at: str
    outcome: str
    reason: str | None
    suggestions: str | None
    comment: str | None


_CALL = Statement(insert(calls_table))
_SHOWN = Statement(insert(shown_table))
# One statement decides whether an answer is new: two workers may get the same retry.
_FEEDBACK = schema.insert_once(feedback_table)
_PUT_SNOOZE = schema.insert_or_replace(snooze_table)
_SNOOZE_COLUMNS = tuple(
    snooze_table.c[name]
    for name in (
        "finding",
        "order_key",
        "severity",
        "fingerprint",
        "firing",
        "context",
        "reason",
        "since",
        "until",
    )
)
_SNOOZES = Statement(
    select(*_SNOOZE_COLUMNS).where(
        *(
            snooze_table.c[name] == bindparam(name)
            for name in ("tenant", "issuer", "patient", "user")
        ),
        snooze_table.c.until > bindparam("now"),
    )
)


def record_call(
    conn: schema.Executor, vault: Vault, call: HookCall, shown: Sequence[ShownFinding]
) -> None:
    """Keep one call and every finding its cards showed, inside the caller's transaction."""
    _CALL.run(
        conn,
        call=call.call,
        at=_stamp(call.at),
        tenant=call.tenant,
        issuer=call.issuer,
        patient=call.patient,
        user=call.user,
        service=call.service,
        hook_instance=call.hook_instance,
        encounter=call.encounter,
        protocol=call.protocol,
        cards=call.cards,
    )
    _SHOWN.run_many(
        conn,
        [
            {
                "card": row.card,
                "finding": row.finding,
                "call": call.call,
                "code": row.code,
                "severity": row.severity,
                "rule": row.rule,
                "fingerprint": row.fingerprint,
                "firing": row.firing,
                "context": row.context,
                "order_key": row.order_key,
                "summary": vault.seal(row.summary.encode(), row.finding),
            }
            for row in shown
        ],
    )


def last_shown(
    ledger: Ledger, issuer: str, patient: str, finding: str, *, card: str | None = None
) -> LastShown | None:
    """The newest card of this patient that showed the finding (or the named card); None if none."""
    call, shown = calls_table.c, shown_table.c
    query = (
        select(
            shown.finding,
            shown.code,
            shown.severity,
            shown.summary,
            call.at,
            shown.fingerprint,
            call.protocol,
            call.service,
            call.tenant,
            shown.card,
        )
        .join_from(shown_table, calls_table, shown.call == call.call)
        .where(shown.finding == finding, call.issuer == issuer, call.patient == patient)
        .order_by(call.at.desc())
        .limit(1)
    )
    if card is not None:
        query = query.where(shown.card == card)
    with ledger.reading() as conn:
        row = conn.execute(query).first()
    if row is None:
        return None
    summary = ledger.vault.open(row.summary, row.finding).decode()
    return LastShown(
        row.finding,
        row.code,
        row.severity,
        summary,
        _time(row.at),
        row.fingerprint,
        row.protocol,
        row.service,
        row.tenant,
        row.card,
    )


def issued_card(conn: Connection, tenant: str, card: str) -> IssuedCard | None:
    """The card this service issued to that tenant under that UUID; None for any other."""
    call, shown = calls_table.c, shown_table.c
    query = (
        select(shown_table, call.tenant, call.issuer, call.patient, call.user, call.service)
        .join_from(shown_table, calls_table, shown.call == call.call)
        .where(shown.card == card, call.tenant == tenant)
    )
    rows = conn.execute(query).all()
    if not rows:
        return None
    first = rows[0]
    findings = tuple(
        ShownFinding(
            r.card,
            r.finding,
            r.code,
            r.severity,
            r.rule,
            r.fingerprint,
            r.firing,
            r.context,
            r.order_key,
            "",
        )
        for r in rows
    )
    return IssuedCard(
        first.call,
        first.tenant,
        first.issuer,
        first.patient,
        first.user,
        first.service,
        findings,
    )


def record_feedback(
    conn: Connection, vault: Vault, tenant: str, feedback: Feedback, at: datetime
) -> bool:
    """Keep one answer; False when the same (card, time) is already kept, and nothing changed."""
    comment = vault.seal(feedback.comment.encode(), feedback.card) if feedback.comment else None
    rows = _FEEDBACK[conn.dialect.name].run(
        conn,
        card=feedback.card,
        outcome_at=feedback.outcome_at,
        received=_stamp(at),
        tenant=tenant,
        outcome=feedback.outcome,
        reason=feedback.reason,
        suggestions=feedback.suggestions,
        comment=comment,
    )
    return bool(rows.rowcount == 1)


def put_snooze(
    conn: Connection, tenant: str, issuer: str, patient: str, user: str, snooze: Snooze
) -> None:
    """Set the finding aside for that user and patient, in place of an older snooze of the same."""
    _PUT_SNOOZE[conn.dialect.name].run(
        conn,
        tenant=tenant,
        issuer=issuer,
        patient=patient,
        user=user,
        finding=snooze.finding,
        order_key=snooze.order_key,
        severity=snooze.severity,
        fingerprint=snooze.fingerprint,
        firing=snooze.firing,
        context=snooze.context,
        reason=snooze.reason,
        since=_stamp(snooze.since),
        until=_stamp(snooze.until),
    )


def snoozes_of(
    conn: schema.Executor, tenant: str, issuer: str, patient: str, user: str, now: datetime
) -> tuple[Snooze, ...]:
    """What this user set aside for this patient and has not run out."""
    rows = _SNOOZES.run(
        conn, tenant=tenant, issuer=issuer, patient=patient, user=user, now=_stamp(now)
    ).fetchall()
    return tuple(_snooze(row) for row in rows)


def snoozes_shown(ledger: Ledger, issuer: str, patient: str, now: datetime) -> tuple[Snooze, ...]:
    """Every running snooze of this patient, of any user, newest first: the dashboard shows them."""
    row = snooze_table.c
    query = (
        select(*_SNOOZE_COLUMNS)
        .where(row.issuer == issuer, row.patient == patient, row.until > _stamp(now))
        .order_by(row.since.desc())
    )
    with ledger.reading() as conn:
        rows = conn.execute(query).all()
    return tuple(_snooze(row) for row in rows)


def _snooze(row: Any) -> Snooze:
    finding, order_key, severity, fingerprint, firing, context, reason, since, until = row
    return Snooze(
        finding,
        order_key,
        severity,
        fingerprint,
        firing,
        context,
        reason,
        _time(since),
        _time(until),
    )


def prune(ledger: Ledger, before: datetime, now: datetime) -> None:
    """Remove calls, shown findings and feedback older than `before`, and snoozes run out."""
    call, shown = calls_table.c, shown_table.c
    with ledger.transaction() as conn:
        old = conn.execute(select(call.call).where(call.at < _stamp(before))).scalars().all()
        for one in old:
            first, last = card_range(one)
            conn.execute(delete(shown_table).where(shown.card.between(first, last)))
        conn.execute(delete(calls_table).where(call.at < _stamp(before)))
        conn.execute(delete(feedback_table).where(feedback_table.c.received < _stamp(before)))
        conn.execute(delete(snooze_table).where(snooze_table.c.until <= _stamp(now)))


def card_range(call: str) -> tuple[str, str]:
    """The first and last UUID that a card of this call can have: its last two digits vary."""
    return call[:-2] + "00", call[:-2] + "ff"


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
