"""private_key_jwt: RS384 and ES384, at most 300 seconds, once."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from demo_sandbox import ORIGIN, REDIRECT, Ehr
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from smartapp.demo import ClientRegistration
from smartapp.errors import ConfigError

RSA = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS384"}, auto_kid=True)
EC = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
STRANGER = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_URL = f"{ORIGIN}/oauth2/token"


@pytest.fixture
def ehr(make_ehr: Any) -> Ehr:
    jwks = {"keys": [key.as_dict(private=False) for key in (RSA, EC)]}
    client = ClientRegistration(client_id="key", redirect_uris=(REDIRECT,), auth="key", jwks=jwks)
    made: Ehr = make_ehr(clients=(client,))
    return made


def assertion(
    ehr: Ehr,
    alg: str = "ES384",
    key: Any = None,
    header: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    key = key or (RSA if alg.startswith("RS") else EC)
    body = {
        "iss": "key",
        "sub": "key",
        "aud": TOKEN_URL,
        "exp": int(ehr.clock()) + 300,
        "iat": int(ehr.clock()),
        "jti": str(uuid.uuid4()),
    } | claims
    head = {"alg": alg, "typ": "JWT", "kid": key.kid} | (header or {})
    present = {name: value for name, value in body.items() if value is not None}
    shown = {name: value for name, value in head.items() if value is not None}
    # Signed as text, because jwt.encode would put missing header members right.
    return jws.serialize_compact(shown, json.dumps(present), key, algorithms=[alg])


def redeem(ehr: Ehr, signed: str, **more: Any) -> Any:
    code = ehr.code(client_id="key")
    return ehr.token(
        code, client_id=None, client_assertion_type=TYPE, client_assertion=signed, **more
    )


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_both_algorithms_of_smart_work(ehr: Ehr, alg: str) -> None:
    assert redeem(ehr, assertion(ehr, alg)).status_code == 200


def test_the_audience_may_be_one_of_a_list(ehr: Ehr) -> None:
    assert redeem(ehr, assertion(ehr, aud=["https://other.example", TOKEN_URL])).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": f"{TOKEN_URL}/"},
        {"aud": ORIGIN},
        {"aud": None},
        {"aud": {"url": TOKEN_URL}},
        {"iss": "somebody"},
        {"sub": "somebody"},
        {"sub": ["key"]},
        {"jti": None},
        {"jti": 7},
        {"exp": None},
        {"exp": "soon"},
        {"exp": True},
        {"exp": float("nan")},
    ],
)
def test_a_wrong_claim_is_refused(ehr: Ehr, claims: dict[str, Any]) -> None:
    answer = redeem(ehr, assertion(ehr, **claims))
    assert answer.status_code in (400, 401)
    assert answer.json["error"] == "invalid_client"


@pytest.mark.parametrize("offset", [301, 3600, -1, -300, 1e30])
def test_it_lives_at_most_300_seconds_and_must_be_alive(ehr: Ehr, offset: float) -> None:
    answer = redeem(ehr, assertion(ehr, exp=ehr.clock() + offset))
    assert answer.json["error"] == "invalid_client"


def test_one_from_the_future_is_refused(ehr: Ehr) -> None:
    answer = redeem(ehr, assertion(ehr, iat=ehr.clock() + 120))
    assert answer.json["error"] == "invalid_client"


def test_it_works_once(ehr: Ehr) -> None:
    signed = assertion(ehr)
    assert redeem(ehr, signed).status_code == 200
    assert redeem(ehr, signed).json["error"] == "invalid_client"


@pytest.mark.parametrize(
    ("alg", "key", "header"),
    [
        ("ES384", STRANGER, {}),
        ("ES384", STRANGER, {"kid": EC.kid}),
        ("ES384", EC, {"kid": None}),
        ("ES384", EC, {"typ": None}),
        ("ES384", EC, {"typ": "at+jwt"}),
        ("RS256", RSAKey.import_key(RSA.as_pem(private=True)), {"kid": RSA.kid}),
        ("HS256", OctKey.import_key("a-shared-secret-of-32-characters!"), {"kid": EC.kid}),
    ],
)
def test_a_wrong_key_algorithm_or_header_is_refused(
    ehr: Ehr, alg: str, key: Any, header: dict[str, Any]
) -> None:
    answer = redeem(ehr, assertion(ehr, alg, key, header))
    assert answer.json["error"] == "invalid_client"


@pytest.mark.parametrize("rubbish", ["", "a", "a.b.c", "....", "e30.e30.e30", "é.é.é", "W10.W10."])
def test_rubbish_is_refused(ehr: Ehr, rubbish: str) -> None:
    answer = redeem(ehr, rubbish)
    assert answer.status_code in (400, 401)
    assert answer.json["error"] == "invalid_client"


def test_a_key_client_is_not_let_in_by_its_name(ehr: Ehr) -> None:
    answer = ehr.token(ehr.code(client_id="key"), client_id="key")
    assert answer.json["error"] == "invalid_client"


def test_keys_are_fetched_from_the_registered_address(make_ehr: Any, serve_json: Any) -> None:
    url = serve_json({"keys": [EC.as_dict(private=False)]})
    client = ClientRegistration(
        client_id="key", redirect_uris=(REDIRECT,), auth="key", jwks_url=url
    )
    ehr = make_ehr(clients=(client,))
    assert redeem(ehr, assertion(ehr)).status_code == 200
    assert redeem(ehr, assertion(ehr)).status_code == 200, "and again, from memory"


def test_an_app_whose_keys_cannot_be_had_is_refused(make_ehr: Any, free_port: int) -> None:
    client = ClientRegistration(
        client_id="key",
        redirect_uris=(REDIRECT,),
        auth="key",
        jwks_url=f"http://127.0.0.1:{free_port}/jwks.json",
    )
    ehr = make_ehr(clients=(client,))
    assert redeem(ehr, assertion(ehr)).json["error"] == "invalid_client"


@pytest.mark.parametrize("auth", ["secret", "key"])
def test_a_registration_without_its_key_material_is_named(auth: Any) -> None:
    with pytest.raises(ConfigError, match="demo client half"):
        ClientRegistration(client_id="half", redirect_uris=(), auth=auth)
