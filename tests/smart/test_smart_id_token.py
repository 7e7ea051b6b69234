"""Who the user is: good tokens in all their shapes, and the attacks."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey
from smart_ehr import EC_KEY, FHIR, LOGIN, OTHER_KEY, RSA_KEY, Clock, Ehr, House
from werkzeug.test import TestResponse

from smartapp.smart import Issuer, Issuers
from smartapp.smart.id_token import fhir_user


def come_in(house: House) -> TestResponse:
    browser = house.browser()
    return browser.come_back(browser.launch()["state"])


def user(house: House) -> str | None:
    browser = house.browser()
    launch = browser.open_chart()
    answer = browser.get(f"/chart/{launch}/").json
    assert answer is not None
    found: str | None = answer["user"]
    return found


def turned_away(house: House, words: str) -> None:
    before = launches(house)
    response = come_in(house)
    assert response.status_code == 502
    assert words in response.text
    assert launches(house) == before


def launches(house: House) -> int:
    with house.ledger.reading() as conn:
        count: int = conn.exec_driver_sql("SELECT count(*) FROM launch").scalar_one()
    return count


@pytest.mark.clause("B11.2")
@pytest.mark.parametrize(
    ("algorithm", "key"), [("RS256", RSA_KEY), ("RS384", RSA_KEY), ("ES384", EC_KEY)]
)
def test_rs256_always_and_others_where_the_site_names_them(
    house: House, ehr: Ehr, algorithm: Any, key: Any
) -> None:
    ehr.header, ehr.key = {"alg": algorithm}, key
    if algorithm != "RS256":
        turned_away(house, "id_token_algs")
        naming = Issuer(fhir_base=FHIR, client_id="hpg-monitor", id_token_algs=(algorithm,))
        object.__setattr__(house.sessions, "issuers", Issuers([naming]))
    assert user(house) == "Practitioner/7"


@pytest.mark.clause("B11.7")
def test_no_id_token_leaves_the_user_unknown(house: House, ehr: Ehr) -> None:
    ehr.sign = False
    assert user(house) is None


def test_a_good_token_without_a_user_leaves_the_user_unknown(house: House, ehr: Ehr) -> None:
    ehr.claims["fhirUser"] = None
    assert user(house) is None


@pytest.mark.clause("B11.3")
@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"iss": "https://evil.example"}, "someone else"),
        ({"iss": LOGIN + "/"}, "someone else"),
        ({"iss": [LOGIN]}, "someone else"),
        ({"aud": "another-app"}, "another app"),
        ({"aud": ["another-app"]}, "another app"),
        ({"aud": None}, "another app"),
        ({"aud": ["hpg-monitor", "x"]}, "issued to another app"),
        ({"aud": ["hpg-monitor", "x"], "azp": "x"}, "issued to another app"),
        ({"azp": "x"}, "issued to another app"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "9999999999"}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": 1e30}, "expired"),
        ({"iat": 1_900_000_000}, "future"),
        ({"iat": None}, "future"),
        ({"nbf": 1_900_000_000}, "not valid yet"),
        ({"nonce": "of-another-sign-in"}, "another sign-in"),
    ],
)
def test_a_wrong_claim_refuses_the_launch(
    house: House, ehr: Ehr, claims: dict[str, Any], words: str
) -> None:
    ehr.claims = claims
    turned_away(house, words)


def test_several_audiences_are_fine_when_we_are_the_authorized_party(
    house: House, ehr: Ehr
) -> None:
    ehr.claims = {"aud": ["x", "hpg-monitor"], "azp": "hpg-monitor"}
    assert user(house) == "Practitioner/7"


def test_clocks_may_differ_by_a_minute(house: House, ehr: Ehr, clock: Clock) -> None:
    now = int(clock().timestamp())
    ehr.claims = {"exp": now - 59, "iat": now + 59}
    assert user(house) == "Practitioner/7"
    ehr.claims = {"exp": now - 60}
    turned_away(house, "expired")


@pytest.mark.clause("B6.6")
def test_an_echoed_nonce_must_be_ours(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    asked = browser.launch()
    ehr.claims["nonce"] = asked["nonce"]
    assert browser.come_back(asked["state"]).status_code == 303


def part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


@pytest.mark.clause("B11.2")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE"])
def test_an_unsigned_token_is_refused(house: House, ehr: Ehr, algorithm: str) -> None:
    claims = ehr.id_token().split(".")[1]
    ehr.token["id_token"] = f"{part({'alg': algorithm})}.{claims}."
    turned_away(house, "id_token")


@pytest.mark.clause("B11.2")
def test_the_public_key_is_no_shared_secret(house: House, ehr: Ehr) -> None:
    signed = f"{part({'alg': 'HS256'})}.{ehr.id_token().split('.')[1]}"
    mac = hmac.digest(RSA_KEY.as_pem(private=False), signed.encode(), "sha256")
    ehr.token["id_token"] = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    ehr.keys.append(OctKey.import_key("secret-secret-secret-secret-1234").as_dict(private=True))
    turned_away(house, "does not accept")


def test_header_members_of_the_ehrs_own_are_ignored(house: House, ehr: Ehr) -> None:
    claims = json.loads(base64.urlsafe_b64decode(ehr.id_token().split(".")[1] + "=="))
    header = {"alg": "RS256", "typ": "JWT", "x5c": ["M" * 2000], "tenant": "north"}
    registry = jws.JWSRegistry(strict_check_header=False)
    registry.max_header_length = 9000
    ehr.token["id_token"] = jws.serialize_compact(
        header, json.dumps(claims), RSA_KEY, registry=registry
    )
    assert user(house) == "Practitioner/7"


def test_a_critical_header_member_that_is_not_understood_is_refused(house: House, ehr: Ehr) -> None:
    head = part({"alg": "RS256", "crit": ["exp"], "exp": 1})
    _, claims, signature = ehr.id_token().split(".")
    ehr.token["id_token"] = f"{head}.{claims}.{signature}"
    turned_away(house, "id_token")


@pytest.mark.clause("B11.6")
def test_a_tampered_token_is_refused(house: House, ehr: Ehr) -> None:
    head, claims, signature = ehr.id_token().split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed["fhirUser"] = "Practitioner/chief"
    ehr.token["id_token"] = f"{head}.{part(changed)}.{signature}"
    turned_away(house, "signature")


# A header nested deeper than any parser goes.
DEEP = base64.urlsafe_b64encode(b'{"alg":' + b"[" * 5000).decode().rstrip("=") + ".e30.AAAA"


@pytest.mark.parametrize("garbage", ["x", "a.b.c", "....", "é.é.é", "e30.e30.e30", "\u0000", DEEP])
def test_garbage_is_refused(house: House, ehr: Ehr, garbage: str) -> None:
    ehr.token["id_token"] = garbage
    turned_away(house, "id_token")


def test_a_payload_that_is_no_object_is_refused(house: House, ehr: Ehr) -> None:
    ehr.token["id_token"] = jws.serialize_compact({"alg": "RS256"}, "[1]", RSA_KEY)
    turned_away(house, "holds no claims")


def test_another_key_is_refused(house: House, ehr: Ehr) -> None:
    ehr.key = OTHER_KEY
    turned_away(house, "not one of this EHR")


def test_a_key_of_the_tokens_own_is_not_used(house: House, ehr: Ehr) -> None:
    ehr.key = OTHER_KEY
    ehr.header = {"alg": "RS256", "jwk": OTHER_KEY.as_dict(private=False)}
    turned_away(house, "not one of this EHR")


@pytest.mark.clause("B11.4")
def test_a_token_without_kid_is_tried_against_all_keys(house: House, ehr: Ehr) -> None:
    ehr.keys = [
        {"kty": "RSA", "n": "broken", "e": "!"},
        OTHER_KEY.as_dict(private=False, kid="other"),
        RSA_KEY.as_dict(private=False, kid="right", use="sig", alg="RS256"),
    ]
    assert user(house) == "Practitioner/7"


def test_changed_keys_are_read_anew_once_a_minute(house: House, ehr: Ehr, clock: Clock) -> None:
    ehr.keys = [RSA_KEY.as_dict(private=False, kid="old")]
    ehr.header = {"alg": "RS256", "kid": "old"}
    assert user(house) == "Practitioner/7"
    new = RSAKey.generate_key(2048)
    ehr.keys, ehr.key = [new.as_dict(private=False, kid="new")], new
    ehr.header = {"alg": "RS256", "kid": "new"}
    assert user(house) == "Practitioner/7"
    assert ehr.called("/keys") == 2
    ehr.header = {"alg": "RS256", "kid": "newer"}
    turned_away(house, "signature")
    assert ehr.called("/keys") == 2, "a minute has not passed"
    ehr.keys = [new.as_dict(private=False, kid="newer")]
    clock.pass_(seconds=61)
    assert user(house) == "Practitioner/7"
    assert ehr.called("/keys") == 3


@pytest.mark.clause("B11.1")
def test_keys_may_be_published_in_the_openid_configuration_of_the_issuer(
    house: House, ehr: Ehr
) -> None:
    ehr.config.pop("jwks_uri")
    openid = {"issuer": LOGIN, "jwks_uri": f"{LOGIN}/keys"}
    ehr.serve(f"{LOGIN}/.well-known/openid-configuration", lambda: openid)
    assert user(house) == "Practitioner/7"


@pytest.mark.clause("B11.4")
def test_keys_may_be_published_under_the_fhir_base_only(house: House, ehr: Ehr) -> None:
    ehr.config.pop("jwks_uri")
    ehr.config.pop("issuer")
    ehr.claims["iss"] = FHIR
    openid = {"issuer": FHIR, "jwks_uri": f"{LOGIN}/keys"}
    ehr.serve(f"{FHIR}/.well-known/openid-configuration", lambda: openid)
    assert user(house) == "Practitioner/7"


def test_without_published_keys_the_launch_is_refused(house: House, ehr: Ehr) -> None:
    ehr.config.pop("jwks_uri")
    turned_away(house, "publishes no keys")


@pytest.mark.clause("B11.4")
def test_a_site_may_name_the_tokens_issuer(house: House, ehr: Ehr) -> None:
    other = "https://login.ehr.example/oidc/idsps/t1/"
    ehr.claims["iss"] = other
    turned_away(house, "someone else")
    issuer = Issuer(fhir_base=FHIR, client_id="hpg-monitor", id_token_issuer=other)
    object.__setattr__(house.sessions, "issuers", Issuers([issuer]))
    assert user(house) == "Practitioner/7"


@pytest.mark.clause("B11.5")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("Practitioner/7", "Practitioner/7"),
        (f"{FHIR}/PractitionerRole/9", "PractitionerRole/9"),
        ("https://other.example/fhir/Practitioner/7", "https://other.example/fhir/Practitioner/7"),
        ("http://other.example/fhir/Practitioner/7", None),
        ("Device/7", None),
        ("Practitioner/7/_history/1", None),
        ("javascript:alert(1)/Practitioner/7", None),
        (7, None),
        ("", None),
    ],
)
def test_the_user_may_be_relative_or_absolute(given: Any, expected: str | None) -> None:
    assert fhir_user({"fhirUser": given}, FHIR) == expected
    assert fhir_user({"profile": given}, FHIR + "/") == expected
