"""Prefetch: five states of a key, and what is fetched instead (standards A6, A7, Z2, Z3)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from hookwork import (
    EHR,
    KEYS,
    Door,
    bundle,
    codes,
    condition,
    draft,
    draw,
    order,
    patient,
    prefetch,
    severe,
    view,
)

from smartapp.cds import Site
from smartapp.knowledge import Knowledge

Json = dict[str, Any]
BASE = "https://ehr.example/fhir"
ACCESS = {
    "fhirServer": BASE,
    "fhirAuthorization": {
        "access_token": "sealed-token",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.rs",
        "subject": "hpg",
    },
}


def outcome(code: str = "exception", severity: str = "error") -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


@pytest.fixture
def wired(tmp_path: Path, knowledge: Knowledge) -> Iterator[Door]:
    """A service that may ask one EHR."""
    opened = Door(tmp_path, knowledge, sites=[Site(BASE)])
    yield opened
    opened.ledger.close()


class Ehr:
    """The EHR's FHIR API: answers by type, and remembers what was asked."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.mock = mock

    def holds(self, kind: str, body: Any, status: int = 200, query: str | None = None) -> None:
        # The exact address of an earlier page wins over the type's general answer.
        self.mock.get(query or f"{BASE}/{kind}", json=body, status=status)

    def everything(self) -> None:
        self.holds("Patient/smith", patient())
        self.holds("Observation", bundle(*severe()))
        for kind in (
            "Condition", "Procedure", "MedicationRequest", "MedicationStatement",
            "AllergyIntolerance", "Goal", "MedicationDispense", "MedicationAdministration",
            "QuestionnaireResponse",
        ):  # fmt: skip
            self.holds(kind, bundle())

    @property
    def asked(self) -> list[str]:
        return [str(call.request.url).removeprefix(BASE + "/") for call in self.mock.calls]


@pytest.fixture
def ehr() -> Iterator[Ehr]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield Ehr(mock)


# ---- required data


@pytest.mark.clause("A6.8")
@pytest.mark.clause("Z3")
@pytest.mark.parametrize("lost", ["patient", "hormones"])
def test_without_a_required_key_and_without_access_the_answer_is_412(door: Door, lost: str) -> None:
    data = prefetch(severe())
    del data[lost]
    answer = door.post("hpg-patient-view", view(data))
    assert answer.status_code == 412
    assert lost in answer.get_json()["issue"][0]["diagnostics"]


@pytest.mark.clause("A6.8")
@pytest.mark.parametrize("data", [None, {}, {"item1": None}])
def test_no_prefetch_and_no_access_is_412(door: Door, data: Json | None) -> None:
    assert door.post("hpg-patient-view", view(data)).status_code == 412
    assert door.post("hpg-order-sign", order(data, draft())).status_code == 412


@pytest.mark.clause("A6.9")
@pytest.mark.parametrize("key", [*KEYS, "patient"])
def test_null_is_an_answer_and_never_412(door: Door, key: str) -> None:
    data = {**prefetch(severe()), key: None}
    assert door.post("hpg-patient-view", view(data)).status_code == 200


@pytest.mark.clause("A6.9")
@pytest.mark.parametrize("key", [key for key in KEYS if key != "hormones"])
def test_any_other_missing_key_is_named_on_the_card(door: Door, key: str) -> None:
    data = prefetch(severe())
    del data[key]
    text = "".join(card["detail"] for card in door.cards(view(data)))
    assert "not supplied" in text
    whole = "".join(card["detail"] for card in door.cards(view(prefetch(severe()))))
    assert "not supplied" not in whole


@pytest.mark.clause("A6.9")
def test_a_woman_needs_no_hormones_to_be_outside_the_rules(door: Door) -> None:
    assert door.cards(view({"patient": patient(gender="female")})) == []


def test_an_empty_chart_is_said_and_not_passed_over(door: Door) -> None:
    (card,) = door.cards(view(prefetch(severe(), patient=None)))
    assert card["source"]["topic"]["code"] == "cannot-assess"


# ---- states


@pytest.mark.clause("A6.2")
@pytest.mark.clause("A6.3")
@pytest.mark.parametrize("nothing", [None, bundle(), {"resourceType": "Bundle", "total": 0}])
def test_a_known_nothing_is_not_asked_again(wired: Door, ehr: Ehr, nothing: Any) -> None:
    data = prefetch(severe(), **{key: nothing for key in KEYS if key != "hormones"})
    cards = wired.cards(view(data, **ACCESS))
    assert codes(cards)
    assert ehr.asked == []
    assert "not supplied" not in "".join(card["detail"] for card in cards)


