"""Which databases may be named, and what is said of those that may not or do not answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from postgresql_cluster import Cluster

from smartapp.errors import ConfigError, LedgerError
from smartapp.ledger import Ledger, open_ledger
from smartapp.ledger.engines import engines_for
from smartapp.settings import Settings


def open_at(place: str, home: Path) -> Ledger:
    return open_ledger(Settings(home_dir=home, database_url=place, secret_keys=("k" * 32,)))


@pytest.mark.parametrize(
    "place",
    [
        "nonsense",
        "nosuch://x/y",
        "sqlite+nosuch:///x",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://h/ledger",
        "postgresql+psycopg2://h/ledger",
        "postgresql+asyncpg://h/ledger",
    ],
)
def test_an_unusable_address_is_a_setting_error_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        open_at(place, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_postgresql_without_its_driver_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "smartapp.ledger.postgresql", raising=False)
    monkeypatch.delattr("smartapp.ledger.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"DATABASE_URL.*driver.*pip install 'smartapp\[postgres"):
        engines_for("postgresql://db.example/ledger")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_what_the_address_says_goes_before_our_own(scheme: str) -> None:
    place = f"{scheme}://u:p@db.example/ledger?sslmode=verify-full&connect_timeout=1"
    url = engines_for(place).writer.url
    assert (url.get_driver_name(), url.database) == ("psycopg", "ledger")
    assert url.query["sslmode"] == "verify-full"
    assert url.query["connect_timeout"] == "1"
    assert url.query["keepalives_idle"] == "10"


def test_a_file_that_cannot_be_opened_is_a_ledger_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    with pytest.raises(LedgerError):
        open_at("", tmp_path / "home")


def test_a_file_that_is_no_database_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_text("a shopping list" * 1000)
    with pytest.raises(LedgerError, match="cannot be opened: see SMARTAPP_DATABASE_URL"):
        open_at("", tmp_path)


def test_a_server_that_does_not_answer_is_said_at_start(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened: see SMARTAPP_DATABASE_URL") as caught:
        open_at("postgresql://u:hush-hush@127.0.0.1:1/ledger", tmp_path)
    assert "hush-hush" not in f"{caught.value}{caught.value.__cause__}"


def test_a_database_that_cannot_store_every_character_is_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.run(
        "CREATE DATABASE narrow TEMPLATE template0 ENCODING 'SQL_ASCII' "
        "LOCALE_PROVIDER libc LOCALE 'C'"
    )
    with pytest.raises(ConfigError, match="UTF8"):
        open_at(cluster.address("narrow"), tmp_path)
