"""Hook bodies published by others, well-formed and broken: 200, or a clean refusal."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hookwork import Door

from smartapp.cds.discovery import SERVICES

DATA = os.environ.get("SMARTAPP_TEST_DATA")
needs_data = pytest.mark.skipif(
    DATA is None, reason="SMARTAPP_TEST_DATA is not set: no third-party hook bodies to send"
)
SERVICE_OF = {service.hook: service.id for service in SERVICES}


def published(folder: str) -> list[Path]:
    return sorted((Path(DATA or ".") / "cds-hooks" / folder).glob("*.json")) if DATA else []


def hook_of(body: bytes) -> str | None:
    """The hook a body names, even if the body is broken."""
    for hook in SERVICE_OF:
        if f'"{hook}"'.encode() in body:
            return hook
    return None


@needs_data
def test_well_formed_bodies_of_hooks_we_serve_are_answered(door: Door) -> None:
    answered = 0
    for path in published("requests"):
        body: Any = json.loads(path.read_bytes())
        if body["hook"] in SERVICE_OF:
            answer = door.post(SERVICE_OF[body["hook"]], path.read_bytes())
            assert answer.status_code == 200, (path.name, answer.get_data(as_text=True))
            answered += 1
    assert answered == 5


@needs_data
def test_broken_bodies_are_answered_or_cleanly_refused(door: Door) -> None:
    paths = published("malformed-requests")
    assert paths
    for path in paths:
        body = path.read_bytes()
        for service in SERVICE_OF.values():
            answer = door.post(service, body)
            assert answer.status_code in (200, 400, 412), path.name
            if answer.status_code != 200:
                assert answer.get_json()["resourceType"] == "OperationOutcome", path.name


@needs_data
def test_one_object_followed_by_rubbish_is_no_call(door: Door) -> None:
    for path in published("malformed-requests"):
        body = path.read_bytes()
        try:
            json.loads(body)
        except ValueError:
            service = SERVICE_OF[hook_of(body) or "patient-view"]
            assert door.post(service, body).status_code == 400, path.name


def test_a_body_whose_template_was_never_filled_in_is_a_trial_and_says_so(door: Door) -> None:
    trial = {
        "hookInstance": "49192bd1-f7f3-4bdd-bc5f-997dd59a950a",
        "fhirServer": "{{fhirServerUrl}}",
        "hook": "patient-view",
        "context": {"userId": "Practitioner/example", "patientId": "Patient/trial-patient"},
        "prefetch": {},
    }
    (card,) = door.cards(trial)
    assert card["source"]["topic"]["code"] == "cannot-assess"
    assert "placeholder" in card["detail"]
    trial["fhirServer"] = "http://localhost:8080/fhir"
    assert door.post("hpg-patient-view", trial).status_code == 412
