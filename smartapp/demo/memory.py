"""Short memory: values that expire, safe between threads, gone with the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Clock = Callable[[], float]


class Memory(Generic[T]):
    """Values by key, each with its own end. `take` answers one caller only."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, T]] = {}

    def put(self, key: str, value: T, seconds: float) -> None:
        """Keep `value` for `seconds`; what has expired is dropped on the way."""
        now = self._clock()
        with self._lock:
            self._kept = {k: v for k, v in self._kept.items() if v[0] > now}
            self._kept[key] = (now + seconds, value)

    def add(self, key: str, value: T, seconds: float) -> bool:
        """Keep `value` unless the key is there already. True for the one caller who added it."""
        now = self._clock()
        with self._lock:
            kept = self._kept.get(key)
            if kept and kept[0] > now:
                return False
            self._kept[key] = (now + seconds, value)
            return True

    def get(self, key: str | None) -> T | None:
        """The value, or None when it never was or has expired."""
        if key is None:
            return None
        with self._lock:
            kept = self._kept.get(key)
        return kept[1] if kept and kept[0] > self._clock() else None

    def take(self, key: str | None) -> T | None:
        """The value, and forget it: of two callers at once one gets it, the other None."""
        if key is None:
            return None
        with self._lock:
            kept = self._kept.pop(key, None)
        return kept[1] if kept and kept[0] > self._clock() else None

    def drop_where(self, matches: Callable[[T], bool]) -> None:
        """Forget every value that `matches`."""
        with self._lock:
            self._kept = {k: v for k, v in self._kept.items() if not matches(v[1])}
