"""What the app asks for, this EHR answers: searches and prefetch over every fixture patient."""

from __future__ import annotations

import json
from typing import Any

import pytest
from demo_sandbox import FHIR, Ehr, make_config

from smartapp.demo.fhir.api import FhirApi
from smartapp.demo.fhir.repository import Repository
from smartapp.demo.oauth.records import Context, Grant
from smartapp.demo.ward.prefetch import fill
from smartapp.fhir.plans import prefetch_templates, search_plans
from smartapp.knowledge.catalogue_files import load_catalogue
from smartapp.share import share
from smartapp.stories import Story, load_stories

SCOPE = json.loads(share("launch.json").read_text())["scope"]
STORIES = load_stories(make_config().anchor)
# Kinds of which everything on record must be met by the app's searches.
_WHOLE = {"Condition", "MedicationDispense", "MedicationAdministration", "QuestionnaireResponse"}
CATALOGUE = load_catalogue()


@pytest.fixture(params=STORIES, ids=lambda told: told.key)
def told(request: pytest.FixtureRequest) -> Story:
    found: Story = request.param
    return found


def test_every_search_of_a_launch_is_answered(make_ehr: Any, told: Story) -> None:
    ehr: Ehr = make_ehr(STORIES)
    token = ehr.tokens(launch=ehr.launch(told.patient_id), scope=SCOPE)["access_token"]
    met = set()
    for plan in search_plans(CATALOGUE, told.patient_id):
        address: str | None = plan.query
        while address:
            answer = ehr.fhir(address, token)
            assert answer.status_code == 200, (plan.key, answer.text)
            body = json.loads(answer.text)
            met |= {e["resource"].get("id") for e in body.get("entry", [])} or {body.get("id")}
            following = [k["url"] for k in body.get("link", []) if k["relation"] == "next"]
            address = following[0].removeprefix(f"{FHIR}/") if following else None
    assert told.patient_id in met
    recorded = {r["id"] for r in told.resources() if r["resourceType"] in _WHOLE}
    assert recorded <= met


def test_the_stories_hold_something_of_every_kind_asked_for() -> None:
    held = {r["resourceType"] for story in STORIES for r in story.resources()}
    assert held >= _WHOLE


def test_every_prefetch_template_is_filled(told: Story) -> None:
    config = make_config()
    api = FhirApi(config, Repository(STORIES, []), clock=lambda: 0.0)
    who = Context("Practitioner/okafor", told.patient_id)
    context = {"userId": who.user, "patientId": told.patient_id}
    templates = prefetch_templates(CATALOGUE)
    filled = fill(templates, context, Grant("hpg-monitor", "patient/*.rs", who, "f"), api, FHIR)
    assert set(filled) == set(templates)
    for key, raw in filled.items():
        assert raw is not None
        body = json.loads(bytes(raw))
        expected = "Patient" if key == "patient" else "Bundle"
        assert body["resourceType"] == expected, (key, body)
