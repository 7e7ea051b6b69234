"""Whom the service answers, and what a call has to be to be answered."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from hookwork import EHR, NOW, Door, codes, patient, prefetch, severe, view
from signing import AUD, BASE, ISS, JKU, bearer, claims, header, key, key_set, part, sign, token
from werkzeug.test import TestResponse

from smartapp.cds import Client, Site
from smartapp.jose import read_key_set
from smartapp.knowledge import Knowledge
from smartapp.ledger.cards import calls_table

CLIENT = Client(iss=ISS, jku=JKU, tenant="hospital-a", fhir_servers=(EHR,))
VIEW = "hpg-patient-view"


class House:
    """A service that trusts one EHR, and that EHR's published keys."""

    def __init__(
        self,
        home: Path,
        knowledge: Knowledge,
        web: responses.RequestsMock,
        clients: Sequence[Client] = (CLIENT,),
        sites: Sequence[Site] = (),
        **settings: Any,
    ) -> None:
        self.web = web
        self.keys = key_set()
        self.headers: dict[str, str] = {}
        self.down = False
        chosen = {"cds_auth": "required", "public_base_url": BASE, **settings}
        self.door = Door(home, knowledge, settings=chosen, clients=clients, sites=sites)
        web.add_callback(responses.GET, JKU, callback=self._publish)

    def _publish(self, _request: Any) -> tuple[int, dict[str, str], str]:
        return (503, {}, "") if self.down else (200, self.headers, json.dumps(self.keys))

    @property
    def fetched(self) -> list[str]:
        return [str(call.request.url) for call in self.web.calls]

    def call(self, given: str | None, service: str = VIEW, **members: Any) -> TestResponse:
        headers = {} if given is None else bearer(given)
        return self.door.post(service, view(prefetch(severe()), **members), **headers)

    def refuses(self, given: str | None, service: str = VIEW) -> bool:
        """Whether the call gets a bare 401."""
        answer = self.call(given, service)
        if answer.status_code == 401:
            assert answer.data == b""
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            return True
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return False


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def house(tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock) -> Iterator[House]:
    built = House(tmp_path, knowledge, web)
    yield built
    built.door.ledger.close()


@pytest.mark.clause("A13.4")
@pytest.mark.clause("A13.6")
@pytest.mark.parametrize("by", ["p384", "rsa"])
def test_a_registered_ehr_is_answered(house: House, by: str) -> None:
    answer = house.call(token(by))
    assert answer.status_code == 200
    assert codes(answer.get_json()["cards"])
    assert house.fetched == [JKU]


@pytest.mark.clause("A13.1")
def test_without_a_token_nobody_is_answered(house: House) -> None:
    assert house.refuses(None)
    assert house.fetched == []


@pytest.mark.clause("A13.2")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_written_as_one_likes(house: House, scheme: str) -> None:
    answer = house.door.post(VIEW, view(prefetch()), Authorization=f"{scheme} {token()}")
    assert answer.status_code == 200


@pytest.mark.clause("A13.5")
@pytest.mark.parametrize(
    "aud",
    [
        AUD + "/",
        AUD.replace("https", "http"),
        AUD.upper(),
        f"{BASE}/cds-services/hpg-order-sign",
        f"{BASE}/cds-services",
        BASE,
        "http://localhost/hpg/cds-services/hpg-patient-view",
        "",
        [],
        [f"{BASE}/cds-services"],
        [[AUD]],
        {"aud": AUD},
        True,
        None,
    ],
)
def test_a_token_for_another_address_is_refused(house: House, aud: Any) -> None:
    assert house.refuses(token(aud=aud))


@pytest.mark.clause("A13.4")
def test_the_audience_may_be_one_of_several(house: House) -> None:
    assert not house.refuses(token(aud=["https://elsewhere.example", AUD]))


