"""A launch from the chart to the clean address, and every way it may be refused on the way."""

from __future__ import annotations

import base64
import json
import logging
import re
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import responses
from smart_ehr import APP, FHIR, LOGIN, Browser, Clock, Ehr, House, build, challenge, launch_id
from werkzeug.test import TestResponse

from smartapp.ledger import audit
from smartapp.smart import Issuer, Issuers


def refused(response: TestResponse, status: int, words: str) -> None:
    """A page that says what happened, what to do, and a reference; framable, unstored."""
    assert response.status_code == status
    assert words in response.text
    assert "What to do" in response.text
    assert re.search(r"Reference <code>[0-9a-f]{8}</code>", response.text)
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors *" in policy
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


@pytest.mark.clause("B6.1")
@pytest.mark.clause("B6.2")
def test_the_browser_is_sent_on_at_once_with_everything_smart_asks(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    asked = browser.launch("opaque+/= launch")
    assert asked["tenant"] == "7", "the endpoint's own query is kept"
    assert asked["response_type"] == "code"
    assert asked["client_id"] == "hpg-monitor"
    assert asked["redirect_uri"] == f"{APP}/callback"
    assert asked["aud"] == FHIR
    assert asked["launch"] == "opaque+/= launch"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 43, "256 bits"
    assert {"launch", "openid", "fhirUser", "patient/Observation.rs"} <= set(asked["scope"].split())

    browser.come_back(asked["state"], code="the code/+%20ü")
    sent = ehr.asked[0]
    assert sent["grant_type"] == "authorization_code"
    assert sent["code"] == "the code/+%20ü"
    assert sent["redirect_uri"] == f"{APP}/callback"
    assert sent["client_id"] == "hpg-monitor"
    assert 43 <= len(sent["code_verifier"]) <= 128
    assert challenge(sent["code_verifier"]) == asked["code_challenge"]


@pytest.mark.clause("B7.7")
def test_the_launch_ends_at_a_clean_address_and_the_chart_knows_whose_it_is(
    house: House, ehr: Ehr
) -> None:
    browser = house.browser()
    response = browser.come_back(browser.launch()["state"])
    assert response.status_code == 303
    assert not urlsplit(response.headers["Location"]).query
    assert response.headers["Referrer-Policy"] == "no-referrer"
    chart = browser.get(urlsplit(response.headers["Location"]).path)
    assert chart.json == {"patient": "pat-1", "user": "Practitioner/7", "token": "access-1"}


def test_the_context_holds_what_the_ehr_said(house: House, ehr: Ehr) -> None:
    ehr.token |= {"appContext": '{"finding":"f1"}', "tenant": "north", "intent": "review"}
    browser = house.browser()
    launch = browser.open_chart()
    with house.app.test_request_context(base_url=APP, headers=cookie_header(browser)):
        context = house.sessions.current(launch)
    assert context.fhir_base == context.issuer == FHIR
    assert context.encounter_id == "enc-1"
    assert context.need_patient_banner is False
    assert context.app_context == '{"finding":"f1"}'
    assert context.scopes == {"launch", "patient/Patient.rs"}
    assert context.extra == {"tenant": "north", "intent": "review"}
    assert context.timezone == "America/New_York"
    assert context.expires - context.created == timedelta(hours=8)
    assert house.sessions.frame_ancestors(context) == ("https://ehr.example",)


def cookie_header(browser: Browser) -> dict[str, str]:
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    return {"Cookie": f"__Host-hpg={cookie.value}"}


@pytest.mark.clause("B17.2")
def test_the_cookie_is_a_random_id_made_for_frames(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    response = browser.get(f"/launch?iss={FHIR}&launch=x")
    cookie = response.headers["Set-Cookie"]
    value, *attributes = [part.strip() for part in cookie.split(";")]
    assert re.fullmatch(r"__Host-hpg=[A-Za-z0-9_-]{43}", value)
    assert {a.lower() for a in attributes} == {
        "secure",
        "httponly",
        "path=/",
        "samesite=none",
        "partitioned",
    }


def test_the_app_may_live_under_a_path(tmp_path: Path, clock: Clock, ehr: Ehr) -> None:
    house = build(tmp_path, clock, f"{APP}/apps/hpg")
    browser = house.browser()
    response = browser.get(f"/apps/hpg/launch?iss={FHIR}&launch=x")
    assert (
        "redirect_uri=https%3A%2F%2Fapp.example%2Fapps%2Fhpg%2Fcallback"
        in (response.headers["Location"])
    )
    assert "Path=/;" in response.headers["Set-Cookie"] + ";"
    missing = browser.get("/apps/hpg/launch")
    sheet = re.search(r'href="([^"]+\.css)"', missing.text)
    assert sheet is not None
    assert sheet[1].startswith(f"{APP}/apps/hpg/")
    assert browser.get(urlsplit(sheet[1]).path).status_code == 200


def test_another_host_header_changes_no_address(house: House, ehr: Ehr) -> None:
    response = house.app.test_client().get(
        f"/launch?iss={FHIR}&launch=x", base_url="https://evil.example"
    )
    assert "evil.example" not in response.headers["Location"]


@pytest.mark.clause("B4.2")
@pytest.mark.parametrize(
    "iss",
    [
        "https://evil.example/fhir",
        "https://ehr.example/fhir/r4/x",
        "https://ehr.example/fhir/R4",
        "http://ehr.example/fhir/r4",
        "https://ehr.example@evil.example/fhir/r4",
        "https://ehr.example/fhir/r4//",
        "https://sim.example.evil/v/r4/sim",
        "https://sim.example/v/r44",
        "https://sim.example/v/r4/../admin",
        "https://sim.example/v/r4/%2e%2e/admin",
        "https://sim.example/v/r4/sim?x=1",
        "<script>alert(1)</script>",
        "https://[::1",
    ],
)
@pytest.mark.clause("Z9")
def test_an_unknown_issuer_is_refused_and_never_fetched(
    house: House, mock: responses.RequestsMock, iss: str
) -> None:
    response = house.browser().client.get(
        "/launch", query_string={"iss": iss, "launch": "x"}, base_url=APP
    )
    refused(response, 403, "not one of its configured EHRs")
    assert "<script>" not in response.text
    assert not mock.calls


@pytest.mark.clause("B4.1")
@pytest.mark.parametrize(
    "query",
    [
        "",
        f"iss={FHIR}",
        "launch=x",
        f"iss={FHIR}&launch=",
        f"iss={FHIR}&iss=https://evil.example&launch=x",
        f"iss={FHIR}&launch=a&launch=b",
        f"iss={FHIR}&launch=" + "x" * 9000,
    ],
)
@pytest.mark.clause("Z9")
def test_a_launch_without_its_two_parameters_is_refused(
    house: House, mock: responses.RequestsMock, query: str
) -> None:
    refused(house.browser().get(f"/launch?{query}"), 400, "opened without a chart")
    assert not mock.calls


@pytest.mark.clause("B6.2")
def test_aud_is_the_string_received_byte_for_byte(house: House, ehr: Ehr) -> None:
    assert house.browser().launch(iss=FHIR + "/")["aud"] == FHIR + "/"


def test_a_simulators_options_travel_in_aud(house: House, mock: responses.RequestsMock) -> None:
    base = "https://sim.example/v/r4/sim/WzIsIi/fhir"
    mock.get(
        f"{base}/.well-known/smart-configuration",
        json={"authorization_endpoint": "../auth/authorize", "token_endpoint": "/token"},
    )
    response = house.browser().get(f"/launch?iss={base}&launch=x")
    location = response.headers["Location"]
    assert location.startswith("https://sim.example/v/r4/sim/WzIsIi/auth/authorize?")
    assert house.sessions.discovery.smart(base).token_endpoint == "https://sim.example/token"
    assert "patient%2FPatient.read" in location, "no permission-v2: v1 syntax"


@pytest.mark.clause("B7.1")
@pytest.mark.clause("B7.4")
@pytest.mark.clause("Z9")
def test_a_state_is_good_once(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    state = browser.launch()["state"]
    assert browser.come_back(state).status_code == 303
    refused(browser.come_back(state), 400, "already completed")
    assert len(ehr.asked) == 1


@pytest.mark.parametrize("state", [None, "", "made-up", "x" * 9000])
@pytest.mark.clause("Z9")
def test_a_wrong_state_asks_for_no_token(house: House, ehr: Ehr, state: str | None) -> None:
    browser = house.browser()
    browser.launch()
    refused(browser.come_back(state), 400, "not known here")
    assert not ehr.asked


@pytest.mark.clause("B1.4")
@pytest.mark.clause("Z9")
def test_a_state_of_another_browser_is_refused_and_spent(house: House, ehr: Ehr) -> None:
    victim, attacker = house.browser(), house.browser()
    state = attacker.launch()["state"]
    victim.launch()
    refused(victim.come_back(state), 400, "another browser")
    refused(attacker.come_back(state), 400, "not known here")
    assert not ehr.asked


@pytest.mark.clause("B17.4")
def test_a_lost_cookie_is_explained_with_a_way_out(house: House, ehr: Ehr) -> None:
    framed = house.browser()
    state = framed.launch("launch-9")["state"]
    response = house.browser().come_back(state)
    refused(response, 400, "did not keep this app")
    link = re.search(r'href="([^"]+)" target="_blank" rel="noopener noreferrer"', response.text)
    assert link is not None
    assert link[1] == (
        f"{APP}/launch?iss=https%3A%2F%2Fehr.example%2Ffhir%2Fr4&amp;launch=launch-9"
    )
    assert not ehr.asked


def test_a_sign_in_that_took_too_long_is_over(house: House, ehr: Ehr, clock: Clock) -> None:
    browser = house.browser()
    state = browser.launch()["state"]
    clock.pass_(minutes=10)
    refused(browser.come_back(state), 400, "took too long")
    assert not ehr.asked


@pytest.mark.clause("B7.2")
@pytest.mark.clause("Z9")
def test_the_ehrs_no_is_shown_escaped_and_no_token_is_asked(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    response = browser.come_back(
        browser.launch()["state"],
        error="access_denied",
        error_description="<img src=x> user said no",
    )
    refused(response, 400, "access_denied")
    assert "&lt;img src=x&gt; user said no" in response.text
    assert not ehr.asked


def test_an_error_callback_without_our_state_is_not_believed(house: House, ehr: Ehr) -> None:
    response = house.browser().come_back("made-up", error="access_denied")
    refused(response, 400, "not known here")


@pytest.mark.clause("B7.3")
def test_code_and_error_together_are_an_error(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    response = browser.come_back(browser.launch()["state"], code="c", error="server_error")
    refused(response, 400, "server_error beside a code")
    assert not ehr.asked


@pytest.mark.clause("B7.3")
def test_neither_code_nor_error_is_an_error(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    refused(browser.come_back(browser.launch()["state"], code=""), 400, "neither")


@pytest.mark.clause("B7.5")
def test_an_answer_from_another_server_is_refused(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    assert browser.come_back(browser.launch()["state"], iss=LOGIN).status_code == 303
    response = browser.come_back(browser.launch()["state"], iss="https://evil.example")
    refused(response, 400, "another server")


def html(_request: Any) -> Any:
    return 200, {"Content-Type": "text/html"}, "<html>Sign in</html>"


def down(_request: Any) -> Any:
    return requests.ConnectionError("patient pat-1 refused")


def slow(_request: Any) -> Any:
    return requests.ReadTimeout("slow")


def says(status: int, body: Any) -> Any:
    return lambda _request: (status, {"Content-Type": "application/json"}, json.dumps(body))


@pytest.mark.clause("B8.6")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (html, "not a JSON object"),
        (down, "could not be reached"),
        (slow, "did not answer in time"),
        (says(500, {"access_token": "x"}), "answered 500"),
        (says(302, {}), "answered 302"),
        (says(400, {"hint": "no"}), "answered 400"),
        (says(200, ["x"]), "not a JSON object"),
        (says(200, {"patient": "1"}), "no usable access token"),
        (says(200, {"access_token": "a b"}), "no usable access token"),
        (says(200, {"access_token": ["x"]}), "no usable access token"),
        (says(200, {"access_token": "x", "token_type": "mac"}), "not of the type Bearer"),
        (says(400, {"error": "invalid_grant"}), "invalid_grant"),
        (says(401, {"error": "invalid_client"}), "client id, secret or key"),
        (says(400, {"error": {"odd": 1}}), "refused to issue tokens"),
        (lambda r: (200, {}, "x" * 1_100_000), "too long"),
    ],
)
def test_a_token_endpoint_that_fails_is_named_and_leaves_no_launch(
    house: House, ehr: Ehr, answer: Any, words: str
) -> None:
    ehr.answer = answer
    browser = house.browser()
    refused(browser.come_back(browser.launch()["state"]), 502, words)
    with house.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM launch").scalar() == 0


@pytest.mark.clause("B8.4")
@pytest.mark.parametrize(
    "expires_in", ["soon", None, 1e308, "1e999", "nan", -5, True, [], "570", 570.9]
)
def test_an_odd_lifetime_hinders_nobody(house: House, ehr: Ehr, expires_in: Any) -> None:
    ehr.token["expires_in"] = expires_in
    ehr.sign = False
    house.browser().open_chart()


@pytest.mark.clause("B8.2")
@pytest.mark.clause("B8.3")
def test_a_confidential_client_sends_its_secret_in_the_header_alone(house: House, ehr: Ehr) -> None:
    base = "https://secret.example/fhir"
    ehr.serve(f"{base}/.well-known/smart-configuration", lambda: ehr.config)
    ehr.claims["aud"] = "hpg-secret"
    browser = house.browser()
    assert browser.come_back(browser.launch(iss=base)["state"]).status_code == 303
    sent = ehr.asked[0]
    basic = base64.b64encode(b"hpg-secret:s3cret~value").decode()
    assert sent["Authorization"] == f"Basic {basic}"
    assert "client_id" not in sent
    assert "client_secret" not in sent


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"token_endpoint": None}, "names no usable token_endpoint"),
        ({"authorization_endpoint": 7}, "names no usable authorization_endpoint"),
        ({"token_endpoint": "http://login.ehr.example/token"}, "not https"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_named(
    house: House, ehr: Ehr, config: dict[str, Any], words: str
) -> None:
    ehr.config |= config
    refused(house.browser().get(f"/launch?iss={FHIR}&launch=x"), 502, words)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 404},
        {"status": 302, "headers": {"Location": "https://evil.example/"}},
        {"body": "<html>"},
        {"body": "[1]"},
        {"body": requests.ConnectTimeout("slow")},
        {"body": requests.ConnectionError("no")},
    ],
)
def test_a_configuration_that_cannot_be_read_is_a_page_not_a_crash(
    house: House, mock: responses.RequestsMock, broken: dict[str, Any]
) -> None:
    mock.get(f"{FHIR}/.well-known/smart-configuration", **broken)
    refused(house.browser().get(f"/launch?iss={FHIR}&launch=x"), 502, "could not be read")
    asked = {urlsplit(str(call.request.url)).netloc for call in mock.calls}
    assert asked == {urlsplit(FHIR).netloc}, "no redirect was followed"


def test_missing_arrays_are_tolerated(house: House, ehr: Ehr) -> None:
    for name in ("capabilities", "code_challenge_methods_supported"):
        ehr.config.pop(name)
    ehr.config["scopes_supported"] = "not a list"
    assert "patient/Patient.read" in house.browser().launch()["scope"].split()


@pytest.mark.clause("B3.8")
def test_discovery_is_kept_for_an_hour_at_most(house: House, ehr: Ehr, clock: Clock) -> None:
    browser = house.browser()
    browser.launch()
    clock.pass_(minutes=59)
    browser.launch()
    assert ehr.called("smart-configuration") == 1
    clock.pass_(minutes=1)
    browser.launch()
    assert ehr.called("smart-configuration") == 2


@pytest.mark.parametrize(
    "patient", [None, "", "a/../b", "x" * 200, 7, "..", "-_", "id?_format=xml"]
)
def test_without_a_usable_patient_there_is_no_chart(house: House, ehr: Ehr, patient: Any) -> None:
    ehr.token["patient"] = patient
    browser = house.browser()
    refused(browser.come_back(browser.launch()["state"]), 400, "No patient was chosen")


@pytest.mark.parametrize(
    ("said", "banner"),
    [(None, True), ("true", True), (True, True), ("false", False), (False, False), ("?", True)],
)
def test_the_banner_is_shown_unless_the_ehr_says_no(
    house: House, ehr: Ehr, said: Any, banner: bool
) -> None:
    ehr.token["need_patient_banner"] = said
    browser = house.browser()
    launch = browser.open_chart()
    with house.app.test_request_context(base_url=APP, headers=cookie_header(browser)):
        assert house.sessions.current(launch).need_patient_banner is banner


def test_an_overlong_app_context_is_dropped(house: House, ehr: Ehr) -> None:
    ehr.token["appContext"] = "x" * 5000
    browser = house.browser()
    launch = browser.open_chart()
    with house.app.test_request_context(base_url=APP, headers=cookie_header(browser)):
        assert house.sessions.current(launch).app_context is None


def test_an_open_test_server_needs_no_sign_in(house: House, mock: responses.RequestsMock) -> None:
    browser = house.browser()
    response = browser.get("/open?iss=https://open.example/fhir&patient=p-1")
    assert response.status_code == 303
    with house.app.test_request_context(base_url=APP, headers=cookie_header(browser)):
        context = house.sessions.current(launch_id(response))
        assert house.sessions.access_token(context.launch_id) is None
    assert context.open_server
    assert context.need_patient_banner
    assert (context.patient_id, context.user) == ("p-1", None)
    assert not mock.calls


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"iss={FHIR}&patient=p-1", 403),
        ("iss=https://evil.example/fhir&patient=p-1", 403),
        ("iss=https://open.example/fhir&patient=../x", 400),
        ("iss=https://open.example/fhir&patient=..", 400),
        ("iss=https://open.example/fhir&patient=", 400),
        ("patient=p-1", 400),
    ],
)
def test_a_real_ehr_is_never_opened_without_sign_in(house: House, query: str, status: int) -> None:
    assert house.browser().get(f"/open?{query}").status_code == status


