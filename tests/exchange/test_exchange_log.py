"""The exchange log shows every step, and nothing that its vocabulary does not hold."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from exchange_replay import Replayed, hooks_of
from flask import Flask
from flask.testing import FlaskClient
from hookwork import NOW, draft, order, prefetch, severe, view
from signing import token

from smartapp.app import create_app
from smartapp.errors import ConfigError
from smartapp.exchange import Redactor, vocabulary
from smartapp.fhir.plans import KEYS
from smartapp.knowledge import Knowledge, load
from smartapp.settings import from_environ
from smartapp.smart import tokens
from smartapp.smart.client import OAuthClient
from smartapp.smart.discovery import SmartConfiguration
from smartapp.stories import load_stories

Json = dict[str, Any]
EHR = "https://ehr.example/r4"
CANARY = "Zanzibar"
CANARY_NUMBER = 7654321.25


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


@pytest.fixture
def redactor(knowledge: Knowledge) -> Redactor:
    return Redactor(vocabulary(knowledge, keys=KEYS, codes=(), own=(EHR,)))


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Flask]:
    issuers = tmp_path / "issuers.toml"
    issuers.write_text(f'[[issuer]]\nfhir_base = "{EHR}"\nclient_id = "hpg"\n')
    env = {
        "SECRET_KEYS": "k" * 40,
        "HOME_DIR": str(tmp_path),
        "CDS_AUTH": "optional",
        "ISSUERS_FILE": str(issuers),
        "EXCHANGE_LOG": str(tmp_path / "wire.ndjson"),
    }
    app = create_app(from_environ({f"SMARTAPP_{k}": v for k, v in env.items()}), clock=lambda: NOW)
    yield app
    app.extensions["stop_sweeper"]()
    app.extensions["ledger"].close()


@pytest.fixture
def web(made: Flask) -> FlaskClient:
    return made.test_client()


def written(tmp_path: Path) -> str:
    return (tmp_path / "wire.ndjson").read_text("utf-8")


def lines(tmp_path: Path) -> list[Json]:
    return [json.loads(line) for line in written(tmp_path).splitlines()]


def planted(value: Any, path: str = "", *, names: bool = False) -> Iterator[Any]:
    """`value` once for each leaf, a canary in place of that leaf (or of its member's name)."""
    if isinstance(value, dict):
        for key, item in value.items():
            if names:
                yield {(f"{CANARY}{key}" if k == key else k): v for k, v in value.items()}
            for changed in planted(item, f"{path}.{key}", names=names):
                yield {**value, key: changed}
    elif isinstance(value, list):
        for place, item in enumerate(value):
            for changed in planted(item, f"{path}[{place}]", names=names):
                yield [*value[:place], changed, *value[place + 1 :]]
    elif not names:
        yield CANARY_NUMBER if isinstance(value, int | float) else f"{CANARY} {value}"
        yield CANARY
        yield f"{value}/{CANARY}" if isinstance(value, str) else CANARY
        yield f"https://{CANARY}.example/{value}?x={CANARY}"


@pytest.mark.parametrize("names", [False, True], ids=["values", "names"])
@pytest.mark.parametrize("oauth", [False, True], ids=["hook", "oauth"])
def test_a_canary_planted_anywhere_is_nowhere(redactor: Redactor, oauth: bool, names: bool) -> None:
    body = order(
        prefetch(severe()[:1]),
        draft(),
        hook="order-select",
        select=["MedicationRequest/draft-1"],
    )
    body |= {
        "fhirServer": EHR,
        "fhirAuthorization": {
            "access_token": "t", "token_type": "Bearer", "expires_in": 300,
            "scope": "patient/Observation.rs launch", "subject": "hpg", "patient": "smith",
        },
        "extension": {"com.example": {"a": 1}},
        "feedback": [{"card": "c", "outcome": "overridden", "overrideReason": {
            "reason": {"code": "data-wrong"}, "userComment": "no"}}],
        "cards": [{"summary": "s", "indicator": "info", "links": [{"url": EHR, "type": "smart"}]}],
    }  # fmt: skip
    tried = 0
    for tainted in planted(body, names=names):
        said = json.dumps(redactor.json(tainted, oauth=oauth)).lower()
        assert CANARY.lower() not in said
        assert str(CANARY_NUMBER) not in said
        tried += 1
    assert tried > (50 if names else 300)


def test_of_no_fixture_man_anything_private_is_kept(redactor: Redactor) -> None:
    for story in load_stories(NOW.date()):
        said = json.dumps(redactor.json(story.bundle))
        assert story.patient_id not in said
        for resource in story.resources():
            for private in _private(resource):
                assert f'"{private}"' not in said, private


def _private(resource: Json) -> Iterator[str]:
    for name in ("id", "birthDate", "effectiveDateTime", "authoredOn", "recordedDate"):
        if name in resource:
            yield str(resource[name])
    for human in resource.get("name", ()):
        yield human.get("family", "?")
    for note in resource.get("note", ()):
        yield note.get("text", "?")
    quantity = resource.get("valueQuantity")
    if isinstance(quantity, dict):
        yield str(quantity.get("value"))


def test_structure_codes_and_statuses_stay(redactor: Redactor) -> None:
    said = redactor.json(view(prefetch(severe())))
    rows = [entry["resource"] for entry in said["prefetch"]["hormones"]["entry"]]
    assert len(rows) == 6
    assert said["prefetch"]["goals"] == {
        "resourceType": "Bundle", "type": "searchset", "total": 0,
    }  # fmt: skip
    assert rows[0]["status"] == "final"
    assert rows[0]["code"]["coding"] == [{"system": "http://loinc.org", "code": "2986-8"}]
    assert rows[0]["valueQuantity"]["value"] == 0
    assert rows[0]["valueQuantity"]["code"] == "ng/dL"
    assert rows[0]["effectiveDateTime"] == "2000-01-01T00:00:00+00:00"


def test_one_man_stays_one_man(redactor: Redactor) -> None:
    said = redactor.json(view(prefetch(severe())))
    man = said["context"]["patientId"]
    assert re.fullmatch(r"h-[0-9a-f]{8}", man)
    assert said["prefetch"]["patient"]["id"] == man
    row = said["prefetch"]["hormones"]["entry"][0]["resource"]
    assert row["subject"]["reference"] == f"Patient/{man}"


def test_a_call_is_one_line_and_can_be_sent_again(web: FlaskClient, tmp_path: Path) -> None:
    body = order(prefetch(severe()), draft())
    signed = {"Authorization": f"Bearer {token()}"}
    first = web.post("/cds-services/hpg-order-sign", json=body, headers=signed)
    assert first.get_json()["cards"]
    (line,) = lines(tmp_path)
    assert (line["kind"], line["step"], line["status"]) == ("hook", "hpg-order-sign", 200)
    assert line["request"]["headers"]["Authorization"] == "Bearer (ES384 kid typ)"
    assert line["request"]["size"] > len(json.dumps(line["request"]["body"])) / 2
    assert [c["indicator"] for c in line["response"]["body"]["cards"]] == [
        c["indicator"] for c in first.get_json()["cards"]
    ]
    (again,) = hooks_of(written(tmp_path))
    assert again == Replayed("hpg-order-sign", line["request"]["body"], 200)
    assert again.send(web).status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b'{"hook": "patient-view", "Zanzibar"', 400), (b'{"hook":"Zanzibar"}', 400), (b"", 400)],
)
def test_a_refused_call_is_there_with_its_shape_alone(
    web: FlaskClient, tmp_path: Path, sent: bytes, status: int
) -> None:
    answer = web.post(
        f"/cds-services/hpg-patient-view?{CANARY}={CANARY}",
        data=sent,
        content_type="application/json",
        headers={"Authorization": f"Bearer {CANARY}", "X-Note": CANARY},
    )
    assert answer.status_code == status
    (line,) = lines(tmp_path)
    assert (line["status"], line["request"]["size"]) == (status, len(sent))
    assert line["request"]["unread"] == (sent.endswith(b'r"'))
    assert line["response"]["body"] == answer.get_json(), "our own sentence, for engineers"
    assert CANARY not in written(tmp_path)


