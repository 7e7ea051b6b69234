"""An EHR that lies or is broken: what it publishes leads nowhere it should not, and to no 5xx page
that says nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import responses
from smart_ehr import FHIR, LOGIN, Ehr, House

from smartapp.smart import Issuer, Issuers

ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint")
# Read by one as one address and by another as another, or by none at all.
UNREADABLE = (
    "//[",
    "https://[",
    "https://x:99999999/a",
    "https://x:abc/a",
    "https://..../a",
    f"https://{'a' * 300}.example/a",
    "https://\u2100/a",
    "https://x y/a",
    "https://x/\r\nSet-Cookie: a=b",
    "https://e\nvil.example/a",
    "https://x\\.evil.example/a",
    "https://ehr.example@evil.example/a",
    "https://user:secret@x/a",
    "javascript:alert(1)",
)


def known(house: House, issuers: Iterable[Issuer]) -> None:
    object.__setattr__(house.sessions, "issuers", Issuers(issuers))


@pytest.mark.clause("B3.9")
@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("address", UNREADABLE)
def test_an_endpoint_that_can_be_read_in_two_ways_is_refused(
    house: House, ehr: Ehr, name: str, address: str
) -> None:
    ehr.config[name] = address
    page = house.browser().get(f"/launch?iss={FHIR}&launch=x")
    assert page.status_code == 502
    assert f"The EHR&#39;s {name} is not https." in page.text
    assert "Location" not in page.headers


@pytest.mark.clause("B3.9")
@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9200/a", "http://localhost/a", "https://[::1]/a"]
)
def test_a_distant_ehr_sends_nobody_to_this_machine(
    house: House, ehr: Ehr, name: str, address: str
) -> None:
    ehr.config[name] = address
    page = house.browser().get(f"/launch?iss={FHIR}&launch=x")
    assert page.status_code == 502
    assert "on this machine" in page.text


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9200", "https://localhost"])
def test_nor_does_it_by_its_name_or_by_its_openid_configuration(
    house: House, ehr: Ehr, mock: responses.RequestsMock, issuer: str
) -> None:
    del ehr.config["jwks_uri"]
    ehr.config["issuer"] = ehr.claims["iss"] = issuer
    ehr.serve(f"{FHIR}/.well-known/openid-configuration", lambda: {"jwks_uri": f"{issuer}/keys"})
    browser = house.browser()
    page = browser.come_back(browser.launch()["state"])
    assert page.status_code == 502
    assert ehr.called("127.0.0.1") == ehr.called("localhost") == 0


@pytest.mark.parametrize("issuer", ["https://[", "http://[::1", "//[", "https://\u2100/"])
def test_a_name_that_nobody_can_read_is_none(house: House, ehr: Ehr, issuer: str) -> None:
    ehr.config["issuer"] = issuer
    browser = house.browser()
    page = browser.come_back(browser.launch()["state"])
    assert page.status_code == 502, "the id_token is of another than the FHIR base"
    assert "issued by someone else" in page.text


@pytest.mark.clause("B3.9")
def test_keys_named_by_the_openid_configuration_are_pinned_like_every_endpoint(
    house: House, ehr: Ehr
) -> None:
    """Else whoever can alter that one document signs in as anybody."""
    del ehr.config["jwks_uri"]
    evil = "https://evil.example"
    ehr.serve(f"{LOGIN}/.well-known/openid-configuration", lambda: {"jwks_uri": f"{evil}/keys"})
    ehr.serve(f"{FHIR}/.well-known/openid-configuration", lambda: {"jwks_uri": f"{evil}/keys"})
    ehr.serve(f"{evil}/keys", lambda: {"keys": ehr.keys})
    browser = house.browser()
    assert browser.come_back(browser.launch()["state"]).status_code == 303, "not pinned: any https"
    known(house, [Issuer(fhir_base=FHIR, client_id="hpg-monitor", endpoint_origins=(LOGIN,))])
    page = browser.come_back(browser.launch()["state"])
    assert page.status_code == 502
    assert "publishes no keys" in page.text
