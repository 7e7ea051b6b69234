"""The token endpoint: codes and refresh tokens work once, and the right client only."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from demo_sandbox import FHIR, ORIGIN, SCOPE, SECRET, Ehr
from joserfc import jwt
from joserfc.jwk import KeySet


def basic(client: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client}:{secret}".encode()).decode()}


def error(answer: Any) -> str:
    assert answer.status_code in (400, 401), answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.json["error"])


def test_the_token_response_brings_the_launch_context(ehr: Ehr) -> None:
    token = ehr.tokens(launch=ehr.launch("amos", app_context='{"finding":"f1"}'))
    assert token["token_type"] == "Bearer"
    assert token["scope"] == SCOPE
    assert token["patient"] == "amos"
    assert token["encounter"] == "visit-amos"
    assert token["appContext"] == '{"finding":"f1"}'
    assert token["need_patient_banner"] is True
    assert token["expires_in"] == ehr.config.behaviour.access_token_seconds
    assert "." not in token["access_token"], "opaque, so that nobody reads it as a JWT"


def test_the_id_token_verifies_and_names_the_user(ehr: Ehr) -> None:
    token = ehr.tokens(nonce="n-1")
    keys = KeySet.import_key_set(ehr.client().get("/oauth2/jwks.json", base_url=ORIGIN).json)
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    assert decoded.header["kid"] in {key.kid for key in keys}
    claims = decoded.claims
    assert claims["iss"] == f"{ORIGIN}/oauth2"
    assert claims["aud"] == "public"
    assert claims["nonce"] == "n-1"
    assert claims["fhirUser"] == f"{FHIR}/Practitioner/okafor"
    assert claims["exp"] > claims["iat"]


def test_without_openid_there_is_no_id_token(ehr: Ehr) -> None:
    assert "id_token" not in ehr.tokens(scope="launch patient/Observation.rs")


def test_a_code_works_once_and_its_replay_ends_what_it_brought(ehr: Ehr) -> None:
    code = ehr.code()
    first = ehr.token(code).json or {}
    assert ehr.fhir("Patient/amos", first["access_token"]).status_code == 200
    assert error(ehr.token(code)) == "invalid_grant"
    assert ehr.fhir("Patient/amos", first["access_token"]).status_code == 401
    assert error(ehr.refresh(first["refresh_token"])) == "invalid_grant"


def test_of_eight_callers_with_one_code_at_most_one_wins(
    ehr: Ehr, in_threads: Callable[..., list[Any]]
) -> None:
    for _ in range(10):
        code = ehr.code()
        answers = in_threads(8, lambda code=code: ehr.token(code).status_code)
        assert answers.count(200) == 1


def test_a_code_lives_a_minute(ehr: Ehr) -> None:
    code = ehr.code()
    ehr.clock.pass_seconds(61)
    assert error(ehr.token(code)) == "invalid_grant"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:5000/other"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": None}, "unsupported_grant_type"),
        ({"client_id": "secret"}, "invalid_client"),
        ({"client_id": "stranger"}, "invalid_client"),
        ({"client_id": None}, "invalid_client"),
    ],
)
def test_a_wrong_token_request_is_refused(
    ehr: Ehr, wrong: dict[str, str | None], expected: str
) -> None:
    request = {"code": ehr.code()} | wrong
    assert error(ehr.token(**request)) == expected


def test_the_token_endpoint_takes_only_posts(ehr: Ehr) -> None:
    assert ehr.client().get("/oauth2/token", base_url=ORIGIN).status_code == 405


class TestConfidentialClient:
    def test_it_authenticates_with_its_secret(self, ehr: Ehr) -> None:
        code = ehr.code(client_id="secret")
        answer = ehr.token(code, client_id=None, headers=basic("secret", SECRET))
        assert answer.status_code == 200

    @pytest.mark.parametrize(
        "headers", [basic("secret", "wrong"), basic("public", SECRET), basic("nobody", "x"), {}]
    )
    def test_not_with_another(self, ehr: Ehr, headers: dict[str, str]) -> None:
        code = ehr.code(client_id="secret")
        answer = ehr.token(code, client_id=None, headers=headers)
        assert error(answer) == "invalid_client"

    def test_not_with_the_secret_in_the_body(self, ehr: Ehr) -> None:
        code = ehr.code(client_id="secret")
        answer = ehr.token(code, client_id="secret", client_secret=SECRET)
        assert error(answer) == "invalid_client"

    def test_pkce_holds_for_it_too(self, ehr: Ehr) -> None:
        code = ehr.code(client_id="secret")
        answer = ehr.token(
            code, client_id=None, code_verifier=None, headers=basic("secret", SECRET)
        )
        assert error(answer) == "invalid_request"

    def test_it_cannot_redeem_another_clients_code(self, ehr: Ehr) -> None:
        code = ehr.code(client_id="public")
        answer = ehr.token(code, client_id=None, headers=basic("secret", SECRET))
        assert error(answer) == "invalid_grant"


class TestRefresh:
    def test_each_refresh_token_works_once_and_brings_the_next(self, ehr: Ehr) -> None:
        first = ehr.tokens()
        second = ehr.refresh(first["refresh_token"]).json or {}
        assert second["refresh_token"] != first["refresh_token"]
        assert second["patient"] == "amos"
        assert ehr.fhir("Patient/amos", second["access_token"]).status_code == 200
        third = ehr.refresh(second["refresh_token"])
        assert third.status_code == 200

    def test_a_used_one_ends_the_whole_family(self, ehr: Ehr) -> None:
        first = ehr.tokens()
        second = ehr.refresh(first["refresh_token"]).json or {}
        assert error(ehr.refresh(first["refresh_token"])) == "invalid_grant"
        assert ehr.fhir("Patient/amos", second["access_token"]).status_code == 401
        assert error(ehr.refresh(second["refresh_token"])) == "invalid_grant"

    def test_it_needs_offline_or_online_access(self, ehr: Ehr) -> None:
        assert "refresh_token" not in ehr.tokens(scope="launch patient/Patient.rs")
        assert "refresh_token" in ehr.tokens(scope="launch online_access patient/Patient.rs")

    def test_scopes_can_shrink_but_not_grow(self, ehr: Ehr) -> None:
        first = ehr.tokens()
        grown = ehr.refresh(first["refresh_token"], scope=SCOPE + " patient/Goal.rs")
        assert error(grown) == "invalid_scope"
        shrunk = ehr.refresh(first["refresh_token"], scope="offline_access patient/Patient.rs")
        token = (shrunk.json or {})["access_token"]
        assert ehr.fhir("Patient/amos", token).status_code == 200
        assert ehr.fhir("Observation?code=2986-8", token).status_code == 403

    def test_it_belongs_to_its_client(self, ehr: Ehr) -> None:
        first = ehr.tokens()
        answer = ehr.refresh(
            first["refresh_token"], client_id=None, headers=basic("secret", SECRET)
        )
        assert error(answer) == "invalid_grant"
        assert ehr.refresh(first["refresh_token"]).status_code == 200

    def test_it_expires(self, ehr: Ehr) -> None:
        first = ehr.tokens()
        ehr.clock.pass_seconds(ehr.config.behaviour.refresh_token_seconds + 1)
        assert error(ehr.refresh(first["refresh_token"])) == "invalid_grant"


class TestRevocation:
    @pytest.mark.parametrize("which", ["access_token", "refresh_token"])
    def test_either_token_ends_the_authorization(self, ehr: Ehr, which: str) -> None:
        token = ehr.tokens()
        form = {"token": token[which], "client_id": "public"}
        answer = ehr.client().post("/oauth2/revoke", data=form, base_url=ORIGIN)
        assert answer.status_code == 200
        assert ehr.fhir("Patient/amos", token["access_token"]).status_code == 401
        assert error(ehr.refresh(token["refresh_token"])) == "invalid_grant"

    def test_an_unknown_token_is_no_error(self, ehr: Ehr) -> None:
        form = {"token": "nothing", "client_id": "public"}
        answer = ehr.client().post("/oauth2/revoke", data=form, base_url=ORIGIN)
        assert answer.status_code == 200

    def test_a_stranger_cannot_revoke(self, ehr: Ehr) -> None:
        token = ehr.tokens()
        form = {"token": token["access_token"], "client_id": "stranger"}
        answer = ehr.client().post("/oauth2/revoke", data=form, base_url=ORIGIN)
        assert answer.status_code in (400, 401)
        assert ehr.fhir("Patient/amos", token["access_token"]).status_code == 200


def test_an_access_token_expires(ehr: Ehr) -> None:
    token = ehr.tokens()["access_token"]
    ehr.clock.pass_seconds(ehr.config.behaviour.access_token_seconds + 1)
    answer = ehr.fhir("Patient/amos", token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
