"""One house for all of the doctor's tests: making its RSA key takes a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from doctor_house import House, open_house
from doctor_strange import Serve, Strange

from smartapp.serve import Running


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(tmp_path_factory.mktemp("doctor")) as made:
        yield made


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Running] = []

    def start(site: Strange) -> str:
        running.append(Running(site, "127.0.0.1", 0))
        return f"http://127.0.0.1:{running[-1].port}/fhir"

    yield start
    for server in running:
        server.stop()
