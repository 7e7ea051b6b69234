"""Scopes: which are asked for at which kind of EHR, and what was granted of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from smart_ehr import FHIR, LOGIN, Clock, Ehr, House

from smartapp.grants import Grants, permission
from smartapp.smart.discovery import SmartConfiguration
from smartapp.smart.issuers import Issuer
from smartapp.smart.scopes import RESOURCE_TYPES, is_wildcard, wanted

CONFIG = SmartConfiguration(
    authorization_endpoint=f"{LOGIN}/authorize",
    token_endpoint=f"{LOGIN}/token",
    issuer=LOGIN,
    jwks_uri=None,
    revocation_endpoint=None,
    capabilities=frozenset(),
    scopes_supported=frozenset(),
    grant_types=frozenset(),
    challenge_methods=frozenset(),
    auth_methods=frozenset(),
    signing_algorithms=frozenset(),
)
BOTH = replace(CONFIG, capabilities=frozenset({"permission-v1", "permission-v2"}))


def issuer(**keys: Any) -> Issuer:
    return Issuer(fhir_base=FHIR, client_id="x", **keys)


@pytest.mark.clause("B10.4")
@pytest.mark.parametrize(
    ("keys", "config", "verb"),
    [
        ({}, BOTH, "rs"),
        ({}, CONFIG, "read"),
        ({"scope_syntax": "v1"}, BOTH, "read"),
        ({"scope_syntax": "v2"}, CONFIG, "rs"),
        ({"profile": "meditech"}, BOTH, "read"),
        ({"profile": "meditech", "scope_syntax": "v2"}, BOTH, "rs"),
    ],
)
def test_one_syntax_by_the_sites_word_then_the_profile_then_the_server(
    keys: dict[str, Any], config: SmartConfiguration, verb: str
) -> None:
    resources = [scope for scope in wanted(issuer(**keys), config).split() if "/" in scope]
    assert resources == [f"patient/{kind}.{verb}" for kind in RESOURCE_TYPES]


@pytest.mark.clause("B4.3")
@pytest.mark.clause("B4.4")
@pytest.mark.clause("B5.2")
@pytest.mark.parametrize(
    ("scopes", "at_ehr", "standalone"),
    [
        (
            "launch openid patient/Patient.rs",
            "launch openid patient/Patient.rs",
            "launch/patient openid patient/Patient.rs",
        ),
        (
            "launch/patient launch/encounter patient/Patient.rs online_access",
            "launch launch/patient launch/encounter patient/Patient.rs online_access",
            "launch/patient launch/encounter patient/Patient.rs",
        ),
        ("openid user/Patient.rs", "launch openid user/Patient.rs", "openid user/Patient.rs"),
    ],
)
def test_a_sites_own_list_is_put_right_for_the_kind_of_launch(
    scopes: str, at_ehr: str, standalone: str
) -> None:
    assert wanted(issuer(scopes=scopes), BOTH) == at_ehr
    assert wanted(issuer(scopes=scopes), BOTH, standalone=True) == standalone


@pytest.mark.clause("B5.3")
@pytest.mark.parametrize(
    ("capabilities", "setting", "level"),
    [
        ((), None, "patient"),
        (("permission-user", "context-standalone-patient"), None, "patient"),
        (("permission-user", "context-ehr-patient"), None, "user"),
        (("permission-patient",), None, "patient"),
        (("permission-user",), "patient", "patient"),
        ((), "user", "user"),
    ],
)
def test_where_the_ehr_lets_nobody_choose_the_users_own_rights_are_asked_for(
    capabilities: tuple[str, ...], setting: Any, level: str
) -> None:
    config = replace(CONFIG, capabilities=frozenset(capabilities))
    scopes = wanted(issuer(standalone=setting), config, standalone=True).split()
    assert f"{level}/Observation.read" in scopes
    assert ("launch/patient" in scopes) == (level == "patient")


@pytest.mark.clause("B10.1")
@pytest.mark.clause("B10.2")
@pytest.mark.clause("B10.3")
@pytest.mark.parametrize(
    ("scope", "letters"),
    [
        ("patient/Observation.read", "rs"),
        ("patient/Observation.write", "cud"),
        ("user/Observation.*", "cruds"),
        ("patient/*.cruds", "cruds"),
        ("patient/Observation.s", "s"),
        ("patient/Observation.sr", None),
        ("patient/Observation.rr", None),
        ("patient/Observation.", None),
        ("patient/observation.rs", None),
        ("patient/Observation.rs?", None),
        ("patient/Observation.rs?category=x y", None),
        ("launch/patient", None),
        ("openid", None),
    ],
)
def test_a_scope_is_read_as_the_standard_writes_it(scope: str, letters: str | None) -> None:
    read = permission(scope)
    assert (None if read is None else read.letters) == letters


@pytest.mark.clause("B8.5")
@pytest.mark.clause("B10.5")
@pytest.mark.clause("B10.6")
@pytest.mark.clause("B10.9")
@pytest.mark.parametrize(
    ("scopes", "kind", "letter", "said"),
    [
        ("patient/Observation.rs", "Observation", "s", None),
        ("patient/*.read", "Condition", "s", None),
        ("user/*.rs", "Condition", "s", None),
        ("patient/Observation.r", "Observation", "s", "no search for it"),
        ("patient/Observation.s", "Observation", "r", "did not grant this app to read Observation"),
        ("patient/Patient.rs", "Observation", "s", "did not grant this app to read Observation"),
        ("patient/Observation.cud", "Observation", "s", "did not grant"),
        ("system/Observation.rs", "Observation", "s", "did not grant"),
        ("", "Patient", "r", "did not grant this app to read Patient"),
        (
            "patient/Observation.rs?category=laboratory",
            "Observation",
            "s",
            "only where category=laboratory",
        ),
        ("patient/Observation.rs?category=laboratory patient/*.rs", "Observation", "s", None),
    ],
)
def test_what_was_not_granted_is_said(
    scopes: str, kind: str, letter: str, said: str | None
) -> None:
    short = Grants.of(scopes.split()).shortfall(kind, letter)
    if said is None:
        assert short is None
    else:
        assert short is not None
        assert said in short.reason
        assert short.state == ("partial" if "only where" in said else "missing")


def test_a_list_of_many_queries_stays_one_line() -> None:
    scopes = [f"patient/Observation.rs?category={n}" for n in range(9)]
    short = Grants.of(scopes).shortfall("Observation", "s")
    assert short is not None
    assert short.reason.endswith("category=0, category=1, category=2 and more")


def test_wildcards_are_known() -> None:
    given = ["patient/*.rs", "user/Patient.*", "patient/Patient.rs", "launch", "a/*.b"]
    assert [is_wildcard(scope) for scope in given] == [True, True, False, False, False]


@pytest.mark.clause("B8.5")
@pytest.mark.clause("B12.2")
def test_a_refresh_that_grants_less_is_noticed(house: House, ehr: Ehr, clock: Clock) -> None:
    ehr.token |= {"refresh_token": "refresh-1", "scope": "patient/Patient.rs patient/Goal.rs"}
    browser = house.browser()
    launch = browser.open_chart()
    cookie = browser.client.get_cookie("__Host-hpg", domain="app.example")
    assert cookie is not None
    with house.app.test_request_context(headers={"Cookie": f"__Host-hpg={cookie.value}"}):
        context = house.sessions.current(launch)

    def searches_goals() -> bool:
        grants = house.sessions.grants(context)
        assert grants is not None
        return grants.shortfall("Goal", "s") is None

    def refresh(**answer: str) -> bool:
        ehr.token.pop("scope", None)
        ehr.token |= answer
        clock.pass_(seconds=600)
        house.sessions.access_token(launch)
        return searches_goals()

    assert searches_goals()
    assert refresh(), "an answer that does not say grants what was granted"
    assert not refresh(scope="patient/Patient.rs")
    assert not refresh()
