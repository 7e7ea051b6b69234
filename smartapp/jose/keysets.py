"""Key sets of others, fetched and kept.

Whoever calls decides that an address may be asked: nothing here reads an address from a token.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from smartapp.jose.documents import Unreadable, fetch_document
from smartapp.jose.keys import PublicKey, read_key_set

# How long a set is kept (standards A13.12): as its server says, within these limits.
LEAST_AGE = timedelta(minutes=5)
USUAL_AGE = timedelta(hours=1)
MOST_AGE = timedelta(hours=24)
COOL_DOWN = timedelta(seconds=60)  # between two readings that an unknown `kid` asked for
RETRY_AFTER = timedelta(seconds=10)  # after a reading that failed
MOST_BYTES = 65_536
_CACHE_SIZE = 100  # where addresses come from discovery, none may fill the memory


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: tuple[PublicKey, ...]
    read_at: datetime
    fresh_until: datetime


@dataclass(slots=True)
class _Place:
    """One address. `reading` is held by the one thread that asks it."""

    reading: threading.Lock = field(default_factory=threading.Lock)
    kept: _Kept | None = None
    forced_at: datetime | None = None
    failed_at: datetime | None = None
    problem: str = ""


class KeySets:
    """The key sets this process has read. Safe between threads."""

    def __init__(self, timeout_s: float, clock: Callable[[], datetime]) -> None:
        self._timeout_s = timeout_s
        self._clock = clock
        self._places: dict[str, _Place] = {}
        self._making = threading.Lock()

    def fitting(self, url: str, algorithm: str, kid: str | None) -> tuple[PublicKey, ...]:
        """The keys at `url` that a signature by `algorithm` under `kid` may be of.

        A `kid` that is not there makes the set be read anew, at most once in `COOL_DOWN`: the
        other side may have changed its keys. Refuses (Unreadable) a set that cannot be had.
        """
        found = _fitting(self.keys(url), algorithm, kid)
        if found or kid is None:
            return found
        return _fitting(self.keys(url, again=True), algorithm, kid)

    def keys(self, url: str, *, again: bool = False) -> tuple[PublicKey, ...]:
        """The keys at `url`; `again` reads them anew, at most once in `COOL_DOWN`.

        One thread reads. While a set that has only grown old is read, the others use it; it also
        serves while its server is down, for `MOST_AGE` after it was read. Nobody waits longer than
        one reading may take. Refuses (Unreadable) a set that cannot be had.
        """
        place = self._place(url)
        now = self._clock()
        kept = place.kept
        if kept is not None and not again and now < kept.fresh_until:
            return kept.keys
        usable = kept is not None and now - kept.read_at < MOST_AGE
        # A new key may be in the set that another thread is reading: whoever needs one waits, but
        # not for a server that sends its answer letter by letter: it would hold every thread.
        waits = self._timeout_s if again or not usable else 0
        if not place.reading.acquire(timeout=waits):
            if kept is not None and usable:
                return kept.keys
            raise Unreadable("another request has not finished reading it")
        try:
            if place.kept is not kept and place.kept is not None:
                return place.kept.keys
            if again:
                if _recent(place.forced_at, now, COOL_DOWN) and kept is not None:
                    return kept.keys
                place.forced_at = now
            return self._read(url, place, kept if usable else None, now)
        finally:
            place.reading.release()

    def _read(
        self, url: str, place: _Place, old: _Kept | None, now: datetime
    ) -> tuple[PublicKey, ...]:
        if _recent(place.failed_at, now, RETRY_AFTER):
            if old is not None:
                return old.keys
            raise Unreadable(place.problem)
        try:
            document = fetch_document(url, self._timeout_s, max_bytes=MOST_BYTES)
        except Unreadable as error:
            place.failed_at, place.problem = now, str(error)
            if old is not None:
                return old.keys
            raise
        age = USUAL_AGE if document.max_age is None else document.max_age
        keys = read_key_set(document.content)
        place.failed_at = None
        place.kept = _Kept(keys, now, now + min(max(age, LEAST_AGE), MOST_AGE))
        return keys

    def _place(self, url: str) -> _Place:
        found = self._places.get(url)
        if found is None:
            with self._making:
                while len(self._places) >= _CACHE_SIZE:
                    self._places.pop(next(iter(self._places)))
                found = self._places.setdefault(url, _Place())
        return found


def _fitting(keys: tuple[PublicKey, ...], algorithm: str, kid: str | None) -> tuple[PublicKey, ...]:
    return tuple([key for key in keys if key.fits(algorithm, kid)])


def _recent(at: datetime | None, now: datetime, span: timedelta) -> bool:
    return at is not None and now - at < span
