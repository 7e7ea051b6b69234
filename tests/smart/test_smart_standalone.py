"""A launch that begins here: which EHR, which patient, and what happens without one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

import pytest
from smart_ehr import APP, FHIR, LOGIN, Browser, Clock, Ehr, House
from werkzeug.test import TestResponse

from smartapp.errors import LaunchExpired, NoPatient
from smartapp.smart import Issuer, Issuers

ONE = Issuer(fhir_base=FHIR, client_id="hpg-monitor", name="General Hospital")
USER_SCOPES = "launch/patient openid fhirUser user/Patient.rs user/Observation.rs"


def known(house: House, issuers: Iterable[Issuer]) -> None:
    object.__setattr__(house.sessions, "issuers", Issuers(issuers))


def asked(response: TestResponse) -> dict[str, str]:
    assert response.status_code == 302, response.text
    query = parse_qs(urlsplit(response.headers["Location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()}


def headers(browser: Browser) -> dict[str, str]:
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    return {"Cookie": f"__Host-hpg={cookie.value}"}


def signed_in(house: House, ehr: Ehr, **said: object) -> tuple[Browser, TestResponse]:
    """A standalone launch up to the answer of the callback; `said` changes the token answer."""
    ehr.token.pop("patient")
    ehr.token |= said
    browser = house.browser()
    sent = asked(browser.get(f"/standalone?iss={FHIR}"))
    return browser, browser.come_back(sent["state"])


@pytest.mark.clause("B5.1")
@pytest.mark.clause("B5.2")
def test_a_standalone_launch_asks_for_a_patient_and_sends_no_launch(house: House, ehr: Ehr) -> None:
    sent = asked(house.browser().get(f"/standalone?iss={FHIR}"))
    assert "launch" not in sent
    assert sent["aud"] == FHIR
    scopes = sent["scope"].split()
    assert "launch/patient" in scopes
    assert "launch" not in scopes
    assert "online_access" not in scopes
    assert "patient/Observation.rs" in scopes


@pytest.mark.clause("B5.1")
def test_the_only_ehr_is_gone_to_at_once(house: House, ehr: Ehr) -> None:
    known(house, [ONE])
    assert asked(house.browser().get("/standalone"))["aud"] == FHIR


@pytest.mark.clause("B5.1")
def test_several_ehrs_are_listed_each_with_its_way_in(house: House, ehr: Ehr) -> None:
    open_one = Issuer(fhir_base="https://open.example/r4?", auth="none", name="<b>Open</b>")
    simulator = Issuer(fhir_base="https://sim.example/v", prefix=True, client_id="x")
    known(house, [ONE, open_one, simulator])
    page = house.browser().get("/standalone")
    assert page.status_code == 200
    ways = re.findall(r'<a href="([^"]+)">([^<]+)</a>', page.text)
    assert ways == [
        (f"{APP}/standalone?iss=https%3A%2F%2Fehr.example%2Ffhir%2Fr4", "General Hospital"),
        (f"{APP}/open?iss=https%3A%2F%2Fopen.example%2Fr4%3F", "&lt;b&gt;Open&lt;/b&gt;"),
    ]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert not ehr.mock.calls, "no EHR was asked"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?iss=https://evil.example/fhir", 403),
        (f"?iss={FHIR}&iss={FHIR}", 400),
        ("?iss=", 400),
        ("?iss=https://open.example/fhir", 400),
    ],
)
def test_no_other_server_is_launched(house: House, ehr: Ehr, query: str, status: int) -> None:
    assert house.browser().get(f"/standalone{query}").status_code == status
    assert not ehr.mock.calls


def test_without_any_ehr_the_page_says_so(house: House) -> None:
    known(house, [])
    page = house.browser().get("/standalone")
    assert page.status_code == 400
    assert "No EHR is configured" in page.text


@pytest.mark.clause("D19")
def test_aud_is_the_base_as_the_site_wrote_it_with_its_slash(house: House, ehr: Ehr) -> None:
    slashed = f"{FHIR}/"
    known(house, [Issuer(fhir_base=slashed, profile="medplum", client_id="hpg-monitor")])
    assert asked(house.browser().get(f"/standalone?iss={FHIR}"))["aud"] == slashed


def test_a_lost_cookie_leads_back_to_the_same_kind_of_launch(house: House, ehr: Ehr) -> None:
    sent = asked(house.browser().get(f"/standalone?iss={FHIR}"))
    page = house.browser().come_back(sent["state"])
    assert f'href="{APP}/standalone?iss=https%3A%2F%2Fehr.example%2Ffhir%2Fr4"' in page.text


@pytest.mark.clause("B5.3")
def test_with_patient_scopes_a_launch_without_patient_ends_with_a_reason(
    house: House, ehr: Ehr
) -> None:
    _, answer = signed_in(house, ehr)
    assert answer.status_code == 400
    assert "named no patient, and gave no permission to look for one" in answer.text


@pytest.mark.clause("B5.3")
@pytest.mark.parametrize("scope", ["user/Patient.r", "user/Patient.s", "system/Patient.rs"])
def test_a_permission_that_finds_no_patient_is_none(house: House, ehr: Ehr, scope: str) -> None:
    _, answer = signed_in(house, ehr, scope=scope)
    assert answer.status_code == 400


@pytest.mark.clause("B5.3")
def test_with_user_scopes_the_user_chooses_once_and_for_all(house: House, ehr: Ehr) -> None:
    browser, answer = signed_in(house, ehr, scope=USER_SCOPES)
    assert answer.status_code == 303
    place = re.fullmatch(rf"{APP}/choose/([\w-]+)/", answer.headers["Location"])
    assert place is not None
    launch = place[1]
    sessions = house.sessions
    with house.app.test_request_context(base_url=APP, headers=headers(browser)):
        with pytest.raises(NoPatient):
            sessions.current(launch)
        assert sessions.choosing(launch) is not None
        assert sessions.choose(launch, "pat-9").patient_id == "pat-9"
        assert sessions.choosing(launch) is None
        assert sessions.current(launch).patient_id == "pat-9"
        with pytest.raises(LaunchExpired):
            sessions.choose(launch, "pat-1")
        assert sessions.current(launch).patient_id == "pat-9"
    stranger = house.browser()
    stranger.get(f"/standalone?iss={FHIR}")
    with (
        house.app.test_request_context(base_url=APP, headers=headers(stranger)),
        pytest.raises(LaunchExpired),
    ):
        sessions.choose(launch, "pat-1")


def test_the_audit_knows_of_a_chart_only_when_a_patient_is_chosen(house: House, ehr: Ehr) -> None:
    browser, answer = signed_in(house, ehr, scope=USER_SCOPES)
    launch = answer.headers["Location"].split("/")[-2]

    def kinds() -> list[str]:
        with house.ledger.reading() as conn:
            return [kind for (kind,) in conn.exec_driver_sql("SELECT kind FROM audit ORDER BY seq")]

    assert kinds() == []
    with house.app.test_request_context(base_url=APP, headers=headers(browser)):
        house.sessions.choose(launch, "pat-9")
        house.sessions.logout(launch)
    assert kinds() == ["chart-opened", "chart-closed"]


@pytest.mark.clause("B9.8")
def test_a_refresh_while_choosing_may_name_anyone_and_after_that_nobody_else(
    house: House, ehr: Ehr, clock: Clock
) -> None:
    browser, answer = signed_in(house, ehr, scope=USER_SCOPES, refresh_token="refresh-1")
    launch = answer.headers["Location"].split("/")[-2]
    ehr.token |= {"access_token": "access-2", "refresh_token": "refresh-2", "patient": "pat-3"}
    clock.pass_(seconds=600)
    assert house.sessions.access_token(launch) == "access-2"
    with house.app.test_request_context(base_url=APP, headers=headers(browser)):
        house.sessions.choose(launch, "pat-9")
    clock.pass_(seconds=600)
    with pytest.raises(LaunchExpired, match="another patient"):
        house.sessions.access_token(launch)


@pytest.mark.clause("B7.5")
def test_a_server_that_names_itself_must_do_so(house: House, ehr: Ehr) -> None:
    ehr.config["authorization_response_iss_parameter_supported"] = True
    browser = house.browser()
    page = browser.come_back(browser.launch()["state"])
    assert page.status_code == 400
    assert "does not say which server" in page.text
    assert browser.come_back(browser.launch()["state"], iss=LOGIN).status_code == 303


@pytest.mark.clause("B3.9")
def test_endpoints_may_be_pinned_to_the_origins_a_site_lists(
    house: House, ehr: Ehr, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "smartapp.smart")
    browser = house.browser()
    browser.launch()
    flagged = [r.getMessage() for r in caplog.records if "another origin" in r.getMessage()]
    assert len(flagged) == 4, "each endpoint that is not at the FHIR server's origin is told"
    browser.launch()
    assert len([r for r in caplog.records if "another origin" in r.getMessage()]) == 4
    pinned = Issuer(fhir_base=FHIR, client_id="x", endpoint_origins=("https://ehr.example",))
    known(house, [pinned])
    page = browser.get(f"/launch?iss={FHIR}&launch=x")
    assert page.status_code == 502
    assert "endpoint_origins" in page.text
    known(house, [Issuer(fhir_base=FHIR, client_id="x", endpoint_origins=(LOGIN,))])
    browser.launch()
