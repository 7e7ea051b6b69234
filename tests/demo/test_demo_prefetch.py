"""Prefetch is filled exactly from the templates a service publishes (CDS Hooks 2.0.1)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from demo_sandbox import FHIR, Ehr, make_config, observation, story, two_stories

from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.oauth.records import Context, Grant
from smartapp.demo.ward.prefetch import fill, resolve
from smartapp.stories import Story

CONTEXT = {"userId": "Practitioner/okafor", "patientId": "amos", "encounterId": "visit-amos"}
GRANT = Grant("hpg-monitor", "patient/*.rs", Context("Practitioner/okafor", "amos"), "family")


def filled(
    templates: dict[str, str], stories: tuple[Story, ...] | None = None, **context: Any
) -> dict[str, Any]:
    config = make_config()
    api = FhirApi(config, Repository(stories or two_stories(), []), clock=lambda: 0.0)
    found = fill(templates, {**CONTEXT, **context}, GRANT, api, FHIR)
    decoded: dict[str, Any] = json.loads(msgspec.json.encode(found))
    return decoded


@pytest.mark.parametrize(
    ("template", "query"),
    [
        ("Patient/{{context.patientId}}", "Patient/amos"),
        ("{{context.userId}}", "Practitioner/okafor"),
        ("Practitioner/{{userPractitionerId}}", "Practitioner/okafor"),
        ("Encounter/{{ context.encounterId }}", "Encounter/visit-amos"),
        ("Observation?code=2986-8", "Observation?code=2986-8"),
        ("Patient/{{userPatientId}}", None),
        ("Patient/{{context.nothing}}", None),
        ("Patient/{{context.draftOrders}}", None),
    ],
)
def test_tokens(template: str, query: str | None) -> None:
    assert resolve(template, {**CONTEXT, "draftOrders": {"entry": []}}) == query


def test_a_read_a_search_and_what_is_not_there() -> None:
    found = filled(
        {
            "patient": "Patient/{{context.patientId}}",
            "hormones": "Observation?patient={{context.patientId}}&code=http://loinc.org|2986-8"
            "&_sort=-date",
            "goals": "Goal?patient={{context.patientId}}",
            "gone": "Observation/not-there",
            "unresolvable": "RelatedPerson/{{userRelatedPersonId}}",
        }
    )
    assert found["patient"]["id"] == "amos"
    assert [e["resource"]["id"] for e in found["hormones"]["entry"]] == ["t2", "t1", "t3"]
    assert found["goals"] == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": f"{FHIR}/Goal?patient=amos"}],
    }
    assert found["gone"] is None
    assert "unresolvable" not in found


@pytest.mark.parametrize(
    "template",
    [
        "Observation?patient={{context.patientId}}",
        "Device?patient={{context.patientId}}",
        "Patient/boris",
        "Observation?code=2986-8&colour=red",
    ],
)
def test_a_refused_query_is_answered_with_its_outcome(template: str) -> None:
    assert filled({"key": template})["key"]["resourceType"] == "OperationOutcome"


def test_prefetch_is_not_cut_by_the_page_size_but_by_count() -> None:
    man = (story("amos", "amos", *(observation(f"o{n}", "amos") for n in range(50))),)
    whole = filled({"key": "Observation?code=2986-8"}, man)["key"]
    assert len(whole["entry"]) == whole["total"] == 50
    assert [link["relation"] for link in whole["link"]] == ["self"]
    cut = filled({"key": "Observation?code=2986-8&_count=30"}, man)["key"]
    assert len(cut["entry"]) == 30
    assert cut["total"] == 50
    assert [link["relation"] for link in cut["link"]] == ["self", "next"]


def test_the_rest_of_a_cut_prefetch_can_be_had_with_the_calls_own_token(make_ehr: Any) -> None:
    man = (story("amos", "amos", *(observation(f"o{n}", "amos") for n in range(50))),)
    ehr: Ehr = make_ehr(man)
    token = ehr.vault.short_token(GRANT, 60)
    api_link = ehr.fhir("Observation?code=2986-8&_count=15", token).json or {}
    following = api_link["link"][1]["url"].removeprefix(f"{FHIR}/")
    assert ehr.fhir(following, token).status_code == 200
