"""Signed calls as known clients make them, and how a verified call is answered and remembered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from hookwork import NOW, Door, Json, codes, prefetch, severe, view
from signing import AUD, BASE, ISS, JKU, bearer, claims, header, key_set, sign, token

from smartapp.cds import Client
from smartapp.knowledge import Knowledge
from smartapp.ledger import audit

VIEW = "hpg-patient-view"
AT = int(NOW.timestamp())

SANDBOX = "https://sandbox.cds-hooks.org"
INFERNO = "https://inferno.healthit.gov/custom/crd_server"
EPIC = "https://hospital.example/interconnect/api/FHIR/R4"
EPIC_KEYS = "https://hospital.example/api/epic/2019/Security/Open/PublicKeys/530013/530013"
ORACLE = "https://cds-hooks.cerner.com"
ORACLE_KEYS = "https://authorization.cerner.com/jwk"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def door(home: Path, knowledge: Knowledge, client: Client) -> Door:
    settings = {"cds_auth": "required", "public_base_url": BASE}
    return Door(home, knowledge, settings=settings, clients=[client])


@pytest.fixture
def house(tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock) -> Iterator[Door]:
    web.get(JKU, json=key_set())
    built = door(tmp_path, knowledge, Client(iss=ISS, jku=JKU, tenant="hospital-a"))
    yield built
    built.ledger.close()


@pytest.mark.clause("C1.6")
@pytest.mark.clause("C4.2")
@pytest.mark.clause("D1")
@pytest.mark.clause("D10")
@pytest.mark.parametrize(
    ("iss", "jku", "by", "more"),
    [
        pytest.param(
            SANDBOX, f"{SANDBOX}/.well-known/jwks.json", "p384", {"iat": AT + 1}, id="sandbox"
        ),
        pytest.param(INFERNO, f"{INFERNO}/jwks.json", "rsa", {"jti": "f" * 64}, id="inferno"),
        pytest.param(
            EPIC,
            EPIC_KEYS,
            "rsa",
            {"nbf": AT - 300, "exp": AT + 900, "sub": "our-client-id"},
            id="epic",
        ),
        pytest.param(ORACLE, ORACLE_KEYS, "p384", {"tenant": "ec2458f2"}, id="oracle"),
    ],
)
def test_a_token_as_this_client_writes_it(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock,
    iss: str, jku: str, by: str, more: dict[str, Any],
) -> None:  # fmt: skip
    web.get(jku, json=key_set())
    house = door(tmp_path, knowledge, Client(iss=iss, jku=jku, test=iss in (SANDBOX, INFERNO)))
    given = sign(header(by, jku=jku), claims(iss=iss, **more), by)
    answer = house.post(VIEW, view(prefetch(severe())), **bearer(given))
    assert answer.status_code == 200
    assert codes(answer.get_json()["cards"])
    house.ledger.close()


def answered(house: Door) -> list[Json]:
    answer = house.post(VIEW, view(prefetch(severe())), **bearer(token()))
    cards: list[Json] = answer.get_json()["cards"]
    assert cards
    return cards


def feedback(house: Door, *items: Json) -> int:
    given = bearer(token(aud=f"{AUD}/feedback"))
    return house.post(f"{VIEW}/feedback", {"feedback": list(items)}, **given).status_code


@pytest.mark.clause("A12.1")
@pytest.mark.clause("A12.4")
@pytest.mark.clause("A12.8")
def test_a_signed_feedback_is_kept_once(house: Door) -> None:
    card = answered(house)[0]
    item = {
        "card": card["uuid"],
        "outcome": "accepted",
        "outcomeTimestamp": "2026-11-22T15:01:00Z",
        "acceptedSuggestions": [{"id": s["uuid"]} for s in card.get("suggestions", [])[:1]],
    }
    # The same news, in a new token each time: a retry is no replay.
    assert feedback(house, item) == 200
    assert feedback(house, item) == 200
    with house.ledger.reading() as conn:
        kept = conn.exec_driver_sql("SELECT card, tenant FROM feedback").all()
    assert [tuple(row) for row in kept] == [(card["uuid"], "hospital-a")]


@pytest.mark.clause("A12.6")
def test_a_card_nobody_answers_leaves_no_feedback(house: Door) -> None:
    answered(house)
    answered(house)
    with house.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM feedback").scalar() == 0


@pytest.mark.clause("A14.4")
def test_who_was_answered_about_whom_is_in_the_audit(house: Door) -> None:
    answered(house)
    report = audit.verify(house.ledger)
    assert (report.ok, report.count) == (True, 1)


@pytest.mark.clause("A14.7")
@pytest.mark.clause("A14.8")
@pytest.mark.parametrize("what", ["answered", "refused", "malformed"])
def test_no_log_line_holds_a_patient_or_a_token(
    house: Door, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    caplog.set_level(logging.DEBUG)
    body = view(prefetch(severe()))
    given = token(aud=AUD + "/" if what == "refused" else AUD)
    sent = json.dumps(body).encode()
    if what == "malformed":
        sent = sent[:-20]
    status = house.post(VIEW, sent, **bearer(given)).status_code
    assert status == {"answered": 200, "refused": 401, "malformed": 400}[what]
    for secret in ("Smith", "smith", "John", "1986-04-01", *given.split(".")):
        assert secret not in caplog.text
