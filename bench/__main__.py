"""`python -m bench`: this service against its floors, in interleaved rounds on one machine.

BENCH_ROUNDS (default 5) enlarges it; PEERS=1 adds the peer. Nothing of it is part of the product.
"""

from __future__ import annotations

import itertools
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

from bench import peers
from bench.bodies import bodies
from bench.check import assess_body, differences
from bench.engine import print_engine
from bench.load import Round, drive
from bench.report import Figures, figures, table
from bench.servers import Server, running
from bench.signed import print_signed
from smartapp.cds.cards import arrange
from smartapp.knowledge import Knowledge, load

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
REQUESTS = {50: 300, 500: 40}
CLIENTS = (1, 8)
SAMPLE = 5

# The aims, in one run at 50 Observations and one client.
MOST_OVER_BARE = 2.4
MOST_OVER_WRITING = 1.5
MOST_TAIL = 5.0


def main() -> int:
    """Print every figure; 1 when a sampled answer is not what `assess` says on the same data."""
    knowledge = load()
    findings = _usual_findings(knowledge)
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, one worker a server, "
        f"{ROUNDS} interleaved rounds, {findings} findings a call, every body new"
    )
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="hpg-bench-") as home, ExitStack() as stack:
        servers = [stack.enter_context(s) for s in _targets(Path(home), findings)]
        for size, clients in itertools.product(REQUESTS, CLIENTS):
            rows = _setting(servers, size, clients, knowledge, wrong)
            title = f"\npatient-view, {size} Observations, {clients} client(s)"
            print(table(title, rows))
            if (size, clients) == (50, 1):
                _print_aims(rows)
        print_signed(Path(home) / "signed", ROUNDS)
    print(f"\nassessments a second in one process: {_assessments(knowledge):.0f}")
    print_engine(knowledge)
    print(f"\nanswers compared with assess: {len(wrong)} differ")
    for line in wrong:
        print("  " + line)
    return 1 if wrong else 0


def _targets(home: Path, findings: int) -> Iterator[AbstractContextManager[Server]]:
    """Context managers of all servers: floors first, then this service, then the peer."""
    ours = "smartapp.serve:application"
    yield running("floor: bare Flask", "bench.floors:bare")
    yield running(
        "floor: with ledger rows",
        "bench.floors:writing",
        env={**_settings(home / "floor"), "BENCH_FINDINGS": str(findings)},
    )
    yield running("this service, granian", ours, env=_settings(home / "granian"))
    yield running(
        "this service, gunicorn", ours, server="gunicorn", env=_settings(home / "gunicorn")
    )
    if peers.wanted():
        yield running(
            "peer: HealthChain, empty",
            "hpg_peer:app",
            server="uvicorn",
            python=peers.interpreter(),
            env=peers.environment(),
            path=peers.PATH,
        )


def _settings(home: Path) -> dict[str, str]:
    home.mkdir(parents=True)
    return {
        "SMARTAPP_HOME_DIR": str(home),
        "SMARTAPP_SECRET_KEYS": "b" * 40,
        "SMARTAPP_CDS_AUTH": "optional",
        "SMARTAPP_LOG_LEVEL": "WARNING",
    }


def _setting(
    servers: list[Server], size: int, clients: int, knowledge: Knowledge, wrong: list[str]
) -> list[Figures]:
    """All rounds of one setting. Each server gets the same bodies in a round, in turn."""
    stream = bodies(size, seed=size * 100 + clients)
    rounds: dict[str, list[Round]] = {server.name: [] for server in servers}
    for server in servers:
        drive(server, list(itertools.islice(stream, 20)), clients)
    for number in range(ROUNDS):
        sent = list(itertools.islice(stream, REQUESTS[size]))
        turn = number % len(servers)
        for server in [*servers[turn:], *servers[:turn]]:
            one = drive(server, sent, clients, keep=SAMPLE)
            rounds[server.name].append(one)
            if server.name.startswith("this service"):
                wrong += differences(sent[:SAMPLE], one.answers, knowledge)
    return [figures(name, done) for name, done in rounds.items()]


def _usual_findings(knowledge: Knowledge) -> int:
    """How many findings a call's cards usually hold: the writing floor keeps as many rows."""
    now = datetime.now(UTC)
    counts = []
    for body in itertools.islice(bodies(50, seed=3), 40):
        judged = assess_body(body, knowledge, now).findings
        counts.append(sum(len(g) for g in arrange(f for f in judged if f.card)[0]))
    return round(sum(counts) / len(counts))


def _print_aims(rows: list[Figures]) -> None:
    bare, writing, ours = rows[0], rows[1], rows[2]
    for said, value, most in (
        ("CPU over the bare floor", ours.cpu_ms / bare.cpu_ms, MOST_OVER_BARE),
        ("CPU over the writing floor", ours.cpu_ms / writing.cpu_ms, MOST_OVER_WRITING),
        ("p99 over p50", ours.p99 / ours.p50, MOST_TAIL),
    ):
        print(f"  {said}: {value:.2f} (aim: at most {most}){'' if value <= most else '  MISSED'}")


def _assessments(knowledge: Knowledge) -> float:
    """Assessments a second of one process: reading, labs, record and engine, no server."""
    sent = list(itertools.islice(bodies(50, seed=11), 200))
    now = datetime.now(UTC)
    started = time.perf_counter()
    for body in sent:
        assess_body(body, knowledge, now)
    return len(sent) / (time.perf_counter() - started)


if __name__ == "__main__":
    sys.exit(main())
