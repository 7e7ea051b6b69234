"""The clauses of SMART App Launch that no story of the other files tells."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from smart_ehr import APP, FHIR, LOGIN, Clock, Ehr, House, build, challenge

from smartapp.dashboard.headers import content_policy
from smartapp.errors import ConfigError, UnknownIssuer
from smartapp.fhir.client import FhirClient
from smartapp.fhir.plans import SearchPlan
from smartapp.settings import Settings
from smartapp.site import manifest
from smartapp.smart import Issuer, Issuers, load_issuers
from smartapp.smart.sessions import COOKIE


def context_of(house: House, ehr: Ehr, **token: Any) -> Any:
    """What a launch knows after the EHR's token endpoint has said `token`."""
    ehr.token |= token
    launch = house.browser().open_chart()
    return json.loads(house.sessions.launches.context(launch))


# -- protection, registration ----------------------------------------------------------------------


@pytest.mark.clause("B1.2")
@pytest.mark.clause("B1.3")
@pytest.mark.clause("B6.8")
def test_no_state_nonce_or_verifier_comes_twice_and_none_can_be_guessed(
    house: House, ehr: Ehr
) -> None:
    browser = house.browser()
    asked = [browser.launch() for _ in range(50)]
    for name in ("state", "nonce", "code_challenge"):
        assert len({one[name] for one in asked}) == 50
    # base64url: six bits a character, each character as likely as the others.
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one["state"]) for one in asked)
    assert all(len(one["state"]) * 6 >= 122 for one in asked)
    seen = len({character for one in asked for character in one["state"]})
    assert math.log2(seen) > 5.9


@pytest.mark.clause("B1.8")
@pytest.mark.clause("B3.7")
@pytest.mark.clause("B6.8")
@pytest.mark.clause("D5")
@pytest.mark.parametrize("methods", [["S256"], ["plain"], [], None])
def test_pkce_is_s256_whatever_the_server_advertises(house: House, ehr: Ehr, methods: Any) -> None:
    ehr.config["code_challenge_methods_supported"] = methods
    browser = house.browser()
    asked = browser.launch()
    browser.come_back(asked["state"])
    verifier = ehr.asked[-1]["code_verifier"]
    assert asked["code_challenge_method"] == "S256"
    assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
    assert asked["code_challenge"] == challenge(verifier)
    assert "=" not in asked["code_challenge"]


@pytest.mark.clause("B1.5")
@pytest.mark.parametrize("name", ["next", "redirect", "redirect_uri", "return_to", "url"])
def test_the_callback_leads_nowhere_but_to_the_chart(house: House, ehr: Ehr, name: str) -> None:
    browser = house.browser()
    said = {name: "https://evil.example/"}
    response = browser.come_back(browser.launch()["state"], **said)
    assert response.status_code == 303
    assert response.headers["Location"].startswith(f"{APP}/chart/")


@pytest.mark.clause("B1.6")
@pytest.mark.clause("B1.7")
def test_the_browser_keeps_an_id_and_the_store_no_token_in_clear(house: House, ehr: Ehr) -> None:
    ehr.token |= {"access_token": "access-clear", "refresh_token": "refresh-clear"}
    browser = house.browser()
    browser.open_chart()
    cookie = browser.client.get_cookie(COOKIE, domain="app.example")
    assert cookie is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie.value)
    stored = b"".join(p.read_bytes() for p in house.settings.home_dir.rglob("*") if p.is_file())
    assert b"chart-opened" in stored
    assert b"access-clear" not in stored
    assert b"refresh-clear" not in stored


