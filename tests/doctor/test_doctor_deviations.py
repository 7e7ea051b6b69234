"""The sandbox EHR in good and in each deviant mode: what was made wrong is found, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import pytest
from doctor_house import House, by_name, verdicts

from smartapp.demo import Behaviour, behaviour_of, vendors
from smartapp.doctor import Report

Found = dict[str, tuple[str, str]]  # check → verdict, and words of what it says


@dataclass(frozen=True)
class Mode:
    """One deviation, what the issuers file says of it, and the checks that must notice."""

    changes: dict[str, Any]
    found: Found = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


IN_A_LAUNCH: Found = {}  # shows when a user signs in, and not from outside
IN_HOOKS: Found = {}  # shows in what the EHR sends, and not from outside
HARMLESS: Found = {}  # an app must not even notice
SILENT: Found = {
    "discovery": ("warn", "no capabilities"),
    "pkce": ("warn", "does not say"),
    "client sign-in": ("warn", "does not list its algorithms"),
    "scopes": ("warn", "lists no scopes"),
}
CATEGORY: Found = {
    "search hormones": ("fail", "does not accept the question (400)"),
    "search safety": ("warn", "does not accept the question (400)"),
}
SIGN_IN = (
    "authorization", "token endpoint", "pkce", "client sign-in", "scopes", "EHR's keys",
    "our keys", "protection",
)  # fmt: skip
OPEN: Found = dict.fromkeys(SIGN_IN, ("not tried", "open test server"))

MODES = {
    "path": Mode({"fhir_path": "/fhir/R4/"}, HARMLESS),
    "issuer": Mode({"issuer": "{origin}/elsewhere"}, HARMLESS),
    "id-token-issuer": Mode({"id_token_issuer": "{issuer}/oidc"}, IN_A_LAUNCH),
    "host-root": Mode(
        {"smart_configuration": "host-root"}, {"discovery": ("warn", "at the host's root")}
    ),
    "smart-1": Mode(
        {"smart_configuration": "none"},
        {**SILENT, "discovery": ("warn", "SMART 1.0"), "EHR's keys": ("fail", "no key set")},
    ),
    "silent": Mode({"metadata_arrays": False}, SILENT),
    "keys-elsewhere": Mode(
        {"jwks_in_smart": False}, {"EHR's keys": ("warn", "openid-configuration does")}
    ),
    "open": Mode({"oauth": False, "fhir_open": True}, OPEN),
    "closed": Mode(
        {"oauth": False},
        {
            **OPEN,
            "issuers file": ("fail", "wants a token"),
            "access": ("not tried", "nothing is known"),
            "searches": ("not tried", "cannot be read"),
        },
    ),
    "unprotected": Mode(
        {"fhir_open": True}, {"protection": ("warn", "without a token is answered")}
    ),
    "v1": Mode({"scope_versions": ("v1",)}, {"scopes": ("pass", "version 1 (.read)")}),
    "no-wildcards": Mode({"wildcard_scopes": False}, HARMLESS),
    "withheld": Mode(
        {"withheld": ("Goal",)},
        {"access": ("warn", "without Goal"), "search goals": ("warn", "(403)")},
    ),
    "state-lost": Mode({"posted_state": False}, IN_A_LAUNCH),
    "no-picker": Mode({"standalone_patient": False}, IN_A_LAUNCH),
    "relative-user": Mode({"absolute_user": False}, IN_A_LAUNCH),
    "no-kid": Mode({"id_token_kid": False}, IN_A_LAUNCH),
    "style": Mode({"style": True}, IN_A_LAUNCH),
    "no-filter": Mode({"observation_filter": False}, HARMLESS),
    "category": Mode({"category_required": True}, CATEGORY),
    "category-told": Mode({"category_required": True}, HARMLESS, {"profile": "meditech"}),
    "denied": Mode(
        {"denied": ("MedicationAdministration",)},
        {"search administrations": ("warn", "does not let this app or this user read it (403)")},
    ),
    "outcomes": Mode({"bundle_outcomes": True}, HARMLESS),
    "cursor": Mode({"paging": "cursor"}, HARMLESS),
    "getpages": Mode({"paging": "getpages"}, HARMLESS),
    "slow": Mode(
        {"search_ms": 150}, {"speed": ("warn", "a hook call waits 0.1 s")},
        settings={"hook_deadline_ms": 100},
    ),
    "ahead": Mode({"clock_skew": 45}, {"clock": ("warn", "45 s ahead of ours")}),
    "behind": Mode(
        {"clock_skew": -120},
        {
            "clock": ("fail", "120 s behind ours"),
            "access": ("fail", "invalid_client"),
            "searches": ("not tried", "cannot be read"),
        },
    ),
    "no-prefetch": Mode({"prefetch": False}, IN_HOOKS),
    "no-token-in-hooks": Mode({"fhir_authorization": False}, IN_HOOKS),
    "short-lives": Mode(
        {
            "launch_seconds": 30, "code_seconds": 10, "access_token_seconds": 60,
            "refresh_token_seconds": 600, "page_seconds": 60,
        },
        IN_A_LAUNCH,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def good(house: House) -> Report:
    return house.report(Behaviour())


def changed(report: Report, good: Report) -> dict[str, str]:
    """Checks that ended otherwise than at the good EHR."""
    before = verdicts(good)
    return {name: v for name, v in verdicts(report).items() if before.get(name) != v}


def test_the_good_ehr_is_well(good: Report) -> None:
    assert {c.name for c in good.checks if c.verdict != "pass"} == {"launch"}
    assert not good.failed


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_deviation_is_found_and_nothing_else(mode: Mode, house: House, good: Report) -> None:
    report = house.report(Behaviour(**mode.changes), settings=mode.settings, **mode.table)
    checks = by_name(report)
    for name, (verdict, said) in mode.found.items():
        assert (checks[name].verdict, said in checks[name].said) == (verdict, True), checks[name]
        assert verdict == "pass" or verdict == "not tried" or checks[name].todo
    unexpected = changed(report, good).items() - {(n, v) for n, (v, _) in mode.found.items()}
    assert {(n, v) for n, v in unexpected if n != "launch"} == set()


def test_every_deviation_has_been_thought_of() -> None:
    tried = {name for mode in MODES.values() for name in mode.changes}
    assert tried == {field.name for field in fields(Behaviour)}


def test_a_search_that_wants_a_category_is_helped(house: House) -> None:
    """The profile that makes the search work was tried before it is recommended."""
    check = by_name(house.report(Behaviour(category_required=True)))["search hormones"]
    assert check.lines == ('profile = "meditech"',)


VENDORS: dict[str, Found] = {
    "generic": {},
    "epic": {
        "access": ("warn", "without Goal, QuestionnaireResponse"),
        "search goals": ("warn", "(403)"),
        "search questionnaires": ("warn", "(403)"),
    },
    "oracle": {},
    "athena": MODES["keys-elsewhere"].found,
    "meditech": {**MODES["host-root"].found, "scopes": ("pass", "version 1 (.read)")},
    "medplum": {},
    "smart-launcher": MODES["unprotected"].found,
    "hapi": OPEN,
    "smart-1": MODES["smart-1"].found,
    "awkward": {**SILENT, **MODES["ahead"].found, **MODES["denied"].found},
}


@pytest.mark.parametrize("vendor", vendors())
def test_each_kind_of_ehr_is_told_from_a_good_one(vendor: str, house: House, good: Report) -> None:
    known = vendor not in ("smart-1", "awkward")
    report = house.report(behaviour_of(vendor), profile=vendor if known else "generic")
    checks = by_name(report)
    for name, (verdict, said) in VENDORS[vendor].items():
        assert (checks[name].verdict, said in checks[name].said) == (verdict, True), checks[name]
    unexpected = changed(report, good).items() - {
        (name, verdict) for name, (verdict, _) in VENDORS[vendor].items()
    }
    assert {(n, v) for n, v in unexpected if n != "launch"} == set()
