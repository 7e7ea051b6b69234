"""Several at once, on one machine or on several: nobody undoes, doubles or waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from postgresql_cluster import Cluster
from sqlalchemy import insert, select

from smartapp.errors import LaunchExpired, LedgerError
from smartapp.ledger import AuditEvent, Launches, Ledger, audit, cards, engines, open_ledger
from smartapp.ledger.cards import HookCall, Snooze
from smartapp.ledger.launches import pages
from smartapp.settings import Settings

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LEAST = timedelta(minutes=1)
PLACE = ("tenant", "https://ehr.example/fhir", "p1", "Practitioner/1")


def at_once(work: Callable[[], object], times: int = 8) -> None:
    """Run `work` in so many threads, all begun together; the first exception is raised here."""
    gate = threading.Barrier(times)

    def one() -> None:
        gate.wait(10)
        work()

    with ThreadPoolExecutor(times) as pool:
        for done in [pool.submit(one) for _ in range(times)]:
            done.result(30)


def count(ledger: Ledger, table: str) -> int:
    with ledger.reading() as conn:
        return int(conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0)


def note(ledger: Ledger, at: datetime = NOON) -> None:
    with ledger.transaction() as conn:
        audit.append(conn, AuditEvent(kind="feedback", at=at, who="Practitioner/ä\x00"))


def test_all_may_start_on_an_empty_database(settings: Settings) -> None:
    at_once(lambda: open_ledger(settings).close(), 4)
    assert open_ledger(settings).reachable()


def test_the_chain_has_one_writer_at_a_time(ledger: Ledger) -> None:
    at_once(lambda: [note(ledger) for _ in range(5)])
    report = audit.verify(ledger)
    assert (report.ok, report.count) == (True, 40)


def test_brooms_of_several_machines_leave_a_chain_that_holds(ledger: Ledger) -> None:
    for days in range(12):
        note(ledger, NOON + timedelta(days=days))
    cuts = iter(range(1, 9))
    later = NOON + timedelta(days=99)
    at_once(lambda: audit.prune(ledger, NOON + timedelta(days=next(cuts)), later))
    report = audit.verify(ledger)
    assert report.ok, report.broken
    assert report.first == 9


def test_a_finding_set_aside_twice_at_once_is_set_aside_once(ledger: Ledger) -> None:
    until = NOON + timedelta(days=1)
    one = Snooze("f1", "", "info", "fp", "fi", "cx", "will-monitor", NOON, until)

    def put() -> None:
        for minute in range(5):
            with ledger.transaction() as conn:
                cards.put_snooze(conn, *PLACE, replace(one, until=until + minute * LEAST))

    at_once(put)
    (found,) = cards.snoozes_shown(ledger, PLACE[1], "p1", NOON)
    assert found.until == until + 4 * LEAST


def test_data_that_arrive_during_logout_go_with_the_launch(ledger: Ledger) -> None:
    launches = Launches(ledger)
    with ledger.transaction() as conn:
        launches.start(conn, "L1", "browser", b"context", None, NOON)
    launches.put_pages("L1", [("patient", b"{}")], [], NOON)
    over = threading.Event()

    def store() -> None:
        while not over.is_set():
            try:
                launches.put_pages("L1", [("patient", b"{}"), ("hormones", b"{}")], [], NOON)
            except LaunchExpired:
                return

    def end() -> None:
        with ledger.transaction() as conn:
            launches.end(conn, "L1")
        over.set()

    with ThreadPoolExecutor(5) as pool:
        storing = [pool.submit(store) for _ in range(4)]
        pool.submit(end).result(30)
        for one in storing:
            one.result(30)
    assert (count(ledger, "launch"), count(ledger, "launch_page")) == (0, 0)


def test_a_fetch_under_way_when_the_launch_ends_leaves_no_page(ledger: Ledger) -> None:
    launches = Launches(ledger)
    with ledger.transaction() as conn:
        launches.start(conn, "L1", "browser", b"context", None, NOON)

    def end() -> None:
        with ledger.transaction() as conn:
            launches.end(conn, "L1")

    with ThreadPoolExecutor(1) as pool:
        with ledger.transaction() as conn:
            # As `put_pages` goes about it, halted before its commit.
            conn.exec_driver_sql("UPDATE launch SET lease_until = 0 WHERE id = 'L1'")
            ending = pool.submit(end)
            with pytest.raises(TimeoutError):
                ending.result(0.2)
            conn.execute(insert(pages).values(launch="L1", n=0, name="patient", body=b"{}"))
        ending.result(10)
    assert (count(ledger, "launch"), count(ledger, "launch_page")) == (0, 0)


def test_who_waits_too_long_is_told_that_nothing_was_recorded(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 100)
    ledger = open_ledger(settings)
    other = open_ledger(settings)
    with ledger.transaction() as conn:
        audit.append(conn, AuditEvent(kind="feedback", at=NOON))
        begun = perf_counter()
        with pytest.raises(LedgerError, match="nothing was recorded"):
            note(other)
        assert perf_counter() - begun < 2
    note(other)
    assert audit.verify(ledger).count == 2


def test_what_a_caller_may_write_is_kept_on_either_database(ledger: Ledger) -> None:
    user = "Practitioner/ä\x00" + "x" * 5000
    call = HookCall(
        "c1", NOON, "tenant", "https://ehr.example", "p1", user, "s", "h", "e\x00", "aua 1", 0
    )
    with ledger.writing() as conn:
        cards.record_call(conn, ledger.vault, call, [])
    with ledger.transaction() as conn:
        assert cards.issued_card(conn, "tenant", "no\x00card") is None
    with ledger.reading() as conn:
        kept = conn.execute(select(cards.calls_table.c.user)).scalar_one()
    assert kept.replace("\ufffd", "\x00") == user
    note(ledger)
    assert audit.verify(ledger).ok


def test_two_batches_that_cross_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """Each goes on, after its first event, with the row that the other began with."""
    one = Snooze("f1", "", "info", "fp", "fi", "cx", None, NOON, NOON + timedelta(days=1))
    orders = iter([("f1", "f2"), ("f2", "f1")])

    def batches() -> None:
        order = next(orders)
        for _ in range(40):
            with ledger.transaction() as conn:
                audit.take_turn(conn)
                for finding in order:
                    cards.put_snooze(conn, *PLACE, replace(one, finding=finding))
                    audit.append(conn, AuditEvent(kind="feedback", at=NOON))

    at_once(batches, 2)
    assert audit.verify(ledger).count == 160


def test_a_server_that_was_started_anew_costs_no_call(
    cluster: Cluster, postgresql_settings: Settings
) -> None:
    ledger = open_ledger(postgresql_settings)
    note(ledger)
    cluster.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with ledger.writing() as conn:
        audit.append(conn, AuditEvent(kind="feedback", at=NOON))
    assert audit.verify(ledger).count == 2


def test_a_reader_cannot_write(postgresql_settings: Settings) -> None:
    ledger = open_ledger(postgresql_settings)
    with pytest.raises(LedgerError), ledger.reading() as conn:
        conn.exec_driver_sql("DELETE FROM audit")
    note(ledger)


def test_an_error_about_data_does_not_quote_them(postgresql_settings: Settings) -> None:
    ledger = open_ledger(postgresql_settings)
    for way in (ledger.transaction, ledger.writing, ledger.reading):
        with pytest.raises(LedgerError) as caught, way() as conn:
            conn.exec_driver_sql("SELECT 'Patient/1'::integer")
        assert "22P02" in str(caught.value.__cause__)
        assert "Patient/1" not in f"{caught.value} {caught.value.__cause__}"
