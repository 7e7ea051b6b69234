"""Tokens that were used: each may be used once, whichever worker it comes to.

A row is a digest and the time until which the token would be good; it says nothing of any patient.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import msgspec
from sqlalchemy import BigInteger, Column, LargeBinary, Table, bindparam, delete

from smartapp.ledger import schema
from smartapp.ledger.schema import Statement
from smartapp.ledger.store import Ledger

used_table = Table(
    "used_token",
    schema.metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

_USE = schema.insert_once(used_table)
_FORGET = Statement(delete(used_table).where(used_table.c.until <= bindparam("now")))


def first_use(ledger: Ledger, issuer: str, jti: str, until: datetime) -> bool:
    """Whether the token `jti` of `issuer` comes for the first time; it counts as used from now on.

    One insert against the unique key decides, so of any number of callers in any number of
    processes one hears True. `until` is when the token stops being good by itself. After a power
    failure (not a crash) SQLite may have forgotten the last moments' tokens: the insert is not
    worth a wait for the disk on every call. Refuses (LedgerError) when it cannot be written.
    """
    # Written as a list, so that no issuer and jti can run together into another pair.
    digest = hashlib.sha256(msgspec.json.encode([issuer, jti])).digest()
    with ledger.writing(durable=False) as conn:
        done = _USE[conn.dialect.name].run(conn, digest=digest, until=_whole_second(until))
        return bool(done.rowcount == 1)


def prune(ledger: Ledger, now: datetime) -> None:
    """Forget tokens that would no longer be good."""
    with ledger.transaction() as conn:
        _FORGET.run(conn, now=int(now.timestamp()))


def _whole_second(at: datetime) -> int:
    """Seconds since 1970, rounded up: forgotten late rather than early."""
    return int(at.astimezone(UTC).timestamp()) + 1