@pytest.mark.clause("A13.5")
def test_the_host_header_is_no_audience(house: House) -> None:
    strange = "https://evil.example/hpg/cds-services/hpg-patient-view"
    answer = house.door.web.post(
        "/hpg/cds-services/hpg-patient-view",
        json=view(prefetch()),
        headers={
            **bearer(token(aud=strange)),
            "Host": "evil.example",
            "X-Forwarded-Proto": "https",
        },
    )
    assert answer.status_code == 401


@pytest.mark.clause("A13.7")
def test_a_site_may_name_further_audiences(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    other = "urn:our-old-name"
    house = House(tmp_path, knowledge, web, [replace(CLIENT, audiences=frozenset((other,)))])
    assert not house.refuses(token(aud=other))
    assert not house.refuses(token())
    assert house.refuses(token(aud="urn:our-old"))


@pytest.mark.clause("A12.7")
def test_feedback_may_name_its_own_address_or_the_services(house: House) -> None:
    for aud in (f"{AUD}/feedback", AUD):
        answer = house.door.post(f"{VIEW}/feedback", {"feedback": []}, **bearer(token(aud=aud)))
        assert answer.status_code == 200, answer.data
    assert house.refuses(token(aud=f"{AUD}/other"), f"{VIEW}/feedback")
    assert house.refuses(token(aud=f"{AUD}/feedback")), "but a call is no feedback"


@pytest.mark.clause("A13.7")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": ISS + "/"},
        {"iss": ISS.upper()},
        {"iss": [ISS]},
        {"iss": None},
        {"iss": ""},
        {"iss": 1},
    ],
)
def test_for_a_stranger_nothing_is_fetched(house: House, changes: dict[str, Any]) -> None:
    assert house.refuses(token(**changes))
    assert house.fetched == []


@pytest.mark.clause("A13.7")
def test_the_address_of_keys_is_never_taken_from_the_token(house: House) -> None:
    for jku in ("https://evil.example/jwks.json", JKU + "/", JKU + "?"):
        assert house.refuses(sign(header(jku=jku), claims()))
    said = token().split(".")
    for odd in ("", 1, [JKU], {}):
        assert house.refuses(f"{part({**header(), 'jku': odd})}.{said[1]}.{said[2]}")
    assert house.fetched == []
    assert not house.refuses(sign(header(jku=JKU), claims()))


@pytest.mark.clause("A13.7")
def test_a_key_in_the_token_is_no_key(house: House) -> None:
    own = key("p384-forger")
    jwk = own.as_dict(private=False)
    for extra in ({"jwk": jwk}, {"x5u": "https://evil.example/c.pem"}, {"x5c": ["MIIB"]}):
        assert house.refuses(sign(header(**extra), claims(), own))
    assert house.fetched == [JKU]


@pytest.mark.clause("A13.6")
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("form", ["pem", "der", "jwk"])
def test_the_public_key_is_no_shared_secret(house: House, algorithm: str, form: str) -> None:
    public = key("rsa")
    secret = {
        "pem": public.as_pem(private=False),
        "der": public.as_der(private=False),
        "jwk": json.dumps(public.as_dict(private=False)).encode(),
    }[form]
    said = f"{part(header('rsa', alg=algorithm))}.{part(claims())}"
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
    assert house.refuses(f"{said}.{part(hmac.digest(secret, said.encode(), digest))}")


@pytest.mark.clause("A13.6")
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, 1, ["ES384"]])
def test_unsigned_is_unsigned(house: House, algorithm: Any) -> None:
    said = f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'ec-1'})}.{part(claims())}"
    signature = token().rpartition(".")[2]
    for forged in (said, f"{said}.", f"{said}.{signature}", f"{said}.AA"):
        assert house.refuses(forged)


@pytest.mark.clause("A13.6")
def test_a_key_signs_with_its_own_algorithm_only(house: House) -> None:
    assert house.refuses(sign(header("rsa", alg="RS256"), claims(), "rsa")), "not on the list"
    assert house.refuses(sign(header("rsa", kid="ec-1"), claims(), "rsa")), "another kind of key"
    assert house.refuses(sign(header("p256", kid="ec-1"), claims(), "p256")), "another curve"


