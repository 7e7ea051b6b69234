"""Clients: each on its own kept connection, one call after another, every body sent once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.servers import Server


@dataclass(slots=True)
class Round:
    """What one round of one server showed. Times in milliseconds; `cpu_ms` is per request."""

    requests: int
    seconds: float
    cpu_ms: float
    latencies: list[float] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)


def drive(
    server: Server,
    bodies: Sequence[bytes],
    clients: int,
    *,
    keep: int = 0,
    tokens: Sequence[str] | None = None,
) -> Round:
    """Send every body once through `clients` connections; `keep` answers are kept, in order.

    `tokens` go with the bodies, one each. Refuses (RuntimeError) any answer that is not a 200.
    """
    signed = tokens or [None] * len(bodies)
    calls = [_request(server, body, token) for body, token in zip(bodies, signed, strict=True)]
    shares = [range(start, len(calls), clients) for start in range(clients)]
    latencies = [0.0] * len(calls)
    answers: dict[int, bytes] = {}
    failures: list[str] = []

    def work(share: range) -> None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=30) as link:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                reader = link.makefile("rb", 65536)
                for place in share:
                    started = time.perf_counter()
                    link.sendall(calls[place])
                    status, body = _answer(reader)
                    latencies[place] = (time.perf_counter() - started) * 1000
                    if status != 200:
                        raise RuntimeError(f"{server.name} answered {status}: {body[:300]!r}")
                    if place < keep:
                        answers[place] = body
        except (OSError, RuntimeError, ValueError) as error:
            failures.append(str(error))

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    before, started = server.cpu_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, spent = time.perf_counter() - started, server.cpu_seconds() - before
    if failures:
        raise RuntimeError(failures[0])
    return Round(
        len(calls),
        seconds,
        spent / len(calls) * 1000,
        latencies,
        [answers[place] for place in sorted(answers)],
    )


def _request(server: Server, body: bytes, token: str | None) -> bytes:
    signed = f"Authorization: Bearer {token}\r\n" if token else ""
    head = (
        f"POST {server.path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{signed}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _answer(reader: object) -> tuple[int, bytes]:
    readline, read = reader.readline, reader.read  # type: ignore[attr-defined]
    status = int(readline().split()[1])
    length = 0
    while (line := readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"transfer-encoding":
            raise ValueError("a chunked answer is not expected here")
    return status, read(length)
