"""Choosing a patient here, at the sandbox EHR: signed in without one, or at an open test server."""

from __future__ import annotations

import html
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smartapp.app import create_app
from smartapp.demo import Behaviour, DemoConfig
from smartapp.demo.serve import start
from smartapp.settings import from_environ
from smartapp.stories import Story, load_stories

APP = "http://127.0.0.1:5000"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class House:
    """The app in this process, and the sandbox EHR behind a socket of this machine."""

    client: FlaskClient
    config: DemoConfig
    seen: list[str]

    def get(self, path: str) -> TestResponse:
        self.seen.append(path)
        return self.client.get(path, base_url=APP)

    def post(self, path: str, **form: str) -> TestResponse:
        self.seen.append(path)
        return self.client.post(path, data=form, base_url=APP)

    def sign_in(self) -> TestResponse:
        """A standalone launch as the sandbox's default physician; where it led."""
        sent = self.get(f"/standalone?iss={self.config.fhir_base}")
        assert sent.status_code == 302, sent.text
        back = requests.get(sent.headers["Location"], allow_redirects=False, timeout=5)
        parts = urlsplit(back.headers["Location"])
        return self.client.get(f"{parts.path}?{parts.query}", base_url=APP)


@contextmanager
def house(home: Path, behaviour: Behaviour, *lines: str) -> Iterator[House]:
    port = free_port()
    config = DemoConfig(
        origin=f"http://127.0.0.1:{port}",
        app_base_url=APP,
        launch_url=f"{APP}/launch",
        redirect_uris=(f"{APP}/callback",),
        behaviour=behaviour,
    )
    table = ["[[issuer]]", f'fhir_base = "{config.fhir_base}"', *lines]
    (home / "issuers.toml").write_text("\n".join(table))
    settings = {
        "SMARTAPP_HOME_DIR": str(home),
        "SMARTAPP_ISSUERS_FILE": str(home / "issuers.toml"),
    }
    ehr = start(config, "127.0.0.1", port)
    app = create_app(from_environ(settings, demo=True))
    try:
        yield House(app.test_client(), config, [])
    finally:
        app.extensions["stop_sweeper"]()
        app.extensions["ledger"].close()
        ehr.stop()


@pytest.fixture
def no_patient(tmp_path: Path) -> Iterator[House]:
    """An EHR whose standalone launches end without a patient."""
    behaviour = Behaviour(standalone_patient=False)
    with house(tmp_path, behaviour, 'client_id = "hpg-monitor"') as made:
        yield made


@pytest.fixture
def open_house(tmp_path: Path) -> Iterator[House]:
    behaviour = Behaviour(oauth=False, fhir_open=True)
    with house(tmp_path, behaviour, 'auth = "none"', 'profile = "hapi"') as made:
        yield made


def a_patient() -> tuple[Story, str, str]:
    """A story, the family name of its patient and the birth date."""
    story = load_stories(datetime.now(UTC).astimezone().date())[0]
    patient = next(r for r in story.resources() if r["resourceType"] == "Patient")
    return story, patient["name"][0]["family"], patient["birthDate"]


def place(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return urlsplit(answer.headers["Location"]).path


def rows(page: TestResponse) -> list[str]:
    return re.findall(r'<button name="patient" value="([^"]+)">', page.text)


@pytest.mark.clause("B5.3")
def test_who_signed_in_without_a_patient_looks_for_one_and_opens_the_chart(
    no_patient: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    story, family, born = a_patient()
    choose = place(no_patient.sign_in())
    assert choose.startswith("/choose/")
    page = no_patient.get(choose)
    assert page.status_code == 200
    assert rows(page) == [], "nobody is shown who was not looked for"
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]

    found = no_patient.post(choose, name=family, birthdate=born)
    assert story.patient_id in rows(found)
    assert born in found.text
    chart = place(no_patient.post(f"{choose}open", patient=story.patient_id))
    assert chart == choose.replace("/choose/", "/chart/")
    shown = no_patient.get(chart)
    assert shown.status_code == 200
    assert family in shown.text
    assert "Read only in part" not in shown.text

    # The chart is this man's for good, and the list leads back to it.
    assert place(no_patient.get(choose)) == chart
    assert place(no_patient.post(choose, name="a")) == chart
    assert no_patient.post(f"{choose}open", patient="another").status_code == 410
    assert not any(family in path or born in path for path in no_patient.seen)
    logged = "\n".join(record.getMessage() for record in caplog.records)
    assert family not in logged
    assert story.patient_id not in logged


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "Give a name, a number or a birth date"),
        ({"birthdate": "31.3.1985"}, "year-month-day"),
        ({"birthdate": "1985-02-30"}, "year-month-day"),
        ({"name": "Nobody-of-that-name"}, "No patient on this page"),
        ({"name": "&birthdate=1900-01-01#?%00"}, "No patient on this page"),
        ({"name": "x", "more": "not-ours"}, "not known here"),
    ],
)
def test_a_search_that_finds_nobody_says_so(
    no_patient: House, form: dict[str, str], words: str
) -> None:
    choose = place(no_patient.sign_in())
    page = no_patient.post(choose, **form)
    assert words in html.unescape(page.text)
    assert rows(page) == []


