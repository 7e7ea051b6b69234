"""Each deviation on the wire: what a client meets when this EHR behaves as another's."""

from __future__ import annotations

import json
import time
from dataclasses import fields, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from demo_sandbox import CHALLENGE, FHIR, ORIGIN, REDIRECT, Ehr, location, observation, story
from joserfc import jwt

from smartapp.demo import Behaviour, behaviour_of, vendors
from smartapp.demo.oauth.keys import process_keys
from smartapp.errors import ConfigError


@pytest.fixture
def acting(make_ehr: Any) -> Any:
    """An EHR of plain behaviour but for what is named."""

    def make(**changes: Any) -> Ehr:
        stories = changes.pop("stories", None)
        size = changes.pop("page_size", 20)
        ehr: Ehr = make_ehr(stories, behaviour=replace(Behaviour(), **changes), page_size=size)
        return ehr

    return make


def get(ehr: Ehr, path: str) -> Any:
    answer = ehr.client().get(path, base_url=ORIGIN)
    return answer.json if answer.status_code == 200 else answer.status_code


def id_token(ehr: Ehr) -> tuple[dict[str, Any], dict[str, Any]]:
    read = jwt.decode(ehr.tokens()["id_token"], process_keys().id_token, algorithms=["RS256"])
    return dict(read.header), dict(read.claims)


def test_every_vendor_of_the_table_is_read_and_differs_from_the_plain_one() -> None:
    names = vendors()
    assert names[0] == "generic"
    assert set(names) >= {
        "epic", "oracle", "athena", "meditech", "medplum", "smart-launcher", "hapi",
    }  # fmt: skip
    assert behaviour_of("generic") == Behaviour()
    assert len({behaviour_of(name) for name in names}) == len(names)
    with pytest.raises(ConfigError, match="no EHR 'acme'"):
        behaviour_of("acme")


def test_every_deviation_is_in_some_vendor() -> None:
    """So that the browser walk meets each of them."""
    plain = Behaviour()
    # The lifetimes of launches and pages, and `observation_filter` in its strict sense, are plain.
    deviating = {
        field.name
        for field in fields(Behaviour)
        for name in vendors()
        if getattr(behaviour_of(name), field.name) != getattr(plain, field.name)
    }
    lifetimes = {"launch_seconds", "refresh_token_seconds", "page_seconds"}
    assert {field.name for field in fields(Behaviour)} - deviating == lifetimes


@pytest.mark.clause("C3.15")
def test_an_ehr_says_how_it_looks(acting: Any) -> None:
    plain, styled = acting(), acting(style=True)
    assert "smart_style_url" not in plain.tokens()
    url = styled.tokens()["smart_style_url"]
    assert url == f"{ORIGIN}/smart-style.json"
    assert get(styled, "/smart-style.json")["color_background"] == "#f4f1ea"
    assert get(plain, "/smart-style.json") == 404


# --- discovery ---------------------------------------------------------------------------------


@pytest.mark.clause("B3.4")
def test_a_configuration_without_lists(acting: Any) -> None:
    found = get(acting(metadata_arrays=False), "/fhir/.well-known/smart-configuration")
    assert found["token_endpoint"]
    assert not [name for name, value in found.items() if isinstance(value, list)]


@pytest.mark.clause("B3.6")
def test_a_smart_1_server_names_its_endpoints_in_metadata_alone(acting: Any) -> None:
    ehr = acting(smart_configuration="none")
    assert get(ehr, "/fhir/.well-known/smart-configuration") == 401
    security = get(ehr, "/fhir/metadata")["rest"][0]["security"]
    named = {e["url"]: e["valueUri"] for e in security["extension"][0]["extension"]}
    assert named == {
        "authorize": f"{ORIGIN}/oauth2/authorize",
        "token": f"{ORIGIN}/oauth2/token",
    }


def test_a_configuration_at_the_hosts_root(acting: Any) -> None:
    ehr = acting(smart_configuration="host-root", fhir_path="/v2/x")
    assert get(ehr, "/.well-known/smart-configuration")["issuer"] == f"{ORIGIN}/oauth2"
    assert get(ehr, "/v2/x/.well-known/smart-configuration") == 401


