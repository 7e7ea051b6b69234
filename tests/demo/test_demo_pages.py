"""The pages: one origin, no script, forms of this EHR only, whoever is at work."""

from __future__ import annotations

import re
from typing import Any

import pytest
from demo_sandbox import ORIGIN, Ehr, make_config
from flask.testing import FlaskClient

from smartapp.errors import ConfigError
from smartapp.share import share

PAGES = ["/", "/login", "/chart/amos", "/chart/amos/orders", "/chart/amos/app"]


@pytest.fixture
def ehr(make_ehr: Any, free_port: int) -> Ehr:
    """An EHR whose CDS service is away: its pages must stand by themselves."""
    made: Ehr = make_ehr(app_base_url=f"http://127.0.0.1:{free_port}")
    return made


@pytest.fixture
def browser(ehr: Ehr) -> FlaskClient:
    return ehr.client()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_nothing_its_policy_forbids(ehr: Ehr, browser: FlaskClient, path: str) -> None:
    answer = browser.get(path, base_url=ORIGIN)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"frame-src 'self' {ehr.config.app_origin}" in policy
    assert "<script" not in answer.text
    assert not re.search(r"<[^>]*\s(style|on\w+)=", answer.text)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_patient_list_names_each_story(browser: FlaskClient) -> None:
    page = browser.get("/", base_url=ORIGIN).text
    assert "Test Amos" in page and "Test Boris" in page
    assert 'href="/chart/amos"' in page


def test_the_chart_shows_the_record(browser: FlaskClient) -> None:
    page = browser.get("/chart/amos", base_url=ORIGIN).text
    assert "Fatigue" in page
    assert "lisinopril" in page
    assert "210 ng/dL" in page
    assert "41 y" in page


def test_the_app_is_framed_with_a_fresh_launch_each_time(ehr: Ehr, browser: FlaskClient) -> None:
    launches = set()
    for _ in range(2):
        page = browser.get("/chart/amos/app", base_url=ORIGIN).text
        found = re.search(r'src="([^"]*)"', page)
        assert found is not None
        assert found[1].startswith(f"{ehr.config.launch_url}?iss=http%3A%2F%2Flocalhost%3A5001")
        launches.add(found[1].rpartition("launch=")[2])
    assert len(launches) == 2
    token = ehr.tokens(launch=launches.pop())
    assert "appContext" not in token


def test_the_style_sheet_is_served(browser: FlaskClient) -> None:
    answer = browser.get("/static/ehr.css", base_url=ORIGIN)
    assert answer.status_code == 200
    assert (share("static") / "demo" / "ehr.css").read_bytes() == answer.data


class TestOrigin:
    """Opened as 127.0.0.1 the frame would not be cross-site; so the EHR leads to its own name."""

    @pytest.mark.parametrize("host", ["127.0.0.1:5001", "127.0.0.1:9999", "[::1]:5001"])
    def test_another_loopback_name_redirects(self, browser: FlaskClient, host: str) -> None:
        answer = browser.get("/chart/amos?a=1", base_url=f"http://{host}")
        assert answer.status_code == 307
        assert answer.headers["Location"] == f"{ORIGIN}/chart/amos?a=1"

    def test_a_strange_host_is_not_served(self, browser: FlaskClient) -> None:
        assert browser.get("/", base_url="http://evil.example").status_code == 421

    def test_same_site_mode_is_a_config_with_the_other_name(self, make_ehr: Any) -> None:
        ehr = make_ehr(origin="http://127.0.0.1:5001")
        assert ehr.client().get("/", base_url="http://127.0.0.1:5001").status_code == 200
        assert ehr.client().get("/", base_url=ORIGIN).status_code == 307

    @pytest.mark.parametrize("origin", ["http://localhost:5001/", "localhost:5001", "http://", ""])
    def test_an_origin_is_scheme_host_and_port(self, origin: str) -> None:
        with pytest.raises(ConfigError, match="demo origin"):
            make_config(origin=origin)


class TestForms:
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:5000"},
            {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
        ],
    )
    @pytest.mark.parametrize(
        "path",
        [
            "/login",
            "/chart/amos/orders/add",
            "/chart/amos/orders/sign",
            "/chart/amos/cards/accept",
            "/chart/amos/cards/override",
        ],
    )
    def test_only_this_ehrs_own_are_taken(
        self, browser: FlaskClient, path: str, headers: dict[str, str]
    ) -> None:
        answer = browser.post(path, data={"user": "x"}, headers=headers, base_url=ORIGIN)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        ("path", "status"),
        [
            ("/login", 400),
            ("/chart/amos/orders/add", 400),
            ("/chart/nobody/orders/add", 404),
            ("/chart/amos/cards/accept", 410),
            ("/chart/amos/cards/override", 410),
        ],
    )
    def test_an_empty_one_is_refused_clearly(
        self, browser: FlaskClient, path: str, status: int
    ) -> None:
        answer = browser.post(path, headers={"Origin": ORIGIN}, base_url=ORIGIN)
        assert answer.status_code == status

    @pytest.mark.parametrize("page", ["", "/orders", "/app"])
    def test_an_unknown_patient_is_404(self, browser: FlaskClient, page: str) -> None:
        assert browser.get(f"/chart/nobody{page}", base_url=ORIGIN).status_code == 404


class TestUsers:
    def test_somebody_is_at_work_from_the_start(self, browser: FlaskClient) -> None:
        assert "Ada Okafor" in browser.get("/", base_url=ORIGIN).text

    def test_the_user_can_be_switched(self, ehr: Ehr, browser: FlaskClient) -> None:
        answer = browser.post(
            "/login",
            data={"user": "Practitioner/lindqvist"},
            headers={"Origin": ORIGIN},
            base_url=ORIGIN,
        )
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("demo_ehr=")
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        assert "lindqvist" not in cookie
        assert "Erik Lindqvist" in browser.get("/", base_url=ORIGIN).text
        page = browser.get("/chart/amos/app", base_url=ORIGIN).text
        launch = page.partition("launch=")[2].partition('"')[0]
        context = ehr.vault.launch(launch)
        assert context is not None and context.user == "Practitioner/lindqvist"

    def test_another_users_cards_are_not_shown(self, browser: FlaskClient, ehr: Ehr) -> None:
        page = browser.get("/chart/amos/orders?cards=guessed", base_url=ORIGIN).text
        assert "Decision support" not in page