@pytest.mark.clause("A13.6")
@pytest.mark.parametrize(
    ("algorithm", "by"),
    [
        ("ES256", "p256"),
        ("ES384", "p384"),
        ("ES512", "p521"),
        ("RS256", "rsa"),
        ("RS384", "rsa"),
        ("RS512", "rsa"),
        ("PS256", "rsa"),
        ("PS384", "rsa"),
        ("PS512", "rsa"),
    ],
)
def test_a_site_may_allow_other_asymmetric_algorithms(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock, algorithm: str, by: str
) -> None:
    house = House(tmp_path, knowledge, web, [replace(CLIENT, algorithms=frozenset((algorithm,)))])
    house.keys = key_set(p256="a", p384="b", p521="c", rsa="d")
    kid = {"p256": "a", "p384": "b", "p521": "c", "rsa": "d"}[by]
    assert not house.refuses(sign(header(by, alg=algorithm, kid=kid), claims(), by))
    others = {"ES256", "ES384", "RS384"} - {algorithm}
    own = {"ES256": "p256", "ES384": "p384", "RS384": "rsa"}
    for other in others:
        kid = {"p256": "a", "p384": "b", "rsa": "d"}[own[other]]
        assert house.refuses(sign(header(own[other], kid=kid), claims(), own[other]))


@pytest.mark.clause("A13.11")
@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"iat": 0, "exp": 300}, True),
        ({"iat": 30, "exp": 330}, True),
        ({"iat": 60, "exp": 330}, True),
        ({"iat": 61, "exp": 330}, False),
        ({"iat": -900, "exp": -59}, True),
        ({"iat": -900, "exp": -60}, False),
        ({"iat": 0, "exp": 3600}, True),
        ({"iat": 0, "exp": 3601}, False),
        ({"iat": -3000, "exp": 700}, False),
        ({"iat": 10, "exp": 10}, False),
        ({"iat": 30, "exp": 20}, False),
        ({"iat": 0, "exp": 300, "nbf": -300}, True),
        ({"iat": 0, "exp": 300, "nbf": 60}, True),
        ({"iat": 0, "exp": 300, "nbf": 61}, False),
        ({"iat": 0.4, "exp": 300.4}, True),
    ],
)
def test_the_times_of_a_token(house: House, changes: dict[str, float], good: bool) -> None:
    now = int(NOW.timestamp())
    assert house.refuses(token(**{n: now + v for n, v in changes.items()})) is not good


@pytest.mark.clause("A13.11")
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
@pytest.mark.parametrize(
    "written",
    ["1e300", "1e999", "9" * 400, "-1", "NaN", "Infinity", "true", '"1795359600"', "[]", "{}"],
)
def test_odd_times_are_no_times(house: House, name: str, written: str) -> None:
    said = json.dumps({**claims(), name: 0}).replace(f'"{name}": 0', f'"{name}": {written}')
    assert house.refuses(sign(header(), said.encode()))


@pytest.mark.clause("A13.4")
@pytest.mark.parametrize("jti", [None, "", 1, True, ["a"], "x" * 513])
def test_every_token_has_its_own_name(house: House, jti: Any) -> None:
    assert house.refuses(token(jti=jti))


@pytest.mark.clause("A13.8")
def test_a_token_is_good_once(house: House) -> None:
    given = token()
    assert not house.refuses(given)
    assert house.refuses(given)
    assert house.refuses(token("rsa", jti="again")) is False
    assert house.refuses(token("p384", jti="again")), "a name is used once, whatever carries it"


@pytest.mark.clause("A13.8")
def test_who_cannot_sign_cannot_use_up_a_name(house: House) -> None:
    forged = sign(header(), claims(jti="mine"), "p384-forger")
    assert house.refuses(forged)
    assert not house.refuses(token(jti="mine"))


@pytest.mark.clause("A13.3")
@pytest.mark.parametrize("kid", [None, "", "other", "EC-1", "ec-1 ", 7, "k" * 600])
def test_a_token_names_its_key(house: House, kid: Any) -> None:
    head = header(kid=kid)
    if kid == 7:
        said, _, signature = token().partition(".")[2].partition(".")
        assert house.refuses(f"{part(head)}.{said}.{signature}")
    else:
        assert house.refuses(sign(head, claims()))


