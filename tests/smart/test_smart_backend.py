"""SMART Backend Services: the app's own tokens, asked for by key and kept while they are good."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from joserfc import jws
from smart_ehr import LOGIN, Clock, Ehr, House, build

from smartapp.errors import (
    AuthorizationRefused,
    ClientKeyMissing,
    TokenExchangeFailed,
    UnknownIssuer,
)
from smartapp.smart import Issuer, Issuers
from smartapp.smart.backend import BackendTokens

BASE = "https://bulk.example/fhir"
SIM = "https://sims.example/v/r4"
SCOPE = "system/Patient.rs system/Observation.rs"


@pytest.fixture
def ehr(clock: Clock, mock: responses.RequestsMock) -> Ehr:
    ehr = Ehr(clock, mock, base=BASE)
    ehr.open_doors()
    ehr.config.pop("authorization_endpoint")
    ehr.token = {
        "access_token": "own-1",
        "token_type": "bearer",
        "expires_in": 300,
        "scope": SCOPE,
    }
    return ehr


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> Iterator[House]:
    built = build(tmp_path, clock)
    built.sessions.clients.ring.generate()
    yield built
    built.ledger.close()


def backend(house: House, **client: Any) -> BackendTokens:
    whose = client or {"auth": "key", "client_id": "hpg-backend"}
    issuers = Issuers(
        [
            Issuer(fhir_base=BASE, **whose),
            Issuer(fhir_base=SIM, prefix=True, auth="key", client_id="hpg-sim"),
            Issuer(fhir_base="https://open.example/fhir", auth="none"),
        ]
    )
    s = house.sessions
    return BackendTokens(issuers, s.discovery, s.clients, s.clock, s.timeout_s)


@pytest.mark.clause("B14.1")
def test_the_request_is_the_grant_the_scope_and_an_assertion(house: House, ehr: Ehr) -> None:
    got = backend(house).token(BASE, SCOPE)
    assert got.access_token == "own-1"
    assert got.scopes == frozenset(SCOPE.split())
    assert "own-1" not in repr(got)
    (sent,) = ehr.asked
    assert set(sent) == {
        "grant_type", "scope", "client_assertion_type", "client_assertion", "Authorization",
    }  # fmt: skip
    assert (sent["grant_type"], sent["scope"]) == ("client_credentials", SCOPE)
    assert sent["Authorization"] == ""


@pytest.mark.clause("B14.3")
def test_a_token_is_kept_until_half_a_minute_before_its_end(
    house: House, ehr: Ehr, clock: Clock
) -> None:
    tokens = backend(house)
    tokens.token(BASE, SCOPE)
    clock.pass_(seconds=269)
    tokens.token(BASE, SCOPE)
    assert len(ehr.asked) == 1
    ehr.token["access_token"] = "own-2"
    clock.pass_(seconds=1)
    assert tokens.token(BASE, SCOPE).access_token == "own-2"
    assert len({a["client_assertion"] for a in ehr.asked}) == len(ehr.asked) == 2
    tokens.token(BASE, "system/Patient.rs")
    assert len(ehr.asked) == 3, "another scope is another token"


def test_a_rejected_token_is_replaced(house: House, ehr: Ehr) -> None:
    tokens = backend(house)
    first = tokens.token(BASE, SCOPE).access_token
    ehr.token["access_token"] = "own-2"
    assert tokens.token(BASE, SCOPE, rejected=first).access_token == "own-2"
    assert tokens.token(BASE, SCOPE, rejected=first).access_token == "own-2"
    assert len(ehr.asked) == 2


@pytest.mark.clause("B14.2")
def test_less_may_be_granted_but_not_nothing(house: House, ehr: Ehr) -> None:
    tokens = backend(house)
    ehr.token["scope"] = "system/Patient.rs"
    assert tokens.token(BASE, SCOPE).scopes == {"system/Patient.rs"}
    for scope in ("openid", "patient/Patient.rs"):
        ehr.token["scope"] = scope
        with pytest.raises(AuthorizationRefused):
            tokens.token(BASE, f"{SCOPE} {scope}")


def test_without_a_scope_in_the_answer_what_was_asked_is_granted(house: House, ehr: Ehr) -> None:
    ehr.token.pop("scope")
    assert backend(house).token(BASE, SCOPE).scopes == frozenset(SCOPE.split())


@pytest.mark.clause("B14.5")
def test_a_simulators_options_travel_in_the_base(house: House, ehr: Ehr) -> None:
    base = f"{SIM}/sim/WzQsMF0/fhir"
    ehr.serve(f"{base}/.well-known/smart-configuration", lambda: ehr.config)
    assert backend(house).token(base, SCOPE).access_token == "own-1"


def test_the_backend_may_be_registered_apart(house: House, ehr: Ehr) -> None:
    apart = backend(house, client_id="hpg-monitor", backend_client_id="hpg-batch")
    apart.token(BASE, SCOPE)
    assert "client_id" not in ehr.asked[0]
    payload = json.loads(
        jws.extract_compact(ehr.asked[0]["client_assertion"].encode()).payload or b""
    )
    assert payload["iss"] == payload["sub"] == "hpg-batch"


def test_who_is_not_configured_or_has_no_key_is_not_asked(
    house: House, mock: responses.RequestsMock
) -> None:
    with pytest.raises(UnknownIssuer):
        backend(house).token("https://evil.example/fhir", SCOPE)
    assert not mock.calls


def test_a_client_without_a_key_has_no_backend(house: House, ehr: Ehr) -> None:
    with pytest.raises(ClientKeyMissing):
        backend(house, client_id="hpg-monitor").token(BASE, SCOPE)
    assert not ehr.asked


def test_a_refusal_is_told_and_asked_again_next_time(house: House, ehr: Ehr, clock: Clock) -> None:
    tokens = backend(house)
    tokens.token(BASE, SCOPE)
    clock.pass_(seconds=300)
    ehr.answer = lambda _r: (400, {}, '{"error": "invalid_scope"}')
    for _ in range(2):
        with pytest.raises(TokenExchangeFailed, match="invalid_scope"):
            tokens.token(BASE, SCOPE)
    ehr.answer = None
    assert tokens.token(BASE, SCOPE).access_token == "own-1"


def test_many_threads_ask_once(house: House, ehr: Ehr) -> None:
    tokens, got = backend(house), []
    threads = [
        threading.Thread(target=lambda: got.append(tokens.token(BASE, SCOPE).access_token))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == ["own-1"] * 6
    assert ehr.called(f"{LOGIN}/token") == 1
