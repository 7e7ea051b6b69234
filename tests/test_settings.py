"""Settings are read once, and a wrong one is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from smartapp.errors import ConfigError
from smartapp.settings import from_environ, is_loopback

KEY = "k" * 32


def settings(**env: str):  # type: ignore[no-untyped-def]
    return from_environ({f"SMARTAPP_{k}": v for k, v in {"SECRET_KEYS": KEY, **env}.items()})


def test_defaults_are_for_this_machine_only() -> None:
    chosen = settings()
    assert chosen.public_base_url == "http://127.0.0.1:5000"
    assert chosen.cds_auth == "required"
    assert chosen.store_url.startswith("sqlite:///")


def test_a_public_address_may_hold_a_path() -> None:
    chosen = settings(PUBLIC_BASE_URL="https://hospital.example/apps/hpg/")
    assert chosen.base_path == "/apps/hpg"
    assert chosen.url("/callback") == "https://hospital.example/apps/hpg/callback"


def test_only_hooks_that_can_be_answered_are_taken_on() -> None:
    assert settings().cds_extra_hooks == ()
    chosen = settings(CDS_EXTRA_HOOKS="encounter-start, encounter-start")
    assert chosen.cds_extra_hooks == ("encounter-start",)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("CDS_EXTRA_HOOKS", "encounter-start,order-dispatch", "order-dispatch"),
        ("EXCHANGE_LOG", "/no/such/folder/x", "folder is not there"),
        ("PUBLIC_BASE_URL", "http://hospital.example", "https"),
        ("PUBLIC_BASE_URL", "hospital.example", "http(s)"),
        ("PUBLIC_BASE_URL", "https://hospital.example/?x=1", "only scheme"),
        ("PUBLIC_BASE_URL", "https://[::1", "no address"),
        ("PUBLIC_BASE_URL", "https://hospital.example:99999", "no address"),
        ("PUBLIC_BASE_URL", "https://hospital.example/<app>", "plain"),
        ("PUBLIC_BASE_URL", "https://hospital.example/a/../b", "plain"),
        ("TRUSTED_PROXIES", "many", "whole number"),
        ("TRUSTED_PROXIES", "-1", "allowed"),
        ("MAX_BODY_MB", "0", "allowed"),
        ("CDS_AUTH", "off", "allowed"),
        ("ISSUERS_FILE", "/nowhere/issuers.toml", "not a file"),
        ("SECRET_KEYS", "short", "32"),
        ("METRICS", "everyone", "METRICS"),
        ("COLOUR", "blue", "unknown setting"),
    ],
)
def test_a_wrong_value_is_refused_naming_the_variable(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=f"SMARTAPP_{name}") as refused:
        settings(**{name: value})
    assert says in str(refused.value)


def test_no_secret_key_outside_the_demo() -> None:
    with pytest.raises(ConfigError, match="SECRET_KEYS"):
        from_environ({})
    assert from_environ({}, demo=True).secret_keys == ()


def test_unverified_hook_calls_are_for_loopback_only() -> None:
    with pytest.raises(ConfigError, match="CDS_AUTH"):
        settings(PUBLIC_BASE_URL="https://hospital.example", CDS_AUTH="optional")
    assert settings(CDS_AUTH="optional").cds_auth == "optional"


def test_files_are_checked_at_start(tmp_path: Path) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text("")
    assert settings(ISSUERS_FILE=str(file)).issuers_file == file


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True),
     ("10.0.0.1", False), ("localhost.example.com", False), ("", False)],
)  # fmt: skip
def test_what_counts_as_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