@pytest.mark.clause("A6.1")
@pytest.mark.clause("A6.7")
@pytest.mark.clause("A7.9")
def test_a_missing_key_is_fetched_with_the_token_of_the_call(wired: Door, ehr: Ehr) -> None:
    ehr.everything()
    data = prefetch(severe())
    del data["conditions"]
    cards = wired.cards(view(data, **ACCESS))
    assert [url.partition("?")[0] for url in ehr.asked] == ["Condition"]
    assert ehr.mock.calls[0].request.headers["Authorization"] == "Bearer sealed-token"
    assert "not supplied" not in "".join(card["detail"] for card in cards)


@pytest.mark.clause("A7.9")
def test_a_call_without_prefetch_lives_on_its_token(wired: Door, ehr: Ehr) -> None:
    ehr.everything()
    assert codes(wired.cards(view(None, **ACCESS))) == codes(
        wired.cards(view(prefetch(severe()), **ACCESS))
    )


@pytest.mark.clause("A6.4")
@pytest.mark.parametrize("code", ["exception", "timeout", "transient"])
def test_a_failed_key_is_tried_again_with_the_token(wired: Door, ehr: Ehr, code: str) -> None:
    ehr.everything()
    cards = wired.cards(view(prefetch(severe(), conditions=outcome(code)), **ACCESS))
    assert [url.partition("?")[0] for url in ehr.asked] == ["Condition"]
    assert "could not be read" not in "".join(card["detail"] for card in cards)


@pytest.mark.clause("A6.4")
@pytest.mark.parametrize("code", ["forbidden", "not-supported", "security"])
def test_a_refusal_is_not_asked_again(wired: Door, ehr: Ehr, code: str) -> None:
    cards = wired.cards(view(prefetch(severe(), conditions=outcome(code)), **ACCESS))
    assert ehr.asked == []
    assert "diagnoses: could not be read" in "".join(card["detail"] for card in cards)


@pytest.mark.clause("A6.4")
def test_a_warning_keeps_the_data(door: Door) -> None:
    data = prefetch(severe())
    data["hormones"]["entry"].append(
        {"search": {"mode": "outcome"}, "resource": outcome("informational", "information")}
    )
    cards = door.cards(view(data))
    assert "severe-primary-failure" in codes(cards)
    assert "only in part" not in cards[0]["detail"]


@pytest.mark.clause("A6.4")
def test_an_error_inside_a_bundle_keeps_the_rows_and_is_named(door: Door) -> None:
    data = prefetch(severe())
    data["safety"] = bundle(outcome("incomplete"))
    cards = door.cards(view(data))
    assert "severe-primary-failure" in codes(cards)
    assert "safety laboratory results: read only in part" in cards[0]["detail"]


@pytest.mark.clause("A6.4")
@pytest.mark.parametrize("lost", ["patient", "hormones"])
def test_a_required_key_that_failed_is_412(door: Door, lost: str) -> None:
    data = {**prefetch(severe()), lost: outcome()}
    assert door.post("hpg-patient-view", view(data)).status_code == 412


@pytest.mark.clause("A6.5")
def test_a_next_page_is_followed_with_the_token(wired: Door, ehr: Ehr) -> None:
    first = severe()[:3]
    second = severe()[3:]
    page = f"{BASE}/Observation?page=2"
    ehr.mock.get(page, json=bundle(*second), match_querystring=None)
    data = prefetch(first)
    data["hormones"]["link"] = [{"relation": "next", "url": page}]
    cards = wired.cards(view(data, **ACCESS))
    assert ehr.asked == ["Observation?page=2"]
    assert "severe-primary-failure" in codes(cards)


@pytest.mark.clause("A6.5")
def test_without_a_token_a_next_page_is_a_gap_that_is_said(door: Door) -> None:
    data = prefetch(severe())
    data["hormones"]["link"] = [{"relation": "next", "url": f"{EHR}/Observation?page=2"}]
    assert "hormone results: read only in part" in door.cards(view(data))[0]["detail"]


@pytest.mark.clause("A6.5")
@pytest.mark.clause("A7.8")
def test_a_next_page_elsewhere_is_never_asked(wired: Door, ehr: Ehr) -> None:
    data = prefetch(severe())
    data["hormones"]["link"] = [{"relation": "next", "url": "https://evil.example/fhir/x"}]
    cards = wired.cards(view(data, **ACCESS))
    assert ehr.asked == []
    assert "hormone results: read only in part" in cards[0]["detail"]