def test_an_open_server_is_not_launched(house: House, mock: responses.RequestsMock) -> None:
    response = house.browser().get("/launch?iss=https://open.example/fhir&launch=x")
    refused(response, 400, "/open")
    assert not mock.calls


def test_the_audit_tells_who_opened_and_what_was_refused(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    launch = browser.open_chart()
    ehr.claims["aud"] = "someone-else"
    browser.come_back(browser.launch()["state"])
    browser.come_back("made-up")
    with house.ledger.reading() as conn:
        rows = [json.loads(b) for (b,) in conn.exec_driver_sql("SELECT body FROM audit")]
    assert [row["kind"] for row in rows] == ["chart-opened", "launch-refused"]
    assert rows[0]["who"] == "Practitioner/7"
    assert rows[0]["patient"] == "pat-1"
    assert rows[0]["issuer"] == FHIR
    assert rows[0]["launch"] == launch
    assert rows[1]["detail"] == {"error": "IdTokenRejected"}
    assert audit.verify(house.ledger).ok


@pytest.mark.clause("Z11")
def test_no_log_line_and_no_file_holds_a_secret(
    house: House, ehr: Ehr, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "smartapp")
    ehr.token |= {"refresh_token": "refresh-secret", "access_token": "access-secret"}
    browser = house.browser()
    asked = browser.launch("launch-secret")
    id_token = ehr.id_token()
    ehr.token["id_token"] = id_token
    browser.come_back(asked["state"], code="code-secret")
    launched = ehr.asked[0]["code_verifier"]
    again = browser.launch("launch-secret-2")
    ehr.answer = says(
        400, {"error": "invalid_grant", "error_description": "code-secret-2 of pat-1"}
    )
    browser.come_back(again["state"], code="code-secret-2")
    browser.come_back(again["state"], code="code-secret-2")
    cookie = cookie_header(browser)["Cookie"].partition("=")[2]
    secret = [
        "access-secret", "refresh-secret", "code-secret", "launch-secret",
        id_token, launched, asked["state"], again["state"], cookie,
    ]  # fmt: skip

    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert "launch stopped" in logged
    assert not [s for s in [*secret, "pat-1"] if s in logged]

    stored = b"".join(path.read_bytes() for path in house.settings.home_dir.iterdir())
    assert b"chart-opened" in stored
    assert not [s for s in secret if s.encode() in stored]


@pytest.mark.clause("B6.3")
def test_where_configured_the_browser_posts_the_authorization_request(
    house: House, ehr: Ehr
) -> None:
    """By a script of ours, or by the button: no script stands in the page."""
    posting = Issuer(
        fhir_base=FHIR,
        client_id="hpg-monitor",
        authorize="post",
        frame_ancestors=("https://ehr.example",),
    )
    object.__setattr__(house.sessions, "issuers", Issuers([posting]))
    browser = house.browser()
    launch = 'x"><script>alert(1)</script>'
    page = browser.client.get("/launch", query_string={"iss": FHIR, "launch": launch}, base_url=APP)
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors https://ehr.example" in policy
    assert page.headers["Cache-Control"] == "no-store"
    assert "<script>" not in page.text
    assert '<button class="way-out" type="submit">' in page.text
    form = re.search(r'<form method="post" action="([^"]+)">', page.text)
    assert form is not None
    assert unescape(form[1]) == f"{LOGIN}/authorize?tenant=7"
    fields = {
        unescape(name): unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
    }
    assert fields["launch"] == launch
    assert {
        "response_type", "client_id", "redirect_uri", "scope", "state", "aud",
        "code_challenge", "code_challenge_method",
    } <= set(fields)  # fmt: skip
    script = re.search(r'<script src="([^"]+)" defer>', page.text)
    assert script is not None
    assert browser.get(urlsplit(script[1]).path).status_code == 200
    assert browser.come_back(fields["state"]).status_code == 303