@pytest.mark.clause("B2.1")
@pytest.mark.clause("B2.2")
@pytest.mark.clause("C3.1")
@pytest.mark.clause("C3.3")
@pytest.mark.parametrize("public", [APP, f"{APP}/apps/hpg"])
def test_the_redirect_uri_is_the_registered_one_both_times(
    tmp_path: Path, clock: Clock, ehr: Ehr, public: str
) -> None:
    """Whatever host the browser says it asked."""
    house = build(tmp_path, clock, public)
    registered = manifest(Settings(public_base_url=public))
    assert registered["redirect_uris"] == [f"{public}/callback"]
    assert registered["launch_url"] == f"{public}/launch"
    assert "*" not in json.dumps([registered["redirect_uris"], registered["launch_url"]])
    path = public.removeprefix(APP)
    client = house.app.test_client()
    sent = client.get(
        f"{path}/launch",
        query_string={"iss": FHIR, "launch": "l"},
        base_url=APP,
        headers={"X-Forwarded-Host": "evil.example"},
    )
    asked = parse_qs(urlsplit(sent.headers["Location"]).query)
    client.get(f"{path}/callback?code=c&state={asked['state'][0]}", base_url=APP)
    house.ledger.close()
    assert asked["redirect_uri"] == [f"{public}/callback"]
    assert ehr.asked[-1]["redirect_uri"] == f"{public}/callback"


@pytest.mark.clause("B2.3")
@pytest.mark.clause("B2.4")
@pytest.mark.clause("C3.12")
def test_each_ehr_has_its_own_registration_and_only_what_fits_it(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("se~cret")
    file = tmp_path / "issuers.toml"
    row = '[[issuer]]\nfhir_base = "https://{}.example/r4"\n{}\n'
    file.write_text(
        row.format("a", 'client_id = "a"')
        + row.format("b", 'client_id = "b"\nauth = "secret"\nclient_secret_file = "s"')
        + row.format("c", 'client_id = "c"\nauth = "key"')
    )
    read = {issuer.client_id: issuer for issuer in load_issuers(file)}
    assert [(i.auth, i.client_secret) for i in read.values()] == [
        ("public", None), ("secret", "se~cret"), ("key", None),
    ]  # fmt: skip
    for wrong in (
        'client_id = "a:b"\nauth = "secret"\nclient_secret_file = "s"',
        'client_id = "a"\nauth = "secret"',
        'client_id = "a"\nclient_secret_file = "s"',
        'client_id = "a"\nframe_ancestors = ["*"]',
    ):
        file.write_text(row.format("a", wrong))
        with pytest.raises(ConfigError):
            load_issuers(file)


# -- discovery -------------------------------------------------------------------------------------


@pytest.mark.clause("B3.1")
@pytest.mark.clause("B3.2")
@pytest.mark.clause("B3.3")
@pytest.mark.clause("C3.9")
@pytest.mark.clause("D19")
@pytest.mark.parametrize("slash", ["", "/"])
def test_discovery_lies_below_the_whole_base_and_relative_endpoints_count_from_it(
    house: House, ehr: Ehr, slash: str
) -> None:
    """It is served as text/plain, one slash is dropped for it, and `aud` keeps every byte."""
    ehr.config["authorization_endpoint"] = "auth/authorize"
    response = house.browser().get(f"/launch?iss={FHIR}{slash}&launch=l")
    assert ehr.called(f"{FHIR}/.well-known/smart-configuration") == 1
    location = response.headers["Location"]
    assert location.startswith(f"{FHIR}/auth/authorize?")
    assert parse_qs(urlsplit(location).query)["aud"] == [FHIR + slash]


@pytest.mark.clause("B3.5")
@pytest.mark.clause("D4")
def test_a_scope_that_is_not_listed_as_supported_is_asked_all_the_same(
    house: House, ehr: Ehr
) -> None:
    ehr.config["scopes_supported"] = ["openid"]
    assert "patient/Observation.rs" in house.browser().launch()["scope"].split()


@pytest.mark.clause("B3.9")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint"])
def test_an_endpoint_without_tls_ends_the_launch_before_anything_is_sent(
    house: House, ehr: Ehr, name: str
) -> None:
    ehr.config[name] = "http://login.ehr.example/x"
    response = house.browser().get(f"/launch?iss={FHIR}&launch=l")
    assert response.status_code >= 400
    assert "Location" not in response.headers
    assert not ehr.asked


# -- the launch and its request --------------------------------------------------------------------


@pytest.mark.clause("B4.3")
@pytest.mark.clause("B6.7")
@pytest.mark.clause("C3.2")
@pytest.mark.parametrize("launch", ["abc", "WzAsIiJd+/=", "a b&c=d#e%20", "é" * 40])
def test_the_launch_value_goes_back_unchanged(house: House, ehr: Ehr, launch: str) -> None:
    asked = house.browser().launch(launch)
    assert asked["launch"] == launch
    assert "launch" in asked["scope"].split()
    assert set(asked) - {"tenant"} == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch",
        "code_challenge", "code_challenge_method", "nonce",
    }  # fmt: skip


