"""Looking for a patient: what is asked, and what of the answer is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from smartapp.errors import InputError
from smartapp.fhir.client import FhirClient
from smartapp.fhir.plans import SearchPlan
from smartapp.fhir.roster import RosterRow, next_plan, read_roster, roster_plan

BASE = "https://ehr.example/fhir/r4"


@pytest.fixture
def mock() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def bundle(*resources: Any, link: str | None = None) -> bytes:
    entries = [{"resource": resource} for resource in resources]
    body: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    if link:
        body["link"] = [{"relation": "next", "url": link}]
    return json.dumps(body).encode()


ADAMS = {
    "resourceType": "Patient",
    "id": "p-1",
    "name": [
        {"use": "old", "family": "Former"},
        {"use": "official", "family": "Adams", "given": ["John", "Q"]},
    ],
    "birthDate": "1985-03-31",
    "gender": "male",
    "identifier": [{"system": "urn:mrn", "value": "000123"}],
}


def test_what_was_given_is_asked_and_nothing_can_be_slipped_in() -> None:
    assert roster_plan().query == "Patient?_count=20"
    asked = roster_plan(name="O'Neill & Söhne#?", identifier="a|b", birth_date="1985-03-31")
    assert asked.query == (
        "Patient?_count=20&name=O%27Neill%20%26%20S%C3%B6hne%23%3F&identifier=a%7Cb"
        "&birthdate=1985-03-31"
    )
    assert asked.single
    assert asked.needs == ("Patient", "s")


def test_a_row_shows_what_tells_two_people_apart_and_no_more() -> None:
    roster = read_roster(bundle(ADAMS, {"resourceType": "Patient", "id": "p-2"}))
    assert roster.rows == (
        RosterRow("p-1", "Adams, John Q", "1985-03-31", "male", "000123"),
        RosterRow("p-2", "", "", "", ""),
    )
    assert (roster.unreadable, roster.problem, roster.next) == (0, None, None)


def test_an_odd_row_is_counted_and_hides_no_other() -> None:
    body = json.loads(bundle(ADAMS, {"resourceType": "Patient", "id": 7}, {"resourceType": 3}))
    body["entry"] += [None, "x", {}, {"resource": {"resourceType": "Basic", "id": "b"}}]
    roster = read_roster(json.dumps(body).encode())
    assert [row.id for row in roster.rows] == ["p-1"]
    assert roster.unreadable == 4


@pytest.mark.clause("D7")
def test_a_warning_inside_the_answer_is_told_in_our_words() -> None:
    outcome = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "too-costly", "diagnostics": "John Adams"}],
    }
    roster = read_roster(bundle(ADAMS, outcome))
    assert roster.problem == "the server found the search too costly"
    assert len(roster.rows) == 1


def test_what_is_no_fhir_is_refused() -> None:
    with pytest.raises(InputError):
        read_roster(b"<html>")


def test_one_page_is_one_request_and_the_next_one_is_asked_for(
    mock: responses.RequestsMock,
) -> None:
    following = f"{BASE}?_getpages=1"
    mock.get(f"{BASE}/Patient", body=bundle(ADAMS, link=following))
    mock.get(BASE, body=bundle({"resourceType": "Patient", "id": "p-2"}))
    client = FhirClient(BASE)
    first = client.run([roster_plan(name="a")], 5)
    assert len(mock.calls) == 1
    link = read_roster(first.pages[0].body).next
    assert link == following
    second = client.run([next_plan(link)], 5)
    assert [row.id for row in read_roster(second.pages[0].body).rows] == ["p-2"]


@pytest.mark.clause("B8.9")
def test_a_next_page_elsewhere_is_not_asked(mock: responses.RequestsMock) -> None:
    found = FhirClient(BASE).run([next_plan("https://evil.example/fhir?x=1")], 5)
    assert not found.pages
    assert found.gaps[0].what == "patients"
    assert not mock.calls


def test_what_a_plan_needs() -> None:
    assert SearchPlan("patient", "Patient/p-1").needs == ("Patient", "r")
    assert SearchPlan("goals", "Goal?patient=p-1").needs == ("Goal", "s")
    assert next_plan(f"{BASE}?_getpages=1").needs is None