@pytest.mark.clause("A13.3")
@pytest.mark.parametrize(
    ("typ", "good"),
    [
        ("JWT", True),
        ("jwt", True),
        (None, True),
        ("at+jwt", False),
        ("logout+jwt", False),
        (1, False),
    ],
)
def test_a_token_of_another_kind_is_refused(house: House, typ: Any, good: bool) -> None:
    if isinstance(typ, int):
        said = token().split(".")
        assert house.refuses(f"{part({**header(), 'typ': typ})}.{said[1]}.{said[2]}")
    else:
        assert house.refuses(sign(header(typ=typ), claims())) is not good


@pytest.mark.clause("A13.13")
def test_a_published_key_says_as_little_as_it_likes(house: House) -> None:
    assert not house.refuses(token("rsa")), "a kid with + and / and ="
    bare = key("p384").as_dict(private=False)
    house.keys = {"keys": [{**{n: bare[n] for n in ("kty", "crv", "x", "y")}, "kid": "bare"}]}
    assert not house.refuses(sign(header(kid="bare"), claims()))
    house.door.clock.forward(seconds=61)
    house.keys["keys"][0] |= {"key_ops": ["verify"], "alg": "ES384", "kid": "ops"}
    now = house.door.clock.now
    assert not house.refuses(sign(header(kid="ops"), claims(now)))


@pytest.mark.clause("A13.13")
@pytest.mark.parametrize(
    "said", [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"alg": "ES256"}, {"alg": 3}, {"kid": 3}]
)
def test_a_key_for_something_else_is_not_taken(house: House, said: dict[str, Any]) -> None:
    house.keys["keys"][0] |= said
    assert house.refuses(token())
    assert not house.refuses(token("rsa")), "one odd key hides no other"


@pytest.mark.clause("A13.12")
def test_new_keys_are_found_and_strangers_cannot_make_us_ask(house: House) -> None:
    assert not house.refuses(token())
    house.keys = key_set(p384_new="new")
    assert not house.refuses(sign(header(kid="new"), claims(), "p384-new"))
    assert len(house.fetched) == 2
    for n in range(20):
        assert house.refuses(sign(header(kid=f"guess-{n}"), claims(), "p384-forger"))
    assert len(house.fetched) == 2, "asked anew at most once a minute"
    house.door.clock.forward(seconds=61)
    assert house.refuses(sign(header(kid="guess"), claims(house.door.clock.now), "p384-forger"))
    assert len(house.fetched) == 3


@pytest.mark.clause("A13.12")
@pytest.mark.parametrize(
    ("said", "fresh_s"),
    [
        (None, 3600),
        ("max-age=60", 300),
        ("no-store", 300),
        ("public, max-age=1200", 1200),
        ("max-age=999999", 86_400),
        ("max-age=lots", 3600),
    ],
)
def test_keys_are_kept_as_their_server_says_within_limits(
    house: House, said: str | None, fresh_s: int
) -> None:
    house.headers = {} if said is None else {"Cache-Control": said}
    clock = house.door.clock
    assert not house.refuses(token())
    clock.forward(seconds=fresh_s - 1)
    assert not house.refuses(sign(header(), claims(clock.now)))
    assert len(house.fetched) == 1
    clock.forward(seconds=2)
    assert not house.refuses(sign(header(), claims(clock.now)))
    assert len(house.fetched) == 2


@pytest.mark.clause("A13.12")
def test_keys_that_were_read_serve_while_their_server_is_down_but_not_for_ever(
    house: House,
) -> None:
    clock = house.door.clock
    assert not house.refuses(token())
    house.down = True
    clock.forward(hours=23)
    assert not house.refuses(sign(header(), claims(clock.now)))
    clock.forward(hours=2)
    assert house.refuses(sign(header(), claims(clock.now))), "a revoked key must end some day"
    house.down = False
    clock.forward(seconds=11)
    assert not house.refuses(sign(header(), claims(clock.now)))