@pytest.mark.clause("B11.4")
def test_keys_named_in_the_openid_configuration_only(acting: Any) -> None:
    ehr = acting(jwks_in_smart=False)
    assert "jwks_uri" not in get(ehr, "/fhir/.well-known/smart-configuration")
    assert get(ehr, "/oauth2/.well-known/openid-configuration")["jwks_uri"]


def test_a_base_with_a_slash_is_the_aud_with_a_slash(acting: Any) -> None:
    ehr = acting(fhir_path="/fhir/R4/")
    assert location(ehr.authorize(aud=f"{FHIR}/R4"))["error"] == "invalid_request"
    assert "code" in location(ehr.authorize(aud=f"{FHIR}/R4/"))
    assert get(ehr, "/fhir/R4/metadata")["resourceType"] == "CapabilityStatement"


# --- who gets in -------------------------------------------------------------------------------


def test_an_id_token_of_another_issuer_without_a_kid_and_with_a_relative_user(acting: Any) -> None:
    header, claims = id_token(
        acting(
            id_token_issuer="{issuer}/oidc/idsps/t/",
            id_token_kid=False,
            absolute_user=False,
        )
    )
    assert "kid" not in header
    assert claims["iss"] == f"{ORIGIN}/oauth2/oidc/idsps/t/"
    assert claims["fhirUser"] == "Practitioner/okafor"


@pytest.mark.clause("B10.4")
@pytest.mark.parametrize(
    ("changes", "granted"),
    [
        ({"scope_versions": ("v1",)}, "launch patient/Patient.read"),
        ({"scope_versions": ("v2",)}, "launch patient/Patient.rs patient/*.rs"),
        ({"wildcard_scopes": False}, "launch patient/Patient.rs patient/Patient.read"),
        ({"withheld": ("Patient",)}, "launch"),
    ],
)
def test_scopes_are_reduced(acting: Any, changes: dict[str, Any], granted: str) -> None:
    asked = "launch patient/Patient.rs patient/Patient.read patient/*.rs"
    assert acting(**changes).tokens(scope=asked)["scope"] == granted


def test_a_570_second_token_ends_and_its_refresh_token_works_once(acting: Any) -> None:
    ehr = acting(access_token_seconds=570)
    tokens = ehr.tokens()
    assert tokens["expires_in"] == 570
    ehr.clock.pass_seconds(571)
    assert ehr.fhir("Patient/amos", tokens["access_token"]).status_code == 401
    renewed = ehr.refresh(tokens["refresh_token"]).json or {}
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert ehr.refresh(tokens["refresh_token"]).status_code == 400


@pytest.mark.clause("B7.8")
@pytest.mark.parametrize(("keeps", "state"), [(True, ["st-1"]), (False, None)])
def test_state_of_a_posted_authorize_request(acting: Any, keeps: bool, state: Any) -> None:
    ehr = acting(posted_state=keeps)
    form = {
        "response_type": "code", "client_id": "public", "redirect_uri": REDIRECT,
        "scope": "launch patient/Patient.rs", "state": "st-1", "aud": FHIR,
        "code_challenge": CHALLENGE, "code_challenge_method": "S256", "launch": ehr.launch(),
    }  # fmt: skip
    answer = ehr.client().post("/oauth2/authorize", data=form, base_url=ORIGIN)
    query = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert "code" in query
    assert query.get("state") == state
    assert location(ehr.authorize())["state"] == "st-1", "by GET it comes back"


@pytest.mark.clause("B5.3")
def test_a_standalone_launch_that_ends_without_a_patient(acting: Any) -> None:
    ehr = acting(standalone_patient=False)
    tokens = ehr.tokens(launch=None, scope="launch/patient patient/Patient.rs")
    assert "patient" not in tokens
    assert ehr.fhir("Patient?_id=amos", tokens["access_token"]).status_code == 403
    assert ehr.tokens()["patient"] == "amos", "a launch from a chart names its patient"


