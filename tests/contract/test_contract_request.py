"""Requests, good and bad: envelope, hooks, codes of refusal (standards A3, A4, A8, Z7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hookwork import Door, codes, draft, order, patient, prefetch, severe, view

from smartapp.knowledge import Knowledge

Json = dict[str, Any]


def refused(door: Door, body: Json | bytes, status: int = 400) -> Json:
    """The OperationOutcome of a call that must be refused."""
    answer = door.post("hpg-patient-view", body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    outcome: Json = answer.get_json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["diagnostics"]
    return outcome


@pytest.mark.clause("A8.1")
@pytest.mark.clause("A8.8")
def test_success_is_200_with_cards_and_is_never_stored(door: Door) -> None:
    answer = door.post("hpg-patient-view", view(prefetch()))
    assert (answer.status_code, answer.get_json()) == (200, {"cards": []})
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.clause("A3.2")
def test_another_hook_is_refused(door: Door) -> None:
    assert "patient-view" in str(refused(door, view(prefetch(), hook="order-sign")))


@pytest.mark.clause("A3.3")
@pytest.mark.parametrize(
    "given", ["", "1", "not-a-uuid", "{49192bd1-f7f3-4bdd-bc5f-997dd59a950a}", 7]
)
def test_hook_instance_is_a_uuid(door: Door, given: Any) -> None:
    refused(door, view(prefetch(), hookInstance=given))


@pytest.mark.clause("A3.5")
def test_a_repeated_hook_instance_is_answered_again(door: Door) -> None:
    body = view(prefetch(severe()))
    first, second = door.cards(body), door.cards(body)
    assert codes(first) == codes(second) != []
    assert {c["uuid"] for c in first}.isdisjoint(c["uuid"] for c in second)


@pytest.mark.clause("A3.8")
@pytest.mark.clause("A3.10")
@pytest.mark.clause("A1.8")
def test_unknown_members_at_every_level_are_ignored(door: Door) -> None:
    body = view(
        prefetch(severe(), somethingElse={"resourceType": "Bundle"}, other=None),
        extension={"com.example": {"a": 1}},
        unknown=[1, 2, {"three": None}],
    )
    body["context"]["extension"] = {"x": 1}
    body["context"]["newField"] = ["later version of the hook"]
    assert "severe-primary-failure" in codes(door.cards(body))


@pytest.mark.clause("A3.9")
@pytest.mark.parametrize(
    "context",
    [
        None,
        [],
        "smith",
        {},
        {"patientId": None},
        {"patientId": 12},
        {"patientId": ""},
        {"patientId": "../metadata"},
        {"patientId": "1&code=x"},
        {"patientId": "smith", "userId": 5},
    ],
)
def test_a_context_without_a_patient_is_refused(door: Door, context: Any) -> None:
    refused(door, view(prefetch(), context=context))


@pytest.mark.clause("A4.1")
def test_the_patient_may_be_written_as_a_reference(door: Door) -> None:
    body = view(prefetch(severe()))
    body["context"]["patientId"] = "Patient/smith"
    assert codes(door.cards(body))


@pytest.mark.clause("A4.2")
@pytest.mark.clause("A4.3")
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("drafts", [None, [], "x", {"resourceType": "Bundle", "entry": [7]}])
def test_an_order_hook_without_readable_drafts_is_refused(
    door: Door, hook: str, drafts: Any
) -> None:
    body = order(prefetch(), hook=hook)
    body["context"]["draftOrders"] = drafts
    assert door.post(f"hpg-{hook}", body).status_code == 400
    del body["context"]["draftOrders"]
    assert door.post(f"hpg-{hook}", body).status_code == 400


@pytest.mark.clause("A4.2")
def test_order_select_needs_its_selections(door: Door) -> None:
    body = order(prefetch(), draft(), hook="order-select")
    del body["context"]["selections"]
    assert door.post("hpg-order-select", body).status_code == 400


@pytest.mark.clause("A4.2")
@pytest.mark.clause("Z7")
def test_a_selection_that_is_in_no_draft_is_nothing_to_judge(door: Door) -> None:
    body = order(prefetch(severe()), draft(), hook="order-select", select=["MedicationRequest/x"])
    assert door.cards(body) == []


@pytest.mark.clause("A4.3")
@pytest.mark.clause("Z7")
def test_an_order_signed_again_is_judged_like_a_draft(door: Door) -> None:
    body = order(prefetch(severe()), draft(status="active"))
    assert "severe-primary-failure" in codes(door.cards(body))


@pytest.mark.clause("A4.11")
@pytest.mark.clause("Z7")
def test_an_order_of_dstu2_is_understood(door: Door) -> None:
    old = {
        "resourceType": "MedicationOrder",
        "id": "old-1",
        "medicationCodeableConcept": {"text": "Clomiphene citrate 50 MG Oral Tablet"},
        "dosageInstruction": [{"text": "one daily"}],
    }
    assert "severe-primary-failure" in codes(door.cards(order(prefetch(severe()), old)))


@pytest.mark.clause("A4.12")
def test_the_draft_is_removed_under_the_id_the_client_gave_it(door: Door) -> None:
    (card, *_) = door.cards(order(prefetch(severe()), draft(id_="request-123.tmp")))
    ids = [a.get("resourceId") for s in card["suggestions"] for a in s["actions"]]
    assert "MedicationRequest/request-123.tmp" in ids


@pytest.mark.clause("A4.13")
@pytest.mark.parametrize(
    "broken",
    [
        {"category": {"coding": [{"code": "outpatient"}]}},
        {"intent": None, "status": None},
        {"dosageInstruction": {"text": "25 mg daily"}},
        {"dosageInstruction": [None]},
        {"dosageInstruction": [{"timing": "daily"}]},
        {"subject": None},
        {"authoredOn": 20260101},
    ],
)
def test_a_half_written_draft_is_judged_all_the_same(door: Door, broken: Json) -> None:
    cards = door.cards(order(prefetch(severe()), draft(**broken)))
    assert "severe-primary-failure" in codes(cards)


@pytest.mark.clause("A4.13")
def test_a_draft_without_a_drug_is_nothing_to_judge(door: Door) -> None:
    bare = {"resourceType": "MedicationRequest", "id": "m"}
    assert door.cards(order(prefetch(severe()), bare)) == []


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "space": b"  ",
    "cut off": b'{"hook": "patient-view", "hookInstance": ',
    "an array": b"[]",
    "a string": b'"patient-view"',
    "a number": b"1e999999",
    "null": b"null",
    "NaN": b'{"hook": NaN}',
    "not UTF-8": b'{"hook": "patient-view\xff\xfe"}',
    "UTF-16": '{"hook": "patient-view"}'.encode("utf-16"),
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"context":' * 50_000 + b"1" + b"}" * 50_000,
    "a page": b"<html><body>login</body></html>",
    "trailing": b"{}{}",
    "lone surrogate": b'{"hook": "\\ud800"}',
}


@pytest.mark.clause("A3.12")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_is_no_call_is_refused_cleanly(door: Door, name: str) -> None:
    said = json.dumps(refused(door, HOSTILE[name]))
    assert "Traceback" not in said


@pytest.mark.clause("A3.12")
def test_a_byte_order_mark_is_no_reason_to_refuse(door: Door) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(view(prefetch())).encode()
    assert door.post("hpg-patient-view", body).status_code == 200


def hostile_prefetch() -> dict[str, bytes]:
    """Values of the hormones key that are JSON and no reason to fail."""
    row = b'{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2986-8"}]},"subject":{"reference":"Patient/smith"},"effectiveDateTime":"2026-11-01T08:00:00-05:00","valueQuantity":{"value":%s,"unit":"ng/dL"}}'
    values = {
        "huge exponent": b"1e999999",
        "huge digits": b"9" * 5000,
        "negative": b"-5",
        "text": b'"NaN"',
        "underscore": b'"1_000"',
        "an object": b"{}",
        "null": b"null",
    }
    return {
        **{
            f"value {name}": b'{"resourceType":"Bundle","entry":[{"resource":%s}]}' % (row % value)
            for name, value in values.items()
        },
        "array": b"[]",
        "string": b'"Bundle"',
        "number": b"12",
        "true": b"true",
        "empty object": b"{}",
        "entry object": b'{"resourceType":"Bundle","entry":{}}',
        "entries of nothing": b'{"resourceType":"Bundle","entry":[null,1,"x",[],{}]}',
        "deep row": b'{"resourceType":"Bundle","entry":[' + b"[" * 500 + b"]" * 500 + b"]}",
        "links of nothing": b'{"resourceType":"Bundle","link":[null,{"relation":"next"}]}',
        "duplicate keys": b'{"resourceType":"Bundle","resourceType":"Patient","entry":[]}',
    }


@pytest.mark.clause("A3.12")
@pytest.mark.parametrize("name", hostile_prefetch())
@pytest.mark.parametrize("key", ["hormones", "patient", "conditions", "goals"])
def test_odd_prefetch_never_ends_in_an_error_of_ours(door: Door, key: str, name: str) -> None:
    data = prefetch()
    data[key] = "@@"
    body = json.dumps(view(data)).encode().replace(b'"@@"', hostile_prefetch()[name])
    answer = door.post("hpg-patient-view", body)
    assert answer.status_code in (200, 400, 412), answer.get_data(as_text=True)
    if key not in ("hormones", "patient"):
        assert answer.status_code == 200


@pytest.mark.clause("A3.12")
def test_codes_of_refusal(tmp_path: Path, knowledge: Knowledge) -> None:
    door = Door(tmp_path, knowledge, settings={"max_body_mb": 1})
    assert door.post("no-such-service", view(prefetch())).status_code == 404
    assert door.post("no-such-service/feedback", {}).status_code == 404
    assert door.web.get("/cds-services/hpg-patient-view").status_code == 405
    assert door.web.post("/cds-services", json={}).status_code == 405
    assert door.web.put("/cds-services/hpg-patient-view", json={}).status_code == 405
    text = door.web.post("/cds-services/hpg-patient-view", data="x", content_type="text/plain")
    assert text.status_code == 415
    assert door.post("hpg-patient-view", b'{"a":"' + b"x" * 1_100_000 + b'"}').status_code == 413
    for refusal in (
        door.web.get("/cds-services/hpg-patient-view"),
        door.post("no-such-service", {}),
        text,
    ):
        assert refusal.get_json()["resourceType"] == "OperationOutcome"
        assert refusal.mimetype == "application/fhir+json"
    assert "POST" in door.web.get("/cds-services/hpg-patient-view").headers["Allow"]


@pytest.mark.clause("A3.13")
def test_a_body_of_several_megabytes_is_normal(door: Door) -> None:
    data = prefetch(severe())
    note = [{"text": "x" * 1000}]
    data["goals"] = {
        "resourceType": "Bundle",
        "entry": [
            {
                "resource": {
                    "resourceType": "Goal",
                    "id": f"g{n}",
                    "note": note,
                    "subject": {"reference": "Patient/smith"},
                }
            }
            for n in range(3000)
        ],
    }
    assert codes(door.cards(view(data)))


@pytest.mark.clause("A8.4")
@pytest.mark.parametrize("path", ["hpg-patient-view", "hpg-patient-view/feedback", "unknown"])
@pytest.mark.parametrize("token", [None, "Bearer", "Bearer a.b.c", "Basic dXNlcjpwYXNz"])
def test_whoever_cannot_be_verified_learns_nothing(
    tmp_path: Path, knowledge: Knowledge, path: str, token: str | None
) -> None:
    strict = Door(tmp_path, knowledge, settings={"cds_auth": "required"})
    headers = {} if token is None else {"Authorization": token}
    answer = strict.post(path, view({"patient": patient()}), **headers)
    assert (answer.status_code, answer.data) == (401, b"")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
