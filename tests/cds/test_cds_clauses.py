"""The tokens of the acceptance list, each as one row: what a call says and whether it is let in."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import responses
from hookwork import NOW, Door, prefetch, severe, view
from joserfc.jwk import RSAKey
from signing import (
    AUD,
    BASE,
    ISS,
    JKU,
    KIDS,
    bearer,
    claims,
    header,
    key,
    key_set,
    part,
    sign,
    token,
)

from smartapp.cds import Client
from smartapp.knowledge import Knowledge

AT = int(NOW.timestamp())
DISCOVERY = f"{BASE}/cds-services"
JTI = "the-very-same"


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add("GET", JKU, json=key_set())
        yield mock


@pytest.fixture
def door(tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock) -> Iterator[Door]:
    settings = {"cds_auth": "required", "cds_discovery": "required", "public_base_url": BASE}
    client = Client(iss=ISS, jku=JKU, audiences=frozenset(("urn:hospital:hpg",)))
    opened = Door(tmp_path, knowledge, settings=settings, clients=[client])
    yield opened
    opened.ledger.close()


def status(door: Door, given: str) -> int:
    """Of a call with this token; a refusal is a bare 401."""
    answer = door.post("hpg-patient-view", view(prefetch(severe())), **bearer(given))
    assert answer.status_code in (200, 401), answer.text
    assert answer.status_code == 200 or answer.data == b""
    return answer.status_code


def unsigned() -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'ec-1'})}.{part(claims())}."


def by_shared_secret() -> str:
    """HS256, with the published RSA key as if it were a secret."""
    public = key("rsa")
    assert isinstance(public, RSAKey)
    said = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': KIDS['rsa']})}.{part(claims())}"
    return f"{said}.{part(hmac.digest(public.as_pem(private=False), said.encode(), 'sha256'))}"


GOOD: dict[str, Callable[[], str]] = {
    "ES384": lambda: token("p384"),
    "RS384, kid with + / =": lambda: token("rsa"),
    "aud a list": lambda: token(aud=["https://other.example", AUD]),
    "aud registered by hand": lambda: token(aud="urn:hospital:hpg"),
    "iat half a minute ahead": lambda: token(iat=AT + 30, exp=AT + 300),
    "nbf five minutes ago": lambda: token(nbf=AT - 300, sub="epic", exp=AT + 900),
    "exp half a minute ago": lambda: token(iat=AT - 300, exp=AT - 30),
    "jku as registered": lambda: sign(header(jku=JKU), claims()),
    "fifteen minutes": lambda: token(exp=AT + 900),
}
BAD: dict[str, Callable[[], str]] = {
    "none": unsigned,
    "HS256 with the public key": by_shared_secret,
    "aud with a slash": lambda: token(aud=f"{AUD}/"),
    "aud by http": lambda: token(aud=AUD.replace("https", "http")),
    "aud of another service": lambda: token(aud=f"{DISCOVERY}/hpg-order-sign"),
    "aud of discovery": lambda: token(aud=DISCOVERY),
    "aud empty": lambda: token(aud=[]),
    "no aud": lambda: token(aud=None),
    "expired": lambda: token(iat=AT - 400, exp=AT - 90),
    "iat beyond the leeway": lambda: token(iat=AT + 120, exp=AT + 300),
    "nbf beyond the leeway": lambda: token(nbf=AT + 120),
    "no exp": lambda: token(exp=None),
    "no iat": lambda: token(iat=None),
    "no jti": lambda: token(jti=None),
    "two hours": lambda: token(exp=AT + 7200),
    "for ever": lambda: token(exp=1e30),
    "unknown iss": lambda: token(iss="https://evil.example"),
    "no iss": lambda: token(iss=None),
    "jku not listed": lambda: sign(header(jku="https://evil.example/jwks.json"), claims()),
    "unknown kid": lambda: sign(header(kid="nobody"), claims()),
    "no kid": lambda: sign(header(kid=None), claims()),
    "kid of another key": lambda: sign(header(kid=KIDS["rsa"]), claims()),
    "signed by a stranger": lambda: sign(header(), claims(), "p384-stranger"),
    "an access token": lambda: sign(header(typ="at+jwt"), claims()),
    "altered": lambda: token()[:-6] + "AAAAAA",
}


@pytest.mark.clause("Z4")
@pytest.mark.clause("A13.4")
@pytest.mark.clause("C1.5")
@pytest.mark.clause("D2")
@pytest.mark.parametrize("name", GOOD)
def test_a_good_token_is_let_in_once(door: Door, name: str) -> None:
    given = GOOD[name]()
    assert status(door, given) == 200
    assert status(door, given) == 401


@pytest.mark.clause("Z4")
@pytest.mark.clause("A13.6")
@pytest.mark.clause("A13.10")
@pytest.mark.parametrize("name", BAD)
def test_a_bad_token_gets_nothing(door: Door, name: str) -> None:
    assert status(door, BAD[name]()) == 401


@pytest.mark.clause("Z4")
@pytest.mark.clause("A13.8")
def test_a_forged_token_does_not_use_up_the_jti_of_a_good_one(door: Door) -> None:
    forged = sign(header(), claims(jti=JTI), "p384-stranger")
    assert status(door, forged) == 401
    assert status(door, token(jti=JTI)) == 200
    assert status(door, token(jti=JTI)) == 401


@pytest.mark.clause("Z4")
@pytest.mark.clause("A13.7")
@pytest.mark.clause("A13.12")
def test_an_unknown_kid_reads_the_listed_keys_once_more_and_no_others(
    door: Door, web: responses.RequestsMock
) -> None:
    assert status(door, token()) == 200
    for _ in range(5):
        given = sign(header(kid=str(uuid4()), jku=JKU), claims(), "p384-stranger")
        assert status(door, given) == 401
        assert status(door, token(iss="https://evil.example")) == 401
    assert [call.request.url for call in web.calls] == [JKU, JKU]


@pytest.mark.clause("Z4")
@pytest.mark.clause("A2.12")
@pytest.mark.clause("A12.7")
def test_each_endpoint_is_its_own_audience(door: Door) -> None:
    def ask(path: str, aud: str) -> int:
        headers = bearer(token(aud=aud))
        here = f"/hpg/cds-services{path}"
        if not path:
            return door.web.get(here, headers=headers).status_code
        return door.web.post(here, json={"feedback": []}, headers=headers).status_code

    feedback = "/hpg-patient-view/feedback"
    assert ask("", DISCOVERY) == 200
    assert ask("", AUD) == 401
    assert ask(feedback, f"{DISCOVERY}{feedback}") == 200
    assert ask(feedback, AUD) == 200
    assert ask(feedback, DISCOVERY) == 401
    assert ask(feedback, f"{DISCOVERY}/hpg-order-sign/feedback") == 401


@pytest.mark.clause("A13.1")
@pytest.mark.clause("A13.2")
@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic dTpw", "bearer x.y.z"])
def test_without_a_bearer_token_nothing_is_told(door: Door, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for answer in (
        door.post("hpg-patient-view", view(prefetch(severe())), **headers),
        door.post("hpg-patient-view/feedback", {"feedback": []}, **headers),
        door.web.get("/hpg/cds-services", headers=headers),
    ):
        assert (answer.status_code, answer.data) == (401, b"")


@pytest.mark.clause("A13.9")
def test_whose_token_was_refused_is_logged_and_the_token_is_not(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    given = token(aud="https://elsewhere.example")
    assert status(door, given) == 401
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert ISS in said
    assert not [piece for piece in given.split(".") if piece in said]