@pytest.mark.clause("B4.6")
@pytest.mark.clause("D9")
@pytest.mark.clause("Z9")
def test_a_new_launch_in_the_same_browser_takes_no_token_of_the_other(
    house: House, ehr: Ehr
) -> None:
    browser = house.browser()
    first = browser.open_chart("one")
    ehr.token |= {"access_token": "access-2", "patient": "pat-2"}
    second = browser.open_chart("two")
    shown = {name: browser.get(f"/chart/{name}/").get_json() for name in (first, second)}
    assert (shown[first]["patient"], shown[first]["token"]) == ("pat-1", "access-1")
    assert (shown[second]["patient"], shown[second]["token"]) == ("pat-2", "access-2")


@pytest.mark.clause("B4.7")
@pytest.mark.clause("B7.8")
@pytest.mark.clause("B17.5")
def test_the_sign_in_follows_at_once_in_the_same_frame(house: House, ehr: Ehr) -> None:
    """By GET unless the site says otherwise: servers that lose a posted state lose none."""
    response = house.browser().get(f"/launch?iss={FHIR}&launch=l")
    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{LOGIN}/authorize?")
    assert "target=" not in response.text


@pytest.mark.clause("B6.4")
@pytest.mark.clause("B6.5")
@pytest.mark.clause("B10.5")
@pytest.mark.clause("B10.8")
@pytest.mark.clause("D14")
@pytest.mark.parametrize("capability", ["permission-v2", "permission-v1"])
def test_only_reading_of_one_man_is_asked_without_a_wildcard(
    house: House, ehr: Ehr, capability: str
) -> None:
    ehr.config["capabilities"] = [capability]
    scopes = house.browser().launch()["scope"].split()
    assert {"launch", "openid", "fhirUser"} <= set(scopes)
    of_data = [scope for scope in scopes if "/" in scope]
    verb = {"permission-v2": "rs", "permission-v1": "read"}[capability]
    assert of_data
    assert all(re.fullmatch(rf"patient/[A-Z][A-Za-z]+\.{verb}", scope) for scope in of_data)
    assert "offline_access" not in scopes


@pytest.mark.clause("B10.1")
@pytest.mark.clause("B10.2")
@pytest.mark.clause("B10.3")
@pytest.mark.clause("B10.4")
@pytest.mark.clause("D18")
@pytest.mark.parametrize(
    ("capabilities", "wanted"),
    [
        (["permission-v2"], "rs"),
        (["permission-v1", "permission-v2"], "rs"),
        (["permission-v1"], "read"),
        ([], "read"),
        (None, "read"),
    ],
)
def test_scopes_are_of_one_syntax_the_one_the_server_says(
    house: House, ehr: Ehr, capabilities: Any, wanted: str
) -> None:
    ehr.config["capabilities"] = capabilities
    verbs = {s.partition(".")[2] for s in house.browser().launch()["scope"].split() if "/" in s}
    assert verbs == {wanted}
    assert wanted == "read" or list(wanted) == sorted(wanted, key="cruds".index)


@pytest.mark.clause("B10.7")
def test_online_access_is_asked_where_offered_and_missed_by_nobody(house: House, ehr: Ehr) -> None:
    assert "online_access" not in house.browser().launch()["scope"]
    ehr.config["capabilities"] = ["permission-online", "permission-v2"]
    house.sessions.discovery.forget(FHIR)
    browser = house.browser()
    asked = browser.launch()
    assert "online_access" in asked["scope"].split()
    assert browser.come_back(asked["state"]).status_code == 303