@pytest.mark.clause("A6.6")
def test_keys_of_other_services_are_ignored(door: Door) -> None:
    data = prefetch(
        severe(), theirs=bundle(condition("E29.1", "x")), item2={"resourceType": "Bundle"}
    )
    assert codes(door.cards(view(data))) == codes(door.cards(view(prefetch(severe()))))


# ---- whose data


@pytest.mark.clause("A6.10")
def test_another_mans_patient_resource_is_not_used(door: Door) -> None:
    data = prefetch(severe(), patient=patient(id="jones"))
    answer = door.post("hpg-patient-view", view(data))
    assert answer.status_code == 412
    assert "jones" not in answer.get_data(as_text=True)


@pytest.mark.clause("A6.10")
def test_another_mans_results_are_not_used(door: Door) -> None:
    data = prefetch(severe())
    for entry in data["hormones"]["entry"]:
        entry["resource"]["subject"]["reference"] = "Patient/jones"
    assert "severe-primary-failure" not in codes(door.cards(view(data)))


@pytest.mark.clause("A6.10")
def test_one_strange_row_among_his_own_changes_nothing(door: Door) -> None:
    mixed = severe()
    strange = draw(-1, t=700, lh=4, fsh=3)
    for row in strange:
        row["subject"] = {"reference": "Patient/jones"}
    assert codes(door.cards(view(prefetch([*mixed, *strange])))) == codes(
        door.cards(view(prefetch(mixed)))
    )


@pytest.mark.clause("A7.2")
def test_access_to_another_mans_chart_is_not_used(wired: Door, ehr: Ehr) -> None:
    """Its empty answers would look like a record in which nothing is written."""
    data = prefetch(severe())
    del data["conditions"]
    access = {**ACCESS["fhirAuthorization"], "patient": "jones"}
    cards = wired.cards(view(data, fhirServer=BASE, fhirAuthorization=access))
    assert ehr.asked == []
    assert "another patient's chart" in cards[0]["detail"]
    access["patient"] = "Patient/smith"
    wired.cards(view(data, fhirServer=BASE, fhirAuthorization=access))
    assert [asked.partition("?")[0] for asked in set(ehr.asked)] == ["Condition"]


# ---- who is asked


@pytest.mark.clause("C1.9")
@pytest.mark.parametrize("token", ["€", "a\r\nX-Forged: 1", "\x00", "two words", "x" * 20_000])
def test_a_token_that_no_header_can_carry_costs_only_what_it_should_have_opened(
    wired: Door, ehr: Ehr, token: str
) -> None:
    data = prefetch(severe())
    del data["conditions"]
    access = {**ACCESS["fhirAuthorization"], "access_token": token}
    cards = wired.cards(view(data, fhirServer=BASE, fhirAuthorization=access))
    assert ehr.asked == []
    assert "severe-primary-failure" in codes(cards)
    assert "the access token that came for the EHR is none" in cards[0]["detail"]


@pytest.mark.clause("A7.8")
@pytest.mark.parametrize(
    "server",
    [
        "https://evil.example/fhir",
        "https://ehr.example.evil.example/fhir",
        "https://ehr.example/fhir/../other",
        "https://ehr.example/other",
        "http://169.254.169.254/latest",
        "http://ehr.example/fhir",
        "file:///etc/passwd",
        "https://ehr.example@evil.example/fhir",
    ],
)
def test_only_a_listed_server_is_ever_asked(wired: Door, ehr: Ehr, server: str) -> None:
    body = view(None, **{**ACCESS, "fhirServer": server})
    assert wired.post("hpg-patient-view", body).status_code == 412
    assert ehr.asked == []


@pytest.mark.clause("A7.6")
def test_a_token_without_a_server_is_used_nowhere(wired: Door, ehr: Ehr) -> None:
    body = view(None, fhirAuthorization=ACCESS["fhirAuthorization"])
    assert wired.post("hpg-patient-view", body).status_code == 412
    assert ehr.asked == []


@pytest.mark.clause("A7.6")
def test_a_server_without_a_token_is_asked_only_if_it_is_an_open_one(
    wired: Door, ehr: Ehr, tmp_path: Path, knowledge: Knowledge
) -> None:
    assert wired.post("hpg-patient-view", view(None, fhirServer=BASE)).status_code == 412
    assert ehr.asked == []
    ehr.everything()
    sandbox = Door(tmp_path / "open", knowledge, sites=[Site(BASE, open=True)])
    assert codes(sandbox.cards(view(None, fhirServer=BASE)))


@pytest.mark.clause("A7.1")
def test_an_authorization_without_the_rest_is_enough(wired: Door, ehr: Ehr) -> None:
    ehr.everything()
    body = view(None, fhirServer=BASE, fhirAuthorization={"access_token": "t"})
    assert codes(wired.cards(body))


