"""The last exchanges between this EHR and the app, redacted before they are kept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from smartapp.demo.developer import redaction
from smartapp.demo.memory import Clock

_LONGEST = 200
_HEADERS = ("Authorization", "Content-Type", "WWW-Authenticate", "Cache-Control", "Location")
Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One request or one answer: `body` is JSON, the parameters of a form, or None.

    `size` is the length in bytes of what was on the wire; `unread` says that it was no JSON.
    """

    headers: dict[str, str]
    body: Any
    size: int
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange. `kind` is hook, feedback, discovery or oauth; `status` None: no answer came."""

    number: int
    at: str
    kind: str
    step: str
    method: str
    url: str
    request: Message
    status: int | None
    response: Message
    milliseconds: int


class WireLog:
    """What went over the wire lately, newest first. Holds nothing that redaction did not see."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._kept: deque[Entry] = deque(maxlen=_LONGEST)

    def add(
        self,
        *,
        kind: str,
        step: str,
        method: str,
        url: str,
        request: Message,
        status: int | None,
        response: Message,
        milliseconds: int,
    ) -> None:
        """Keep one exchange; the messages come from `json_message` or `form_message`."""
        at = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")
        with self._lock:
            self._count += 1
            self._kept.appendleft(
                Entry(
                    self._count, at, kind, step, method, redaction.address(url),
                    request, status, response, milliseconds,
                )
            )  # fmt: skip

    def newest(self) -> list[Entry]:
        with self._lock:
            return list(self._kept)

    def document(self) -> dict[str, Any]:
        """The whole log as it is downloaded: what `replay` in a test reads again."""
        return {"format": "hpg-wire-log/1", "entries": [asdict(e) for e in self.newest()]}


def json_message(headers: Headers, raw: bytes, *, oauth: bool = False) -> Message:
    """A message whose body is JSON, or none at all; what cannot be read is only measured."""
    if not raw:
        return Message(_headers(headers), None, 0)
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Message(_headers(headers), None, len(raw), unread=True)
    return Message(_headers(headers), redaction.body(value, oauth=oauth), len(raw))


def form_message(headers: Headers, pairs: list[tuple[str, str]], size: int) -> Message:
    """A message whose body is a form."""
    return Message(_headers(headers), redaction.form(pairs) or None, size)


def _headers(headers: Headers) -> dict[str, str]:
    """The headers that matter here, without what they hold of secrets."""
    kept = {name.title(): value for name, value in headers}
    found = {name: kept[name.title()] for name in _HEADERS if name.title() in kept}
    if "Authorization" in found:
        found["Authorization"] = redaction.authorization(found["Authorization"])
    if "Location" in found:
        found["Location"] = redaction.address(found["Location"])
    return found
