"""Sending the hook calls of an exchange log again: how an odd call becomes a test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse


@dataclass(frozen=True)
class Replayed:
    """A hook call: to which service, what was sent, and how it was answered then."""

    service: str
    body: Any
    status: int | None

    def send(self, client: FlaskClient) -> TestResponse:
        return client.post(f"/cds-services/{self.service}", json=self.body)


def hooks_of(log: str) -> Iterator[Replayed]:
    """The hook calls of a log whose body could be read, oldest first."""
    for line in map(json.loads, log.splitlines()):
        assert line["format"] == "hpg-exchange/1"
        if line["kind"] == "hook" and not line["request"]["unread"]:
            yield Replayed(line["step"], line["request"]["body"], line["status"])