@pytest.mark.clause("C1.9")
@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_server_that_refuses_leaves_the_prefetch_to_be_judged(
    wired: Door, ehr: Ehr, status: int
) -> None:
    ehr.holds("Condition", outcome("login"), status=status)
    data = prefetch(severe())
    del data["conditions"]
    cards = wired.cards(view(data, **ACCESS))
    assert "severe-primary-failure" in codes(cards)
    assert "diagnoses: could not be read" in cards[0]["detail"]


@pytest.mark.clause("A8.6")
def test_a_slow_server_does_not_hold_the_call_beyond_its_deadline(
    tmp_path: Path, knowledge: Knowledge, ehr: Ehr
) -> None:
    door = Door(tmp_path, knowledge, settings={"hook_deadline_ms": 600}, sites=[Site(BASE)])

    def slow(_request: Any) -> tuple[int, dict[str, str], str]:
        time.sleep(1.5)
        return 200, {}, '{"resourceType":"Bundle"}'

    ehr.mock.add_callback(responses.GET, f"{BASE}/Condition", callback=slow)
    data = prefetch(severe())
    del data["conditions"]
    started = time.perf_counter()
    cards = door.cards(view(data, **ACCESS))
    assert time.perf_counter() - started < 1.2
    assert "diagnoses: could not be read" in cards[0]["detail"]
    time.sleep(1.0)  # the late thread must not outlive the mock


@pytest.mark.clause("A7.4")
@pytest.mark.clause("A7.5")
def test_the_token_is_neither_kept_nor_logged(
    wired: Door, ehr: Ehr, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ehr.everything()
    wired.cards(view(None, **ACCESS))
    wired.ledger.close()
    assert "sealed-token" not in caplog.text
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sealed-token" not in stored


# ---- a Patient under a name that is not ours


@pytest.mark.clause("A6.6")
def test_a_patient_mapped_by_hand_under_another_name_is_found(door: Door) -> None:
    data = prefetch(severe())
    data["item1"] = {"response": {"status": "200 OK"}, "resource": data.pop("patient")}
    assert "severe-primary-failure" in codes(door.cards(view(data)))
    data["item1"]["resource"]["id"] = "jones"
    assert door.post("hpg-patient-view", view(data)).status_code == 412


# ---- what the call's token may not read


def with_scope(scope: str | None) -> Json:
    return ACCESS | {"fhirAuthorization": ACCESS["fhirAuthorization"] | {"scope": scope}}


@pytest.mark.clause("A7.3")
@pytest.mark.parametrize("verb", ["rs", "read"])
def test_what_the_token_may_not_read_is_not_asked_for_and_is_named(
    wired: Door, ehr: Ehr, verb: str
) -> None:
    """An EHR may answer such a search with an empty list: no diagnosis there means nothing."""
    ehr.everything()
    scope = f"patient/Patient.{verb} user/Observation.{verb} patient/Goal.r openid"
    answer = wired.post("hpg-patient-view", view(None, **with_scope(scope)))
    assert answer.status_code == 200
    assert {path.partition("?")[0] for path in ehr.asked} == {"Patient/smith", "Observation"}
    assert "did not grant this app to read Condition" in answer.text
    assert "reading of Goal but no search" in answer.text


@pytest.mark.clause("A7.3")
@pytest.mark.clause("A6.8")
def test_a_token_without_the_hormones_is_no_access_to_them(wired: Door, ehr: Ehr) -> None:
    ehr.everything()
    answer = wired.post("hpg-patient-view", view(None, **with_scope("user/Patient.read")))
    assert answer.status_code == 412
    assert not any(path.startswith("Observation") for path in ehr.asked)


@pytest.mark.clause("A7.3")
@pytest.mark.parametrize("scope", [None, "", "launch openid", "patient/Observation.sr"])
def test_a_client_that_names_no_resource_is_asked_everything(
    wired: Door, ehr: Ehr, scope: str | None
) -> None:
    ehr.everything()
    answer = wired.post("hpg-patient-view", view(None, **with_scope(scope)))
    assert answer.status_code == 200
    assert any(path.startswith("Condition") for path in ehr.asked)


@pytest.mark.clause("B10.6")
def test_a_permission_for_a_part_is_used_and_told_as_a_part(wired: Door, ehr: Ehr) -> None:
    ehr.everything()
    scope = "patient/Patient.rs patient/Observation.rs?category=laboratory"
    answer = wired.post("hpg-patient-view", view(None, **with_scope(scope)))
    assert answer.status_code == 200
    assert "only where category=laboratory" in answer.text
