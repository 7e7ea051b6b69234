"""A token is good once: in one process, in two, and until it would have run out anyway."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta

import pytest

from smartapp.errors import LedgerError
from smartapp.ledger import Ledger, replay
from smartapp.settings import Settings

EHR = "https://ehr.example"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
UNTIL = NOON + timedelta(minutes=5)


def rows(ledger: Ledger) -> int:
    with ledger.reading() as conn:
        return int(conn.exec_driver_sql("SELECT count(*) FROM used_token").scalar() or 0)


@pytest.mark.clause("A13.8")
def test_a_token_is_used_once(ledger: Ledger) -> None:
    assert replay.first_use(ledger, EHR, "a", UNTIL)
    assert not replay.first_use(ledger, EHR, "a", UNTIL)
    assert not replay.first_use(ledger, EHR, "a", UNTIL + timedelta(hours=1))


@pytest.mark.clause("A13.8")
def test_two_issuers_may_count_alike(ledger: Ledger) -> None:
    assert replay.first_use(ledger, EHR, "1", UNTIL)
    assert replay.first_use(ledger, "https://other.example", "1", UNTIL)
    # Nor do issuer and jti run together.
    assert replay.first_use(ledger, EHR + "/", "1", UNTIL)
    assert replay.first_use(ledger, EHR, "/1", UNTIL)


def test_it_is_forgotten_when_it_would_be_refused_anyway(ledger: Ledger) -> None:
    replay.first_use(ledger, EHR, "a", UNTIL)
    replay.prune(ledger, UNTIL - timedelta(seconds=1))
    assert rows(ledger) == 1
    replay.prune(ledger, UNTIL + timedelta(seconds=2))
    assert rows(ledger) == 0


def test_neither_the_issuer_nor_the_jti_is_kept_in_clear(ledger: Ledger) -> None:
    replay.first_use(ledger, EHR, "a-name-perhaps", UNTIL)
    with ledger.reading() as conn:
        kept = conn.exec_driver_sql("SELECT digest FROM used_token").scalar()
    assert isinstance(kept, bytes)
    assert len(kept) == 32


def test_a_store_that_is_gone_is_not_a_first_use(ledger: Ledger) -> None:
    with ledger.transaction() as conn:
        conn.exec_driver_sql("DROP TABLE used_token")
    with pytest.raises(LedgerError):
        replay.first_use(ledger, EHR, "a", UNTIL)


ROUNDS = 300
WORKER = textwrap.dedent(
    """
    import json, sys, threading
    from datetime import UTC, datetime
    from pathlib import Path
    from smartapp.ledger import open_ledger, replay
    from smartapp.settings import Settings

    until = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
    home, place, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    keys = ("k" * 40,)
    ledger = open_ledger(Settings(home_dir=home, database_url=place, secret_keys=keys))
    won = []
    print("ready", flush=True); sys.stdin.readline()

    def work():
        for n in range(rounds):
            if replay.first_use(ledger, "https://ehr.example", str(n), until):
                won.append(n)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads: t.start()
    for t in threads: t.join()
    print(json.dumps(won))
    """
)


@pytest.mark.clause("A13.8")
def test_of_two_processes_one_gets_the_token(ledger: Ledger, settings: Settings) -> None:
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
    assert sorted(told[0] + told[1]) == list(range(ROUNDS))
    assert rows(ledger) == ROUNDS
