"""The kinds of EHRs: known by data, documented, and each with a table that starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from smartapp.fhir.quirks import quirks_of
from smartapp.smart import load_issuers
from smartapp.smart.issuers import Issuer
from smartapp.smart.profiles import Profile, ways_of

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "issuers.example.toml"
PROFILES = get_args(Profile)
# Keys that a table takes, and what each is about, are told in the page.
KEYS = {
    "fhir_base", "name", "profile", "prefix", "auth", "client_id", "client_secret_file",
    "backend_client_id", "assertion_alg", "assertion_jku", "authorize", "scopes", "scope_syntax",
    "standalone", "timezone", "frame_ancestors", "id_token_issuer", "id_token_algs",
    "endpoint_origins", "style_origins",
}  # fmt: skip


@pytest.mark.clause("B2.4")
def test_the_example_holds_every_kind_and_starts() -> None:
    issuers = list(load_issuers(EXAMPLE))
    assert sorted(issuer.profile for issuer in issuers) == sorted(PROFILES)
    for issuer in issuers:
        assert issuer.timezone is not None
        assert not any("*" in origin for origin in issuer.frame_ancestors)
        assert (issuer.auth == "none") == (issuer.profile == "hapi")


def test_the_page_tells_of_every_kind_and_every_key() -> None:
    text = (DOCS / "issuers.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^\*\*([a-z-]+)\*\*\.", text, re.MULTILINE)) == sorted(PROFILES)
    told = set(re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE))
    named = {name for cell in told for name in re.findall(r"`([a-z_]+)`", cell)}
    assert named == KEYS
    fields = set(Issuer.__slots__) - {"client_secret", "local_codes"} | {"client_secret_file"}
    assert fields == KEYS


@pytest.mark.parametrize("profile", PROFILES)
def test_every_kind_has_its_ways_at_the_door_and_at_the_searches(profile: Profile) -> None:
    ways = ways_of(profile)
    assert 60 <= ways.token_seconds <= 3600
    assert ways.scope_syntax in ("by-capability", "v1", "v2")
    assert quirks_of(profile).count > 0


@pytest.mark.clause("B11.4")
@pytest.mark.clause("D12")
def test_oracles_id_tokens_come_from_below_its_issuer() -> None:
    tenant = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
    issuer = f"https://authorization.cerner.com/tenants/{tenant}"
    assert ways_of("oracle").signing_issuer(issuer) == f"{issuer}/oidc/idsps/{tenant}/"
    assert ways_of("generic").signing_issuer(f"{issuer}/") == f"{issuer}/"


@pytest.mark.clause("D13")
@pytest.mark.clause("D14")
@pytest.mark.clause("D18")
@pytest.mark.clause("C3.10")
def test_what_the_dossier_says_of_a_kind_is_what_it_does() -> None:
    assert ways_of("oracle").token_seconds == 570
    assert [p for p in PROFILES if not ways_of(p).wildcards] == ["oracle"]
    assert [p for p in PROFILES if ways_of(p).scope_syntax == "v1"] == ["meditech"]
    assert [p for p in PROFILES if not ways_of(p).authorize_post] == ["smart-launcher"]
    assert [p for p in PROFILES if ways_of(p).base_slash] == ["medplum"]
