from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The hand-made calls of the service's own tests serve here too.
sys.path.append(str(Path(__file__).parents[1] / "cds"))

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
