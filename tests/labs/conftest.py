"""The catalogue once, a laboratory for each test, and third-party data where it is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from labs_writing import Lab

from smartapp.knowledge.catalogue import Catalogue
from smartapp.knowledge.catalogue_files import load_catalogue


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def lab(catalogue: Catalogue) -> Lab:
    return Lab(catalogue)


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """A file of the shared test data, or a skip that says why."""

    def find(name: str) -> Path:
        folder = os.environ.get("SMARTAPP_TEST_DATA")
        if not folder:
            pytest.skip("SMARTAPP_TEST_DATA is not set: no third-party data to read")
        return Path(folder) / name

    return find