def test_a_clock_ahead_is_ahead_everywhere(acting: Any) -> None:
    ehr = acting(clock_skew=45)
    _, claims = id_token(ehr)
    assert 40 < claims["iat"] - time.time() < 50
    date = ehr.client().get("/fhir/metadata", base_url=ORIGIN).headers["Date"]
    assert 40 < parsedate_to_datetime(date).timestamp() - time.time() < 50


# --- how FHIR answers --------------------------------------------------------------------------


def test_observations_by_category_only(acting: Any) -> None:
    ehr = acting(category_required=True)
    token = ehr.tokens()["access_token"]
    assert ehr.fhir("Observation?patient=amos&code=2986-8", token).status_code == 400
    both = "Observation?patient=amos&code=2986-8&category=laboratory,exam"
    assert ehr.fhir(both, token).status_code == 200


def test_a_denied_type_is_403_whatever_was_granted(acting: Any) -> None:
    ehr = acting(denied=("Observation",))
    token = ehr.tokens()["access_token"]
    for path in ("Observation?patient=amos&category=laboratory", "Observation/t1"):
        answer = ehr.fhir(path, token)
        assert answer.status_code == 403
        assert (answer.json or {})["resourceType"] == "OperationOutcome"
    assert ehr.fhir("Patient/amos", token).status_code == 200


@pytest.mark.parametrize(
    ("query", "severity", "matches"),
    [("code=2986-8", "information", 3), ("code=9999-9", "warning", 0)],
)
def test_an_outcome_stands_among_the_matches(
    acting: Any, query: str, severity: str, matches: int
) -> None:
    ehr = acting(bundle_outcomes=True)
    body = ehr.fhir(f"Observation?patient=amos&{query}", ehr.tokens()["access_token"]).json or {}
    modes = [entry["search"]["mode"] for entry in body["entry"]]
    assert modes == ["match"] * matches + ["outcome"]
    assert body["entry"][-1]["resource"]["issue"][0]["severity"] == severity
    assert body["total"] == matches


@pytest.mark.parametrize("paging", ["page", "cursor", "getpages"])
def test_pages_lie_behind_opaque_links(acting: Any, paging: str) -> None:
    many = [observation(f"o{n}", "amos") for n in range(5)]
    ehr = acting(paging=paging, page_size=2, stories=(story("amos", "amos", *many),))
    token = ehr.tokens()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    address, met = f"{FHIR}/Observation?patient=amos&code=2986-8", []
    for _ in range(3):
        body = ehr.client().get(address, headers=bearer).json or {}
        met += [entry["resource"]["id"] for entry in body["entry"]]
        following = [k["url"] for k in body["link"] if k["relation"] == "next"]
        if following:
            assert "_offset" not in following[0]
            address = following[0]
    assert met == [f"o{n}" for n in range(5)]
    assert not following


def test_a_page_is_for_the_authorization_that_asked(acting: Any) -> None:
    many = [observation(f"o{n}", "amos") for n in range(3)]
    ehr = acting(paging="getpages", page_size=2, stories=(story("amos", "amos", *many),))
    first = ehr.fhir("Observation?patient=amos&code=2986-8", ehr.tokens()["access_token"]).json
    link = next(k["url"] for k in (first or {})["link"] if k["relation"] == "next")
    stranger = {"Authorization": f"Bearer {ehr.tokens()['access_token']}"}
    assert ehr.client().get(link, headers=stranger).status_code == 410
    assert ehr.client().get(f"{ORIGIN}/fhir", headers=stranger).status_code == 404


def test_a_slow_search_is_slow(acting: Any) -> None:
    ehr = acting(search_ms=120)
    token = ehr.tokens()["access_token"]
    began = time.perf_counter()
    ehr.fhir("Observation?patient=amos&code=2986-8", token)
    assert time.perf_counter() - began >= 0.12


# --- an open test server -----------------------------------------------------------------------


