"""The audit chain: whole when untouched, and it names the link that was touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smartapp.errors import LedgerError
from smartapp.ledger import AuditEvent, Ledger, audit

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def write(ledger: Ledger, rows: int, *, start: datetime = NOON) -> None:
    with ledger.transaction() as conn:
        for n in range(rows):
            audit.append(
                conn,
                AuditEvent(
                    kind=audit.CHART_OPENED,
                    at=start + timedelta(days=n),
                    who="Practitioner/ä7",
                    patient=f"Patient/{n}",
                    issuer="https://ehr.example/fhir",
                    launch="L1",
                    detail={"protocol": "aua 1", "findings": ["a", "b"]},
                ),
            )


def tamper(ledger: Ledger, sql: str) -> None:
    with ledger.transaction() as conn:
        conn.exec_driver_sql(sql)


def test_an_untouched_chain_is_whole(ledger: Ledger) -> None:
    assert audit.verify(ledger).ok
    write(ledger, 5)
    report = audit.verify(ledger)
    assert (report.ok, report.count, report.first, report.last) == (True, 5, 1, 5)


@pytest.mark.parametrize(
    ("sql", "seq", "reason"),
    [
        ("UPDATE audit SET body = replace(body, 'Patient/2', 'Patient/9')", 3, "changed"),
        ("UPDATE audit SET kind = 'feedback' WHERE seq = 4", 4, "columns"),
        ("UPDATE audit SET at = '2020' WHERE seq = 2", 2, "columns"),
        ("UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 2", 2, "changed"),
        ("DELETE FROM audit WHERE seq = 3", 4, "row 3 is missing"),
        ("DELETE FROM audit WHERE seq <= 2", 3, "gone without a record"),
    ],
)
def test_the_first_broken_link_is_named(ledger: Ledger, sql: str, seq: int, reason: str) -> None:
    write(ledger, 5)
    tamper(ledger, sql)
    broken = audit.verify(ledger).broken
    assert broken is not None
    assert broken.seq == seq
    assert reason in broken.reason


def test_rows_cut_off_at_the_end_show_against_a_noted_head(ledger: Ledger) -> None:
    write(ledger, 5)
    noted = audit.verify(ledger).head
    write(ledger, 2)
    assert audit.verify(ledger, noted).ok
    tamper(ledger, "DELETE FROM audit WHERE seq >= 5")
    assert audit.verify(ledger).ok
    broken = audit.verify(ledger, noted).broken
    assert broken is not None
    assert "cut" in broken.reason


def test_retention_removes_old_rows_and_the_chain_still_holds(ledger: Ledger) -> None:
    write(ledger, 6)
    later = NOON + timedelta(days=10)
    assert audit.prune(ledger, NOON + timedelta(days=3), later) == 3
    assert audit.prune(ledger, NOON + timedelta(days=3), later) == 0
    report = audit.verify(ledger)
    assert (report.ok, report.first, report.last, report.count) == (True, 4, 7, 4)
    assert audit.prune(ledger, NOON + timedelta(days=5), later) == 2
    assert audit.verify(ledger).ok
    tamper(ledger, "DELETE FROM audit WHERE seq = 6")
    assert not audit.verify(ledger).ok


def test_retention_may_empty_the_chain_but_for_its_own_record(ledger: Ledger) -> None:
    write(ledger, 3)
    later = NOON + timedelta(days=100)
    assert audit.prune(ledger, later, later) == 3
    report = audit.verify(ledger)
    assert (report.ok, report.count, report.first) == (True, 1, 4)
    write(ledger, 1, start=later)
    assert audit.verify(ledger).ok


def test_an_event_lives_and_dies_with_its_transaction(ledger: Ledger) -> None:
    write(ledger, 1)

    def failing_work() -> None:
        with ledger.transaction() as conn:
            audit.append(conn, AuditEvent(kind="feedback", at=NOON))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing_work()
    assert audit.verify(ledger).count == 1


def test_a_time_without_zone_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError), ledger.transaction() as conn:
        audit.append(conn, AuditEvent(kind="feedback", at=NOON.replace(tzinfo=None)))
