"""Signing in by a key: what the EHR's token endpoint is shown, and what it never is."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from smart_ehr import APP, LOGIN, Browser, Clock, Ehr, House, build
from urllib3.util.ssl_ import create_urllib3_context

from smartapp.errors import LaunchExpired, TokenExchangeFailed
from smartapp.smart import Issuer, Issuers

BASE = "https://keys.example/fhir"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
JWKS = f"{APP}/.well-known/jwks.json"


@pytest.fixture
def ehr(clock: Clock, mock: responses.RequestsMock) -> Ehr:
    ehr = Ehr(clock, mock, base=BASE)
    ehr.open_doors()
    ehr.claims["aud"] = "hpg-key"
    ehr.token["refresh_token"] = "refresh-1"
    return ehr


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    built = build(tmp_path, clock)
    registered(built)
    built.sessions.clients.ring.generate()
    yield built
    built.ledger.close()


def registered(house: House, **changes: Any) -> None:
    issuer = Issuer(fhir_base=BASE, auth="key", client_id="hpg-key", **changes)
    object.__setattr__(house.sessions, "issuers", Issuers([issuer]))


def come_in(house: House, browser: Browser | None = None) -> str:
    browser = browser or house.browser()
    response = browser.come_back(browser.launch(iss=BASE)["state"])
    assert response.status_code == 303, response.text
    return response.headers["Location"].split("/")[-2]


def opened(house: House, token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion, verified as a server would: by our published keys."""
    keys = KeySet.import_key_set(house.sessions.clients.ring.published())
    read = jwt.decode(token, keys, algorithms=["ES384", "RS384"])
    return read.header, read.claims


@pytest.mark.clause("B13.5")
@pytest.mark.clause("B13.6")
@pytest.mark.clause("B13.7")
@pytest.mark.clause("Z10")
@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_code_comes_with_an_assertion_and_nothing_else(
    house: House, ehr: Ehr, clock: Clock, algorithm: str
) -> None:
    ehr.config["token_endpoint_auth_signing_alg_values_supported"] = [algorithm]
    come_in(house)
    sent = ehr.asked[0]
    assert sent["client_assertion_type"] == TYPE
    assert sent["Authorization"] == ""
    assert {"grant_type", "code", "redirect_uri", "code_verifier"} <= set(sent)
    assert not {"client_id", "client_secret"} & set(sent)
    header, claims = opened(house, sent["client_assertion"])
    assert header == {
        "alg": algorithm,
        "typ": "JWT",
        "kid": house.sessions.clients.ring.signing(header["alg"]).kid,
    }
    now = clock().timestamp()
    assert claims["iss"] == claims["sub"] == "hpg-key"
    assert claims["aud"] == f"{LOGIN}/token"
    assert now < claims["exp"] <= now + 300
    assert claims["iat"] == now
    assert len(claims["jti"]) >= 22


@pytest.mark.clause("B13.7")
@pytest.mark.clause("B12.6")
@pytest.mark.clause("Z10")
def test_no_assertion_is_ever_sent_twice(house: House, ehr: Ehr, clock: Clock) -> None:
    browser = house.browser()
    launch = come_in(house, browser)
    clock.pass_(seconds=700)
    ehr.answer = lambda _r: (503, {}, "")
    for _ in range(2):
        with pytest.raises(TokenExchangeFailed, match="busy"):
            house.sessions.access_token(launch)
    ehr.answer = None
    house.sessions.access_token(launch)
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    headers = {"Cookie": f"__Host-hpg={cookie.value}"}
    with house.app.test_request_context(base_url=APP, headers=headers):
        house.sessions.logout(launch)
    sent = [opened(house, asked["client_assertion"])[1] for asked in ehr.asked]
    assert len(sent) == 6, "code, three refreshes, two revocations"
    assert len({claims["jti"] for claims in sent}) == 6
    assert {claims["aud"] for claims in sent} == {f"{LOGIN}/token"}


