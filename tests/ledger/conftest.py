from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgresql_cluster import HOW_TO_GET_IT, Cluster, running_cluster, server_programs

from smartapp.ledger import Ledger, open_ledger
from smartapp.settings import Settings

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
KEYS = ("k" * 40,)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    programs = server_programs()
    if programs is None:
        pytest.skip(HOW_TO_GET_IT)
    with running_cluster(programs) as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """A ledger on either database: what is told of it holds on both."""
    place = "" if request.param == "sqlite" else request.getfixturevalue("cluster").fresh()
    return Settings(home_dir=tmp_path / "home", database_url=place, secret_keys=KEYS)


@pytest.fixture
def sqlite_settings(tmp_path: Path) -> Settings:
    return Settings(home_dir=tmp_path / "home", secret_keys=KEYS)


@pytest.fixture
def postgresql_settings(cluster: Cluster, tmp_path: Path) -> Settings:
    return Settings(home_dir=tmp_path, database_url=cluster.fresh(), secret_keys=KEYS)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = open_ledger(settings)
    yield ledger
    ledger.close()
