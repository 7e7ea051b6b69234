"""What a physician set aside stays away, and what must come back comes back (contract 5)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hookwork import HEMATOCRIT, Door, codes, draft, order, prefetch, result, severe, view

Json = dict[str, Any]


def answer(door: Door, card: Json, outcome: str = "overridden", **more: Any) -> Json:
    """What the user did with the card; `reason` is short for an override reason."""
    item: Json = {
        "card": card["uuid"],
        "outcome": outcome,
        "outcomeTimestamp": door.clock().isoformat().replace("+00:00", "Z"),
        **more,
    }
    reason = item.pop("reason", None)
    if reason:
        system = "https://hpg-recalibration.example/fhir/CodeSystem/override-reason"
        item["overrideReason"] = {"reason": {"code": reason, "system": system}}
    return item


def give(door: Door, service: str, *items: Json) -> int:
    return door.post(f"{service}/feedback", {"feedback": list(items)}).status_code


def treated(hematocrit: float = 52.5, **keys: Any) -> Json:
    """A man on clomiphene with a hematocrit that warns."""
    drug = draft("clomiphene citrate 25 mg", "m1", status="active", authoredOn="2026-06-01")
    entry = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": drug}]}
    found = [
        *severe_free(),
        result(HEMATOCRIT, hematocrit, "%", day=-5),
    ]
    return prefetch(
        found[:-1],
        safety={"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": found[-1]}]},
        medicationRequests=entry,
        **keys,
    )


def severe_free() -> list[Json]:
    return [result("2986-8", 520, "ng/dL", day=-20), result("10501-5", 7.1, "[IU]/L", day=-20)]


def hematocrit_card(door: Door, data: Json, **members: Any) -> Json | None:
    for card in door.cards(view(data, **members)):
        if "hematocrit-high" in codes([card]):
            return card
    return None


def test_an_overridden_warning_is_not_shown_to_that_user_for_90_days(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    assert give(door, "hpg-patient-view", answer(door, card, reason="will-monitor")) == 200
    assert hematocrit_card(door, treated()) is None
    door.clock.forward(days=89)
    # The result itself has not changed; only its age has.
    assert hematocrit_card(door, treated()) is None
    door.clock.forward(days=2)
    assert hematocrit_card(door, treated()) is not None


def test_another_user_still_sees_it(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    give(door, "hpg-patient-view", answer(door, card))
    other = {"userId": "Practitioner/grace", "patientId": "smith"}
    assert hematocrit_card(door, treated(), context=other) is not None


def test_a_newer_value_brings_it_back(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    give(door, "hpg-patient-view", answer(door, card, reason="will-monitor"))
    assert hematocrit_card(door, treated(53.1)) is not None


def test_a_changed_drug_list_brings_it_back(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    give(door, "hpg-patient-view", answer(door, card))
    data = treated()
    new = draft("anastrozole 1 mg", "m2", status="active", authoredOn="2026-11-01")
    data["medicationRequests"]["entry"].append({"resource": new})
    assert hematocrit_card(door, data) is not None


def test_an_accepted_card_is_not_set_aside(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    give(door, "hpg-patient-view", answer(door, card, "accepted", acceptedSuggestions=[]))
    assert hematocrit_card(door, treated()) is not None


def test_a_critical_finding_is_never_set_aside(door: Door) -> None:
    ordered = order(prefetch(severe()), draft())
    (card,) = door.cards(ordered)
    assert card["indicator"] == "critical"
    give(door, "hpg-order-sign", answer(door, card, reason="benefit-exceeds-risk"))
    assert codes(door.cards(ordered))[0] == "severe-primary-failure"


def eugonadal_order(text: str, encounter: str | None = "e1") -> Json:
    found = [
        r
        for day in (-40, -10)
        for r in (
            result("2986-8", 640, "ng/dL", day=day),
            result("10501-5", 5.0, "[IU]/L", day=day),
            result("15067-2", 4.0, "[IU]/L", day=day),
        )
    ]
    body = order(prefetch(found), draft(dosageInstruction=[{"text": text}]))
    body["context"]["encounterId"] = encounter
    if encounter is None:
        del body["context"]["encounterId"]
    return body


def not_indicated(door: Door, body: Json) -> Json | None:
    found = [c for c in door.cards(body) if "not-indicated" in codes([c])]
    return found[0] if found else None


def test_on_an_order_a_warning_stays_away_for_the_same_dose_in_the_encounter(door: Door) -> None:
    same = eugonadal_order("25 mg by mouth once a day")
    card = not_indicated(door, same)
    assert card is not None
    give(door, "hpg-order-sign", answer(door, card, reason="benefit-exceeds-risk"))
    assert not_indicated(door, same) is None
    assert not_indicated(door, eugonadal_order("50 mg by mouth once a day")) is not None
    assert not_indicated(door, eugonadal_order("25 mg by mouth once a day", "e2")) is not None
    door.clock.forward(hours=13)
    assert not_indicated(door, same) is not None


def test_without_an_encounter_it_is_the_draft_that_counts(door: Door) -> None:
    body = eugonadal_order("25 mg by mouth once a day", None)
    card = not_indicated(door, body)
    assert card is not None
    give(door, "hpg-order-sign", answer(door, card))
    assert not_indicated(door, body) is None
    body["context"]["draftOrders"]["entry"][0]["resource"]["id"] = "another-draft"
    assert not_indicated(door, body) is not None


def test_a_critical_finding_shares_no_fate_with_its_card_mates(door: Door) -> None:
    ordered = order(prefetch(severe()), draft())
    (card, *_) = door.cards(ordered)
    mates = [f for f in codes([card]) if f != "severe-primary-failure"]
    give(door, "hpg-order-sign", answer(door, card))
    again = codes(door.cards(ordered))
    assert "severe-primary-failure" in again
    assert not set(mates) & set(again)


@pytest.mark.clause("A12.2")
def test_the_same_answer_twice_counts_once(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    item = answer(door, card, reason="will-monitor")
    assert give(door, "hpg-patient-view", item, item) == 200
    assert give(door, "hpg-patient-view", item) == 200
    with door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM feedback").scalar() == 1


@pytest.mark.clause("A12.8")
def test_a_strange_card_is_taken_and_changes_nothing(door: Door) -> None:
    card = {"uuid": str(uuid4())}
    assert give(door, "hpg-patient-view", answer(door, card)) == 200
    with door.ledger.reading() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM feedback").scalar() == 0
        assert conn.exec_driver_sql("SELECT count(*) FROM snooze").scalar() == 0


@pytest.mark.clause("A12.9")
def test_a_comment_is_not_kept_in_clear(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    item = answer(door, card)
    item["overrideReason"] = {"userComment": "Mr Smith donates blood on Fridays"}
    assert give(door, "hpg-patient-view", item) == 200
    with door.ledger.reading() as conn:
        (comment,) = conn.exec_driver_sql("SELECT comment FROM feedback").one()
    assert b"Smith" not in comment
    assert door.ledger.vault.open(comment, card["uuid"]) == b"Mr Smith donates blood on Fridays"


@pytest.mark.parametrize("reason", ["data-wrong", "not-applicable"])
def test_a_disputed_finding_needs_the_same_evidence(door: Door, reason: str) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    give(door, "hpg-patient-view", answer(door, card, reason=reason))
    assert hematocrit_card(door, treated()) is None
    corrected = treated()
    corrected["safety"]["entry"][0]["resource"]["id"] = "another-result"
    corrected["safety"]["entry"][0]["resource"]["valueQuantity"]["value"] = 52.6
    assert hematocrit_card(door, corrected) is not None


@pytest.mark.clause("A12.3")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"feedback": {}},
        {"feedback": [{"card": "x"}]},
        {
            "feedback": [
                {"card": "x", "outcome": "ignored", "outcomeTimestamp": "2026-01-01T00:00Z"}
            ]
        },
        {"feedback": [{"card": "x", "outcome": "accepted", "outcomeTimestamp": "yesterday"}]},
        {"feedback": [None]},
        [],
    ],
)
def test_feedback_of_another_shape_is_refused(door: Door, body: Any) -> None:
    refused = door.post("hpg-patient-view/feedback", body)
    assert refused.status_code == 400
    assert refused.get_json()["resourceType"] == "OperationOutcome"


@pytest.mark.clause("A12.5")
def test_a_reason_without_display_and_an_override_without_reason_are_taken(door: Door) -> None:
    card = hematocrit_card(door, treated())
    assert card is not None
    first = answer(door, card)
    door.clock.forward(minutes=1)
    second = answer(door, card, outcomeTimestamp="2026-11-22T15:01:00.123+02:00")
    second["overrideReason"] = {"reason": {"code": "will-monitor"}}
    assert give(door, "hpg-patient-view", first, second) == 200
    with door.ledger.reading() as conn:
        reasons = conn.exec_driver_sql("SELECT reason FROM feedback ORDER BY received").all()
    assert {row[0] for row in reasons} == {None, "will-monitor"}