@pytest.mark.clause("A13.12")
@pytest.mark.parametrize("what", ["redirect", "huge", "html", "list", "down"])
def test_keys_that_cannot_be_had_are_a_401_and_no_more(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock, what: str
) -> None:
    house = House(tmp_path, knowledge, web)
    answers: dict[str, dict[str, Any]] = {
        "redirect": {"status": 302, "headers": {"Location": "https://evil.example/jwks.json"}},
        "huge": {"body": b'{"keys": [' + b" " * 70_000 + b"]}"},
        "html": {"body": b"<html>sign in</html>"},
        "list": {"body": b"[]"},
        "down": {"body": requests.ConnectionError("refused")},
    }
    web.replace(responses.GET, JKU, **answers[what])
    for _ in range(3):
        assert house.refuses(token())
    assert house.fetched == [JKU], "nor is a server that is down asked for every call"


@pytest.mark.clause("A13.3")
def test_keys_may_come_as_a_file_and_then_nothing_is_fetched(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    by_file = replace(CLIENT, jku=None, keys=read_key_set(key_set()))
    house = House(tmp_path, knowledge, web, [by_file])
    assert not house.refuses(token())
    assert not house.refuses(sign(header(jku="https://ehr.example/any"), claims()))
    assert house.refuses(sign(header(kid="unknown"), claims()))
    assert house.fetched == []


@pytest.mark.clause("A13.10")
def test_a_refused_caller_learns_nothing_and_the_log_no_secret(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="smartapp")
    given = token(aud="https://evil.example/secret-path", jti="jti-of-this-call")
    assert house.refuses(given)
    assert "aud names another address; iss https://ehr.example" in caplog.text
    for secret in (*given.split("."), "evil.example", "secret-path", "jti-of-this-call"):
        assert secret not in caplog.text
    stranger = token(iss="https://evil.example/\r\nforged: line")
    assert house.refuses(stranger)
    assert "not registered" in caplog.text
    assert "evil.example" not in caplog.text


@pytest.mark.clause("A13.9")
def test_a_good_token_is_logged_nowhere(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = token()
    assert not house.refuses(given)
    assert given.rpartition(".")[2] not in caplog.text


@pytest.mark.clause("A13.4")
def test_tenants_of_one_issuer_are_kept_apart(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    clients = [replace(CLIENT, tenant=name) for name in ("hospital-a", "hospital-b")]
    house = House(tmp_path, knowledge, web, clients)
    assert not house.refuses(token(tenant="hospital-a"))
    assert not house.refuses(token(tenant="hospital-b"))
    assert house.refuses(token(tenant="hospital-c"))
    assert house.refuses(token()), "which of the two it is cannot be told"
    with house.door.ledger.reading() as conn:
        kept = conn.execute(calls_table.select()).all()
    assert sorted(row.tenant for row in kept) == ["hospital-a", "hospital-b"]


@pytest.mark.clause("A13.4")
@pytest.mark.parametrize(
    ("registered", "said", "good"),
    [("a", None, True), ("a", "a", True), ("a", "b", False), (None, "b", True), ("a", 1, False)],
)
def test_a_tenant_that_is_named_is_the_registered_one(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock,
    registered: str | None, said: Any, good: bool,
) -> None:  # fmt: skip
    house = House(tmp_path, knowledge, web, [replace(CLIENT, tenant=registered)])
    assert house.refuses(token(tenant=said)) is not good


def test_one_clients_feedback_cannot_touch_anothers_card(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    other = Client(iss="https://b.example", jku=JKU, tenant="hospital-b")
    house = House(tmp_path, knowledge, web, [CLIENT, other])
    card = house.call(token()).get_json()["cards"][0]["uuid"]
    said = {"feedback": [{"card": card, "outcome": "overridden",
                          "outcomeTimestamp": "2026-11-22T15:00:01Z"}]}  # fmt: skip
    where = f"{VIEW}/feedback"
    answer = house.door.post(where, said, **bearer(token(iss="https://b.example")))
    assert answer.status_code == 200
    with house.door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM snooze").scalar() == 0
    house.door.post(where, said, **bearer(token()))
    with house.door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM snooze").scalar() == 1


AUTHORIZATION = {
    "access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "patient/*.rs",
    "subject": "hpg",
}  # fmt: skip


@pytest.mark.clause("A7.8")
def test_a_client_sends_us_to_its_own_fhir_server_only(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    """Two hospitals are registered; the first may not have us read from the second's server."""
    theirs = "http://127.0.0.1:9/theirs"
    house = House(tmp_path, knowledge, web, sites=[Site(EHR), Site(theirs)])
    web.add(responses.GET, f"{EHR}/Patient/smith", json=patient())
    for server, asked in ((EHR, True), (theirs, False), ("https://evil.example/fhir", False)):
        before = len([u for u in house.fetched if u.startswith(server)])
        data = prefetch(severe())
        del data["patient"]
        members = {"fhirServer": server, "fhirAuthorization": AUTHORIZATION}
        answer = house.door.post(VIEW, view(data, **members), **bearer(token()))
        assert (len([u for u in house.fetched if u.startswith(server)]) > before) is asked
        assert answer.status_code == (200 if asked else 412)


def test_what_a_client_shows_is_kept_under_no_other_ehrs_name(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    theirs = "https://b.example/fhir"
    house = House(tmp_path, knowledge, web, sites=[Site(EHR), Site(theirs)])
    for server in (None, EHR, theirs):
        members = {} if server is None else {"fhirServer": server}
        assert house.call(token(), **members).status_code == 200
    with house.door.ledger.reading() as conn:
        kept = conn.execute(calls_table.select()).all()
    assert {row.issuer for row in kept} == {EHR, "hospital-a"}


@pytest.mark.clause("A13.15")
@pytest.mark.parametrize("path", ["", "/hpg-patient-view", "/hpg-patient-view/feedback"])
def test_a_preflight_needs_no_token(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock, path: str
) -> None:
    house = House(tmp_path, knowledge, web, cds_discovery="required")
    answer = house.door.web.options(f"/hpg/cds-services{path}")
    assert answer.status_code == 204


@pytest.mark.clause("A2.12")
def test_discovery_may_be_closed_and_then_wants_its_own_address(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    house = House(tmp_path, knowledge, web, cds_discovery="required")

    def discover(given: str | None) -> int:
        headers = {} if given is None else bearer(given)
        return house.door.web.get("/hpg/cds-services", headers=headers).status_code

    assert discover(None) == 401
    assert discover(token()) == 401
    assert discover(token(aud=f"{BASE}/cds-services/")) == 401
    answer = house.door.web.get(
        "/hpg/cds-services", headers=bearer(token(aud=f"{BASE}/cds-services"))
    )
    assert answer.status_code == 200
    assert "private" in answer.headers["Cache-Control"]


def test_where_tokens_are_optional_a_bad_one_is_still_refused(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock
) -> None:
    base = "http://127.0.0.1:5000"
    house = House(tmp_path, knowledge, web, cds_auth="optional", public_base_url=base)
    aud = f"{base}/cds-services/{VIEW}"
    assert house.call(None).status_code == 200
    assert house.call(token(aud=aud)).status_code == 200
    assert house.call(token(aud=AUD)).status_code == 401


@pytest.mark.clause("A13.7")
def test_public_demo_keys_are_for_tests_only(
    tmp_path: Path, knowledge: Knowledge, web: responses.RequestsMock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A hospital that copied a key from a public repository is as open as without any."""
    known = frozenset((key("p384").thumbprint(),))
    monkeypatch.setattr("smartapp.cds.trust.THUMBPRINTS", known)
    house = House(tmp_path, knowledge, web)
    assert house.refuses(token())
    assert not house.refuses(token("rsa"))
    test = House(tmp_path / "test", knowledge, web, [replace(CLIENT, test=True)])
    assert not test.refuses(token())
