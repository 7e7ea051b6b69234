"""The unhappy paths through the whole app: an EHR that fails in every way, over real HTTP.

Each case ends in a named status and a sentence, loses nothing that was there, shows no traceback,
and prints one row of a table (`pytest -s`).
"""

from __future__ import annotations

import html
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smartapp.app import create_app
from smartapp.ledger import engines
from smartapp.settings import from_environ

APP = "http://127.0.0.1:5000"
MORNINGS = [datetime.now(UTC).date() - timedelta(days=days) for days in (40, 12)]
UUID = "7b8a1f6e-0000-4000-8000-000000000001"


def patient(id_: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": id_, "gender": "male", "birthDate": "1986-04-01",
        "name": [{"family": "Harbour", "given": ["Sam"]}],
    }  # fmt: skip


def hormones(of: str = "p1") -> dict[str, Any]:
    rows = [
        {
            "resourceType": "Observation", "id": f"{of}-{loinc}-{n}", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "subject": {"reference": f"Patient/{of}"},
            "effectiveDateTime": f"{day}T08:10:00-05:00",
            "valueQuantity": {"value": value, "unit": unit, "code": unit,
                              "system": "http://unitsofmeasure.org"},
        }
        for n, day in enumerate(MORNINGS)
        for loinc, value, unit in (("2986-8", 111, "ng/dL"), ("10501-5", 31, "[IU]/L"),
                                   ("15067-2", 44, "[IU]/L"))
    ]  # fmt: skip
    return bundle(*rows)


def bundle(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset",
            "entry": [{"resource": row} for row in rows], **more}  # fmt: skip


OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "exception", "diagnostics": "Sam Harbour, row 7"}],
}


class Ehr:
    """An EHR on loopback. `broken` says how the answers of a path are to fail."""

    def __init__(self) -> None:
        self.broken: dict[str, str] = {}
        self.awake = threading.Event()
        ehr = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ehr.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                ehr.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.base = f"http://127.0.0.1:{self._server.server_port}/fhir"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.awake.set()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: BaseHTTPRequestHandler) -> None:
        name = urlsplit(call.path).path.removeprefix("/fhir/").split("/")[-1]
        kind = "Patient" if "/Patient/" in call.path else name
        way = self.broken.get(kind)
        if way == "down":
            call.connection.close()
            return
        if way == "slow":
            self.awake.wait(3)
            return
        status, body = 200, json.dumps(self._said(kind)).encode()
        if way == "loop":
            link = [{"relation": "next", "url": f"{self.base}/{kind}?page=again"}]
            body = json.dumps(hormones() | {"link": link}).encode()
        elif way == "html":
            body = b"<!doctype html><title>Log in</title><p>Sam Harbour"
        elif way is not None:
            status, body = int(way), json.dumps(OUTCOME).encode()
        call.send_response(status)
        call.send_header("Content-Type", "application/json")
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body)

    def _said(self, kind: str) -> dict[str, Any]:
        match kind:
            case "smart-configuration":
                return {
                    "authorization_endpoint": f"{self.base}/authorize",
                    "token_endpoint": f"{self.base}/token",
                    "capabilities": ["launch-ehr"],
                }
            case "token":
                return {"access_token": "secret-token", "token_type": "Bearer", "patient": "p1",
                        "expires_in": 600, "need_patient_banner": True}  # fmt: skip
            case "Patient":
                return patient()
            case "Observation":
                return hormones()
            case _:
                return bundle()


class Browser:
    """One browser before the app."""

    def __init__(self, app: Flask, ehr: Ehr) -> None:
        self.web: FlaskClient = app.test_client()
        self.ehr = ehr

    def get(self, path: str, **query: str) -> TestResponse:
        return self.web.get(path, query_string=query, base_url=APP)

    def sent(self) -> str:
        """Begin a launch; the state that went to the EHR."""
        answer = self.get("/launch", iss=self.ehr.base, launch="l1")
        assert answer.status_code == 302, answer.text
        return parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]

    def chart(self) -> str:
        """A whole launch; the path of its chart."""
        answer = self.get("/callback", state=self.sent(), code="c1")
        assert answer.status_code == 303, answer.text
        return urlsplit(answer.headers["Location"]).path

    def hook(self, body: Any, service: str = "hpg-patient-view") -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.web.post(
            f"/cds-services/{service}", data=data, content_type="application/json", base_url=APP
        )


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    ehr = Ehr()
    yield ehr
    ehr.stop()


