"""What the deployment says about itself, and who may ask."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable
from html import escape
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from smartapp.app import create_app, sites_of, utc_now
from smartapp.cds.discovery import offered
from smartapp.fhir.plans import prefetch_templates
from smartapp.knowledge import load
from smartapp.ledger.secrets import Vault
from smartapp.logs import Discreet
from smartapp.settings import from_environ
from smartapp.site import manifest
from smartapp.smart import load_issuers
from smartapp.smart.keyring import KeyRing
from smartapp.smart.scopes import RESOURCE_TYPES

Make = Callable[..., Flask]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def app(**env: str) -> Flask:
        values = {"SECRET_KEYS": "k" * 40, "HOME_DIR": str(tmp_path), **env}
        made = create_app(from_environ({f"SMARTAPP_{k}": v for k, v in values.items()}))
        made.extensions["stop_sweeper"]()
        return made

    return app


@pytest.fixture
def client(make: Make) -> FlaskClient:
    return make().test_client()


def test_the_front_page_tells_how_to_register(client: FlaskClient) -> None:
    page = client.get("/").get_data(as_text=True)
    for words in (
        "http://127.0.0.1:5000/launch", "http://127.0.0.1:5000/callback", "patient/Observation.rs",
        "hpg-patient-view", "hpg-order-sign", "For prescribers",
    ):  # fmt: skip
        assert words in page


@pytest.mark.clause("A2.14")
def test_the_front_page_says_what_we_need_from_an_ehr(make: Make) -> None:
    base = "https://hospital.example/apps/hpg"
    app = make(PUBLIC_BASE_URL=base, CDS_DISCOVERY="required", CDS_EXTRA_HOOKS="encounter-start")
    client = app.test_client()
    page = client.get("/apps/hpg/").get_data(as_text=True)
    services = offered(("encounter-start",))
    assert len(services) == 4
    for service in services:
        address = f"<code>{base}/cds-services/{service.id}</code>"
        assert address in page, "the audience of its token"
        assert address.replace("</code>", "/feedback</code>") in page
        assert service.hook in page
    assert f"<code>{base}/cds-services</code>" in page
    for key, template in prefetch_templates(load().catalogue).items():
        assert f"<dt>{key}" in page
        assert f"<code>{escape(template)}</code>" in page
    for path in ("/launch", "/callback", "/.well-known/jwks.json"):
        assert f"<code>{base}{path}</code>" in page
    assert f"<code>{client.get('/apps/hpg/launch.json').get_json()['scope']}</code>" in page
    assert "k" * 40 not in page


def test_the_description_is_of_this_deployment(make: Make) -> None:
    client = make(PUBLIC_BASE_URL="https://hospital.example/hpg").test_client()
    said = client.get("/hpg/openapi.json").get_json()
    assert said["servers"][0]["variables"]["base"]["default"] == "https://hospital.example/hpg"
    listed = client.get("/hpg/cds-services").get_json()["services"]
    paths = {path for path in said["paths"] if not path.endswith("/feedback")}
    assert paths == {"/cds-services", *(f"/cds-services/{s['id']}" for s in listed)}


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
@pytest.mark.parametrize("path", ["/", "/rules"])
def test_a_page_of_the_site_can_be_read_on_the_narrowest_screen(make: Make, path: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    server = make_server("127.0.0.1", 0, lambda *call: app(*call), threaded=True)
    app = make(PUBLIC_BASE_URL=f"http://127.0.0.1:{server.server_port}")
    Thread(target=server.serve_forever, daemon=True).start()
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 360, "height": 740})
        page.goto(f"http://127.0.0.1:{server.server_port}{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize") == "24px"
        browser.close()
    server.shutdown()
    server.server_close()


def test_the_manifest_is_this_deployments(make: Make) -> None:
    base = "https://hospital.example/apps/hpg"
    client = make(PUBLIC_BASE_URL=base).test_client()
    said = client.get("/apps/hpg/launch.json").get_json()
    assert said["launch_url"] == f"{base}/launch"
    assert said["redirect_uris"] == [f"{base}/callback"]
    assert said["fhir_version"] == "4.0.1"
    assert client.get("/launch.json").status_code == 404


def test_the_manifest_asks_for_what_the_launch_asks_for() -> None:
    scopes = manifest(from_environ({}, demo=True))["scope"].split()
    assert scopes == ["launch", "openid", "fhirUser", *(f"patient/{t}.rs" for t in RESOURCE_TYPES)]


def test_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").get_json() == {"status": "ready"}


def test_not_ready_without_a_store_and_no_details(make: Make, tmp_path: Path) -> None:
    app = make()
    client = app.test_client()
    app.extensions["ledger"].close()
    (tmp_path / "ledger.sqlite3").unlink()
    (tmp_path / "ledger.sqlite3").mkdir()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "not ready"}


def test_not_ready_where_an_ehr_wants_a_key_and_there_is_none(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    issuers = tmp_path / "issuers.toml"
    base = '[[issuer]]\nfhir_base = "https://a.example/r4"\nclient_id = "x"\n'
    issuers.write_text(base)
    assert make(ISSUERS_FILE=str(issuers)).test_client().get("/readyz").status_code == 200
    for line in ('auth = "key"\n', 'backend_client_id = "y"\n'):
        issuers.write_text(base + line)
        client = make(ISSUERS_FILE=str(issuers)).test_client()
        answer = client.get("/readyz")
        assert (answer.status_code, answer.get_json()) == (503, {"status": "not ready"})
        assert "not ready: a key to sign in to an EHR with" in caplog.text
    KeyRing(tmp_path, Vault(("k" * 40,)), utc_now).generate()
    assert client.get("/readyz").status_code == 200


def test_the_manifest_names_our_keys_and_how_we_sign_in(client: FlaskClient) -> None:
    said = client.get("/launch.json").get_json()
    assert said["jwks_uri"] == "http://127.0.0.1:5000/.well-known/jwks.json"
    assert "private_key_jwt" in said["token_endpoint_auth_methods_supported"]
    assert client.get("/.well-known/jwks.json").get_json() == {"keys": []}
    assert said["jwks_uri"] in client.get("/").get_data(as_text=True)


def test_metrics_count_without_naming_anyone(client: FlaskClient) -> None:
    client.get("/chart/secret-launch-id/")
    client.get("/healthz")
    page = client.get("/metrics").get_data(as_text=True)
    assert 'endpoint="site.healthz",status="2xx"' in page
    assert "secret-launch-id" not in page


def test_an_issuers_profile_reaches_the_hooks(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(
        '[[issuer]]\nfhir_base = "https://a.example/r4"\nauth = "none"\nprofile = "hapi"\n'
    )
    site = sites_of(load_issuers(file)).match("https://a.example/r4")
    assert site is not None
    assert (site.profile, site.open) == ("hapi", True)


def test_metrics_are_for_those_the_setting_names(make: Make) -> None:
    away = {"REMOTE_ADDR": "203.0.113.9"}
    assert make().test_client().get("/metrics", environ_base=away).status_code == 404
    assert make(METRICS="off").test_client().get("/metrics").status_code == 404
    locked = make(METRICS="m" * 20).test_client()
    assert locked.get("/metrics").status_code == 404
    good = {"Authorization": f"Bearer {'m' * 20}"}
    assert locked.get("/metrics", headers=good, environ_base=away).status_code == 200


def test_behind_a_proxy_loopback_is_the_proxys_neighbour(make: Make) -> None:
    client = make(TRUSTED_PROXIES="1").test_client()
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert client.get("/metrics", headers=forwarded).status_code == 404


def test_what_a_proxy_nobody_counted_passes_on_is_not_from_loopback(client: FlaskClient) -> None:
    for header in ("X-Forwarded-For", "Forwarded"):
        assert client.get("/metrics", headers={header: "for=203.0.113.9"}).status_code == 404
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("path", ["/", "/launch.json", "/healthz", "/smart-static/launch.css"])
def test_no_answer_is_without_its_headers(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if answer.mimetype == "text/html":
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_an_unknown_address_is_a_page_with_a_reference(client: FlaskClient) -> None:
    answer = client.get("/nothing/<script>alert(1)</script>")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "Reference" in page
    assert "<script>" not in page
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_an_unforeseen_error_shows_and_logs_no_data(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    app = make()

    @app.get("/boom")
    def boom() -> str:
        raise ValueError("John Doe, testosterone 212")

    with caplog.at_level(logging.DEBUG):
        answer = app.test_client().get("/boom")
    assert answer.status_code == 500
    assert "John" not in answer.get_data(as_text=True)
    assert "ValueError at boom(test_site.py" in caplog.text
    assert "John" not in caplog.text


def test_an_exception_logged_by_a_library_loses_its_message() -> None:
    try:
        raise ValueError("John Doe")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    written = Discreet("%(message)s").format(record)
    assert "ValueError at" in written
    assert "John" not in written


def test_the_rule_page_shows_every_rule_and_number(make: Make) -> None:
    base = "https://hospital.example/apps/hpg"
    page = make(PUBLIC_BASE_URL=base).test_client().get("/apps/hpg/rules").get_data(as_text=True)
    knowledge = load(rule_page=f"{base}/rules")
    for rule in knowledge.rules:
        assert f'id="{rule}"' in page
    for parameter in knowledge.protocol.parameters:
        assert f'id="{parameter}"' in page
    own = knowledge.citations["rules"]
    assert own.url == f"{base}/rules"
    assert "hpg-recalibration.example" not in page
