"""A second client, which shares no code with us, drives the service over the wire."""

from __future__ import annotations

import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
import second_client
from flask import Flask
from second_client import ISS, SecondClient, extended, faults
from werkzeug.serving import make_server

from smartapp.app import create_app
from smartapp.settings import from_environ

Json = dict[str, Any]

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
DATA = os.environ.get("SMARTAPP_TEST_DATA")
needs_data = pytest.mark.skipif(
    DATA is None, reason="SMARTAPP_TEST_DATA is not set: no third-party hook bodies to send"
)
HOOKS = ("patient-view", "order-select", "order-sign", "encounter-start")
ORIGIN = "https://second.example"


class Served:
    """The app on a port of its own; its address is known before it is made."""

    def __init__(self, home: Path, **env: str) -> None:
        self.server = make_server("127.0.0.1", 0, lambda *call: self.app(*call), threaded=True)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        chosen = {
            "PUBLIC_BASE_URL": self.base,
            "SECRET_KEYS": "k" * 40,
            "HOME_DIR": str(home),
            "CDS_EXTRA_HOOKS": "encounter-start",
            "CORS_ORIGINS": ORIGIN,
            **env,
        }
        self.app: Flask = create_app(
            from_environ({f"SMARTAPP_{name}": value for name, value in chosen.items()})
        )
        Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.app.extensions["stop_sweeper"]()
        self.app.extensions["ledger"].close()


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondClient]:
    """The client where calls must be signed; it is registered by the file of its keys."""
    home = tmp_path_factory.mktemp("signing")
    keys = SecondClient("")
    (home / "second.json").write_text(json.dumps(keys.jwks()))
    (home / "clients.toml").write_text(
        f'[[client]]\niss = "{ISS}"\njwks_file = "second.json"\ntenant = "second"\n'
        "system_actions_member = true\n"
    )
    served = Served(home, CDS_CLIENTS_FILE=str(home / "clients.toml"), CDS_DISCOVERY="required")
    yield SecondClient(served.base, ec=keys.ec, rsa=keys.rsa)
    served.close()


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondClient]:
    """The client where calls may be unsigned, on one machine."""
    served = Served(tmp_path_factory.mktemp("unsigned"), CDS_AUTH="optional")
    yield SecondClient(served.base, algorithm=None)
    served.close()


@pytest.fixture(params=["ES384", "RS384", None])
def client(
    request: pytest.FixtureRequest, signing: SecondClient, unsigned: SecondClient
) -> SecondClient:
    if request.param is None:
        return unsigned
    return SecondClient(signing.base, request.param, signing.ec, signing.rsa)


def example(hook: str) -> Json:
    body: Json = json.loads((EXAMPLES / f"{hook}.request.json").read_text("utf-8"))
    return {**body, "hookInstance": str(uuid4())}


