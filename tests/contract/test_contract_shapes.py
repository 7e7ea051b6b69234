"""Calls as older, newer and stricter clients write them: all are read as far as they go."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hookwork import Door, codes, draft, order, patient, prefetch, severe, view
from signing import ISS, bearer, key_set, token

from smartapp.cds import Client
from smartapp.cds.discovery import Service, registry
from smartapp.cds.request import read_request
from smartapp.errors import InputError
from smartapp.jose import read_key_set
from smartapp.knowledge import Knowledge

Json = dict[str, Any]

SEVERE = "severe-primary-failure"
CLOMIPHENE = {"text": "Clomiphene citrate 50 MG Oral Tablet"}


def named(**members: Any) -> Json:
    """An order of a contained Medication."""
    medication = {"resourceType": "Medication", "id": "med", "code": CLOMIPHENE}
    return {
        "id": "old",
        "contained": [medication],
        "medicationReference": {"reference": "#med"},
        **members,
    }


@pytest.mark.clause("A4.11")
@pytest.mark.clause("A3.11")
@pytest.mark.clause("Z7")
@pytest.mark.parametrize(
    "old",
    [
        {"resourceType": "MedicationOrder", "medicationCodeableConcept": CLOMIPHENE},
        named(resourceType="MedicationOrder", dateWritten="2016-01-01", status="draft"),
        named(
            resourceType="MedicationRequest",  # STU3: the dose stands directly in the dosage
            dosageInstruction=[{"sequence": 1, "doseQuantity": {"value": 25, "unit": "mg"}}],
            requester={"agent": {"reference": "Practitioner/ada"}},
        ),
    ],
    ids=["dstu2", "dstu2 contained", "stu3"],
)
def test_an_order_of_an_older_fhir_is_judged(door: Door, old: Json) -> None:
    assert SEVERE in codes(door.cards(order(prefetch(severe()), old)))


@pytest.mark.clause("A4.11")
@pytest.mark.parametrize(
    "kind",
    ["ProcedureRequest", "DiagnosticOrder", "ReferralRequest", "DeviceRequest", "NutritionOrder",
     "VisionPrescription", "CommunicationRequest", "Task", "NotOfAnyVersion"],
)  # fmt: skip
def test_an_order_of_something_else_is_passed_over_beside_ours(door: Door, kind: str) -> None:
    other = {"resourceType": kind, "id": "o", "code": CLOMIPHENE, "subject": {"display": "he"}}
    assert door.cards(order(prefetch(severe()), other)) == []
    assert SEVERE in codes(door.cards(order(prefetch(severe()), other, draft())))


@pytest.mark.clause("A4.3")
@pytest.mark.clause("Z7")
def test_orders_signed_again_stand_among_drafts_and_each_is_judged(door: Door) -> None:
    signed = draft(id_="signed", status="active", authoredOn="2026-01-01")
    vitamin = draft("Vitamin D3 1000 IU", id_="vitamin", status="on-hold")
    cards = door.cards(order(prefetch(severe()), vitamin, signed, draft(id_="new")))
    assert SEVERE in codes(cards)
    removed = {
        action["resourceId"]
        for card in cards
        for suggestion in card.get("suggestions", ())
        for action in suggestion["actions"]
        if action["type"] == "delete"
    }
    assert removed == {"MedicationRequest/signed", "MedicationRequest/new"}


@pytest.mark.clause("A4.3")
@pytest.mark.parametrize(
    "change",
    [{"status": s} for s in ("cancelled", "stopped", "completed", "entered-in-error")]
    + [{"status": "active", "doNotPerform": True}],
    ids=lambda change: "-".join(map(str, change.values())),
)
def test_ending_or_forbidding_a_drug_is_no_order_of_it(door: Door, change: Json) -> None:
    assert door.cards(order(prefetch(severe()), draft(**change))) == []


@pytest.mark.clause("A10.7")
@pytest.mark.clause("A10.9")
def test_nothing_beyond_the_drafts_is_touched_and_nothing_is_changed_in_part(door: Door) -> None:
    sent = [draft(id_="one"), draft("enclomiphene 12.5 mg", id_="two")]
    for card in door.cards(order(prefetch(severe()), *sent)):
        for suggestion in card.get("suggestions", ()):
            for action in suggestion["actions"]:
                assert action["type"] != "update"
                if action["type"] == "delete":
                    assert action["resourceId"] in {
                        "MedicationRequest/one",
                        "MedicationRequest/two",
                    }
                    assert "resource" not in action


@pytest.mark.clause("A15.3")
@pytest.mark.clause("A4.10")
@pytest.mark.clause("A7.3")
@pytest.mark.parametrize("scope", ["patient/Observation.rs", "patient/*.read", "", None])
def test_a_call_of_the_next_version_is_answered_with_nothing_of_it(
    door: Door, scope: str | None
) -> None:
    body = view(
        prefetch(severe()),
        version="3.0.0",
        hookVersion="1.1",
        fhirServer="https://elsewhere.example/r4",
        fhirAuthorization={
            "access_token": "t", "token_type": "Bearer", "expires_in": "300", "scope": scope,
            "subject": "us", "patient": "smith", "extension": {"x": None},
        },
    )  # fmt: skip
    body["context"]["encounterId"] = "Encounter/e1"
    body["context"]["fulfillmentTasks"] = []
    answer = door.post("hpg-patient-view", body)
    assert SEVERE in codes(answer.get_json()["cards"])
    assert "actionSelectionBehavior" not in answer.text


@pytest.mark.clause("A8.3")
def test_a_refusal_says_why_as_an_operation_outcome(door: Door) -> None:
    answer = door.post("hpg-patient-view", view(None))
    assert answer.status_code == 412
    (issue,) = answer.get_json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "required")
    assert "hormones" in issue["diagnostics"]


@pytest.mark.clause("Z7")
@pytest.mark.clause("A4.4")
@pytest.mark.parametrize("named_by", ["dispatchedOrders", "order"])
def test_order_dispatch_is_not_offered_and_is_refused_in_both_its_shapes(
    door: Door, named_by: str
) -> None:
    body = view(prefetch(severe()), hook="order-dispatch")
    body["context"] = {"patientId": "smith", named_by: ["ServiceRequest/1"], "performer": "x/1"}
    for service in ("hpg-order-sign", "hpg-order-select", "hpg-patient-view"):
        assert door.post(service, body).status_code == 400


@pytest.mark.clause("A4.5")
def test_encounter_start_is_offered_where_configured_with_the_cards_of_patient_view(
    tmp_path: Path, knowledge: Knowledge
) -> None:
    door = Door(tmp_path, knowledge, settings={"cds_extra_hooks": ("encounter-start",)})
    listed = door.web.get("/cds-services").get_json()["services"]
    assert ("hpg-encounter-start", "encounter-start") in {(s["id"], s["hook"]) for s in listed}
    data = prefetch(severe())
    opened, begun = door.cards(view(data)), door.cards(view(data, hook="encounter-start"))
    assert codes(opened) == codes(begun) != []
    assert [c["summary"] for c in opened] == [c["summary"] for c in begun]


@pytest.mark.clause("A4.5")
def test_encounter_start_is_not_there_unasked(door: Door) -> None:
    body = view(prefetch(severe()), hook="encounter-start")
    assert door.post("hpg-encounter-start", body).status_code == 404


@pytest.mark.clause("A12.2")
@pytest.mark.clause("A12.8")
def test_one_odd_answer_loses_no_other(door: Door) -> None:
    body = view(prefetch(severe()))
    (card, *_) = door.cards(body)
    good = {
        "card": card["uuid"].upper(),
        "outcome": "accepted",
        "acceptedSuggestions": [],
        "outcomeTimestamp": "2026-11-22T15:00:01.25Z",
    }
    sent = {"feedback": [{"card": 7}, good, {**good, "outcomeTimestamp": "soon"}]}
    answer = door.post("hpg-patient-view/feedback", sent)
    assert answer.status_code == 400
    assert "feedback[0]" in answer.get_json()["issue"][0]["diagnostics"]
    with door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM feedback").scalar() == 1
    assert door.post("hpg-patient-view/feedback", {"feedback": [good]}).status_code == 200
    with door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM feedback").scalar() == 1


@pytest.mark.clause("C1.13")
@pytest.mark.clause("A1.3")
@pytest.mark.parametrize("demanded", [True, False])
@pytest.mark.clause("Z6")
def test_the_empty_member_is_there_for_who_demands_it_and_only_on_order_sign(
    tmp_path: Path, knowledge: Knowledge, demanded: bool
) -> None:
    client = Client(iss=ISS, keys=tuple(read_key_set(key_set())), system_actions_member=demanded)
    door = Door(tmp_path, knowledge, settings={"cds_auth": "required"}, clients=[client])

    def members(body: Json) -> set[str]:
        service = f"hpg-{body['hook']}"
        signed = bearer(token(aud=f"http://127.0.0.1:5000/cds-services/{service}"))
        answer = door.post(service, body, **signed)
        assert answer.status_code == 200
        assert answer.get_json().get("systemActions", []) == []
        return set(answer.get_json())

    usual = {"cards"}
    more = usual | {"systemActions"} if demanded else usual
    assert members(order(prefetch(severe()), draft())) == more
    assert members(order(prefetch(), draft("aspirin 100 mg"))) == more
    assert members(view(prefetch(severe()))) == usual


@pytest.mark.clause("A5.11")
@pytest.mark.clause("A15.4")
def test_nothing_of_a_later_version_is_sent_unasked(door: Door) -> None:
    listed = door.web.get("/cds-services").get_json()["services"]
    for service in listed:
        assert not service.keys() & {"version", "hookVersion", "extension"}
        for template in service["prefetch"].values():
            assert not any(word in template for word in ("today()", "ofType", "resolve", "%prior"))
    for card in door.cards(view(prefetch(severe()))):
        assert not any("autolaunchable" in link for link in card["links"])


def test_one_address_may_serve_several_hooks() -> None:
    both = registry((Service("one", "patient-view", "", ""), Service("one", "order-sign", "", "")))
    seen = read_request(json.dumps(view(prefetch())).encode(), both["one"])
    signed = read_request(json.dumps(order(prefetch(), draft())).encode(), both["one"])
    assert (seen.service.hook, signed.service.hook) == ("patient-view", "order-sign")
    with pytest.raises(InputError, match="patient-view, order-sign"):
        read_request(json.dumps(view(prefetch(), hook="order-select")).encode(), both["one"])


@pytest.mark.clause("A8.1")
def test_a_client_of_version_1_finds_all_it_knows(door: Door) -> None:
    body = order(prefetch(severe()), draft())
    del body["context"]["encounterId"]
    for card in door.cards(body):
        assert card["summary"]
        assert card["source"]["label"]
        assert card["indicator"] != "hard-stop"


@pytest.mark.clause("A6.10")
@pytest.mark.clause("A14.7")
def test_another_mans_data_are_told_of_without_an_id(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    body = view(prefetch(severe(), patient=patient(id="somebody-else")))
    assert door.post("hpg-patient-view", body).status_code == 412
    assert "not the one in context" in caplog.text
    assert "somebody-else" not in caplog.text
