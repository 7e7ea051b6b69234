"""A launch in the store: single use, one browser's, idle and whole life, nothing in clear."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smartapp.errors import LaunchExpired, LedgerError
from smartapp.ledger import Launches, Ledger, open_ledger, start_sweeper
from smartapp.ledger.cards import Feedback, HookCall, record_call, record_feedback
from smartapp.ledger.cards import ShownFinding as CardFinding
from smartapp.settings import Settings

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def launches(ledger: Ledger) -> Launches:
    return Launches(ledger)


def begin(launches: Launches, launch_id: str = "L1", browser: str = "browser-a") -> str:
    with launches.ledger.transaction() as conn:
        launches.start(conn, launch_id, browser, b"context of L1", b"secret-token", NOON)
    return launch_id


def test_a_state_is_taken_once(launches: Launches) -> None:
    launches.remember_state("st-1", "browser-a", b"verifier", NOON)
    taken = launches.take_state("st-1", NOON)
    assert taken is not None
    assert (taken.payload, taken.expired) == (b"verifier", False)
    assert taken.of_browser("browser-a")
    assert not taken.of_browser("browser-b")
    assert launches.take_state("st-1", NOON) is None


def test_an_old_state_says_that_it_is_expired(launches: Launches) -> None:
    launches.remember_state("st-1", "browser-a", b"verifier", NOON)
    taken = launches.take_state("st-1", NOON + 10 * MINUTE)
    assert taken is not None
    assert taken.expired


def test_another_browsers_launch_looks_like_none(launches: Launches) -> None:
    begin(launches)
    assert launches.find("L1", "browser-b", NOON) is None
    assert launches.find("L2", "browser-a", NOON) is None
    found = launches.find("L1", "browser-a", NOON)
    assert found is not None
    assert found.context == b"context of L1"


def test_a_used_launch_lives_on_and_an_idle_one_ends(launches: Launches) -> None:
    begin(launches)
    assert launches.find("L1", "browser-a", NOON + 14 * MINUTE) is not None
    assert launches.find("L1", "browser-a", NOON + 28 * MINUTE) is not None
    assert launches.find("L1", "browser-a", NOON + 43 * MINUTE) is None


def test_no_launch_outlives_eight_hours(launches: Launches) -> None:
    begin(launches)
    for step in range(1, 48):
        assert launches.find("L1", "browser-a", NOON + step * 10 * MINUTE) is not None
    assert launches.find("L1", "browser-a", NOON + 480 * MINUTE) is None


def test_pages_come_back_as_put_and_a_new_fetch_replaces_them(launches: Launches) -> None:
    begin(launches)
    assert launches.get_pages("L1") is None
    assert launches.newest_fetch("L1") == 0
    gap = ("Goal", "failed", "The server answered 403.")
    first = launches.put_pages(
        "L1", [("patient", b"{}"), ("hormones", b"[1]"), ("hormones", b"[2]")], [gap], NOON
    )
    stored = launches.get_pages("L1")
    assert stored is not None
    assert stored.pages == (("patient", b"{}"), ("hormones", b"[1]"), ("hormones", b"[2]"))
    assert stored.gaps == (gap,)
    assert (stored.fetch, stored.fetched_at) == (first, NOON)

    second = launches.put_pages("L1", [("patient", b"new")], [], NOON + MINUTE)
    assert second == first + 1 == launches.newest_fetch("L1")
    stored = launches.get_pages("L1")
    assert stored is not None
    assert stored.pages == (("patient", b"new"),)


def test_data_that_arrive_after_logout_are_not_kept(launches: Launches) -> None:
    begin(launches)
    with launches.ledger.transaction() as conn:
        assert launches.end(conn, "L1")
        assert not launches.end(conn, "L1")
    with pytest.raises(LaunchExpired):
        launches.put_pages("L1", [("patient", b"{}")], [], NOON)
    with pytest.raises(LaunchExpired):
        launches.get_pages("L1")
    with pytest.raises(LaunchExpired):
        launches.tokens("L1")
    with pytest.raises(LaunchExpired):
        launches.newest_fetch("L1")


def test_the_sweep_really_deletes(launches: Launches) -> None:
    begin(launches, "old")
    begin(launches, "young")
    launches.put_pages("old", [("patient", b"{}"), ("hormones", b"{}")], [], NOON)
    launches.put_pages("young", [("patient", b"{}")], [], NOON)
    launches.remember_state("st", "browser-a", b"v", NOON)
    assert launches.find("young", "browser-a", NOON + 10 * MINUTE) is not None

    swept = launches.sweep(NOON + 16 * MINUTE)

    assert (swept.states, swept.launches, swept.pages) == (1, 1, 2)
    with launches.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT id FROM launch").all() == [("young",)]
        assert conn.exec_driver_sql("SELECT launch FROM launch_page").all() == [("young",)]
        assert conn.exec_driver_sql("SELECT count(*) FROM launch_state").scalar() == 0


def test_the_sweeper_works_alone_and_stops(ledger: Ledger, launches: Launches) -> None:
    begin(launches)
    stop = start_sweeper(
        ledger, lambda: NOON + 60 * MINUTE, retention=timedelta(days=1), every_s=0.01
    )
    for _ in range(200):
        with ledger.reading() as conn:
            if conn.exec_driver_sql("SELECT count(*) FROM launch").scalar() == 0:
                break
        time.sleep(0.01)
    else:
        pytest.fail("the sweeper left an ended launch")
    stop()
    assert not [t for t in threading.enumerate() if t.name == "hpg-sweeper"]


def test_the_sweeper_keeps_no_call_and_no_card_beyond_its_retention(ledger: Ledger) -> None:
    for n, days in ((1, 30), (2, 2)):
        at = NOON - timedelta(days=days)
        call = HookCall(
            f"{n}0000000-0000-4000-8000-000000000000", at, "local", "https://ehr.example", "p1",
            "Practitioner/1", "hpg-patient-view", "i", None, "aua 1", 1,
        )  # fmt: skip
        shown = CardFinding(
            f"{call.call[:-2]}00", "f1", "hematocrit-high", "warning", "R-1", "x", "x", "x", None,
            "Hematocrit 55 %",
        )  # fmt: skip
        answer = Feedback(shown.card, "2026-11-22", "overridden", None, None, None)
        with ledger.transaction() as conn:
            record_call(conn, ledger.vault, call, [shown])
            record_feedback(conn, ledger.vault, "local", answer, at)

    stop = start_sweeper(ledger, lambda: NOON, retention=timedelta(days=7), every_s=0.01)
    for _ in range(200):
        counts = {}
        with ledger.reading() as conn:
            for table in ("hook_call", "shown_finding", "feedback"):
                counts[table] = conn.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar()
        if set(counts.values()) == {1}:
            break
        time.sleep(0.01)
    stop()
    assert counts == {"hook_call": 1, "shown_finding": 1, "feedback": 1}


def test_one_caller_at_a_time_may_refresh(launches: Launches) -> None:
    begin(launches)
    life = timedelta(seconds=30)
    lease = launches.lease("L1", NOON, life)
    assert lease is not None
    assert lease.tokens == b"secret-token"
    assert launches.lease("L1", NOON + timedelta(seconds=29), life) is None
    assert launches.finish(lease, b"next-token")
    assert launches.tokens("L1") == b"next-token"
    assert launches.lease("L1", NOON + timedelta(seconds=1), life) is not None


def test_a_lapsed_lease_cannot_overwrite_what_its_successor_stored(launches: Launches) -> None:
    begin(launches)
    life = timedelta(seconds=30)
    slow = launches.lease("L1", NOON, life)
    quick = launches.lease("L1", NOON + timedelta(seconds=31), life)
    assert slow is not None
    assert quick is not None
    assert launches.finish(quick, b"newest")
    assert not launches.finish(slow, b"older")
    assert launches.tokens("L1") == b"newest"


def test_nothing_secret_lies_in_clear_in_the_files(
    launches: Launches, settings: Settings, request: pytest.FixtureRequest
) -> None:
    launches.remember_state("state-in-clear", "browser-in-clear", b"verifier-in-clear", NOON)
    with launches.ledger.transaction() as conn:
        launches.start(conn, "L1", "browser-in-clear", b"context-in-clear", b"token-in-clear", NOON)
    launches.put_pages("L1", [("patient", b"page-in-clear")], [("x", "y", "gap-in-clear")], NOON)
    if settings.database_url:
        found = request.getfixturevalue("cluster").written()
    else:
        found = b"".join(path.read_bytes() for path in settings.home_dir.iterdir())
    assert b"L1" in found, "the files were not read"
    assert b"in-clear" not in found


def test_the_file_is_nobody_elses(sqlite_settings: Settings) -> None:
    with open_ledger(sqlite_settings).transaction() as conn:
        conn.exec_driver_sql("SELECT 1")
    modes = {p.name: p.stat().st_mode & 0o077 for p in sqlite_settings.home_dir.iterdir()}
    assert "ledger.sqlite3" in modes
    assert set(modes.values()) == {0}


def test_keys_rotate_and_a_dropped_key_says_so(settings: Settings) -> None:
    old, new = "o" * 32, "n" * 32

    def launches_with(*keys: str) -> Launches:
        return Launches(open_ledger(replace(settings, secret_keys=keys)))

    begin(launches_with(old))

    during = launches_with(new, old)
    assert during.tokens("L1") == b"secret-token"
    begin(during, "L2")

    after = launches_with(new)
    assert after.tokens("L2") == b"secret-token"
    with pytest.raises(LedgerError, match="SECRET_KEYS"):
        after.tokens("L1")


def test_a_secret_moved_to_another_row_does_not_open(launches: Launches) -> None:
    begin(launches, "L1")
    begin(launches, "L2")
    with launches.ledger.transaction() as conn:
        conn.exec_driver_sql(
            "UPDATE launch SET tokens = (SELECT tokens FROM launch WHERE id = 'L2'), "
            "data_key = (SELECT data_key FROM launch WHERE id = 'L2') WHERE id = 'L1'"
        )
    with pytest.raises(LedgerError, match="altered or moved"):
        launches.tokens("L1")
