"""The broom: a daemon thread that deletes what is over, whether or not anyone calls.

Start it after the fork, in the process that serves; one per process is harmless, several sweep the
same rows and delete them once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from smartapp.errors import LedgerError
from smartapp.ledger import audit, cards, replay
from smartapp.ledger.launches import Launches
from smartapp.ledger.store import Ledger

_log = logging.getLogger("smartapp.ledger")


def start_sweeper(
    ledger: Ledger,
    clock: Callable[[], datetime],
    *,
    retention: timedelta,
    every_s: float = 60.0,
) -> Callable[[], None]:
    """Sweep ended launches now and every `every_s` seconds; returns what stops it.

    Audit rows, hook calls with the findings they showed, and feedback older than `retention` go
    with it, and snoozes and used tokens that have run out. A store that cannot be reached is logged
    and tried again.
    """
    stop = threading.Event()
    launches = Launches(ledger)

    def work() -> None:
        while True:
            try:
                now = clock()
                launches.sweep(now)
                audit.prune(ledger, now - retention, now)
                cards.prune(ledger, now - retention, now)
                replay.prune(ledger, now)
            except LedgerError as error:
                _log.warning("sweep failed: %s", error.public)
            if stop.wait(every_s):
                return

    thread = threading.Thread(target=work, name="hpg-sweeper", daemon=True)
    thread.start()

    def stop_and_wait() -> None:
        stop.set()
        thread.join(timeout=10)

    return stop_and_wait
