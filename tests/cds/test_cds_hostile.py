"""What a hostile or broken caller may try at the edges of the door."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from smartapp.app import create_app
from smartapp.cds.sites import Site, Sites
from smartapp.settings import from_environ


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    env = {"SMARTAPP_HOME_DIR": str(tmp_path), "SMARTAPP_CDS_AUTH": "optional"}
    app = create_app(from_environ(env, demo=True))
    app.extensions["stop_sweeper"]()
    return app.test_client()


def call(client: FlaskClient, **context: str):  # type: ignore[no-untyped-def]
    body = {
        "hook": "patient-view", "hookInstance": str(uuid4()),
        "context": {"patientId": "a", "userId": "Practitioner/1", **context},
        "prefetch": {"patient": None, "hormones": None},
    }  # fmt: skip
    return client.post("/cds-services/hpg-patient-view", json=body)


@pytest.mark.parametrize("origin", ["http://[", "null", "http://127.0.0.1.evil.example", "://"])
def test_an_odd_origin_is_no_origin(client: FlaskClient, origin: str) -> None:
    answer = client.options("/cds-services", headers={"Origin": origin})
    assert answer.status_code < 500
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("name", ["userId", "encounterId"])
def test_a_reference_has_a_length(client: FlaskClient, name: str) -> None:
    assert call(client).status_code == 200
    answer = call(client, **{name: "x" * 201})
    assert answer.status_code == 400
    assert name in answer.get_data(as_text=True)


def test_a_wrong_value_is_not_echoed(client: FlaskClient) -> None:
    item = {"card": str(uuid4()), "outcome": "John Doe", "outcomeTimestamp": "2026-01-01T00:00:00Z"}
    answer = client.post("/cds-services/hpg-patient-view/feedback", json={"feedback": [item]})
    assert answer.status_code == 400
    assert "John" not in answer.get_data(as_text=True)


def test_an_unforeseen_error_is_an_operation_outcome(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise ValueError("John Doe")

    monkeypatch.setattr("smartapp.cds.service.read_record", broken)
    body = {
        "hook": "patient-view", "hookInstance": str(uuid4()), "context": {"patientId": "a"},
        "prefetch": {"patient": {"resourceType": "Patient", "id": "a"}, "hormones": None},
    }  # fmt: skip
    answer = client.post("/cds-services/hpg-patient-view", json=body)
    assert answer.status_code == 500
    assert json.loads(answer.data)["resourceType"] == "OperationOutcome"
    assert b"John" not in answer.data


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("https://sim.example/v/r4/sim/abc-_=/fhir", True),
        ("https://sim.example/v/r4/../../admin", False),
        ("https://sim.example/v/r4/./fhir", False),
        ("https://sim.example/v/r4/fhir?x=1", False),
        ("https://sim.example/v/r4/fhir#x", False),
        ("https://sim.example/v/r4/%2e%2e/x", False),
        ("https://sim.example@evil.example/v/r4/fhir", False),
        ("https://sim.example/v/r44/fhir", False),
    ],
)
def test_below_a_prefix_only_plain_paths(address: str, ours: bool) -> None:
    sites = Sites([Site("https://sim.example/v/r4", prefix=True)])
    assert (sites.match(address) is not None) is ours
