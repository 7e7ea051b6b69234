"""The audit chain: who did what, when; each row vouches for all rows before it.

A row's hash is SHA-256 over the previous row's hash and the row's canonical JSON. Changing,
removing or inserting a row breaks every link after it. Cutting off the newest rows leaves a
shorter but whole chain: that shows only against a head noted elsewhere (`verify(expected_head=)`).
Retention removes the oldest rows and says so in the chain, with the hash it starts from then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Connection,
    Integer,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
    text,
)

from smartapp.errors import LedgerError
from smartapp.ledger import schema
from smartapp.ledger.store import Ledger

GENESIS = "0" * 64
_LOCK = 0x48504702  # PostgreSQL advisory lock: one writer of the chain at a time

# Kinds; another room may add its own.
CHART_OPENED = "chart-opened"
CHART_CLOSED = "chart-closed"
PATIENTS_LISTED = "patients-listed"
FINDINGS_SHOWN = "findings-shown"
HOOK_ANSWERED = "hook-answered"
FEEDBACK = "feedback"
LAUNCH_REFUSED = "launch-refused"
PRUNED = "audit-pruned"

audit_table = Table(
    "audit",
    schema.metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
    Column("hash", String, nullable=False),
)
_row = audit_table.c

_HEAD = schema.Statement(text("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1"))
_INSERT = schema.Statement(insert(audit_table))
_canonical = msgspec.json.Encoder(order="deterministic").encode


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that happened. `who` is the fhirUser (or the CDS client), None when unknown.

    `detail` holds what the kind needs (versions, finding ids, counts) as plain JSON values: never
    a token, a result value or a name.
    """

    kind: str
    at: datetime
    who: str | None = None
    patient: str | None = None
    issuer: str | None = None
    launch: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The first row that does not fit: `seq` (0: before the first row) and why."""

    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What `verify` found. `first` and `last` are row numbers (0 and 0 for an empty chain)."""

    count: int
    first: int
    last: int
    head: str
    broken: BrokenLink | None

    @property
    def ok(self) -> bool:
        return self.broken is None


def append(conn: schema.Executor, event: AuditEvent) -> None:
    """Add `event` to the chain inside the caller's transaction (`Ledger.transaction`).

    The row is durable exactly when the caller's other rows are.
    """
    take_turn(conn)
    seq, previous = _head(conn)
    at = _stamp(event.at)
    body = _canonical(
        {
            "seq": seq + 1,
            "at": at,
            "kind": event.kind,
            "who": event.who,
            "patient": event.patient,
            "issuer": event.issuer,
            "launch": event.launch,
            "detail": event.detail,
        }
    )
    _INSERT.run(
        conn,
        seq=seq + 1,
        at=at,
        kind=event.kind,
        body=body.decode(),
        hash=_link(previous, body),
    )


def take_turn(conn: schema.Executor) -> None:
    """Hold the chain until the caller's transaction ends; others who append wait for that.

    `append` does it. A transaction that goes on to write other rows after its first event begins
    with it, so that no two such wait for each other.
    """
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def prune(ledger: Ledger, before: datetime, at: datetime) -> int:
    """Remove the rows older than `before` (retention); returns how many.

    The chain keeps a row that names the last removed one and its hash, so it still verifies.
    """
    with ledger.transaction() as conn:
        take_turn(conn)
        kept = conn.execute(select(func.min(_row.seq)).where(_row.at >= _stamp(before))).scalar()
        first = conn.execute(select(func.min(_row.seq))).scalar()
        through = _head(conn)[0] if kept is None else kept - 1
        if first is None or through < first:
            return 0
        anchor = conn.execute(select(_row.hash).where(_row.seq == through)).scalar_one()
        append(conn, AuditEvent(kind=PRUNED, at=at, detail={"through": through, "hash": anchor}))
        return conn.execute(delete(audit_table).where(_row.seq <= through)).rowcount


def verify(ledger: Ledger, expected_head: str | None = None) -> AuditReport:
    """Walk the whole chain and name the first broken link.

    With `expected_head` (a head noted earlier, elsewhere) the chain must also still contain it, so
    that rows cut off at the end are seen.
    """
    with ledger.reading() as conn:
        report, seen = _walk(conn, expected_head)
    if report.ok and expected_head is not None and not seen:
        broken = BrokenLink(report.last, "the noted head is not in the chain: rows after were cut")
        return AuditReport(report.count, report.first, report.last, report.head, broken)
    return report


def _walk(conn: Connection, expected_head: str | None) -> tuple[AuditReport, bool]:
    count, first, last, previous, seen = 0, 0, 0, GENESIS, expected_head == GENESIS
    for row in conn.execution_options(yield_per=500).execute(
        select(audit_table).order_by(_row.seq)
    ):
        if count == 0:
            first = row.seq
            if first != 1:
                anchor = _anchor(conn, first - 1)
                if anchor is None:
                    broken = BrokenLink(first, "the rows before it are gone without a record")
                    return AuditReport(0, first, 0, previous, broken), seen
                previous, last = anchor, first - 1
                seen = seen or anchor == expected_head
        reason = _fault(row, last + 1, previous)
        if reason is not None:
            return AuditReport(count, first, last, previous, BrokenLink(row.seq, reason)), seen
        count, last, previous = count + 1, row.seq, row.hash
        seen = seen or row.hash == expected_head
    return AuditReport(count, first, last, previous, None), seen


def _fault(row: Any, expected_seq: int, previous: str) -> str | None:
    if row.seq != expected_seq:
        return f"row {expected_seq} is missing"
    if _link(previous, row.body.encode()) != row.hash:
        return "its content or the row before it was changed"
    body = msgspec.json.decode(row.body)
    if (body["seq"], body["at"], body["kind"]) != (row.seq, row.at, row.kind):
        return "its columns were changed"
    return None


def _anchor(conn: Connection, through: int) -> str | None:
    """The hash that the chain says row `through` had when retention removed it."""
    query = select(_row.body).where(_row.kind == PRUNED).order_by(_row.seq.desc()).limit(1)
    body = conn.execute(query).scalar()
    if body is None:
        return None
    detail = msgspec.json.decode(body)["detail"]
    return str(detail["hash"]) if detail["through"] == through else None


def _head(conn: schema.Executor) -> tuple[int, str]:
    row = _HEAD.run(conn).fetchone()
    return (0, GENESIS) if row is None else (row[0], row[1])


def _link(previous: str, body: bytes) -> str:
    return hashlib.sha256(previous.encode() + body).hexdigest()


def _stamp(at: datetime) -> str:
    if at.tzinfo is None:
        raise LedgerError("An audit event needs a time with its zone.")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
