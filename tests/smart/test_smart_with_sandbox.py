"""The front door before the real sandbox EHR: no mock on either side, over loopback."""

from __future__ import annotations

import html
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from smart_ehr import APP, launch_id
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from smartapp.demo import create_ehr
from smartapp.demo.behaviour import Behaviour
from smartapp.demo.config import ClientRegistration, DemoConfig, standard_clients
from smartapp.errors import TokenExchangeFailed
from smartapp.ledger import open_ledger
from smartapp.ledger.secrets import Vault
from smartapp.serve import DemoPair
from smartapp.settings import Settings
from smartapp.smart import Issuer, Issuers, LaunchContext, Sessions, blueprint
from smartapp.smart.keyring import KeyRing
from smartapp.smart.keys import ALGORITHMS
from smartapp.smart.sessions import utc_now
from smartapp.stories import load_stories


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def key_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with the app's own keys in it."""
    home = tmp_path_factory.mktemp("home")
    KeyRing(home, Vault(("k" * 40,)), utc_now).generate()
    return home


@pytest.fixture(scope="module")
def sandbox(key_home: Path) -> Iterator[DemoConfig]:
    port = free_port()
    by_key = ClientRegistration(
        client_id="hpg-monitor-key",
        redirect_uris=(f"{APP}/callback",),
        auth="key",
        jwks=KeyRing(key_home, Vault(("k" * 40,)), utc_now).published(),
    )
    config = DemoConfig(
        origin=f"http://localhost:{port}",
        app_base_url=APP,
        launch_url=f"{APP}/launch",
        redirect_uris=(f"{APP}/callback",),
        behaviour=Behaviour(access_token_seconds=120),
        clients=(*standard_clients(APP, (f"{APP}/callback",))[:2], by_key),
    )
    server = make_server("127.0.0.1", port, create_ehr(config), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield config
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["public", "secret", "ES384", "RS384"])
def sessions(
    request: pytest.FixtureRequest, tmp_path: Path, sandbox: DemoConfig, key_home: Path
) -> Sessions:
    base = sandbox.fhir_base
    if request.param in ALGORITHMS:
        shutil.copytree(key_home / "keys", tmp_path / "keys")
    issuer = (
        Issuer(fhir_base=base, client_id="hpg-monitor")
        if request.param == "public"
        else Issuer(
            fhir_base=base, auth="key", client_id="hpg-monitor-key", assertion_alg=request.param
        )
        if request.param in ALGORITHMS
        else Issuer(
            fhir_base=base,
            auth="secret",
            client_id="hpg-monitor-confidential",
            client_secret="sandbox-only-not-a-secret",
        )
    )
    settings = Settings(public_base_url=APP, home_dir=tmp_path, secret_keys=("k" * 40,))
    return Sessions(settings, Issuers([issuer]), open_ledger(settings))


@pytest.fixture
def app(sessions: Sessions) -> Flask:
    app = Flask("front-door-with-sandbox")
    app.testing = True
    app.register_blueprint(blueprint(sessions))
    return app


def patients() -> tuple[str, str]:
    first, second, *_ = load_stories(utc_now().date())
    return first.patient_id, second.patient_id