# -- the token -------------------------------------------------------------------------------------


@pytest.mark.clause("B7.6")
@pytest.mark.clause("B8.1")
@pytest.mark.clause("C3.3")
def test_the_code_is_redeemed_at_once_with_what_the_endpoint_needs(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    asked = browser.launch()
    assert not ehr.asked
    browser.come_back(asked["state"], code="the-code")
    (sent,) = ehr.asked
    assert sent.pop("Authorization") == ""
    assert sent["grant_type"] == "authorization_code"
    assert sent["code"] == "the-code"
    assert set(sent) == {"grant_type", "code", "redirect_uri", "code_verifier", "client_id"}


@pytest.mark.clause("B8.8")
@pytest.mark.clause("D8")
@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "~!*'()+/=", "x" * 4000])
def test_an_access_token_is_only_ever_carried(house: House, ehr: Ehr, token: str) -> None:
    ehr.token["access_token"] = token
    browser = house.browser()
    launch = browser.open_chart()
    assert browser.get(f"/chart/{launch}/").get_json()["token"] == token


@pytest.mark.clause("B8.5")
@pytest.mark.clause("B10.6")
@pytest.mark.clause("B10.9")
@pytest.mark.clause("Z9")
@pytest.mark.parametrize(
    "granted",
    [
        "launch patient/Patient.r",
        "launch patient/Observation.rs?category=laboratory",
        "launch openid",
    ],
)
def test_what_was_granted_is_kept_and_not_what_was_asked(
    house: House, ehr: Ehr, granted: str
) -> None:
    context = context_of(house, ehr, scope=granted)
    assert set(context["scopes"]) == set(granted.split())


@pytest.mark.clause("B8.9")
@pytest.mark.clause("B8.10")
@pytest.mark.clause("C3.5")
def test_the_token_goes_in_its_header_to_this_server_alone(mock: responses.RequestsMock) -> None:
    page = {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": "next", "url": "https://elsewhere.example/fhir/Observation?page=2"}],
    }
    mock.add("GET", f"{FHIR}/Observation", json=page)
    mock.add("GET", "https://elsewhere.example/fhir/Observation", json=page)
    fetched = FhirClient(FHIR, token="the-token").run(
        [SearchPlan("hormones", "Observation?a=b")], 5
    )
    assert [call.request.url for call in mock.calls] == [f"{FHIR}/Observation?a=b"]
    headers = mock.calls[0].request.headers
    assert headers["Authorization"] == "Bearer the-token"
    assert headers["Accept"] == "application/fhir+json"
    assert "the-token" not in str(mock.calls[0].request.url)
    assert [gap.what for gap in fetched.gaps] == ["hormones"]


# -- context ---------------------------------------------------------------------------------------


@pytest.mark.clause("B9.1")
@pytest.mark.parametrize(
    ("said", "kept"), [("pat-9", "pat-9"), ("Patient/pat-9", "pat-9"), ("9", "9")]
)
def test_patient_and_encounter_are_bare_ids(house: House, ehr: Ehr, said: str, kept: str) -> None:
    context = context_of(house, ehr, patient=said, encounter="Encounter/enc-9")
    assert (context["patient_id"], context["encounter_id"]) == (kept, "enc-9")


@pytest.mark.clause("B9.3")
@pytest.mark.parametrize(
    ("said", "shown"),
    [(True, True), (False, False), ("true", True), ("false", False), (None, True), (7, True)],
)
def test_the_banner_is_left_out_only_where_the_ehr_says_so(
    house: House, ehr: Ehr, said: Any, shown: bool
) -> None:
    assert context_of(house, ehr, need_patient_banner=said)["need_patient_banner"] is shown


