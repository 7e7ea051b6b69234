"""A tiny CDS service: answers every hook with one card, and remembers what it was told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Flask, request

_REASONS = "http://example.test/reasons"


class FakeCds:
    """`card` is given to every call, changed by tests at will; `instead` replaces the answer."""

    def __init__(self) -> None:
        self.app = Flask("fake_cds")
        self.calls: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        self.bearers: list[str] = []
        self.instead: tuple[str, int] | None = None
        self.on_call: Callable[[dict[str, Any]], None] = lambda call: None
        self.card = a_card()
        self.cards: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda call: [self.card]
        self._address = ""
        self.app.add_url_rule("/cds-services", "discovery", self._discovery)
        self.app.add_url_rule("/cds-services/<name>", "call", self._call, methods=["POST"])
        self.app.add_url_rule(
            "/cds-services/<name>/feedback", "feedback", self._feedback, methods=["POST"]
        )

    @property
    def address(self) -> str:
        return self._address

    @address.setter
    def address(self, value: str) -> None:
        self._address = value
        self.card["links"][0]["url"] = f"{value}/launch"

    def _discovery(self) -> Any:
        self._remember_bearer()
        templates = {
            "patient": "Patient/{{context.patientId}}",
            "hormones": "Observation?patient={{context.patientId}}&code=http://loinc.org|2986-8",
            "gone": "Observation/not-there",
        }
        hooks = {"view": "patient-view", "select": "order-select", "sign": "order-sign"}
        return {
            "services": [
                {"id": name, "hook": hook, "description": "a test", "prefetch": templates}
                for name, hook in hooks.items()
            ]
        }

    def _call(self, name: str) -> Any:
        self._remember_bearer()
        call = request.get_json()
        self.calls.append(call)
        self.on_call(call)
        return self.instead or {"cards": self.cards(call)}

    def _feedback(self, name: str) -> Any:
        self._remember_bearer()
        self.feedback.append(request.get_json())
        return self.instead or ("", 200)

    def _remember_bearer(self) -> None:
        self.bearers.append(request.headers["Authorization"].removeprefix("Bearer "))


def a_card(indicator: str = "warning", **members: Any) -> dict[str, Any]:
    """A whole card, with one suggestion, one reason and one smart link."""
    return {
        "uuid": str(uuid.uuid4()),
        "summary": "Testosterone is low",
        "indicator": indicator,
        "source": {"label": "A guideline", "url": "https://guideline.example/"},
        "detail": "Two values.",
        "selectionBehavior": "any",
        "suggestions": [
            {
                "label": "Repeat testosterone",
                "uuid": str(uuid.uuid4()),
                "actions": [
                    {
                        "type": "create",
                        "description": "A draft order",
                        "resource": {
                            "resourceType": "ServiceRequest",
                            "status": "draft",
                            "intent": "order",
                            "code": {"text": "Repeat testosterone"},
                            "subject": {"reference": "Patient/amos"},
                        },
                    }
                ],
            }
        ],
        "overrideReasons": [
            {"code": "patient-declines", "system": _REASONS, "display": "Patient declines"}
        ],
        "links": [
            {"label": "Open", "type": "smart", "url": "", "appContext": '{"finding":"f1"}'},
        ],
        **members,
    }
