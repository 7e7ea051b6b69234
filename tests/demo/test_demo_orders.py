"""The order pad: drafts fire hooks, suggestions change drafts, critical cards stop a signature."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from demo_sandbox import ORIGIN, Ehr
from fake_cds import FakeCds, a_card
from fhir.resources.R4B.medicationrequest import MedicationRequest
from flask.testing import FlaskClient

from smartapp.demo.ward.formulary import load_menu
from smartapp.demo.ward.pad import CannotApply, Pads
from smartapp.stories import wire

ORDERS = "/chart/amos/orders"


@pytest.fixture
def cds(serve_app: Callable[..., str]) -> FakeCds:
    fake = FakeCds()
    fake.address = serve_app(fake.app)
    fake.cards = lambda call: []
    return fake


@pytest.fixture
def ehr(make_ehr: Any, cds: FakeCds) -> Ehr:
    made: Ehr = make_ehr(app_base_url=cds.address, launch_url=f"{cds.address}/launch")
    return made


@pytest.fixture
def browser(ehr: Ehr) -> FlaskClient:
    return ehr.client()


def post(browser: FlaskClient, path: str, **form: Any) -> str:
    answer = browser.post(
        path, data=form, headers={"Origin": ORIGIN}, base_url=ORIGIN, follow_redirects=True
    )
    assert answer.status_code == 200, answer.text
    return answer.text


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None
    return found[1]


def drafts(page: str) -> list[str]:
    return re.findall(r'data-testid="draft"><span class="what">([^<]*)</span>', page)


def critical(call: dict[str, Any]) -> list[dict[str, Any]]:
    """A critical card that offers to delete the newest draft."""
    order = call["context"]["draftOrders"]["entry"][-1]["resource"]
    delete = {
        "type": "delete",
        "description": "Remove the order",
        "resourceId": f"MedicationRequest/{order['id']}",
    }
    suggestion = {"label": "Remove the draft", "uuid": str(uuid.uuid4()), "actions": [delete]}
    return [a_card("critical", suggestions=[suggestion], links=[])]


def test_adding_a_draft_fires_order_select_about_it(
    ehr: Ehr, cds: FakeCds, browser: FlaskClient
) -> None:
    post(browser, f"{ORDERS}/add", choice="amoxicillin-500")
    page = post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    assert len(drafts(page)) == 2
    first, second = cds.calls
    assert second["hook"] == "order-select"
    entries = [e["resource"] for e in second["context"]["draftOrders"]["entry"]]
    assert [e["medicationCodeableConcept"]["text"] for e in entries] == [
        "amoxicillin",
        "clomiphene citrate 50 MG oral tablet",
    ]
    assert second["context"]["selections"] == [f"MedicationRequest/{entries[1]['id']}"]
    assert second["context"]["encounterId"] == "visit-amos"
    assert entries[1]["encounter"] == {"reference": "Encounter/visit-amos"}
    assert first["hookInstance"] != second["hookInstance"]


@pytest.mark.parametrize("key", load_menu())
def test_every_choice_is_valid_fhir(key: str) -> None:
    draft = load_menu()[key].draft(
        "draft-1", "amos", "visit-amos", "Practitioner/okafor", "2026-11-22T10:00:00+00:00"
    )
    MedicationRequest.model_validate_json(wire.encode(draft))
    assert draft["status"] == "draft"


def test_without_cards_signing_signs(ehr: Ehr, cds: FakeCds, browser: FlaskClient) -> None:
    post(browser, f"{ORDERS}/add", choice="amoxicillin-500")
    page = post(browser, f"{ORDERS}/sign")
    assert 'data-testid="signed"' in page
    assert drafts(page) == []
    assert cds.calls[-1]["hook"] == "order-sign"
    assert "selections" not in cds.calls[-1]["context"]
    token = ehr.tokens(scope="launch patient/*.rs")["access_token"]
    bundle = ehr.fhir("MedicationRequest?status=active", token).json or {}
    names = [e["resource"]["medicationCodeableConcept"]["text"] for e in bundle["entry"]]
    assert names == ["lisinopril", "amoxicillin"]


def test_there_must_be_something_to_sign(browser: FlaskClient, cds: FakeCds) -> None:
    assert "no draft order to sign" in post(browser, f"{ORDERS}/sign")
    assert cds.calls == []


def test_a_critical_card_stops_the_signature(cds: FakeCds, browser: FlaskClient) -> None:
    post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    cds.cards = critical
    page = post(browser, f"{ORDERS}/sign")
    assert 'data-indicator="critical"' in page
    assert len(drafts(page)) == 1
    again = post(browser, f"{ORDERS}/sign", cards=hidden(page, "cards"))
    assert "A critical card is undecided" in again
    assert len(drafts(again)) == 1


def test_following_the_suggestion_removes_the_draft(cds: FakeCds, browser: FlaskClient) -> None:
    cds.cards = critical
    page = post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    page = post(
        browser,
        "/chart/amos/cards/accept",
        cards=hidden(page, "cards"),
        card=hidden(page, "card"),
        suggestion="0",
    )
    assert drafts(page) == []
    assert "Removed from the order pad: clomiphene citrate 50 MG oral tablet" in page
    assert cds.feedback[0]["feedback"][0]["outcome"] == "accepted"


def test_overriding_with_a_reason_lets_the_order_be_signed(
    cds: FakeCds, browser: FlaskClient
) -> None:
    post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    cds.cards = critical
    page = post(browser, f"{ORDERS}/sign")
    form = {"cards": hidden(page, "cards"), "card": hidden(page, "card")}
    post(browser, "/chart/amos/cards/override", **form, reason="patient-declines")
    signed = post(browser, f"{ORDERS}/sign", cards=form["cards"])
    assert 'data-testid="signed"' in signed
    assert [call["hook"] for call in cds.calls] == ["order-select", "order-sign"]


def test_a_changed_pad_is_judged_anew(cds: FakeCds, browser: FlaskClient) -> None:
    post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    cds.cards = critical
    page = post(browser, f"{ORDERS}/sign")
    form = {"cards": hidden(page, "cards"), "card": hidden(page, "card")}
    post(browser, "/chart/amos/cards/override", **form, comment="considered")
    post(browser, f"{ORDERS}/add", choice="anastrozole-1")
    page = post(browser, f"{ORDERS}/sign", cards=form["cards"])
    assert 'data-testid="signed"' not in page
    assert cds.calls[-1]["hook"] == "order-sign"
    assert len(cds.calls[-1]["context"]["draftOrders"]["entry"]) == 2


def test_cards_of_order_select_do_not_count_as_seen_at_signing(
    cds: FakeCds, browser: FlaskClient
) -> None:
    cds.cards = lambda call: [a_card("info")]
    page = post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    page = post(browser, f"{ORDERS}/sign", cards=hidden(page, "cards"))
    assert 'data-testid="signed"' not in page
    assert cds.calls[-1]["hook"] == "order-sign"
    page = post(browser, f"{ORDERS}/sign", cards=hidden(page, "cards"))
    assert 'data-testid="signed"' in page


def test_an_unreachable_service_does_not_block_care(make_ehr: Any, free_port: int) -> None:
    browser = make_ehr(app_base_url=f"http://127.0.0.1:{free_port}").client()
    page = post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    assert "could not be reached" in page
    assert 'data-testid="signed"' in post(browser, f"{ORDERS}/sign")


def test_a_draft_can_be_taken_back(browser: FlaskClient) -> None:
    page = post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    reference = re.search(r'name="order" value="([^"]*)"', page)
    assert reference is not None
    assert drafts(post(browser, f"{ORDERS}/remove", order=reference[1])) == []


def test_pads_are_per_patient(browser: FlaskClient) -> None:
    post(browser, f"{ORDERS}/add", choice="clomiphene-50")
    assert "No drafts." in browser.get("/chart/boris/orders", base_url=ORIGIN).text


class TestSuggestionActions:
    """All or nothing, in the order of a FHIR transaction."""

    def order(self, identity: str | None = None, patient: str = "amos", **more: Any) -> Any:
        order = {
            "resourceType": "MedicationRequest",
            "subject": {"reference": f"Patient/{patient}"},
            "medicationCodeableConcept": {"text": "clomiphene"},
            **more,
        }
        return order | ({"id": identity} if identity else {})

    def test_replace_is_one_delete_and_one_create(self) -> None:
        pad = Pads().of("amos")
        old = pad.put(self.order("d1"))
        new = self.order(medicationCodeableConcept={"text": "hCG"})
        said = pad.apply(
            [{"type": "create", "resource": new}, {"type": "delete", "resourceId": old}]
        )
        assert [text.split()[0] for text in said] == ["Removed", "Added"]
        (draft,) = pad.drafts.values()
        assert draft["medicationCodeableConcept"]["text"] == "hCG"
        assert draft["id"].startswith("draft-")
        assert "id" not in new, "the card keeps what it said"

    def test_update_replaces_the_draft(self) -> None:
        pad = Pads().of("amos")
        pad.put(self.order("d1"))
        pad.apply([{"type": "update", "resource": self.order("d1", note=[{"text": "less"}])}])
        (draft,) = pad.drafts.values()
        assert draft["note"] == [{"text": "less"}]

    @pytest.mark.parametrize(
        "bad",
        [
            {"type": "delete", "resourceId": "MedicationRequest/gone"},
            {"type": "delete"},
            {"type": "update", "resource": {"resourceType": "MedicationRequest", "id": "d1"}},
            {"type": "create", "resource": {"resourceType": "Patient", "id": "amos"}},
            {"type": "create"},
            {"type": "explode"},
            {},
        ],
    )
    def test_one_bad_action_undoes_all(self, bad: dict[str, Any]) -> None:
        pad = Pads().of("amos")
        reference = pad.put(self.order("d1"))
        with pytest.raises(CannotApply):
            pad.apply([{"type": "delete", "resourceId": reference}, bad])
        assert list(pad.drafts) == [reference]

    def test_update_of_a_draft_that_is_gone(self) -> None:
        with pytest.raises(CannotApply):
            Pads().of("amos").apply([{"type": "update", "resource": self.order("d9")}])