@pytest.mark.clause("B13.6")
@pytest.mark.parametrize(
    "endpoint",
    [f"{LOGIN}/token?tenant=7", f"{LOGIN}/a//token/", f"{LOGIN}:443/token", f"{LOGIN}/token#"],
)
def test_the_audience_is_the_token_endpoint_as_it_is_written(
    house: House, ehr: Ehr, endpoint: str
) -> None:
    ehr.config["token_endpoint"] = endpoint
    config = house.sessions.discovery.smart(BASE)
    client = house.sessions.clients.user_client(house.sessions.issuers.named(BASE), config)
    assert client.assertion is not None
    assert opened(house, client.assertion())[1]["aud"] == endpoint


@pytest.mark.clause("B13.5")
def test_a_site_may_have_the_key_sets_address_sent(house: House, ehr: Ehr) -> None:
    registered(house, assertion_jku=True)
    come_in(house)
    header = jws.extract_compact(ehr.asked[0]["client_assertion"].encode()).headers()
    assert header["jku"] == JWKS


def test_a_site_may_overrule_what_the_server_says_of_itself(house: House, ehr: Ehr) -> None:
    ehr.config["token_endpoint_auth_signing_alg_values_supported"] = ["RS256"]
    registered(house, assertion_alg="RS384")
    come_in(house)
    assert opened(house, ehr.asked[0]["client_assertion"])[0]["alg"] == "RS384"


@pytest.mark.parametrize("accepted", [["RS256", "HS256"], ["none"]])
def test_a_server_that_takes_neither_algorithm_is_told_before_anyone_signs_in(
    house: House, ehr: Ehr, accepted: list[str]
) -> None:
    ehr.config["token_endpoint_auth_signing_alg_values_supported"] = accepted
    response = house.browser().get(f"/launch?iss={BASE}&launch=x")
    assert response.status_code == 503
    assert "neither ES384 nor RS384" in response.text


def test_without_keys_the_launch_stops_before_the_sign_in(
    tmp_path: Path, clock: Clock, ehr: Ehr
) -> None:
    house = build(tmp_path, clock)
    registered(house)
    response = house.browser().get(f"/launch?iss={BASE}&launch=x")
    assert response.status_code == 503
    assert "smartapp keys list" in response.text
    assert not ehr.asked
    house.ledger.close()


@pytest.mark.clause("B13.9")
def test_a_server_that_refuses_the_key_is_named(house: House, ehr: Ehr) -> None:
    ehr.answer = lambda _r: (401, {}, json.dumps({"error": "invalid_client"}))
    browser = house.browser()
    response = browser.come_back(browser.launch(iss=BASE)["state"])
    assert response.status_code == 502
    assert "invalid_client" in response.text


def test_a_refresh_is_signed_by_the_key_of_the_day(house: House, ehr: Ehr, clock: Clock) -> None:
    launch = come_in(house)
    ring = house.sessions.clients.ring
    before = ehr.asked[0]["client_assertion"]
    new = {pair.kid for pair in ring.rotate(at_once=True)}
    clock.pass_(seconds=700)
    house.sessions.access_token(launch)
    header, _ = opened(house, ehr.asked[-1]["client_assertion"])
    assert header["kid"] in new
    assert jws.extract_compact(before.encode()).headers()["kid"] not in new


def test_a_key_that_went_missing_ends_no_launch_that_still_works(
    house: House, ehr: Ehr, clock: Clock, tmp_path: Path
) -> None:
    launch = come_in(house)
    for file in (tmp_path / "keys").iterdir():
        file.unlink()
    clock.pass_(seconds=550)
    assert house.sessions.access_token(launch) == "access-1"
    house.sessions.clients.ring.generate()
    clock.pass_(seconds=100)
    ehr.token["access_token"] = "access-2"
    assert house.sessions.access_token(launch) == "access-2"


def test_a_launch_by_key_ends_like_any_other(house: House, ehr: Ehr, clock: Clock) -> None:
    launch = come_in(house)
    ehr.answer = lambda _r: (400, {}, '{"error": "invalid_grant"}')
    clock.pass_(seconds=700)
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch)


@pytest.mark.clause("B13.8")
@pytest.mark.clause("B1.1")
def test_no_secret_travels_over_old_tls_or_unverified(house: House, ehr: Ehr) -> None:
    config = house.sessions.discovery.smart(BASE)
    client = house.sessions.clients.user_client(house.sessions.issuers.named(BASE), config)
    with client.session() as session:
        assert session.verify is True
    context = create_urllib3_context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
