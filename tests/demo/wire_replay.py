"""Sending a downloaded wire log's hooks again: how a refused or odd call becomes a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass(frozen=True)
class Replayed:
    """A hook call of the log: where it went, what was sent, how it was answered then."""

    path: str
    body: Any
    status: int | None

    def send(self, client: FlaskClient, base_url: str, **headers: str) -> TestResponse:
        return client.post(self.path, json=self.body, headers=headers, base_url=base_url)


def hooks_of(log: str | bytes) -> Iterator[Replayed]:
    """The hook calls of a downloaded log, oldest first."""
    document = json.loads(log)
    assert document["format"] == "hpg-wire-log/1"
    for entry in reversed(document["entries"]):
        if entry["kind"] == "hook":
            yield Replayed(urlsplit(entry["url"]).path, entry["request"]["body"], entry["status"])