def launch_address(sandbox: DemoConfig, patient: str) -> str:
    """What the EHR would put into the frame: our launch URL with `iss` and a fresh `launch`."""
    page = requests.get(f"{sandbox.origin}/chart/{patient}/app", timeout=5).text
    found = re.search(rf'"({re.escape(APP)}/launch\?[^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def local(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


def through_the_ehr(client: FlaskClient, address: str) -> str:
    """Follow the launch to the EHR; returns where it sends the browser back to."""
    sent = client.get(local(address), base_url=APP)
    assert sent.status_code == 302, sent.text
    answer = requests.get(sent.headers["Location"], allow_redirects=False, timeout=5)
    assert answer.is_redirect, answer.text
    return answer.headers["Location"]


def finish(client: FlaskClient, back: str) -> TestResponse:
    assert back.startswith(f"{APP}/callback?")
    return client.get(local(back), base_url=APP)


def context_of(app: Flask, sessions: Sessions, client: FlaskClient, launch: str) -> LaunchContext:
    cookie = client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    headers = {"Cookie": f"__Host-hpg={cookie.value}"}
    with app.test_request_context(base_url=APP, headers=headers):
        return sessions.current(launch)


def reads(token: str | None, base: str, patient: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return requests.get(f"{base}/Patient/{patient}", headers=headers, timeout=5).status_code


def test_a_real_launch_opens_the_right_chart_and_reads_no_other(
    app: Flask, sessions: Sessions, sandbox: DemoConfig
) -> None:
    first, second = patients()
    client = app.test_client()
    done = finish(client, through_the_ehr(client, launch_address(sandbox, first)))
    assert done.status_code == 303, done.text
    launch = launch_id(done)
    context = context_of(app, sessions, client, launch)
    assert context.patient_id == first
    assert context.user is not None
    assert context.user.startswith("Practitioner/")
    assert "patient/Observation.rs" in context.scopes

    base, token = sandbox.fhir_base, sessions.access_token(launch)
    assert reads(token, base, first) == 200
    assert reads(token, base, second) in (403, 404)


def test_two_real_launches_interleaved(app: Flask, sessions: Sessions, sandbox: DemoConfig) -> None:
    first, second = patients()
    client = app.test_client()
    back_first = through_the_ehr(client, launch_address(sandbox, first))
    back_second = through_the_ehr(client, launch_address(sandbox, second))
    launches = [launch_id(finish(client, back)) for back in (back_second, back_first)]
    seen = [context_of(app, sessions, client, launch).patient_id for launch in launches]
    assert seen == [second, first]


@pytest.mark.clause("B12.1")
@pytest.mark.clause("B12.6")
def test_a_real_refresh_rotates_and_a_logout_revokes(
    app: Flask, sessions: Sessions, sandbox: DemoConfig
) -> None:
    first, _ = patients()
    client = app.test_client()
    launch = launch_id(finish(client, through_the_ehr(client, launch_address(sandbox, first))))
    base, old = sandbox.fhir_base, sessions.access_token(launch)
    object.__setattr__(sessions, "clock", lambda: utc_now() + timedelta(seconds=100))
    new = sessions.access_token(launch)
    assert new != old
    assert reads(new, base, first) == 200
    newer = sessions.access_token(launch, rejected=new)
    assert newer not in (old, new), "the rotated refresh token was kept and works"

    cookie = client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    headers = {"Cookie": f"__Host-hpg={cookie.value}"}
    with app.test_request_context(base_url=APP, headers=headers):
        sessions.logout(launch)
    assert reads(newer, base, first) == 401


def test_a_replayed_launch_value_ends_in_a_clear_page(
    app: Flask, sessions: Sessions, sandbox: DemoConfig
) -> None:
    first, _ = patients()
    client = app.test_client()
    address = launch_address(sandbox, first)
    assert finish(client, through_the_ehr(client, address)).status_code == 303
    again = client.get(local(address), base_url=APP)
    answer = requests.get(again.headers["Location"], allow_redirects=False, timeout=5)
    if answer.is_redirect:
        page = finish(client, answer.headers["Location"])
        assert page.status_code == 400
        assert "The EHR did not give access" in page.text
    else:
        assert answer.status_code == 400


@pytest.mark.clause("B14.1")
@pytest.mark.clause("B14.3")
@pytest.mark.parametrize("sessions", ["ES384", "RS384"], indirect=True)
def test_the_app_by_itself_reads_any_patient_with_a_token_of_its_own(
    sessions: Sessions, sandbox: DemoConfig
) -> None:
    got = sessions.backend.token(sandbox.fhir_base, "system/Patient.rs")
    for patient in patients():
        assert reads(got.access_token, sandbox.fhir_base, patient) == 200
    assert got.scopes == {"system/Patient.rs"}
    assert timedelta() < got.good_until - utc_now() <= timedelta(seconds=270)
    assert sessions.backend.token(sandbox.fhir_base, "system/Patient.rs") == got
    headers = {"Authorization": f"Bearer {got.access_token}"}
    url = f"{sandbox.fhir_base}/Observation?patient={patients()[0]}&category=laboratory"
    assert requests.get(url, headers=headers, timeout=5).status_code == 403


@pytest.mark.parametrize("sessions", ["ES384"], indirect=True)
def test_no_user_scope_is_given_to_the_app_by_itself(
    sessions: Sessions, sandbox: DemoConfig
) -> None:
    with pytest.raises(TokenExchangeFailed, match="invalid_scope"):
        sessions.backend.token(sandbox.fhir_base, "patient/Patient.rs user/Patient.rs")


@pytest.mark.clause("B13.2")
def test_a_launch_with_keys_that_the_ehr_reads_from_the_running_app(tmp_path: Path) -> None:
    """Both servers run; the EHR fetches the key set at its registered address."""
    with DemoPair(tmp_path, free_port(), free_port(), client="hpg-monitor-key") as pair:
        patient, _ = patients()
        page = requests.get(f"{pair.ehr_url}/chart/{patient}/app", timeout=10).text
        found = re.search(rf'"({re.escape(pair.app_url)}/launch\?[^"]+)"', page)
        assert found is not None, page
        sent = requests.get(html.unescape(found[1]), allow_redirects=False, timeout=10)
        cookie = {"Cookie": sent.headers["Set-Cookie"].partition(";")[0]}
        back = requests.get(sent.headers["Location"], allow_redirects=False, timeout=10)
        done = requests.get(
            back.headers["Location"], headers=cookie, allow_redirects=False, timeout=10
        )
        assert done.status_code == 303, done.text
        chart = requests.get(done.headers["Location"], headers=cookie, timeout=30)
        assert chart.status_code == 200
        assert requests.get(f"{pair.app_url}/readyz", timeout=5).json() == {"status": "ready"}


@pytest.mark.clause("B6.3")
@pytest.mark.parametrize("sessions", ["public"], indirect=True)
def test_the_ehr_takes_the_authorization_request_by_post(
    app: Flask, sessions: Sessions, sandbox: DemoConfig
) -> None:
    posting = Issuer(fhir_base=sandbox.fhir_base, client_id="hpg-monitor", authorize="post")
    object.__setattr__(sessions, "issuers", Issuers([posting]))
    client = app.test_client()
    page = client.get(local(launch_address(sandbox, patients()[0])), base_url=APP).text
    action = re.search(r'action="([^"]+)"', page)
    assert action is not None
    fields = {
        name: html.unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    }
    answer = requests.post(html.unescape(action[1]), fields, allow_redirects=False, timeout=5)
    assert finish(client, answer.headers["Location"]).status_code == 303