def test_whatever_is_odd_about_a_call_neither_answer_nor_log_repeats_it(
    web: FlaskClient, tmp_path: Path
) -> None:
    body = order(prefetch(severe()[:1]), draft(), hook="order-select", select=["x"])
    statuses = set()
    for place, tainted in enumerate(planted(body)):
        if place % 5 == 0:
            answer = web.post("/cds-services/hpg-order-select", json=tainted)
            statuses.add(answer.status_code)
            if answer.status_code != 200:
                assert CANARY not in answer.text
    assert statuses >= {200, 400}
    assert CANARY not in written(tmp_path)


@pytest.mark.parametrize("odd", ["http://[", "https://[::1/x", "https://\u2100/Patient/1"])
def test_an_address_that_nobody_can_read_stops_no_call(
    web: FlaskClient, tmp_path: Path, odd: str
) -> None:
    body = view(prefetch(severe()))
    body["context"]["userId"] = odd
    body["prefetch"]["hormones"]["entry"][0]["resource"]["performer"] = [{"reference": odd}]
    assert web.post("/cds-services/hpg-patient-view", json=body).status_code == 200
    (line,) = lines(tmp_path)
    assert re.fullmatch(r"h-[0-9a-f]{8}", line["request"]["body"]["context"]["userId"])
    assert odd not in written(tmp_path)


