"""Opening the store: what is refused, and what two processes with eight threads each may do."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from sqlalchemy import insert

from smartapp.errors import ConfigError, LedgerError
from smartapp.ledger import Ledger, audit, launches, open_ledger
from smartapp.settings import Settings

A_STATE = {"state": "a", "browser": "b", "expires": 1, "payload": b"0"}


def test_opening_twice_keeps_what_was_there(settings: Settings) -> None:
    first = open_ledger(settings)
    with first.transaction() as conn:
        conn.execute(insert(launches.states).values(A_STATE))
    with open_ledger(settings).reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM launch_state").scalar() == 1


def test_no_keys_are_needed_in_the_demo_only(tmp_path: Path) -> None:
    open_ledger(Settings(home_dir=tmp_path, demo=True))
    with pytest.raises(ConfigError, match="SECRET_KEYS"):
        open_ledger(Settings(home_dir=tmp_path))


def test_a_database_of_another_version_is_left_alone(settings: Settings) -> None:
    with open_ledger(settings).transaction() as conn:
        conn.exec_driver_sql("UPDATE ledger_version SET version = 99")
    with pytest.raises(LedgerError, match="schema 99"):
        open_ledger(settings)


def test_an_error_says_nothing_of_the_values(ledger: Ledger) -> None:
    with pytest.raises(LedgerError) as caught, ledger.transaction() as conn:
        conn.execute(insert(launches.states).values(A_STATE | {"state": "Patient/1"}))
        conn.execute(insert(launches.states).values(A_STATE | {"state": "Patient/1"}))
    chain = f"{caught.value} {caught.value.__cause__}"
    assert "Patient/1" not in chain


def test_a_reader_sees_one_state_and_holds_nobody_up(ledger: Ledger) -> None:
    with ledger.reading() as before:
        assert before.exec_driver_sql("SELECT count(*) FROM launch_state").scalar() == 0
        with ledger.transaction() as conn:
            conn.execute(insert(launches.states).values(A_STATE))
        assert before.exec_driver_sql("SELECT count(*) FROM launch_state").scalar() == 0


ROUNDS = 200
WORKER = textwrap.dedent(
    """
    import json, sys, threading
    from datetime import UTC, datetime, timedelta
    from pathlib import Path
    from smartapp.ledger import AuditEvent, Launches, audit, open_ledger
    from smartapp.settings import Settings

    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    home, place, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    keys = ("k" * 40,)
    ledger = open_ledger(Settings(home_dir=home, database_url=place, secret_keys=keys))
    launches = Launches(ledger)
    won, leased, wrong, lock = [], [], [], threading.Lock()
    sys.stdout.write("ready\\n"); sys.stdout.flush(); sys.stdin.readline()

    def work():
        try:
            for n in range(rounds):
                taken = launches.take_state(f"state-{n}", now)
                if taken is not None:
                    with ledger.transaction() as conn:
                        audit.append(conn, AuditEvent(kind="feedback", at=now))
                    with lock:
                        won.append(n)
                at = now + timedelta(minutes=n)
                if launches.lease("L1", at, timedelta(seconds=30)) is not None:
                    with lock:
                        leased.append(n)
        except Exception as error:
            with lock:
                wrong.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(json.dumps({"won": won, "leased": leased, "wrong": wrong}))
    """
)


def test_two_processes_and_eight_threads_have_one_winner_a_round(
    ledger: Ledger, settings: Settings
) -> None:
    now = audit.datetime(2026, 11, 22, 12, 0, tzinfo=audit.UTC)
    store = launches.Launches(ledger)
    for n in range(ROUNDS):
        store.remember_state(f"state-{n}", "browser", b"payload", now)
    with ledger.transaction() as conn:
        store.start(conn, "L1", "browser", b"context", b"tokens", now)
    workers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                WORKER,
                str(settings.home_dir),
                settings.database_url,
                str(ROUNDS),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]

    assert [t["wrong"] for t in told] == [[], []]
    assert sorted(told[0]["won"] + told[1]["won"]) == list(range(ROUNDS))
    # A thread that lags may find an earlier minute already leased: never twice, perhaps not at all.
    leased = told[0]["leased"] + told[1]["leased"]
    assert len(leased) == len(set(leased))
    assert len(leased) > 0
    report = audit.verify(ledger)
    assert (report.ok, report.count) == (True, ROUNDS)


def test_readiness_tells_whether_the_store_answers(ledger: Ledger, settings: Settings) -> None:
    assert ledger.reachable()
    with ledger.transaction() as conn:
        conn.exec_driver_sql("DROP TABLE ledger_version")
    assert not ledger.reachable()