@pytest.fixture
def open_server(acting: Any) -> Ehr:
    ehr: Ehr = acting(oauth=False, fhir_open=True)
    return ehr


def put(identity: str, **members: Any) -> dict[str, Any]:
    resource = observation(identity, "amos", **members)
    return {
        "resource": resource,
        "request": {"method": "PUT", "url": f"Observation/{identity}"},
    }


def transact(ehr: Ehr, *entries: Any, **members: Any) -> Any:
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries), **members}
    return ehr.fhir("", None, method="POST", json=bundle)


def test_it_has_no_authorization_and_needs_none(open_server: Ehr) -> None:
    assert get(open_server, "/fhir/.well-known/smart-configuration") == 404
    assert get(open_server, "/oauth2/authorize") == 404
    assert "security" not in get(open_server, "/fhir/metadata")["rest"][0]
    assert get(open_server, "/fhir/Observation?patient=amos&code=2986-8")["total"] == 3
    assert open_server.fhir("Patient/amos", "made-up-token").status_code == 401


def test_a_closed_server_is_not_written_to(make_ehr: Any) -> None:
    ehr = make_ehr()
    token = ehr.tokens()["access_token"]
    assert transact(ehr, put("n1")).status_code == 401
    row = observation("t1", "amos")
    assert ehr.fhir("Observation/t1", token, method="PUT", json=row).status_code == 405
    assert ehr.fhir("Observation/t1", token, method="DELETE").status_code == 405


def test_a_transaction_writes_changes_and_deletes(open_server: Ehr) -> None:
    gone = {"request": {"method": "DELETE", "url": "Observation/t2"}}
    answer = transact(open_server, put("n1"), put("t1", status="amended"), gone)
    assert answer.status_code == 200
    said = [entry["response"]["status"] for entry in answer.json["entry"]]
    assert said == ["201 Created", "200 OK", "204 No Content"]
    assert get(open_server, "/fhir/Observation/t1")["status"] == "amended"
    assert get(open_server, "/fhir/Observation/t2") == 404
    found = get(open_server, "/fhir/Observation?patient=amos&code=2986-8")
    assert {e["resource"]["id"] for e in found["entry"]} == {"n1", "t1", "t3"}


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (put("n2", valueQuantity="8.1 nmol/L"), 422),
        (put("n2", subject={"reference": "Patient/nobody"}), 400),
        (put("n1"), 400),
        ({"request": {"method": "PATCH", "url": "Patient/amos"}}, 400),
        ({"request": {"method": "DELETE", "url": "Patient?name=a"}}, 400),
        ({**put("n3"), "request": {"method": "PUT", "url": "Observation/n4"}}, 400),
        (None, 400),
        ({"request": 7}, 400),
    ],
)  # fmt: skip
def test_a_transaction_happens_whole_or_not_at_all(
    open_server: Ehr, entry: Any, status: int
) -> None:
    assert transact(open_server, put("n1"), entry).status_code == status
    assert get(open_server, "/fhir/Observation/n1") == 404


def test_nothing_is_deleted_that_others_refer_to(open_server: Ehr) -> None:
    gone = {"request": {"method": "DELETE", "url": "Patient/amos"}}
    assert transact(open_server, gone).status_code == 409
    assert get(open_server, "/fhir/Patient/amos")["id"] == "amos"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"resourceType":"Bundle","type":"batch"}'])
def test_what_is_no_transaction_is_refused(open_server: Ehr, body: bytes) -> None:
    answer = open_server.fhir("", None, method="POST", data=body)
    assert answer.status_code == 400
    assert json.loads(answer.text)["resourceType"] == "OperationOutcome"


def test_one_resource_is_put_and_deleted(open_server: Ehr) -> None:
    row = observation("n1", "amos")
    for expected in (201, 200):
        answer = open_server.fhir("Observation/n1", None, method="PUT", json=row)
        assert answer.status_code == expected
    for _ in range(2):
        assert open_server.fhir("Observation/n1", None, method="DELETE").status_code == 204
    assert open_server.fhir("Observation/other", None, method="PUT", json=row).status_code == 400
