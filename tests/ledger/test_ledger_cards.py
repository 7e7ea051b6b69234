"""What was shown and answered: kept whole, found again, and gone when its time is over."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from smartapp.errors import LedgerError
from smartapp.ledger import Ledger, cards, start_sweeper
from smartapp.ledger.cards import Feedback, HookCall, ShownFinding, Snooze

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PLACE = ("tenant", "https://ehr.example/fhir", "p1", "Practitioner/1")


def show(ledger: Ledger, *findings: str, at: datetime = NOON, summary: str = "Said so") -> str:
    """One call with one card that shows the findings; the card's UUID."""
    call = str(uuid4())
    card = call[:-2] + "00"
    tenant, issuer, patient, user = PLACE
    with ledger.writing() as conn:
        cards.record_call(
            conn,
            ledger.vault,
            HookCall(call, at, tenant, issuer, patient, user, "s", "h", None, "aua 1", 1),
            [
                ShownFinding(card, f, "code", "info", "R", "fp", "fi", "cx", None, summary)
                for f in findings
            ],
        )
    return card


def count(ledger: Ledger, table: str) -> int:
    with ledger.reading() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def test_the_newest_card_that_showed_a_finding_is_found(ledger: Ledger) -> None:
    show(ledger, "f1", summary="older")
    newest = show(ledger, "f1", "f2", at=NOON + timedelta(hours=1), summary="newer")
    row = cards.last_shown(ledger, PLACE[1], "p1", "f1")
    assert row is not None
    assert (row.card, row.summary, row.shown_at) == (newest, "newer", NOON + timedelta(hours=1))
    assert cards.last_shown(ledger, "https://other.example", "p1", "f1") is None
    assert cards.last_shown(ledger, PLACE[1], "p2", "f1") is None


def test_a_card_belongs_to_the_tenant_it_was_issued_to(ledger: Ledger) -> None:
    card = show(ledger, "f1", "f2")
    with ledger.reading() as conn:
        issued = cards.issued_card(conn, "tenant", card)
        assert issued is not None
        assert {f.finding for f in issued.findings} == {"f1", "f2"}
        assert cards.issued_card(conn, "another", card) is None


def test_a_snooze_is_put_in_place_of_an_older_one_and_runs_out(ledger: Ledger) -> None:
    for reason in ("will-monitor", "data-wrong"):
        until = NOON + timedelta(days=1)
        one = Snooze("f1", "", "info", "fp", "fi", "cx", reason, NOON, until)
        with ledger.transaction() as conn:
            cards.put_snooze(conn, *PLACE, one)
    with ledger.reading() as conn:
        (found,) = cards.snoozes_of(conn, *PLACE, NOON)
        assert found.reason == "data-wrong"
        assert cards.snoozes_of(conn, *PLACE, NOON + timedelta(days=2)) == ()
    assert cards.snoozes_shown(ledger, PLACE[1], "p1", NOON) == (found,)
    assert cards.snoozes_shown(ledger, PLACE[1], "p2", NOON) == ()


def test_what_is_older_than_the_retention_goes_and_the_rest_stays(ledger: Ledger) -> None:
    old = show(ledger, "f1", "f2")
    show(ledger, "f1", at=NOON + timedelta(days=9))
    with ledger.transaction() as conn:
        answer = Feedback(old, "2026-11-22T12:00:00Z", "overridden", None, None, None)
        assert cards.record_feedback(conn, ledger.vault, "tenant", answer, NOON)
    cards.prune(ledger, NOON + timedelta(days=1), NOON)
    assert (count(ledger, "hook_call"), count(ledger, "shown_finding")) == (1, 1)
    assert count(ledger, "feedback") == 0


def test_the_sweeper_sweeps_cards_too(ledger: Ledger) -> None:
    show(ledger, "f1")
    later = NOON + timedelta(days=400)
    swept = threading.Event()

    def clock() -> datetime:
        if swept.is_set():
            done.set()
        swept.set()
        return later

    done = threading.Event()
    stop = start_sweeper(ledger, clock, retention=timedelta(days=365), every_s=0.01)
    assert done.wait(5)
    stop()
    assert count(ledger, "hook_call") == 0


def test_a_call_is_kept_whole_or_not_at_all(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError), ledger.writing() as conn:
        tenant, issuer, patient, user = PLACE
        call = HookCall("c", NOON, tenant, issuer, patient, user, "s", "h", None, "aua 1", 0)
        cards.record_call(conn, ledger.vault, call, [])
        raise RuntimeError
    assert count(ledger, "hook_call") == 0


def test_a_refused_statement_is_a_ledger_error_and_the_ledger_goes_on(ledger: Ledger) -> None:
    with pytest.raises(LedgerError), ledger.writing() as conn:
        conn.exec_driver_sql("INSERT INTO nowhere VALUES (1)")
    show(ledger, "f1")
    assert count(ledger, "hook_call") == 1


def test_eight_threads_write_in_turn(ledger: Ledger) -> None:
    threads = [
        threading.Thread(target=lambda: [show(ledger, "f") for _ in range(20)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(ledger, "hook_call") == 160
