"""The front door's fixtures; what they are made of is in `smart_ehr`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import responses
from smart_ehr import Clock, Ehr, House, build


@pytest.fixture(autouse=True)
def quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's own RSA keys take a second each to make; shorter ones show the same."""
    monkeypatch.setattr("smartapp.smart.keys._RSA_BITS", 2048)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def ehr(clock: Clock, mock: responses.RequestsMock) -> Ehr:
    ehr = Ehr(clock, mock)
    ehr.open_doors()
    return ehr


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    built = build(tmp_path, clock)
    yield built
    built.ledger.close()
