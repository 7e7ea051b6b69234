"""Key sets under many threads: one asks, nobody waits who need not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from smartapp.jose import KeySets, Unreadable, keysets
from smartapp.jose.documents import Document

URL = "https://ehr.example/jwks.json"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Server:
    """Publishes keys, slowly if told so, and counts who asks."""

    def __init__(self) -> None:
        self.kids = ["one"]
        self.asked = 0
        self.wait = threading.Event()
        self.wait.set()
        self.entered = threading.Event()
        self.down = False

    def __call__(self, url: str, timeout_s: float, *, max_bytes: int) -> Document:
        self.asked += 1
        kids = list(self.kids)
        self.entered.set()
        assert self.wait.wait(5)
        if self.down:
            raise Unreadable("no connection")
        return Document({"keys": [{**KEY, "kid": kid} for kid in kids]}, None)


KEY = ECKey.generate_key("P-256").as_dict(private=False)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    made = Server()
    monkeypatch.setattr(keysets, "fetch_document", made)
    yield made
    made.wait.set()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sets(server: Server, clock: Clock) -> KeySets:
    return KeySets(2.0, clock)


def many(work: Callable[[], Any], count: int = 8) -> tuple[list[threading.Thread], list[Any]]:
    got: list[Any] = []

    def one() -> None:
        try:
            got.append(work())
        except Unreadable as error:
            got.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads, got


@pytest.mark.clause("A13.12")
def test_a_set_is_read_once_for_all_who_wait_for_it(server: Server, sets: KeySets) -> None:
    server.wait.clear()
    threads, got = many(lambda: len(sets.fitting(URL, "ES256", "one")))
    assert server.entered.wait(5)
    time.sleep(0.05)
    server.wait.set()
    for thread in threads:
        thread.join()
    assert got == [1] * 8
    assert server.asked == 1


@pytest.mark.clause("A13.12")
def test_an_old_set_serves_while_a_new_one_is_on_its_way(
    server: Server, sets: KeySets, clock: Clock
) -> None:
    sets.keys(URL)
    clock.now += timedelta(hours=2)
    server.entered.clear()
    server.wait.clear()
    threads, _ = many(lambda: sets.keys(URL), 1)
    assert server.entered.wait(5)
    started = time.monotonic()
    assert len(sets.keys(URL)) == 1
    assert time.monotonic() - started < 1
    server.wait.set()
    threads[0].join()
    assert server.asked == 2


@pytest.mark.clause("A13.12")
def test_whoever_has_a_new_key_waits_for_the_set_that_holds_it(
    server: Server, sets: KeySets
) -> None:
    sets.keys(URL)
    server.kids = ["two"]
    server.entered.clear()
    server.wait.clear()
    threads, got = many(lambda: len(sets.fitting(URL, "ES256", "two")))
    assert server.entered.wait(5)
    time.sleep(0.05)
    server.wait.set()
    for thread in threads:
        thread.join()
    assert got == [1] * 8
    assert server.asked == 2


@pytest.mark.clause("A13.12")
def test_a_server_that_is_down_is_asked_now_and_then(
    server: Server, sets: KeySets, clock: Clock
) -> None:
    server.down = True
    threads, got = many(lambda: sets.keys(URL))
    for thread in threads:
        thread.join()
    assert got == ["no connection"] * 8
    assert server.asked == 1
    clock.now += keysets.RETRY_AFTER
    server.down = False
    assert len(sets.keys(URL)) == 1


@pytest.mark.parametrize("known", [False, True])
def test_a_server_that_never_ends_its_answer_holds_one_thread_and_no_other(
    server: Server, clock: Clock, known: bool
) -> None:
    """Anyone can name a registered client and an unknown key: they must not use up the threads."""
    sets = KeySets(0.05, clock)
    if known:
        sets.keys(URL)
        clock.now += keysets.COOL_DOWN
        server.entered.clear()
    server.wait.clear()
    stuck = threading.Thread(target=lambda: sets.keys(URL, again=True))
    stuck.start()
    assert server.entered.wait(5)
    started = time.monotonic()
    if known:
        assert sets.fitting(URL, "ES256", "two") == ()
        assert len(sets.fitting(URL, "ES256", "one")) == 1
    else:
        with pytest.raises(Unreadable, match="another request"):
            sets.keys(URL)
    assert time.monotonic() - started < 2
    server.wait.set()
    stuck.join()


def test_many_addresses_do_not_fill_the_memory(server: Server, sets: KeySets) -> None:
    for n in range(300):
        sets.keys(f"https://ehr.example/{n}")
    assert len(sets._places) <= 100
