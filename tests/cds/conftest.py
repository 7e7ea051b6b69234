from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hookwork import Door

from smartapp.knowledge import Knowledge, load


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return load()


@pytest.fixture
def door(tmp_path: Path, knowledge: Knowledge) -> Iterator[Door]:
    opened = Door(tmp_path, knowledge)
    yield opened
    opened.ledger.close()
