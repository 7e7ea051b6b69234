"""Whose launch is it: two patients in one browser, ends, refreshes, logout."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
import requests
from smart_ehr import APP, FHIR, LOGIN, Browser, Clock, Ehr, House
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, NewConnectionError

from smartapp.errors import LaunchExpired, TokenExchangeFailed


def shown(browser: Browser, launch: str) -> Any:
    return browser.get(f"/chart/{launch}/").json


@pytest.mark.clause("B4.5")
@pytest.mark.clause("Z9")
def test_two_interleaved_launches_show_each_its_own_patient(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    state_a = browser.launch("launch-a")["state"]
    state_b = browser.launch("launch-b")["state"]
    ehr.token |= {"patient": "pat-b", "access_token": "access-b"}
    b = browser.come_back(state_b).headers["Location"].split("/")[-2]
    ehr.token |= {"patient": "pat-a", "access_token": "access-a"}
    a = browser.come_back(state_a).headers["Location"].split("/")[-2]

    for _ in range(2):
        assert (shown(browser, a)["patient"], shown(browser, a)["token"]) == ("pat-a", "access-a")
        assert (shown(browser, b)["patient"], shown(browser, b)["token"]) == ("pat-b", "access-b")


def test_a_launch_is_useless_in_another_browser(house: House, ehr: Ehr) -> None:
    mine, other = house.browser(), house.browser()
    launch = mine.open_chart()
    other.open_chart()
    assert other.get(f"/chart/{launch}/").status_code == 410
    without = house.browser().get(f"/chart/{launch}/")
    assert without.status_code == 400
    assert "cookie" in without.text
    forged = house.app.test_client()
    forged.set_cookie("__Host-hpg", "x' OR 1=1", domain="app.example")
    assert forged.get(f"/chart/{launch}/", base_url=APP).status_code == 400
    assert shown(mine, launch)["patient"] == "pat-1"


def test_an_idle_launch_ends_and_a_new_one_does_not_wake_it(
    house: House, ehr: Ehr, clock: Clock
) -> None:
    browser = house.browser()
    old = browser.open_chart()
    clock.pass_(minutes=15)
    response = browser.get(f"/chart/{old}/")
    assert response.status_code == 410
    assert "This launch is over" in response.text
    new = browser.open_chart()
    assert browser.get(f"/chart/{old}/").status_code == 410
    assert shown(browser, new)["patient"] == "pat-1"


def test_an_unknown_launch_looks_like_an_ended_one(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    browser.open_chart()
    assert browser.get("/chart/never-was/").status_code == 410


@pytest.mark.clause("B12.6")
def test_logout_deletes_the_launch_and_revokes_its_tokens(house: House, ehr: Ehr) -> None:
    ehr.token["refresh_token"] = "refresh-1"
    browser = house.browser()
    launch = browser.open_chart()
    with_cookie(house, browser, lambda: house.sessions.logout(launch))
    revoked = [(a["token"], a["token_type_hint"]) for a in ehr.asked if "token" in a]
    assert revoked == [("refresh-1", "refresh_token"), ("access-1", "access_token")]
    assert browser.get(f"/chart/{launch}/").status_code == 410
    with house.ledger.reading() as conn:
        kinds = [row[0] for row in conn.exec_driver_sql("SELECT kind FROM audit")]
    assert kinds == ["chart-opened", "chart-closed"]


@pytest.mark.clause("B12.6")
def test_logout_succeeds_where_revocation_does_not(house: House, ehr: Ehr) -> None:
    browser = house.browser()
    launch = browser.open_chart()
    ehr.mock.replace("POST", f"{LOGIN}/revoke", body=requests.ConnectionError("down"))
    with_cookie(house, browser, lambda: house.sessions.logout(launch))
    assert browser.get(f"/chart/{launch}/").status_code == 410


def test_another_browser_cannot_log_out(house: House, ehr: Ehr) -> None:
    mine, other = house.browser(), house.browser()
    launch = mine.open_chart()
    other.open_chart()
    with pytest.raises(LaunchExpired):
        with_cookie(house, other, lambda: house.sessions.logout(launch))
    assert shown(mine, launch)["patient"] == "pat-1"


def with_cookie(house: House, browser: Browser, act: Any) -> Any:
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    headers = {"Cookie": f"__Host-hpg={cookie.value}"}
    with house.app.test_request_context(base_url=APP, headers=headers):
        return act()


@pytest.fixture
def launch(house: House, ehr: Ehr) -> str:
    """A launch whose EHR gives refresh tokens and rotates them."""
    ehr.token["refresh_token"] = "refresh-1"
    opened = house.browser().open_chart()
    ehr.token |= {"access_token": "access-2", "refresh_token": "refresh-2"}
    ehr.asked.clear()
    return opened


@pytest.mark.clause("B8.7")
@pytest.mark.clause("B12.1")
@pytest.mark.clause("B12.2")
def test_a_token_is_refreshed_ahead_of_its_end_and_rotated(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    clock.pass_(seconds=509)
    assert house.sessions.access_token(launch) == "access-1"
    clock.pass_(seconds=1)
    assert house.sessions.access_token(launch) == "access-2"
    assert [a["refresh_token"] for a in ehr.asked] == ["refresh-1"]
    assert ehr.asked[0]["grant_type"] == "refresh_token"
    assert ehr.asked[0]["client_id"] == "hpg-monitor"
    ehr.token |= {"access_token": "access-3"}
    ehr.token.pop("refresh_token")
    clock.pass_(seconds=600)
    assert house.sessions.access_token(launch) == "access-3"
    clock.pass_(seconds=600)
    house.sessions.access_token(launch)
    assert [a["refresh_token"] for a in ehr.asked] == ["refresh-1", "refresh-2", "refresh-2"]


@pytest.mark.clause("B12.3")
@pytest.mark.clause("Z9")
def test_many_threads_use_a_refresh_token_once(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    clock.pass_(seconds=700)
    got: list[str | None] = []
    entered, proceed = threading.Event(), threading.Event()

    def answer(_request: Any) -> Any:
        entered.set()
        proceed.wait(5)
        return 200, {}, json.dumps(ehr.token)

    ehr.answer = answer
    # A paused waiter really yields here; the wait itself is short.
    object.__setattr__(house.sessions, "pause", lambda _s: proceed.wait(0.02))
    threads = [
        threading.Thread(target=lambda: got.append(house.sessions.access_token(launch)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    assert entered.wait(5)
    proceed.set()
    for thread in threads:
        thread.join(10)
    assert got == ["access-2"] * 6
    assert len(ehr.asked) == 1


def test_while_one_refreshes_the_others_use_what_still_works(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    clock.pass_(seconds=550)
    lease = house.sessions.launches.lease(launch, clock(), house.sessions._lease_life)
    assert lease is not None
    assert house.sessions.access_token(launch) == "access-1"
    assert not ehr.asked


def test_waiting_for_another_workers_refresh_ends(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    clock.pass_(seconds=700)
    house.sessions.launches.lease(launch, clock(), house.sessions._lease_life)
    object.__setattr__(house.sessions, "pause", lambda _s: clock.pass_(seconds=1))
    with pytest.raises(TokenExchangeFailed):
        house.sessions.access_token(launch)


@pytest.mark.clause("B12.5")
@pytest.mark.clause("Z9")
def test_a_token_the_server_refused_is_replaced_once(house: House, ehr: Ehr, launch: str) -> None:
    assert house.sessions.access_token(launch, rejected="access-1") == "access-2"
    assert house.sessions.access_token(launch, rejected="access-1") == "access-2"
    assert len(ehr.asked) == 1


@pytest.mark.clause("B12.4")
def test_invalid_grant_ends_the_launch_without_a_loop(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    ehr.answer = lambda _r: (400, {}, '{"error": "invalid_grant"}')
    clock.pass_(seconds=700)
    for _ in range(2):
        with pytest.raises(LaunchExpired):
            house.sessions.access_token(launch)
    assert len(ehr.asked) == 1


@pytest.mark.clause("B9.8")
def test_another_patient_on_refresh_ends_the_launch(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    ehr.token["patient"] = "pat-2"
    clock.pass_(seconds=700)
    with pytest.raises(LaunchExpired, match="another patient"):
        house.sessions.access_token(launch)
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch)
    revoked = [form["token"] for form in ehr.asked if "token" in form]
    assert revoked == ["refresh-2", "access-2"], "tokens for another man are not left valid"


def test_a_refresh_without_patient_keeps_the_context(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    ehr.token.pop("patient")
    clock.pass_(seconds=700)
    assert house.sessions.access_token(launch) == "access-2"


def nobody_answers() -> requests.ConnectionError:
    """What requests raises when no connection could be made at all."""
    pool = HTTPConnectionPool("login.ehr.example")
    return requests.ConnectionError(
        MaxRetryError(pool, "/token", NewConnectionError(HTTPConnection("x"), "refused"))
    )


def test_an_ehr_that_is_down_costs_only_what_has_expired(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    ehr.answer = lambda _r: nobody_answers()
    clock.pass_(seconds=550)
    assert house.sessions.access_token(launch) == "access-1"
    clock.pass_(seconds=100)
    with pytest.raises(TokenExchangeFailed):
        house.sessions.access_token(launch)
    ehr.answer = None
    assert house.sessions.access_token(launch) == "access-2", "the lease was given back"


def test_without_a_refresh_token_the_end_is_the_end(house: House, ehr: Ehr, clock: Clock) -> None:
    launch = house.browser().open_chart()
    clock.pass_(seconds=599)
    assert house.sessions.access_token(launch) == "access-1"
    clock.pass_(seconds=1)
    with pytest.raises(LaunchExpired, match="run out"):
        house.sessions.access_token(launch)
    assert FHIR not in str(ehr.asked[1:])


@pytest.mark.clause("B8.4")
def test_without_a_lifetime_only_the_server_knows_the_end(
    house: House, ehr: Ehr, clock: Clock
) -> None:
    ehr.token.pop("expires_in")
    launch = house.browser().open_chart()
    clock.pass_(minutes=14)
    assert house.sessions.access_token(launch) == "access-1"
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch, rejected="access-1")


@pytest.mark.clause("B12.3")
@pytest.mark.clause("Z9")
@pytest.mark.parametrize(
    "answer",
    [
        requests.ReadTimeout("no answer"),
        requests.ConnectionError("Connection aborted."),
        (502, {}, "<html>gateway</html>"),
        (200, {}, "<html>signed in</html>"),
        (200, {}, '{"access_token": ""}'),
        (307, {"Location": "https://elsewhere.example/"}, ""),
    ],
)
def test_a_refresh_token_whose_answer_was_lost_is_not_sent_again(
    house: House, ehr: Ehr, clock: Clock, launch: str, answer: Any
) -> None:
    ehr.answer = lambda _r: answer
    clock.pass_(seconds=550)
    assert house.sessions.access_token(launch) == "access-1"
    ehr.answer = None
    clock.pass_(seconds=40)
    assert house.sessions.access_token(launch) == "access-1"
    clock.pass_(seconds=10)
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch)
    assert [a["refresh_token"] for a in ehr.asked] == ["refresh-1"]


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_says_it_is_busy_has_not_used_the_token(
    house: House, ehr: Ehr, clock: Clock, launch: str, status: int
) -> None:
    ehr.answer = lambda _r: (status, {}, "busy")
    clock.pass_(seconds=700)
    with pytest.raises(TokenExchangeFailed):
        house.sessions.access_token(launch)
    ehr.answer = None
    assert house.sessions.access_token(launch) == "access-2"


@pytest.mark.clause("B12.3")
def test_a_worker_that_died_while_refreshing_may_have_used_the_token(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    clock.pass_(seconds=520)
    assert house.sessions.launches.lease(launch, clock(), house.sessions._lease_life) is not None
    clock.now += house.sessions._lease_life + timedelta(seconds=1)
    assert house.sessions.access_token(launch) == "access-1"
    clock.pass_(seconds=100)
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch)
    assert not ehr.asked


@pytest.mark.clause("B9.8")
def test_a_patient_that_is_no_id_ends_the_launch_too(
    house: House, ehr: Ehr, clock: Clock, launch: str
) -> None:
    ehr.token["patient"] = "../Patient/2"
    clock.pass_(seconds=700)
    for _ in range(2):
        with pytest.raises(LaunchExpired):
            house.sessions.access_token(launch)
    assert [form.get("grant_type") for form in ehr.asked].count("refresh_token") == 1


@pytest.mark.clause("B12.6")
def test_tokens_that_come_after_the_logout_are_given_back(
    house: House, ehr: Ehr, clock: Clock
) -> None:
    ehr.token["refresh_token"] = "refresh-1"
    browser = house.browser()
    launch = browser.open_chart()
    clock.pass_(seconds=700)
    late = {"access_token": "late-access", "refresh_token": "late-refresh", "expires_in": 600}

    def answer(_request: Any) -> Any:
        ehr.answer = None
        with_cookie(house, browser, lambda: house.sessions.logout(launch))
        return 200, {}, json.dumps(ehr.token | late)

    ehr.answer = answer
    with pytest.raises(LaunchExpired):
        house.sessions.access_token(launch)
    revoked = [a["token"] for a in ehr.asked if "token" in a]
    assert revoked == ["refresh-1", "access-1", "late-refresh", "late-access"]