@pytest.fixture
def app(tmp_path: Path, ehr: Ehr) -> Iterator[Flask]:
    file = tmp_path / "issuers.toml"
    file.write_text(f'[[issuer]]\nfhir_base = "{ehr.base}"\nclient_id = "hpg"\n')
    env = {
           "HOME_DIR": str(tmp_path), "ISSUERS_FILE": str(file), "CDS_AUTH": "optional",
           "FHIR_TIMEOUT_MS": "800", "HOOK_DEADLINE_MS": "1900", "SECRET_KEYS": "k" * 40,
    }  # fmt: skip
    app = create_app(from_environ({f"SMARTAPP_{name}": value for name, value in env.items()}))
    yield app
    app.extensions["stop_sweeper"]()
    app.extensions["ledger"].close()


@pytest.fixture
def browser(app: Flask, ehr: Ehr) -> Browser:
    return Browser(app, ehr)


def words(answer: TestResponse) -> str:
    """What a person reads."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text))).strip()


def held(case: str, answer: TestResponse, status: int, said: str) -> None:
    """The case ended as it should; prints its row."""
    text = words(answer)
    print(f"| {case:<34} | {answer.status_code} | {said[:80]} |")
    assert answer.status_code == status, text
    assert said in text
    for never in ("Traceback", "secret-token", "row 7"):
        assert never not in answer.text
    if answer.status_code >= 400:
        assert "Harbour" not in text


# --- the launch ---------------------------------------------------------------------------------


def test_an_unknown_issuer_and_a_missing_launch(browser: Browser, ehr: Ehr) -> None:
    stranger = browser.get("/launch", iss="https://stranger.example/fhir", launch="x")
    held("unknown issuer", stranger, 403, "not one of its configured EHRs")
    held("missing launch", browser.get("/launch", iss=ehr.base), 400, "with `iss` and `launch`")


def test_a_replayed_and_a_wrong_state_and_a_head_request(browser: Browser) -> None:
    state = browser.sent()
    head = browser.web.head("/callback", query_string={"state": state, "code": "c"}, base_url=APP)
    assert head.status_code == 405
    first = browser.get("/callback", state=state, code="c1")
    assert first.status_code == 303, "the HEAD spent the state"
    held("replayed state", browser.get("/callback", state=state, code="c1"), 400, "already")
    held("wrong state", browser.get("/callback", state="x" * 43, code="c1"), 400, "not known here")
    chart = browser.get(urlsplit(first.headers["Location"]).path)
    held("the first launch meanwhile", chart, 200, "Harbour")


def test_the_ehr_says_no(browser: Browser) -> None:
    no = browser.get(
        "/callback", state=browser.sent(), error="access_denied", error_description="<b>No</b>"
    )
    held("error callback", no, 400, "The EHR answered access_denied.")
    assert "<b>" not in no.text
    held("and a new launch works", browser.get(browser.chart()), 200, "Harbour")


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("down", "could not be reached"),
        ("slow", "did not answer in time"),
        ("500", "it answered 500"),
        ("html", "is not a JSON object"),
    ],
)
def test_the_token_endpoint_fails(browser: Browser, ehr: Ehr, way: str, said: str) -> None:
    state = browser.sent()
    ehr.broken["token"] = way
    answer = browser.get("/callback", state=state, code="c1")
    held(f"token endpoint: {way}", answer, 502, said)
    ehr.broken.clear()
    held("and a new launch works", browser.get(browser.chart()), 200, "Harbour")


# --- the chart ----------------------------------------------------------------------------------

FAILURES = [
    ("slow", "did not answer in time"),
    ("403", "does not let this app or this user read it (403)"),
    ("500", "failed to answer (500)"),
    ("loop", "pages do not come to an end"),
    ("html", "sent a web page or XML instead of FHIR JSON"),
    ("down", "no connection to the EHR"),
]


@pytest.mark.parametrize(("way", "said"), FAILURES)
def test_one_search_fails_and_the_rest_is_shown(
    browser: Browser, ehr: Ehr, way: str, said: str
) -> None:
    ehr.broken["Condition"] = way
    answer = browser.get(browser.chart())
    held(f"FHIR conditions: {way}", answer, 200, said)
    assert "Harbour" in words(answer)
    assert "111" in words(answer), "the results that did come are not shown"


@pytest.mark.parametrize("way", ["slow", "403", "500", "html", "down"])
def test_the_patient_cannot_be_read_and_the_next_visit_asks_again(
    browser: Browser, ehr: Ehr, way: str
) -> None:
    path = browser.chart()
    ehr.broken["Patient"] = way
    held(f"FHIR Patient: {way}", browser.get(path), 502, "could not be read from the EHR")
    ehr.broken.clear()
    held("and again, the same address", browser.get(path), 200, "Harbour")


def test_a_token_refused_with_401_ends_the_launch_in_words(browser: Browser, ehr: Ehr) -> None:
    path = browser.chart()
    ehr.broken["Observation"] = "401"
    held("FHIR 401, nothing to renew with", browser.get(path), 410, "permission for this launch")


def test_a_failed_refresh_takes_nothing_away(browser: Browser, ehr: Ehr) -> None:
    path = browser.chart()
    held("chart before the refresh", browser.get(path), 200, "Harbour")
    ehr.broken.update(Patient="500", Observation="500")
    failed = browser.web.post(f"{path}refresh", base_url=APP)
    held("refresh while the EHR fails", failed, 502, "could not be read from the EHR")
    again = browser.get(path)
    held("chart after the failed refresh", again, 200, "Harbour")
    assert "111" in words(again)


def test_nothing_is_shown_that_the_audit_does_not_know_of(browser: Browser, app: Flask) -> None:
    path = browser.chart()
    assert browser.get(path).status_code == 200
    ledger = app.extensions["ledger"]
    with ledger.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE audit RENAME TO audit_away")
    browser.web.post(f"{path}refresh", base_url=APP)
    for visit in ("first", "second"):
        answer = browser.get(path)
        held(f"audit out of order, {visit} visit", answer, 503, "could not be written")
    with ledger.transaction() as conn:
        conn.exec_driver_sql("ALTER TABLE audit_away RENAME TO audit")
    held("audit back", browser.get(path), 200, "Harbour")


# --- the hooks ----------------------------------------------------------------------------------


def call(prefetch: Any = None, **more: Any) -> dict[str, Any]:
    body: dict[str, Any] = {
        "hook": "patient-view", "hookInstance": UUID,
        "context": {"userId": "Practitioner/1", "patientId": "p1"},
    }  # fmt: skip
    return body | ({} if prefetch is None else {"prefetch": prefetch}) | more


def test_bodies_that_are_no_call(browser: Browser) -> None:
    held("hook: not JSON", browser.hook(b"{"), 400, "the request is not JSON")
    held("hook: a list", browser.hook(b"[]"), 400, "has the wrong shape")
    other = browser.hook(call({"patient": patient()}), "hpg-order-sign")
    held("hook: wrong hook", other, 400, "answers only the hook order-sign")
    held("hook: no such service", browser.hook(call(), "nobody"), 404, "no such service")
    hostile = call() | {"context": {"patientId": "../../etc", "userId": "x"}}
    held("hook: hostile patient id", browser.hook(hostile), 400, "not the id of a patient")


def test_prefetch_that_is_not_there(browser: Browser, ehr: Ehr) -> None:
    held("prefetch absent, no access", browser.hook(call()), 412, "patient: the EHR did not send")
    nulls = browser.hook(call({"patient": patient(), "hormones": None}))
    held("prefetch null: looked, found none", nulls, 200, '"cards"')
    refused = browser.hook(call({"patient": patient(), "hormones": OUTCOME}))
    held("prefetch OperationOutcome", refused, 412, "hormones: the server failed inside")
    access = {"access_token": "secret-token", "token_type": "Bearer", "expires_in": 60,
              "scope": "patient/*.rs", "subject": "hpg"}  # fmt: skip
    asked = call({"patient": patient(), "hormones": OUTCOME}, fhirServer=ehr.base,
                 fhirAuthorization=access)  # fmt: skip
    held("the same with access: fetched", browser.hook(asked), 200, "severe-primary-failure")
    ehr.broken["Condition"] = "slow"
    held("the same, one search slow", browser.hook(asked), 200, "severe-primary-failure")
    ehr.broken["Condition"] = "200"
    withheld = browser.hook(asked)
    held("the same, one search 200 with an error", withheld, 200, "severe-primary-failure")
    assert "iagnoses" in withheld.text, (
        f"an error inside a 200 looked whole: {withheld.text[600:2600]}"
    )
    elsewhere = asked | {"fhirServer": "http://127.0.0.1:1/fhir"}
    held("a FHIR server nobody listed", browser.hook(elsewhere), 412, "hormones:")


def test_another_patients_data(browser: Browser) -> None:
    strange = browser.hook(call({"patient": patient("p2"), "hormones": hormones()}))
    held("prefetch: another's Patient", strange, 412, "is not the one in context")
    mixed = browser.hook(call({"patient": patient(), "hormones": hormones("p2")}))
    held("prefetch: another's results", mixed, 200, '"cards"')
    assert "severe-primary-failure" not in mixed.text
    assert "111" not in mixed.text


def test_a_locked_ledger_is_said_and_nothing_is_shown(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    app.extensions["ledger"].close()
    lock = sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    body = call({"patient": patient(), "hormones": hormones()})
    held("ledger locked: hook", browser.hook(body), 503, "nothing was recorded")
    page = browser.get("/launch", iss=browser.ehr.base, launch="l1")
    held("ledger locked: launch", page, 503, "nothing was recorded")
    lock.execute("ROLLBACK")
    lock.close()
    held("ledger free again", browser.hook(body), 200, '"cards"')
