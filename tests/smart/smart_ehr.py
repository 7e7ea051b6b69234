"""An EHR made of `responses`, a front door before it, and browsers that come through."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import responses
from flask import Flask, jsonify
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from requests import PreparedRequest
from werkzeug.test import TestResponse

from smartapp.ledger import Ledger, open_ledger
from smartapp.settings import Settings
from smartapp.smart import Issuer, Issuers, Sessions, blueprint

FHIR = "https://ehr.example/fhir/r4"
LOGIN = "https://login.ehr.example"
APP = "https://app.example"
RSA_KEY = RSAKey.generate_key(2048)
OTHER_KEY = RSAKey.generate_key(2048)
EC_KEY = ECKey.generate_key("P-384")


@dataclass
class Clock:
    now: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Ehr:
    """The other side. `token` and `claims` are what it will say; change them to misbehave."""

    clock: Clock
    mock: responses.RequestsMock
    base: str = FHIR
    config: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    key: Any = field(default_factory=lambda: RSA_KEY)
    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[PreparedRequest], Any] | None = None
    sign: bool = True

    def __post_init__(self) -> None:
        self.config = {
            "issuer": LOGIN,
            "authorization_endpoint": f"{LOGIN}/authorize?tenant=7",
            "token_endpoint": f"{LOGIN}/token",
            "jwks_uri": f"{LOGIN}/keys",
            "revocation_endpoint": f"{LOGIN}/revoke",
            "capabilities": ["launch-ehr", "permission-v2", "sso-openid-connect"],
            "code_challenge_methods_supported": ["S256"],
        }
        self.token = {
            "access_token": "access-1",
            "token_type": "bearer",
            "expires_in": 600,
            "scope": "launch patient/Patient.rs",
            "patient": "pat-1",
            "encounter": "enc-1",
            "need_patient_banner": False,
        }
        self.keys = [RSA_KEY.as_dict(private=False), EC_KEY.as_dict(private=False)]

    def open_doors(self) -> None:
        """Register every endpoint; each reads this object when it is called."""
        self.serve(f"{self.base}/.well-known/smart-configuration", lambda: self.config)
        self.serve(f"{LOGIN}/keys", lambda: {"keys": self.keys})
        self.mock.add_callback("POST", f"{LOGIN}/token", self._issue)
        self.mock.add_callback("POST", f"{LOGIN}/revoke", self._revoke)

    def serve(self, url: str, document: Callable[[], Any]) -> None:
        def get(_request: PreparedRequest) -> tuple[int, dict[str, str], str]:
            return 200, {"Content-Type": "text/plain"}, json.dumps(document())

        self.mock.add_callback("GET", url, get)

    def id_token(self) -> str:
        now = int(self.clock().timestamp())
        claims = {
            "iss": LOGIN,
            "sub": "u1",
            "aud": "hpg-monitor",
            "iat": now,
            "exp": now + 300,
            "fhirUser": "Practitioner/7",
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(self.header, claims, self.key, algorithms=[self.header["alg"]])

    def _issue(self, request: PreparedRequest) -> Any:
        self.asked.append(form(request))
        if self.answer is not None:
            return self.answer(request)
        body = dict(self.token)
        if self.sign and "id_token" not in body and self.asked[-1].get("code"):
            body["id_token"] = self.id_token()
        return 200, {"Content-Type": "application/json"}, json.dumps(body)

    def _revoke(self, request: PreparedRequest) -> Any:
        self.asked.append(form(request))
        return 200, {}, ""

    def called(self, part: str) -> int:
        return sum(part in str(call.request.url) for call in self.mock.calls)


def form(request: PreparedRequest) -> dict[str, str]:
    body = request.body or ""
    text = body.decode() if isinstance(body, bytes) else str(body)
    return dict(parse_qsl(text)) | {"Authorization": request.headers.get("Authorization", "")}


@dataclass
class House:
    """The app as far as the front door needs it."""

    app: Flask
    sessions: Sessions
    ledger: Ledger
    settings: Settings
    clock: Clock

    def browser(self) -> Browser:
        return Browser(self.app.test_client(), self)


@dataclass
class Browser:
    """A browser: one cookie jar. `launch` and `come_back` are the two legs of a launch."""

    client: FlaskClient
    house: House

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=APP)

    def launch(self, launch: str = "ehr-launch-1", iss: str = FHIR) -> dict[str, str]:
        """Begin; returns the parameters that went to the EHR."""
        response = self.client.get(
            "/launch", query_string={"iss": iss, "launch": launch}, base_url=APP
        )
        assert response.status_code == 302, response.text
        query = parse_qs(urlsplit(response.headers["Location"]).query, strict_parsing=True)
        assert all(len(values) == 1 for values in query.values())
        return {name: values[0] for name, values in query.items()}

    def come_back(self, state: str | None, **query: str) -> TestResponse:
        query = {"code": "code-1"} | query if "error" not in query else query
        given = {name: value for name, value in query.items() if value}
        if state is not None:
            given["state"] = state
        return self.client.get("/callback", query_string=given, base_url=APP)

    def open_chart(self, launch: str = "ehr-launch-1") -> str:
        """A whole launch; returns the launch id."""
        response = self.come_back(self.launch(launch)["state"])
        assert response.status_code == 303, response.text
        return launch_id(response)


def launch_id(response: TestResponse) -> str:
    location = response.headers["Location"]
    assert location.startswith(f"{APP}/chart/")
    return location.removeprefix(f"{APP}/chart/").removesuffix("/")


def challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


ISSUERS = (
    Issuer(
        fhir_base=FHIR,
        client_id="hpg-monitor",
        timezone="America/New_York",
        frame_ancestors=("https://ehr.example",),
    ),
    Issuer(
        fhir_base="https://secret.example/fhir",
        auth="secret",
        client_id="hpg-secret",
        client_secret="s3cret~value",
    ),
    Issuer(fhir_base="https://open.example/fhir", auth="none"),
    Issuer(fhir_base="https://sim.example/v/r4", prefix=True, client_id="hpg-sim"),
)


def build(home: Path, clock: Clock, public: str = APP) -> House:
    settings = Settings(public_base_url=public, home_dir=home, secret_keys=("k" * 40,))
    ledger = open_ledger(settings)
    sessions = Sessions(settings, Issuers(ISSUERS), ledger, clock=clock, pause=lambda _s: None)
    app = Flask("front-door-test")
    app.testing = True
    app.register_blueprint(blueprint(sessions), url_prefix=settings.base_path or None)

    @app.get(f"{settings.base_path}/chart/<launch>/")
    def chart(launch: str) -> Any:
        context = sessions.current(launch)
        return jsonify(
            patient=context.patient_id,
            user=context.user,
            token=sessions.access_token(launch),
        )

    return House(app, sessions, ledger, settings, clock)