def answered(client: SecondClient, body: Json) -> Json:
    """The answer to a call that must be answered, without a fault."""
    answer = client.post(f"hpg-{body['hook']}", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    read: Json = answer.json()
    assert faults(read) == []
    return read


def said(answer: Json) -> list[tuple[str, str]]:
    return [(card["summary"], card["indicator"]) for card in answer["cards"]]


def test_the_second_client_shares_nothing_with_the_product() -> None:
    tree = ast.parse(Path(second_client.__file__).read_text("utf-8"))
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert modules - set(sys.stdlib_module_names) == {"requests", "joserfc"}


@pytest.mark.clause("Z1")
@pytest.mark.clause("A2.12")
def test_what_it_discovers_it_can_call(client: SecondClient) -> None:
    services = client.discover()
    assert [s["hook"] for s in services] == list(HOOKS)
    for service in services:
        assert all(isinstance(template, str) for template in service["prefetch"].values())


@pytest.mark.clause("A1.1")
@pytest.mark.clause("A3.1")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_real_call_is_answered_signed_or_not(client: SecondClient, hook: str) -> None:
    answer = answered(client, example(hook))
    shown = json.loads((EXAMPLES / f"{hook}.response.json").read_text("utf-8"))
    assert [card["indicator"] for card in answer["cards"]]
    assert {card["source"]["topic"]["code"] for card in shown["cards"]}


@pytest.mark.clause("A1.8")
@pytest.mark.clause("A1.6")
@pytest.mark.parametrize("hook", HOOKS)
def test_extensions_of_its_own_change_nothing(client: SecondClient, hook: str) -> None:
    body = example(hook)
    plain = answered(client, body)
    assert said(answered(client, extended(body))) == said(plain)


@pytest.mark.clause("A3.10")
@pytest.mark.clause("A6.8")
@pytest.mark.parametrize("hook", HOOKS)
def test_without_prefetch_it_is_told_what_is_missing(client: SecondClient, hook: str) -> None:
    body = {name: value for name, value in example(hook).items() if name != "prefetch"}
    answer = client.post(f"hpg-{hook}", body)
    assert answer.status_code == 412
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.clause("A13.1")
def test_unsigned_where_it_must_sign_it_gets_a_bare_401(signing: SecondClient) -> None:
    mute = SecondClient(signing.base, algorithm=None)
    answer = mute.post("hpg-patient-view", example("patient-view"))
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.clause("Z8")
def test_it_tells_what_became_of_its_cards(client: SecondClient) -> None:
    cards = answered(client, example("order-sign"))["cards"]
    first = {"card": cards[0]["uuid"], "outcomeTimestamp": "2026-11-22T15:00:00.000Z"}
    picked = [{"id": s["uuid"]} for c in cards for s in c.get("suggestions", ())][:1]
    reason = cards[0]["overrideReasons"][0]
    bare = {"code": reason["code"], "system": reason["system"]}
    for item in (
        {**first, "outcome": "accepted", "acceptedSuggestions": picked},
        {**first, "outcome": "overridden", "overrideReason": {"reason": bare}},
        {**first, "outcome": "overridden", "overrideReason": {"userComment": "seen"}},
        {**first, "outcome": "overridden"},
        {**first, "outcome": "overridden", "card": str(uuid4())},
    ):
        for _ in range(2):
            answer = client.post("hpg-order-sign/feedback", {"feedback": [item]})
            assert (answer.status_code, answer.content) == (200, b"")


def inferno(hook: str, drafts: list[Json]) -> Json:
    """A preset of a CRD test kit: one hookInstance for ever, a token that no server takes."""
    body: Json = {
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://inferno.healthit.gov/reference-server/r4",
        "fhirAuthorization": {
            "access_token": "SAMPLE_TOKEN", "token_type": "Bearer", "expires_in": 300,
            "scope": "user/Patient.read user/Observation.read", "subject": "cds-service4",
        },
        "context": {"userId": "Practitioner/example", "patientId": "example",
                    "encounterId": "example"},
        "prefetch": {"user": {"resourceType": "Practitioner", "id": "example"},
                     "coverage": {"resourceType": "Bundle", "type": "searchset", "entry": []}},
    }  # fmt: skip
    if hook.startswith("order-"):
        entry = [{"resource": {"subject": {"reference": "Patient/example"}, **d}} for d in drafts]
        body["context"]["draftOrders"] = {"resourceType": "Bundle", "entry": entry}
        body["context"]["selections"] = [f"{d['resourceType']}/{d['id']}" for d in drafts]
    return body


@pytest.mark.clause("Z12")
@pytest.mark.clause("C1.4")
@pytest.mark.clause("C1.7")
@pytest.mark.clause("C1.11")
@pytest.mark.clause("C1.12")
@pytest.mark.clause("C1.13")
@pytest.mark.clause("C1.15")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize(
    "draft",
    [
        {"resourceType": "ServiceRequest", "id": "sr", "status": "draft", "intent": "order"},
        {"resourceType": "DeviceRequest", "id": "dr", "codeCodeableConcept": {"text": "walker"}},
        {"resourceType": "MedicationRequest", "id": "mr",
         "medicationCodeableConcept": {"coding": [{"code": "213169",
          "system": "http://www.nlm.nih.gov/research/umls/rxnorm"}]}},
    ],
    ids=lambda draft: draft["resourceType"],
)  # fmt: skip
def test_a_preset_of_the_crd_test_kit_is_always_answered(
    signing: SecondClient, hook: str, draft: Json
) -> None:
    for algorithm in ("ES384", "RS384"):
        client = SecondClient(signing.base, algorithm, signing.ec, signing.rsa)
        answer = answered(client, inferno(hook, [draft]))
        assert ("systemActions" in answer) is (hook == "order-sign")


@pytest.mark.clause("C1.9")
@pytest.mark.parametrize("hook", HOOKS)
def test_a_preset_with_our_own_prefetch_is_judged_though_its_token_opens_nothing(
    signing: SecondClient, hook: str
) -> None:
    body = example(hook)
    preset = inferno(hook, [])
    body |= {name: preset[name] for name in ("hookInstance", "fhirServer", "fhirAuthorization")}
    assert said(answered(signing, body)) == said(answered(signing, example(hook)))


@pytest.mark.clause("C4.1")
@pytest.mark.parametrize("path", ["", "hpg-order-sign", "hpg-order-sign/feedback"])
def test_a_browser_of_its_own_origin_may_call(signing: SecondClient, path: str) -> None:
    answer = signing.preflight(path, ORIGIN) if path else signing.session.options(
        f"{signing.base}/cds-services", headers={"Origin": ORIGIN}, timeout=20
    )  # fmt: skip
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


@pytest.mark.clause("C4.3")
@pytest.mark.clause("C4.5")
@pytest.mark.clause("C4.6")
@pytest.mark.clause("C4.9")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("gone", ["intent", "status", "authoredOn", "subject", "dosageInstruction"])
def test_orders_as_the_public_sandbox_writes_them(
    client: SecondClient, hook: str, gone: str
) -> None:
    body = example(hook)
    del body["context"]["encounterId"]
    body["context"]["draftOrders"].pop("type", None)
    (entry,) = body["context"]["draftOrders"]["entry"]
    entry["resource"]["category"] = {"coding": [{"code": "outpatient"}]}
    entry["resource"].pop(gone, None)
    body["prefetch"] = {key: row for key, row in body["prefetch"].items() if key != "goals"}
    assert answered(client, body)["cards"]


@pytest.mark.clause("C4.4")
@pytest.mark.clause("A4.11")
def test_the_public_sandbox_on_dstu2_is_read_as_far_as_it_goes(client: SecondClient) -> None:
    body = example("order-sign")
    (entry,) = body["context"]["draftOrders"]["entry"]
    old = {"resourceType": "MedicationOrder", "dateWritten": "2026-11-01", "id": "old"}
    entry["resource"] = {
        **old, "medicationCodeableConcept": entry["resource"]["medicationCodeableConcept"],
        "dosageInstruction": [{"doseQuantity": {"value": 25, "unit": "mg"}}],
    }  # fmt: skip
    assert said(answered(client, body))[0][1] == "critical"


def third_party(folder: str) -> list[Path]:
    return sorted((Path(DATA or ".") / "cds-hooks" / folder).glob("*.json"))


@needs_data
def test_bodies_of_others_are_answered_as_they_are_and_with_extensions(
    client: SecondClient,
) -> None:
    offered = {service["hook"]: service["id"] for service in client.discover()}
    paths = third_party("requests")
    for path in paths:
        body = json.loads(path.read_bytes())
        for sent in (path.read_bytes(), extended(body)):
            answer = client.post(offered[body["hook"]], sent)
            assert (answer.status_code, faults(answer.json())) == (200, []), path.name
    assert len(paths) >= 5


@needs_data
def test_broken_bodies_of_others_break_nothing(client: SecondClient) -> None:
    paths = third_party("malformed-requests")
    assert paths
    for path in paths:
        for hook in HOOKS:
            answer = client.post(f"hpg-{hook}", path.read_bytes())
            assert answer.status_code in (200, 400, 412), path.name
            if answer.status_code == 200:
                assert faults(answer.json()) == [], path.name
            else:
                assert answer.json()["resourceType"] == "OperationOutcome", path.name
