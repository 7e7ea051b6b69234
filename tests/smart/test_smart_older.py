"""EHRs that publish their endpoints elsewhere: at the host's root, or as SMART 1.0 did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from smartapp.errors import DiscoveryFailed
from smartapp.smart.discovery import Discovery
from smartapp.smart.older import OAUTH_URIS, from_capabilities

BASE = "https://old.example/v2/fhir"
BELOW = f"{BASE}/.well-known/smart-configuration"
ROOT = "https://old.example/.well-known/smart-configuration"


def statement(*parts: Any) -> dict[str, Any]:
    extension = {"url": OAUTH_URIS, "extension": list(parts)}
    return {
        "resourceType": "CapabilityStatement",
        "rest": [{"mode": "server", "security": {"extension": [{"url": "x"}, extension]}}],
    }


ENDPOINTS = (
    {"url": "authorize", "valueUri": "https://login.example/authorize"},
    {"url": "token", "valueUri": "https://login.example/token"},
    {"url": "register", "valueUri": "https://login.example/register"},
)


@pytest.fixture
def discovery() -> Discovery:
    return Discovery(2.0, lambda: datetime(2026, 11, 22, tzinfo=UTC))


@pytest.mark.clause("B3.6")
def test_a_smart_1_server_is_read_from_its_capability_statement(
    mock: responses.RequestsMock, discovery: Discovery
) -> None:
    mock.get(BELOW, status=404)
    mock.get(ROOT, body="<html>a portal</html>")
    mock.get(f"{BASE}/metadata", json=statement(*ENDPOINTS))
    for _ in range(2):
        found = discovery.smart(BASE)
    assert found.authorization_endpoint == "https://login.example/authorize"
    assert found.token_endpoint == "https://login.example/token"
    assert found.capabilities == frozenset()
    assert len(mock.calls) == 3, "what was found is kept"
    discovery.forget(BASE)
    discovery.smart(BASE)
    assert len(mock.calls) == 6


def test_a_configuration_at_the_hosts_root_is_found(
    mock: responses.RequestsMock, discovery: Discovery
) -> None:
    mock.get(BELOW, status=401)
    mock.get(ROOT, json={"token_endpoint": "/token", "authorization_endpoint": "/authorize"})
    assert discovery.smart(BASE).token_endpoint == "https://old.example/token"


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_that_is_down_is_not_asked_elsewhere(
    mock: responses.RequestsMock, discovery: Discovery, status: int
) -> None:
    mock.get(BELOW, status=status)
    with pytest.raises(DiscoveryFailed, match=str(status)):
        discovery.smart(BASE)
    assert len(mock.calls) == 1


def test_where_nothing_is_found_the_first_reason_is_told(
    mock: responses.RequestsMock, discovery: Discovery
) -> None:
    mock.get(BELOW, status=404)
    mock.get(ROOT, json={})
    mock.get(f"{BASE}/metadata", json=statement())
    with pytest.raises(DiscoveryFailed, match="404"):
        discovery.smart(BASE)


def test_endpoints_that_are_not_https_are_refused_there_too(
    mock: responses.RequestsMock, discovery: Discovery
) -> None:
    mock.get(BELOW, status=404)
    mock.get(ROOT, status=404)
    plain = {"url": "token", "valueUri": "http://login.example/token"}
    mock.get(f"{BASE}/metadata", json=statement(plain))
    with pytest.raises(DiscoveryFailed, match="not https"):
        discovery.smart(BASE)


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"rest": 7},
        {"rest": [None, {"security": []}]},
        {"rest": [{"security": {"extension": {"url": OAUTH_URIS}}}]},
        statement(None, {"url": 7}, {"url": "token"}),
    ],
)
def test_an_odd_capability_statement_names_nothing(odd: dict[str, Any]) -> None:
    assert not any(from_capabilities(odd).values())
