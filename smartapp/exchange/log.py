"""The log itself: one redacted exchange a line, appended whole."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from smartapp.errors import ConfigError

log = logging.getLogger(__name__)

FORMAT = "hpg-exchange/1"

Kind = Literal["discovery", "hook", "feedback", "oauth"]


@dataclass(frozen=True, slots=True)
class Message:
    """One request or answer after redaction.

    `body` is JSON, the parameters of a form, or None; `size` counts the bytes on the wire;
    `unread` says that there was a body and it was no JSON, or too long to be kept.
    """

    headers: dict[str, str]
    body: Any
    size: int
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange. `step` names the service or endpoint; `status` None: no answer came."""

    kind: Kind
    step: str
    method: str
    query: list[list[str]]
    request: Message
    status: int | None
    response: Message
    milliseconds: int


class ExchangeLog:
    """Appends to one file. Safe between threads and workers: each line is one write."""

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        """Refuses (ConfigError) a path that cannot be written. A file made here is ours alone to
        read; one that is there keeps its mode."""
        self._path = path
        self._clock = clock
        try:
            os.close(self._open())
        except OSError:
            raise ConfigError("SMARTAPP_EXCHANGE_LOG names a file that cannot be written") from None

    def add(self, exchange: Exchange) -> None:
        """Append one redacted exchange. A file that cannot be written stops no call."""
        at = self._clock().isoformat(timespec="milliseconds")
        line = msgspec.json.encode({"format": FORMAT, "at": at, **msgspec.to_builtins(exchange)})
        try:
            handle = self._open()
            try:
                os.write(handle, line + b"\n")
            finally:
                os.close(handle)
        except OSError as error:
            log.warning("the exchange log cannot be written (errno %s)", error.errno)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
