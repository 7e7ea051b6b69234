"""Drafts of an order: old, short and broken ones, as clients send them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from smartapp.errors import InputError
from smartapp.knowledge.catalogue import Catalogue
from smartapp.patient import read_drafts
from smartapp.patient.record import DraftOrder


def raw(**elements: Any) -> bytes:
    return json.dumps({"resourceType": "MedicationRequest", "id": "d1"} | elements).encode()


CLOMID = {"text": "Clomiphene 50 mg tablet"}


@pytest.fixture
def one(catalogue: Catalogue) -> Any:
    def read(body: bytes, focus: frozenset[str] | None = None) -> DraftOrder:
        (order,) = read_drafts([body], catalogue, focus=focus)
        return order

    return read


def test_a_whole_draft(one: Any) -> None:
    order = one(raw(status="draft", intent="order", medicationCodeableConcept=CLOMID,
                    dosageInstruction=[{"text": "25 mg every other day"}]))  # fmt: skip
    assert (order.reference, order.agent, order.drug_class) == (
        "MedicationRequest/d1",
        "clomiphene",
        "serm",
    )
    assert order.dose.per_day == Decimal("12.5")
    assert order.in_focus


def test_the_sandbox_sends_a_category_object_and_no_intent(one: Any) -> None:
    order = one(raw(medicationCodeableConcept=CLOMID, category={"coding": []}))
    assert order.agent == "clomiphene"


def test_an_order_of_dstu2(one: Any) -> None:
    body = raw(resourceType="MedicationOrder", medicationCodeableConcept=CLOMID,
               dosageInstruction=[{"doseQuantity": {"value": 25, "unit": "mg"},
                                   "timing": {"repeat": {"frequency": 1, "period": 2,
                                                         "periodUnits": "d",
                                                         "periodUnit": "d"}}}])  # fmt: skip
    order = one(body)
    assert order.reference == "MedicationOrder/d1"
    assert (order.agent, order.dose.amount, order.dose.per_day) == ("clomiphene", 25, 12.5)


@pytest.mark.parametrize(
    "concept",
    [
        {"coding": {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "2596"}},
        {"coding": [{"code": 2596, "display": 7}], "text": "Clomiphene"},
        "Clomiphene 50 mg",
    ],
)
def test_a_drug_written_oddly_is_still_read_or_refused(one: Any, concept: Any) -> None:
    try:
        assert one(raw(medicationCodeableConcept=concept)).agent == "clomiphene"
    except InputError as error:
        assert "draft 1" in error.public


def test_a_drug_that_cannot_be_read_is_refused_by_place(catalogue: Catalogue) -> None:
    bodies = [raw(medicationCodeableConcept=CLOMID), raw(medicationCodeableConcept=[[1]])]
    with pytest.raises(InputError, match="draft 2"):
        read_drafts(bodies, catalogue, focus=None)


@pytest.mark.parametrize("body", [b"[]", b"12", b"{}", b"null", b'{"resourceType": 3}', b"{"])
def test_what_is_no_resource_is_refused(catalogue: Catalogue, body: bytes) -> None:
    with pytest.raises(InputError, match="draft 1"):
        read_drafts([body], catalogue, focus=None)


def test_a_broken_dosage_leaves_the_drug(one: Any) -> None:
    order = one(raw(medicationCodeableConcept=CLOMID, dosageInstruction="25 mg"))
    assert order.agent == "clomiphene"
    assert order.dose is None or order.dose.per_day is None
    odd = one(raw(medicationCodeableConcept=CLOMID, dosageInstruction={"text": "25 mg daily"}))
    assert odd.dose.per_day == 25


def test_the_drug_may_stand_in_another_draft(catalogue: Catalogue) -> None:
    medication = json.dumps(
        {"resourceType": "Medication", "id": "med", "code": {"text": "Pregnyl"}}
    ).encode()
    order = raw(medicationReference={"reference": "Medication/med"})
    (read,) = read_drafts([medication, order], catalogue, focus=None)
    assert read.agent == "hcg"


@pytest.mark.parametrize("kind", ["ServiceRequest", "NutritionOrder", "DeviceRequest"])
def test_other_orders_have_no_agent(one: Any, kind: str) -> None:
    order = one(raw(resourceType=kind, code={"text": "Testosterone, total"}))
    assert order.agent is None
    assert order.reference == f"{kind}/d1"


def test_an_unrelated_drug_has_no_agent_but_its_name(one: Any) -> None:
    order = one(raw(medicationCodeableConcept={"text": "Amoxicillin 500 mg"}))
    assert (order.agent, order.label) == (None, "Amoxicillin 500 mg")


def test_the_selections_are_in_focus_and_nothing_else(catalogue: Catalogue) -> None:
    bodies = [raw(id=name, medicationCodeableConcept=CLOMID) for name in ("a", "b")]
    orders = read_drafts(bodies, catalogue, focus=frozenset({"MedicationRequest/b"}))
    assert [order.in_focus for order in orders] == [False, True]
    assert all(o.in_focus for o in read_drafts(bodies, catalogue, focus=None))
    assert not any(o.in_focus for o in read_drafts(bodies, catalogue, focus=frozenset()))
