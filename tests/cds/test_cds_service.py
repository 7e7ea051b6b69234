"""The whole way of a call: from a body to cards, ledger rows and headers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hookwork import (
    EHR,
    NOW,
    PATIENT,
    Door,
    codes,
    condition,
    draft,
    draw,
    findings_of,
    order,
    patient,
    prefetch,
    result,
    severe,
    view,
)

from smartapp.cds import Site
from smartapp.knowledge import Knowledge
from smartapp.ledger import audit
from smartapp.ledger.cards import last_shown

Json = dict[str, Any]


def test_clomiphene_for_a_man_with_severe_primary_failure_is_stopped(door: Door) -> None:
    (card,) = [
        c for c in door.cards(order(prefetch(severe()), draft())) if c["indicator"] == "critical"
    ]
    assert "severe-primary-failure" in codes([card])
    removal = card["suggestions"][0]["actions"]
    assert [(a["type"], a["resourceId"]) for a in removal] == [
        ("delete", "MedicationRequest/draft-1")
    ]


def test_the_same_man_is_warned_about_when_his_chart_is_opened(door: Door) -> None:
    cards = door.cards(view(prefetch(severe())))
    assert "severe-primary-failure" in codes(cards)
    assert {c["indicator"] for c in cards} == {"warning"}


def test_both_order_hooks_answer_alike(door: Door) -> None:
    data = prefetch(severe())
    signed = door.cards(order(data, draft()))
    chosen = door.cards(
        order(data, draft(), hook="order-select", select=["MedicationRequest/draft-1"])
    )
    assert [findings_of(c) for c in signed] == [findings_of(c) for c in chosen]


def test_a_draft_not_selected_is_context_and_not_judged(door: Door) -> None:
    body = order(
        prefetch(severe()),
        draft(),
        draft("amoxicillin 500 mg", "draft-2"),
        hook="order-select",
        select=["MedicationRequest/draft-2"],
    )
    assert door.cards(body) == []


def test_a_draft_of_another_drug_gets_no_card_and_needs_no_data(door: Door) -> None:
    assert door.cards(order(None, draft("amoxicillin 500 mg"))) == []


@pytest.mark.parametrize("who", [{"gender": "female"}, {"birthDate": "2015-02-01"}])
def test_a_woman_and_a_child_get_no_cards(door: Door, who: Json) -> None:
    assert door.cards(view(prefetch(severe(), patient=patient(**who)))) == []


def test_a_man_without_anything_gets_no_cards(door: Door) -> None:
    assert door.cards(view(prefetch())) == []


def test_what_was_shown_is_remembered_for_the_page(door: Door) -> None:
    (card, *_) = door.cards(view(prefetch(severe()), fhirServer=EHR))
    (shown, *_) = findings_of(card)
    row = last_shown(door.ledger, EHR, PATIENT, shown["id"])
    assert row is not None
    assert (row.code, row.severity, row.card) == (shown["code"], shown["severity"], card["uuid"])
    assert row.summary
    assert row.shown_at == NOW
    assert last_shown(door.ledger, EHR, "another", shown["id"]) is None
    assert last_shown(door.ledger, EHR, PATIENT, shown["id"], card=card["uuid"]) == row
    assert last_shown(door.ledger, EHR, PATIENT, shown["id"], card="another") is None


def test_every_call_is_audited_and_the_chain_holds(door: Door) -> None:
    door.cards(view(prefetch(severe())))
    door.cards(view(prefetch()))
    door.cards(order(None, draft("amoxicillin 500 mg")))
    report = audit.verify(door.ledger)
    assert (report.ok, report.count) == (True, 3)


def test_the_ledger_holds_no_result_value_in_clear(door: Door, tmp_path: Path) -> None:
    door.cards(
        view(prefetch([*draw(-40, t=121.37, lh=31, fsh=44), *draw(-9, t=110, lh=33, fsh=46)]))
    )
    door.ledger.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"121.37" not in stored
    assert b"Smith" not in stored


def test_the_parts_of_a_call_are_timed(door: Door) -> None:
    answer = door.post("hpg-patient-view", view(prefetch(severe())))
    timing = answer.headers["Server-Timing"]
    assert [part.split(";")[0] for part in timing.split(", ")] == ["read", "assess", "ledger"]


def test_findings_carry_the_configured_issuer_whatever_slash_the_client_writes(
    tmp_path: Path, knowledge: Knowledge
) -> None:
    door = Door(tmp_path, knowledge, sites=[Site(EHR + "/")])
    ids = [
        {f["id"] for c in door.cards(view(prefetch(severe()), **where)) for f in findings_of(c)}
        for where in ({"fhirServer": EHR}, {"fhirServer": EHR + "/"}, {})
    ]
    assert ids[0] == ids[1] == ids[2]


def test_a_wrong_hook_for_the_service_is_refused(door: Door) -> None:
    refused = door.post("hpg-order-sign", view(prefetch()))
    assert refused.status_code == 400
    assert "order-sign" in refused.get_json()["issue"][0]["diagnostics"]


def test_nothing_of_the_patient_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door.cards(view(prefetch(severe())))
    door.post("hpg-patient-view", view({"patient": patient(id="other-man")}))
    door.post("hpg-patient-view", b'{"hook": "patient-view", "context": {"patientId": "smith"')
    logged = caplog.text.lower()
    for secret in ("smith", "john", "ada", "other-man"):
        assert secret not in logged


def test_a_problem_list_that_could_not_be_read_is_named_on_the_card(door: Door) -> None:
    broken = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "secret words"}],
    }
    text = "".join(c["detail"] for c in door.cards(view(prefetch(severe(), conditions=broken))))
    assert "diagnoses: could not be read" in text
    assert "secret words" not in text


def test_an_odd_row_hides_no_other(door: Door) -> None:
    data = prefetch(severe())
    data["hormones"]["entry"].insert(0, {"resource": {"resourceType": "Observation", "status": 7}})
    data["hormones"]["entry"].insert(0, None)
    assert "severe-primary-failure" in codes(door.cards(view(data)))


def test_a_visual_field_defect_on_clomiphene_is_critical(door: Door) -> None:
    drug = draft("clomiphene citrate 25 mg", "m1", status="active", authoredOn="2026-06-01")
    data = prefetch(
        draw(-20, t=520, lh=7, fsh=5),
        conditions={
            "resourceType": "Bundle",
            "entry": [
                {"resource": condition("H53.40", "Visual field defect", onsetDateTime="2026-10-20")}
            ],
        },
        medicationRequests={"resourceType": "Bundle", "entry": [{"resource": drug}]},
    )
    cards = door.cards(view(data))
    assert cards[0]["indicator"] == "critical"
    assert "visual-symptoms" in codes(cards)


def test_a_sentence_of_a_lab_cannot_become_markup(door: Door) -> None:
    odd = result("2986-8", 100, "ng/dL", day=-3)
    odd["valueQuantity"]["unit"] = "<img src=x onerror=alert(1)>"
    del odd["valueQuantity"]["code"]
    for card in door.cards(view(prefetch([*severe(), odd]))):
        assert "<" not in card["detail"]