def test_a_call_to_no_service_of_ours_names_nothing(web: FlaskClient, tmp_path: Path) -> None:
    web.post(f"/cds-services/{CANARY}", json={CANARY: CANARY})
    web.get("/cds-services")
    web.get(f"/cds-services/{CANARY}/{CANARY}/deeper")
    assert [(line["kind"], line["step"]) for line in lines(tmp_path)] == [
        ("hook", "other"),
        ("discovery", "discovery"),
    ]
    assert CANARY not in written(tmp_path)


@responses.activate
def test_sign_in_steps_are_there_without_their_secrets(web: FlaskClient, tmp_path: Path) -> None:
    responses.get(
        f"{EHR}/.well-known/smart-configuration",
        json={
            "authorization_endpoint": "https://ehr.example/authorize",
            "token_endpoint": "https://ehr.example/token",
            "capabilities": ["launch-ehr"],
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code"],
        },
    )
    sent = web.get("/launch", query_string={"iss": EHR, "launch": CANARY})
    assert sent.status_code == 302
    web.get("/callback", query_string={"code": CANARY, "state": CANARY, "error": CANARY})
    launch, callback = lines(tmp_path)
    assert (launch["kind"], launch["step"], launch["status"]) == ("oauth", "launch", 302)
    assert launch["query"] == [["iss", EHR], ["launch", "x"]]
    gone = launch["response"]["headers"]["Location"]
    for word in ("response_type=code", f"aud={EHR}", "code_challenge_method=S256", "state=x"):
        assert word in gone
    assert "scope=launch openid fhirUser patient/Patient.r" in gone
    assert (callback["step"], callback["status"]) == ("callback", 400)
    assert callback["query"] == [["code", "x"], ["state", "x"], ["error", "x"]]
    assert CANARY not in written(tmp_path)


@responses.activate
def test_a_token_request_is_told_with_the_names_of_what_came(redactor: Redactor) -> None:
    responses.post(
        "https://ehr.example/token",
        json={
            "access_token": CANARY, "token_type": "Bearer", "expires_in": 300, "id_token": CANARY,
            "scope": "launch patient/Patient.rs", "patient": CANARY, CANARY: CANARY,
        },
    )  # fmt: skip
    heard: list[tuple[str, str, int, object]] = []
    client = OAuthClient("hpg", listener=lambda *said: heard.append(said))
    config = SmartConfiguration(
        authorization_endpoint="https://ehr.example/authorize",
        token_endpoint="https://ehr.example/token",
        issuer=None, jwks_uri=None, revocation_endpoint=None, capabilities=frozenset(),
        scopes_supported=frozenset(), grant_types=frozenset(), challenge_methods=frozenset(),
        auth_methods=frozenset(), signing_algorithms=frozenset(),
    )  # fmt: skip
    tokens.exchange_code(
        client, config, code=CANARY, verifier=CANARY, redirect_uri=EHR, timeout_s=2
    )
    ((step, form, status, document),) = heard
    assert (step, status) == ("token", 200)
    said = dict(redactor.query(form))
    assert (said["grant_type"], said["code"], said["code_verifier"]) == (
        "authorization_code", "x", "x",
    )  # fmt: skip
    told = redactor.json(document, oauth=True)
    assert told["scope"] == "launch patient/Patient.rs"
    assert {"access_token", "id_token", "patient", "expires_in"} <= told.keys()
    assert CANARY not in json.dumps([said, told])


def test_only_we_may_read_the_file(web: FlaskClient, tmp_path: Path) -> None:
    web.get("/cds-services")
    assert stat.S_IMODE((tmp_path / "wire.ndjson").stat().st_mode) == 0o600


def test_a_file_that_cannot_be_written_is_refused_at_start(tmp_path: Path) -> None:
    env = {"SMARTAPP_SECRET_KEYS": "k" * 40, "SMARTAPP_HOME_DIR": str(tmp_path)}
    with pytest.raises(ConfigError, match="SMARTAPP_EXCHANGE_LOG"):
        create_app(from_environ({**env, "SMARTAPP_EXCHANGE_LOG": str(tmp_path)}))
    with pytest.raises(ConfigError, match="SMARTAPP_EXCHANGE_LOG"):
        from_environ({**env, "SMARTAPP_EXCHANGE_LOG": str(tmp_path / "no" / "x")})


def test_it_is_off_unless_asked_for(tmp_path: Path) -> None:
    env = {"SMARTAPP_SECRET_KEYS": "k" * 40, "SMARTAPP_HOME_DIR": str(tmp_path)}
    app = create_app(from_environ(env))
    app.extensions["stop_sweeper"]()
    assert "wsgi_app" not in vars(app)
    app.extensions["ledger"].close()
