"""The fixture patients as an EHR would send them with a hook call."""

from __future__ import annotations

import json
from typing import Any

from hookwork import KEYS, NOW, PATIENT, bundle, draft, order, view

from smartapp.stories import Story, load_stories

Json = dict[str, Any]

STORIES = {story.key: story for story in load_stories(NOW.date())}
ORDERS = {
    "clomiphene": "clomiphene citrate 50 mg oral tablet",
    "hcg": "chorionic gonadotropin injection",
    "testosterone": "testosterone cypionate 200 mg/mL injection",
    "anastrozole": "anastrozole 1 mg oral tablet",
}
_KEY_OF = {
    "Observation": "hormones",
    "Condition": "conditions",
    "Procedure": "procedures",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "AllergyIntolerance": "allergies",
    "Goal": "goals",
}


def prefetch_of(story: Story) -> Json:
    """The story's record as an EHR would send it with the call."""
    rows: dict[str, list[Json]] = {key: [] for key in KEYS}
    sent: Json = {}
    for entry in story.bundle["entry"]:
        resource = entry["resource"]
        kind = resource.get("resourceType")
        if kind == "Patient" and resource["id"] == story.patient_id:
            sent["patient"] = resource
        elif kind in _KEY_OF:
            rows[_KEY_OF[kind]].append(resource)
    return {**sent, **{key: bundle(*found) for key, found in rows.items()}}


def call(story: Story, drug: str | None) -> Json:
    """The chart of the story is opened, or this drug is about to be signed in it."""
    data = prefetch_of(story)
    body = view(data) if drug is None else order(data, draft(ORDERS[drug]))
    text = json.dumps(body, default=float).replace(f'"{PATIENT}"', f'"{story.patient_id}"')
    read: Json = json.loads(text.replace(f"Patient/{PATIENT}", f"Patient/{story.patient_id}"))
    return read