def test_what_was_typed_comes_back_as_text(no_patient: House) -> None:
    choose = place(no_patient.sign_in())
    page = no_patient.post(choose, name='"><script>alert(1)</script>')
    assert "<script>" not in page.text


def test_nobody_else_chooses(no_patient: House) -> None:
    story, family, _ = a_patient()
    choose = place(no_patient.sign_in())
    stranger = no_patient.client.application.test_client()
    for method, path in (("GET", ""), ("POST", ""), ("POST", "open")):
        data = {"name": family, "patient": story.patient_id}
        answer = stranger.open(choose + path, method=method, data=data, base_url=APP)
        assert answer.status_code == 400, "no cookie"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for path in ("", "open"):
        answer = no_patient.client.post(choose + path, headers=foreign, base_url=APP)
        assert answer.status_code == 401
    bad = no_patient.post(f"{choose}open", patient="../Patient/1")
    assert bad.status_code == 400


def test_before_a_choice_there_is_no_chart(no_patient: House) -> None:
    choose = place(no_patient.sign_in())
    page = no_patient.get(choose.replace("/choose/", "/chart/"))
    assert page.status_code == 400
    assert "No patient was chosen" in page.text


def test_an_open_test_server_lists_whom_it_has_page_by_page(open_house: House) -> None:
    story, family, _ = a_patient()
    choose = place(open_house.get(f"/open?iss={open_house.config.fhir_base}"))
    page = open_house.get(choose)
    assert "Open test server" in page.text
    everyone = set(rows(page))
    while more := re.search(r'name="more" value="([^"]+)"', page.text):
        page = open_house.post(choose, more=html.unescape(more[1]))
        found = set(rows(page))
        assert found
        assert not found & everyone
        everyone |= found
    assert story.patient_id in everyone
    assert len(everyone) == len(load_stories(datetime.now(UTC).astimezone().date()))
    chart = open_house.get(place(open_house.post(f"{choose}open", patient=story.patient_id)))
    assert "Open test server" in chart.text
    assert family in chart.text


def test_an_open_test_server_opens_a_patient_by_id(open_house: House) -> None:
    story, family, _ = a_patient()
    opened = open_house.get(f"/open?iss={open_house.config.fhir_base}&patient={story.patient_id}")
    chart = open_house.get(place(opened))
    assert "Open test server" in chart.text
    assert family in chart.text


@pytest.mark.clause("B8.5")
@pytest.mark.clause("B10.5")
@pytest.mark.clause("B12.5")
def test_what_was_not_granted_is_a_gap_and_never_an_empty_record(tmp_path: Path) -> None:
    story, *_ = a_patient()
    behaviour = Behaviour(withheld=("Condition", "Goal"), standalone_patient=False)
    with house(tmp_path, behaviour, 'client_id = "hpg-monitor"') as narrow:
        choose = place(narrow.sign_in())
        chart = narrow.get(place(narrow.post(f"{choose}open", patient=story.patient_id)))
        assert chart.status_code == 200
        text = html.unescape(chart.text)
        assert "Read only in part" in text
        assert "the EHR did not grant this app to read Condition" in text
        assert "the EHR did not grant this app to read Goal" in text
        assert "grant this app to read Observation" not in text


@pytest.mark.clause("B8.5")
def test_without_a_permission_for_the_patient_the_reason_is_told(tmp_path: Path) -> None:
    lines = ('client_id = "hpg-monitor"', 'scopes = "launch openid user/Observation.rs"')
    with house(tmp_path, Behaviour(standalone_patient=False), *lines) as narrow:
        answer = narrow.sign_in()
        assert answer.status_code == 400
        assert "no permission to look for one" in answer.text


@pytest.mark.clause("B9.5")
def test_the_dashboard_takes_the_ehrs_looks_from_a_sheet_of_ours(tmp_path: Path) -> None:
    story, *_ = a_patient()
    behaviour = Behaviour(style=True, standalone_patient=False)
    with house(tmp_path, behaviour, 'client_id = "hpg-monitor"') as styled:
        choose = place(styled.sign_in())
        base = place(styled.post(f"{choose}open", patient=story.patient_id))
        page = styled.get(base)
        link = re.search(r'<link rel="stylesheet" href="([^"]+/ehr-style.css)">', page.text)
        assert link is not None
        assert "#f4f1ea" in styled.get(link[1]).text
        assert "style-src 'self'" in page.headers["Content-Security-Policy"]
        assert "#f4f1ea" not in page.text
