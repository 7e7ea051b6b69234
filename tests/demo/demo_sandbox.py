"""A sandbox EHR with two small patients, a clock that can be set, and the SMART app's moves."""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smartapp.demo import Behaviour, ClientRegistration, DemoConfig
from smartapp.demo.oauth.records import Context
from smartapp.demo.oauth.vault import Vault
from smartapp.stories import Story, wire

ORIGIN = "http://localhost:5001"
FHIR = f"{ORIGIN}/fhir"
REDIRECT = "http://127.0.0.1:5000/callback"
SECRET = "only-a-test"
VERIFIER = "v" * 43
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
SCOPE = "launch openid fhirUser offline_access patient/Patient.rs patient/Observation.rs"


class Clock:
    """Tells the time it was set to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


def observation(identity: str | None, patient: str, **members: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "category": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                        "code": "laboratory",
                    }
                ]
            }
        ],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": "2986-8"}],
            "text": "Testosterone",
        },
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-11-01T08:10:00-05:00",
        "valueQuantity": {"value": 210, "unit": "ng/dL"},
    }
    if identity:
        row["id"] = identity
    return {**row, **members}


def story(key: str, patient: str, *resources: Any) -> Story:
    man = {
        "resourceType": "Patient",
        "id": patient,
        "gender": "male",
        "birthDate": "1985-04-02",
        "name": [{"family": key.capitalize(), "given": ["Test"]}],
    }
    entries = [{"resource": r} for r in (man, *resources)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    decoded = wire.decode(wire.encode(bundle))
    return Story(key, key.title(), "A story.", {}, decoded, patient)


def two_stories() -> tuple[Story, ...]:
    amos = [
        observation("t1", "amos"),
        observation("t2", "amos", effectiveDateTime="2026-11-08T08:00:00-05:00"),
        observation("t3", "amos", effectiveDateTime="2026-09-15", status="preliminary"),
        observation(
            "lh1",
            "amos",
            code={"coding": [{"system": "http://loinc.org", "code": "10501-5"}], "text": "LH"},
            effectiveDateTime="2026-11-08T08:00:00-05:00",
            valueQuantity={"value": "odd", "unit": 7},
        ),
        {
            "resourceType": "Condition",
            "id": "c1",
            "clinicalStatus": {"coding": [{"code": "active"}]},
            "code": {"text": "Fatigue"},
            "subject": {"reference": "Patient/amos"},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "m1",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"text": "lisinopril"},
            "subject": {"reference": "Patient/amos"},
            "authoredOn": "2026-05-01",
        },
    ]
    return (story("amos", "amos", *amos), story("boris", "boris", observation("b1", "boris")))


@dataclass
class Ehr:
    """The EHR under test, and what an app does to it."""

    app: Flask
    config: DemoConfig
    clock: Clock

    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def vault(self) -> Vault:
        found: Vault = self.app.extensions["demo_vault"]
        return found

    def launch(self, patient: str = "amos", app_context: str | None = None) -> str:
        context = Context("Practitioner/okafor", patient, f"visit-{patient}", app_context)
        return self.vault.new_launch(context)

    def authorize(self, browser: FlaskClient | None = None, **changes: str | None) -> TestResponse:
        """An authorize request with everything right except what `changes` says."""
        query: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "public",
            "redirect_uri": REDIRECT,
            "scope": SCOPE,
            "state": "st-1",
            "aud": FHIR,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        if "launch" not in changes:
            query["launch"] = self.launch()
        query |= changes
        sent = {name: value for name, value in query.items() if value is not None}
        return (browser or self.client()).get(
            "/oauth2/authorize", query_string=sent, base_url=ORIGIN
        )

    def code(self, **changes: str | None) -> str:
        answer = location(self.authorize(**changes))
        assert "code" in answer, answer
        return answer["code"]

    def token(self, code: str | None = None, **changes: Any) -> TestResponse:
        """A token request of the public client with everything right except `changes`."""
        headers = changes.pop("headers", {})
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "client_id": "public",
            "code_verifier": VERIFIER,
            **changes,
        }
        sent = {name: value for name, value in form.items() if value is not None}
        return self.client().post("/oauth2/token", data=sent, headers=headers, base_url=ORIGIN)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """A whole launch: the token response."""
        answer = self.token(self.code(**changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json or {}
        return found

    def refresh(self, refresh_token: str, **changes: Any) -> TestResponse:
        return self.token(
            grant_type="refresh_token",
            refresh_token=refresh_token,
            redirect_uri=None,
            code_verifier=None,
            **changes,
        )

    def fhir(self, path: str, token: str | None, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        method = options.pop("method", "GET")
        headers |= options.pop("headers", {})
        return self.client().open(
            f"/fhir/{path}", method=method, headers=headers, base_url=ORIGIN, **options
        )


def location(answer: TestResponse) -> dict[str, str]:
    """The query of a redirect to the app's redirect URI."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def make_config(**changes: Any) -> DemoConfig:
    clients = (
        ClientRegistration(client_id="public", redirect_uris=(REDIRECT,)),
        ClientRegistration(
            client_id="secret", redirect_uris=(REDIRECT,), auth="secret", secret=SECRET
        ),
    )
    values: dict[str, Any] = {
        "origin": ORIGIN,
        "app_base_url": "http://127.0.0.1:5000",
        "launch_url": "http://127.0.0.1:5000/launch",
        "redirect_uris": (REDIRECT,),
        "clients": clients,
        "anchor": date(2026, 11, 22),
        "page_size": 20,
        "behaviour": Behaviour(),
    }
    return DemoConfig(**{**values, **changes})
