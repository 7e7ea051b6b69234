"""The demo pair trusts as a hospital's pair would: over HTTP, with keys that are fetched."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import requests
from hookwork import draw, prefetch, severe, view
from joserfc import jwt
from joserfc.jwk import ECKey

from smartapp.demo.oauth.keys import process_keys
from smartapp.serve import DemoPair


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoPair]:
    with DemoPair(tmp_path_factory.mktemp("home"), free_port(), free_port()) as running:
        yield running


def call(pair: DemoPair, by: ECKey | None) -> requests.Response:
    url = f"{pair.app_url}/cds-services/hpg-patient-view"
    headers = {}
    if by is not None:
        now = int(time.time())
        head = {"alg": "ES384", "typ": "JWT", "kid": process_keys().hooks.kid}
        said = {"iss": f"{pair.ehr_url}/fhir", "aud": url, "iat": now, "exp": now + 60,
                "jti": str(uuid4())}  # fmt: skip
        headers = {"Authorization": f"Bearer {jwt.encode(head, said, by, algorithms=['ES384'])}"}
    body = view(prefetch([*severe(), *draw(-1, t=105, lh=34, fsh=45)]))
    return requests.post(url, json=body, headers=headers, timeout=20)


@pytest.mark.clause("A13.1")
@pytest.mark.clause("A13.7")
def test_the_sandbox_ehr_is_believed_by_its_published_key(pair: DemoPair) -> None:
    answer = call(pair, process_keys().hooks)
    assert answer.status_code == 200, answer.text
    assert answer.json()["cards"]


@pytest.mark.clause("A13.10")
def test_whoever_is_not_the_sandbox_ehr_is_refused(pair: DemoPair) -> None:
    for by in (None, ECKey.generate_key("P-384")):
        answer = call(pair, by)
        assert (answer.status_code, answer.content) == (401, b"")


def test_the_home_of_the_pair_names_its_client(pair: DemoPair) -> None:
    assert "jku" in (Path(pair.home) / "cds-clients.toml").read_text()