@pytest.mark.clause("B9.2")
@pytest.mark.clause("B9.4")
@pytest.mark.clause("B9.6")
@pytest.mark.clause("B9.9")
@pytest.mark.clause("C3.6")
@pytest.mark.parametrize(
    "odd",
    [
        {"intent": "reconcile-everything", "tenant": "t-1"},
        {"intent": 7, "tenant": []},
        {"fhirContext": [{"reference": "ImagingStudy/1"}, {"reference": "List/2", "role": "x"}]},
        {"fhirContext": ["ImagingStudy/1"]},
        {"fhirContext": "ImagingStudy/1"},
        {"smart_style_url": "javascript:alert(1)"},
        {"authorization_details": [{}], "practice": {"id": 7}, "x" * 99: None},
    ],
)
def test_what_a_launch_may_also_bring_opens_the_usual_chart(
    house: House, ehr: Ehr, odd: dict[str, Any]
) -> None:
    context = context_of(house, ehr, **odd)
    assert context["patient_id"] == "pat-1"
    if odd.get("tenant") == "t-1":
        assert context["extra"]["tenant"] == "t-1"


@pytest.mark.clause("B9.7")
@pytest.mark.parametrize("said", ["x" * 100_000, {"finding": 1}, 7, ["a"], "", "\x00<script>"])
def test_an_odd_app_context_hinders_no_launch(house: House, ehr: Ehr, said: Any) -> None:
    kept = context_of(house, ehr, appContext=said)["app_context"]
    assert kept is None or (isinstance(kept, str) and len(kept) <= 4096)


@pytest.mark.clause("Z9")
@pytest.mark.parametrize(
    ("user", "known"),
    [
        ("Practitioner/7", "Practitioner/7"),
        (f"{FHIR}/Practitioner/7", "Practitioner/7"),
        ("https://other.example/r4/Practitioner/7", "https://other.example/r4/Practitioner/7"),
        (None, None),
    ],
)
def test_the_user_is_known_whole_relative_or_not_at_all(
    house: House, ehr: Ehr, user: str | None, known: str | None
) -> None:
    ehr.claims["fhirUser"] = user
    assert context_of(house, ehr)["user"] == known


@pytest.mark.clause("Z9")
@pytest.mark.clause("C3.14")
def test_a_launch_without_an_id_token_knows_no_user(house: House, ehr: Ehr) -> None:
    ehr.sign = False
    assert context_of(house, ehr)["user"] is None


# -- frames and headers ----------------------------------------------------------------------------


@pytest.mark.clause("B17.3")
@pytest.mark.clause("D22")
@pytest.mark.clause("Z11")
def test_a_page_may_be_framed_by_its_own_ehr_alone(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    launch = browser.open_chart()
    with house.app.test_request_context(headers={"Cookie": cookie_of(browser)}, base_url=APP):
        ancestors = house.sessions.frame_ancestors(house.sessions.current(launch))
    assert content_policy(ancestors).endswith("frame-ancestors https://ehr.example")
    assert content_policy(()).endswith("frame-ancestors 'none'")
    for path in ("/launch", f"/chart/{launch}/", "/callback", "/open"):
        assert "X-Frame-Options" not in browser.get(path).headers


@pytest.mark.clause("Z11")
@pytest.mark.clause("D21")
def test_the_cookie_is_made_for_a_frame_and_for_this_host_alone(house: House, ehr: Ehr) -> None:
    response = house.browser().get(f"/launch?iss={FHIR}&launch=l")
    name, *attributes = response.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-")
    assert {a.lower() for a in attributes} == {
        "secure", "httponly", "path=/", "samesite=none", "partitioned",
    }  # fmt: skip


@pytest.mark.clause("C3.8")
@pytest.mark.clause("B14.5")
def test_a_simulators_options_lie_below_a_prefix_and_nothing_else_does() -> None:
    issuers = Issuers([Issuer(fhir_base="https://sim.example/v/r4", prefix=True, client_id="x")])
    assert issuers.match("https://sim.example/v/r4/sim/WzAsMV0/fhir").client_id == "x"
    for other in ("https://sim.example/v/r4/../x", "https://sim.example/v/r40", "https://x/v/r4"):
        with pytest.raises(UnknownIssuer):
            issuers.match(other)


def cookie_of(browser: Any) -> str:
    cookie = browser.client.get_cookie(COOKIE, domain="app.example")
    return f"{COOKIE}={cookie.value}"
