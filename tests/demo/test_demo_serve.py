"""The sandbox as a running server."""

from __future__ import annotations

import logging
import socket
from typing import Any

import pytest
import requests
from demo_sandbox import make_config

from smartapp.demo import DemoConfig, create_ehr
from smartapp.demo.serve import start
from smartapp.stories import load_stories


@pytest.fixture
def config(free_port: int) -> DemoConfig:
    made: DemoConfig = make_config(origin=f"http://localhost:{free_port}")
    return made


def test_it_answers_until_it_is_stopped(config: DemoConfig, free_port: int) -> None:
    running = start(config, "127.0.0.1", free_port)
    try:
        assert requests.get(f"{config.fhir_base}/metadata", timeout=5).status_code == 200
        elsewhere = requests.get(
            f"http://127.0.0.1:{free_port}/login", timeout=5, allow_redirects=False
        )
        assert elsewhere.headers["Location"] == f"{config.origin}/login"
    finally:
        running.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{config.fhir_base}/metadata", timeout=5)
    start(config, "127.0.0.1", free_port).stop()


def test_a_busy_port_is_an_oserror_and_no_exit(config: DemoConfig) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        with pytest.raises(OSError, match="in use"):
            start(config, "127.0.0.1", busy.getsockname()[1])


def test_log_lines_hold_no_ids_codes_or_tokens(
    config: DemoConfig, free_port: int, caplog: Any, capfd: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    running = start(config, "127.0.0.1", free_port)
    try:
        for path in (
            "/fhir/Patient/secret-id?x=secret-query",
            "/oauth2/authorize?launch=secret-launch&code=secret-code",
            "/chart/secret-id",
            "/secret%0aline",
        ):
            requests.get(config.origin + path, timeout=5)
    finally:
        running.stop()
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("smartapp", "werkzeug"))]
    assert "GET /fhir 401" in ours
    assert not [line for line in ours if "secret-" in line]
    captured = capfd.readouterr()
    assert "secret" not in captured.out + captured.err


def test_the_fixture_patients_are_all_served() -> None:
    """Whatever stories there are, they load side by side."""
    config = make_config()
    stories = load_stories(config.anchor)
    client = create_ehr(config).test_client()
    page = client.get("/", base_url=config.origin).text
    for told in stories:
        assert f'href="/chart/{told.patient_id}"' in page
